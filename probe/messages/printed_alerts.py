"""How each runtime prints a TLS alert that the backend sent (RFC 8446 §6), as one small table.

Recorded from real clients: Go 1.27, OpenJDK 17, grpcio 1.85, CPython 3.11, Node 20 and curl, these
last three on OpenSSL 3.0. OpenSSL 3.2 and later write `ssl/tls alert` for `sslv3 alert`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from probe.model.runtime import (
    COLLECTOR,
    CURL,
    DOTNET,
    GO,
    JAVA,
    NODE_GRPC,
    NODE_HTTP,
    PYTHON_GRPC,
    PYTHON_HTTP,
    Runtime,
)


@dataclass(frozen=True, slots=True)
class Wording:
    """The words for one alert: RFC 8446's name, Go's, and what OpenSSL puts before the name."""

    name: str
    go: str
    openssl_prefix: str

    @property
    def openssl(self) -> str:
        """OpenSSL's reason string, as curl, Node, CPython and .NET on Linux print it."""
        return f"{self.openssl_prefix} {self.name.replace('_', ' ')}"


ALERTS: Final = MappingProxyType(
    {
        10: Wording("unexpected_message", "unexpected message", "sslv3 alert"),
        20: Wording("bad_record_mac", "bad record MAC", "sslv3 alert"),
        40: Wording("handshake_failure", "handshake failure", "sslv3 alert"),
        42: Wording("bad_certificate", "bad certificate", "sslv3 alert"),
        43: Wording("unsupported_certificate", "unsupported certificate", "sslv3 alert"),
        44: Wording("certificate_revoked", "revoked certificate", "sslv3 alert"),
        45: Wording("certificate_expired", "expired certificate", "sslv3 alert"),
        46: Wording("certificate_unknown", "unknown certificate", "sslv3 alert"),
        47: Wording("illegal_parameter", "illegal parameter", "sslv3 alert"),
        48: Wording("unknown_ca", "unknown certificate authority", "tlsv1 alert"),
        49: Wording("access_denied", "access denied", "tlsv1 alert"),
        50: Wording("decode_error", "error decoding message", "tlsv1 alert"),
        51: Wording("decrypt_error", "error decrypting message", "tlsv1 alert"),
        70: Wording("protocol_version", "protocol version not supported", "tlsv1 alert"),
        71: Wording("insufficient_security", "insufficient security level", "tlsv1 alert"),
        80: Wording("internal_error", "internal error", "tlsv1 alert"),
        86: Wording("inappropriate_fallback", "inappropriate fallback", "tlsv1 alert"),
        109: Wording("missing_extension", "missing extension", "tlsv13 alert"),
        112: Wording("unrecognized_name", "unrecognized name", "tlsv1"),
        116: Wording("certificate_required", "certificate required", "tlsv13 alert"),
        120: Wording("no_application_protocol", "no application protocol", "tlsv1 alert"),
    }
)
"""The alerts that stop a handshake, by number."""

_BORINGSSL_OWN: Final = {
    109: "reason(1109)",
    112: "TLSV1_ALERT_UNRECOGNIZED_NAME",
    116: "TLSV1_ALERT_CERTIFICATE_REQUIRED",
}
_NO_APPLICATION_PROTOCOL: Final = 120
_CERTIFICATE_EXPIRED: Final = 45


def _go(_: int, words: Wording) -> str:
    return f"remote error: tls: {words.go}"


def _java(_: int, words: Wording) -> str:
    return f"Received fatal alert: {words.name}"


def _grpcio(number: int, words: Wording) -> str:
    reason = _BORINGSSL_OWN.get(number, words.openssl.upper().replace(" ", "_"))
    return f"SSL routines:OPENSSL_internal:{reason}"


def _cpython(number: int, words: Wording) -> str:
    name = words.openssl.upper().replace(" ", "_")
    # CPython's table of reasons has no name for this one.
    mark = "[SSL]" if number == _NO_APPLICATION_PROTOCOL else f"[SSL: {name}]"
    return f"{mark} {words.openssl}"


def _node(_: int, words: Wording) -> str:
    return f"SSL routines:ssl3_read_bytes:{words.openssl}"


def _curl(number: int, words: Wording) -> str:
    # curl takes the peer's certificate_expired for a failed verification of its own (lib/vtls).
    if number == _CERTIFICATE_EXPIRED:
        return "curl: (60) SSL certificate verification failed"
    return f"SSL routines::{words.openssl}"


def _dotnet(_: int, words: Wording) -> str:
    return words.openssl


_PRINTERS: Final[dict[Runtime, Callable[[int, Wording], str]]] = {
    COLLECTOR: _go,
    GO: _go,
    JAVA: _java,
    PYTHON_GRPC: _grpcio,
    PYTHON_HTTP: _cpython,
    NODE_GRPC: _node,
    NODE_HTTP: _node,
    DOTNET: _dotnet,
    CURL: _curl,
}


def alert_text(runtime: Runtime, number: int) -> str:
    """Return how `runtime` prints this alert; empty where that is not known."""
    words = ALERTS.get(number)
    return _PRINTERS[runtime](number, words) if words is not None else ""
