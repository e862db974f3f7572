"""The calls of pyOpenSSL's bindings that its public API lacks, or offers only at a high cost.

Callbacks never raise, and capture plain values (`CallbackLog`), never the Connection. pyOpenSSL's
own wrappers cost a closure, a lookup and an X509 object at each of some thirty calls of a handshake;
these look at two integers and return (a twelfth of an attempt's CPU, measured). A contract test
(tests/unit/tls/test_bindings.py) fails when a binding changes.
"""

from typing import Any, Final, Literal

from cryptography.hazmat.bindings._rust import _openssl
from OpenSSL import SSL

from probe.model.evidence import Alert
from probe.model.tls_alerts import name_alert

_ffi: Any = _openssl.ffi
_lib: Any = _openssl.lib

_ALERT: Final = 0x4000
_RECEIVED: Final = 0x04
_FATAL: Final = 2
_BUFFER_SIZE: Final = 16384 + 2048
"""Bytes of the longest TLS record (RFC 8446 §5.2); more data is read in several steps."""

_HANDSHAKE: Final = 22
"""SSL3_RT_HANDSHAKE of OpenSSL's ssl3.h: a handshake message, without its record's header."""
_CERTIFICATE: Final = b"\x0b"
"""The type of a Certificate message (RFC 8446 §4, RFC 5246 §7.4)."""

IoResult = Literal["want_bytes", "done", "closed", "failed"]
"""How a call ended: it wants more bytes, is done, or found close_notify or a fatal error."""


class CallbackLog:
    """What OpenSSL's callbacks reported about one connection, as plain values."""

    __slots__ = (
        "__weakref__", "alerts", "certificate_message", "certificate_requested", "later_groups",
    )  # fmt: skip

    def __init__(self) -> None:
        """Start empty."""
        self.later_groups = b""
        """What counts as offered from the server's Certificate message on, below TLS 1.3."""
        self.alerts: list[tuple[int, int]] = []
        """`where` and `ret` of the info callback for each alert."""
        self.certificate_requested = False
        self.certificate_message = b""
        """The peer's Certificate message as it came, whether or not OpenSSL reads it."""


def install_callbacks(
    connection: SSL.Connection, later_groups: tuple[str, ...] = ()
) -> CallbackLog:
    """Return what will hold the alerts, certificates and certificate request of `connection`.

    OpenSSL's client calls the certificate callback after a CertificateRequest and at no other
    time (SSL_CTX_set_cert_cb(3)), also where the server's list of authorities is empty.

    Below TLS 1.3 OpenSSL takes a server's ECDSA key on an offered curve alone (RFC 8422 §5.3). With
    `later_groups` those count instead, once the server has its ClientHello and has chosen.
    """
    log = CallbackLog()
    log.later_groups = ":".join(later_groups).encode()
    watch_alerts(connection, log)
    ssl = connection._ssl  # noqa: SLF001 - no public way to the calls below
    _lib.SSL_set_verify(ssl, SSL.VERIFY_NONE, _on_verify)
    _lib.SSL_set_tlsext_status_type(ssl, _lib.TLSEXT_STATUSTYPE_ocsp)
    _lib.SSL_set_cert_cb(ssl, _on_certificate_request, _ffi.NULL)
    return log


def watch_alerts(connection: SSL.Connection, log: CallbackLog) -> None:
    """Let `connection` report its alerts to `log`, and its messages where its context reports them."""
    connection.set_app_data(log)
    _lib.SSL_set_info_callback(connection._ssl, _on_info)  # noqa: SLF001 - no public way


def watch_messages(context: SSL.Context) -> None:
    """Let connections of `context` report the peer's Certificate message to their `CallbackLog`."""
    _lib.SSL_CTX_set_msg_callback(context._context, _on_message)  # noqa: SLF001 - no public way


def _find_log(ssl: object) -> CallbackLog | None:
    connection = SSL.Connection._reverse_mapping.get(ssl)  # noqa: SLF001 - no public way back
    return connection.get_app_data() if connection is not None else None


@_ffi.callback("void(*)(const SSL *, int, int)")  # type: ignore[untyped-decorator]  # cffi is untyped
def _on_info(ssl: object, where: int, ret: int) -> None:
    if where & _ALERT and (log := _find_log(ssl)) is not None:
        log.alerts.append((where, ret))


@_ffi.callback("int(*)(int, X509_STORE_CTX *)", error=0)  # type: ignore[untyped-decorator]  # cffi is untyped
def _on_verify(_ok: int, _store: object) -> int:
    """Stop OpenSSL's own verification where it begins: the model of the exporter judges.

    Without a trust store it comes here before it verifies any signature, and with VERIFY_NONE the
    handshake goes on: the acceptable CAs and the client certificate's fate are seen.
    """
    return 0


