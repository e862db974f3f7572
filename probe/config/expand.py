"""`${…}` references in a configuration, expanded by the Collector's rules (confmap's resolver).

Pure: the environment comes as a mapping, files through a callable. Total: any text gives a value
or a `ConfigurationError`; how often and how far one value may expand is bounded.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import is_
from typing import Any, Final

from probe.config.errors import (
    ConfigurationError,
    UnknownSettingError,
    explain_unreadable,
    find_nearest,
)
from probe.config.location import Location
from probe.config.yaml_document import (
    MAX_BYTES,
    Expanded,
    parse_yaml,
    resolve_go_scalar,
    resolve_scalar,
)

SCHEMES: Final = ("env", "file", "yaml")
MAX_REFERENCES: Final = 1000
"""References that one value of the file may lead to; the Collector's bound for recursion."""
MAX_NESTING: Final = 100
"""How deep mappings, lists and the references in them may nest."""

_LOCATION: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):(.*)", re.DOTALL)
_VARIABLE: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@dataclass(frozen=True, slots=True)
class Unresolved:
    """Stands for a value that only a provider of the Collector's knows; `scheme` names it."""

    scheme: str
    reason: str = ""
    """Why it is not known, where it is not for want of a provider."""


@dataclass(frozen=True, slots=True)
class UnsetVariable:
    """A variable that is not set, and the key that a reference to it stands at."""

    name: str
    key: str

    def __str__(self) -> str:
        """Say what it means."""
        return f"{self.key}: the variable {self.name} is not set and expands to nothing"


