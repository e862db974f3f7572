r"""`${NAME:default}` in the configuration of a Spring application. Pure.

Follows PlaceholderParser of Spring Framework 6.2: names are looked up in the environment, then in
the configuration, whose own placeholders are replaced too; `\${` stands for `${`.
"""

from collections.abc import Mapping
from typing import Final

from probe.config.sources.sdk.spring.config_data import Name, Setting, make_uniform

_MOST_NESTED: Final = 16
_LONGEST: Final = 64 * 1024
"""Characters of a value, and how often placeholders are looked up for one."""


class UnresolvedError(ValueError):
    """A placeholder without a value and without a default: the application does not start."""

    def __init__(self, name: str) -> None:
        """Keep its name."""
        super().__init__(f"the placeholder ${{{name}}} has neither a value nor a default")
        self.name = name


class Resolver:
    """Resolves the values of one application."""

    def __init__(self, settings: Mapping[Name, Setting], environ: Mapping[str, str]) -> None:
        """Take the configuration, and the environment that comes before it."""
        self._settings = settings
        self._environ = environ
        self._left = _LONGEST

    def resolve(self, text: str) -> str:
        """Return `text` with its placeholders replaced.

        Raises:
            UnresolvedError: for one that has no value.
            ValueError: where they refer to themselves, or give too much.
        """
        self._left = _LONGEST
        return self._resolve(text, 0)

    def _resolve(self, text: str, depth: int) -> str:
        if depth > _MOST_NESTED:
            raise ValueError("its placeholders refer to themselves, or nest too deep")
        parts: list[str] = []
        at = 0
        while (begin := text.find("${", at)) >= 0:
            if begin > 0 and text[begin - 1] == "\\":
                parts.append(text[at : begin - 1] + "${")
                at = begin + 2
                continue
            end = _find_end(text, begin + 2)
            if end < 0:
                break
            parts.append(text[at:begin] + self._replace(text[begin + 2 : end], depth))
            at = end + 1
        return "".join(parts) + text[at:]

    def _replace(self, reference: str, depth: int) -> str:
        name = self._resolve(reference, depth + 1)
        value = self._look_up(name)
        if value is None and ":" in name:
            # Only what stands before the first colon is a name; the default may have placeholders.
            name, _, value = name.partition(":")
            value = found if (found := self._look_up(name)) is not None else value
        if value is None:
            raise UnresolvedError(name)
        self._left -= len(value) + 1
        if self._left < 0:
            raise ValueError(f"its placeholders give more than {_LONGEST} characters")
        return self._resolve(value, depth + 1)

    def _look_up(self, name: str) -> str | None:
        plain = name.replace(".", "_").replace("-", "_")
        for variant in (name, plain, plain.upper(), name.replace(".", "_").upper()):
            if variant in self._environ:
                return self._environ[variant]
        setting = self._settings.get(make_uniform(name)) if name else None
        return None if setting is None else setting.text


def _find_end(text: str, at: int) -> int:
    """Return where the placeholder ends that is open at `at`, or -1."""
    opened = 0
    while at < len(text):
        if text[at] == "}":
            if opened == 0:
                return at
            opened -= 1
        elif text[at] == "{" and (text[at - 1] == "$" or opened):
            opened += 1
        at += 1
    return -1
