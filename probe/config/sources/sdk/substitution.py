"""`${NAME:-default}` in an SDK's declarative file, by the rules of its specification.

Pure and total. Follows "Environment variable substitution" of the specification's configuration
data model, which differs from the Collector's rules: a default also stands for an empty variable,
nothing is expanded twice, no value becomes a mapping or a list, and types are found afterwards.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from probe.config.expand import check_variable
from probe.config.location import Location
from probe.config.yaml_document import MAX_BYTES, Document, Expanded, resolve_scalar

_ANY_REFERENCE: Final = re.compile(r"\$\{([^}\n]*)\}")
_REFERENCE: Final = re.compile(r"(?:env:)?([a-zA-Z_][a-zA-Z0-9_]*)(?::-(.*))?", re.DOTALL)
_FORM: Final = "a reference is ${NAME}, ${env:NAME} or ${NAME:-default}; $$ stands for a $"


@dataclass(frozen=True, slots=True)
class Plain:
    """The text of a scalar without quotes, whose type is found after the substitution."""

    text: str


def read_plain_scalar(text: str) -> Any:
    """Return the plain scalar `text` for `parse_yaml`, its type not yet found if a `$` is in it."""
    return Plain(text) if "$" in text else read_typed_scalar(text)


def read_typed_scalar(text: str) -> Any:
    """Return what the plain scalar `text` means; what is not text keeps its text too."""
    value = resolve_scalar(text)
    return value if value is None or isinstance(value, str) else Expanded(value, text)


def substitute_references(document: Document, environ: Mapping[str, str]) -> Any:
    """Return the value of `document`, read with `read_plain_scalar`, every reference replaced.

    Raises:
        ConfigurationError: for a reference that is not valid, a variable that is not text, or
            references that make the document too large.
    """
    return _Run(environ).substitute(document.value, Location(document))


class _Run:
    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._left = MAX_BYTES

    def substitute(self, value: Any, location: Location) -> Any:
        if isinstance(value, Plain):
            return read_typed_scalar(self._substitute_text(value.text, location))
        if isinstance(value, str):
            return self._substitute_text(value, location) if "$" in value else value
        if isinstance(value, dict):
            return {key: self.substitute(item, location[key]) for key, item in value.items()}
        if isinstance(value, list):
            return [self.substitute(item, location[place]) for place, item in enumerate(value)]
        return value

    def _substitute_text(self, text: str, location: Location) -> str:
        """Replace references between escapes, so that no escape becomes part of a reference."""
        return "$".join(
            _ANY_REFERENCE.sub(lambda found: self._replace(found, location), part)
            for part in text.split("$$")
        )

    def _replace(self, found: re.Match[str], location: Location) -> str:
        reference = _REFERENCE.fullmatch(found[1])
        if reference is None:
            raise location.error(_FORM, found=found[0])
        name, default = reference.groups()
        value = self._environ.get(name) or default or ""
        self._left -= len(value)
        if self._left < 0:
            raise location.error(
                f"the references of the file give more than {MAX_BYTES} characters"
            )
        return check_variable(name, value, location)
