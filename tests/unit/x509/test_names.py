"""Whether a Go exporter would take the server for the one that was meant."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.x509.names import check_name, is_ip_address
from tests.support.pki import Authority

CA = Authority.root("CA")
SVID = "spiffe://example.org/ns/prod/sa/collector"


def matches(reference: str, *presented: str) -> bool:
    """Return whether the presented identifiers hold the reference."""
    return check_name(reference, presented).matched


@pytest.mark.parametrize(
    ("reference", "presented"),
    [
        ("collector.example.com", "DNS:collector.example.com"),
        ("Collector.Example.COM", "DNS:collector.EXAMPLE.com"),
        ("collector.example.com.", "DNS:collector.example.com"),
        ("localhost", "DNS:localhost"),
        ("otel_collector.observability", "DNS:otel_collector.observability"),
        ("a.example.com", "DNS:*.example.com"),
        ("collector.local", "DNS:*.local"),
        ("xn--bcher-kva.example.com", "DNS:*.example.com"),
        ("bücher.example", "DNS:xn--bcher-kva.example"),
        ("collector.bücher.example", "DNS:*.xn--bcher-kva.example"),
        ("10.0.0.1", "IP:10.0.0.1"),
        ("2001:db8::1", "IP:2001:db8:0:0:0:0:0:1"),
        (SVID, f"URI:{SVID}"),
    ],
)
def test_a_name_that_is_presented(reference: str, presented: str) -> None:
    """It matches alone and among others, in whatever place."""
    others = ("DNS:other.example.com", "IP:192.0.2.9", "email:root@example.com")
    assert matches(reference, presented)
    assert matches(reference, *others, presented)
    assert matches(reference, presented, *others)
    assert not matches(reference, *others)


@pytest.mark.parametrize(
    ("reference", "presented"),
    [
        ("collector.example.com", "DNS:example.com"),
        ("collector.example.com", "DNS:xcollector.example.com"),
        ("collector.example.com", "URI:https://collector.example.com"),
        ("collector.example.com", "email:collector.example.com"),
        ("a.b.example.com", "DNS:*.example.com"),
        ("example.com", "DNS:*.example.com"),
        ("foo.example.com", "DNS:f*.example.com"),
        ("foo.example.com", "DNS:*oo.example.com"),
        ("a.example.com", "DNS:a.*.com"),
        ("a.example.com", "DNS:*.*.com"),
        ("local", "DNS:*.local"),
        ("local", "DNS:*"),
        ("a..local", "DNS:*..local"),
        (".local", "DNS:*.local"),
        ("10.0.0.1", "IP:10.0.0.2"),
        ("10.0.0.1", "DNS:10.0.0.1"),
        ("10.0.0.1", "DNS:*.0.0.1"),
        ("::1", "IP:::2"),
        ("::ffff:10.0.0.1", "IP:10.0.0.2"),
        ("localhost", "IP:127.0.0.1"),
    ],
)
def test_a_name_that_is_not_presented(reference: str, presented: str) -> None:
    """RFC 9525 §6.3: whole labels, each kind with its own, a wildcard for the left-most label only."""
    assert not matches(reference, presented)


@pytest.mark.parametrize(
    "presented",
    [
        "URI:spiffe://example.org/ns/prod/sa/collector/",
        "URI:spiffe://example.org/ns/prod/sa/Collector",
        "URI:spiffe://example.org/ns/prod/sa",
        "URI:spiffe://example.org",
        "URI:spiffe://other.org/ns/prod/sa/collector",
        "URI:SPIFFE://example.org/ns/prod/sa/collector",
        f"DNS:{SVID}",
    ],
)
def test_a_spiffe_id_is_matched_whole(presented: str) -> None:
    """SPIFFE X.509-SVID §2: trust domain and path, character by character."""
    assert not matches(SVID, presented)


def test_a_certificate_with_two_uris_is_no_svid() -> None:
    """SPIFFE X.509-SVID §2: exactly one URI, whichever comes first; DNS names do not matter."""
    other = "URI:spiffe://example.org/other"
    assert not matches(SVID, f"URI:{SVID}", other)
    assert not matches(SVID, other, f"URI:{SVID}")
    assert matches(SVID, f"URI:{SVID}", "DNS:collector.example.com")


def test_a_common_name_never_matches() -> None:
    """It is a fact to show, and no presented identifier."""
    check = check_name("collector.example.com", (), "collector.example.com")
    assert not check.matched
    assert (check.common_name, check.presented) == ("collector.example.com", ())


@pytest.mark.parametrize(
    "hostile",
    ["DNS:", "DNS:*", "DNS:*.*", "DNS:\\x00", "DNS:\udcff", "IP:nonsense", "IP:", "x", "", "URI:"],
)
def test_a_hostile_name_hides_no_good_one(hostile: str) -> None:
    """What is unreadable is ignored; it matches nothing, and what stands next to it counts."""
    assert not matches("collector.example.com", hostile)
    assert matches("collector.example.com", hostile, "DNS:collector.example.com")
    assert not matches("10.0.0.1", hostile)
    assert matches("10.0.0.1", hostile, "IP:10.0.0.1")


@pytest.mark.parametrize(
    "reference", ["", ".", "*", "*.example.com", "a b", "\0", "ü" * 70, "[::1]", "\udcff"]
)
def test_a_reference_that_is_no_name_matches_nothing(reference: str) -> None:
    """Not even itself."""
    assert not matches(reference, f"DNS:{reference}", "DNS:example.com", "DNS:*.example.com")


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.text(max_size=20), st.sampled_from(["a.b", "::1", "spiffe://a/b", "ü.example"])),
    st.lists(
        st.builds(
            "{}{}".format,
            st.sampled_from(["DNS:", "IP:", "URI:", ""]),
            st.one_of(st.text(max_size=20), st.sampled_from(["*.b", "*.", "*..b", "1.2.3.4"])),
        ),
        max_size=5,
    ),
)
def test_no_names_raise(reference: str, presented: list[str]) -> None:
    """Whatever a certificate or a setting holds, the answer is yes or no, and no without names."""
    assert matches(reference, *presented) in {True, False}
    assert not matches(reference)


@pytest.mark.parametrize(
    ("host", "is_address"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("[::1]", False),
        ("1.2.3", False),
    ],
)
def test_what_is_an_address(host: str, is_address: bool) -> None:
    """As the socket sees it: without brackets, in full."""
    assert is_ip_address(host) is is_address
