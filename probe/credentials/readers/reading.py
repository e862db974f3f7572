"""What a runtime makes of the credential files: what it would send and trust, or what stops it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, TypeVar

from cryptography import x509
from OpenSSL import crypto

from probe.credentials.readers.pem_file import PemFile
from probe.credentials.readers.private_key import (
    LoadedKey,
    PrivateKey,
    digest_public_key,
    load_private_key,
    read_private_key,
)
from probe.model.finding import Role
from probe.x509.parse import parse_certificate
from probe.x509.public_key import read_public_key
from probe.x509.raw_certificate import Certificate, read_certificate

_T = TypeVar("_T")

Why = Literal[
    "no_block",  # it sees no block of the kind that it needs
    "block",  # a block that it cannot decode
    "certificate",  # a certificate that its parser refuses
    "key",  # a key of a form or kind that it does not read
    "encrypted",  # a key that needs a passphrase
    "pair",  # certificate and key do not belong together
    "order",  # the chain's order
    "weak",  # its security level
    "half",  # one of certificate and key is not set
    "missing",  # the file cannot be read
]


class Stop(NamedTuple):
    """What keeps a runtime from using one file."""

    role: Role
    why: Why
    says: str
    """What it prints, without paths."""
    at: int = -1
    """The offset of the block that it stops at; -1 where it is none in particular."""
    detail: str = ""
    """Why, where it does not print it."""


class Pair(NamedTuple):
    """What the certificate and key files give."""

    chain: tuple[bytes, ...] = ()
    """DER, as it is sent."""
    key: PrivateKey | None = None
    stop: Stop | None = None


class Anchors(NamedTuple):
    """What the CA file gives."""

    certificates: tuple[bytes, ...] = ()
    """DER."""
    stop: Stop | None = None


@dataclass(slots=True)
class FileSet:
    """The files of one generation, and what has been parsed of them for any runtime.

    A file is None where its setting is not given.
    """

    cert: PemFile | None = None
    key: PemFile | None = None
    ca: PemFile | None = None
    missing: frozenset[Role] = frozenset()
    """The files that are named and cannot be read."""
    _keys: dict[bytes, tuple[PrivateKey | None, LoadedKey | None]] = field(
        default_factory=dict, repr=False
    )
    _certificates: dict[bytes, "ParsedCertificate"] = field(default_factory=dict, repr=False)
    _readings: dict[object, Any] = field(default_factory=dict, repr=False)

    def remember(self, what: object, read: Callable[[], _T]) -> _T:
        """Return what `read` returned when it was first called for `what`: two runtimes may share it."""
        if what not in self._readings:
            self._readings[what] = read()
        known: _T = self._readings[what]
        return known

    def read_key(self, der: bytes) -> tuple[PrivateKey | None, LoadedKey | None]:
        """Return the key that `der` is, by its form and as OpenSSL holds it."""
        if der not in self._keys:
            self._keys[der] = (read_private_key(der), load_private_key(der))
        return self._keys[der]

    def loaded_keys(self) -> tuple[LoadedKey, ...]:
        """Return the private keys that any reader has met so far, in that order."""
        return tuple(loaded for _, loaded in self._keys.values() if loaded is not None)

    def parse(self, der: bytes) -> "ParsedCertificate":
        """Return what the libraries here make of a certificate."""
        known = self._certificates.get(der)
        if known is None:
            known = self._certificates[der] = ParsedCertificate(der)
        return known


_UNPARSED: Final = object()
_KINDS: Final = {
    6: "rsa",
    912: "rsa-pss",
    408: "ec",
    116: "dsa",
    1087: "ed25519",
    1088: "ed448",
    1034: "x25519",
}
"""EVP_PKEY_get_base_id (OpenSSL, obj_mac.h)."""
_NAMES: Final = {
    "RSA": "rsa",
    "RSASSA-PSS": "rsa-pss",
    "EC": "ec",
    "DSA": "dsa",
    "Ed25519": "ed25519",
}


class ParsedCertificate:
    """One certificate as OpenSSL and `cryptography` parse it, each at most once."""

    __slots__ = ("_openssl", "_plain", "_public", "der")

    def __init__(self, der: bytes) -> None:
        """Parse nothing yet."""
        self.der = der
        self._openssl: object = _UNPARSED
        self._plain: object = _UNPARSED
        self._public: str | None = None

    @property
    def plain(self) -> x509.Certificate | None:
        """The certificate as `cryptography` has it, which is strict; None where it refuses it."""
        if self._plain is _UNPARSED:
            self._plain = parse_certificate(self.der)
        return self._plain if isinstance(self._plain, x509.Certificate) else None

    @property
    def openssl(self) -> crypto.X509 | None:
        """The certificate as d2i_X509 reads it, which passes over what follows it."""
        if self._openssl is _UNPARSED:
            try:
                self._openssl = crypto.load_certificate(crypto.FILETYPE_ASN1, self.der)
            except crypto.Error:
                self._openssl = None
        return self._openssl if isinstance(self._openssl, crypto.X509) else None

    @property
    def is_readable(self) -> bool:
        """Whether OpenSSL reads it; what `cryptography` reads, OpenSSL does."""
        return self.plain is not None or self.openssl is not None

    @property
    def public_sha256(self) -> str:
        """The digest of its public key, as `LoadedKey` has it; empty where it does not parse."""
        if self._public is None:
            self._public = ""
            if self.openssl is None and self.parts is not None:
                self._public = digest_public_key(self.parts.spki)
            if self.openssl is not None:
                try:
                    public = crypto.dump_publickey(crypto.FILETYPE_ASN1, self.openssl.get_pubkey())
                    self._public = digest_public_key(public)
                except crypto.Error:
                    pass
        return self._public

    @property
    def spki_sha256(self) -> str:
        """The SHA-256 of its SubjectPublicKeyInfo, in hex; empty where it does not parse."""
        return "" if self.parts is None else hashlib.sha256(self.parts.spki).hexdigest()

    @property
    def algorithm(self) -> str:
        """The kind of its public key, as `PrivateKey` names it; empty where it does not parse."""
        known = _KINDS.get(self.key_type, "")
        if known or self.openssl is not None or self.parts is None:
            return known
        # What the OpenSSL here refuses, as a time without seconds, an older one may read.
        key = read_public_key(self.parts.spki)
        return "" if key is None else _NAMES.get(key.kind, "")

    @property
    def key_type(self) -> int:
        """OpenSSL's number of the public key's kind; 0 where it does not parse."""
        if self.openssl is None:
            return 0
        try:
            return self.openssl.get_pubkey().type()
        except crypto.Error:
            return 0

    @property
    def bits(self) -> int:
        """The size of the public key; 0 where it does not parse."""
        if self.openssl is None:
            key = None if self.parts is None else read_public_key(self.parts.spki)
            return 0 if key is None else key.bits
        try:
            return self.openssl.get_pubkey().bits()
        except crypto.Error:
            return 0

    @property
    def parts(self) -> Certificate | None:
        """The certificate's parts as they are written."""
        return read_certificate(self.der)

    @property
    def signature_algorithm(self) -> str:
        """The OID of the algorithm that it is signed with."""
        return "" if self.parts is None else self.parts.outer_algorithm.oid

    @property
    def sent(self) -> bytes:
        """What OpenSSL sends of it: DER, also where the file has BER."""
        if self.plain is not None or self.openssl is None:
            return self.der
        return crypto.dump_certificate(crypto.FILETYPE_ASN1, self.openssl)
