"""The calls of pyOpenSSL's bindings that its public API lacks, or offers only at a high cost.

`Link` is one TLS connection between two memory BIOs; its callbacks never raise, and capture plain
values (`CallbackLog`). pyOpenSSL's own Connection costs a map of all connections, checks of types,
closures and exceptions at each of some thirty calls of an attempt (a tenth of its CPU, measured).
A contract test (tests/unit/tls/test_bindings.py) fails when a binding changes.
"""

import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final, Literal

from cryptography.hazmat.bindings._rust import _openssl
from OpenSSL import SSL

from probe.model.evidence import Alert
from probe.model.tls_alerts import name_alert

_ffi: Any = _openssl.ffi
_lib: Any = _openssl.lib

_MEMORY: Final = _lib.BIO_s_mem()

_BUFFER_SIZE: Final = 16384 + 2048
"""Bytes of the longest TLS record (RFC 8446 §5.2); more data is read in several steps."""

_ALERT: Final = 21
_HANDSHAKE: Final = 22
"""SSL3_RT_ALERT and SSL3_RT_HANDSHAKE of OpenSSL's ssl3.h: a message without its record's header."""
_FATAL: Final = 2
_TICKET: Final = b"\x04"
_CERTIFICATE: Final = b"\x0b"
_REQUEST: Final = b"\x0d"
"""The types of NewSessionTicket, Certificate and CertificateRequest messages (RFC 8446 §4, RFC 5246
§7.4)."""

_WATCHED: Final = frozenset({_TICKET, _CERTIFICATE, _REQUEST})

IoResult = Literal["want_bytes", "done", "closed", "failed"]
"""How a call ended: it wants more bytes, is done, or found close_notify or a fatal error."""


class CallbackLog:
    """What OpenSSL's callbacks reported about one connection, as plain values."""

    __slots__ = (
        "__weakref__", "alerts", "certificate_message", "certificate_requested", "later_groups",
        "request_message", "ticket",
    )  # fmt: skip

    def __init__(self, later_groups: tuple[str, ...] = ()) -> None:
        """Start empty."""
        self.later_groups = later_groups
        """What counts as offered from the server's Certificate message on, below TLS 1.3."""
        self.alerts: list[Alert] = []
        self.certificate_requested = False
        self.certificate_message = b""
        """The server's Certificate message as it came, whether or not OpenSSL reads it."""
        self.request_message = b""
        """The server's CertificateRequest message as it came."""
        self.ticket = False
        """Whether the server sent a NewSessionTicket."""


_logs: Final[dict[int, CallbackLog]] = {}
"""By the address of the connection, which takes its log out of it when it is freed."""


def _address(pointer: object) -> int:
    return int(_ffi.cast("uintptr_t", pointer))


def _free(
    ssl: object,
    # Names of their own, because those of the module are gone at the interpreter's end.
    forget: Callable[[int, None], object] = _logs.pop,
    address: Callable[[object], int] = _address,
    free: Callable[[object], None] = _lib.SSL_free,
) -> None:
    forget(address(ssl), None)
    free(ssl)


@_ffi.callback("int(*)(int, X509_STORE_CTX *)", error=0)  # type: ignore[untyped-decorator]  # cffi is untyped
def _on_verify(_ok: int, _store: object) -> int:
    """Stop OpenSSL's own verification where it begins: the model of the exporter judges.

    Without a trust store it comes here before it verifies any signature, and with VERIFY_NONE the
    handshake goes on: the acceptable CAs and the client certificate's fate are seen.
    """
    return 0


