"""YAML text becomes plain values, and the line of every key stays known.

Laws 2 and 10: whatever a file holds, the result is a `Document` or a `ConfigurationError`. Mapping
keys are always text, and `<<` merges, because the Collector's files use it. Depth, size and what
aliases multiply are bounded.
"""

import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final, Self

from probe.config.errors import ConfigurationError, KeyPath, render_key
from probe.text.description import remove_quotes

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_DEPTH: Final = 64
MAX_ALIASED: Final = 1_000_000
"""How many values aliases may stand for in one document."""
_SLOWLY_READ: Final = 128 * 1024
"""Characters of the longest text that is given to the slower parser too, about a second's work."""

_TAG: Final = "tag:yaml.org,2002:"
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

    def line(self, path: KeyPath) -> int:
        """Return the line of the key at `path`, or of its nearest parent that is in the file."""
        return self._way(path)[-1].line

    def file_of(self, path: KeyPath) -> str:
        """Return the file in which `line` counts."""
        return next((place.file for place in reversed(self._way(path)) if place.file), self.file)

    def _way(self, path: KeyPath) -> list[Place]:
        way = [self.place]
        for part in path:
            parts: Any = way[-1].parts
            try:
                way.append(parts[part])
            except (KeyError, IndexError, TypeError):
                break
        return way


def parse_yaml(
    raw: bytes | str, file: str = "", *, plain: Callable[[str], Any] = resolve_scalar
) -> Document:
    """Read the one document that `raw` holds; `plain` gives the values of plain scalars.

    An empty text holds null.

    Raises:
        ConfigurationError: with the line, where `raw` is too large, is not UTF-8, is not YAML,
            sets a key twice, or nests or multiplies without measure.
    """
    text = _decoded(raw, file) if isinstance(raw, bytes) else raw
    if len(text) > MAX_BYTES:
        raise ConfigurationError(f"is larger than {MAX_BYTES} bytes", file=file)
    if odd := _UNPRINTABLE.search(text):
        raise ConfigurationError(
            "holds a character that YAML does not allow",
            file=file,
            line=text.count("\n", 0, odd.start()) + 1,
            found=odd.group(),
        )
    return _read(text, file, plain)


def _decoded(raw: bytes, file: str) -> str:
    if len(raw) > MAX_BYTES:
        raise ConfigurationError(f"is larger than {MAX_BYTES} bytes", file=file)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigurationError("is not UTF-8 text", file=file, line=line) from None


