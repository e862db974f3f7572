"""Text that does harm when it is written raw: a target's name, and a backend's certificate."""

import base64
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.lab.credentials import LabPki, Pair
from tests.support.pki import write_pem

PROGRAM = Path(__file__).parent / "stacks" / "raw_server.go"
TARGET = "<script>alert(1)</script>"
COMMON_NAME = "\x1b[31mred\x1b]0;title\x07\nnext line\r\u202egnp<img src=x>"
PLACEHOLDER = "lone surrogate:."
FORBIDDEN = {"\x1b": "ESC", "\x07": "BEL", "\u202e": "bidi override", "\ud800": "lone surrogate"}
ECDSA_WITH_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")


def der(tag: int, content: bytes) -> bytes:
    """Return one DER element (X.690 §8.1)."""
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(octets)]) + octets + content


def hostile_certificate(pki: LabPki, folder: Path, *, surrogate: bool) -> Pair:
    """Write a server's certificate with a hostile subject; the key's file holds another, harmless.

    With `surrogate` the organisation is a BMPString with a lone surrogate in it, which no library
    writes: written as another string of the same length, replaced in the DER, and signed again.
    """
    issued = pki.server_ca.issue("backend", usages=("serverAuth",))
    key = pki.server_ca.issued.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    names = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, PLACEHOLDER),
            x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME),
        ]
    )
    builder = x509.CertificateBuilder(
        issuer_name=issued.certificate.issuer,
        subject_name=names,
        public_key=issued.key.public_key(),  # type: ignore[arg-type]
        serial_number=x509.random_serial_number(),
        not_valid_before=issued.certificate.not_valid_before_utc,
        not_valid_after=issued.certificate.not_valid_after_utc,
    )
    for extension in issued.certificate.extensions:
        builder = builder.add_extension(extension.value, extension.critical)
    written = builder.sign(key, hashes.SHA256()).tbs_certificate_bytes
    if surrogate:
        text = "surrog".encode("utf-16-be") + b"\xd8\x00" + b"\x00."
        before = written
        written = written.replace(der(0x0C, PLACEHOLDER.encode()), der(0x1E, text))
        assert len(written) == len(before)
        assert written != before
    signature = key.sign(written, ec.ECDSA(hashes.SHA256()))
    raw = der(0x30, written + ECDSA_WITH_SHA256 + der(0x03, b"\x00" + signature))
    body = base64.encodebytes(raw)
    encoded = b"-----BEGIN CERTIFICATE-----\n" + body + b"-----END CERTIFICATE-----\n"
    return Pair(
        write_pem(folder, "hostile.pem", encoded),
        write_pem(folder, "hostile.key", issued.pem + issued.key_pem),
    )


def harmless(text: str, where: str) -> None:
    """Fail where `text` holds what a terminal, a browser or a reader would act on."""
    found = [name for character, name in FORBIDDEN.items() if character in text]
    assert found == [], f"{where} holds {found}"
    assert "next line" not in [line.strip() for line in text.splitlines()], where
