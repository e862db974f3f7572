"""YAML text becomes plain values, and the line of every key stays known.

Whatever a file holds, the result is a `Document` or a `ConfigurationError`. Mapping
keys are always text, and `<<` merges, because the Collector's files use it. Depth, size and what
aliases multiply are bounded.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from io import StringIO
from sys import intern
from typing import Any, Final

from probe.config.errors import ConfigurationError, KeyPath, render_key
from probe.text.description import remove_quotes

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_DEPTH: Final = 64
MAX_ALIASED: Final = 1_000_000
"""How many values aliases may stand for in one document."""
_SLOWLY_READ: Final = 128 * 1024
"""Characters of the longest text that is given to the slower parser too, about a second's work."""

_TAG: Final = "tag:yaml.org,2002:"
_TAGGED: Final[dict[str, type]] = {
    _TAG + "null": type(None),
    _TAG + "bool": bool,
    _TAG + "int": int,
    _TAG + "float": float,
}
_UNPRINTABLE: Final = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ufeff\ue000-\ufffd\U00010000-\U0010ffff]"
)
"""YAML 1.2 §5.1, `c-printable`."""

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_INT: Final = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL_FLOAT: Final = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_LONGEST_NUMBER: Final = 128


def resolve_scalar(text: str) -> bool | int | float | str | None:
    """Return the value of the plain scalar `text`; any other text is text.

    The core schema of YAML 1.2 (§10.3), total: no yes and no, no sexagesimals, no dates, and a
    number of more than 128 characters is text.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789" or len(text) > _LONGEST_NUMBER:
        return text
    if _INT.fullmatch(text):
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _FLOAT.fullmatch(text):
        return float(text)
    if _SPECIAL_FLOAT.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


_GO_INT: Final = re.compile(r"[-+]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]*|[1-9][0-9]*)")


def resolve_go_scalar(text: str) -> bool | int | float | str | None:
    """Return the value of the plain scalar `text` as Go's yaml.v3 reads it, which a Collector uses.

    It takes `_` within numbers, `0b11`, and an octal number by its leading zero; else it is YAML 1.2.
    """
    if text[:1] in "+-.0123456789" and 0 < len(text) <= _LONGEST_NUMBER:
        plain = text.replace("_", "")
        if _GO_INT.fullmatch(plain):
            sign = -1 if plain.startswith("-") else 1
            digits = plain.lstrip("+-").lower()
            base = {"0x": 16, "0b": 2, "0o": 8}.get(digits[:2], 8 if digits.startswith("0") else 10)
            digits = digits[2:] if digits[1:2] in {"x", "b", "o"} else digits
            return sign * int(digits, base) if digits else text
        return resolve_scalar(plain if _FLOAT.fullmatch(plain) else text)
    return resolve_scalar(text)


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


def unwrap_all(value: Any) -> Any:
    """Return `value` as YAML reads it, whatever references gave of it."""
    value = unwrap(value)
    if isinstance(value, dict):
        return {key: unwrap_all(item) for key, item in value.items()}
    return [unwrap_all(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: `line` (from 1) of its key or list item, and the same of its parts."""

    line: int
    parts: "dict[str, Place] | list[Place] | None" = None
    file: str = ""
    """The file, where a document was merged from several."""


@dataclass(frozen=True, slots=True)
class Document:
    """The plain value of a YAML document (dict, list, str, int, float, bool, None)."""

    file: str
    value: Any
    place: Place
    second: int = 0
    """The line in which a second document begins that was not read; 0 without."""

    def line(self, path: KeyPath) -> int:
        """Return the line of the key at `path`, or of its nearest parent that is in the file."""
        return self._find_places(path)[-1].line

    def find_place(self, path: KeyPath) -> Place:
        """Return the place of the key at `path`, or of its nearest parent that is in the file."""
        return self._find_places(path)[-1]

    def file_of(self, path: KeyPath) -> str:
        """Return the file in which `line` counts."""
        return next(
            (place.file for place in reversed(self._find_places(path)) if place.file), self.file
        )

    def _find_places(self, path: KeyPath) -> list[Place]:
        way = [self.place]
        for part in path:
            parts: Any = way[-1].parts
            try:
                way.append(parts[part])
            except (KeyError, IndexError, TypeError):
                break
        return way


