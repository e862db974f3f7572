"""How each runtime prints a TLS alert that the backend sent (RFC 8446 §6), as one small table.

Recorded from real clients: Go 1.27, OpenJDK 17, grpcio 1.85, CPython 3.11, Node 20 and curl, these
last three on OpenSSL 3.0, and rustls 0.23. OpenSSL 3.2 and later write `ssl/tls alert` for `sslv3 alert`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from probe.model.runtime import (
    CURL,
    DOTNET,
    GO_BASED,
    JAVA,
    NODE,
    PYTHON_GRPC,
    PYTHON_HTTP,
    RUST,
    Runtime,
)
from probe.model.tls_alerts import TlsAlert


@dataclass(frozen=True, slots=True)
class _Spelling:
    """Go's words for one alert, and what OpenSSL puts before the registry's name."""

    go: str
    openssl_prefix: str


_SPELLINGS: Final = {
    TlsAlert.UNEXPECTED_MESSAGE: _Spelling("unexpected message", "sslv3 alert"),
    TlsAlert.BAD_RECORD_MAC: _Spelling("bad record MAC", "sslv3 alert"),
    TlsAlert.HANDSHAKE_FAILURE: _Spelling("handshake failure", "sslv3 alert"),
    TlsAlert.BAD_CERTIFICATE: _Spelling("bad certificate", "sslv3 alert"),
    TlsAlert.UNSUPPORTED_CERTIFICATE: _Spelling("unsupported certificate", "sslv3 alert"),
    TlsAlert.CERTIFICATE_REVOKED: _Spelling("revoked certificate", "sslv3 alert"),
    TlsAlert.CERTIFICATE_EXPIRED: _Spelling("expired certificate", "sslv3 alert"),
    TlsAlert.CERTIFICATE_UNKNOWN: _Spelling("unknown certificate", "sslv3 alert"),
    TlsAlert.ILLEGAL_PARAMETER: _Spelling("illegal parameter", "sslv3 alert"),
    TlsAlert.UNKNOWN_CA: _Spelling("unknown certificate authority", "tlsv1 alert"),
    TlsAlert.ACCESS_DENIED: _Spelling("access denied", "tlsv1 alert"),
    TlsAlert.DECODE_ERROR: _Spelling("error decoding message", "tlsv1 alert"),
    TlsAlert.DECRYPT_ERROR: _Spelling("error decrypting message", "tlsv1 alert"),
    TlsAlert.PROTOCOL_VERSION: _Spelling("protocol version not supported", "tlsv1 alert"),
    TlsAlert.INSUFFICIENT_SECURITY: _Spelling("insufficient security level", "tlsv1 alert"),
    TlsAlert.INTERNAL_ERROR: _Spelling("internal error", "tlsv1 alert"),
    TlsAlert.INAPPROPRIATE_FALLBACK: _Spelling("inappropriate fallback", "tlsv1 alert"),
    TlsAlert.MISSING_EXTENSION: _Spelling("missing extension", "tlsv13 alert"),
    TlsAlert.UNRECOGNIZED_NAME: _Spelling("unrecognized name", "tlsv1"),
    TlsAlert.CERTIFICATE_REQUIRED: _Spelling("certificate required", "tlsv13 alert"),
    TlsAlert.NO_APPLICATION_PROTOCOL: _Spelling("no application protocol", "tlsv1 alert"),
}
PRINTED_ALERTS: Final = frozenset(_SPELLINGS)
"""The alerts that stop a handshake."""

_BORINGSSL_OWN: Final = {
    TlsAlert.MISSING_EXTENSION: "reason(1109)",
    TlsAlert.UNRECOGNIZED_NAME: "TLSV1_ALERT_UNRECOGNIZED_NAME",
    TlsAlert.CERTIFICATE_REQUIRED: "TLSV1_ALERT_CERTIFICATE_REQUIRED",
}


def _go(alert: TlsAlert) -> str:
    return f"remote error: tls: {_SPELLINGS[alert].go}"


def _java(alert: TlsAlert) -> str:
    return f"Received fatal alert: {alert.registry_name}"


def _openssl(alert: TlsAlert) -> str:
    """Return OpenSSL's reason string, as curl, Node, CPython and .NET on Linux print it."""
    return f"{_SPELLINGS[alert].openssl_prefix} {alert.registry_name.replace('_', ' ')}"


def _grpcio(alert: TlsAlert) -> str:
    reason = _BORINGSSL_OWN.get(alert, _openssl(alert).upper().replace(" ", "_"))
    return f"SSL routines:OPENSSL_internal:{reason}"


def _cpython(alert: TlsAlert) -> str:
    name = _openssl(alert).upper().replace(" ", "_")
    # CPython's table of reasons has no name for this one.
    mark = "[SSL]" if alert == TlsAlert.NO_APPLICATION_PROTOCOL else f"[SSL: {name}]"
    return f"{mark} {_openssl(alert)}"


def _rustls(alert: TlsAlert) -> str:
    parts = alert.registry_name.replace("unrecognized", "unrecognised").split("_")
    name = "".join("CA" if part == "ca" else part.capitalize() for part in parts)
    return f"received fatal alert: {name}"


def _node(alert: TlsAlert) -> str:
    return f"SSL routines:ssl3_read_bytes:{_openssl(alert)}"


def _curl(alert: TlsAlert) -> str:
    # curl reports the peer's certificate_expired as its own failed verification (lib/vtls).
    if alert == TlsAlert.CERTIFICATE_EXPIRED:
        return "curl: (60) SSL certificate verification failed"
    return f"SSL routines::{_openssl(alert)}"


_PRINTERS: Final[dict[Runtime, Callable[[TlsAlert], str]]] = {
    **dict.fromkeys(GO_BASED, _go),
    **dict.fromkeys(JAVA, _java),
    PYTHON_GRPC: _grpcio,
    PYTHON_HTTP: _cpython,
    **dict.fromkeys(NODE, _node),
    **dict.fromkeys(RUST, _rustls),
    DOTNET: _openssl,
    CURL: _curl,
}


def get_alert_text(runtime: Runtime, number: int) -> str:
    """Return how `runtime` prints this alert; empty where that is not known."""
    printer = _PRINTERS.get(runtime)
    return printer(TlsAlert(number)) if printer and number in PRINTED_ALERTS else ""
