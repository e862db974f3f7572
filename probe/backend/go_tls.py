"""TLS as a Go server speaks it, over pyOpenSSL: its context, and how it judges a client.

OpenSSL builds the path; the judgement is ours, in Go's order (crypto/x509 Certificate.Verify and
crypto/tls processCertsFromClient, Go 1.25): dates, then trust, then extendedKeyUsage. The error
number left behind decides the alert that OpenSSL sends (x509table of its statem_lib.c).
A callback never raises and captures a plain list, never the Connection.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.bindings._rust import _openssl
from OpenSSL import SSL
from OpenSSL.crypto import X509, X509StoreFlags

from probe.backend.pki import Authority, Issued
from probe.model.target import Protocol
from probe.x509.parse import read_facts
from probe.x509.strength import find_weak_signature
from probe.x509.usages import allows_usage
from probe.x509.validity import find_invalid

_ffi: Any = _openssl.ffi
_lib: Any = _openssl.lib

REQUIRED: Final = (
    "SSL_set_verify",
    "X509_STORE_CTX_get1_chain",
    "X509_STORE_CTX_get_error",
    "X509_STORE_CTX_set_error",
    "sk_X509_free",
    "sk_X509_num",
    "sk_X509_value",
)
"""What this module needs of the bindings; a contract test looks for it."""

ACCEPTED: Final = 0
EXPIRED: Final = 10
"""X509_V_ERR_CERT_HAS_EXPIRED brings alert certificate_expired (45)."""
UNTRUSTED: Final = 20
"""X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY brings alert unknown_ca (48)."""
REJECTED: Final = 28
"""X509_V_ERR_CERT_REJECTED brings alert bad_certificate (42)."""

_NOT_YET_VALID: Final = 9
_INVALID_PURPOSE: Final = 26
# Go looks at dates by its own clock and at usage itself; it has no opinion on a trusted leaf's
# keyUsage, which is a purpose error of OpenSSL's.
_LEFT_TO_US: Final = frozenset({ACCEPTED, _NOT_YET_VALID, EXPIRED, _INVALID_PURPOSE})
# X509_V_ERR_INVALID_CA and X509_V_ERR_PATH_LENGTH_EXCEEDED.
_NOT_AUTHORIZED: Final = frozenset({24, 25})
_NO_AUTO_CHAIN: Final = 0x8  # SSL_MODE_NO_AUTO_CHAIN of OpenSSL's ssl.h

Verdict = Callable[[Sequence[x509.Certificate], int], int]


class NoSharedProtocolError(Exception):
    """Ends the handshake with alert no_application_protocol (120)."""


def server_context(server: Issued, protocol: Protocol, client_ca: Authority | None) -> SSL.Context:
    """Return a context for all connections of one backend, as Go's crypto/tls has it by default.

    The CertificateRequest names the subject of `client_ca`, as Go names its ClientCAs.
    `do_handshake` raises NoSharedProtocolError where the client offers no protocol of ours.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    # Go has no security level: weak keys pass, weak hashes are judged in go_verdict.
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    context.set_mode(_NO_AUTO_CHAIN)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(b"mtls-probe demo")
    context.use_certificate(server.certificate)
    context.use_privatekey(server.key)
    if client_ca is not None:
        store = context.get_cert_store()
        assert store is not None
        store.add_cert(X509.from_cryptography(client_ca.certificate))
        # Every certificate in Go's ClientCAs is an anchor, an intermediate too.
        store.set_flags(X509StoreFlags.PARTIAL_CHAIN)
        context.add_client_ca(client_ca.certificate)
    context.set_alpn_select_callback(partial(_choose_protocol, protocol))
    return context


def _choose_protocol(protocol: Protocol, _connection: SSL.Connection, offered: list[bytes]) -> Any:
    """Choose as Go does (negotiateALPN of crypto/tls)."""
    if b"h2" in offered:
        return b"h2"
    if b"http/1.1" in offered:
        # A client of HTTP/1.1 alone passes an h2-only server without ALPN.
        return b"http/1.1" if protocol == "http/protobuf" else SSL.NO_OVERLAPPING_PROTOCOLS
    raise NoSharedProtocolError


def go_verdict(chain: Sequence[x509.Certificate], error: int, now: datetime) -> int:
    """Return the X509_V_ERR code that makes OpenSSL send Go's alert; 0 accepts.

    Args:
        chain: the path as far as OpenSSL built it, end entity first.
        error: what OpenSSL found wrong with it, 0 for nothing.
        now: the backend's clock.
    """
    try:
        for certificate in chain:
            _ = certificate.extensions
    except ValueError:
        return REJECTED  # Go does not parse it either
    facts = list(map(read_facts, chain))
    if find_invalid(facts, now.timestamp()) is not None:
        return EXPIRED
    if error in _NOT_AUTHORIZED:
        return REJECTED
    if error not in _LEFT_TO_US or find_weak_signature(facts[:-1]) is not None:
        return UNTRUSTED
    return ACCEPTED if all(allows_usage(one, "clientAuth") for one in facts) else REJECTED


def set_client_verification(connection: SSL.Connection, verdict: Verdict, *, required: bool) -> Any:
    """Ask the client of `connection` for a certificate and let `verdict` judge it.

    Returns:
        The callback, which the caller keeps for as long as the connection lives.
    """

    @_ffi.callback("int(int, X509_STORE_CTX *)", error=0)  # type: ignore[untyped-decorator]  # cffi is untyped
    def judge(_ok: int, context: object) -> int:
        try:
            code = verdict(_chain(context), _lib.X509_STORE_CTX_get_error(context))
        except ValueError:  # cryptography reads more strictly than OpenSSL
            code = REJECTED
        _lib.X509_STORE_CTX_set_error(context, code)
        return int(code == ACCEPTED)

    mode = SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if required else 0)
    _lib.SSL_set_verify(connection._ssl, mode, judge)  # noqa: SLF001 - no public way
    return judge


def _chain(context: object) -> list[x509.Certificate]:
    stack = _lib.X509_STORE_CTX_get1_chain(context)
    if stack == _ffi.NULL:
        return []
    # Each reference of the stack passes to its X509, only the stack itself is left to free.
    chain = [
        X509._from_raw_x509_ptr(_lib.sk_X509_value(stack, index))  # noqa: SLF001 - no public way
        for index in range(_lib.sk_X509_num(stack))
    ]
    _lib.sk_X509_free(stack)
    return [certificate.to_cryptography() for certificate in chain]
