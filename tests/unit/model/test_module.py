"""Allow-lists: which destinations a module may look up, and which addresses it may connect to."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config.location import Location
from probe.config.schema import DefaultsEntry, ModuleEntry, TlsEntry
from probe.config.sections import read_modules
from probe.config.yaml_document import parse_yaml
from probe.model.module import AllowEntry, AllowList, Module

EXAMPLE = ("*.example.com:4317", "10.0.0.0/8")
"""The contract's own."""


def allows(texts: tuple[str, ...], host: str, port: int = 4317) -> bool:
    """Return whether a list of `texts` lets `host` be looked up."""
    return AllowList(tuple(map(AllowEntry.parse, texts))).allows(host, port)


OWN = "198.51.100.7"
"""The address of this machine, as far as these tests go."""


def leads(texts: tuple[str, ...], host: str, address: str, port: int = 4317) -> bool:
    """Return whether it lets `host` lead to `address`."""
    return AllowList(tuple(map(AllowEntry.parse, texts))).allows_address(
        host, port, address, is_own=OWN.__eq__
    )


@pytest.mark.parametrize(
    ("texts", "host", "port"),
    [
        (EXAMPLE, "eu.example.com", 4317),
        (EXAMPLE, "EU.Example.COM.", 4317),
        (EXAMPLE, "a.b.example.com", 4317),
        (EXAMPLE, "10.1.2.3", 9),
        (EXAMPLE, "::ffff:10.1.2.3", 9),
        (("10.0.0.0/8:4317",), "10.1.2.3", 4317),
        (("127.0.0.1:4317",), "127.0.0.1", 4317),
        (("127.0.0.1",), "127.0.0.1", 1),
        (("[2001:db8::]/32:4317",), "2001:db8::7", 4317),
        (("2001:db8::/32",), "2001:db8::7", 1),
        (("[::1]:4317",), "::1", 4317),
        (("localhost:*",), "localhost", 7),
        (("*",), "anything", 7),
        (("*",), "127.0.0.1", 7),
        (("collector-?.example.com",), "collector-1.example.com", 1),
    ],
)
def test_what_an_entry_fits_is_allowed(texts: tuple[str, ...], host: str, port: int) -> None:
    """Names by pattern whatever their case, addresses by network whatever their clothes."""
    assert allows(texts, host, port)


@pytest.mark.parametrize(
    ("texts", "host", "port"),
    [
        ((), "eu.example.com", 4317),
        (EXAMPLE, "eu.example.com", 4318),
        (EXAMPLE, "example.com", 4317),
        (EXAMPLE, "eu.example.com.evil.test", 4317),
        (EXAMPLE, "11.1.2.3", 4317),
        (EXAMPLE, "::1", 4317),
        # glibc would take each of these for 10.0.0.1: to the list they are names.
        (EXAMPLE, "10.1", 4317),
        (EXAMPLE, "0x0a000001", 4317),
        (EXAMPLE, "167772161", 4317),
        (("10.0.0.0/8:4317",), "10.1.2.3", 4318),
        (("localhost",), "127.0.0.1", 1),
    ],
)
def test_anything_else_is_not(texts: tuple[str, ...], host: str, port: int) -> None:
    """An empty list allows nothing; a network says nothing of names."""
    assert not allows(texts, host, port)


@pytest.mark.parametrize(
    ("texts", "address", "led"),
    [
        # Networks are listed: a pattern's names lead there and nowhere else.
        (EXAMPLE, "10.9.9.9", True),
        (EXAMPLE, "192.0.2.1", False),
        (EXAMPLE, "127.0.0.1", False),
        (EXAMPLE, "169.254.169.254", False),
        # None is listed: any address but the machine's, the link's and those that are not unicast.
        (("*.example.com",), "192.0.2.1", True),
        (("*.example.com",), "10.9.9.9", True),
        (("*.example.com",), "127.0.0.1", False),
        (("*.example.com",), "::1", False),
        (("*.example.com",), "::ffff:127.0.0.1", False),
        (("*.example.com",), "169.254.169.254", False),
        (("*.example.com",), "fe80::1%eth0", False),
        (("*.example.com",), "0.0.0.0", False),
        (("*.example.com",), "224.0.0.1", False),
        (("*.example.com",), "255.255.255.255", False),
        (("*.example.com",), "0.1.2.3", False),
        (("*.example.com",), OWN, False),
        (("*.example.com",), "2001:db8::7", True),
        (("*.example.com",), "fd12:3456::7", True),
        # IPv4 addresses within IPv6 ones: NAT64, compatible, mapped, translated, 6to4, Teredo.
        (("*.example.com",), "64:ff9b::7f00:1", False),
        (("*.example.com",), "64:ff9b:1::a9fe:a9fe", False),
        (("*.example.com",), "::10.0.0.1", False),
        (("*.example.com",), "::ffff:192.0.2.1", False),
        (("*.example.com",), "::ffff:0:10.0.0.1", False),
        (("*.example.com",), "2002:a00:1::1", False),
        (("*.example.com",), "2001:0:7f00:1::1", False),
        # Clouds' metadata, on the link or not.
        (("*.example.com",), "fd00:ec2::254", False),
        (("*.example.com",), "fd00:ec2::23", False),
        (("*.example.com",), "100.100.100.200", False),
        (("*.example.com",), "168.63.129.16", False),
        (("*.example.com",), "fd20:ce::254", False),
        (("*.example.com",), "192.0.0.192", False),
        # A listed network holds them: then they are meant.
        (("*.example.com", "64:ff9b::/96"), "64:ff9b::a00:1", True),
        (("*.example.com", "100.100.100.200"), "100.100.100.200", True),
        (("*.example.com", "169.254.0.0/16"), "169.254.169.254", True),
        (("*.example.com", f"{OWN}/32"), OWN, True),
        (("*.example.com", "10.0.0.0/8"), "64:ff9b::a00:1", False),
        (("*.example.com", "10.0.0.0/8"), OWN, False),
        # Written as it is meant.
        (("eu.example.com",), "127.0.0.1", True),
        (("*",), "127.0.0.1", True),
        (("eu.example.com", "10.0.0.0/8"), "192.0.2.1", True),
        # Another entry's name says nothing of this one.
        (("us.example.com",), "192.0.2.1", False),
        (("*.example.com",), "no address", False),
    ],
)
def test_what_a_name_resolves_to_is_judged_again(
    texts: tuple[str, ...], address: str, *, led: bool
) -> None:
    """Who may add a name under a pattern does not thereby reach the probe's own machine."""
    assert leads(texts, "eu.example.com", address) is led