def parse_yaml(
    raw: bytes | str,
    file: str = "",
    *,
    plain: Callable[[str], Any] = resolve_scalar,
    first_alone: bool = False,
    first_line: int = 1,
) -> Document:
    """Read the one document that `raw` holds.

    An empty text holds null.

    Args:
        raw: The text.
        file: Its name, for errors.
        plain: Gives the values of plain scalars.
        first_alone: Whether documents after the first are left unread, as yaml.v3 of Go does, which
            also takes no directive but `%YAML 1.1`.
        first_line: The number of its first line in `file`.

    Raises:
        ConfigurationError: with the line, where `raw` is too large, is not UTF-8, is not YAML,
            sets a key twice, or nests or multiplies without measure.
    """
    if len(raw) > MAX_BYTES:
        raise ConfigurationError(f"is larger than {MAX_BYTES} bytes", file=file)
    text = _decode(raw, file) if isinstance(raw, bytes) else raw
    if odd := _UNPRINTABLE.search(text):
        raise ConfigurationError(
            "holds a character that YAML does not allow",
            file=file,
            line=text.count("\n", 0, odd.start()) + first_line,
            found=odd.group(),
        )
    return _read(text, file, plain, first_line, first_alone=first_alone)


def _decode(raw: bytes, file: str) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError("is not UTF-8 text", file=file, line=line) from None


def _read(
    text: str,
    file: str,
    plain: Callable[[str], Any],
    first_line: int,
    *,
    first_alone: bool = False,
) -> Document:
    # Imported on first use: a run without a file needs no YAML.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        try:
            # The parser is in cycles, and would hold the text until a collection finds them.
            with StringIO(text) as stream:
                events = YAML(typ="safe").parse(stream)
                return _Reader(events, file, plain, first_line).read_document(first_alone)
        except MarkedYAMLError as error:
            # The parser in C takes the colon of a plain host:port in [] or {} for an error, which
            # YAML 1.2 (§7.3.3) allows. The other parser, much slower, knows better.
            if len(text) > _SLOWLY_READ:
                raise
            with suppress(YAMLError, ValueError, OverflowError):
                events = YAML(typ="safe", pure=True).parse(text)
                return _Reader(events, file, plain, first_line).read_document(first_alone)
            raise error from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else min(mark.line, text.count("\n")) + first_line
        # Whatever the parser quotes may be a part of a secret.
        reason = f"is not YAML: {remove_quotes(str(error.problem or error.context))}"
        raise ConfigurationError(reason, file=file, line=line) from None
    except YAMLError as error:
        raise ConfigurationError(f"is not YAML: {remove_quotes(str(error))}", file=file) from None


