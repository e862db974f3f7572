"""The status page: every target, the worst first, as HTML that needs no script and no other file.

Law 10: the template escapes every value (autoescape), and each has passed `safe_text` before.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from probe import __version__
from probe.diagnosis.cause import PARTIES, Cause
from probe.ledger.ledger import Ledger
from probe.ledger.target_runtime import TargetRuntime
from probe.model.target import SourceState
from probe.report.unexpected_acceptance import explain_unexpected_acceptance
from probe.text.safe_text import safe_text
from probe.text.time_format import format_age, rfc3339
from probe.web.pages.countdown import Countdown, countdowns, first_expiry
from probe.web.pages.fleet_summary import FleetSummary
from probe.web.pages.history_strip import HEIGHT, WIDTH, Strip, strip
from probe.web.pages.target_filter import OUTCOMES, TargetFilter, label_texts, party_of

PER_PAGE: Final = 250
"""Targets that one page lists; the next ones are a link away."""
BATCH: Final = 100
"""Targets that are counted in one go."""
LINES: Final = 20
LONGEST_LINE: Final = 1024
"""Lines, and characters of each, of what is wrong with a reload or a source."""
REFRESH: Final = 30
"""Seconds, where a reader asks for a page that loads itself again."""

_TEMPLATES: Final = Path(__file__).with_name("templates")
STYLE: Final = Markup((_TEMPLATES / "status.css").read_text(encoding="utf-8"))  # noqa: S704  # our own file, and its hash is in the policy
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing but the page's own style sheet, by its hash, the empty icon, and the search form."""

_SEVERITIES: Final = {"critical": 0, "warning": 1, "info": 2}
_NOTHING_ASKED: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Row:
    """One target as the page shows it."""

    name: str
    link: str
    """The name, percent-encoded."""
    endpoint: str
    outcome: str
    mood: str
    """bad, unsure, pending or good: the row's colour, never the only sign."""
    labels: tuple[str, ...] = ()
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


