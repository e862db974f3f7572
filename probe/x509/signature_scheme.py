"""Signature algorithms by their AlgorithmIdentifier (RFC 3279, 4055, 5758, 8410): a table, no rules."""

from typing import Final, Literal, NamedTuple

from cryptography.hazmat.primitives import hashes

from probe.x509 import der as asn1
from probe.x509.der import Reader
from probe.x509.raw_certificate import Algorithm, read_algorithm

RSASSA_PSS: Final = "1.2.840.113549.1.1.10"
MGF1: Final = "1.2.840.113549.1.1.8"


class SignatureScheme(NamedTuple):
    """How a signature is verified."""

    key: Literal["RSA", "EC", "DSA", "Ed25519", "Ed448"]
    hash: str
    """As this module names it; empty where the scheme has its own."""
    is_pss: bool = False
    mask_hash: str = ""
    salt_length: int = 0
    trailer: int = 1

    @property
    def name(self) -> str:
        """As people write it: `SHA1-RSA`, `ECDSA-SHA256`."""
        upper = self.hash.upper()
        match self.key:
            case "RSA":
                return f"{upper}-RSAPSS" if self.is_pss else f"{upper}-RSA"
            case "EC":
                return f"ECDSA-{upper}"
            case "DSA":
                return f"DSA-{upper}"
            case other:
                return other


HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "md5": hashes.MD5(),  # noqa: S303 (verified where a runtime does)
    "sha1": hashes.SHA1(),  # noqa: S303 (the same)
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha512-224": hashes.SHA512_224(),
    "sha512-256": hashes.SHA512_256(),
    "sha3-224": hashes.SHA3_224(),
    "sha3-256": hashes.SHA3_256(),
    "sha3-384": hashes.SHA3_384(),
    "sha3-512": hashes.SHA3_512(),
}

_HASH_OIDS: Final = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.5": "sha512-224",
    "2.16.840.1.101.3.4.2.6": "sha512-256",
    "2.16.840.1.101.3.4.2.7": "sha3-224",
    "2.16.840.1.101.3.4.2.8": "sha3-256",
    "2.16.840.1.101.3.4.2.9": "sha3-384",
    "2.16.840.1.101.3.4.2.10": "sha3-512",
}

_SCHEMES: Final = {
    "1.2.840.113549.1.1.4": SignatureScheme("RSA", "md5"),
    "1.2.840.113549.1.1.5": SignatureScheme("RSA", "sha1"),
    "1.3.14.3.2.29": SignatureScheme("RSA", "sha1"),
    "1.2.840.113549.1.1.14": SignatureScheme("RSA", "sha224"),
    "1.2.840.113549.1.1.11": SignatureScheme("RSA", "sha256"),
    "1.2.840.113549.1.1.12": SignatureScheme("RSA", "sha384"),
    "1.2.840.113549.1.1.13": SignatureScheme("RSA", "sha512"),
    "1.2.840.113549.1.1.15": SignatureScheme("RSA", "sha512-224"),
    "1.2.840.113549.1.1.16": SignatureScheme("RSA", "sha512-256"),
    "2.16.840.1.101.3.4.3.13": SignatureScheme("RSA", "sha3-224"),
    "2.16.840.1.101.3.4.3.14": SignatureScheme("RSA", "sha3-256"),
    "2.16.840.1.101.3.4.3.15": SignatureScheme("RSA", "sha3-384"),
    "2.16.840.1.101.3.4.3.16": SignatureScheme("RSA", "sha3-512"),
    "1.2.840.10045.4.1": SignatureScheme("EC", "sha1"),
    "1.2.840.10045.4.3.1": SignatureScheme("EC", "sha224"),
    "1.2.840.10045.4.3.2": SignatureScheme("EC", "sha256"),
    "1.2.840.10045.4.3.3": SignatureScheme("EC", "sha384"),
    "1.2.840.10045.4.3.4": SignatureScheme("EC", "sha512"),
    "2.16.840.1.101.3.4.3.9": SignatureScheme("EC", "sha3-224"),
    "2.16.840.1.101.3.4.3.10": SignatureScheme("EC", "sha3-256"),
    "2.16.840.1.101.3.4.3.11": SignatureScheme("EC", "sha3-384"),
    "2.16.840.1.101.3.4.3.12": SignatureScheme("EC", "sha3-512"),
    "1.2.840.10040.4.3": SignatureScheme("DSA", "sha1"),
    "2.16.840.1.101.3.4.3.1": SignatureScheme("DSA", "sha224"),
    "2.16.840.1.101.3.4.3.2": SignatureScheme("DSA", "sha256"),
    "2.16.840.1.101.3.4.3.3": SignatureScheme("DSA", "sha384"),
    "2.16.840.1.101.3.4.3.4": SignatureScheme("DSA", "sha512"),
    "1.3.101.112": SignatureScheme("Ed25519", ""),
    "1.3.101.113": SignatureScheme("Ed448", ""),
}


def read_scheme(algorithm: Algorithm) -> SignatureScheme | None:
    """Return how a signature of that algorithm is verified; None where this table has it not."""
    if algorithm.oid == RSASSA_PSS:
        return _read_pss(algorithm.parameters)
    return _SCHEMES.get(algorithm.oid)


def _read_pss(parameters: bytes) -> SignatureScheme | None:
    """Read RSASSA-PSS-params with its defaults (RFC 4055 §3.1)."""
    contents = Reader(parameters, strict=False).read(asn1.SEQUENCE) if parameters else b""
    if contents is None:
        return None
    reader = Reader(contents, strict=False)
    values = {number: _read_tagged(reader, number) for number in range(4)}
    hash_algorithm, mask = values[0], values[1]
    hash_name = mask_name = "sha1"
    if hash_algorithm is not None:
        hash_name = _HASH_OIDS.get(_read_algorithm_in(hash_algorithm).oid, "")
    if mask is not None:
        generator = _read_algorithm_in(mask)
        mask_name = _HASH_OIDS.get(_read_algorithm_in(generator.parameters).oid, "")
        if generator.oid != MGF1:
            return None
    if not hash_name or not mask_name:
        return None
    return SignatureScheme(
        "RSA",
        hash_name,
        is_pss=True,
        mask_hash=mask_name,
        salt_length=_read_small(values[2], 20),
        trailer=_read_small(values[3], 1),
    )


def _read_tagged(reader: Reader, number: int) -> bytes | None:
    tag = asn1.CONTEXT | asn1.CONSTRUCTED | number
    return reader.read(tag) if reader.peek() == tag else None


def _read_algorithm_in(element: bytes) -> Algorithm:
    contents = Reader(element, strict=False).read(asn1.SEQUENCE)
    return read_algorithm(contents or b"", strict=False)


def _read_small(element: bytes | None, otherwise: int) -> int:
    if element is None:
        return otherwise
    content = Reader(element, strict=False).read(asn1.INTEGER)
    return int.from_bytes(content[:8], signed=True) if content else -1
