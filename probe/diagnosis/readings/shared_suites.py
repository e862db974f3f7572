"""Whether version, cipher suite and the key of the backend's certificate fit together.

A suite of TLS 1.0 to 1.2 names the kind of key that signs (RFC 5246 §7.4.2, RFC 8422 §2): a server
whose certificate has another kind of key has no suite to choose, whatever the client offers. Those
of TLS 1.3 name none (RFC 8446 §4.1.1). So a handshake with every suite offered says only whether
the exporter's own list was too short.
"""

from typing import Final

from probe.diagnosis.readings.experiment_results import (
    get_experiment,
    get_fatal_alert,
    get_improvement,
)
from probe.model.evidence import Evidence, Experiment, Handshake
from probe.model.tls_alerts import TlsAlert
from probe.model.tls_names import OPENSSL_NAMES

_SIGNS_FOR: Final = {
    "RSA": "RSA",
    "EC": "ECDSA",
    "Ed25519": "ECDSA",
    "Ed448": "ECDSA",
    "DSA": "DSS",
}
"""By kind of key, the kind of suite that it can sign in (RFC 8422 §5.10 for EdDSA)."""


def get_suite_key_kind(suite: str) -> str:
    """Return the kind of key that a suite needs, `RSA`, `ECDSA` or `DSS`; empty where any will do.

    Takes the names of Go and of OpenSSL.
    """
    name = OPENSSL_NAMES.get(suite, suite)
    if name.startswith(("TLS_", "ADH", "AECDH", "SRP")) or "PSK" in name:
        return ""  # TLS 1.3, or without a certificate
    for kind in ("ECDSA", "DSS"):
        if kind in name:
            return kind
    return "RSA"


def get_key_kind(key_type: str) -> str:
    """Return the kind of suite that a key of `key_type` can sign in; empty where not known."""
    return _SIGNS_FOR.get(key_type, "")


def describe_unusable_suites(offered: tuple[str, ...], agreed: Handshake) -> str:
    """Say that every suite offered for TLS 1.2 needs another kind of key than the backend has.

    Args:
        offered: the exporter's own suites, by Go's names; empty is the library's whole list.
        agreed: the handshake that went on with every suite offered.
    """
    needed = {get_suite_key_kind(suite) for suite in offered} - {""}
    leaf = agreed.server_chain[0].key_type if agreed.server_chain else ""
    has = get_suite_key_kind(agreed.cipher) or get_key_kind(leaf)
    if not needed or not has or has in needed:
        return ""
    key = f"the key of the backend's certificate is {leaf}" if leaf else "the backend has another"
    return (
        f"the suites offered for TLS 1.2 are for {' and '.join(sorted(needed))} certificates alone; "
        f"{key}, which goes with {has} suites"
    )


def find_newer_version(evidence: Evidence) -> Experiment | None:
    """Return the handshake at a newer version where the backend's older suites may not fit its key.

    It said handshake_failure (40) to this exporter's versions, and again with every suite offered,
    while a newer version goes on. Most stacks refuse a version that they do not speak with
    protocol_version (70), so the suites that they allow for the older one may need a key that
    their certificate lacks; GnuTLS 3.7 refuses a version with 40 too.
    """
    newer, every = (
        get_improvement(evidence, "every_version"),
        get_experiment(evidence, "every_cipher"),
    )
    seen = evidence.handshake
    if newer is None or newer.handshake is None or every is None or seen is None:
        return None
    if newer.handshake.version != "1.3" or seen.offer.max_version in {"", "1.3"}:
        return None
    refused = (
        every.handshake is not None
        and get_fatal_alert(every.handshake) == TlsAlert.HANDSHAKE_FAILURE
    )
    return newer if refused and get_fatal_alert(seen) == TlsAlert.HANDSHAKE_FAILURE else None
