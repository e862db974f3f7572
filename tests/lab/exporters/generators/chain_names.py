"""Generates names of every kind, which name is looked for, and constraints on them."""

import random
from collections.abc import Iterator

from probe.x509.der import encode
from tests.lab.exporters.generators.chain_builder import (
    NULL,
    basic_constraints,
    constraints,
    ec_key,
    extension,
    name,
    oid,
    san,
    seq,
)
from tests.lab.exporters.generators.chain_case import (
    HOST,
    INTERMEDIATE,
    LEAF,
    ROOT,
    ChainCase,
    make_case,
    make_path,
)
from tests.lab.exporters.generators.chain_rules import with_san

_SANS: dict[str, tuple[str, ...]] = {
    "exact": (f"DNS:{HOST}",),
    "upper": ("DNS:OTEL.EXAMPLE.COM",),
    "wildcard": ("DNS:*.example.com",),
    "wildcard-two": ("DNS:*.*.com",),
    "wildcard-deep": ("DNS:*.com",),
    "wildcard-bare": ("DNS:*",),
    "wildcard-part": ("DNS:ot*.example.com",),
    "wildcard-inner": ("DNS:otel.*.com",),
    "wildcard-own": ("DNS:*.otel.example.com",),
    "trailing-dot": (f"DNS:{HOST}.",),
    "wildcard-trailing-dot": ("DNS:*.example.com.",),
    "leading-dot": (f"DNS:.{HOST}",),
    "parent-dot": ("DNS:.example.com",),
    "two-dots": ("DNS:otel..example.com",),
    "empty": ("DNS:",),
    "dot": ("DNS:.",),
    "space": ("DNS: otel.example.com",),
    "nul": (f"DNS:{HOST}\0.evil.org",),
    "latin1": ("DNS:\xe4.example.com",),
    "other": ("DNS:other.example.com",),
    "two": ("DNS:other.example.com", f"DNS:{HOST}"),
    "underscore": ("DNS:otel_collector.example.com",),
    "a-label": ("DNS:xn--otl-1la.example.com",),
    "dash-first": ("DNS:-otel.example.com",),
    "dash-last": ("DNS:otel-.example.com",),
    "single": ("DNS:localhost",),
    "colon": (f"DNS:{HOST}:4317",),
    "ip": ("IP:7f000001",),
    "ip-other": ("IP:0a000001",),
    "ip6": ("IP:" + "00" * 15 + "01",),
    "ip-mapped": ("IP:" + "00" * 10 + "ffff7f000001",),
    "ip-as-dns": ("DNS:127.0.0.1",),
    "ip6-as-dns": ("DNS:::1",),
    "ip-length-3": ("IP:7f0001",),
    "ip-length-8": ("IP:7f000001ff000000",),
    "ip-empty": ("IP:",),
    "dns-and-ip": (f"DNS:{HOST}", "IP:7f000001", "IP:" + "00" * 15 + "01"),
    "email": ("email:ops@example.com",),
    "email-broken": ("email:ops", f"DNS:{HOST}"),
    "email-latin1": ("email:\xe4@example.com",),
    "uri": ("URI:https://otel.example.com/",),
    "uri-spiffe": ("URI:spiffe://example.com/otel",),
    "uri-broken": ("URI:https://[::1", f"DNS:{HOST}"),
    "uri-percent": ("URI:https://a.example/%zz", f"DNS:{HOST}"),
    "uri-space": ("URI:https://a example/", f"DNS:{HOST}"),
    "uri-relative": ("URI:a:b/c", "URI:/path", "URI:", f"DNS:{HOST}"),
    "uri-colon": ("URI:1a:b", f"DNS:{HOST}"),
    "uri-colon-first": ("URI::b", f"DNS:{HOST}"),
    "uri-control": ("URI:http://a\x01", f"DNS:{HOST}"),
    "uri-port": ("URI:https://a.example:abc/", f"DNS:{HOST}"),
    "uri-ports": ("URI:https://a.example:1:2/", "URI:x://a.example:1:2/", f"DNS:{HOST}"),
    "uri-ip6": ("URI:https://[::1]:80/", "URI:https://[fe80::1%25eth0]/", f"DNS:{HOST}"),
    "uri-ip4-literal": ("URI:https://[127.0.0.1]/", f"DNS:{HOST}"),
    "uri-user": ("URI:https://u:p@a.example/", f"DNS:{HOST}"),
    "uri-user-odd": ("URI:https://u[@a.example/", f"DNS:{HOST}"),
    "uri-trailing-dot": ("URI:https://a.example./", f"DNS:{HOST}"),
    "uri-high": ("URI:https://a%c3%a4.example/", f"DNS:{HOST}"),
    "uri-fragment": ("URI:https://a.example/#%zz", f"DNS:{HOST}"),
    "uri-latin1": ("URI:https://\xe4/", f"DNS:{HOST}"),
    "rid": ("RID:\x2a\x03",),
    "rid-and-dns": ("RID:\x2a\x03", f"DNS:{HOST}"),
    "dir": ("dir:Server",),
    "dir-and-dns": ("dir:Server", f"DNS:{HOST}"),
    "none": (),
    "100": tuple(f"DNS:a{place}.example.com" for place in range(100)),
    "100-ip": tuple(f"IP:0a0000{place:02x}" for place in range(100)),
    "1000": (*(f"DNS:a{place}.example.com" for place in range(999)), f"DNS:{HOST}"),
}
_REFERENCES = (
    *(HOST, "OTEL.example.COM", f"{HOST}.", "otel_collector.example.com", "localhost"),
    *("xn--otl-1la.example.com", "127.0.0.1", "::1", "[::1]", "::ffff:127.0.0.1", "example.com"),
    *("a.b.example.com", "-otel.example.com", "0:0:0:0:0:0:0:1", "127.1", "*.example.com"),
)