def page(
    ledger: Ledger,
    catalogue: Mapping[str, Cause],
    now: float,
    query: Mapping[str, str] = _NOTHING_ASKED,
    *,
    reload_failure: str | None = None,
    warnings: Sequence[str] = (),
    sources: Sequence[SourceState] = (),
    nothing_to_probe: str = "",
) -> Iterator[bytes]:
    """Yield the page part by part, as of `now` (epoch seconds); an empty part is only a pause.

    Args:
        ledger: what is shown.
        catalogue: where a cause's title and who must act stand.
        now: for ages and days left.
        query: of the page's address: search, filters and place (`TargetFilter`).
        reload_failure: why the last reload left the old configuration in force.
        warnings: what the configuration in force says that is no error; the first are shown.
        sources: how each source of targets is.
        nothing_to_probe: why there is nothing to probe, or an empty text.
    """
    wanted, summary = TargetFilter.of(query), FleetSummary()
    ranked: list[tuple[tuple[int, int, float, str], TargetRuntime]] = []
    for count, state in enumerate(list(ledger), 1):
        summary.add(state)
        if wanted.matches(state):
            ranked.append((_badness(state, catalogue), state))
        if not count % BATCH:
            yield b""
    ranked.sort(key=itemgetter(0))
    found = len(ranked)
    pages = max(-(-found // PER_PAGE), 1)
    at = min(wanted.page, pages)
    shown = [state for _, state in ranked[(at - 1) * PER_PAGE : at * PER_PAGE]]
    # A slow reader keeps what is left of this for a while.
    del ranked
    stream = template("status.html").stream(
        frame(),
        rows=(row(state, catalogue, now) for state in shown),
        summary=summary,
        wanted=wanted,
        found=found,
        first=(at - 1) * PER_PAGE + 1,
        page=at,
        pages=pages,
        refresh=REFRESH,
        outcomes=OUTCOMES,
        parties=PARTIES,
        known=catalogue,
        reload_failure=_lines(reload_failure),
        warnings=[safe_text(line) for line in warnings[:20]],
        down=[
            (safe_text(one.source), one.targets, _lines(one.error)) for one in sources if not one.up
        ],
        nothing=_lines(nothing_to_probe),
        now=rfc3339(now),
    )
    stream.enable_buffering(50)
    yield from (part.encode() for part in stream)


def _lines(text: str | None) -> list[str]:
    return [safe_text(line, LONGEST_LINE) for line in (text or "").splitlines()[:LINES]]


def frame() -> dict[str, object]:
    """Return what the frame of every page needs."""
    return {"style": STYLE, "version": __version__, "strip_width": WIDTH, "strip_height": HEIGHT}


@cache
def template(name: str) -> Template:
    """Return one of the pages' templates, which escapes every value."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)


def worst_first(
    states: Iterator[TargetRuntime], catalogue: Mapping[str, Cause]
) -> list[TargetRuntime]:
    """Return `states` in the order of the pages."""
    return sorted(states, key=lambda state: _badness(state, catalogue))


def link_of(state: TargetRuntime) -> str:
    """Return the target's name as a segment of a path."""
    return quote(state.target.name, safe="", errors="replace")


def _badness(state: TargetRuntime, catalogue: Mapping[str, Cause]) -> tuple[int, int, float, str]:
    diagnosis, name = state.diagnosis, state.target.name
    if diagnosis is None:
        return (2, 0, 0.0, name)
    ends = first_expiry(state.evidence)
    if state.expected:
        return (3, 0, ends, name)
    cause = catalogue.get(diagnosis.cause or "")
    severity = _SEVERITIES[cause.severity] if cause else len(_SEVERITIES)
    return (int(diagnosis.outcome == "unconfirmed"), severity, ends, name)


def row(state: TargetRuntime, catalogue: Mapping[str, Cause], now: float) -> Row:
    """Return how a page shows `state`, as of `now` (epoch seconds)."""
    target, diagnosis = state.target, state.diagnosis
    name, endpoint = safe_text(target.name), safe_text(str(target.endpoint))
    link, labels = link_of(state), label_texts(state)
    if diagnosis is None:
        return Row(
            name=name,
            link=link,
            endpoint=endpoint,
            outcome="not probed yet",
            mood="pending",
            labels=labels,
        )
    cause = catalogue.get(diagnosis.cause or "")
    since = state.since or now
    let_in = explain_unexpected_acceptance(state.evidence, diagnosis) if state.evidence else None
    party = party_of(state)
    tls = target.tls
    named = tls.cert_file or tls.key_file or tls.ca_file
    read_at = state.evidence.credentials.read_at if named and state.evidence else 0.0
    outcome: str = diagnosis.outcome
    if state.expected and target.expect_cause:
        outcome = f"{outcome}, as expected"
    elif not state.expected and target.expect_cause:
        outcome = f"{outcome}, expected {safe_text(target.expect_cause)}"
    return Row(
        name=name,
        link=link,
        endpoint=endpoint,
        outcome=outcome,
        mood=_mood(state, diagnosis.outcome),
        labels=labels,
        cause=diagnosis.cause or "",
        title=cause.title if cause else diagnosis.cause or "",
        family=diagnosis.family or "",
        certain=diagnosis.certain,
        also=diagnosis.also,
        party=PARTIES[party] if party else "",
        since=rfc3339(since),
        since_ago=format_age(now - since),
        meaning=let_in.meaning if let_in else cause.meaning if cause else "",
        facts=(*diagnosis.all_facts, let_in.seen)
        if let_in and let_in.seen
        else diagnosis.all_facts,
        findings=tuple(f"{finding.cause}: {finding.fact}" for finding in diagnosis.findings),
        fix=let_in.fix if let_in else () if state.expected else diagnosis.fix,
        history=strip(state.history),
        countdowns=countdowns(state.evidence, now),
        read_at=rfc3339(read_at) if read_at else "",
        read_ago=format_age(now - read_at) if read_at else "",
    )


def _mood(state: TargetRuntime, outcome: str) -> str:
    if state.expected:
        return "good"
    return "unsure" if outcome == "unconfirmed" else "bad"