def _read(text: str, file: str, plain: Callable[[str], Any]) -> Document:
    # Imported on first use: a run without a file needs no YAML.
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        try:
            return _Builder(file, plain).build(YAML(typ="safe").parse(text))
        except MarkedYAMLError as error:
            # The parser in C takes the colon of a plain host:port in [] or {} for an error, which
            # YAML 1.2 (§7.3.3) allows. The other parser, much slower, knows better.
            if len(text) > _SLOWLY_READ:
                raise
            with suppress(YAMLError, ValueError, OverflowError):
                return _Builder(file, plain).build(YAML(typ="safe", pure=True).parse(text))
            raise error from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = None if mark is None else min(mark.line, text.count("\n")) + 1
        # Whatever the parser quotes may be a part of a secret.
        reason = f"is not YAML: {remove_quotes(str(error.problem or error.context))}"
        raise ConfigurationError(reason, file=file, line=line) from None
    except YAMLError as error:
        raise ConfigurationError(f"is not YAML: {remove_quotes(str(error))}", file=file) from None


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not come yet."""

    line: int
    anchor: str | None
    counted: int
    values: Any
    parts: Any
    key: str | None = None
    key_line: int = 0
    merging: bool = False
    merges: list[tuple[dict[str, Any], dict[str, Place]]] = field(default_factory=list)

    @classmethod
    def of(cls, event: Any, counted: int, *, mapping: bool) -> Self:
        """Open what `event` starts."""
        line = event.start_mark.line + 1
        new: Any = {} if mapping else []
        return cls(line, event.anchor, counted, new, type(new)())


class _Builder:
    """Turns parser events into values; iterative, so that no depth of nesting exhausts the stack."""

    def __init__(self, file: str, plain: Callable[[str], Any]) -> None:
        self._file = file
        self._plain = plain
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Any, Any, int]] = {}
        self._counted = 0
        self._aliased = 0
        self._root: tuple[Any, Place] | None = None

    def build(self, events: Iterable[Any]) -> Document:
        """Return the document that `events` describe."""
        for event in events:
            kind = type(event).__name__
            if kind == "ScalarEvent":
                self._scalar(event)
            elif kind in {"MappingStartEvent", "SequenceStartEvent"}:
                self._start(event, mapping=kind == "MappingStartEvent")
            elif kind in {"MappingEndEvent", "SequenceEndEvent"}:
                self._end()
            elif kind == "AliasEvent":
                self._alias(event)
            elif kind == "DocumentStartEvent" and self._root is not None:
                raise self._error("holds a second document", event.start_mark.line + 1)
        value, place = self._root or (None, Place(1))
        return Document(self._file, value, place)

    def _start(self, event: Any, *, mapping: bool) -> None:
        line = event.start_mark.line + 1
        if self._key_is_due():
            raise self._error("a key must be text, not a mapping or a list", line)
        if len(self._stack) >= MAX_DEPTH:
            raise self._error(f"nests deeper than {MAX_DEPTH} levels", line)
        if event.tag not in (None, "!", _TAG + ("map" if mapping else "seq")):
            raise self._error("a tag that is not known here", line, found=str(event.tag))
        self._counted += 1
        self._stack.append(_Open.of(event, self._counted - 1, mapping=mapping))

    def _end(self) -> None:
        done = self._stack.pop()
        for values, parts in done.merges:
            for key, value in values.items():
                if key not in done.values:
                    done.values[key] = value
                    done.parts[key] = parts[key]
        if done.anchor is not None:
            size = self._counted - done.counted
            self._anchors[done.anchor] = (done.values, done.parts, size)
        self._add(done.values, done.parts, done.line)

    def _scalar(self, event: Any) -> None:
        self._counted += 1
        line = event.start_mark.line + 1
        # Only an escape like \ud800 can bring a surrogate in: no UTF-8 holds one.
        if not event.value.isascii() and _SURROGATE.search(event.value):
            raise self._error("holds a character that YAML does not allow", line)
        if self._key_is_due():
            self._take_key(event, line)
            return
        value = self._scalar_value(event, line)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, None, 1)
        self._add(value, None, line)

    def _alias(self, event: Any) -> None:
        line = event.start_mark.line + 1
        if event.anchor not in self._anchors:
            raise self._error("an alias of nothing before it", line, found=f"*{event.anchor}")
        value, parts, size = self._anchors[event.anchor]
        self._counted += size
        self._aliased += size
        if self._aliased > MAX_ALIASED:
            raise self._error(f"its aliases stand for more than {MAX_ALIASED} values", line)
        if self._key_is_due():
            raise self._error("a key must be plain text, not an alias", line)
        self._add(value, parts, line)

    def _key_is_due(self) -> bool:
        inner = self._stack[-1] if self._stack else None
        return inner is not None and isinstance(inner.values, dict) and inner.key is None

    def _take_key(self, event: Any, line: int) -> None:
        inner = self._stack[-1]
        key = event.value
        inner.merging = key == "<<" and bool(event.implicit[0])
        if not inner.merging and key in inner.values:
            first = inner.parts[key].line
            raise ConfigurationError(
                f"is set twice, first in line {first}",
                file=self._file,
                line=line,
                key=render_key((*self._path(), key)),
            )
        inner.key, inner.key_line = key, line

    def _add(self, value: Any, parts: Any, line: int) -> None:
        if not self._stack:
            self._root = (value, Place(line, parts))
            return
        inner = self._stack[-1]
        if isinstance(inner.values, list):
            inner.values.append(value)
            inner.parts.append(Place(line, parts))
            return
        key, inner.key = inner.key, None
        if inner.merging:
            self._take_merge(inner, value, parts, line)
        else:
            inner.values[key] = value
            inner.parts[key] = Place(inner.key_line, parts)

    def _take_merge(self, inner: _Open, value: Any, parts: Any, line: int) -> None:
        if isinstance(value, dict):
            inner.merges.append((value, parts))
            return
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            inner.merges.extend(
                (item, place.parts) for item, place in zip(value, parts, strict=True)
            )
            return
        raise self._error("<< takes a mapping or a list of mappings", line)

    def _scalar_value(self, event: Any, line: int) -> Any:
        text, tag = event.value, event.tag
        if tag is None:
            return self._plain(text) if event.implicit[0] else text
        if tag in ("!", _TAG + "str"):
            return text
        wanted = {"null": type(None), "bool": bool, "int": int, "float": float}
        kind = wanted.get(str(tag).removeprefix(_TAG))
        if kind is None:
            raise self._error("a tag that is not known here", line, found=str(tag))
        value = resolve_scalar(text)
        if kind is float and type(value) is int:
            return float(value)
        if type(value) is not kind:
            raise self._error(f"the value does not fit its tag !!{tag.removeprefix(_TAG)}", line)
        return value

    def _path(self) -> KeyPath:
        """Return the path of the innermost open value."""
        return tuple(
            (outer.key or "") if isinstance(outer.values, dict) else len(outer.values)
            for outer in self._stack[:-1]
        )

    def _error(self, reason: str, line: int, found: str | None = None) -> ConfigurationError:
        key = render_key(self._path()) if self._stack else ""
        return ConfigurationError(reason, file=self._file, line=line, key=key, found=found)
