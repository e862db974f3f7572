"""TLS of `listen`, over pyOpenSSL: its contexts, and callbacks that collect and never raise.

OpenSSL verifies no client: the model of Go's verifier judges what the exporter presented, as it does
for `inspect --receiver`, and the error number that is left behind makes OpenSSL send Go's alert.
"""

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from cryptography.hazmat.bindings._rust import _openssl
from OpenSSL import SSL, crypto

from probe.backend.go_tls import EXPIRED, REJECTED, UNTRUSTED
from probe.model.evidence import Alert
from probe.model.path_fault import DATE_FAULTS, PathFault
from probe.tls.bindings import CallbackLog, read_alert, watch_alerts, watch_messages
from probe.tls.records import read_certificate_message

_ffi: Any = _openssl.ffi
_lib: Any = _openssl.lib

MAX_NAMED: Final = 256
"""CAs that a CertificateRequest names; a bundle of more is not one for clients."""
_UNTRUSTED_KINDS: Final = frozenset({"no_anchor", "bad_signature"})

Judge = Callable[[tuple[bytes, ...]], Sequence[PathFault]]
"""From the DER of what an exporter presented to why it is refused; nothing: it is accepted."""


def make_context(
    present: Callable[[SSL.Context], None], named: Sequence[bytes], protocols: Sequence[bytes]
) -> SSL.Context:
    """Return a context for connections of exporters, with the versions of a Collector's receiver.

    No session is resumed: a resumed one presents no certificate.

    Args:
        present: Puts certificate and key into it.
        named: DER of the CA certificates that the CertificateRequest names; none: any may be sent.
        protocols: The application protocols that may be chosen.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    # As Go: there is no security level, and weak certificates are judged by the model.
    context.set_cipher_list(b"DEFAULT:@SECLEVEL=0")
    context.set_options(SSL.OP_CIPHER_SERVER_PREFERENCE)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_id(b"mtls-probe listen")
    present(context)
    with warnings.catch_warnings():
        # `cryptography` refuses certificates that OpenSSL and Go take.
        warnings.simplefilter("ignore", DeprecationWarning)
        for der in named[:MAX_NAMED]:
            try:
                context.add_client_ca(crypto.load_certificate(crypto.FILETYPE_ASN1, der))
            except crypto.Error:
                continue
    context.set_alpn_select_callback(partial(_select, tuple(protocols)))
    watch_messages(context)
    return context


def choose_protocol(allowed: Sequence[bytes], offered: Sequence[bytes]) -> bytes | None:
    """Return the application protocol for an exporter: HTTP/2 where both have it; None: there is none."""
    return next((one for one in (b"h2", b"http/1.1") if one in allowed and one in offered), None)


def _select(allowed: Sequence[bytes], _connection: SSL.Connection, offered: list[bytes]) -> Any:
    chosen = choose_protocol(allowed, offered)
    if chosen is None:
        raise NoProtocolError
    return chosen


class NoProtocolError(Exception):
    """Ends a handshake with alert no_application_protocol (120); pyOpenSSL keeps it to itself."""


class ClientWatch:
    """What the callbacks of one connection report: alerts, the Certificate message, the verdict."""

    def __init__(self, connection: SSL.Connection, judge: Judge, *, accept_any: bool) -> None:
        """Ask the client of `connection` for a certificate.

        Args:
            connection: Before its handshake.
            judge: Says why a chain is refused.
            accept_any: Whether the handshake goes on whatever the exporter presents.
        """
        self.faults: tuple[PathFault, ...] = ()
        self.chain: tuple[bytes, ...] = ()
        """What was presented; empty also where the message holds none."""
        self._accept_any = accept_any
        self._judge = judge
        self._judged = False
        self._connection = connection
        self._log = CallbackLog()
        watch_alerts(connection, self._log)

        @_ffi.callback("int(int, X509_STORE_CTX *)", error=0)  # type: ignore[untyped-decorator]  # cffi is untyped
        def verify(_ok: int, store: object) -> int:
            self._look()
            code = 0 if self._accept_any else choose_error(self.faults)
            _lib.X509_STORE_CTX_set_error(store, code)
            return int(code == 0)

        self._callback = verify  # lives as long as the connection may call it
        mode = SSL.VERIFY_PEER | (0 if accept_any else SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
        _lib.SSL_set_verify(connection._ssl, mode, verify)  # noqa: SLF001 - no public way

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """The alerts of both directions so far."""
        return tuple(read_alert(where, ret) for where, ret in self._log.alerts)

    @property
    def has_answered(self) -> bool:
        """Whether the exporter's Certificate message has come, be it empty."""
        self._look()
        return bool(self._log.certificate_message)

    def _look(self) -> None:
        message = self._log.certificate_message
        if self._judged or not message:
            return
        self._judged = True
        tls13 = self._connection.get_protocol_version() == SSL.TLS1_3_VERSION
        self.chain = read_certificate_message(message, tls13=tls13)
        if self.chain:
            self.faults = tuple(self._judge(self.chain))


def choose_error(faults: Sequence[PathFault]) -> int:
    """Return the X509_V_ERR code that makes OpenSSL send the alert that Go sends for `faults`.

    processCertsFromClient of crypto/tls (Go 1.25) looks at the first error of Verify.
    """
    if not faults:
        return 0
    if faults[0].kind in _UNTRUSTED_KINDS:
        return UNTRUSTED
    return EXPIRED if faults[0].kind in DATE_FAULTS else REJECTED
