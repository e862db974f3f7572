"""The causes that fit an alert: what the TLS stacks send for which fault.

Read in Go crypto/tls 1.19 to 1.27, OpenSSL 3, BoringSSL, rustls 0.23, JSSE 17, GnuTLS 3.7 and
confirmed by handshakes with them. Two tables: the alert judges the exporter, or the backend.
"""

from collections.abc import Mapping
from typing import Final

from probe.messages.patterns.alert_patterns import PrintedAlert
from probe.messages.patterns.pattern import Reading, Readings
from probe.model.tls_alerts import TlsAlert

_NOT_YET_IN_OPENSSL = "OpenSSL answers so to a certificate that is not yet valid"
_OLD_GO = "Go up to 1.19 answers so to any certificate that it refuses"
_JSSE = "Java backends answer so to any certificate that they refuse"
_GNUTLS = "GnuTLS backends answer so to any certificate that they refuse"
_WITHHELD = (
    "the SDKs of Go and Java send no certificate whose issuer the backend's list does not name"
)
_NOT_WITHHELD = "a certificate that the backend's list does not name may have been withheld"
_FIRST_CERTIFICATE = "the backend cannot tell a missing intermediate from an unknown CA"
_CLOCKS = "the certificate may be valid here and expired by the backend's clock"
_BOTH_DATES = "Go, BoringSSL and rustls say expired for not yet valid too"

