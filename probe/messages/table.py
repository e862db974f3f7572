"""The table of messages: what libraries print, and what it means. Pure: the files' text is handed in.

The files are `table/*.toml`; docs/messages.md describes their rows. Every row becomes one or more
`Row`s: alternatives are expanded, numbers and the names of alerts are put into their forms.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Literal

from probe.messages.normal_form import normalize_text
from probe.model.tls_alerts import TlsAlert

Side = Literal["exporter", "backend"]
GAP: Final = "…"
_WIDEST_GAP: Final = 60
_ALTERNATIVES: Final = re.compile(r"\{([^{}|]*(?:\|[^{}|]*)+)\}")


class Level(IntEnum):
    """How much a text says; a lower one only narrows what a higher one leaves open."""

    CONTEXT = 0
    """It names a circumstance, such as the file that is meant, and no fault."""
    WRAPPER = 1
    """An envelope around the error: `failed to connect to all addresses`, `UNAVAILABLE`."""
    ENDED = 2
    """How it ended, without a reason: a close, a reset, a deadline."""
    ANSWER = 3
    """A verdict or a status without its reason: `certificate verify failed`, HTTP 400."""
    BROAD = 4
    """The fault in a form of which only the family is known: `…host name … does not match`."""
    ALERT = 5
    """What the other side says of this one: a TLS alert."""
    REASON = 6
    """The fault in words, by the side that found it."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a text says: the causes that it cannot tell apart, and those that are possible too."""

    name: str
    why: str
    level: Level
    server: tuple[str, ...]
    """The causes where the backend's certificate was judged: an exporter found the fault."""
    client: tuple[str, ...]
    """The causes where the client's certificate was judged: a backend found the fault."""
    also_server: tuple[str, ...] = ()
    also_client: tuple[str, ...] = ()
    generic: bool = False
    """It is printed of anything that connects or reads files, not of TLS or telemetry alone."""


@dataclass(frozen=True, slots=True)
class Row:
    """One text: the words of its parts, between which something varies, and what it shows."""

    text: str
    parts: tuple[tuple[str, ...], ...]
    meaning: Meaning | None
    alert: int | None = None
    sent: bool = False
    """The alert was sent by the side that printed the text."""
    numbered: bool = False
    side: Side | None = None
    runtime: str | None = None
    topic: bool = False
    frame: bool = False
    """It shows the side in the frames of a stack, too."""
    within: int = _WIDEST_GAP
    exporters: tuple[str, ...] = ()
    shown: bool = True
    library: str = ""
    source: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """What holds for one exporter and some causes: its setting's name, or a peculiarity."""

    runtime: str
    causes: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class MessageTable:
    """Every row, found by the rarest word of its first part."""

    rows: tuple[Row, ...]
    meanings: Mapping[str, Meaning]
    advice: tuple[Advice, ...]
    by_word: Mapping[str, tuple[tuple[Row, int], ...]]
    """Rows by their rarest word, with the word's place in the first part."""


class TableError(ValueError):
    """A file of the table is not as docs/messages.md says; a fault of this project."""


def parse_table(files: Mapping[str, str]) -> MessageTable:
    """Return the table of `files` (name without `.toml`, text); raises `TableError`."""
    documents = {name: tomllib.loads(text) for name, text in files.items()}
    meanings = dict(_list_meanings(documents.pop("meanings", {})))
    advice = tuple(
        Advice(str(each["runtime"]), tuple(each["causes"]), str(each["text"]))
        for each in documents.pop("advice", {}).get("advice", ())
    )
    rows = tuple(
        row for name, document in documents.items() for row in _list_rows(name, document, meanings)
    )
    return MessageTable(rows, meanings, advice, _index_rows(rows))


def _list_meanings(document: Mapping[str, Any]) -> Iterator[tuple[str, Meaning]]:
    for name, value in document.items():
        if name == "alert":
            for number, each in value.items():
                yield _build_meaning(f"alert.{number}", {"level": "alert", **each})
        else:
            yield _build_meaning(name, value)