@pytest.mark.parametrize(
    "text", ["", " ", "a b", "10.0.0.0/33", "host:0", "host:65536", "host:port", "[host]:1", "/"]
)
def test_what_is_no_entry_is_refused(text: str) -> None:
    """At the start, with the reason, and not at the first scrape."""
    with pytest.raises(ValueError, match=r"neither a network|port"):
        AllowEntry.parse(text)


@given(st.text(), st.text(), st.integers(1, 65535))
def test_no_text_breaks_a_list(entry: str, host: str, port: int) -> None:
    """Whatever is written in a list or asked for is an answer or a ValueError."""
    try:
        listed = AllowList((AllowEntry.parse(entry),))
    except ValueError:
        return
    listed.allows(host, port)
    listed.allows_address(host, port, host, is_own=OWN.__eq__)


@given(st.ip_addresses(), st.integers(1, 65535))
def test_a_network_allows_its_addresses_alone(
    address: IPv4Address | IPv6Address, port: int
) -> None:
    """In every spelling that the address has."""
    mapped = getattr(address, "ipv4_mapped", None)
    wanted = (mapped or address) in (NETWORK4 if (mapped or address).version == 4 else NETWORK6)
    spelled = str(address) if address.version == 4 else address.exploded.upper()
    assert allows(("10.0.0.0/8", "2001:db8::/32"), spelled, port) is wanted


NETWORK4 = AllowEntry.parse("10.0.0.0/8").network or frozenset()
NETWORK6 = AllowEntry.parse("2001:db8::/32").network or frozenset()


def module(**settings: object) -> Module:
    """Return a module that allows everything, as the configuration makes it."""
    entry = ModuleEntry(allow=["*"], **settings)  # type: ignore[arg-type]
    document = parse_yaml(b"modules: {m: {}}", "probe.yml")
    return read_modules({"m": entry}, DefaultsEntry(), Location(document))["m"]


def test_a_target_takes_everything_from_its_module_but_where_it_is() -> None:
    """The protocol goes by the port where the module leaves it open."""
    found = module(tls=TlsEntry(ca_file="/ca")).target("https://c:4318/v1/x", 2.5)
    assert (found.name, found.protocol, found.timeout) == ("c:4318", "http/protobuf", 2.5)
    assert (found.endpoint.path, found.tls.ca_file) == ("/v1/x", "/ca")
    assert module(protocol="grpc").target("c:4318", 1).protocol == "grpc"
    assert module().target("c:4317", 1).protocol == "grpc"
    assert module(timeout="2s").timeout == 2.0


@pytest.mark.parametrize("text", ["c", "c:0", "ftp://c:1", "u:p@c:1", "http://c:4317", ""])
def test_what_is_no_endpoint_is_no_target(text: str) -> None:
    """And none without TLS, unless the module says so."""
    with pytest.raises(ValueError, match=r"."):
        module().target(text, 1)
    insecure = module(tls=TlsEntry(insecure=True))
    assert insecure.target("http://c:4317", 1).plaintext


def test_a_scheme_with_insecure_means_what_it_means_in_a_target() -> None:
    """https:// keeps TLS whatever `insecure` says, and a remark says so."""
    insecure = module(tls=TlsEntry(insecure=True))
    assert insecure.target("c:4317", 1).plaintext
    for text in ("https://c:4317", "https://c:4318"):
        target = insecure.target(text, 1)
        assert not target.plaintext
        assert target.remarks
