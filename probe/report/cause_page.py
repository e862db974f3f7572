"""The page of a cause as Markdown that reads well on a terminal too, derived from its value.

What exporters print comes from the exporters room; the reader's own paths are shown as examples.
"""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Final

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause, Family
from probe.diagnosis.fixes.steps import fill_steps
from probe.messages.printed import ALERTS_OF_CAUSE, printed
from probe.model.diagnosis import Party
from probe.model.evidence import TargetFacts
from probe.model.runtime import RUNTIMES
from probe.model.tls_alerts import name_alert

FAMILIES: Final[Mapping[Family, str]] = {
    "backend_ca_trust": "The backend's trust in the exporter's CA",
    "client_identity": "The exporter's certificate and key",
    "client_expiry": "The exporter's certificate has expired",
    "san_mismatch": "Names",
    "file_format": "Files",
    "clock_skew": "Clocks",
    "server_identity": "The backend's certificate",
    "negotiation": "TLS and protocol negotiation",
    "network": "Network",
    "otlp": "OTLP answers, with TLS and certificate proven",
    "internal": "The probe itself",
}
"""A heading for each family, in the order in which they are shown."""

PARTIES: Final[Mapping[Party, str]] = {
    "exporter": "the exporter's side",
    "backend": "the backend's side",
    "network": "whoever runs the network",
    "probe": "whoever runs this probe",
    "both": "whoever runs this probe, and the backend's side",
    "either": "whichever side turns out to be wrong",
}
"""Who must act: of a cause as a rule, of a diagnosis by its evidence."""

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
"""Whose names and paths stand in the steps of a page."""

_WIDTH: Final = 100


def cause_page(cause: Cause, *, level: int = 1) -> str:
    """Return the page of `cause`, its title a heading of `level`, ending in a line break."""
    return "\n\n".join(_blocks(cause, level)) + "\n"


def texts_by_exporter(cause: Cause) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what exporters print for `cause`: those that print the same stand together."""
    texts: dict[str, tuple[str, ...]] = {}
    for one in printed(cause.id):
        texts[one.runtime_id] = (*texts.get(one.runtime_id, ()), one.text)
    together: dict[tuple[str, ...], list[str]] = {}
    for runtime in RUNTIMES:
        if runtime.id in texts:
            together.setdefault(texts[runtime.id], []).append(runtime.name)
    return tuple(("; ".join(names), words) for words, names in together.items())


def neighbours(cause: Cause) -> tuple[str, ...]:
    """Say how `cause` is told apart from the causes next to it."""
    return tuple(_neighbours(cause))


def _blocks(cause: Cause, level: int) -> Iterator[str]:
    heading = "#" * level
    yield f"{heading} {cause.title}"
    number = f"documented cause {cause.documented_cause} · " if cause.documented_cause else ""
    yield (
        f"`{cause.id}` · {number}family `{cause.family}` · {cause.severity} · "
        f"{PARTIES[cause.party]} must act"
    )
    yield _prose(cause.meaning)
    yield f"{heading}# What proves it"
    yield _prose(cause.evidence)
    if lines := texts_by_exporter(cause):
        yield f"{heading}# What exporters print"
        yield "\n".join(
            f"- {names}:\n" + "\n".join(f"  - `{text}`" for text in texts) for names, texts in lines
        )
    yield f"{heading}# Fix"
    yield "\n".join(f"{at}. {step}" for at, step in enumerate(fill_steps(cause.fix, EXAMPLE), 1))
    if near := neighbours(cause):
        yield f"{heading}# Not to be confused with"
        yield "\n".join(f"- {sentence}" for sentence in near)
    if cause.citations:
        yield f"{heading}# Sources"
        yield "\n".join(f"- {citation}" for citation in cause.citations)


def _neighbours(cause: Cause) -> Iterator[str]:
    for id_ in cause.explained_by:
        yield f"`{id_}` ({CATALOGUE[id_].title}): where both are proven, this one follows from that."
    for other in CATALOGUE.values():
        if cause.id in other.explained_by:
            yield f"`{other.id}` ({other.title}): where both are proven, that one follows from this."
    numbers = ALERTS_OF_CAUSE.get(cause.id, ())
    if not numbers:
        return
    usual = numbers[0]
    sharing = [
        f"`{id_}`"
        for id_, others in ALERTS_OF_CAUSE.items()
        if usual in others and id_ != cause.id and id_ in CATALOGUE
    ]
    if sharing:
        yield f"The same alert, {name_alert(usual)} ({usual}), comes with {', '.join(sharing)}."


def _prose(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
