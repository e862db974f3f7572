"""grpc-core's use of the files over BoringSSL (src/core/tsi/ssl_transport_security.cc, grpcio 1.85).

A channel is made whatever the files hold: what is wrong with them shows when it connects. A pair of
which one half is missing ends the process (GRPC_CHECK in grpc_ssl_credentials_create).
"""

from typing import Final

from probe.credentials.readers.openssl import BORINGSSL, PemStop, read_openssl_blocks
from probe.credentials.readers.openssl_files import is_trust_settings
from probe.credentials.readers.pem_file import PemBlock, PemFile
from probe.credentials.readers.private_key import EXPLICIT, PrivateKey, is_consistent_rsa
from probe.credentials.readers.reading import Anchors, FileSet, Pair, Stop, Why
from probe.exporters.boringssl_certificate import read_for_boringssl
from probe.x509 import der as asn1
from probe.x509.der import Reader
from probe.x509.extensions import DIGITAL_SIGNATURE

GIVES_UP: Final = "Handshaker factory creation failed with TSI_INVALID_ARGUMENT"
_PARSED_FULLY: Final = 100
_PLAIN: Final = frozenset({"CERTIFICATE", "X509 CERTIFICATE"})
_TRUSTED: Final = "TRUSTED CERTIFICATE"
_CURVES: Final = frozenset({"P-256", "P-384", "P-521", EXPLICIT})
_LABELS: Final = {
    "PRIVATE KEY": "",
    "ENCRYPTED PRIVATE KEY": "",
    "RSA PRIVATE KEY": "rsa",
    "EC PRIVATE KEY": "ec",
    "DSA PRIVATE KEY": "dsa",
}
_FORMS: Final = {"rsa": "pkcs1", "ec": "sec1", "dsa": "dsa"}
_KINDS: Final = frozenset({"rsa", "ec", "ed25519"})


def read_grpc_pair(files: FileSet, cert: PemFile, key_file: PemFile) -> Pair:
    """Return what a context gets of certificate and key."""
    cert, key_file = _as_c_string(cert), _as_c_string(key_file)
    chain: list[bytes] = []
    wanted = _PLAIN | {_TRUSTED}
    for block in read_openssl_blocks(cert, BORINGSSL):
        # Behind the first certificate whatever stops the reader is taken for the file's end.
        if isinstance(block, PemStop):
            if chain:
                break
            why: Why = "no_block" if block.reason == "no_start_line" else "block"
            return Pair(stop=Stop("cert", why, GIVES_UP, block.at))
        if block.label not in wanted:
            continue
        if block.header or not _parses(block, with_aux=not chain):
            if chain:
                break
            why = "block" if block.header else "certificate"
            return Pair(stop=Stop("cert", why, GIVES_UP, block.at))
        chain.append(block.der)
        wanted = _PLAIN
    leaf = files.parse(chain[0])
    known = read_for_boringssl(_cut(chain[0]))
    signs = known is not None and not known.rejects_usage(DIGITAL_SIGNATURE)
    if leaf.algorithm not in _KINDS or known is None or known.key is None or not signs:
        return Pair(stop=Stop("cert", "certificate", GIVES_UP))
    found = _find_key(files, key_file)
    if isinstance(found, Stop):
        return Pair(stop=found)
    key, public = found
    if leaf.public_sha256 != public:
        return Pair(stop=Stop("key", "pair", GIVES_UP))
    return Pair(tuple(chain), key)


def read_grpc_anchors(files: FileSet, file: PemFile) -> Anchors:
    """Return the roots: those in front of the first block that does not parse; without any it gives up."""
    taken: list[bytes] = []
    for block in read_openssl_blocks(_as_c_string(file), BORINGSSL):
        if isinstance(block, PemStop):
            break
        if block.label in _PLAIN or block.label == _TRUSTED:
            spared = len(taken) >= _PARSED_FULLY and files.parse(block.der).plain is not None
            if block.header or not (spared or _parses(block, with_aux=True)):
                break
            taken.append(block.der)
    if taken:
        return Anchors(tuple(taken))
    return Anchors(stop=Stop("ca", "no_block", GIVES_UP))


def _as_c_string(file: PemFile) -> PemFile:
    """Return what grpc_ssl_credentials_create is given: text up to the first NUL."""
    return file if b"\0" not in file.raw else PemFile(file.raw.partition(b"\0")[0])


def _cut(der: bytes) -> bytes:
    element = Reader(der).read_any()
    return der if element is None else element.whole


def _parses(block: PemBlock, *, with_aux: bool) -> bool:
    """Return whether BoringSSL parses a certificate: DER alone, and nothing behind it but trust settings."""
    reader = Reader(block.der)
    element = reader.read_element(asn1.SEQUENCE)
    if element is None or read_for_boringssl(element.whole) is None:
        return False
    return reader.is_empty or not with_aux or is_trust_settings(reader)


def _find_key(files: FileSet, file: PemFile) -> tuple[PrivateKey, str] | Stop:
    for block in read_openssl_blocks(file, BORINGSSL):
        if isinstance(block, PemStop):
            why: Why = "no_block" if block.reason == "no_start_line" else "block"
            return Stop("key", why, GIVES_UP, block.at)
        if block.label not in _LABELS:
            continue
        if block.label == "ENCRYPTED PRIVATE KEY" or block.header.startswith(b"Proc-Type: 4,ENC"):
            return Stop("key", "encrypted", GIVES_UP, block.at)
        key, loaded = files.read_key(block.der)
        kind = _LABELS[block.label]
        if (
            block.header
            or key is None
            or loaded is None
            or loaded.derived
            or not _is_read(key, kind)
        ):
            return Stop("key", "block" if block.header else "key", GIVES_UP, block.at)
        return key, loaded.public_sha256
    raise AssertionError("the reader says why it ends")


def _is_read(key: PrivateKey, kind: str) -> bool:
    if not key.strict or key.algorithm not in _KINDS:
        return False
    if key.algorithm == "ec" and key.curve not in _CURVES:
        return False
    if key.algorithm == "rsa" and not is_consistent_rsa(key.der):
        return False  # RSA_check_key, which its parser calls
    if key.algorithm == "rsa" and key.form == "pkcs8" and not key.has_parameters:
        return False
    if key.form == "pkcs8":
        return kind in {"", key.algorithm} and not key.has_public
    return key.form == _FORMS.get(kind, "")