# Called some 45 times in a handshake, for each header and message in both directions. Pointers that
# are not followed come as numbers, which cost less than objects; a size_t holds one everywhere.
@_ffi.callback("void(*)(int, int, int, char *, size_t, size_t, size_t)")  # type: ignore[untyped-decorator]  # cffi is untyped
def _on_message(
    sent: int, version: int, kind: int, data: Any, size: int, ssl: int, _argument: int
) -> None:
    if kind == _HANDSHAKE:
        if sent or size < 1 or data[0] not in _WATCHED or (log := _logs.get(ssl)) is None:
            return
        if data[0] == _TICKET:
            log.ticket = True
            return
        if data[0] == _REQUEST:
            log.request_message = _ffi.buffer(data, size)[:]
            return
        log.certificate_message = _ffi.buffer(data, size)[:]
        if log.later_groups and version <= SSL.TLS1_2_VERSION:
            groups = ":".join(log.later_groups).encode()
            _lib.SSL_set1_curves_list(_ffi.cast("SSL *", ssl), groups)
    elif kind == _ALERT and size == 2 and (log := _logs.get(ssl)) is not None:
        log.alerts.append(make_alert(bool(sent), *_ffi.buffer(data, size)[:]))


_MESSAGE_CALLBACK: Final = _ffi.cast(
    "void(*)(int, int, int, const void *, size_t, SSL *, void *)", _on_message
)


@_ffi.callback("int(*)(SSL *, void *)", error=1)  # type: ignore[untyped-decorator]  # cffi is untyped
def _on_certificate_request(ssl: object, _argument: object) -> int:
    """Take note of a CertificateRequest: OpenSSL's client calls this at no other time.

    That is so also where the server's list of authorities is empty (SSL_CTX_set_cert_cb(3)).
    """
    if (log := _logs.get(_address(ssl))) is not None:
        log.certificate_requested = True
    return 1


def prepare_context(context: SSL.Context) -> None:
    """Let connections of `context` verify nothing, and report to their `CallbackLog`."""
    pointer = context._context  # noqa: SLF001 - no public way to the calls below
    _lib.SSL_CTX_set_verify(pointer, SSL.VERIFY_NONE, _on_verify)
    _lib.SSL_CTX_set_msg_callback(pointer, _MESSAGE_CALLBACK)
    _lib.SSL_CTX_set_cert_cb(pointer, _on_certificate_request, _ffi.NULL)
    _lib.SSL_CTX_set_mode(pointer, _lib.SSL_MODE_AUTO_RETRY)


def make_alert(sent: bool, level: int, number: int) -> Alert:
    """Return the alert of two bytes (RFC 8446 §6)."""
    return Alert(
        direction="sent" if sent else "received",
        level="fatal" if level == _FATAL else "warning",
        number=number,
        name=name_alert(number),
    )


class ReadBuffer:
    """What OpenSSL writes results to; one serves every connection of one event loop."""

    __slots__ = ("length", "space", "start")

    def __init__(self) -> None:
        """Allocate the buffer."""
        self.space = _ffi.new("char[]", _BUFFER_SIZE)
        self.start = _ffi.new("unsigned char **")
        """Where a result begins that OpenSSL keeps, and in `length` its length."""
        self.length = _ffi.new("unsigned int *")


