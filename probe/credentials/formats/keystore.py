"""The certificates of a JKS or JCEKS keystore and of a PKCS#7 bundle, which need no password.

Total: what is damaged ends the reading. The format is that of OpenJDK's JavaKeyStore and
JceKeyStore; only private and secret keys are encrypted in it, and those are passed over unread
(law 11). A PKCS#12 keystore is not opened: its certificates are encrypted as a rule, and the work
to try a password is for the file to say.
"""

import struct
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import pkcs7

from probe.x509.parse import parse_certificate
from probe.x509.signature import LIBRARY_ERRORS

_KEY: Final = 1
_TRUSTED: Final = 2
_FIRST_WITH_TYPES: Final = 2
"""The version from which each certificate is preceded by its type."""
_MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Keystore:
    """What a JKS or JCEKS keystore holds in clear."""

    certificates: tuple[x509.Certificate, ...] = ()
    private_keys: int = 0
    trusted: int = 0


class _Cursor:
    """Reads big-endian fields one after the other (java.io.DataInput)."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def take(self, length: int) -> bytes:
        """Return the next `length` bytes.

        Raises:
            ValueError: where there are fewer.
        """
        end = self._at + length
        if end > len(self._raw):
            raise ValueError("the keystore ends too early")
        taken, self._at = self._raw[self._at : end], end
        return taken

    def number(self) -> int:
        """Return an int of four bytes."""
        return int(struct.unpack(">I", self.take(4))[0])

    def text(self) -> bytes:
        """Return what writeUTF wrote."""
        return self.take(int(struct.unpack(">H", self.take(2))[0]))


def read_keystore(raw: bytes) -> Keystore:
    """Read the certificates of `raw`, up to where it is damaged."""
    cursor = _Cursor(raw)
    certificates: list[x509.Certificate] = []
    keys = trusted = 0
    try:
        cursor.take(4)
        version, entries = cursor.number(), cursor.number()
        for _ in range(min(entries, _MOST)):
            tag = cursor.number()
            cursor.text()  # the alias
            cursor.take(8)  # when it was made
            if tag == _KEY:
                cursor.take(cursor.number())  # the encrypted key
                keys += 1
                count = min(cursor.number(), _MOST)
            elif tag == _TRUSTED:
                trusted += 1
                count = 1
            else:
                break
            for _ in range(count):
                if version >= _FIRST_WITH_TYPES:
                    cursor.text()
                certificate = parse_certificate(cursor.take(cursor.number()))
                if certificate is not None:
                    certificates.append(certificate)
    except ValueError:
        pass
    return Keystore(tuple(certificates), keys, trusted)


def read_pkcs7(der: bytes) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PKCS#7 bundle (RFC 2315 §9.1); none where it is damaged."""
    try:
        return tuple(pkcs7.load_der_pkcs7_certificates(der))
    except LIBRARY_ERRORS:
        return ()