class _Reader:
    """Turns parser events into values and their places; it recurses, as depth is bounded."""

    def __init__(
        self, events: Iterator[Any], file: str, plain: Callable[[str], Any], first_line: int
    ) -> None:
        self._events = events
        self._file = file
        self._plain = plain
        self._first_line = first_line
        self._anchors: dict[str, tuple[Any, Any, int]] = {}
        self._counted = 0
        self._aliased = 0
        self._last = Place(first_line)  # values without parts share the place of their line

    def read_document(self, first_alone: bool) -> Document:
        root: Document | None = None
        for event in self._events:
            kind = _kind(event)
            if kind == "DocumentStart":
                if root is not None and first_alone:
                    begun = next(self._events, None)
                    if begun is None or (_kind(begun) == "Scalar" and not begun.value):
                        continue  # nothing comes after its ---
                    return replace(root, second=self._line(event))
                if root is not None:
                    raise self._error("holds a second document", event, ())
                if first_alone and event.version not in (None, (1, 1)):
                    raise self._error("has a %YAML directive other than 1.1", event, ())
            if kind in {"Scalar", "Alias", "MappingStart", "SequenceStart"}:
                value, parts = self._read(event, ())
                root = Document(self._file, value, Place(self._line(event), parts))
        return root or Document(self._file, None, Place(self._first_line))

    def _read(self, event: Any, path: KeyPath) -> tuple[Any, Any]:
        """Return the value that `event` begins, and the places of its parts."""
        kind, outer = _kind(event), path[:-1]
        value: Any
        parts: Any
        if kind == "Alias":
            return self._read_alias(event, outer)
        before = self._counted
        self._counted += 1
        if kind == "Scalar":
            self._check_characters(event, outer)
            value, parts = self._read_scalar(event, outer), None
        else:
            if len(path) >= MAX_DEPTH:
                raise self._error(f"nests deeper than {MAX_DEPTH} levels", event, outer)
            if event.tag not in (None, "!", _TAG + ("map" if kind == "MappingStart" else "seq")):
                raise self._unknown_tag(event, outer)
            mapping = kind == "MappingStart"
            value, parts = self._read_mapping(path) if mapping else self._read_list(path)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, parts, self._counted - before)
        return value, parts

    def _read_list(self, path: KeyPath) -> tuple[list[Any], list[Place]]:
        values: list[Any] = []
        parts: list[Place] = []
        while _kind(event := next(self._events)) != "SequenceEnd":
            value, inner = self._read(event, (*path, len(values)))
            values.append(value)
            parts.append(self._place(event, inner))
        return values, parts

    def _read_mapping(self, path: KeyPath) -> tuple[dict[str, Any], dict[str, Place]]:
        values: dict[str, Any] = {}
        parts: dict[str, Place] = {}
        merges: list[tuple[dict[str, Any], dict[str, Place]]] = []
        while _kind(event := next(self._events)) != "MappingEnd":
            key = self._read_key(event, path)
            merging = key == "<<" and event.implicit[0]
            if key in parts and not merging:
                reason = f"is set twice, first in line {parts[key].line}"
                raise self._error(reason, event, (*path, key))
            behind = next(self._events)
            value, inner = self._read(behind, (*path, key))
            if not merging:
                values[key], parts[key] = value, self._place(event, inner)
            elif isinstance(value, dict):
                merges.append((value, inner))
            elif isinstance(value, list) and all(isinstance(item, dict) for item in value):
                merges += zip(value, (place.parts for place in inner), strict=True)
            else:
                raise self._error("<< takes a mapping or a list of mappings", behind, path)
        for more, places in merges:
            for key in more:
                if key not in values:
                    values[key], parts[key] = more[key], places[key]
        return values, parts

    def _read_key(self, event: Any, path: KeyPath) -> str:
        if _kind(event) == "Alias":
            self._read_alias(event, path)
            raise self._error("a key must be plain text, not an alias", event, path)
        if _kind(event) != "Scalar":
            raise self._error("a key must be text, not a mapping or a list", event, path)
        self._counted += 1
        self._check_characters(event, path)
        return intern(str(event.value))  # each target of a file has the same keys

    def _read_alias(self, event: Any, path: KeyPath) -> tuple[Any, Any]:
        if event.anchor not in self._anchors:
            reason = "an alias of nothing before it"
            raise self._error(reason, event, path, found=f"*{event.anchor}")
        value, parts, size = self._anchors[event.anchor]
        self._counted += size
        self._aliased += size
        if self._aliased > MAX_ALIASED:
            reason = f"its aliases stand for more than {MAX_ALIASED} values"
            raise self._error(reason, event, path)
        return value, parts

    def _read_scalar(self, event: Any, path: KeyPath) -> Any:
        text, tag = event.value, event.tag
        if tag is None:
            return self._plain(text) if event.implicit[0] else text
        if tag in ("!", _TAG + "str"):
            return text
        kind = _TAGGED.get(tag)
        if kind is None and not tag.startswith(_TAG) and self._plain is resolve_go_scalar:
            return text  # Go leaves a tag of the file's own to whoever reads the value
        if kind is None:
            raise self._unknown_tag(event, path)
        value = resolve_scalar(text)
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            reason = f"the value does not fit its tag !!{tag.removeprefix(_TAG)}"
            raise self._error(reason, event, path)
        return value

    def _check_characters(self, event: Any, path: KeyPath) -> None:
        # Only an escape like \ud800 can bring a surrogate in: no UTF-8 holds one.
        if not event.value.isascii() and _SURROGATE.search(event.value):
            raise self._error("holds a character that YAML does not allow", event, path)

    def _place(self, event: Any, parts: Any) -> Place:
        place = Place(self._line(event), parts)
        if parts is None and place != self._last:
            self._last = place
        return self._last if parts is None else place

    def _line(self, event: Any) -> int:
        return int(event.start_mark.line) + self._first_line

    def _unknown_tag(self, event: Any, path: KeyPath) -> ConfigurationError:
        return self._error("a tag that is not known here", event, path, found=str(event.tag))

    def _error(
        self, reason: str, event: Any, path: KeyPath, found: str | None = None
    ) -> ConfigurationError:
        return ConfigurationError(
            reason, file=self._file, line=self._line(event), key=render_key(path), found=found
        )


def _kind(event: Any) -> str:
    return type(event).__name__.removesuffix("Event")