class Link:
    """A client's TLS connection between two memory BIOs: bytes in, bytes out.

    Its context went through `prepare_context`.

    `log` will hold its alerts, the server's certificates, and whether it wants one of ours.

    Below TLS 1.3 OpenSSL takes a server's ECDSA key on an offered curve alone (RFC 8422 §5.3). With
    `later_groups` those count instead, once the server has its ClientHello and has chosen.
    """

    __slots__ = (
        "__weakref__", "_buffer", "_context", "_incoming", "_outgoing", "_space", "_ssl", "log",
    )  # fmt: skip

    def __init__(
        self,
        context: SSL.Context,
        buffer: ReadBuffer,
        server_name: bytes = b"",
        alpn: tuple[bytes, ...] = (),
        later_groups: tuple[str, ...] = (),
    ) -> None:
        """Prepare the connection.

        Raises:
            MemoryError: where OpenSSL lacks memory for it.
        """
        self._context = context
        """Holds the key and the certificates."""
        ssl = _lib.SSL_new(context._context)  # noqa: SLF001 - as pyOpenSSL's Connection
        self._ssl = ssl = _ffi.gc(_not_null(ssl), _free)
        self._incoming = _not_null(_lib.BIO_new(_MEMORY))
        self._outgoing = _not_null(_lib.BIO_new(_MEMORY))
        _lib.SSL_set_bio(ssl, self._incoming, self._outgoing)  # frees them with itself
        _lib.SSL_set_connect_state(ssl)
        if server_name:
            _lib.SSL_set_tlsext_host_name(ssl, server_name)
        if alpn:
            protocols = encode_alpn_list(alpn)
            _lib.SSL_set_alpn_protos(ssl, protocols, len(protocols))
        self.log = _logs[_address(ssl)] = CallbackLog(later_groups)
        _lib.SSL_set_tlsext_status_type(ssl, _lib.TLSEXT_STATUSTYPE_ocsp)
        self._buffer, self._space = buffer, buffer.space

    def take_input(self, data: bytes) -> None:
        """Take bytes of the wire."""
        _lib.BIO_write(self._incoming, data, len(data))

    def take_output(self) -> bytes:
        """Return what is to go on the wire; empty where there is nothing."""
        source, space = self._outgoing, self._space
        size = _lib.BIO_read(source, space, _BUFFER_SIZE)
        if size < _BUFFER_SIZE:
            return _ffi.buffer(space, size)[:] if size > 0 else b""
        parts = []
        while size > 0:
            parts.append(_ffi.buffer(space, size)[:])
            size = _lib.BIO_read(source, space, _BUFFER_SIZE)
        return b"".join(parts)

    def shake_hands(self) -> IoResult:
        """Continue the handshake; `done` when it is complete."""
        _lib.ERR_clear_error()
        result = _lib.SSL_do_handshake(self._ssl)
        return "done" if result == 1 else self._classify_error(result)

    def read(self) -> tuple[bytes, IoResult]:
        """Return the application data that has come, and how the last read ended."""
        ssl, space = self._ssl, self._space
        data = b""
        while True:
            _lib.ERR_clear_error()
            size = _lib.SSL_read(ssl, space, _BUFFER_SIZE)
            if size <= 0:
                return data, self._classify_error(size)
            data += _ffi.buffer(space, size)[:]

    def write(self, data: bytes) -> bool:
        """Encrypt `data` into the output; return whether that was possible."""
        # pyOpenSSL's contexts let one call write one record.
        while data:
            size = _lib.SSL_write(self._ssl, data, len(data))
            if size <= 0:
                _lib.ERR_clear_error()
                return False
            data = data[size:]
        return True

    def shut_down(self) -> bool:
        """Put close_notify into the output; return whether that was possible."""
        if _lib.SSL_shutdown(self._ssl) < 0:
            _lib.ERR_clear_error()
            return False
        return True

    def _classify_error(self, result: int) -> IoResult:
        error = _lib.SSL_get_error(self._ssl, result)
        if error == _lib.SSL_ERROR_WANT_READ:
            return "want_bytes"
        if error == _lib.SSL_ERROR_ZERO_RETURN:
            return "closed"
        _lib.ERR_clear_error()
        return "failed"

    @property
    def is_tls13(self) -> bool:
        """Whether TLS 1.3 is spoken, as far as is known."""
        return bool(_lib.SSL_version(self._ssl) == SSL.TLS1_3_VERSION)

    @property
    def version(self) -> str:
        """The version that is spoken."""
        return _name_version(_ffi.string(_lib.SSL_get_version(self._ssl)))

    @property
    def cipher(self) -> str:
        """The cipher suite by OpenSSL's name; empty where none is chosen yet."""
        cipher = _lib.SSL_get_current_cipher(self._ssl)
        return _read_text(_lib.SSL_CIPHER_get_name(cipher)) if cipher else ""

    @property
    def group(self) -> str:
        """The group of the key exchange, of a complete handshake; empty where there was none."""
        # OpenSSL's call fails without a session.
        if not _lib.SSL_get_session(self._ssl):
            return ""
        return _read_text(_lib.SSL_get0_group_name(self._ssl))

    @property
    def alpn(self) -> bytes:
        """The application protocol that the server chose; empty for none."""
        start, length = self._buffer.start, self._buffer.length
        _lib.SSL_get0_alpn_selected(self._ssl, start, length)
        size = length[0]
        return _ffi.buffer(start[0], size)[:] if size else b""

    @property
    def stapled_response(self) -> bytes:
        """The OCSP response that the server stapled (RFC 6066 §8); empty for none."""
        start = self._buffer.start
        size = _lib.SSL_get_tlsext_status_ocsp_resp(self._ssl, start)
        return _ffi.buffer(start[0], size)[:] if size > 0 and start[0] else b""

    def read_acceptable_authorities(self, limit: int) -> list[bytes]:
        """Return the DER names of the CertificateRequest's authorities, at most `limit`."""
        stack = _lib.SSL_get_client_CA_list(self._ssl)
        if stack == _ffi.NULL:
            return []
        found = []
        for index in range(min(_lib.sk_X509_NAME_num(stack), limit)):
            start = _ffi.new("unsigned char **")
            size = _lib.i2d_X509_NAME(_lib.sk_X509_NAME_value(stack, index), start)
            if size > 0:
                found.append(bytes(_ffi.buffer(start[0], size)))
                _lib.OPENSSL_free(start[0])
        return found


