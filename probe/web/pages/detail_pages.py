"""The pages of one target and of the causes: HTML of the status page's kind, without a script.

Law 10: the templates escape every value (autoescape), and each has passed `safe_text` before.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from probe.diagnosis.cause import FAMILIES, PARTIES, Cause
from probe.diagnosis.fixes.steps import fill_steps
from probe.diagnosis.readings.experiment_results import read_experiments
from probe.exporters.by_exporter import by_exporter
from probe.exporters.verdict import Outcome, Verdict
from probe.ledger.target_runtime import HistoryEntry, TargetRuntime
from probe.model.evidence import ClockReading, Evidence
from probe.model.runtime import RUNTIMES
from probe.model.target import Target
from probe.report.cause_page import EXAMPLE, group_texts_by_exporter, list_neighbours
from probe.report.causes_markdown import group_by_family
from probe.text.safe_text import safe_text
from probe.text.time_format import format_duration, format_stage_time, rfc3339
from probe.web.pages.accepted_cas import accepted_cas
from probe.web.pages.chain_drawing import chain_drawings
from probe.web.pages.history_strip import bars, mood_of, strip
from probe.web.pages.stage_bars import stage_bars
from probe.web.pages.status_page import frame, row, template, worst_first

TARGETS_SHOWN: Final = 50
"""Targets that the page of a cause lists; the status page lists them all."""
RECENT: Final = 10
"""Attempts that stand in the open; the rest unfold."""

_NAMES: Final = {runtime.id: runtime.name for runtime in RUNTIMES}
_OUTCOMES: Final[Mapping[Outcome, str]] = {
    "same": "as the probe",
    "works": "gets further",
    "fails": "fails otherwise",
}

_OF_AN_ATTEMPT: Final = (
    "verdicts", "accepted", "chains", "stages", "experiments", "clocks", "connection",
)  # fmt: skip  # one list


@dataclass(frozen=True, slots=True)
class Attempt:
    """One past attempt as the history shows it."""

    at: str
    outcome: str
    mood: str
    cause: str
    took: str


def target_page(state: TargetRuntime, catalogue: Mapping[str, Cause], now: float) -> str:
    """Return the page of one target as of `now` (epoch seconds)."""
    evidence, diagnosis = state.evidence, state.diagnosis
    seen: dict[str, object] = dict.fromkeys(_OF_AN_ATTEMPT)
    if evidence is not None and diagnosis is not None:
        seen = {
            "verdicts": [_verdict(one) for one in by_exporter(evidence, diagnosis)],
            "accepted": accepted_cas(evidence),
            "chains": chain_drawings(evidence, diagnosis, now),
            "stages": stage_bars(evidence),
            "experiments": [_experiment(*one) for one in read_experiments(evidence)],
            "clocks": [
                (one.source, _offset(one), format_duration(one.uncertainty))
                for one in evidence.clock
            ],
            "connection": _connection(evidence),
        }
    attempts = [_attempt(entry) for entry in reversed(state.history)]
    return template("target.html").render(
        frame(),
        row=row(state, catalogue, now),
        stage=diagnosis.stage if diagnosis else "",
        at=rfc3339(evidence.at) if evidence else "",
        trace_id=state.trace.trace_id if state.trace else "",
        findings=diagnosis.findings if diagnosis else (),
        known=frozenset(catalogue),
        settings=_settings(state.target),
        bars=bars(state.history),
        history=strip(state.history),
        attempts=attempts[:RECENT],
        older=attempts[RECENT:],
        seen=seen,
    )


def causes_page(catalogue: Mapping[str, Cause], states: Iterable[TargetRuntime] = ()) -> str:
    """Return the index of all causes, family by family, with how many targets now have each."""
    counts = Counter(state.diagnosis.cause for state in states if state.diagnosis is not None)
    return template("causes.html").render(
        frame(),
        families=group_by_family(catalogue),
        headings=FAMILIES,
        parties=PARTIES,
        counts=counts,
    )


def one_cause_page(
    cause: Cause,
    states: Iterable[TargetRuntime] = (),
    catalogue: Mapping[str, Cause] | None = None,
    now: float = 0.0,
) -> str:
    """Return the page of one cause, with example paths in its steps.

    Args:
        cause: whose page it is.
        states: all targets; those that now have `cause` are linked.
        catalogue: where the order of targets comes from.
        now: for how long they have had it, epoch seconds.
    """
    having = (
        state
        for state in states
        if state.diagnosis is not None and state.diagnosis.cause == cause.id
    )
    known = catalogue or {cause.id: cause}
    targets = worst_first(having, known)
    return template("cause.html").render(
        frame(),
        cause=cause,
        heading=FAMILIES[cause.family],
        party=PARTIES[cause.party],
        steps=fill_steps(cause.fix, EXAMPLE),
        printed=group_texts_by_exporter(cause),
        neighbours=tuple(sentence.replace("`", "") for sentence in list_neighbours(cause, known)),
        rows=[row(state, known, now) for state in targets[:TARGETS_SHOWN]],
        total=len(targets),
    )


def _verdict(one: Verdict) -> tuple[str, str, Verdict]:
    return _NAMES[one.runtime], _OUTCOMES[one.outcome], one


def _attempt(entry: HistoryEntry) -> Attempt:
    return Attempt(
        at=rfc3339(entry.at),
        outcome=f"{entry.outcome}, as expected"
        if entry.expected and entry.cause
        else entry.outcome,
        mood=mood_of(entry),
        cause=entry.cause or "",
        took=format_stage_time(entry.duration),
    )


def _experiment(
    varied: str, at: float, outcome: str, proves: str, rules_out: str
) -> tuple[str, str, str, str, str]:
    return varied.replace("_", " "), rfc3339(at), outcome, proves, rules_out


def _offset(reading: ClockReading) -> str:
    if abs(reading.offset) < 1:
        return "the same, to the second"
    return f"{format_duration(reading.offset)} {'ahead of' if reading.offset > 0 else 'behind'} the probe"


def _settings(target: Target) -> list[tuple[str, str]]:
    """Return what the target asks for; header values and a proxy's URL are secrets."""
    tls = target.tls
    said = [
        ("Protocol", f"{target.protocol}, {target.signal}"),
        ("Depth", target.depth),
        (
            "Every",
            f"{format_duration(target.interval)}, for at most {format_duration(target.timeout)}",
        ),
        ("Server name", target.reference_identifier),
        ("cert_file", tls.cert_file or ""),
        ("key_file", tls.key_file or ""),
        ("ca_file", tls.ca_file or ""),
        ("Headers", ", ".join(name for name, _ in target.headers)),
        ("Expected", target.expect_cause or ""),
        ("From", "; ".join(f"{one.kind} {one.where}".rstrip() for one in target.sources)),
    ]
    return [(name, safe_text(value)) for name, value in said if value]


def _connection(evidence: Evidence) -> list[tuple[str, str]]:
    handshake = evidence.handshake
    tried = "; ".join(
        f"{one.address} ({one.error})" if one.error else one.address for one in evidence.connects
    )
    proxied = bool(evidence.target.proxy)
    connected = "Connected to the proxy at" if proxied else "Connected to"
    addresses = "Addresses of the proxy tried" if proxied else "Addresses tried"
    said = [(connected, evidence.peer_address), (addresses, tried)]
    if handshake is not None:
        asked = "asked for" if handshake.client_certificate_requested else "not asked for"
        sent = "sent" if handshake.client_certificate_sent else "not sent"
        alerts = "; ".join(f"{one.direction} {one.name} ({one.number})" for one in handshake.alerts)
        said += [
            ("TLS", " · ".join(filter(None, (handshake.version, handshake.cipher)))),
            ("Group", handshake.group),
            ("ALPN", handshake.alpn),
            ("Client certificate", f"{asked}, {sent}" if handshake.server_chain else ""),
            ("Alerts", alerts),
        ]
    return [(name, safe_text(value)) for name, value in said if value]
