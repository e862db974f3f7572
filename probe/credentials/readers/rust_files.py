"""rustls' use of the files, as tonic 0.14 and reqwest 0.13 hand them to it (rustls 0.23, aws-lc-rs).

Rust's exporters read no file themselves: the application does, as their documentation shows. Read in
the sources, and not measured: no claim is made of them where another exporter is asked about.
"""

from typing import Final

from probe.credentials.readers.pem_file import PemBlock, PemFile
from probe.credentials.readers.private_key import PrivateKey
from probe.credentials.readers.reading import Anchors, FileSet, Pair, Stop
from probe.credentials.readers.rust import RustReaderError, read_rust_blocks
from probe.exporters.webpki_certificate import read_anchor, read_strictly
from probe.exporters.webpki_refusal import Refusal
from probe.model.finding import Role

_KEYS: Final = {"PRIVATE KEY": "pkcs8", "RSA PRIVATE KEY": "pkcs1", "EC PRIVATE KEY": "sec1"}
_CURVES: Final = frozenset({"P-256", "P-384", "P-521"})
_SMALLEST_RSA: Final = 2048
_LARGEST_RSA: Final = 8192


def read_tonic_pair(files: FileSet, cert: PemFile, key_file: PemFile) -> Pair:
    """Return what Identity::from_pem and with_client_auth_cert make of the pair."""
    try:
        certificates = [one for one in read_rust_blocks(cert) if one.label == "CERTIFICATE"]
    except RustReaderError:
        return Pair(stop=Stop("cert", "block", "Error parsing TLS certificate."))
    try:
        key = next((one for one in read_rust_blocks(key_file) if one.label in _KEYS), None)
    except RustReaderError:
        return Pair(stop=Stop("key", "block", "Error parsing TLS private key - no RSA or PKCS8"))
    if key is None:
        return Pair(stop=Stop("key", "no_block", "Error parsing TLS private key - no RSA or PKCS8"))
    return _combine(files, certificates, key)


def read_reqwest_pair(files: FileSet, cert: PemFile, key_file: PemFile) -> Pair:
    """Return what Identity::from_pem makes of both files, one behind the other: the last key counts."""
    both = PemFile(cert.raw + key_file.raw)
    try:
        blocks = list(read_rust_blocks(both))
    except RustReaderError:
        role = _find_broken(cert)
        return Pair(stop=Stop(role, "block", "builder error: Invalid identity PEM file"))
    known = {"CERTIFICATE", *_KEYS}
    odd = next((one for one in blocks if one.label not in known), None)
    if odd is not None:
        role = "cert" if odd.at < len(cert.raw) else "key"
        return Pair(stop=Stop(role, "no_block", "builder error: No valid certificate was found"))
    certificates = [one for one in blocks if one.label == "CERTIFICATE"]
    keys = [one for one in blocks if one.label in _KEYS]
    if not certificates or not keys:
        says = "builder error: private key or certificate not found"
        return Pair(stop=Stop("key" if certificates else "cert", "no_block", says))
    return _combine(files, certificates, keys[-1])


def _find_broken(cert: PemFile) -> Role:
    try:
        list(read_rust_blocks(cert))
    except RustReaderError:
        return "cert"
    return "key"


def _combine(files: FileSet, certificates: list[PemBlock], block: PemBlock) -> Pair:
    if not certificates:
        return Pair(stop=Stop("cert", "no_block", "no certificate"))
    key, loaded = files.read_key(block.der)
    if key is None or loaded is None or key.form != _KEYS[block.label] or not is_read_by_rust(key):
        says = "failed to parse private key as RSA, ECDSA, or EdDSA"
        return Pair(stop=Stop("key", "key", says, block.at))
    leaf = certificates[0]
    parsed = read_strictly(leaf.der)
    if isinstance(parsed, Refusal):
        return Pair(stop=Stop("cert", "certificate", "invalid peer certificate", leaf.at))
    if files.parse(leaf.der).public_sha256 != loaded.public_sha256:
        says = "keys may not be consistent: KeyMismatch"
        return Pair(stop=Stop("key", "pair", says, block.at))
    return Pair(tuple(one.der for one in certificates), key)


def is_read_by_rust(key: PrivateKey) -> bool:
    """Return whether aws-lc-rs takes a key (any_supported_type)."""
    if not key.strict or key.trailing:
        return False
    match key.algorithm:
        case "rsa":
            return _SMALLEST_RSA <= key.bits <= _LARGEST_RSA
        case "ec":
            return key.curve in _CURVES
        case kind:
            return kind == "ed25519" and key.form == "pkcs8"


def read_tonic_anchors(_: FileSet, file: PemFile) -> Anchors:
    """Return what RootCertStore::add_parsable_certificates takes: what does not parse is left out."""
    found = _read_anchors(file)
    if isinstance(found, Stop):
        return Anchors(stop=found)
    return Anchors(tuple(one.der for one in found if not isinstance(read_anchor(one.der), Refusal)))


def read_reqwest_anchors(_: FileSet, file: PemFile) -> Anchors:
    """Return what Certificate::from_pem_bundle and RootCertStore::add take: all, or none."""
    found = _read_anchors(file)
    if isinstance(found, Stop):
        return Anchors(stop=found)
    for one in found:
        if isinstance(read_anchor(one.der), Refusal):
            return Anchors(stop=Stop("ca", "certificate", "builder error", one.at))
    return Anchors(tuple(one.der for one in found))


def _read_anchors(file: PemFile) -> list[PemBlock] | Stop:
    try:
        return [one for one in read_rust_blocks(file) if one.label == "CERTIFICATE"]
    except RustReaderError:
        return Stop("ca", "block", "invalid certificate encoding")
