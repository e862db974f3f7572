"""TLS of `listen`, over pyOpenSSL: its contexts, and callbacks that collect and never raise.

OpenSSL verifies no client: the model of Go's verifier judges what the exporter presented, as it does
for `inspect --receiver`, and the error number that is left behind makes OpenSSL send Go's alert.
"""

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final
from weakref import WeakValueDictionary

from cryptography.hazmat.bindings._rust import _openssl
from OpenSSL import SSL, crypto

from probe.backend.go_tls import EXPIRED, REJECTED, UNTRUSTED
from probe.model.evidence import Alert
from probe.model.path_fault import DATE_FAULTS, PathFault
from probe.tls.bindings import IoResult, make_alert
from probe.tls.records import read_certificate_message

_ffi: Any = _openssl.ffi
_lib: Any = _openssl.lib

MAX_NAMED: Final = 256
"""CAs that a CertificateRequest names; a bundle of more is not one for clients."""
MAX_ALERTS: Final = 8
_CHUNK: Final = 65_536
_ALERT: Final = 21
_HANDSHAKE: Final = 22
"""SSL3_RT_ALERT and SSL3_RT_HANDSHAKE of OpenSSL's ssl3.h: a message without its record's header."""
_ALERT_SIZE: Final = 2
_CERTIFICATE: Final = b"\x0b"
"""The type of a Certificate message (RFC 8446 §4, RFC 5246 §7.4)."""
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
    _lib.SSL_CTX_set_msg_callback(context._context, _on_message)  # noqa: SLF001 - no public way
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


class ServerTls:
    """The backend's side of one TLS connection, between bytes and bytes; nothing of it raises."""

    def __init__(self, context: SSL.Context, judge: Judge, *, accept_any: bool) -> None:
        """Wait for a ClientHello, and ask the client for a certificate.

        Args:
            context: Of `make_context`.
            judge: Says why a chain is refused.
            accept_any: Whether the handshake goes on whatever the exporter presents.
        """
        self.faults: tuple[PathFault, ...] = ()
        self.chain: tuple[bytes, ...] = ()
        """What was presented; empty also where the message holds none."""
        self.alerts: list[Alert] = []
        """Of both directions."""
        self.certificate_message = b""
        self._judge = judge
        self._is_judged = False
        connection = self._connection = SSL.Connection(context, None)
        connection.set_accept_state()
        ssl = connection._ssl  # noqa: SLF001 - no public way
        _connections[_address(ssl)] = self

        @_ffi.callback("int(int, X509_STORE_CTX *)", error=0)  # type: ignore[untyped-decorator]  # cffi is untyped
        def verify(_ok: int, store: object) -> int:
            self._look()
            code = 0 if accept_any else choose_error(self.faults)
            _lib.X509_STORE_CTX_set_error(store, code)
            return int(code == 0)

        self._callback = verify  # lives as long as the connection may call it
        mode = SSL.VERIFY_PEER | (0 if accept_any else SSL.VERIFY_FAIL_IF_NO_PEER_CERT)
        _lib.SSL_set_verify(ssl, mode, verify)

    @property
    def has_answered(self) -> bool:
        """Whether the exporter's Certificate message has come, be it empty."""
        self._look()
        return bool(self.certificate_message)

    @property
    def version(self) -> str:
        """The version that is spoken, as `1.3`."""
        return self._connection.get_protocol_version_name().removeprefix("TLSv")

    @property
    def cipher(self) -> str:
        """The cipher suite by OpenSSL's name; empty where none is chosen yet."""
        return self._connection.get_cipher_name() or ""

    @property
    def alpn(self) -> bytes:
        """The application protocol that was chosen; empty for none."""
        return self._connection.get_alpn_proto_negotiated()

    def take_input(self, data: bytes) -> None:
        """Take bytes of the wire."""
        self._connection.bio_write(data)

    def take_output(self) -> bytes:
        """Return what is to go on the wire."""
        output = b""
        with suppress(SSL.WantReadError):
            while True:
                output += self._connection.bio_read(_CHUNK)
        return output

    def shake_hands(self) -> IoResult:
        """Continue the handshake; `done` when it is complete."""
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            return "want_bytes"
        except SSL.ZeroReturnError:
            return "closed"
        except (SSL.Error, NoProtocolError):
            return "failed"
        return "done"

    def read(self) -> tuple[bytes, IoResult]:
        """Return the application data that has come, and how the last read ended."""
        data = b""
        try:
            while True:
                data += self._connection.recv(_CHUNK)
        except SSL.WantReadError:
            return data, "want_bytes"
        except SSL.ZeroReturnError:
            return data, "closed"
        except SSL.Error:
            return data, "failed"

    def write(self, data: bytes) -> bool:
        """Encrypt `data` into the output; return whether that was possible."""
        try:
            self._connection.sendall(data)
        except SSL.Error:
            return False
        return True

    def shut_down(self) -> None:
        """Put close_notify into the output, where that is possible."""
        with suppress(SSL.Error):
            self._connection.shutdown()

    def _look(self) -> None:
        message = self.certificate_message
        if self._is_judged or not message:
            return
        self._is_judged = True
        tls13 = self._connection.get_protocol_version() == SSL.TLS1_3_VERSION
        self.chain = read_certificate_message(message, tls13=tls13)
        if self.chain:
            self.faults = tuple(self._judge(self.chain))


_connections: WeakValueDictionary[int, ServerTls] = WeakValueDictionary()
"""By the address of OpenSSL's connection, which is freed no earlier."""


def _address(pointer: object) -> int:
    return int(_ffi.cast("uintptr_t", pointer))


@_ffi.callback("void(*)(int, int, int, const void *, size_t, SSL *, void *)")  # type: ignore[untyped-decorator]  # cffi is untyped
def _on_message(
    sent: int, _version: int, kind: int, data: object, size: int, ssl: object, _argument: object
) -> None:
    if kind not in {_HANDSHAKE, _ALERT} or (found := _connections.get(_address(ssl))) is None:
        return
    message: bytes = _ffi.buffer(data, size)[:]
    if kind == _ALERT and size == _ALERT_SIZE and len(found.alerts) < MAX_ALERTS:
        found.alerts.append(make_alert(bool(sent), *message))
    elif kind == _HANDSHAKE and not sent and message[:1] == _CERTIFICATE:
        found.certificate_message = message


def choose_error(faults: Sequence[PathFault]) -> int:
    """Return the X509_V_ERR code that makes OpenSSL send the alert that Go sends for `faults`.

    processCertsFromClient of crypto/tls (Go 1.25) looks at the first error of Verify.
    """
    if not faults:
        return 0
    if faults[0].kind in _UNTRUSTED_KINDS:
        return UNTRUSTED
    return EXPIRED if faults[0].kind in DATE_FAULTS else REJECTED
