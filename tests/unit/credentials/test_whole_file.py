"""What a file holds is reported whatever it was meant for, and its key never is."""

import base64
import gzip
from base64 import encodebytes

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    pkcs7,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.credentials.formats.keystore import read_keystore
from probe.credentials.formats.recognise import Format
from probe.credentials.whole_file import KeyFacts, NamedBlock, read_whole_file
from probe.x509.parse import read_der
from tests.support.pki import key_pem
from tests.support.strange_files import CA, CSR, LEAF, RSA, STRANGE

COMBINED = LEAF.pem + CA.pem + LEAF.key_pem

WRAPPED = {
    "plain": COMBINED,
    "base64": base64.b64encode(COMBINED),
    "base64 twice": base64.encodebytes(base64.b64encode(COMBINED)),
    "UTF-16": COMBINED.decode().encode("utf-16"),
    "UTF-16, no mark": COMBINED.decode().encode("utf-16-le"),
    "gzip": gzip.compress(COMBINED),
    "escaped": COMBINED.replace(b"\n", b"\\n"),
    "carriage returns": COMBINED.replace(b"\n", b"\r"),
}


@pytest.mark.parametrize("raw", WRAPPED.values(), ids=WRAPPED)
def test_what_is_wrapped_is_seen(raw: bytes) -> None:
    """Certificates and the key are found through the wrapping that hides them from exporters."""
    reading = read_whole_file(raw)

    assert reading.certificates == (LEAF.certificate, CA.certificate)
    assert [(key.private, key.key_type, key.key_bits) for key in reading.keys] == [
        (True, "EC", 256)
    ]


def test_pem_is_listed_block_by_block() -> None:
    """Each block has its line; a request has its subject."""
    reading = read_whole_file(COMBINED + CSR.public_bytes(Encoding.PEM))

    assert reading.what == (
        "is PEM with 2 certificates, 1 private key and 1 certificate signing request"
    )
    assert reading.blocks[0] == NamedBlock(1, "certificate")
    assert reading.blocks[-1].name.endswith("certificate signing request of CN=x")


KEYS = {
    "rsa": (key_pem(RSA), KeyFacts(True, False, "RSA", 2048)),
    "openssh": (key_pem(LEAF.key, PrivateFormat.OpenSSH), KeyFacts(True, False, "EC", 256)),
    "der": (LEAF.key_der, KeyFacts(True, False, "EC", 256)),
    "encrypted": (
        key_pem(LEAF.key, encryption=BestAvailableEncryption(b"x")),
        KeyFacts(True, True),
    ),
    "encrypted, traditional": (
        key_pem(LEAF.key, PrivateFormat.TraditionalOpenSSL, BestAvailableEncryption(b"x")),
        KeyFacts(True, True),
    ),
    "public": (
        LEAF.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        KeyFacts(False, False, "EC", 256),
    ),
}


@pytest.mark.parametrize(("raw", "expected"), KEYS.values(), ids=KEYS)
def test_a_key_is_described_by_kind_and_size(raw: bytes, expected: KeyFacts) -> None:
    """Private or public, encrypted or not, type and bits: nothing else but a digest."""
    (key,) = read_whole_file(raw).keys

    assert (key.private, key.encrypted) == (expected.private, expected.encrypted)
    assert (key.key_type, key.key_bits) == (expected.key_type, expected.key_bits)
    assert bool(key.public_key_sha256) == bool(expected.key_type)


@pytest.mark.parametrize("encoding", [Encoding.DER, Encoding.PEM])
def test_a_pkcs7_bundle_shows_its_certificates(encoding: Encoding) -> None:
    """It needs no password."""
    raw = pkcs7.serialize_certificates([LEAF.certificate, CA.certificate], encoding)

    assert set(read_whole_file(raw).certificates) == {LEAF.certificate, CA.certificate}


@pytest.mark.parametrize("name", STRANGE)
def test_the_format_is_the_one_that_exporters_meet(name: str) -> None:
    """Reading for no role calls a file what reading for its role calls it."""
    raw, _, kind, *_ = STRANGE[name]

    assert read_whole_file(raw).format == kind


@settings(max_examples=150, deadline=None)
@given(tail=st.binary(max_size=120))
def test_a_damaged_keystore_ends_the_reading(tail: bytes) -> None:
    """Whatever follows the magic number, what was read so far comes back."""
    assert read_keystore(b"\xfe\xed\xfe\xed\0\0\0\2\0\0\0\2" + tail).certificates == ()


@settings(max_examples=200, deadline=None)
@given(
    raw=st.binary(max_size=200)
    | st.sampled_from(list(WRAPPED.values())).flatmap(
        lambda whole: st.integers(0, len(whole)).map(lambda at: whole[:at])
    )
)
def test_any_bytes_are_read(raw: bytes) -> None:
    """Nothing raises, and everything said is text without a key in it."""
    reading = read_whole_file(raw)

    assert isinstance(reading.format, Format)
    assert reading.what
    shown = repr(reading)
    body = LEAF.key_pem.split(b"\n")[1].decode()
    assert not any(body[at : at + 16] in shown for at in range(len(body) - 16))


def test_a_certificate_that_one_library_refuses_keeps_its_names() -> None:
    """A PrintableString with an underscore, which OpenSSL reads: its DER is there to be described."""
    name = LEAF.certificate.subject.public_bytes()
    bent = name.replace(b"\x0c\x06client", b"\x13\x06cl_ent")
    der = LEAF.der.replace(name, bent)
    pem = b"-----BEGIN CERTIFICATE-----\n" + encodebytes(der) + b"-----END CERTIFICATE-----\n"
    reading = read_whole_file(pem)

    assert reading.certificates == ()
    assert read_der(reading.odd_certificates[0]).subject.text == "CN=cl_ent"