@_ffi.callback("void(*)(int, int, int, void *, size_t, SSL *, void *)")  # type: ignore[untyped-decorator]  # cffi is untyped
def _on_message(
    sent: int, version: int, kind: int, data: object, size: int, ssl: object, _argument: object
) -> None:
    if kind != _HANDSHAKE or sent or size < 1 or _ffi.buffer(data, 1)[:] != _CERTIFICATE:
        return
    if (log := _find_log(ssl)) is not None:
        log.certificate_message = _ffi.buffer(data, size)[:]
        if log.later_groups and version <= SSL.TLS1_2_VERSION:
            _lib.SSL_set1_curves_list(ssl, log.later_groups)


@_ffi.callback("int(*)(SSL *, void *)", error=1)  # type: ignore[untyped-decorator]  # cffi is untyped
def _on_certificate_request(ssl: object, _argument: object) -> int:
    if (log := _find_log(ssl)) is not None:
        log.certificate_requested = True
    return 1


def is_received(where: int) -> bool:
    """Return whether the info callback reports an alert of the peer's."""
    return bool(where & _RECEIVED)


def read_alert(where: int, ret: int) -> Alert:
    """Return the alert that OpenSSL's info callback reports (SSL_CTX_set_info_callback(3)).

    Args:
        where: holds a bit that says whether it was received.
        ret: level and number, a byte each.
    """
    number = ret & 0xFF
    return Alert(
        direction="received" if is_received(where) else "sent",
        level="fatal" if ret >> 8 == _FATAL else "warning",
        number=number,
        name=name_alert(number),
    )


class ReadBuffer:
    """A buffer for reads; one serves every connection of one event loop.

    pyOpenSSL allocates 64 kB for each read and raises for each that finds nothing: half of what
    the Python around a handshake costs (measured).
    """

    __slots__ = ("_space",)

    def __init__(self) -> None:
        """Allocate the buffer."""
        self._space = _ffi.new("char[]", _BUFFER_SIZE)

    def read_output(self, connection: SSL.Connection) -> bytes:
        """Return what the connection wants to send; empty where it wants nothing."""
        source, space = connection._from_ssl, self._space  # noqa: SLF001 - as bio_read, without raising
        size = _lib.BIO_read(source, space, _BUFFER_SIZE)
        if size < _BUFFER_SIZE:
            return _ffi.buffer(space, size)[:] if size > 0 else b""
        parts = []
        while size > 0:
            parts.append(_ffi.buffer(space, size)[:])
            size = _lib.BIO_read(source, space, _BUFFER_SIZE)
        return b"".join(parts)

    def read_plaintext(self, connection: SSL.Connection) -> tuple[bytes, IoResult]:
        """Return the application data that has come, and how the last read ended."""
        ssl, space = connection._ssl, self._space  # noqa: SLF001 - as recv, without raising
        data = b""
        while True:
            _lib.ERR_clear_error()
            size = _lib.SSL_read(ssl, space, _BUFFER_SIZE)
            if size <= 0:
                return data, _classify_error(ssl, size)
            data += _ffi.buffer(space, size)[:]


def _classify_error(ssl: object, result: int) -> IoResult:
    error = _lib.SSL_get_error(ssl, result)
    if error == _lib.SSL_ERROR_WANT_READ:
        return "want_bytes"
    if error == _lib.SSL_ERROR_ZERO_RETURN:
        return "closed"
    _lib.ERR_clear_error()
    return "failed"


def do_handshake(connection: SSL.Connection) -> IoResult:
    """Continue the handshake; `done` when it is complete."""
    ssl = connection._ssl  # noqa: SLF001 - as do_handshake, without raising
    _lib.ERR_clear_error()
    result = _lib.SSL_do_handshake(ssl)
    return "done" if result == 1 else _classify_error(ssl, result)


def read_stapled_response(connection: SSL.Connection) -> bytes:
    """Return the OCSP response that the server stapled (RFC 6066 §8); empty for none."""
    start = _ffi.new("unsigned char **")
    size = _lib.SSL_get_tlsext_status_ocsp_resp(connection._ssl, start)  # noqa: SLF001 - as above
    return bytes(_ffi.buffer(start[0], size)) if size > 0 and start[0] != _ffi.NULL else b""


def read_acceptable_authorities(connection: SSL.Connection, limit: int) -> list[bytes]:
    """Return the DER names of the CertificateRequest's authorities, at most `limit`."""
    stack = _lib.SSL_get_client_CA_list(connection._ssl)  # noqa: SLF001 - DER without a copy each
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


def set_groups(context: SSL.Context, groups: str) -> None:
    """Offer exactly `groups`, an OpenSSL list such as `*x25519:secp256r1`; `*` sends a key at once.

    Raises:
        ValueError: where OpenSSL refuses the list.
    """
    _set_list(_lib.SSL_CTX_set1_curves_list, context, groups, "groups")


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
