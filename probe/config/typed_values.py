"""Plain YAML values become the Structs of `schema`; what does not fit is said with line and key.

msgspec judges; this module gives it what the Collector's rules make of each value (null is "not
set", a reference's text where text is wanted) and turns its verdict into facts. Values under a key
that holds secrets are never part of an error, others only as `described_value` has it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar

import msgspec
from msgspec import inspect

from probe.config.errors import (
    MOST_ERRORS,
    ConfigurationError,
    KeyPath,
    Mistakes,
    nearest_of,
    render_key,
)
from probe.config.expand import Expanded
from probe.config.schema import DURATIONS
from probe.config.yaml_document import Document
from probe.text.description import LONGEST_NUMBER, Description, without_quotes

T = TypeVar("T")

SECRET_KEYS: Final = frozenset(
    {"client_auth", "headers", "headers_list", "http_sd", "key_pem", "proxy_url", "token", "tokens"}
)
_PATH: Final = re.compile(r" - at `\$((?:\.\w+|\[\d+\]|\[\.\.\.\])*)`$")
_PART: Final = re.compile(r"\.(\w+)|\[(\d+)\]|(\[\.\.\.\])")
_EXPECTED: Final = re.compile(r"^Expected `(.+?)`(?: (>=|<=|<|>) ([\d.]+)|, got `(\w+)`)?")
_MISSING: Final = re.compile(r"^Object missing required field `(\w+)`")
_WORDS: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a mapping",
}


def convert(document: Document, kind: type[T]) -> T:
    """Return the document as a `kind`, one of the Structs of `schema`.

    Raises:
        ConfigurationError: Every unknown key, else the first value of the wrong type or size.
    """
    shape = inspect.type_info(kind)
    value = settled(document.value, shape)
    _refuse_unknown_keys(document, value, shape)
    try:
        return msgspec.convert({} if value is None else value, kind)
    except msgspec.ValidationError as error:
        raise _explained(document, str(error), value, shape) from None


def _refuse_unknown_keys(document: Document, value: Any, shape: inspect.Type) -> None:
    unknown = list(_unknown_keys(value, shape, ()))
    mistakes = Mistakes()
    for path, allowed in unknown[:MOST_ERRORS]:
        reason = "unknown key"
        mistakes.add(error_at(document, path, reason, found=path[-1], allowed=allowed))
    mistakes.leave_out(len(unknown[MOST_ERRORS:]))
    mistakes.tell()


def _unknown_keys(
    value: Any, shape: inspect.Type, path: KeyPath
) -> Iterator[tuple[KeyPath, Iterable[str]]]:
    """Yield each key, with those allowed beside it, that a Struct forbids."""
    shape = _wanted(shape, value)
    if isinstance(value, dict) and isinstance(shape, inspect.StructType):
        shapes = {field.encode_name: field.type for field in shape.fields}
        for key, item in value.items():
            if key in shapes:
                yield from _unknown_keys(item, shapes[key], (*path, key))
            elif shape.forbid_unknown_fields:
                yield (*path, key), shapes
    elif isinstance(value, dict) and isinstance(shape, inspect.DictType):
        for key, item in value.items():
            yield from _unknown_keys(item, shape.value_type, (*path, key))
    elif isinstance(value, list) and isinstance(shape, inspect.ListType):
        for position, item in enumerate(value):
            yield from _unknown_keys(item, shape.item_type, (*path, position))


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
        found=None if found is None else described(found, path),
        allowed=allowed,
        nearest=nearest_of(found, allowed) if isinstance(found, str) else None,
    )


def described(value: Any, path: KeyPath) -> str:
    """Return `value` as an error shows it; of a secret, its type only."""
    if isinstance(value, Expanded):
        return described(value.value, path)
    if isinstance(value, dict):
        return Description(f"a mapping of {len(value)}")
    if isinstance(value, list):
        return Description(f"a list of {len(value)}")
    if value is None:
        return Description("nothing")
    if not SECRET_KEYS.isdisjoint(path):
        return Description(f"{'text' if isinstance(value, str) else 'a value'} (not shown)")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    number = str(value)
    if len(number) > LONGEST_NUMBER:
        return Description(f"a number of {len(number)} characters (not shown)")
    return Description(f"{number} (a number)")


def settled(value: Any, shape: inspect.Type) -> Any:
    """Return `value` without `Expanded` and without the keys of a Struct that are null."""
    shape = _wanted(shape, value)
    if isinstance(value, Expanded):
        return value.text if isinstance(shape, inspect.StrType) else settled(value.value, shape)
    if isinstance(value, dict):
        if isinstance(shape, inspect.StructType):
            shapes = {field.encode_name: field.type for field in shape.fields}
            parts = ((key, settled(item, shapes.get(key, _ANY))) for key, item in value.items())
            return {key: item for key, item in parts if item is not None or key not in shapes}
        inner = shape.value_type if isinstance(shape, inspect.DictType) else _ANY
        return {key: settled(item, inner) for key, item in value.items()}
    if isinstance(value, list):
        inner = shape.item_type if isinstance(shape, inspect.ListType) else _ANY
        return [settled(item, inner) for item in value]
    return value


_ANY: Final = inspect.AnyType()


def _wanted(shape: inspect.Type, value: Any) -> inspect.Type:
    """Return the type within `Metadata`, `T | None` and, for a list, `T | list[T]`."""
    if isinstance(shape, inspect.Metadata):
        return _wanted(shape.type, value)
    if isinstance(shape, inspect.UnionType):
        kinds = [kind for kind in shape.types if not isinstance(kind, inspect.NoneType)]
        if isinstance(value.value if isinstance(value, Expanded) else value, list):
            kinds.sort(key=lambda kind: not isinstance(kind, inspect.ListType))
        return kinds[0]
    return shape


def _explained(
    document: Document, message: str, value: Any, shape: inspect.Type
) -> ConfigurationError:
    path, found = _followed(message, value, shape)
    if missing := _MISSING.match(message):
        return error_at(document, (*path, missing[1]), "is missing")
    expected = _EXPECTED.match(message)
    if expected is None:
        reason = without_quotes(message.partition(" - at `")[0])
        return error_at(document, path, reason, found=found)
    kind, sign, bound, got = expected.groups()
    kinds = kind.removesuffix(" | null").split(" | ")
    wanted = " or ".join(_WORDS.get(one, one) for one in kinds)
    if sign is not None:
        word = "at least" if sign.startswith(">") else "at most"
        return error_at(document, path, f"must be {wanted}, {word} {bound}", found=found)
    reason = f"must be {wanted}"
    if wanted == "text" and got in {"int", "float", "bool"}:
        duration = bool(path) and path[-1] in DURATIONS and got != "bool"
        reason = (
            f"a duration needs its unit, like {found}s"
            if duration
            else f"{reason}: put it in quotes"
        )
    return error_at(document, path, reason, found="nothing" if found is None else found)


def _followed(message: str, value: Any, shape: inspect.Type) -> tuple[KeyPath, Any]:
    """Follow msgspec's path; `[...]`, some entry of a mapping, is the first that does not fit."""
    located = _PATH.search(message)
    path: list[str | int] = []
    for name, position, _ in _PART.findall(located[1] if located else ""):
        shape = _wanted(shape, value)
        part: str | int = name or (int(position) if position else "")
        if isinstance(shape, inspect.StructType):
            shape = next(field.type for field in shape.fields if field.encode_name == name)
        elif isinstance(shape, inspect.ListType):
            shape = shape.item_type
        elif isinstance(shape, inspect.DictType):
            shape = shape.value_type
            part = next(key for key, item in value.items() if not _fits(item, shape))
        path.append(part)
        value = value[part]
    return tuple(path), value


def _fits(value: Any, shape: inspect.Type) -> bool:
    kind: Any = shape.cls if isinstance(shape, inspect.StructType) else str
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True
