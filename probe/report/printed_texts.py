"""What exporters print: the table of messages as the causes' pages and the comparison show it. Pure.

Only rows with `by` are read, and only their texts are kept: a service holds these.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from probe.messages.table import Level, Meaning, list_meanings, list_texts
from probe.model.runtime import RUNTIMES, Runtime

MOST_TEXTS: Final = 8
"""The largest number of texts of one exporter on a page."""

Refusal = Literal["close", "http"]
"""How a backend refuses without an alert: it closes, or answers HTTP 400, as nginx does."""


@dataclass(frozen=True, slots=True)
class PrintedText:
    """One text that a runtime's users read: `runtime_id` is a `Runtime.id`."""

    runtime_id: str
    text: str


@dataclass(frozen=True, slots=True)
class _Printed:
    text: str
    exporters: tuple[str, ...]
    causes: tuple[str, ...]
    """On whose pages it is; an alert is on those of the causes that have its number."""
    alert: int | None
    refusal: str | None
    shown: bool
    source: str


@dataclass(frozen=True, slots=True)
class PrintedTexts:
    """The rows of the table that say which exporters print them."""

    rows: tuple[_Printed, ...]
    orders: Mapping[tuple[str, str], tuple[int, ...]]
    """By cause and exporter: the alerts that its users read, where they differ from most."""

    def list_texts(self, cause_id: str, alerts: tuple[int, ...] = ()) -> tuple[PrintedText, ...]:
        """Return what exporters print for this cause, by runtime; empty where nothing is known.

        Args:
            cause_id: the cause's id.
            alerts: what backends send for it (`Cause.alerts`).
        """
        return tuple(
            PrintedText(runtime.id, text)
            for runtime in RUNTIMES
            for text in self._choose_texts(cause_id, alerts, runtime)
        )

    def get_alert_text(self, runtime: Runtime, number: int) -> str:
        """Return how `runtime` prints an alert that it received; empty where that is not known."""
        return next((each.text for each in self.rows if _is_alert(each, runtime, number)), "")

    def get_refusal_text(self, runtime: Runtime, refusal: Refusal) -> str:
        """Return what `runtime` prints of a refusal without an alert; empty where not known."""
        found = (each for each in self.rows if each.refusal == refusal)
        return next((each.text for each in found if runtime.id in each.exporters), "")

    def _choose_texts(
        self, cause_id: str, alerts: tuple[int, ...], runtime: Runtime
    ) -> tuple[str, ...]:
        numbers = self.orders.get((cause_id, runtime.id), alerts)
        received = [self.get_alert_text(runtime, number) for number in numbers]
        own = [
            each.text
            for each in self.rows
            if each.shown and cause_id in each.causes and runtime.id in each.exporters
        ]
        # A piece of what is printed says no more than all of it.
        whole = (
            text
            for text in own
            if not any(text.lower() in other.lower() for other in own if other != text)
        )
        return tuple(dict.fromkeys(text for text in (*received, *whole) if text))[:MOST_TEXTS]


def parse_printed(files: Mapping[str, str]) -> PrintedTexts:
    """Return the texts of exporters in `files` (name without `.toml`, text), as for `parse_table`.

    Without `meanings` among them, texts are on the pages only that their rows name.
    """
    meanings = list_meanings(tomllib.loads(files.get("meanings", "")))
    rows: list[_Printed] = []
    orders: dict[tuple[str, str], tuple[int, ...]] = {}
    for name in sorted(files.keys() - {"meanings", "advice"}, key=_sort_exporters_first):
        if "\nby = " not in files[name]:
            continue
        document = tomllib.loads(files[name])
        for order in document.get("order", ()):
            orders |= {
                (cause, runtime): tuple(order["alerts"])
                for cause in order["causes"]
                for runtime in order["by"]
            }
        for each in list_texts(name, document):
            if "by" in each.value and not each.sent:
                value, meaning = each.value, meanings.get(each.meaning or "")
                causes = () if each.alert is not None else tuple(_list_pages(meaning))
                rows.append(
                    _Printed(
                        each.text,
                        tuple(value["by"]),
                        tuple(value.get("pages", causes)),
                        each.alert,
                        value.get("refusal"),
                        bool(value.get("show", True)),
                        str(value.get("source", "")),
                    )
                )
    return PrintedTexts(tuple(rows), orders)


def _sort_exporters_first(name: str) -> tuple[bool, str]:
    return not name.startswith(("exporters", "refusals")), name


def _list_pages(meaning: Meaning | None) -> Iterator[str]:
    """Yield the causes on whose pages a text of an exporter is."""
    if meaning is None or meaning.level <= Level.WRAPPER:
        return
    # An ending is printed for nearly every cause: it is where it fits best.
    yield from meaning.server[:1] if meaning.level is Level.ENDED else meaning.server


def _is_alert(row: _Printed, runtime: Runtime, number: int) -> bool:
    return row.alert == number and row.shown and runtime.id in row.exporters
