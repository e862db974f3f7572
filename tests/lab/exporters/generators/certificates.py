"""Certificates with anything in them, signed deterministically by the lab's authorities."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from tests.lab.exporters.generators import der
from tests.lab.exporters.generators.keys import Key, ec_key, ec_private_key

ECDSA_SHA256: Final = der.sequence(der.oid("1.2.840.10045.4.3.2"))
NOT_BEFORE: Final = der.utc_time("200101000000Z")
NOT_AFTER: Final = der.utc_time("491231235959Z")
CLIENT_AUTH: Final = "1.3.6.1.5.5.7.3.2"
SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"


def name(common_name: str, organisation: str = "mtls-probe lab") -> bytes:
    """Return a Name: O and CN, both UTF8String."""
    return der.sequence(
        attribute("2.5.4.10", der.utf8(organisation)), attribute("2.5.4.3", der.utf8(common_name))
    )


def attribute(kind: str, value: bytes) -> bytes:
    """Return one RelativeDistinguishedName with one attribute."""
    return der.set_of(der.sequence(der.oid(kind), value))


def extension(kind: str, value: bytes, *, critical: bool = False) -> bytes:
    """Return one Extension; `value` is the DER within."""
    return der.sequence(
        der.oid(kind), der.BOOLEAN_TRUE if critical else b"", der.octet_string(value)
    )


def basic_constraints(*, ca: bool, path_length: int | None = None) -> bytes:
    """Return the critical extension basicConstraints."""
    length = b"" if path_length is None else der.integer(path_length)
    return extension(
        "2.5.29.19", der.sequence(der.BOOLEAN_TRUE if ca else b"", length), critical=True
    )


def key_usage(*bits: int) -> bytes:
    """Return the critical extension keyUsage with the bits that are set (RFC 5280 §4.2.1.3)."""
    octets = bytearray(max(bits) // 8 + 1)
    for bit in bits:
        octets[bit // 8] |= 0x80 >> bit % 8
    return extension("2.5.29.15", der.bit_string(bytes(octets), 7 - max(bits) % 8), critical=True)


def extended_key_usage(*purposes: str) -> bytes:
    """Return the extension extendedKeyUsage."""
    return extension("2.5.29.37", der.sequence(*(der.oid(each) for each in purposes)))


def alternative_names(*names: bytes) -> bytes:
    """Return the extension subjectAltName of whole GeneralNames."""
    return extension("2.5.29.17", der.sequence(*names))


def dns(text: str) -> bytes:
    """Return a GeneralName of the kind dNSName."""
    return der.implicit(2, text.encode())


CA_EXTENSIONS: Final = (basic_constraints(ca=True), key_usage(0, 5, 6))
CLIENT_EXTENSIONS: Final = (
    key_usage(0),
    extended_key_usage(CLIENT_AUTH),
    alternative_names(dns("client.lab.example")),
)
SERVER_EXTENSIONS: Final = (
    key_usage(0),
    extended_key_usage(SERVER_AUTH),
    alternative_names(dns("localhost"), der.implicit(7, b"\x7f\0\0\x01")),
)


@dataclass(frozen=True, slots=True)
class Authority:
    """Whoever signs: a name and a P-256 key that its `seed` determines."""

    common_name: str
    seed: str

    @property
    def subject(self) -> bytes:
        """Its Name."""
        return name(self.common_name)

    @property
    def key(self) -> Key:
        """Its key pair."""
        return ec_key(name=self.seed)

    def sign(self, to_be_signed: bytes) -> bytes:
        """Return the DER of an ECDSA signature with SHA-256, the same every time (RFC 6979)."""
        private = ec_private_key(ec.SECP256R1(), self.seed)
        return private.sign(to_be_signed, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))

    def certificate(
        self,
        subject: bytes,
        spki: bytes,
        extensions: Sequence[bytes] = (),
        *,
        serial: bytes = der.integer(0x1001),
        issuer: bytes = b"",
        version: int = 3,
        validity: bytes = der.sequence(NOT_BEFORE, NOT_AFTER),
        inner_algorithm: bytes = ECDSA_SHA256,
        outer_algorithm: bytes = ECDSA_SHA256,
        after_spki: bytes = b"",
    ) -> bytes:
        """Return the DER of a certificate that this authority signs."""
        to_be_signed = der.sequence(
            b"" if version == 1 else der.explicit(0, der.integer(version - 1)),
            serial,
            inner_algorithm,
            issuer or self.subject,
            validity,
            subject,
            spki,
            after_spki,
            der.explicit(3, der.sequence(*extensions)) if extensions else b"",
        )
        return der.sequence(to_be_signed, outer_algorithm, der.bit_string(self.sign(to_be_signed)))

    def own_certificate(self, extensions: Sequence[bytes] = CA_EXTENSIONS, **more: bytes) -> bytes:
        """Return its self-signed certificate."""
        return self.certificate(self.subject, self.key.spki, extensions, **more)  # type: ignore[arg-type]

    def client(self, key: Key, extensions: Sequence[bytes] = CLIENT_EXTENSIONS) -> bytes:
        """Return a client's certificate for `key`."""
        return self.certificate(name("client"), key.spki, extensions)


ROOT: Final = Authority("lab root", "root")
"""The authority whose certificates the backend takes, and that signed the backend's own."""
OTHER_ROOT: Final = Authority("another root", "other")
INTERMEDIATE: Final = Authority("lab intermediate", "intermediate")


@cache
def intermediate_certificate() -> bytes:
    """Return the certificate of the intermediate, signed by the root."""
    return ROOT.certificate(
        INTERMEDIATE.subject, INTERMEDIATE.key.spki, CA_EXTENSIONS, serial=der.integer(0x2001)
    )
