"""The page of a cause as Markdown that reads well on a terminal too, derived from its value.

What exporters print comes from the messages room; the reader's own paths are shown as examples.
"""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import PARTIES, Cause
from probe.diagnosis.fixes.steps import fill_steps
from probe.model.evidence import TargetFacts
from probe.model.runtime import RUNTIMES
from probe.model.tls_alerts import format_alert
from probe.report.message_table import load_printed_texts

EXAMPLE: Final = TargetFacts(
    name="example",
    endpoint="collector.example.com:4317",
    host="collector.example.com",
    port=4317,
    protocol="grpc",
    reference_identifier="collector.example.com",
    cert_file="/etc/otel/tls.crt",
    key_file="/etc/otel/tls.key",
    ca_file="/etc/otel/ca.crt",
)
"""The target whose names and paths are in the steps of a page."""

_WIDTH: Final = 100


def cause_page(cause: Cause, catalogue: Mapping[str, Cause] = CATALOGUE, *, level: int = 1) -> str:
    """Return the page of `cause`, its title a heading of `level`, ending in a line break."""
    return "\n\n".join(_list_blocks(cause, catalogue, level)) + "\n"


def group_texts_by_exporter(cause: Cause) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what exporters print for `cause`: those that print the same stand together."""
    texts: dict[str, tuple[str, ...]] = {}
    for one in load_printed_texts().list_texts(cause.id, cause.alerts):
        texts[one.runtime_id] = (*texts.get(one.runtime_id, ()), one.text)
    together: dict[tuple[str, ...], list[str]] = {}
    for runtime in RUNTIMES:
        if runtime.id in texts:
            together.setdefault(texts[runtime.id], []).append(runtime.name)
    return tuple(("; ".join(names), words) for words, names in together.items())


def list_neighbours(cause: Cause, catalogue: Mapping[str, Cause]) -> Iterator[str]:
    """Yield how to distinguish `cause` from the causes next to it."""
    for id_ in cause.explained_by:
        yield f"`{id_}` ({catalogue[id_].title}): where both are proven, this one follows from that."
    for other in catalogue.values():
        if cause.id in other.explained_by:
            yield f"`{other.id}` ({other.title}): where both are proven, that one follows from this."
    if not cause.alerts:
        return
    usual = cause.alerts[0]
    sharing = [
        f"`{other.id}`"
        for other in catalogue.values()
        if usual in other.alerts and other.id != cause.id
    ]
    if sharing:
        yield f"The same alert, {format_alert(usual)}, comes with {', '.join(sharing)}."


def _list_blocks(cause: Cause, catalogue: Mapping[str, Cause], level: int) -> Iterator[str]:
    heading = "#" * level
    yield f"{heading} {cause.title}"
    number = f"documented cause {cause.documented_cause} · " if cause.documented_cause else ""
    yield (
        f"`{cause.id}` · {number}family `{cause.family}` · {cause.severity} · "
        f"{PARTIES[cause.party]} must act"
    )
    yield _fill_prose(cause.meaning)
    yield f"{heading}# What proves it"
    yield _fill_prose(cause.evidence)
    if lines := group_texts_by_exporter(cause):
        yield f"{heading}# What exporters print"
        yield "\n".join(
            f"- {names}:\n" + "\n".join(f"  - `{text}`" for text in texts) for names, texts in lines
        )
    yield f"{heading}# Fix"
    yield "\n".join(
        f"{index}. {step}" for index, step in enumerate(fill_steps(cause.fix, EXAMPLE), 1)
    )
    if near := tuple(list_neighbours(cause, catalogue)):
        yield f"{heading}# Not to be confused with"
        yield "\n".join(f"- {sentence}" for sentence in near)
    if cause.citations:
        yield f"{heading}# Sources"
        yield "\n".join(f"- {citation}" for citation in cause.citations)


def _fill_prose(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
