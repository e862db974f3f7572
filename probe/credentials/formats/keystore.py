"""The certificates of a JKS or JCEKS keystore and of a PKCS#7 bundle, which need no password.

Total: what is damaged ends the reading. The format is that of OpenJDK's JavaKeyStore and
JceKeyStore; only private and secret keys are encrypted in it, and those are not read. A PKCS#12
keystore is not opened: its certificates are encrypted as a rule, and how much work a password
costs is decided by the file.
"""

import warnings
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7

from probe.x509.library_errors import LIBRARY_ERRORS
from probe.x509.parse import parse_certificate

_KEY: Final = 1
_TRUSTED: Final = 2
_FIRST_WITH_TYPES: Final = 2
"""The version from which each certificate is preceded by its type."""
_MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Keystore:
    """What a JKS or JCEKS keystore holds unencrypted."""

    certificates: tuple[x509.Certificate, ...] = ()
    private_keys: int = 0
    trusted: int = 0


def read_keystore(raw: bytes) -> Keystore:
    """Read the certificates of `raw`, up to where it is damaged."""
    stream = BytesIO(raw)
    certificates: list[x509.Certificate] = []
    keys = trusted = 0
    try:
        _take(stream, 4)
        version, entries = _take_number(stream), _take_number(stream)
        for _ in range(min(entries, _MOST)):
            tag = _take_number(stream)
            _take_text(stream)  # the alias
            _take(stream, 8)  # when it was made
            if tag == _KEY:
                _take(stream, _take_number(stream))  # the encrypted key
                keys += 1
                count = min(_take_number(stream), _MOST)
            elif tag == _TRUSTED:
                trusted += 1
                count = 1
            else:
                break
            for _ in range(count):
                if version >= _FIRST_WITH_TYPES:
                    _take_text(stream)
                certificate = parse_certificate(_take(stream, _take_number(stream)))
                if certificate is not None:
                    certificates.append(certificate)
    except EOFError:
        pass
    return Keystore(tuple(certificates), keys, trusted)


def _take(stream: BytesIO, length: int) -> bytes:
    taken = stream.read(length)
    if len(taken) < length:
        raise EOFError
    return taken


def _take_number(stream: BytesIO) -> int:
    return int.from_bytes(_take(stream, 4))


def _take_text(stream: BytesIO) -> bytes:
    """Take what java.io.DataOutput.writeUTF wrote."""
    return _take(stream, int.from_bytes(_take(stream, 2)))


def read_pkcs7(der: bytes) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PKCS#7 bundle (RFC 2315 §9.1); none where it is damaged."""
    try:
        with warnings.catch_warnings():
            # It reads BER too, and says so.
            warnings.simplefilter("ignore", UserWarning)
            return tuple(pkcs7.load_der_pkcs7_certificates(der))
    except LIBRARY_ERRORS:
        return ()