_OF_THE_EXPORTER: Final[dict[int, Readings]] = {
    TlsAlert.BAD_CERTIFICATE: (
        Reading("client_cert_wrong_usage", 0.9, "Go answers so to a wrong extendedKeyUsage"),
        Reading("client_cert_not_sent", 0.8, "Go before 1.25 and Java answer so in TLS 1.2"),
        Reading("clock_skew", 0.75, _NOT_YET_IN_OPENSSL),
        Reading("client_cert_not_yet_valid", 0.74, _NOT_YET_IN_OPENSSL),
        Reading("client_cert_weak", 0.7, "OpenSSL answers so to a weak key or signature"),
        Reading("client_ca_untrusted", 0.6, _OLD_GO),
        Reading("client_cert_expired", 0.55, _OLD_GO),
        Reading("client_san_rejected", 0.45, "Go answers so where the application refuses"),
        Reading("client_chain_incomplete", 0.35, _OLD_GO),
    ),
    TlsAlert.UNSUPPORTED_CERTIFICATE: (
        Reading("client_cert_wrong_usage", 0.95),
        Reading("client_cert_weak", 0.5, "also for a kind of key that the backend does not know"),
    ),
    TlsAlert.CERTIFICATE_REVOKED: (Reading("client_cert_revoked", 1.0),),
    TlsAlert.CERTIFICATE_EXPIRED: (
        Reading("client_cert_expired", 0.95),
        Reading("clock_skew", 0.75, _CLOCKS),
        Reading("client_cert_not_yet_valid", 0.7, _BOTH_DATES),
    ),
    TlsAlert.CERTIFICATE_UNKNOWN: (
        Reading("client_ca_untrusted", 0.8, _JSSE),
        Reading("client_cert_expired", 0.7, _JSSE),
        Reading("client_cert_wrong_usage", 0.65, _JSSE),
        Reading("client_chain_incomplete", 0.6, _JSSE),
        Reading("client_san_rejected", 0.55, "Envoy answers so to a name that it does not allow"),
        Reading("client_cert_not_yet_valid", 0.5, _JSSE),
        Reading("client_cert_rejected", 0.45),
        Reading("client_cert_weak", 0.4, _JSSE),
        Reading("clock_skew", 0.35, _JSSE),
    ),
    TlsAlert.ILLEGAL_PARAMETER: (
        Reading("client_cert_wrong_usage", 0.7, "BoringSSL says so where keyUsage forbids it"),
        Reading("handshake_rejected", 0.6),
    ),
    TlsAlert.UNKNOWN_CA: (
        Reading("client_ca_untrusted", 0.95),
        Reading("client_chain_incomplete", 0.75, _FIRST_CERTIFICATE),
        Reading("client_cert_weak", 0.4, "Go answers so to a SHA-1 signature"),
        Reading("client_cert_revoked", 0.3, "OpenSSL answers so where an issuer's CRL is missing"),
    ),
    TlsAlert.ACCESS_DENIED: (
        Reading("client_ca_untrusted", 0.8, _GNUTLS),
        Reading("client_san_rejected", 0.75, "the backend's policy may not allow this name"),
        Reading("client_cert_expired", 0.7, _GNUTLS),
        Reading("client_cert_not_yet_valid", 0.5, _GNUTLS),
        Reading("client_chain_incomplete", 0.45, _GNUTLS),
    ),
    TlsAlert.DECODE_ERROR: (
        Reading("client_cert_not_sent", 0.7, "GnuTLS backends answer so in TLS 1.2"),
        Reading("client_file_malformed", 0.6, "the backend could not parse the certificate"),
        Reading("backend_fault", 0.5),
    ),
    TlsAlert.DECRYPT_ERROR: (
        Reading("client_cert_key_mismatch", 0.85, "the signature was made with another key"),
        Reading("client_ca_untrusted", 0.8, "rustls and OpenSSL say so for a reissued CA"),
        Reading("client_cert_weak", 0.6, "rustls says so for SHA-1 and short RSA keys"),
        Reading("client_chain_misordered", 0.5),
    ),
    TlsAlert.BAD_CERTIFICATE_HASH_VALUE: (
        Reading("client_san_rejected", 0.9, "Envoy pins a hash of the certificate or key"),
    ),
    TlsAlert.CERTIFICATE_REQUIRED: (
        Reading("client_cert_not_sent", 0.95),
        Reading("client_ca_untrusted", 0.75, _NOT_WITHHELD),
        Reading("client_chain_incomplete", 0.6, _NOT_WITHHELD),
        Reading("client_cert_wrong_usage", 0.45, ".NET withholds one without clientAuth"),
        Reading("client_cert_key_mismatch", 0.4),
        Reading("client_file_missing", 0.35),
    ),
}
_OF_THE_BACKEND: Final[dict[int, Readings]] = {
    TlsAlert.BAD_CERTIFICATE: (
        Reading("server_ca_untrusted", 0.9),
        Reading("server_name_mismatch", 0.75, "Go clients answer so to any fault they find"),
        Reading("server_cert_expired", 0.7, "Go clients answer so to any fault they find"),
        Reading("server_chain_incomplete", 0.6),
        Reading("server_cert_not_yet_valid", 0.5),
        Reading("server_cert_wrong_usage", 0.5),
        Reading("clock_skew", 0.45),
    ),
    TlsAlert.UNSUPPORTED_CERTIFICATE: (
        Reading("server_cert_wrong_usage", 0.9),
        Reading("server_cert_weak", 0.5),
    ),
    TlsAlert.CERTIFICATE_REVOKED: (Reading("server_cert_revoked", 1.0),),
    TlsAlert.CERTIFICATE_EXPIRED: (
        Reading("server_cert_expired", 0.95),
        Reading("clock_skew", 0.75),
        Reading("server_cert_not_yet_valid", 0.6, _BOTH_DATES),
    ),
    TlsAlert.CERTIFICATE_UNKNOWN: (
        Reading("server_ca_untrusted", 0.9),
        Reading("server_name_mismatch", 0.75, "Java and rustls clients answer so to another name"),
        Reading("server_cert_expired", 0.65),
        Reading("server_chain_incomplete", 0.6),
        Reading("server_cert_wrong_usage", 0.5),
    ),
    TlsAlert.UNKNOWN_CA: (
        Reading("server_ca_untrusted", 0.95),
        Reading("server_chain_incomplete", 0.75),
    ),
    TlsAlert.ACCESS_DENIED: (
        Reading("server_ca_untrusted", 0.8),
        Reading("server_name_mismatch", 0.7),
    ),
    TlsAlert.DECRYPT_ERROR: (
        Reading("server_ca_untrusted", 0.8, "the CA may have been reissued with another key"),
        Reading("backend_fault", 0.6),
    ),
}
_OF_BOTH: Final[dict[int, Readings]] = {
    TlsAlert.UNEXPECTED_MESSAGE: (
        Reading("no_shared_group", 0.7, "Java backends answer so in TLS 1.3"),
        Reading("protocol_version_mismatch", 0.5),
        Reading("handshake_rejected", 0.45),
    ),
    TlsAlert.BAD_RECORD_MAC: (Reading("backend_fault", 0.8), Reading("connection_reset", 0.4)),
    TlsAlert.DECRYPTION_FAILED: (Reading("backend_fault", 0.8), Reading("connection_reset", 0.4)),
    TlsAlert.RECORD_OVERFLOW: (Reading("backend_fault", 0.8), Reading("not_tls", 0.5)),
    TlsAlert.HANDSHAKE_FAILURE: (
        Reading("client_cert_not_sent", 0.8, "most backends answer so in TLS 1.2"),
        Reading("no_shared_cipher", 0.75),
        Reading("no_shared_group", 0.65),
        Reading("client_ca_untrusted", 0.6, _NOT_WITHHELD),
        Reading("client_cert_key_mismatch", 0.5, "Java backends answer so to a bad signature"),
        Reading("protocol_version_mismatch", 0.45),
        Reading("no_shared_signature_algorithm", 0.4),
        Reading("client_chain_incomplete", 0.35, _NOT_WITHHELD),
        Reading("handshake_rejected", 0.3),
    ),
    TlsAlert.ILLEGAL_PARAMETER: (Reading("handshake_rejected", 0.6),),
    TlsAlert.DECODE_ERROR: (Reading("backend_fault", 0.6), Reading("handshake_rejected", 0.5)),
    TlsAlert.EXPORT_RESTRICTION: (Reading("no_shared_cipher", 0.8),),
    TlsAlert.PROTOCOL_VERSION: (Reading("protocol_version_mismatch", 1.0),),
    TlsAlert.INSUFFICIENT_SECURITY: (
        Reading("no_shared_cipher", 0.9),
        Reading("client_cert_weak", 0.4),
        Reading("no_shared_group", 0.4),
    ),
    TlsAlert.INTERNAL_ERROR: (
        Reading("backend_fault", 0.9),
        Reading("client_cert_rejected", 0.4),
        Reading("server_name_unrecognized", 0.35, "Go says so where GetCertificate fails"),
        Reading("client_cert_wrong_usage", 0.3, "GnuTLS says so where keyUsage forbids it"),
    ),
    TlsAlert.INAPPROPRIATE_FALLBACK: (Reading("protocol_version_mismatch", 0.9),),
    TlsAlert.USER_CANCELED: (Reading("connection_closed", 0.7), Reading("handshake_rejected", 0.5)),
    TlsAlert.MISSING_EXTENSION: (
        Reading("no_shared_signature_algorithm", 0.6),
        Reading("no_shared_group", 0.6),
        Reading("handshake_rejected", 0.5),
    ),
    TlsAlert.UNSUPPORTED_EXTENSION: (
        Reading("handshake_rejected", 0.7),
        Reading("backend_fault", 0.5),
    ),
    TlsAlert.UNRECOGNIZED_NAME: (
        Reading("server_name_unrecognized", 1.0),
        Reading("server_name_mismatch", 0.5, "the endpoint's name is not the backend's"),
    ),
    TlsAlert.UNKNOWN_PSK_IDENTITY: (Reading("handshake_rejected", 0.8),),
    TlsAlert.BAD_CERTIFICATE_STATUS_RESPONSE: (
        Reading("server_cert_revoked", 0.9, "the stapled OCSP answer was refused"),
    ),
    TlsAlert.BAD_CERTIFICATE_HASH_VALUE: (Reading("handshake_rejected", 0.7),),
    TlsAlert.CERTIFICATE_REQUIRED: (Reading("handshake_rejected", 0.7),),
    TlsAlert.NO_APPLICATION_PROTOCOL: (
        Reading("alpn_mismatch", 1.0),
        Reading("otlp_protocol_mismatch", 0.45),
    ),
}
# A client that compares its certificate with the acceptable-CA list before it sends one.
_WITHHOLDING: Final[dict[int, dict[str, float]]] = {
    TlsAlert.HANDSHAKE_FAILURE: {"client_ca_untrusted": 0.7, "client_chain_incomplete": 0.45},
    TlsAlert.CERTIFICATE_REQUIRED: {"client_ca_untrusted": 0.85, "client_chain_incomplete": 0.7},
}


