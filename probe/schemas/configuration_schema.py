"""JSON Schema of the configuration file, as it is written: before its references are expanded.

It accepts what the loader accepts, and refuses of the rest what a file shows by itself. It is also
stricter in one way: settings with which no exporter could work, of which the loader makes a failed
target, are refused.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from probe.config.schema import Entry, FileEntry
from probe.schemas.configuration_limits import (
    REFERENCE,
    WHOLE_REFERENCE,
    limit_key,
    limit_mapping,
)
from probe.schemas.document_schema import DIALECT, find_structs
from probe.schemas.document_schema import REFERENCE as DEFINITION
from probe.schemas.struct_texts import Struct, describe_all_fields, describe_struct

kinds = msgspec.inspect

_REFERENCE: Final = {"type": "string", "pattern": WHOLE_REFERENCE}
_NULL: Final = {"type": "null"}


def build_configuration_schema() -> dict[str, Any]:
    """Return the schema of a configuration file."""
    structs = sorted(find_structs(FileEntry), key=lambda struct: struct.__name__)
    return {
        "$schema": DIALECT,
        "title": "The configuration of mtls-probe",
        "$ref": DEFINITION.format(name=FileEntry.__name__),
        "$defs": {struct.__name__: _define(struct) for struct in structs},
    }


def _define(struct: Struct) -> dict[str, Any]:
    information = kinds.type_info(struct)
    assert isinstance(information, kinds.StructType)
    texts = describe_all_fields(struct)
    properties: dict[str, Any] = {}
    for field in information.fields:
        shape = _convert(field.type, limit_key(struct, field.name))
        if not field.required:
            shape = _allow(shape, _NULL)
        if text := texts.get(field.name):
            shape = {"description": text, **shape}
        if field.default not in (None, msgspec.NODEFAULT) and not isinstance(field.default, Entry):
            shape["default"] = field.default
        properties[field.encode_name] = shape
    return {
        "description": describe_struct(struct),
        "type": "object",
        "properties": properties,
        "required": [field.encode_name for field in information.fields if field.required],
        "additionalProperties": False,
        **limit_mapping(struct),
    }


def _convert(kind: kinds.Type, limits: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a value as it is written: itself, or a reference that stands for it."""
    match kind:
        case kinds.Metadata(type=inner):
            return _convert(inner, limits)
        case kinds.UnionType(types=types):
            # null is added for every key: it means that the key is not set.
            parts = [_convert(one, limits) for one in types if not isinstance(one, kinds.NoneType)]
            return _combine(parts)
        case kinds.StrType():
            return _limit_text(limits)
        case kinds.ListType(item_type=inner):
            return _allow({"type": "array", "items": _convert(inner, limits)}, _REFERENCE)
        case kinds.DictType(value_type=inner):
            values = _convert(inner, {})
            return _allow({"type": "object", "additionalProperties": values, **limits}, _REFERENCE)
        case kinds.StructType(cls=struct):
            return _allow({"$ref": DEFINITION.format(name=struct.__name__)}, _REFERENCE)
        case kinds.BoolType():
            return _allow({"type": "boolean"}, _REFERENCE)
        case kinds.IntType(ge=lowest):
            return _allow({"type": "integer", **_bound(lowest, None)}, _REFERENCE)
        case kinds.FloatType(ge=lowest, le=highest):
            return _allow({"type": "number", **_bound(lowest, highest)}, _REFERENCE)
    return dict(limits)


def _limit_text(limits: dict[str, Any]) -> dict[str, Any]:
    """Return text within its limits, which hold once its references are expanded."""
    if not limits:
        return {"type": "string"}
    referring = {"type": "string", "pattern": REFERENCE}
    return _combine([{"type": "string", **limits}, referring])


def _bound(lowest: float | None, highest: float | None) -> dict[str, Any]:
    bounds = {"minimum": lowest, "maximum": highest}
    return {name: bound for name, bound in bounds.items() if bound is not None}


def _allow(shape: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    return _combine([shape, other])


def _combine(shapes: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the schema of what one of `shapes` takes."""
    parts: list[dict[str, Any]] = []
    for shape in shapes:
        more = shape["anyOf"] if set(shape) == {"anyOf"} else [shape]
        parts += [part for part in more if part not in parts]
    if {} in parts or parts == []:
        return {}
    return parts[0] if len(parts) == 1 else {"anyOf": parts}
