"""Plain YAML values become msgspec Structs; what does not fit is an error with line and key.

The Structs say what is right; this module reads them with `msgspec.inspect` and follows the
Collector's rules for values: null means "not set", and a reference gives its text where text is
wanted.
"""

from collections.abc import Iterable
from typing import Any, Final, TypeVar

from msgspec import inspect

from probe.config.errors import ConfigurationError, ErrorList
from probe.config.location import Location
from probe.config.yaml_document import Expanded, unwrap_all
from probe.text.description import LONGEST_NUMBER, Description

T = TypeVar("T")

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


def convert(value: Any, kind: type[T], location: Location) -> T:
    """Return `value`, the value at `location`, as a `kind`; null is an empty mapping.

    Raises:
        ConfigurationError: every unknown key, else the first value of the wrong type or size.
    """
    shape = inspect.type_info(kind)
    converter = _Converter()
    converted: T = converter.convert({} if value is None else value, shape, location)
    converter.unknown.raise_any()
    if converter.misfit is not None:
        raise converter.misfit
    return converted


class _Converter:
    """Converts one document; the first misfit is kept while unknown keys are still collected."""

    def __init__(self) -> None:
        self.unknown = ErrorList()
        self.misfit: ConfigurationError | None = None

    def convert(self, value: Any, shape: inspect.Type, location: Location) -> Any:
        """Return `value` as a `shape`, or anything at all where it does not fit."""
        kinds = _list_alternatives(shape)
        if isinstance(value, Expanded):
            chosen = value.value if _takes_parsed(value, kinds) else value.text
            return self.convert(chosen, shape, location)
        for kind in kinds:
            if isinstance(kind, inspect.AnyType):
                return unwrap_all(value)
            if isinstance(kind, inspect.NoneType):
                if value is None:
                    return None
            elif _has_type(kind, value):
                return self._convert_as(kind, value, location)
        self._reject(value, kinds, location, duration=_is_duration(shape))
        return None

    def _convert_as(self, kind: inspect.Type, value: Any, location: Location) -> Any:
        match kind:
            case inspect.StructType():
                return self._convert_struct(kind, value, location)
            case inspect.DictType(value_type=inner):
                return {
                    key: self.convert(item, inner, location[key]) for key, item in value.items()
                }
            case inspect.ListType(item_type=inner):
                return [
                    self.convert(item, inner, location[place]) for place, item in enumerate(value)
                ]
            case inspect.IntType(ge=lowest, le=highest) | inspect.FloatType(ge=lowest, le=highest):
                # Written so that NaN is outside of every bound.
                if lowest is not None and not value >= lowest:
                    self._reject(value, (kind,), location, bound=f", at least {lowest:g}")
                elif highest is not None and not value <= highest:
                    self._reject(value, (kind,), location, bound=f", at most {highest:g}")
                return float(value) if isinstance(kind, inspect.FloatType) else value
            case _:
                return value

    def _convert_struct(self, kind: inspect.StructType, value: Any, location: Location) -> Any:
        fields = {field.encode_name: field for field in kind.fields}
        held = {}
        for key, item in value.items():
            if (field := fields.get(key)) is not None:
                if not _is_null(item, field.type):
                    held[field.name] = self.convert(item, field.type, location[key])
            elif kind.forbid_unknown_fields and self.unknown.is_full:
                self.unknown.omitted += 1
            elif kind.forbid_unknown_fields:
                self.unknown.add(location[key].error("unknown key", found=key, allowed=fields))
        for key, field in fields.items():
            if field.required and field.name not in held:
                self.misfit = self.misfit or location[key].error("is missing")
                held[field.name] = None
        return kind.cls(**held)

    def _reject(
        self,
        value: Any,
        kinds: Iterable[inspect.Type],
        location: Location,
        *,
        bound: str = "",
        duration: bool = False,
    ) -> None:
        if self.misfit is not None:
            return
        wanted = dict.fromkeys(_NAMES[type(kind)][1] for kind in kinds if type(kind) in _NAMES)
        reason = f"must be {' or '.join(wanted)}{bound}"
        if list(wanted) == ["text"] and isinstance(value, int | float):
            if duration and not isinstance(value, bool):
                example = str(value) if len(str(value)) <= LONGEST_NUMBER else "30"
                reason = f"a duration needs its unit, like {example}s"
            else:
                reason += ": put it in quotes"
        self.misfit = location.error(
            reason, found=Description("nothing") if value is None else value
        )


def _list_alternatives(shape: inspect.Type) -> tuple[inspect.Type, ...]:
    """Return the kinds of value that `shape` takes, the preferred one first."""
    if isinstance(shape, inspect.Metadata):
        return _list_alternatives(shape.type)
    if isinstance(shape, inspect.UnionType):
        return tuple(kind for part in shape.types for kind in _list_alternatives(part))
    return (shape,)


def _is_duration(shape: inspect.Type) -> bool:
    if isinstance(shape, inspect.UnionType):
        return any(map(_is_duration, shape.types))
    return isinstance(shape, inspect.Metadata) and bool((shape.extra or {}).get("duration"))


def _has_type(kind: inspect.Type, value: Any) -> bool:
    # True is an int to Python, and no number to people.
    types = _NAMES[type(kind)][0]
    return isinstance(value, types) and (bool in types or not isinstance(value, bool))


def _takes_parsed(value: Expanded, kinds: tuple[inspect.Type, ...]) -> bool:
    """Return whether a reference stands for what YAML makes of it, not for its text."""
    wants_list = any(isinstance(kind, inspect.ListType) for kind in kinds)
    return not isinstance(kinds[0], inspect.StrType) or (
        wants_list and isinstance(value.value, list)
    )


def _is_null(value: Any, shape: inspect.Type) -> bool:
    """Return whether `value` is null, or refers to nothing where no text is wanted."""
    if isinstance(value, Expanded):
        return value.value is None and _takes_parsed(value, _list_alternatives(shape))
    return value is None
