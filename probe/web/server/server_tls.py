"""The server's side of TLS by Python's own ssl, the one that an asyncio server takes.

Only OpenSSL reads the key from its file, and nobody is asked for a passphrase. Attempts do not use
this TLS, so what it hides of a handshake is not missed.
"""

import ssl
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

from cryptography import x509

from probe.web.server.tls_settings import ClientAuth, TlsSettings

Context: TypeAlias = ssl.SSLContext

_VERIFY: Final[dict[ClientAuth, ssl.VerifyMode]] = {
    "none": ssl.CERT_NONE,
    "if_given": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}
_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}


class TlsFileError(Exception):
    """A file or a value that OpenSSL does not take.

    Attributes:
        key: The key of `tls_server_config` that names it.
        reason: What is wrong, as one clause.
        found: What was named; None where there is nothing to show.
    """

    def __init__(self, key: str, reason: str, found: str | None = None) -> None:
        """Keep the facts."""
        super().__init__(reason)
        self.key = key
        self.reason = reason
        self.found = found


class ServingContext(ssl.SSLContext):
    """Given to a listener once: each new connection gets the context that is in force.

    A context whose files are loaded again would keep its old client CAs, and resume sessions that
    those CAs accepted; a new context does neither.
    """

    in_force: Context

    def __new__(cls, first: ssl.SSLContext) -> Self:
        """Begin with `first`."""
        context = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        context.in_force = first
        return context

    def wrap_bio(self, *args: Any, **named: Any) -> ssl.SSLObject:
        """Start a connection in the context that is in force."""
        return self.in_force.wrap_bio(*args, **named)


def build_server_context(settings: TlsSettings) -> ssl.SSLContext:
    """Return a context for new connections; its files are read now.

    It sends no list of acceptable CAs: Python's ssl cannot, and RFC 8446 (§4.2.4) does not require it.

    Raises:
        TlsFileError: where a file cannot be read or does not hold what it should.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[settings.min_version]
    context.maximum_version = _VERSIONS[settings.max_version]
    context.set_alpn_protocols(["http/1.1"])
    if not settings.prefers_own_suites:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    if settings.cipher_suites:
        try:
            context.set_ciphers(":".join(settings.cipher_suites))
        except ssl.SSLError:
            raise TlsFileError("cipher_suites", "OpenSSL here has none of them") from None
    if settings.curve is not None:
        try:
            context.set_ecdh_curve(settings.curve)
        except (ssl.SSLError, ValueError):
            raise TlsFileError("curve_preferences", "OpenSSL here does not have it") from None
    _load_pair(context, settings.cert_file, settings.key_file)
    _trust_clients(context, settings)
    return context


def _load_pair(context: ssl.SSLContext, cert_file: str, key_file: str) -> None:
    certificates = _read("cert_file", cert_file)
    # OpenSSL's error does not say which of the two files it could not open.
    _read("key_file", key_file, 0)
    try:
        context.load_cert_chain(cert_file, key_file, password=_refuse_passphrase)
    except _EncryptedKeyError:
        reason = "the key is encrypted, and this server asks for no passphrase"
        raise TlsFileError("key_file", reason, key_file) from None
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or ""
        if reason == "KEY_VALUES_MISMATCH":
            raise TlsFileError("key_file", "is not the certificate's key", key_file) from None
        if reason.startswith(("EE_KEY", "CA_KEY", "CA_MD")):
            fault = f"OpenSSL does not serve it: {reason.replace('_', ' ').lower()}"
            raise TlsFileError("cert_file", fault, cert_file) from None
        try:
            x509.load_pem_x509_certificates(certificates)
        except ValueError:
            raise TlsFileError("cert_file", "has no PEM certificate", cert_file) from None
        fault = "has no PEM private key that OpenSSL can use"
        raise TlsFileError("key_file", fault, key_file) from None


class _EncryptedKeyError(Exception):
    """OpenSSL asks for a passphrase."""


def _refuse_passphrase() -> str:
    raise _EncryptedKeyError


def _trust_clients(context: ssl.SSLContext, settings: TlsSettings) -> None:
    file, text = settings.client_ca_file, settings.client_ca_pem
    key = "client_ca" if file is None else "client_ca_file"
    if file is not None:
        text = _read(key, file).decode("utf-8", "replace")
    if text is not None:
        try:
            # Text in PEM is read as ASCII; comments around the certificates may be any.
            context.load_verify_locations(cadata=text.encode("ascii", "replace").decode("ascii"))
        except (ssl.SSLError, ValueError):
            raise TlsFileError(key, "has no PEM certificates of CAs", file) from None
    context.verify_mode = _VERIFY[settings.client_auth]
    # As in Go: every certificate in the file is trusted, an intermediate too.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def _read(key: str, path: str, limit: int = 8 * 1024 * 1024) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(limit)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise TlsFileError(key, f"cannot be read: {reason}", path) from None
