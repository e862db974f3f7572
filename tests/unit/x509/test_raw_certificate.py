"""The parts of a certificate are read, also of those that `cryptography` refuses."""

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from probe.x509 import der as asn1
from probe.x509.anchors import MAX_ANCHORS, NO_ANCHORS, AnchorPool
from probe.x509.der import SEQUENCE, encode, encode_oid
from probe.x509.extensions import (
    BASIC_CONSTRAINTS,
    DNS,
    KEY_USAGE,
    SUBJECT_ALT_NAME,
    read_basic_constraints,
    read_general_names,
    read_key_usage,
)
from probe.x509.parse import parse_certificate
from probe.x509.raw_certificate import Certificate, read_certificate, read_subject
from probe.x509.times import read_time
from tests.support.pki import issue, subject_alternative_name

ROOT = issue("root", ca=True)
SANS = subject_alternative_name(["DNS:backend.example", "IP:127.0.0.1"])
LEAF = issue("backend.example", ROOT, extensions=[SANS])
DER = LEAF.certificate.public_bytes(Encoding.DER)


def read(der: bytes) -> Certificate:
    """Read a certificate that has a certificate's outline."""
    found = read_certificate(der)
    assert found is not None
    return found


def rebuild(der: bytes, old: bytes, new: bytes) -> bytes:
    """Replace within the signed part; what encloses it gets its new lengths."""
    one = read(der)
    tbs = asn1.Reader(one.tbs).read(asn1.SEQUENCE)
    assert tbs is not None
    assert old in tbs
    rest = asn1.Reader(der).read(asn1.SEQUENCE)
    assert rest is not None
    return encode(
        asn1.SEQUENCE, encode(asn1.SEQUENCE, tbs.replace(old, new, 1)), rest[len(one.tbs) :]
    )


def test_the_parts_are_those_that_cryptography_reads() -> None:
    """The same names, key, serial number, signature and extensions."""
    one, other = read(DER), LEAF.certificate
    assert one.tbs == other.tbs_certificate_bytes
    assert one.signature == other.signature
    assert one.serial_number == other.serial_number
    assert one.subject == other.subject.public_bytes()
    assert one.issuer == other.issuer.public_bytes() == read_subject(ROOT_DER)
    assert one.spki == other.public_key().public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    assert [x.oid for x in one.extensions] == [x.oid.dotted_string for x in other.extensions]
    assert read_time(one.not_after) == other.not_valid_after_utc.timestamp()
    assert one.is_der
    assert one.version == 2


ROOT_DER = ROOT.certificate.public_bytes(Encoding.DER)


def test_extensions_are_read() -> None:
    """Constraints, usage and names of the end entity and of its CA."""
    held = {x.oid: x.value for x in (*read(ROOT_DER).extensions, *read(DER).extensions)}
    assert read_general_names(held[SUBJECT_ALT_NAME]) == (
        (DNS, b"backend.example"),
        (7, b"\x7f\x00\x00\x01"),
    )
    constraints = read(ROOT_DER).get_extension(BASIC_CONSTRAINTS)
    assert constraints is not None
    assert read_basic_constraints(constraints.value) == (True, None)
    usage = read(ROOT_DER).get_extension(KEY_USAGE)
    assert usage is None or read_key_usage(usage.value)


def test_what_cryptography_refuses_is_read() -> None:
    """A negative serial number, and a time without seconds."""
    one = read(DER)
    negative = rebuild(DER, encode(2, one.serial), encode(2, b"\xff"))
    assert read(negative).serial_number == -1
    before, after = encode(*one.not_before), encode(*one.not_after)
    short = encode(one.not_after.tag, one.not_after.content[:-3] + b"Z")
    minutes = rebuild(DER, encode(SEQUENCE, before, after), encode(SEQUENCE, before, short))
    moment = read_time(read(minutes).not_after)
    assert moment is not None
    assert moment % 60 == 0
    assert parse_certificate(minutes) is None


def test_an_extension_that_occurs_twice_is_noticed() -> None:
    """The first of them is the one that is found by its OID."""
    extensions = b"".join(
        encode(
            SEQUENCE, encode(6, encode_oid(x.oid)), b"\x01\x01\xff" * x.critical, encode(4, x.value)
        )
        for x in read(DER).extensions
    )
    doubled = rebuild(
        DER,
        encode(0xA3, encode(SEQUENCE, extensions)),
        encode(0xA3, encode(SEQUENCE, extensions, extensions)),
    )
    assert read(doubled).has_duplicate_extension()
    assert not read(DER).has_duplicate_extension()
    assert len(read(doubled).extensions) == 2 * len(read(DER).extensions)


def test_ber_is_read_and_marked() -> None:
    """A length in a longer form than needed is not DER; OpenSSL reads it."""
    long_form = b"\x30\x83" + (len(DER) - 4).to_bytes(3) + DER[4:]
    assert not read(long_form).is_der
    assert read(long_form).tbs == read(DER).tbs


@given(st.integers(0, len(DER) - 1), st.binary(max_size=6), st.integers(0, 4))
def test_damaged_certificates_are_read_or_refused(at: int, put: bytes, cut: int) -> None:
    """No damage raises."""
    read_certificate(DER[:at] + put + DER[at + cut :])
    read_subject(DER[:at] + put + DER[at + cut :])


def test_anchors_are_found_by_content_and_name() -> None:
    """Each once, in the order of the file; equal digests are equal anchors."""
    pool = AnchorPool([ROOT_DER, DER, ROOT_DER, b"no certificate"])
    assert list(pool) == [ROOT_DER, DER, b"no certificate"]
    assert len(pool) == 3
    assert ROOT_DER in pool
    assert pool.find_by_subject(read(DER).issuer) == [read(ROOT_DER)]
    assert pool.find_by_name(read(DER).issuer.upper(), bytes.upper) == [read(ROOT_DER)]
    assert pool.find_by_subject(b"") == []
    assert pool.get(read(DER).sha256) == read(DER)
    assert pool.digest == AnchorPool(list(pool)).digest != NO_ANCHORS.digest


@pytest.mark.slow
def test_anchors_are_bounded() -> None:
    """A file of endless certificates fills nothing."""
    assert len(AnchorPool(n.to_bytes(4) for n in range(MAX_ANCHORS + 5))) == MAX_ANCHORS
