"""Plain YAML values become msgspec Structs; what does not fit is an error with line and key.

The Structs say what is right; this module reads them with `msgspec.inspect` and follows the
Collector's rules for values: null means "not set", and a reference gives its text where text is
wanted. A value under a key that holds secrets is never part of an error, another one only as
`describe_value` has it.
"""

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from msgspec import inspect

from probe.config.errors import ConfigurationError, ErrorList, KeyPath, find_nearest, render_key
from probe.config.expand import Expanded
from probe.config.yaml_document import Document
from probe.text.description import LONGEST_NUMBER, Description

T = TypeVar("T")

SECRET_KEYS: Final = frozenset(
    {"client_auth", "headers", "headers_list", "http_sd", "key_pem", "proxy_url", "token", "tokens"}
)
_NAMES: Final[dict[type[inspect.Type], tuple[tuple[type, ...], str]]] = {
    inspect.StrType: ((str,), "text"),
    inspect.IntType: ((int,), "a whole number"),
    inspect.FloatType: ((int, float), "a number"),
    inspect.BoolType: ((bool,), "true or false"),
    inspect.ListType: ((list,), "a list"),
    inspect.DictType: ((dict,), "a mapping"),
    inspect.StructType: ((dict,), "a mapping"),
}
"""Of each kind of value that a Struct may ask for: Python's types for it, and its name."""


def convert(document: Document, kind: type[T]) -> T:
    """Return the value of `document` as a `kind`.

    Raises:
        ConfigurationError: every unknown key, else the first value of the wrong type or size.
    """
    shape = inspect.type_info(kind)
    converter = _Converter(document)
    value = {} if document.value is None else document.value
    converted: T = converter.convert(value, shape, ())
    converter.unknown.raise_any()
    if converter.misfit is not None:
        raise converter.misfit
    return converted


def error_at(
    document: Document,
    path: KeyPath,
    reason: str,
    *,
    found: Any = None,
    allowed: Iterable[str] = (),
) -> ConfigurationError:
    """Return the error for the key at `path`; a `found` text gets its nearest of `allowed`."""
    allowed = tuple(allowed)
    return ConfigurationError(
        reason,
        file=document.file_of(path),
        line=document.line(path),
        key=render_key(path),
        found=None if found is None else _describe_found(found, path),
        allowed=allowed,
        nearest=find_nearest(found, allowed) if isinstance(found, str) else None,
    )


