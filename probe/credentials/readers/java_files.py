"""Java's use of the files: opentelemetry-java's TlsUtil over the JDK's providers (JDK 17).

The key is PKCS#8 of RSA or EC and nothing else; all blocks of a certificate file must be
certificates, or the first a PKCS#7 bundle; a chain of several must be in order (PKCS12KeyStore).
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from probe.credentials.formats.keystore import read_pkcs7
from probe.credentials.readers.java import JavaReaderError, read_java_blocks, read_java_key
from probe.credentials.readers.pem_file import PemFile
from probe.credentials.readers.private_key import CURVES, PrivateKey
from probe.credentials.readers.reading import Anchors, FileSet, Pair, Stop, Why
from probe.model.finding import Role
from probe.x509.raw_certificate import read_certificate

_NAMED: Final = frozenset(CURVES.values())
_DER: Final = Encoding.DER
_PARSED_FULLY: Final = 100
"""Certificates of a bundle that are parsed as Java does; the others by `cryptography` alone."""
_NO_KEY: Final = "Unable to generate key from supported algorithms: [RSA, EC]"
_NO_CHAIN: Final = "Private key must be accompanied by certificate chain"
_ORDER: Final = "java.security.KeyStoreException: Certificate chain is not valid"

Refuse = Callable[[bytes, x509.Certificate | None], str]


def read_java_pair(files: FileSet, cert: PemFile, key_file: PemFile, refuse: Refuse) -> Pair:
    """Return what TlsUtil.keyManager makes of the pair; the key comes first."""
    der = read_java_key(key_file.raw)
    if der is None:
        says = "java.lang.IllegalArgumentException: Illegal base64 character"
        return Pair(stop=Stop("key", "block", says))
    key, loaded = files.read_key(der)
    if key is None or loaded is None or not is_read_by_java(key):
        encrypted = key is not None and key.form == "encrypted"
        why: Why = "encrypted" if encrypted or b"ENCRYPTED" in key_file.raw[:400] else "key"
        return Pair(stop=Stop("key", why, f"javax.net.ssl.SSLException: {_NO_KEY}"))
    chain = _read_certificates(files, cert, "cert", refuse)
    if isinstance(chain, Stop):
        return Pair(stop=chain)
    if not chain:
        return Pair(
            stop=Stop("cert", "no_block", f"java.lang.IllegalArgumentException: {_NO_CHAIN}")
        )
    if len(chain) > 1 and not is_ordered(chain):
        return Pair(stop=Stop("cert", "order", _ORDER))
    matches = files.parse(chain[0]).public_sha256 == loaded.public_sha256
    return Pair(chain, key if matches else None)


def read_java_anchors(files: FileSet, file: PemFile, refuse: Refuse) -> Anchors:
    """Return what TlsUtil.trustManager makes of a CA file."""
    found = _read_certificates(files, file, "ca", refuse)
    return Anchors(stop=found) if isinstance(found, Stop) else Anchors(found)


def is_read_by_java(key: PrivateKey) -> bool:
    """Return whether the RSA or EC key factory takes it."""
    if key.form != "pkcs8" or not key.strict:
        return False
    return (key.algorithm == "rsa" and key.bits >= 512) or (
        key.algorithm == "ec" and (key.curve in _NAMED or key.curve.startswith("1.3.36.3.3.2.8."))
    )


def _read_certificates(
    files: FileSet, file: PemFile, role: Role, refuse: Refuse
) -> tuple[bytes, ...] | Stop:
    taken: list[bytes] = []
    blocks = read_java_blocks(file)
    at = -1
    try:
        for number, block in enumerate(blocks):
            at = block.at
            if number == 0 and not files.parse(block.der).is_readable:
                bundle = tuple(one.public_bytes(_DER) for one in read_pkcs7(block.der))
                if bundle:
                    return bundle
            spared = files.parse(block.der).plain if number >= _PARSED_FULLY else None
            refused = refuse(block.der, spared)
            if refused:
                says = f"java.security.cert.CertificateException: {refused}"
                return Stop(role, "certificate", says, at)
            taken.append(files.parse(block.der).sent)
    except JavaReaderError as stop:
        says = f"java.security.cert.CertificateException: java.io.IOException: {stop}"
        return Stop(role, "block", says)
    if not taken and file.raw:
        says = "java.security.cert.CertificateException: No certificate data found"
        return Stop(role, "no_block", says)
    return tuple(taken)


def is_ordered(chain: tuple[bytes, ...]) -> bool:
    """Return whether each certificate's issuer follows, and none is there twice (validateChain)."""
    parts = [read_certificate(der) for der in chain]
    if len(set(chain)) < len(chain):
        return False
    return all(
        one is not None and other is not None and one.issuer == other.subject
        for one, other in pairwise(parts)
    )