def vary_names() -> Iterator[ChainCase]:
    """Yield end entities with names of every kind, for names of every form."""
    for key, names in _SANS.items():
        leaf = with_san(*names)
        wanted = _REFERENCES if len(names) < 20 else (HOST, "127.0.0.1")
        for reference in wanted:
            yield make_case(f"name/{key}/{reference}", leaf, name=reference)
        yield make_case(f"name-critical/{key}", with_san(*names, critical=True))
    for common_name in (HOST, "*.example.com", "127.0.0.1", "OTEL.EXAMPLE.COM", "Server"):
        leaf = LEAF.but(subject=name(common_name)).without("2.5.29.17")
        for reference in (HOST, f"{HOST}.", "127.0.0.1", "other.example.com"):
            yield make_case(f"common-name/{common_name}/{reference}", leaf, name=reference)
    raw = {
        "no-sequence": encode(0x82, HOST.encode()),
        "trailing": seq(encode(0x82, HOST.encode())) + NULL,
        "broken": seq(b"\x82\x7fotel"),
        "constructed": seq(encode(0xA2, encode(0x16, HOST.encode()))),
        "universal": seq(encode(0x16, HOST.encode()), encode(2, HOST.encode())),
        "other-name": seq(
            encode(0xA0, oid("1.2.3"), encode(0xA0, NULL)), encode(0x82, HOST.encode())
        ),
        "long-tag": seq(b"\x9f\x82\x01\x00", encode(0x82, HOST.encode())),
        "tag-9": seq(encode(0x89, b"x"), encode(0x82, HOST.encode())),
        "empty": b"",
    }
    for key, value in raw.items():
        leaf = LEAF.adding(extension("2.5.29.17", value))
        yield make_case(f"name-raw/{key}", leaf)
        leaf = LEAF.adding(extension("2.5.29.17", value, critical=True))
        yield make_case(f"name-raw-critical/{key}", leaf)