class _Converter:
    """Converts one document; the first misfit is kept while unknown keys are still collected."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self.unknown = ErrorList()
        self.misfit: ConfigurationError | None = None

    def convert(self, value: Any, shape: inspect.Type, path: KeyPath) -> Any:
        """Return `value` as a `shape`, or anything at all where it does not fit."""
        kinds = _alternatives(shape)
        if isinstance(value, Expanded):
            chosen = value.value if _takes_parsed(value, kinds) else value.text
            return self.convert(chosen, shape, path)
        for kind in kinds:
            if isinstance(kind, inspect.AnyType):
                return self._convert_any(value)
            if isinstance(kind, inspect.NoneType):
                if value is None:
                    return None
            elif _is_of(kind, value):
                return self._convert_as(kind, value, path)
        self._reject(value, kinds, path, duration=_is_duration(shape))
        return None

    def _convert_as(self, kind: inspect.Type, value: Any, path: KeyPath) -> Any:
        match kind:
            case inspect.StructType():
                return self._convert_struct(kind, value, path)
            case inspect.DictType(value_type=inner):
                return {key: self.convert(item, inner, (*path, key)) for key, item in value.items()}
            case inspect.ListType(item_type=inner):
                return [self.convert(item, inner, (*path, at)) for at, item in enumerate(value)]
            case inspect.IntType(ge=lowest, le=highest) | inspect.FloatType(ge=lowest, le=highest):
                # Written so that NaN is outside of every bound.
                if lowest is not None and not value >= lowest:
                    self._reject(value, (kind,), path, bound=f", at least {lowest:g}")
                elif highest is not None and not value <= highest:
                    self._reject(value, (kind,), path, bound=f", at most {highest:g}")
                return float(value) if isinstance(kind, inspect.FloatType) else value
            case _:
                return value

    def _convert_struct(self, kind: inspect.StructType, value: Any, path: KeyPath) -> Any:
        fields = {field.encode_name: field for field in kind.fields}
        held = {}
        for key, item in value.items():
            field = fields.get(key)
            if field is not None:
                if item is not None and not (
                    isinstance(item, Expanded) and _is_null(item, field.type)
                ):
                    held[field.name] = self.convert(item, field.type, (*path, key))
            elif kind.forbid_unknown_fields:
                self._add_unknown((*path, key), fields)
        for key, field in fields.items():
            if field.required and field.name not in held:
                self._keep_first((*path, key), "is missing")
                held[field.name] = None
        return kind.cls(**held)

    def _add_unknown(self, path: KeyPath, allowed: Iterable[str]) -> None:
        if self.unknown.is_full:
            self.unknown.omitted += 1
            return
        reason = "unknown key"
        self.unknown.add(error_at(self._document, path, reason, found=path[-1], allowed=allowed))

    def _convert_any(self, value: Any) -> Any:
        """Return `value` as YAML reads it, references included."""
        if isinstance(value, Expanded):
            return self._convert_any(value.value)
        if isinstance(value, dict):
            return {key: self._convert_any(item) for key, item in value.items()}
        return [self._convert_any(item) for item in value] if isinstance(value, list) else value

    def _reject(
        self,
        value: Any,
        kinds: Iterable[inspect.Type],
        path: KeyPath,
        *,
        bound: str = "",
        duration: bool = False,
    ) -> None:
        wanted = dict.fromkeys(_NAMES[type(kind)][1] for kind in kinds if type(kind) in _NAMES)
        reason = f"must be {' or '.join(wanted)}{bound}"
        if list(wanted) == ["text"] and isinstance(value, int | float):
            if duration and not isinstance(value, bool):
                example = str(value) if len(str(value)) <= LONGEST_NUMBER else "30"
                reason = f"a duration needs its unit, like {example}s"
            else:
                reason += ": put it in quotes"
        self._keep_first(path, reason, Description("nothing") if value is None else value)

    def _keep_first(self, path: KeyPath, reason: str, found: Any = None) -> None:
        if self.misfit is None:
            self.misfit = error_at(self._document, path, reason, found=found)


def _alternatives(shape: inspect.Type) -> tuple[inspect.Type, ...]:
    """Return the kinds of value that `shape` takes, the preferred one first."""
    if isinstance(shape, inspect.Metadata):
        return _alternatives(shape.type)
    if isinstance(shape, inspect.UnionType):
        return tuple(kind for part in shape.types for kind in _alternatives(part))
    return (shape,)


def _is_duration(shape: inspect.Type) -> bool:
    if isinstance(shape, inspect.UnionType):
        return any(map(_is_duration, shape.types))
    return isinstance(shape, inspect.Metadata) and bool((shape.extra or {}).get("duration"))


def _is_of(kind: inspect.Type, value: Any) -> bool:
    # True is an int to Python, and no number to people.
    types = _NAMES[type(kind)][0]
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _takes_parsed(value: Expanded, kinds: tuple[inspect.Type, ...]) -> bool:
    """Return whether a reference stands for what YAML makes of it, not for its text."""
    wants_list = any(isinstance(kind, inspect.ListType) for kind in kinds)
    return not isinstance(kinds[0], inspect.StrType) or (
        wants_list and isinstance(value.value, list)
    )


def _is_null(value: Expanded, shape: inspect.Type) -> bool:
    """Return whether a reference to nothing stands where no text is wanted."""
    return value.value is None and _takes_parsed(value, _alternatives(shape))


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
