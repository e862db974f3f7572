"""What it means, and what to do, where a target got in that `expect` says must be refused.

Pure. A success has no cause in the catalogue, so that such a target's words are made here: for a
check that mTLS is enforced, this is the alarm.
"""

from typing import Final, NamedTuple

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.fixes.client_fixes import DEMAND_CERTIFICATE
from probe.diagnosis.fixes.steps import fill_steps
from probe.model.diagnosis import Diagnosis, Party
from probe.model.evidence import Evidence
from probe.text.safe_text import safe_text

_READ_AGAIN: Final = (
    "Restart the backend, or reload nginx or HAProxy, so that it reads its configuration again."
)
_MEANT: Final = (
    "If it is meant to get in, remove expect of this target from the probe's configuration."
)


class LetIn(NamedTuple):
    """The words about a target that got in, and was expected to fail."""

    seen: str
    """What of the attempt shows why it got in; empty where nothing does."""
    meaning: str
    party: Party
    fix: tuple[str, ...]


def let_in_against_expectation(evidence: Evidence, diagnosis: Diagnosis) -> LetIn | None:
    """Return what to say of a success that `expect` rules out; None of any other outcome."""
    wanted = evidence.target.expect_cause
    if diagnosis.outcome != "confirmed" or wanted is None:
        return None
    known = CATALOGUE.get(wanted)
    if known is None or not known.enforce:
        title = f" ({known.title})" if known else ""
        meaning = (
            f"{safe_text(wanted)}{title} was expected, and is not there: telemetry gets through."
        )
        step = (
            "Find out what has changed at {endpoint}; if it is meant, remove expect of this target "
            "from the probe's configuration."
        )
        return LetIn("", meaning, "either", fill_steps((step,), evidence.target))
    seen, why, sent = _how(evidence)
    step = known.enforce if sent else DEMAND_CERTIFICATE
    fix = fill_steps((step, _READ_AGAIN, _MEANT), evidence.target)
    return LetIn(seen, f"mTLS is not enforced there: {why}", "backend", fix)


def _how(evidence: Evidence) -> tuple[str, str, bool]:
    """Return what was seen, what it lets others do, and whether a certificate was sent."""
    handshake = evidence.handshake
    if evidence.target.plaintext:
        return (
            "the connection has no TLS, and the backend took what was sent",
            "without TLS no client is identified, and anyone who reaches the port can export.",
            False,
        )
    if handshake is not None and handshake.client_certificate_sent:
        return (
            "the backend asked for a client certificate, got this one, and let it in",
            "a certificate that it should refuse gets in, and so do others like it.",
            True,
        )
    if handshake is not None and handshake.client_certificate_requested:
        return (
            "the backend asked for a client certificate, got none, and let the exporter in",
            "it asks for a certificate and does not demand one, so that anyone can export.",
            False,
        )
    seen = "the backend asked for no client certificate" if handshake is not None else ""
    return seen, "clients get in that should be refused, and anyone like them can export.", False
