"""`${…}` references in a configuration, expanded by the Collector's rules (confmap's resolver).

Pure: the environment comes as a mapping, files through a callable. Total: any text gives a value
or an `ExpansionError`; how often and how far one value may expand is bounded.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from probe.config.errors import ConfigurationError, KeyPath, explain_unreadable, render_key
from probe.config.yaml_document import MAX_BYTES, parse_yaml

SCHEMES: Final = ("env", "file", "yaml")
MAX_REFERENCES: Final = 1000
"""References that one value of the file may lead to; the Collector's bound for recursion."""
MAX_NESTING: Final = 100
"""How deep mappings, lists and the references in them may nest."""

_LOCATION: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)
_VARIABLE: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class ExpansionError(Exception):
    """A reference that cannot be expanded; `path` says in which value it stands."""

    def __init__(
        self, reason: str, path: KeyPath, found: str | None = None, allowed: tuple[str, ...] = ()
    ) -> None:
        """Keep the facts."""
        super().__init__(reason)
        self.reason = reason
        self.path = path
        self.found = found
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Expanded:
    """What a whole-value reference gave: `value` as YAML reads it, `text` where text is wanted."""

    value: Any
    text: str


def unwrap(value: Any) -> Any:
    """Return `value` as YAML reads it, where a whole-value reference gave it."""
    while isinstance(value, Expanded):
        value = value.value
    return value


@dataclass(frozen=True, slots=True)
class Expansion:
    """A value without references, and what the user should know about how it came to be."""

    value: Any
    warnings: tuple[str, ...] = ()


def expand(value: Any, *, environ: Mapping[str, str], read_file: Callable[[str], str]) -> Expansion:
    """Expand every text in `value`; mapping keys stay as they are.

    `${env:X}` and `${X}` read the environment, an unset one is empty (with a warning);
    `${env:X:-default}` has a default for an unset one only; `${file:PATH}` and `${yaml:TEXT}` read
    a file and the text itself. An odd number of `$` before `${` escapes it, and in the end `$$` is
    `$`. A value that is one reference and nothing else is read as YAML: where that gives text, the
    exact text stays; where it gives something else, the result is an `Expanded`.

    Args:
        value: Plain values, as `parse_yaml` gives them.
        environ: The environment's variables.
        read_file: Returns a file's text; raises OSError or ValueError where it cannot.

    Raises:
        ExpansionError: An unknown scheme, an invalid variable name, an unreadable file, a `$`
            within a reference, or references without end.
    """
    run = _Run(environ, read_file)
    return Expansion(run.walk(value, ()), tuple(run.warnings))


@dataclass(slots=True)
class _Budget:
    """What one value of the file may still use."""

    path: KeyPath
    references: int = MAX_REFERENCES
    characters: int = MAX_BYTES


class _Run:
    def __init__(self, environ: Mapping[str, str], read_file: Callable[[str], str]) -> None:
        self._environ = environ
        self._read_file = read_file
        self._parsed: dict[str, Any] = {}
        self.warnings: dict[str, None] = {}

    def walk(self, value: Any, path: KeyPath, budget: _Budget | None = None, depth: int = 0) -> Any:
        if isinstance(value, str):
            return self._text(value, budget or _Budget(path), depth) if "$" in value else value
        if not isinstance(value, dict | list):
            return value
        if depth > MAX_NESTING:
            raise ExpansionError(f"nests deeper than {MAX_NESTING} levels", path)
        if isinstance(value, dict):
            return {
                key: self.walk(item, (*path, key), budget, depth + 1) for key, item in value.items()
            }
        return [self.walk(item, (*path, at), budget, depth + 1) for at, item in enumerate(value)]

    def _text(self, text: str, budget: _Budget, depth: int) -> Any:
        while (reference := find_reference(text)) is not None:
            raw = self._retrieve(reference, budget)
            budget.references -= 1
            budget.characters -= len(raw) * text.count(reference)
            if budget.references < 0 or budget.characters < 0:
                raise ExpansionError("references that never end", budget.path, reference)
            if reference != text:
                text = text.replace(reference, raw)
                continue
            value = self._parse(raw)
            if not isinstance(value, str):
                shown = self._text(raw, budget, depth + 1) if "$" in raw else raw
                inner = self.walk(value, budget.path, budget, depth + 1)
                return Expanded(inner, shown) if isinstance(shown, str) else inner
            text = raw
        return text.replace("$$", "$")

    def _parse(self, raw: str) -> Any:
        if raw not in self._parsed:
            try:
                self._parsed[raw] = parse_yaml(raw).value
            except ConfigurationError:
                self._parsed[raw] = raw
        return self._parsed[raw]

    def _retrieve(self, reference: str, budget: _Budget) -> str:
        inner = reference[2:-1]
        located = _LOCATION.fullmatch(inner if ":" in inner else f"env:{inner}")
        scheme, opaque = located.groups() if located else ("", inner)
        if scheme not in SCHEMES:
            raise ExpansionError(
                "a reference is ${env:NAME}, ${env:NAME:-default}, ${file:PATH} or ${yaml:TEXT}",
                budget.path,
                reference,
                SCHEMES,
            )
        if "$" in opaque:
            raise ExpansionError("a reference holds no '$'", budget.path, reference)
        if scheme == "yaml":
            return opaque
        return self._variable(opaque, budget) if scheme == "env" else self._file(opaque, budget)

    def _variable(self, opaque: str, budget: _Budget) -> str:
        name, dash, default = opaque.partition(":-")
        if not _VARIABLE.fullmatch(name):
            reason = "a variable's name is letters, digits and _, and begins with no digit"
            raise ExpansionError(reason, budget.path, name)
        if name in self._environ:
            value = self._environ[name]
            # Python shows bytes that are no UTF-8 as surrogates (PEP 383); YAML knows none.
            if any("\ud800" <= char <= "\udfff" for char in value):
                raise ExpansionError("the variable's value is not UTF-8 text", budget.path, name)
            return value
        if not dash:
            where = render_key(budget.path)
            self.warnings[f"{where}: the variable {name} is not set and expands to nothing"] = None
        return default

    def _file(self, opaque: str, budget: _Budget) -> str:
        try:
            return self._read_file(opaque)
        except (OSError, ValueError) as error:
            reason = f"the file of a reference cannot be read: {explain_unreadable(error)}"
            raise ExpansionError(reason, budget.path, opaque) from None


def find_reference(text: str) -> str | None:
    """Return the first reference in `text` that no odd number of `$` before it escapes.

    The innermost comes first, as confmap's `findURI` has it: the last `${` before a `}`.
    """
    start = 0
    while (close := text.find("}", start)) >= 0:
        unwrap = text.rfind("${", start, close)
        if unwrap >= 0:
            before = text[start:unwrap]
            if (len(before) - len(before.rstrip("$"))) % 2 == 0:
                return text[unwrap : close + 1]
        start = close + 1
    return None