def _not_null(pointer: Any) -> Any:
    if not pointer:
        _lib.ERR_clear_error()
        raise MemoryError
    return pointer


def _read_text(pointer: object) -> str:
    """Return one of OpenSSL's names, the same object each time: they are kept for each target."""
    return sys.intern(_ffi.string(pointer).decode()) if pointer else ""


@lru_cache(maxsize=16)
def _name_version(name: bytes) -> str:
    return sys.intern(name.decode().removeprefix("TLSv").replace("SSLv3", "SSL 3"))


@lru_cache(maxsize=64)
def encode_alpn_list(protocols: tuple[bytes, ...]) -> bytes:
    """Return a list of application protocols as OpenSSL takes it (RFC 7301 §3.1)."""
    return b"".join(bytes((len(one),)) + one for one in protocols)


def set_groups(context: SSL.Context, groups: str) -> None:
    """Offer exactly `groups`, an OpenSSL list such as `*x25519:secp256r1`; `*` sends a key at once.

    Raises:
        ValueError: where OpenSSL refuses the list.
    """
    _set_list(_lib.SSL_CTX_set1_curves_list, context, groups, "groups")


def offer_post_handshake_auth(context: SSL.Context) -> None:
    """Offer to send the certificate when the server asks for it later (RFC 8446 §4.2.6)."""
    _lib.SSL_CTX_set_post_handshake_auth(context._context, 1)  # noqa: SLF001 - no public way


def set_tls13_suites(context: SSL.Context, suites: str) -> None:
    """Offer exactly `suites` for TLS 1.3, by their IANA names with colons between.

    Raises:
        ValueError: where OpenSSL has none of them.
    """
    _set_list(_lib.SSL_CTX_set_ciphersuites, context, suites, "cipher suites of TLS 1.3")


def set_signature_schemes(context: SSL.Context, schemes: str) -> None:
    """Accept exactly `schemes` from the server, by their IANA names with colons between.

    Our own certificate is signed with one of them, too.

    Raises:
        ValueError: where OpenSSL refuses the list.
    """
    _set_list(_lib.SSL_CTX_set1_sigalgs_list, context, schemes, "signature schemes")


def _set_list(setter: Any, context: SSL.Context, names: str, what: str) -> None:
    if setter(context._context, names.encode()) != 1:  # noqa: SLF001 - no public way
        _lib.ERR_clear_error()
        raise ValueError(f"the TLS library refuses the {what} {names!r}")