_SUBTREES = (
    *("DNS:example.com", "DNS:.example.com", "DNS:otel.example.com", "DNS:com", "DNS:"),
    *("DNS:example.org", "DNS:xample.com", "DNS:a.otel.example.com", "DNS:*.example.com"),
    *("IP:0a000000ff000000", "IP:7f000000ff000000", "IP:" + "00" * 16 + "ff" * 16),
    *("IP:" + "00" * 32, "IP:" + "00" * 10 + "ffff7f000000" + "ff" * 13 + "000000"),
    *("email:example.com", "email:.example.com", "email:ops@example.com", "email:Ops@EXAMPLE.com"),
    *("URI:example.com", "URI:.example.com", "URI:otel.example.com", "dir:Example Server"),
)
_HELD = {
    "dns": (f"DNS:{HOST}",),
    "wildcard": (f"DNS:{HOST}", "DNS:*.example.com"),
    "wildcard-below": (f"DNS:{HOST}", "DNS:*.otel.example.com"),
    "ip": (f"DNS:{HOST}", "IP:7f000001"),
    "ip6": (f"DNS:{HOST}", "IP:" + "00" * 15 + "01"),
    "mapped": (f"DNS:{HOST}", "IP:" + "00" * 10 + "ffff7f000001"),
    "email": (f"DNS:{HOST}", "email:ops@example.com"),
    "email-below": (f"DNS:{HOST}", "email:ops@mail.example.com"),
    "email-upper": (f"DNS:{HOST}", "email:ops@EXAMPLE.COM"),
    "email-quoted": (f"DNS:{HOST}", 'email:"o p s"@example.com'),
    "email-odd": (f"DNS:{HOST}", "email:.ops@example.com"),
    "email-no-domain": (f"DNS:{HOST}", "email:ops@"),
    "uri": (f"DNS:{HOST}", "URI:https://otel.example.com:443/x"),
    "uri-parent": (f"DNS:{HOST}", "URI:https://example.com/"),
    "uri-ip": (f"DNS:{HOST}", "URI:https://127.0.0.1/"),
    "uri-ip6": (f"DNS:{HOST}", "URI:https://[::1]/"),
    "uri-no-host": (f"DNS:{HOST}", "URI:urn:x"),
    "uri-spiffe": (f"DNS:{HOST}", "URI:spiffe://example.com/otel"),
    "upper": ("DNS:OTEL.EXAMPLE.COM",),
    "trailing-dot": (f"DNS:{HOST}", "DNS:a.example.com."),
    "empty": (f"DNS:{HOST}", "DNS:"),
    "leading-dot": (f"DNS:{HOST}", "DNS:.example.com"),
}


def constrain_names() -> Iterator[ChainCase]:
    """Yield names under permitted and excluded subtrees of every kind."""
    for held, names in _HELD.items():
        leaf = with_san(*names)
        for subtree in _SUBTREES:
            label = subtree if len(subtree) < 30 else subtree[:8] + subtree[-8:]
            for kind, lists in (("permitted", ((subtree,), ())), ("excluded", ((), (subtree,)))):
                middle = INTERMEDIATE.adding(constraints(*lists))
                yield make_case(f"constraint/{held}/{kind}/{label}", leaf, middle)
    rng = random.Random(3)
    domains = ["a", "b", "a-a", "A", "z", "otel", "example", "com", ""]
    for number in range(150):
        subtrees = [
            "DNS:" + ".".join(rng.choices(domains, k=rng.randint(1, 3)))
            for _ in range(rng.randint(1, 8))
        ]
        names = [
            "DNS:" + ".".join(rng.choices(domains[:-1], k=rng.randint(1, 4))) for _ in range(2)
        ]
        if rng.random() < 0.3:
            names.append("DNS:*." + ".".join(rng.choices(domains[:-1], k=2)))
        lists = (tuple(subtrees), ()) if number % 2 else ((), tuple(subtrees))
        middle = INTERMEDIATE.adding(constraints(*lists))
        wanted = names[0].removeprefix("DNS:")
        yield make_case(f"constraint-random/{number}", with_san(*names), middle, name=wanted)
    for number in range(80):
        ranges = []
        for _ in range(rng.randint(1, 6)):
            address, free = rng.randrange(256), rng.randrange(33)
            mask = ((1 << 32) - 1 << free & (1 << 32) - 1).to_bytes(4).hex()
            ranges.append(f"IP:0a0000{address:02x}{mask}")
        names = [f"IP:0a0000{rng.randrange(256):02x}", f"DNS:{HOST}"]
        lists = (tuple(ranges), ()) if number % 2 else ((), tuple(ranges))
        middle = INTERMEDIATE.adding(constraints(*lists))
        yield make_case(f"constraint-random-ip/{number}", with_san(*names), middle)
    below = INTERMEDIATE.but(subject=name("Below"), key=ec_key("below")).adding(
        basic_constraints(), san("DNS:ca.example.org")
    )
    for kind in ("permitted", "excluded"):
        subtree = ("DNS:example.com",) if kind == "permitted" else ("DNS:example.org",)
        lists = (subtree, ()) if kind == "permitted" else ((), subtree)
        above = INTERMEDIATE.adding(basic_constraints(), constraints(*lists))
        yield make_path(f"constraint-ca/{kind}", LEAF, below, above, ROOT)
        yield make_path(
            f"constraint-root/{kind}",
            LEAF,
            below,
            INTERMEDIATE.adding(basic_constraints()),
            ROOT.adding(constraints(*lists)),
        )
        yield make_case(f"constraint-leaf/{kind}", LEAF.adding(constraints(*lists)))
        no_san = LEAF.without("2.5.29.17").but(subject=name(HOST))
        yield make_case(f"constraint-no-san/{kind}", no_san, above)
