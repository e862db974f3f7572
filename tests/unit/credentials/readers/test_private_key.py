"""Which form a private key has, and what decides who reads it."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.credentials.readers.private_key import (
    is_consistent_rsa,
    load_private_key,
    read_private_key,
)

RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()


def der(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, form: PrivateFormat) -> bytes:
    """Return the DER of a key."""
    return key.private_bytes(Encoding.DER, form, NoEncryption())


FORMS = {
    "PKCS#1": (der(RSA, PrivateFormat.TraditionalOpenSSL), ("pkcs1", "rsa", "", 2048)),
    "SEC1": (der(EC, PrivateFormat.TraditionalOpenSSL), ("sec1", "ec", "P-384", 0)),
    "RSA in PKCS#8": (der(RSA, PrivateFormat.PKCS8), ("pkcs8", "rsa", "", 2048)),
    "EC in PKCS#8": (der(EC, PrivateFormat.PKCS8), ("pkcs8", "ec", "P-384", 0)),
    "Ed25519": (
        ED.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        ("pkcs8", "ed25519", "", 0),
    ),
    "encrypted": (
        RSA.private_bytes(Encoding.DER, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")),
        ("encrypted", "other", "", 0),
    ),
}


@pytest.mark.parametrize(("raw", "expected"), FORMS.values(), ids=FORMS)
def test_each_form_is_told_by_its_structure(raw: bytes, expected: tuple[object, ...]) -> None:
    """Form, algorithm, curve and size; labels are not asked."""
    key = read_private_key(raw)

    assert key is not None
    assert (key.form, key.algorithm, key.curve, key.bits) == expected
    assert (load_private_key(raw) is None) == (key.form == "encrypted")
    assert raw.hex()[40:60] not in repr(key)


def test_numbers_that_do_not_belong_together() -> None:
    """One bit in the private exponent is enough for Go and BoringSSL."""
    raw = der(RSA, PrivateFormat.TraditionalOpenSSL)
    private = RSA.private_numbers().d.to_bytes(256)
    bent = raw.replace(private, private[:-1] + bytes([private[-1] ^ 2]))

    assert is_consistent_rsa(raw)
    assert raw != bent
    assert not is_consistent_rsa(bent)


def test_an_ec_key_with_a_wrong_public_half_is_made_of_its_number() -> None:
    """Go takes the number and the curve; OpenSSL refuses such a file, which is remembered."""
    raw = der(EC, PrivateFormat.TraditionalOpenSSL)
    bent = load_private_key(raw[:-3] + b"\\0\\0\\0")
    whole = load_private_key(raw)

    assert bent is not None
    assert whole is not None
    assert bent.derived
    assert bent.public_sha256 == whole.public_sha256


@settings(max_examples=300, deadline=None)
@given(
    raw=st.binary(max_size=200),
    start=st.sampled_from([raw for raw, _ in FORMS.values()]),
    at=st.integers(0, 1300),
    value=st.integers(0, 255),
)
def test_any_bytes_are_read(raw: bytes, start: bytes, at: int, value: int) -> None:
    """Whatever stands in a block is a key of some form, or none; nothing raises."""
    bent = start[:at] + bytes([value]) + start[at + 1 :]
    for one in (raw, bent, bent[:at]):
        key = read_private_key(one)
        assert key is None or key.der == one
        load_private_key(one)
        is_consistent_rsa(one)
