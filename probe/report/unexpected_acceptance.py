"""What it means, and what to do, where a backend accepts what `expect` says it must refuse.

Pure. A success has no cause in the catalogue, so the texts about such a target are made here: for a
check that mTLS is enforced, this is the alarm.
"""

from typing import Final, NamedTuple

from probe.diagnosis.catalogue import CATALOGUE
from probe.diagnosis.fixes.steps import fill_steps
from probe.model.diagnosis import Diagnosis, Party
from probe.model.evidence import Evidence
from probe.text.safe_text import safe_text

_REFUSED_BY_THE_BACKEND: Final = frozenset(
    {
        "client_ca_untrusted",
        "client_cert_expired",
        "client_cert_not_sent",
        "client_cert_not_yet_valid",
        "client_cert_rejected",
        "client_cert_revoked",
        "client_cert_weak",
        "client_cert_wrong_usage",
        "client_chain_incomplete",
        "client_san_rejected",
        "handshake_rejected",
    }
)
"""What a backend that verifies client certificates refuses one for."""

_REQUIRE_CERTIFICATE: Final = (
    "On the backend of {endpoint}, require a client certificate and verify it: client_ca_file in the "
    "tls settings of a Collector's receiver, ssl_verify_client on in nginx, verify required in "
    "HAProxy."
)
_FIRST_STEPS: Final = {
    "client_ca_untrusted": (
        "On the backend of {endpoint}, take the CA of this certificate out of the file of client "
        "CAs (client_ca_file in a Collector's tls settings, ssl_client_certificate in nginx, ca-file "
        "in HAProxy), and let it verify: ssl_verify_client on in nginx, verify required in HAProxy."
    ),
    "client_cert_revoked": (
        "On the backend of {endpoint}, set the CA's revocation list: ssl_crl in nginx, crl-file in "
        "HAProxy; a Collector reads none, so put one of them in front of it."
    ),
    "client_san_rejected": (
        "On the backend of {endpoint}, or on the proxy in front of it, allow only the names that are "
        "meant to export."
    ),
}
"""What makes a backend refuse a certificate that was sent, by the expected cause."""
_RELOAD_BACKEND: Final = (
    "Restart the backend, or reload nginx or HAProxy, so that it reads its configuration again."
)
_DROP_EXPECT: Final = (
    "If it is meant to be accepted, remove expect of this target from the probe's configuration."
)


class UnexpectedAcceptance(NamedTuple):
    """What to say of a target that was accepted, and was expected to fail."""

    seen: str
    """What of the attempt shows why it was accepted; empty where nothing does."""
    meaning: str
    party: Party
    fix: tuple[str, ...]


def explain_unexpected_acceptance(
    evidence: Evidence, diagnosis: Diagnosis
) -> UnexpectedAcceptance | None:
    """Return what to say of a success that `expect` rules out; None of any other outcome."""
    wanted = evidence.target.expect_cause
    if diagnosis.outcome != "confirmed" or wanted is None:
        return None
    if wanted not in _REFUSED_BY_THE_BACKEND:
        known = CATALOGUE.get(wanted)
        title = f" ({known.title})" if known else ""
        meaning = f"{safe_text(wanted)}{title} was expected, but the backend accepts the exporter."
        step = (
            "Find out what has changed at {endpoint}; if the change is intended, remove expect of this target "
            "from the probe's configuration."
        )
        return UnexpectedAcceptance("", meaning, "either", fill_steps((step,), evidence.target))
    seen, why, sent = _observe(evidence)
    step = _FIRST_STEPS.get(wanted, _REQUIRE_CERTIFICATE) if sent else _REQUIRE_CERTIFICATE
    fix = fill_steps((step, _RELOAD_BACKEND, _DROP_EXPECT), evidence.target)
    return UnexpectedAcceptance(seen, f"mTLS is not enforced there: {why}", "backend", fix)


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
