"""The table of messages: what libraries print, and what it means. Pure: the files' text is handed in.

The files are `table/*.toml`; docs/messages.md describes their rows. Every row becomes one or more
`Row`s: alternatives are expanded, numbers and the names of alerts are put into their forms.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple

from probe.messages.normal_form import normalize_text
from probe.model.tls_alerts import TlsAlert

Side = Literal["exporter", "backend"]
SIDES: Final[tuple[Side, ...]] = ("exporter", "backend")
Key = str | tuple[str, str]
"""What a row is found by: two neighbouring words, or the only one."""
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
    topic: bool = False
    within: int = _WIDEST_GAP
    exporters: tuple[str, ...] = ()
    source: str = ""
    file: str = ""


@dataclass(frozen=True, slots=True)
class Advice:
    """What holds for some exporters and causes: a setting's name, or a peculiarity."""

    exporters: tuple[str, ...]
    causes: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class MessageTable:
    """Every row, found by the rarest two neighbouring words of its first part."""

    rows: tuple[Row, ...]
    meanings: Mapping[str, Meaning]
    advice: tuple[Advice, ...]
    by_key: Mapping[Key, tuple[tuple[Row, int], ...]]
    """Rows by their rarest pair of words, or only word, with its place in the first part."""
    anywhere: tuple[tuple[str, str], ...] = ()
    """What proves also in a frame who printed a text, in lower case: an exporter's id, or a side."""


class TableError(ValueError):
    """A file of the table is not as docs/messages.md says; a fault of this project."""


def parse_table(files: Mapping[str, str]) -> MessageTable:
    """Return the table of `files` (name without `.toml`, text); raises `TableError`."""
    documents = {name: tomllib.loads(text) for name, text in files.items()}
    meanings = list_meanings(documents.pop("meanings", {}))
    listed = documents.pop("advice", {}).get("advice", ())
    advice = tuple(Advice(tuple(e["by"]), tuple(e["causes"]), str(e["text"])) for e in listed)
    texts = [(name, each) for name in documents for each in list_texts(name, documents[name])]
    anywhere = [
        (each.text.lower(), str(who))
        for _, each in texts
        if (who := each.value.get("runtime", each.value.get("frame")))
    ]
    rows = tuple(
        _build_row(name, each, meanings)
        for name, each in texts
        if not {"runtime", "frame"} & each.value.keys()
        and (each.alert is None or each.meaning in meanings)
    )
    return MessageTable(rows, meanings, advice, _index_rows(rows), tuple(anywhere))


def list_meanings(document: Mapping[str, Any]) -> dict[str, Meaning]:
    """Return the meanings of meanings.toml by name."""
    alerts = document.get("alert", {})
    return {
        **{name: _build_meaning(name, each) for name, each in document.items() if name != "alert"},
        **{
            f"alert.{number}": _build_meaning(f"alert.{number}", {"level": "alert", **each})
            for number, each in alerts.items()
        },
    }


def _build_meaning(name: str, value: Mapping[str, Any]) -> Meaning:
    both, also = tuple(value.get("causes", ())), tuple(value.get("also", ()))
    return Meaning(
        name,
        str(value["why"]),
        Level[str(value["level"]).upper()],
        tuple(value.get("server", both)),
        tuple(value.get("client", both)),
        tuple(value.get("also_server", also)),
        tuple(value.get("also_client", also)),
        bool(value.get("generic", False)),
    )


class Text(NamedTuple):
    """One text of a file, its alternatives expanded, numbers and alerts' names filled in."""

    text: str
    value: Mapping[str, Any]
    """The keys of its row, with the file's defaults."""
    meaning: str | None
    alert: int | None = None
    sent: bool = False
    numbered: bool = False


def list_texts(name: str, document: Mapping[str, Any]) -> Iterator[Text]:
    """Yield the texts of one file; `name` is for faults of this project."""
    defaults = {key: document[key] for key in ("library", "source") if key in document}
    for kind in ("text", "marker", "number", "alert"):
        for row in document.get(kind, ()):
            value = {**defaults, **row}
            try:
                for each in _LISTERS[kind](value):
                    yield from (each._replace(text=one) for one in _expand_alternatives(each.text))
            except (KeyError, ValueError, TypeError, IndexError) as fault:
                raise TableError(f"{name}.toml: {row}: {fault!r}") from fault


def _list_plain(value: Mapping[str, Any]) -> Iterator[Text]:
    for text in value["print"]:
        yield Text(text, value, value["means"] if "means" in value else value.get("narrows"))


def _list_numbers(value: Mapping[str, Any]) -> Iterator[Text]:
    for key, meaning in value["means"].items():
        number = int(key, 0)
        # Windows' programs print 0x80090325 as -2146893019, too.
        signed = number - 2**32 if number >= 2**31 else number
        for form in value["forms"]:
            for one in _expand_alternatives(form):
                yield Text(one.format(n=number, signed=signed), value, meaning, numbered=True)


def _list_alerts(value: Mapping[str, Any]) -> Iterator[Text]:
    names = value.get("names") or {each.value: each.registry_name for each in TlsAlert}
    for sent, forms in ((False, value.get("received", ())), (True, value.get("sent", ()))):
        for number, spelling in names.items():
            for form in forms:
                # A form with a number takes no name, so that each is listed once.
                yield Text(
                    form.format(n=int(number), name=spelling),
                    value,
                    f"alert.{int(number)}",
                    int(number),
                    sent,
                    "{n" in form and "{name}" not in form,
                )


_LISTERS: Final[Mapping[str, Callable[[Mapping[str, Any]], Iterator[Text]]]] = {
    "text": _list_plain,
    "marker": _list_plain,
    "number": _list_numbers,
    "alert": _list_alerts,
}


def _build_row(name: str, each: Text, meanings: Mapping[str, Meaning]) -> Row:
    value = each.value
    parts = tuple(tuple(normalize_text(part)) for part in each.text.split(GAP))
    parts = tuple(part for part in parts if part)
    if not parts:
        raise TableError(f"{name}.toml: {each.text!r} has no words")
    if each.meaning is not None and each.meaning not in meanings:
        raise TableError(f"{name}.toml: {each.text!r} means {each.meaning!r}, of no meanings.toml")
    return Row(
        each.text,
        parts,
        meanings[each.meaning] if each.meaning is not None else None,
        each.alert,
        each.sent,
        each.numbered,
        value.get("side"),
        bool(value.get("topic", False)),
        int(value.get("within", _WIDEST_GAP)),
        tuple(value.get("by", ())),
        str(value.get("source", "")),
        name,
    )


def _expand_alternatives(text: str) -> Iterable[str]:
    if (found := _ALTERNATIVES.search(text)) is None:
        return (text,)
    before, after = text[: found.start()], text[found.end() :]
    choices = (f"{before}{choice}{after}" for choice in found[1].split("|"))
    return [one for each in choices for one in _expand_alternatives(each)]


def _index_rows(rows: tuple[Row, ...]) -> Mapping[Key, tuple[tuple[Row, int], ...]]:
    frequency = Counter(key for row in rows for key in _list_keys(row.parts[0]))
    index: dict[Key, list[tuple[Row, int]]] = {}
    for row in rows:
        keys = _list_keys(row.parts[0])
        place = min(range(len(keys)), key=lambda at: frequency[keys[at]])
        index.setdefault(keys[place], []).append((row, place))
    return {key: tuple(found) for key, found in index.items()}


def _list_keys(part: tuple[str, ...]) -> list[Key]:
    return list(pairwise(part)) or [part[0]]
