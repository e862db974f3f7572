"""The status page: every target, the worst first, as HTML that needs no script and no other file.

Law 10: the template escapes every value (autoescape), and each has passed `safe_text` before.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from probe import __version__
from probe.causes.cause import Cause
from probe.credential_facts import CertificateFacts
from probe.ledger import Ledger, TargetState
from probe.outputs.cause_page import PARTIES
from probe.outputs.result import rfc3339
from probe.safe_text import safe_text

DAY: Final = 86_400

_TEMPLATES: Final = Path(__file__).with_name("templates")
STYLE: Final = Markup((_TEMPLATES / "status.css").read_text(encoding="utf-8"))  # noqa: S704  # our own file, and its hash is in the policy
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

CONTENT_SECURITY_POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing but the page's own style sheet, by its hash, and the empty icon."""

_SEVERITIES: Final = {"critical": 0, "warning": 1, "info": 2}


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
    cause: str = ""
    title: str = ""
    family: str = ""
    certain: bool = True
    also: tuple[str, ...] = ()
    party: str = ""
    since: str = ""
    since_ago: str = ""
    facts: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()
    days_left: int | None = None


def page(ledger: Ledger, catalogue: Mapping[str, Cause], now: float) -> Iterator[bytes]:
    """Yield the page part by part, as of `now` (epoch seconds)."""
    states = sorted(ledger, key=lambda state: _badness(state, catalogue))
    stream = template("status.html").stream(
        rows=(row(state, catalogue, now) for state in states),
        style=STYLE,
        total=len(states),
        unexpected=sum(state.diagnosis is not None and not state.expected for state in states),
        pending=sum(state.diagnosis is None for state in states),
        now=rfc3339(now),
        version=__version__,
    )
    stream.enable_buffering(200)
    return (part.encode() for part in stream)


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


def _badness(state: TargetState, catalogue: Mapping[str, Cause]) -> tuple[int, int, float, str]:
    diagnosis, name = state.diagnosis, state.target.name
    if diagnosis is None:
        return (2, 0, 0.0, name)
    if state.expected:
        return (3, 0, _first_expiry(state), name)
    cause = catalogue.get(diagnosis.cause or "")
    severity = _SEVERITIES[cause.severity] if cause else len(_SEVERITIES)
    return (int(diagnosis.outcome == "unconfirmed"), severity, _first_expiry(state), name)


def _first_expiry(state: TargetState) -> float:
    chain = _client_chain(state)
    return min((facts.not_after for facts in chain), default=float("inf"))


def _client_chain(state: TargetState) -> tuple[CertificateFacts, ...]:
    return state.evidence.credentials.client_chain if state.evidence else ()


def row(state: TargetState, catalogue: Mapping[str, Cause], now: float) -> Row:
    """Return how a page shows `state`, as of `now` (epoch seconds)."""
    target, diagnosis = state.target, state.diagnosis
    name, endpoint = safe_text(target.name), safe_text(str(target.endpoint))
    link = quote(target.name, safe="", errors="replace")
    if diagnosis is None:
        return Row(
            name=name, link=link, endpoint=endpoint, outcome="not probed yet", mood="pending"
        )
    cause = catalogue.get(diagnosis.cause or "")
    since = state.since or now
    expiry = _first_expiry(state)
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
        cause=diagnosis.cause or "",
        title=cause.title if cause else diagnosis.cause or "",
        family=diagnosis.family or "",
        certain=diagnosis.certain,
        also=diagnosis.also,
        party=PARTIES[cause.party] if cause and not state.expected else "",
        since=rfc3339(since),
        since_ago=_ago(now - since),
        facts=diagnosis.facts,
        findings=tuple(f"{finding.cause}: {finding.fact}" for finding in diagnosis.findings),
        fix=() if state.expected else diagnosis.fix,
        days_left=int((expiry - now) // DAY) if expiry < float("inf") else None,
    )


def _mood(state: TargetState, outcome: str) -> str:
    if state.expected:
        return "good"
    return "unsure" if outcome == "unconfirmed" else "bad"


def _ago(seconds: float) -> str:
    for unit, length in (("d", DAY), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{int(seconds // length)} {unit}"
    return f"{max(int(seconds), 0)} s"
