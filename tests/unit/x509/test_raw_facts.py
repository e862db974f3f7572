"""A certificate that `cryptography` refuses still says its names, dates and usages."""

from datetime import UTC, datetime

import msgspec.structs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.x509.parse import UNREADABLE, read_der, read_facts
from probe.x509.raw_certificate import read_certificate
from probe.x509.raw_facts import read_raw_facts
from tests.lab.exporters.generators import der
from tests.lab.exporters.generators.certificates import ROOT, SERVER_EXTENSIONS, name
from tests.lab.exporters.generators.keys import ec_key
from tests.support.loopback_client import SERVER, SERVER_CA
from tests.support.pki import Issued

KEY = ec_key(name="odd")
TWICE = ROOT.certificate(name("backend"), KEY.spki, (*SERVER_EXTENSIONS, SERVER_EXTENSIONS[1]))
NO_SECONDS = ROOT.certificate(
    name("backend"),
    KEY.spki,
    SERVER_EXTENSIONS,
    validity=der.sequence(der.utc_time("2001010000Z"), der.utc_time("4912312359Z")),
)


@pytest.mark.parametrize("issued", [SERVER, SERVER_CA.issued], ids=["end entity", "root"])
def test_both_readers_say_the_same(issued: Issued) -> None:
    """Of a certificate that both read; only the issuer's address is not read from raw parts."""
    raw = read_certificate(issued.der)
    assert raw is not None
    expected = msgspec.structs.replace(read_facts(issued.certificate), aia_issuers=())

    assert read_raw_facts(raw) == expected


def test_one_doubled_extension_hides_no_name() -> None:
    """RFC 5280 §4.2 forbids it, and `cryptography` then gives no extension at all."""
    facts = read_der(TWICE)

    assert facts.sans == ("DNS:localhost", "IP:127.0.0.1")
    assert facts.extended_key_usage == ("serverAuth",)
    assert facts.key_usage == ("digitalSignature",)
    assert facts.common_name == "backend"


def test_a_time_without_seconds_is_a_time() -> None:
    """No certificate is said to have expired in 1970 because one library does not read its dates."""
    assert read_der(NO_SECONDS).not_after == datetime(2049, 12, 31, 23, 59, tzinfo=UTC).timestamp()


@given(st.binary(max_size=200))
def test_what_is_no_certificate_has_its_digest(raw: bytes) -> None:
    """Whatever a peer sends."""
    facts = read_der(raw)

    assert facts.subject.text == UNREADABLE
    assert len(facts.sha256) == 64


@given(st.integers(0, len(TWICE) - 1), st.integers(0, 255))
def test_a_changed_octet_makes_no_exception(place: int, octet: int) -> None:
    """Damage of any kind."""
    assert read_der(TWICE[:place] + bytes([octet]) + TWICE[place + 1 :]).sha256
