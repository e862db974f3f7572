"""`Location`: the place of a value in a document; it makes the errors about that value.

A value under a key that holds secrets is never part of an error, another one only as
`describe_value` has it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

from probe.config.errors import ConfigurationError, KeyPath, find_nearest, render_key
from probe.config.yaml_document import Document, Expanded
from probe.text.description import LONGEST_NUMBER, Description

T = TypeVar("T")

SECRET_KEYS: Final = frozenset(
    {"client_auth", "headers", "headers_list", "http_sd", "key_pem", "proxy_url", "token", "tokens"}
)


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a document; `location["tls"]["ca_file"]` is one below it."""

    document: Document
    path: KeyPath = ()

    def __getitem__(self, key: str | int) -> Self:
        """Return the place of a part, whether or not it is in the file."""
        return type(self)(self.document, (*self.path, key))

    @property
    def key(self) -> str:
        """The path as people write it: `targets[0].tls.ca_file`."""
        return render_key(self.path)

    @property
    def line(self) -> int:
        """The line of the value, or of its nearest parent that is in the file."""
        return self.document.line(self.path)

    def parse(self, parser: Callable[[str], T], text: str) -> T:
        """Return what `parser` makes of `text`, the value here.

        Raises:
            ConfigurationError: with the reason of the ValueError that `parser` raises.
        """
        try:
            return parser(text)
        except ValueError as error:
            raise self.error(str(error), found=text) from None

    def error(
        self,
        reason: str,
        *,
        found: Any = None,
        allowed: Iterable[str] = (),
        nearest: str | None = None,
    ) -> ConfigurationError:
        """Return the error about the value here; a `found` text gets its nearest of `allowed`."""
        allowed = tuple(allowed)
        if nearest is None and isinstance(found, str):
            nearest = find_nearest(found, allowed)
        return ConfigurationError(
            reason,
            file=self.document.file_of(self.path),
            line=self.line,
            key=self.key,
            found=None if found is None else _describe_found(found, self.path),
            allowed=allowed,
            nearest=nearest,
        )


def _describe_found(value: Any, path: KeyPath) -> str:
    """Return `value` as an error shows it; of a secret, its type only."""
    match value:
        case Description():
            return value
        case Expanded():
            return _describe_found(value.value, path)
        case dict():
            return Description(f"a mapping of {len(value)}")
        case list():
            return Description(f"a list of {len(value)}")
        case None:
            return Description("nothing")
        case _ if not SECRET_KEYS.isdisjoint(path):
            return Description(f"{'text' if isinstance(value, str) else 'a value'} (not shown)")
        case bool():
            return "true" if value else "false"
        case str():
            return value
    number = str(value)
    if len(number) > LONGEST_NUMBER:
        return Description(f"a number of {len(number)} characters (not shown)")
    return Description(f"{number} (a number)")
