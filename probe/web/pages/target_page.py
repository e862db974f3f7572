"""The page of one target: its verdict, chains, attempts, stages, experiments and settings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from probe.changes.describe_change import describe_changes
from probe.comparison.by_exporter import compare_exporters
from probe.comparison.verdict import Outcome
from probe.diagnosis.cause import Cause
from probe.diagnosis.readings.experiment_results import read_experiments
from probe.ledger.replicas import list_results
from probe.ledger.target_runtime import TargetRuntime
from probe.model.evidence import STAGES, ClockReading, Evidence, Stage
from probe.model.target import Target
from probe.report.address_summary import read_runtime, summarize_addresses
from probe.report.message_table import load_refusal_texts
from probe.report.outcome import EXPORTER_NAMES, describe_expectation, find_mood
from probe.text.safe_text import safe_text
from probe.text.time_format import format_age, format_duration, format_stage_time, rfc3339
from probe.web.pages.acceptable_cas import compare_acceptable_cas
from probe.web.pages.chain_drawing import draw_chains
from probe.web.pages.history_strip import draw_bars, draw_strip
from probe.web.pages.rendering import list_frame_values, load_template
from probe.web.pages.target_row import build_row, list_findings

RECENT: Final = 10
"""Attempts that are shown at once; the rest unfold."""
STAGE_WIDTH: Final = 100.0
_LEAST_WIDTH: Final = 0.6
"""Without it, a stage of microseconds would have no bar."""

MEANINGS: Final[dict[Stage, str]] = {
    "load": "reading the credential files",
    "resolve": "looking up the name",
    "connect": "the TCP connection",
    "handshake": "TLS, as far as the client sees it",
    "accept": "the backend's judgement of the certificate",
    "export": "the answer to the request",
}
_OUTCOMES: Final[Mapping[Outcome, str]] = {
    "same": "in the same way",
    "works": "gets further",
    "fails": "fails in another way",
}

_OF_AN_ATTEMPT: Final = (
    "verdicts", "accepted", "chains", "stages", "experiments", "clocks", "connection",
)  # fmt: skip  # one list


@dataclass(frozen=True, slots=True)
class StageBar:
    """One stage: `x` and `width` of its bar, and `words` for its duration."""

    stage: str
    meaning: str
    x: float
    width: float
    words: str


def render_target_page(
    whole: TargetRuntime, catalogue: Mapping[str, Cause], now: float, address: str = ""
) -> str:
    """Return the page of one target as of `now` (epoch seconds).

    Args:
        whole: the target.
        catalogue: where a cause's title and who must act stand.
        now: for ages and days left.
        address: the one address that the page is about, where each has its own result; otherwise
            it is about the worst one.
    """
    results = list_results(whole) if whole.target.has_replicas else ()
    chosen = (each for each in results if address and each.target.address == address)
    state = next(chosen, whole)
    evidence, diagnosis = state.evidence, state.diagnosis
    seen: dict[str, object] = dict.fromkeys(_OF_AN_ATTEMPT)
    if evidence is not None and diagnosis is not None:
        seen = {
            "verdicts": [
                (EXPORTER_NAMES[one.runtime], _OUTCOMES[one.outcome], one)
                for one in compare_exporters(evidence, diagnosis, load_refusal_texts())
            ],
            "accepted": compare_acceptable_cas(evidence),
            "chains": draw_chains(evidence, diagnosis, now),
            "stages": tuple(_stage_bars(evidence)),
            "experiments": read_experiments(evidence),
            "clocks": [
                (one.source, _offset(one), format_duration(one.uncertainty))
                for one in evidence.clock
            ],
            "connection": _connection(evidence),
        }
    attempts = list(reversed(state.history))
    return load_template("target.html").render(
        list_frame_values(),
        row=build_row(state, catalogue, now),
        addresses=[_describe_address(each, now) for each in results],
        of_all=summarize_addresses(read_runtime(whole)),
        address=evidence.target.address if evidence else "",
        stage=diagnosis.stage if diagnosis else "",
        at=rfc3339(evidence.at) if evidence else "",
        trace_id=state.trace.trace_id if state.trace else "",
        changes=tuple(describe_changes(evidence)) if evidence else (),
        findings=list_findings(state),
        known=frozenset(catalogue),
        settings=_settings(state.target),
        bars=draw_bars(state.history),
        history=draw_strip(state.history),
        attempts=attempts[:RECENT],
        older=attempts[RECENT:],
        seen=seen,
    )


def _describe_address(state: TargetRuntime, now: float) -> tuple[str, str, str, str, str, str]:
    """Return address, colour, outcome, cause, since when (RFC 3339) and how long ago."""
    diagnosis, since = state.diagnosis, state.since
    address = state.target.address or "look-up of the name"
    if diagnosis is None or since is None:
        return address, "pending", "not probed yet", "", "", ""
    mood = find_mood(diagnosis.outcome, expected=state.expected)
    ago = format_age(now - since)
    return address, mood, diagnosis.outcome, diagnosis.cause or "", rfc3339(since), ago


def _offset(reading: ClockReading) -> str:
    if abs(reading.offset) < 1:
        return "the same, to the second"
    return f"{format_duration(reading.offset)} {'ahead of' if reading.offset > 0 else 'behind'} the probe"


def _settings(target: Target) -> list[tuple[str, str]]:
    """Return what the target asks for; header values and a proxy's URL are secrets."""
    tls = target.tls
    rows = [
        ("Protocol", f"{target.protocol}, {target.signal}"),
        ("Exporter", EXPORTER_NAMES[target.exporter]),
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
        ("Expected", describe_expectation(target)),
        ("From", "; ".join(str(one) for one in target.sources)),
    ]
    return [(name, safe_text(value)) for name, value in rows if value]


def _connection(evidence: Evidence) -> list[tuple[str, str]]:
    handshake = evidence.handshake
    tried = "; ".join(
        f"{one.address} ({one.error})" if one.error else one.address for one in evidence.connects
    )
    proxied = bool(evidence.target.proxy)
    connected = "Connected to the proxy at" if proxied else "Connected to"
    addresses = "Addresses of the proxy tried" if proxied else "Addresses tried"
    rows = [(connected, evidence.peer_address), (addresses, tried)]
    if handshake is not None:
        asked = "asked for" if handshake.client_certificate_requested else "not asked for"
        sent = "sent" if handshake.client_certificate_sent else "not sent"
        alerts = "; ".join(f"{one.direction} {one.name} ({one.number})" for one in handshake.alerts)
        rows += [
            ("TLS", " · ".join(filter(None, (handshake.version, handshake.cipher)))),
            ("Group", handshake.group),
            ("ALPN", handshake.alpn),
            ("Client certificate", f"{asked}, {sent}" if handshake.server_chain else ""),
            ("Alerts", alerts),
        ]
    return [(name, safe_text(value)) for name, value in rows if value]


def _stage_bars(evidence: Evidence) -> Iterator[StageBar]:
    total = sum(evidence.durations.values()) or 1.0
    begun = 0.0
    for stage in STAGES:
        seconds = evidence.durations.get(stage)
        if seconds is None:
            yield StageBar(stage, MEANINGS[stage], 0.0, 0.0, "not reached")
            continue
        width = max(seconds / total * STAGE_WIDTH, _LEAST_WIDTH)
        x = min(begun / total * STAGE_WIDTH, STAGE_WIDTH - width)
        yield StageBar(
            stage, MEANINGS[stage], round(x, 2), round(width, 2), format_stage_time(seconds)
        )
        begun += seconds
