"""The TLS context of a demo backend, set up as Go's crypto/tls has it by default."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import X509, X509StoreFlags

from probe.backend.pki import Authority, Issued
from probe.model.target import Protocol

TlsVersion = Literal["1.2", "1.3"]

_VERSIONS: Final = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
_NO_AUTO_CHAIN: Final = 0x8  # SSL_MODE_NO_AUTO_CHAIN of OpenSSL's ssl.h
_ALERT: Final = 0x4000
_READ: Final = 0x4


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """One TLS alert that passed a backend, by number."""

    direction: Literal["received", "sent"]
    number: int


class NoSharedProtocolError(Exception):
    """Ends the handshake with alert no_application_protocol (120)."""


def server_context(
    server: Issued,
    chain: Sequence[x509.Certificate],
    *,
    protocol: Protocol,
    client_ca: Authority | None,
    min_version: TlsVersion,
    max_version: TlsVersion,
    ciphers: str,
    alerts: deque[AlertSeen],
) -> SSL.Context:
    """Return a context for all connections of one backend, whose alerts go into `alerts`.

    The CertificateRequest names the subject of `client_ca`, as Go names its ClientCAs.
    `do_handshake` raises NoSharedProtocolError where the client offers no protocol of ours.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_VERSIONS[min_version])
    context.set_max_proto_version(_VERSIONS[max_version])
    # Go has no security level: weak keys pass, weak hashes are judged in go_verdict.
    context.set_cipher_list(f"{ciphers or 'DEFAULT'}:@SECLEVEL=0".encode())
    context.set_mode(_NO_AUTO_CHAIN)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(b"mtls-probe demo")
    context.use_certificate(server.certificate)
    context.use_privatekey(server.key)
    for certificate in chain:
        context.add_extra_chain_cert(certificate)
    if client_ca is not None:
        store = context.get_cert_store()
        assert store is not None
        store.add_cert(X509.from_cryptography(client_ca.certificate))
        # Whatever stands in Go's ClientCAs is an anchor, an intermediate too.
        store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
        context.add_client_ca(client_ca.certificate)
    context.set_alpn_select_callback(partial(_choose_protocol, protocol))
    context.set_info_callback(partial(_remember_alert, alerts))
    return context


def _choose_protocol(protocol: Protocol, _connection: SSL.Connection, offered: list[bytes]) -> Any:
    """Choose as Go does (negotiateALPN of crypto/tls)."""
    if b"h2" in offered:
        return b"h2"
    if b"http/1.1" in offered:
        # A client of HTTP/1.1 alone passes an h2-only server without ALPN.
        return b"http/1.1" if protocol == "http/protobuf" else SSL.NO_OVERLAPPING_PROTOCOLS
    raise NoSharedProtocolError


def _remember_alert(
    alerts: deque[AlertSeen], _connection: SSL.Connection, where: int, ret: int
) -> None:
    if where & _ALERT:
        alerts.append(AlertSeen("received" if where & _READ else "sent", ret & 0xFF))