def _build_meaning(name: str, value: Mapping[str, Any]) -> tuple[str, Meaning]:
    both, also = tuple(value.get("causes", ())), tuple(value.get("also", ()))
    return name, Meaning(
        name,
        str(value["why"]),
        Level[str(value["level"]).upper()],
        tuple(value.get("server", both)),
        tuple(value.get("client", both)),
        tuple(value.get("also_server", also)),
        tuple(value.get("also_client", also)),
        bool(value.get("generic", False)),
    )


def _list_rows(
    name: str, document: Mapping[str, Any], meanings: Mapping[str, Meaning]
) -> Iterator[Row]:
    defaults = {key: document[key] for key in ("library", "source") if key in document}

    def build(
        text: str, value: Mapping[str, Any], meaning: str | None, **more: Any
    ) -> Iterator[Row]:
        if meaning is not None and meaning not in meanings:
            raise TableError(f"{name}.toml: {text!r} means {meaning!r}, which meanings.toml lacks")
        for one in _expand_alternatives(text):
            parts = tuple(tuple(normalize_text(part)) for part in one.split(GAP))
            parts = tuple(part for part in parts if part)
            if not parts:
                raise TableError(f"{name}.toml: {text!r} has no words")
            yield Row(
                one,
                parts,
                meanings[meaning] if meaning is not None else None,
                side=value.get("side"),
                runtime=value.get("runtime"),
                topic=bool(value.get("topic", False)),
                frame=bool(value.get("frame", False)),
                within=int(value.get("within", _WIDEST_GAP)),
                exporters=tuple(value.get("by", ())),
                shown=bool(value.get("show", True)),
                library=str(value.get("library", "")),
                source=str(value.get("source", "")),
                file=name,
                **more,
            )

    for each in document.get("text", ()):
        for text in each["print"]:
            yield from build(text, {**defaults, **each}, each["means"])
    for each in document.get("marker", ()):
        for text in each["print"]:
            yield from build(text, {**defaults, **each}, each.get("narrows"))
    for each in document.get("number", ()):
        for number, meaning in each["means"].items():
            for form in each["forms"]:
                for one in _expand_alternatives(form):
                    text = one.format(n=int(number, 0))
                    yield from build(text, {**defaults, **each}, meaning, numbered=True)
    for each in document.get("alert", ()):
        yield from _list_alert_rows(each, defaults, meanings, build)


def _list_alert_rows(
    each: Mapping[str, Any],
    defaults: Mapping[str, Any],
    meanings: Mapping[str, Meaning],
    build: Any,
) -> Iterator[Row]:
    names = each.get("names") or {
        alert.value: alert.registry_name for alert in TlsAlert if f"alert.{alert.value}" in meanings
    }
    for sent, forms in ((False, each.get("received", ())), (True, each.get("sent", ()))):
        for number, spelling in names.items():
            for form in forms:
                # A form with a number takes no name, so that each is listed once.
                text = form.format(n=int(number), name=spelling)
                numbered = "{n" in form and "{name}" not in form
                yield from build(
                    text,
                    {**defaults, **each},
                    f"alert.{int(number)}",
                    alert=int(number),
                    sent=sent,
                    numbered=numbered,
                )


def _expand_alternatives(text: str) -> Iterable[str]:
    found = _ALTERNATIVES.search(text)
    if found is None:
        return (text,)
    before, after = text[: found.start()], text[found.end() :]
    return [
        one
        for choice in found[1].split("|")
        for one in _expand_alternatives(f"{before}{choice}{after}")
    ]


def _index_rows(rows: tuple[Row, ...]) -> Mapping[str, tuple[tuple[Row, int], ...]]:
    frequency = Counter(word for row in rows for word in row.parts[0])
    index: dict[str, list[tuple[Row, int]]] = {}
    for row in rows:
        first = row.parts[0]
        place = min(range(len(first)), key=lambda at: (frequency[first[at]], -len(first[at])))
        index.setdefault(first[place], []).append((row, place))
    return {word: tuple(found) for word, found in index.items()}
