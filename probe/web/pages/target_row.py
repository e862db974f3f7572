"""One target as the pages show it: its verdict, since when, its certificates, and what comes first.

Pure. Every text has passed `safe_text`, or passes it here. What expires soon is what the catalogue
calls soon, so that page, finding and alerting rule agree.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote

from probe.diagnosis.cause import PARTIES, Cause
from probe.diagnosis.readings.used_certificates import find_client_path, find_server_path
from probe.ledger.replicas import list_results
from probe.ledger.target_runtime import TargetRuntime
from probe.model.certificate import CertificateFacts
from probe.model.diagnosis import Party
from probe.model.evidence import Evidence
from probe.model.finding import Finding
from probe.report.address_summary import read_runtime, summarize_addresses
from probe.report.outcome import Mood, describe_expectation, find_mood, rank_severity
from probe.report.unexpected_acceptance import explain_outcome
from probe.text.safe_text import safe_text
from probe.text.time_format import format_age, rfc3339
from probe.web.pages.history_strip import Strip, draw_strip
from probe.x509.validity import describe_time_left, expires_soon, find_first_to_expire, is_valid


@dataclass(frozen=True, slots=True)
class Countdown:
    """Time left, in words; `ends` is RFC 3339."""

    whose: str
    words: str
    ends: str
    over: bool
    """Whether it is not valid: after its end, or before its beginning."""
    urgent: bool
    """Whether it is over, or ends soon."""


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One target as the page shows it."""

    name: str
    link: str
    """The name, percent-encoded."""
    endpoint: str
    outcome: str
    mood: Mood | Literal["pending"]
    """The colour of the row; a text always says the same."""
    labels: tuple[str, ...] = ()
    addresses: str = ""
    """How its addresses are, where each has its own result; the rest is of the worst one."""
    cause: str = ""
    title: str = ""
    family: str = ""
    certain: bool = True
    also: tuple[str, ...] = ()
    party: str = ""
    meaning: str = ""
    """What the outcome means, in a sentence."""
    since: str = ""
    since_ago: str = ""
    facts: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    history: Strip | None = None
    countdowns: tuple[Countdown, ...] = ()
    read_at: str = ""
    """When the credential files in use were read."""
    read_ago: str = ""


def build_row(state: TargetRuntime, catalogue: Mapping[str, Cause], now: float) -> TargetRow:
    """Return how a page shows `state`, as of `now` (epoch seconds)."""
    target, diagnosis, evidence = state.target, state.diagnosis, state.evidence
    pending = TargetRow(
        safe_text(target.name),
        quote_target_name(state),
        safe_text(str(target.endpoint)),
        "not probed yet",
        "pending",
        label_texts(state),
    )
    if diagnosis is None or evidence is None:
        return pending
    cause = catalogue.get(diagnosis.cause or "")
    since = state.since or now
    explained = explain_outcome(evidence, diagnosis, catalogue)
    party = find_party(state)
    tls = target.tls
    named = tls.cert_file or tls.key_file or tls.ca_file
    read_at = evidence.credentials.read_at if named else 0.0
    outcome: str = diagnosis.outcome
    if wanted := describe_expectation(target):
        outcome += ", as expected" if state.expected else f", expected {wanted}"
    return replace(
        pending,
        addresses=summarize_addresses(read_runtime(state)),
        outcome=outcome,
        mood=find_mood(diagnosis.outcome, expected=state.expected),
        cause=diagnosis.cause or "",
        title=cause.title if cause else diagnosis.cause or "",
        family=diagnosis.family or "",
        certain=diagnosis.certain,
        also=diagnosis.also,
        party=PARTIES[party] if party else "",
        since=rfc3339(since),
        since_ago=format_age(now - since),
        meaning=explained.meaning,
        facts=(*diagnosis.all_facts, explained.seen) if explained.seen else diagnosis.all_facts,
        findings=tuple(f"{finding.cause}: {finding.fact}" for finding in list_findings(state)),
        fix=() if state.expected else explained.fix,
        history=draw_strip(state.history),
        countdowns=tuple(
            build_countdown(whose, one, now) for whose, one in _first_to_expire(state)
        ),
        read_at=rfc3339(read_at) if read_at else "",
        read_ago=format_age(now - read_at) if read_at else "",
    )


def quote_target_name(state: TargetRuntime) -> str:
    """Return the target's name as a segment of a path."""
    return quote(state.target.name, safe="", errors="replace")


def label_texts(state: TargetRuntime) -> tuple[str, ...]:
    """Return the target's labels as `name=value`."""
    return tuple(safe_text(f"{name}={value}") for name, value in state.target.labels)


def find_party(state: TargetRuntime) -> Party | Literal[""]:
    """Return who must act on `state`; empty where nobody must, or nobody is known."""
    if state.expected or state.evidence is None or state.diagnosis is None:
        return ""
    return explain_outcome(state.evidence, state.diagnosis).party or ""


def rank_urgency(
    state: TargetRuntime, catalogue: Mapping[str, Cause]
) -> tuple[int, int, float, str]:
    """Return what the order of targets is made of; the lowest comes first."""
    diagnosis, name = state.diagnosis, state.target.name
    if diagnosis is None:
        return (2, 0, 0.0, name)
    expiry = min((one.not_after for _, one in _first_to_expire(state)), default=float("inf"))
    if state.expected:
        return (3, 0, expiry, name)
    severity = rank_severity(catalogue.get(diagnosis.cause or ""))
    return (int(diagnosis.outcome == "unconfirmed"), severity, expiry, name)


def build_countdown(whose: str, certificate: CertificateFacts, now: float) -> Countdown:
    """Return the countdown of `certificate` as of `now` (epoch seconds)."""
    over = not is_valid(certificate, now)
    return Countdown(
        whose=whose,
        words=describe_time_left(certificate, now),
        ends=rfc3339(certificate.not_after),
        over=over,
        urgent=over or expires_soon(certificate, now),
    )


def list_findings(state: TargetRuntime) -> tuple[Finding, ...]:
    """Return the findings of a target's last attempt, at whichever of its addresses; each once."""
    found = (each.diagnosis.findings for each in list_results(state) if each.diagnosis is not None)
    return tuple(dict.fromkeys(finding for findings in found for finding in findings))


def _first_to_expire(state: TargetRuntime) -> list[tuple[str, CertificateFacts]]:
    """Return what ends first of what is used: of the client's chain, of the servers', of the CAs."""
    first: dict[str, CertificateFacts] = {}
    for each in list_results(state):
        if each.evidence is not None:
            for whose, one in _find_ending(each.evidence):
                first[whose] = find_first_to_expire((*filter(None, (first.get(whose),)), one))
    return list(first.items())


def _find_ending(evidence: Evidence) -> Iterator[tuple[str, CertificateFacts]]:
    server, bundle = find_server_path(evidence), evidence.credentials.ca_bundle
    if chain := find_client_path(evidence).certificates:
        yield "client", find_first_to_expire(chain)
    if server.sent:
        yield "server", find_first_to_expire(server.sent)
    # A bundle may hold old CAs that nothing leads to: the one in use counts.
    if anchors := server.anchors or (bundle if len(bundle) == 1 else ()):
        yield "CA", find_first_to_expire(anchors)