@dataclass(frozen=True, slots=True)
class Expansion:
    """A value without references, and what the user should know about how it came to be."""

    value: Any
    unset: tuple[UnsetVariable, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to say of it, each once."""
        return tuple(map(str, self.unset))


PROVIDERS: Final = (
    "http", "https", "s3", "secretsmanager", "googlesecretmanager", "aes", "vault", "gcpsecretmanager",
    "awssecretsmanager", "azurekeyvault", "azkeyvault", "ssm", "consul", "op", "windowsregistry",
)  # fmt: skip
"""Schemes that builds of the Collector have a provider for, and the probe has not."""


def expand(
    value: Any,
    location: Location,
    *,
    environ: Mapping[str, str],
    read_file: Callable[[str], str],
    others: bool = False,
) -> Expansion:
    """Expand every text in `value`; mapping keys stay as they are.

    `${env:X}` and `${X}` read the environment, an unset one is empty (with a warning);
    `${env:X:-default}` has a default for an unset one only; `${file:PATH}` and `${yaml:TEXT}` read
    a file and the text itself. An odd number of `$` before `${` escapes it, and in the end `$$` is
    `$`. A value that is one reference and nothing else is read as YAML: where that gives text, the
    exact text stays; where it gives something else, the result is an `Expanded`.

    Args:
        value: Plain values, as `parse_yaml` gives them.
        location: Where `value` stands.
        environ: The environment's variables.
        read_file: Returns a file's text; raises OSError or ValueError where it cannot.
        others: Whether it is a Collector's configuration: a reference to a provider that only the
            Collector has gives `Unresolved`, and YAML is read as Go reads it.

    Raises:
        ConfigurationError: An unknown scheme, an invalid variable name, an unreadable file, a `$`
            within a reference, or references without end.
    """
    run = _Run(environ, read_file, others=others)
    return Expansion(run.expand(value, location), tuple(run.unset))


@dataclass(slots=True)
class _Budget:
    """What one value of the file may still use."""

    at: Location
    references: int = MAX_REFERENCES
    characters: int = MAX_BYTES


class _UnresolvedError(Exception):
    """What a reference stands for is not known here."""

    def __init__(self, scheme: str) -> None:
        super().__init__(scheme)
        self.scheme = scheme


class _Run:
    def __init__(
        self, environ: Mapping[str, str], read_file: Callable[[str], str], *, others: bool
    ) -> None:
        self._environ = environ
        self._read_file = read_file
        self._others = others
        self._plain = resolve_go_scalar if others else resolve_scalar
        self._parsed: dict[str, Any] = {}
        self.unset: dict[UnsetVariable, None] = {}

    def expand(
        self, value: Any, location: Location, budget: _Budget | None = None, depth: int = 0
    ) -> Any:
        if isinstance(value, str):
            if "$" not in value:
                return value
            try:
                return self._expand_text(value, budget or _Budget(location), depth)
            except _UnresolvedError as error:
                return Unresolved(error.scheme)
            except UnknownSettingError as error:
                if not self._others:
                    raise
                return Unresolved("", str(error))
        if not isinstance(value, dict | list):
            return value
        if depth > MAX_NESTING:
            raise location.error(f"nests deeper than {MAX_NESTING} levels")
        # What holds no reference is not made a second time: of thousands of targets few do.
        if isinstance(value, dict):
            found = {
                key: self.expand(item, location[key], budget, depth + 1)
                for key, item in value.items()
            }
            return value if all(map(is_, found.values(), value.values())) else found
        items = [
            self.expand(item, location[place], budget, depth + 1)
            for place, item in enumerate(value)
        ]
        return value if all(map(is_, items, value)) else items

    def _expand_text(self, text: str, budget: _Budget, depth: int) -> Any:
        while (reference := find_reference(text)) is not None:
            raw = self._retrieve(reference, budget.at)
            budget.references -= 1
            budget.characters -= len(raw) * text.count(reference)
            if budget.references < 0 or budget.characters < 0:
                raise budget.at.error("references that never end", found=reference)
            if reference != text:
                text = text.replace(reference, raw)
                continue
            value = self._parse(raw)
            if not isinstance(value, str):
                as_text = self._expand_text(raw, budget, depth + 1) if "$" in raw else raw
                inner = self.expand(value, budget.at, budget, depth + 1)
                return Expanded(inner, as_text) if isinstance(as_text, str) else inner
            text = raw
        return text.replace("$$", "$")

    def _parse(self, raw: str) -> Any:
        if raw not in self._parsed:
            try:
                self._parsed[raw] = parse_yaml(raw, plain=self._plain).value
            except ConfigurationError:
                self._parsed[raw] = raw
        return self._parsed[raw]

    def _retrieve(self, reference: str, location: Location) -> str:
        inner = reference[2:-1]
        located = _LOCATION.fullmatch(inner if ":" in inner else f"env:{inner}")
        scheme, opaque = located.groups() if located else ("", inner)
        if scheme not in SCHEMES:
            near = find_nearest(scheme, (*SCHEMES, *PROVIDERS))
            if self._others and scheme and (scheme in PROVIDERS or near is None):
                raise _UnresolvedError(scheme)
            reason = (
                "a reference is ${env:NAME}, ${env:NAME:-default}, ${file:PATH} or ${yaml:TEXT}"
            )
            raise location.error(reason, found=reference, allowed=SCHEMES)
        if "$" in opaque:
            raise location.error("a reference holds no '$'", found=reference)
        if scheme == "yaml":
            return opaque
        return (
            self._get_variable(opaque, location)
            if scheme == "env"
            else self._read(opaque, location)
        )

    def _get_variable(self, opaque: str, location: Location) -> str:
        name, dash, default = opaque.partition(":-")
        if not _VARIABLE.fullmatch(name):
            reason = "a variable's name is letters, digits and _, and begins with no digit"
            raise location.error(reason, found=name)
        if name in self._environ:
            return check_variable(name, self._environ[name], location)
        if not dash:
            self.unset[UnsetVariable(name, location.key)] = None
        return default

    def _read(self, path: str, location: Location) -> str:
        try:
            return self._read_file(path)
        except (OSError, ValueError) as error:
            reason = f"the file of a reference cannot be read: {explain_unreadable(error)}"
            raise location.error(reason, found=path) from None


def check_variable(name: str, value: str, location: Location) -> str:
    """Return the value of the variable `name`, which a reference at `location` stands for.

    Raises:
        ConfigurationError: where it is not UTF-8: Python shows such bytes as surrogates (PEP 383),
            which YAML does not know.
    """
    if any("\ud800" <= char <= "\udfff" for char in value):
        raise location.error("the variable's value is not UTF-8 text", found=name)
    return value


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