# Only TLS 1.3 judges the certificate after the client's handshake, and sends 116 for a missing one.
_AFTER_HANDSHAKE: Final[dict[int, dict[str, float]]] = {
    TlsAlert.BAD_CERTIFICATE: {"client_cert_not_sent": 0.4}
}
_TLS_13 = "in TLS 1.3, as here, backends answer certificate_required instead"


def read_alert(
    alert: PrintedAlert,
    *,
    printed_by_backend: bool,
    withholds: bool,
    after_handshake: bool = False,
) -> Readings:
    """Return the causes that fit the alert, given the side that printed the line.

    `after_handshake`: the client had finished its handshake, so that the version is TLS 1.3.
    A received alert judges the side that printed it, a sent one the other side. `withholds`:
    printed by Go or Java, which send no certificate that the backend's list does not name.
    """
    judges_backend = printed_by_backend != alert.sent
    own = (_OF_THE_BACKEND if judges_backend else _OF_THE_EXPORTER).get(alert.number)
    found = own or _OF_BOTH.get(alert.number, ())
    if judges_backend:
        return found
    if withholds:
        found = _change_weights(found, _WITHHOLDING.get(alert.number, {}), _WITHHELD)
    if after_handshake:
        found = _change_weights(found, _AFTER_HANDSHAKE.get(alert.number, {}), _TLS_13)
    return found


def _change_weights(found: Readings, weights: Mapping[str, float], note: str) -> Readings:
    return tuple(
        Reading(each.cause, weights[each.cause], note) if each.cause in weights else each
        for each in found
    )
