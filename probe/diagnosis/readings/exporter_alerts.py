"""What an exporter's TLS alert says of the backend's certificate: pure (RFC 8446 §6, RFC 5246 §7.2).

Which alert a library sends for which fault: Go crypto/tls sends bad_certificate for every one
(handshake_client.go, verifyServerCertificate), OpenSSL and BoringSSL follow the verification error
(statem_lib.c), JSSE sends certificate_unknown for most, rustls one of its own for each kind.
"""

from collections.abc import Mapping
from typing import Final

from probe.model.tls_alerts import TlsAlert

_ANY: Final = (
    "server_ca_untrusted", "server_name_mismatch", "server_cert_expired", "clock_skew",
    "server_cert_not_yet_valid", "server_cert_wrong_usage", "server_chain_incomplete",
    "server_chain_invalid", "server_cert_weak", "server_cert_unreadable", "server_cert_revoked",
)  # fmt: skip

SERVER_CAUSES: Final[Mapping[int, tuple[str, ...]]] = {
    TlsAlert.UNKNOWN_CA: (
        "server_ca_untrusted", "server_chain_incomplete", "server_chain_invalid",
    ),
    TlsAlert.CERTIFICATE_EXPIRED: (
        "clock_skew", "server_cert_expired", "server_cert_not_yet_valid",
    ),
    TlsAlert.CERTIFICATE_REVOKED: ("server_cert_revoked",),
    TlsAlert.UNSUPPORTED_CERTIFICATE: (
        "server_cert_wrong_usage", "server_cert_unreadable", "server_cert_weak",
    ),
    TlsAlert.BAD_CERTIFICATE: _ANY,
    TlsAlert.CERTIFICATE_UNKNOWN: _ANY,
    TlsAlert.ACCESS_DENIED: _ANY,
    TlsAlert.DECODE_ERROR: ("server_cert_unreadable", "server_chain_invalid"),
    TlsAlert.DECRYPT_ERROR: ("server_chain_invalid", "server_cert_weak", "server_ca_untrusted"),
    TlsAlert.BAD_CERTIFICATE_STATUS_RESPONSE: ("server_cert_revoked",),
}  # fmt: skip
"""By number, the causes that it may mean; the first where our own files show none of them.

An expired certificate that is not expired by our clock is one for the exporter's clock.
"""

_MEANINGS: Final[Mapping[int, str]] = {
    TlsAlert.UNKNOWN_CA: "it found no CA that it trusts above this backend's certificate",
    TlsAlert.BAD_CERTIFICATE: "it refuses this backend's certificate; Go's exporters send this "
    "alert for every fault of it: dates, name, CA",
    TlsAlert.CERTIFICATE_UNKNOWN: "it refuses this backend's certificate for a reason that the "
    "alert does not name; Java's exporters send it for most faults",
    TlsAlert.CERTIFICATE_EXPIRED: "this backend's certificate is not valid at the time of the "
    "exporter's clock",
    TlsAlert.CERTIFICATE_REVOKED: "a certificate of this backend was revoked",
    TlsAlert.UNSUPPORTED_CERTIFICATE: "this backend's certificate is of a kind, or for a purpose, "
    "that it does not take",
    TlsAlert.DECRYPT_ERROR: "a signature of the handshake or of a certificate did not verify",
    TlsAlert.DECODE_ERROR: "it could not read a message of this backend, such as its certificates",
    TlsAlert.HANDSHAKE_FAILURE: "it found nothing in common with what this backend chose",
    TlsAlert.ILLEGAL_PARAMETER: "it takes something that this backend chose for impossible",
    TlsAlert.PROTOCOL_VERSION: "it does not speak the TLS version that this backend chose",
    TlsAlert.INSUFFICIENT_SECURITY: "it demands stronger parameters than this backend chose",
    TlsAlert.INTERNAL_ERROR: "something in the exporter's own process failed; Go sends it where a "
    "callback of the application refuses",
    TlsAlert.USER_CANCELED: "the exporter gave up for a reason of its own",
    TlsAlert.ACCESS_DENIED: "it does not accept this backend",
    TlsAlert.NO_APPLICATION_PROTOCOL: "there is no application protocol in common",
    TlsAlert.UNEXPECTED_MESSAGE: "it got a message out of order: something on the way changes TLS",
    TlsAlert.BAD_RECORD_MAC: "a record arrived changed: something on the way changes TLS",
    TlsAlert.MISSING_EXTENSION: "an extension that it needs is missing",
    TlsAlert.BAD_CERTIFICATE_STATUS_RESPONSE: "it does not take the OCSP response",
}


def state_meaning(number: int) -> str:
    """Say what an exporter means by an alert."""
    return _MEANINGS.get(number, "RFC 8446 §6 has no case for it here")
