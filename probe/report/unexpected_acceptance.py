"""What an outcome means and what to do; also where a backend accepts what it must refuse by `expect`.

Pure. A success has no cause in the catalogue, so the texts about such a target are made here: for a
check that mTLS is enforced, this is the alarm.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.cause import Cause
from probe.diagnosis.fixes.client_fixes import REQUIRE_CERTIFICATE
from probe.diagnosis.fixes.steps import fill_steps
from probe.ledger.target_runtime import NOT_REQUESTED, find_expected_cause, is_expected
from probe.model.diagnosis import Diagnosis, Party
from probe.model.evidence import Evidence
from probe.text.safe_text import safe_text

_RELOAD_BACKEND: Final = (
    "Restart the backend, or reload nginx or HAProxy, so that it reads its configuration again."
)
_DROP_EXPECT: Final = (
    "If it is meant to be accepted, remove expect of this target from the probe's configuration."
)


class Explanation(NamedTuple):
    """What to say of an outcome."""

    seen: str
    """What of the attempt shows why it was accepted; empty for a failure."""
    meaning: str
    party: Party | None
    """Who must act."""
    fix: tuple[str, ...]


def explain_outcome(
    evidence: Evidence, diagnosis: Diagnosis, catalogue: Mapping[str, Cause] = CATALOGUE
) -> Explanation:
    """Return what an outcome means: a failure by its cause, a success that `expect` rules out."""
    if accepted := explain_unexpected_acceptance(evidence, diagnosis):
        return accepted
    cause = catalogue.get(diagnosis.cause or "")
    meaning, party = (cause.meaning, cause.party) if cause else ("", None)
    return Explanation("", meaning, diagnosis.party or party, diagnosis.fix)


def explain_unexpected_acceptance(evidence: Evidence, diagnosis: Diagnosis) -> Explanation | None:
    """Return what to say of a success that `expect` rules out; None of any other outcome."""
    wanted = find_expected_cause(evidence)
    if diagnosis.outcome != "confirmed":
        return None
    if wanted is None:
        return _explain_open_backend(evidence, diagnosis)
    known = CATALOGUE.get(wanted)
    if known is None or not known.enforce:
        title = f" ({known.title})" if known else ""
        meaning = f"{safe_text(wanted)}{title} was expected, but the backend accepts the exporter."
        step = (
            "Find out what has changed at {endpoint}; if the change is intended, remove expect of "
            "this target from the probe's configuration."
        )
        return Explanation(
            "", meaning, "either", fill_steps((step,), evidence.target, evidence.credentials.served)
        )
    seen, why, sent = _observe(evidence)
    step = known.enforce if sent else REQUIRE_CERTIFICATE
    fix = fill_steps(
        (step, _RELOAD_BACKEND, _DROP_EXPECT), evidence.target, evidence.credentials.served
    )
    return Explanation(seen, f"mTLS is not enforced there: {why}", "backend", fix)


def _explain_open_backend(evidence: Evidence, diagnosis: Diagnosis) -> Explanation | None:
    """Return what to say where the backend must insist on a client certificate, and does not."""
    if is_expected(evidence, diagnosis):
        return None
    found = next(one for one in diagnosis.findings if one.cause == NOT_REQUESTED)
    meaning = "mTLS is not enforced there: anyone who reaches the port can export."
    return Explanation(found.fact, meaning, "backend", found.fix)


def _observe(evidence: Evidence) -> tuple[str, str, bool]:
    """Return what was seen, what it lets others do, and whether a certificate was sent."""
    handshake = evidence.handshake
    if evidence.target.plaintext:
        return (
            "the connection has no TLS, and the backend accepted what was sent",
            "without TLS no client is identified, and anyone who reaches the port can export.",
            False,
        )
    if handshake is not None and handshake.client_certificate_sent:
        return (
            "the backend asked for a client certificate, received this one, and accepted it",
            "a certificate that it should refuse is accepted, and so are others like it.",
            True,
        )
    if handshake is not None and handshake.client_certificate_requested:
        return (
            "the backend asked for a client certificate, received none, and accepted the exporter",
            "it asks for a certificate and does not require one, so anyone can export.",
            False,
        )
    seen = "the backend asked for no client certificate" if handshake is not None else ""
    return (
        seen,
        "clients that should be refused are accepted, and anyone like them can export.",
        False,
    )
