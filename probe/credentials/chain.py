"""How certificates hang together: which one a key belongs to, their order, and the issuers at hand.

Links are proven by name and signature (RFC 5280 §6.1.3), never by name alone.
"""

import stat
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from probe.credentials.content import read_content
from probe.credentials.read_file import read_file
from probe.system.own_limits import is_own_lack
from probe.x509.signature import LIBRARY_ERRORS, is_issued_by

FOLDER_FILES: Final = 50
FOLDER_FILE_SIZE: Final = 256 * 1024
MAX_LENGTH: Final = 10
"""Certificates of one path: OpenSSL's and Go's limits are larger, no real path is."""

AtHand = tuple[str, x509.Certificate]
"""Where a certificate lies, and the certificate."""


def public_key_of(holder: x509.Certificate | PrivateKeyTypes) -> bytes:
    """Return the SubjectPublicKeyInfo of a certificate or a private key; empty: unreadable."""
    try:
        public = holder.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (*LIBRARY_ERRORS, AttributeError):
        return b""
    return public


def is_pair(certificate: x509.Certificate, key: PrivateKeyTypes) -> bool:
    """Return whether `certificate` holds the public half of `key`."""
    held = public_key_of(certificate)
    return bool(held) and held == public_key_of(key)


def can_sign(key: PrivateKeyTypes) -> bool:
    """Return whether what `key` signs verifies with its own public half.

    A key whose private numbers are damaged keeps its public ones, and still matches.
    """
    message = b"mtls-probe"
    try:
        match key:
            case rsa.RSAPrivateKey():
                signed = key.sign(message, padding.PKCS1v15(), hashes.SHA256())
                key.public_key().verify(signed, message, padding.PKCS1v15(), hashes.SHA256())
            case ec.EllipticCurvePrivateKey():
                algorithm = ec.ECDSA(hashes.SHA256())
                key.public_key().verify(key.sign(message, algorithm), message, algorithm)
            case ed25519.Ed25519PrivateKey() | ed448.Ed448PrivateKey():
                key.public_key().verify(key.sign(message), message)
            case _:
                return True
    except (InvalidSignature, UnsupportedAlgorithm, *LIBRARY_ERRORS):
        return False
    return True


def top_of(chain: Sequence[x509.Certificate]) -> x509.Certificate:
    """Return the last certificate that issuers link to the first, whatever their order."""
    current = chain[0]
    passed = [current]
    while (issuer := _issuer(current, chain, passed)) is not None:
        current = issuer
        passed.append(current)
    return current


def wrong_link(chain: Sequence[x509.Certificate]) -> int:
    """Return the place, from 1, of the first certificate that the next did not issue; 0: none.

    RFC 5246 §7.4.2 demands the order, RFC 8446 §4.4.2 only asks for it.
    """
    links = range(len(chain) - 1)
    return next((at + 1 for at in links if not is_issued_by(chain[at], chain[at + 1])), 0)


def continuation(
    chain: Sequence[x509.Certificate],
    anchors: Sequence[AtHand],
    folder: Callable[[], Iterable[AtHand]],
) -> tuple[AtHand, ...]:
    """Return the issuers at hand beyond what `chain` sends, up to a self-signed one.

    `folder` is asked only where `anchors` lack an issuer, and once.
    """
    if not chain:
        return ()
    current = top_of(chain)
    passed = [current]
    pool = list(anchors)
    asked = False
    found: list[AtHand] = []
    while not is_issued_by(current, current) and len(passed) < MAX_LENGTH:
        step = _find(current, pool, passed)
        if step is None and not asked:
            pool += folder()
            asked = True
            step = _find(current, pool, passed)
        if step is None:
            break
        found.append(step)
        current = step[1]
        passed.append(current)
    return tuple(found)


def certificates_beside(path: str) -> list[AtHand]:
    """Return the certificates of the `*.pem` and `*.crt` files in the folder of `path`.

    Raises:
        OSError: where the probe itself lacks file descriptors or memory.
    """
    own = Path(path)
    try:
        files = sorted(f for f in own.parent.iterdir() if f.suffix in {".pem", ".crt"} and f != own)
    except (OSError, ValueError) as error:
        if is_own_lack(error):
            raise
        return []
    found: list[AtHand] = []
    for file in [str(file) for file in files if _is_small(file)][:FOLDER_FILES]:
        raw = read_file(file, "cert", limit=FOLDER_FILE_SIZE)
        if isinstance(raw, bytes):
            found += [(file, held) for held in read_content(raw, "cert", file).certificates]
    return found


def _is_small(path: Path) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size <= FOLDER_FILE_SIZE


def _issuer(
    certificate: x509.Certificate,
    among: Iterable[x509.Certificate],
    passed: Sequence[x509.Certificate],
) -> x509.Certificate | None:
    return next((c for c in among if c not in passed and is_issued_by(certificate, c)), None)


def _find(
    certificate: x509.Certificate, pool: Iterable[AtHand], passed: Sequence[x509.Certificate]
) -> AtHand | None:
    return next(
        (step for step in pool if step[1] not in passed and is_issued_by(certificate, step[1])),
        None,
    )
