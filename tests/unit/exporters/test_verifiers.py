"""Every model answers whatever a peer sends; where Java, Rust and grpc-core judge otherwise, by rule."""

import re
import time
from dataclasses import replace
from pathlib import Path
from ssl import PEM_cert_to_DER_cert

import certifi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.exporters.path_verdict import PathRequest, verify_path
from probe.exporters.verifiers import IGNORE_ANCHOR_DATES, VERIFIERS
from probe.x509.anchors import AnchorPool
from probe.x509.der import encode
from probe.x509.extensions import BASIC_CONSTRAINTS
from tests.lab.exporters.generators.chain_builder import (
    ANY_USAGE,
    CLIENT_AUTH,
    basic_constraints,
    build,
    extension,
    name,
    san,
    seq,
    usages,
)
from tests.lab.exporters.generators.chain_case import (
    HOST,
    INTERMEDIATE,
    LEAF,
    ROOT,
    ChainCase,
    make_case,
)
from tests.support.exporter_chains import list_kinds


@pytest.mark.parametrize("runtime", VERIFIERS)
@given(chain=st.lists(st.binary(max_size=64), max_size=4), anchors=st.lists(st.binary(max_size=64)))
def test_no_bytes_are_trusted_and_none_raises(
    runtime: str, chain: list[bytes], anchors: list[bytes]
) -> None:
    """Arbitrary bytes are a fault, never an exception."""
    request = PathRequest(tuple(chain), AnchorPool(anchors), "otel.example.com", 1.8e9)
    verdict = verify_path(VERIFIERS, runtime, request)
    assert verdict.faults
    assert not verdict.paths


OTHERS = ("java-okhttp", "java-jdk", "java-grpc", "rust-tonic", "rust-reqwest", "python-grpc")


def trusting(case: ChainCase) -> set[str]:
    """Return which runtimes trust a case."""
    return {runtime for runtime in OTHERS if not list_kinds(runtime, case)}


JAVA = {"java-okhttp", "java-jdk", "java-grpc"}
RUST = {"rust-tonic", "rust-reqwest"}


@pytest.mark.parametrize("runtime", OTHERS)
def test_the_usual_chain_is_trusted(runtime: str) -> None:
    """By all of them."""
    assert list_kinds(runtime, make_case("usual")) == []


def test_usages_of_an_intermediate_do_not_matter_to_java() -> None:
    """EndEntityChecker looks at the end entity alone; the others hold the whole path to it."""
    case = make_case("usage", intermediate=INTERMEDIATE.adding(usages(CLIENT_AUTH)))
    assert trusting(case) == JAVA
    assert list_kinds("rust-tonic", case)[0] == "wrong_usage_above"


def test_any_usage_is_a_server_s_for_java_alone() -> None:
    """Webpki and BoringSSL want serverAuth itself."""
    assert trusting(make_case("any", leaf=LEAF.adding(usages(ANY_USAGE)))) == JAVA


@pytest.mark.parametrize("runtime", VERIFIERS)
def test_an_anchor_that_has_ended_counts_for_those_that_look_at_its_dates(runtime: str) -> None:
    """PKIX and webpki trust it beyond them; Go, OpenSSL and BoringSSL do not."""
    case = make_case("ended", root=ROOT.but(not_after=encode(0x17, b"200101000000Z")))
    assert (list_kinds(runtime, case) == []) is (runtime in IGNORE_ANCHOR_DATES)


def test_an_anchor_has_to_be_a_ca_for_java_alone() -> None:
    """What the server sends is held to it by all, the file's certificate by PKIXValidator."""
    case = make_case("anchor", root=ROOT.without(BASIC_CONSTRAINTS))
    assert trusting(case) == RUST | {"python-grpc"}
    assert list_kinds("java-jdk", case) == ["not_a_ca"]


def test_a_ca_s_certificate_is_refused_as_a_server_s_by_rust_alone() -> None:
    """CaUsedAsEndEntity: a self-signed CA certificate that a backend uses itself."""
    case = make_case("ca", leaf=LEAF.adding(basic_constraints()))
    assert trusting(case) == JAVA | {"python-grpc"}


def test_constraints_on_directory_names_are_not_implemented_in_rust() -> None:
    """Every certificate has a subject, so that none passes."""
    base = b"\xa4" + bytes([len(name("Example"))]) + name("Example")
    subtree = b"\x30" + bytes([len(base)]) + base
    excluded = b"\xa1" + bytes([len(subtree)]) + subtree
    value = b"\x30" + bytes([len(excluded)]) + excluded
    limited = INTERMEDIATE.adding(extension("2.5.29.30", value, critical=True))
    assert trusting(make_case("directory", intermediate=limited)) == JAVA | {"python-grpc"}


def test_a_common_name_counts_where_there_is_no_dns_name() -> None:
    """For the JDK and grpc-core; OkHttp and Rust never look at it."""
    case = make_case("common name", leaf=LEAF.but(subject=name(HOST)).without("2.5.29.17"))
    assert trusting(case) == {"java-jdk", "java-grpc", "python-grpc"}


def test_a_wildcard_of_one_label_is_taken_by_three() -> None:
    """`*.com` for `example.com`: webpki wants two labels behind the `*`."""
    case = make_case("wildcard", leaf=LEAF.adding(san("DNS:*.com")), name="example.com")
    assert trusting(case) == JAVA | {"python-grpc"}


def test_a_common_name_is_an_address_for_grpc_core() -> None:
    """HostNameCertificateVerifier compares it with whatever was asked for."""
    leaf = LEAF.but(subject=name("192.0.2.1")).without("2.5.29.17")
    case = make_case("address", leaf=leaf, name="192.0.2.1")
    assert trusting(case) == {"python-grpc"}


def test_one_unreadable_anchor_stops_those_that_load_a_file_whole() -> None:
    """Tonic leaves it out; Java, reqwest and grpc-core make no client at all."""
    case = replace(make_case("garbage"), anchors=(build(ROOT), b"\x30\x03\x02\x01\x01"))
    assert trusting(case) == {"rust-tonic"}
    assert list_kinds("java-jdk", case) == ["unreadable"]


@pytest.mark.parametrize("runtime", VERIFIERS)
def test_a_public_bundle_is_read_by_every_model(runtime: str) -> None:
    """None of its certificates stops a client; it only lacks the laboratory's anchor."""
    text = Path(certifi.where()).read_text(encoding="utf-8")
    pems = re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", text, re.DOTALL)
    case = replace(make_case("bundle"), anchors=tuple(map(PEM_cert_to_DER_cert, pems)))
    assert len(case.anchors) > 100
    assert list_kinds(runtime, case)[0] == "no_anchor"


@pytest.mark.parametrize("runtime", VERIFIERS)
def test_thousands_of_names_and_constraints_take_bounded_time(runtime: str) -> None:
    """As many as a message holds; each library gives up somewhere, and so does its model."""
    names = [f"DNS:{HOST}", *(f"DNS:a{number}.y" for number in range(4000))]
    bases = b"".join(seq(encode(0x82, b"n%d.x" % number)) for number in range(4000))
    excluded = extension("2.5.29.30", seq(encode(0xA1, bases)), critical=True)
    limited = INTERMEDIATE.adding(excluded)
    case = make_case("many", leaf=LEAF.adding(san(*names)), intermediate=limited)
    began = time.process_time()
    list_kinds(runtime, case)
    assert time.process_time() - began < 10
