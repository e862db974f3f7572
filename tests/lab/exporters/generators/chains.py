"""Generates server chains: every rule of path validation, singly and in pairs, paths and damage.

Deterministic: the same ids mean the same chains on every run.
"""

import random
from collections.abc import Iterator
from dataclasses import replace

from probe.x509.der import encode
from tests.lab.exporters.generators.chain_builder import (
    NOW,
    NULL,
    Spec,
    basic_constraints,
    build,
    constraints,
    ec_key,
    extension,
    integer,
    key_ids,
    key_usage,
    name,
    oid,
    policies,
    san,
    seq,
    spki_of,
    usages,
)
from tests.lab.exporters.generators.chain_case import (
    HOST,
    INTERMEDIATE,
    LEAF,
    ROOT,
    TRIPLE,
    ChainCase,
    make_case,
    make_path,
)
from tests.lab.exporters.generators.chain_mutations import (
    combine_rules,
    damage_chains,
    mesh_authorities,
)
from tests.lab.exporters.generators.chain_rules import (
    LEVELS,
    Setting,
    list_changes,
    list_signatures,
    with_san,
)


def generate_chains() -> Iterator[ChainCase]:
    """Yield every case, each id once."""
    yield make_case("usual")
    yield from _vary_rules()
    yield from _pair_rules()
    for key, setting in list_signatures():
        yield _make(f"signature/{key}", setting)
    yield from _vary_names()
    yield from _constrain_names()
    yield from _vary_policies()
    yield from _vary_paths()
    yield from _vary_usages()
    yield from damage_chains(seed=1, count=800)
    yield from combine_rules(seed=1, count=600)
    yield from mesh_authorities(seed=1, count=500)


def _make(id: str, setting: Setting) -> ChainCase:
    return make_case(
        id, setting.leaf, setting.intermediate, setting.root, name=setting.name, at=setting.at
    )


def _vary_rules() -> Iterator[ChainCase]:
    for key, change in list_changes().items():
        for level in LEVELS:
            yield _make(f"rule/{key}/{level}", Setting().change(level, change))


# Those that decide on their own, for pairs: which of two faults is reported depends on the order.
_PAIRED = {
    "leaf": (
        *("expired", "not-yet-valid", "eku-client", "extension-unknown-critical", "key-rsa-512"),
        *("v1", "not-a-ca", "signature-wrong", "issuer-other", "subject-empty", "serial-negative"),
        *("eku-empty", "usage-encipherment", "spki-dsa", "spki-rsa-n-8193", "policy"),
    ),
    "intermediate": (
        *("expired", "not-yet-valid", "eku-client", "extension-unknown-critical", "key-rsa-512"),
        *("no-basic-constraints", "not-a-ca", "usage-crl-sign", "v1", "signature-wrong"),
        *("nc-permitted-other", "nc-excluded", "nc-permitted-dir", "path-0", "constrain-0"),
        *("policy", "serial-negative", "spki-unknown", "signed-by-other-key", "subject-empty"),
    ),
    "root": (
        *("expired", "eku-client", "extension-unknown-critical", "not-a-ca", "usage-crl-sign"),
        *("no-basic-constraints", "path-0", "nc-permitted-other", "key-rsa-512", "v1"),
        *("nc-excluded", "serial-negative", "spki-dsa", "key-p521", "constrain-0"),
    ),
}


def _pair_rules() -> Iterator[ChainCase]:
    changes = list_changes()
    all_ = [(level, key) for level, keys in _PAIRED.items() for key in keys]
    for place, (level, key) in enumerate(all_):
        for other_level, other in all_[place + 1 :]:
            if level == other_level and key == other:
                continue
            setting = Setting().change(level, changes[key]).change(other_level, changes[other])
            yield _make(f"pair/{key}-{level}/{other}-{other_level}", setting)
        for wanted in ("other.example.com", "127.0.0.1"):
            setting = replace(Setting().change(level, changes[key]), name=wanted)
            yield _make(f"pair/{key}-{level}/name-{wanted}", setting)


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


def _vary_names() -> Iterator[ChainCase]:
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


def _constrain_names() -> Iterator[ChainCase]:
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


def _vary_policies() -> Iterator[ChainCase]:
    any_, one, two = "2.5.29.32.0", "1.2.3.4.5", "1.2.3.4.6"
    explicit = extension("2.5.29.36", seq(b"\x80\x01\x00"), critical=True)
    explicit_1 = extension("2.5.29.36", seq(b"\x80\x01\x01"), critical=True)
    no_mapping = extension("2.5.29.36", seq(b"\x80\x01\x00\x81\x01\x00"), critical=True)
    no_any = extension("2.5.29.54", integer(0), critical=True)
    mapping = extension("2.5.29.33", seq(seq(oid(one), oid(two))), critical=True)
    held = {
        "none": [],
        "any": [policies(any_)],
        "one": [policies(one)],
        "two": [policies(two)],
        "both": [policies(one, two)],
        "any-one": [policies(any_, one)],
    }
    demands = {
        "explicit": [explicit],
        "explicit-1": [explicit_1],
        "mapping": [explicit, mapping],
        "no-mapping": [no_mapping, mapping],
        "no-any": [explicit, no_any],
        "only-mapping": [mapping],
    }
    for above, upper in held.items():
        for below, lower in held.items():
            for demand, more in demands.items():
                middle = INTERMEDIATE.adding(*upper, *more)
                yield make_case(f"policy/{above}/{below}/{demand}", LEAF.adding(*lower), middle)
                root = ROOT.adding(*more)
                yield make_case(
                    f"policy-root/{above}/{below}/{demand}",
                    LEAF.adding(*lower),
                    INTERMEDIATE.adding(*upper),
                    root,
                )
    rng = random.Random(5)
    pool = [any_, one, two, "1.2.3.4.7"]
    for number in range(150):
        specs: list[Spec] = []
        for depth in range(4):
            base = INTERMEDIATE.but(
                subject=name(f"CA {depth}" if rng.random() < 0.8 else "CA"),
                key=ec_key(f"policy-{depth}"),
            ).adding(basic_constraints())
            spec = base if depth else LEAF
            if rng.random() < 0.9:
                spec = spec.adding(policies(*rng.sample(pool, rng.randint(1, 3))))
            if rng.random() < 0.4:
                count = bytes((rng.randrange(3),))
                spec = spec.adding(
                    extension("2.5.29.36", seq(encode(rng.choice((0x80, 0x81)), count)))
                )
            if rng.random() < 0.4:
                pairs = [seq(*map(oid, rng.sample(pool[1:], 2))) for _ in range(rng.randint(1, 2))]
                spec = spec.adding(extension("2.5.29.33", seq(*pairs)))
            if rng.random() < 0.3:
                spec = spec.adding(extension("2.5.29.54", integer(rng.randrange(3))))
            specs.append(spec)
        specs[0] = specs[0].adding(
            *([] if rng.random() < 0.5 else [extension("2.5.29.36", seq(b"\x80\x01\x00"))])
        )
        if rng.random() < 0.8:
            specs[3] = specs[3].adding(explicit)
        yield make_path(f"policy-random/{number}", *specs, ROOT)


def _vary_paths() -> Iterator[ChainCase]:
    leaf, middle, root = (build(LEAF, INTERMEDIATE), build(INTERMEDIATE, ROOT), build(ROOT))
    stranger = build(INTERMEDIATE.but(subject=name("Stranger"), key=ec_key("stranger")))
    other_root = build(ROOT.but(key=ec_key("other root")))

    def case(id: str, *chain: bytes, anchors: tuple[bytes, ...] = (root,)) -> ChainCase:
        return ChainCase(f"path/{id}", chain, anchors)

    yield case("no-intermediate", leaf)
    yield case("with-root", leaf, middle, root)
    yield case("reversed", leaf, root, middle)
    yield case("leaf-last", middle, leaf)
    yield case("root-first", root, middle, leaf)
    yield case("unrelated", leaf, stranger, middle)
    yield case("unrelated-only", leaf, stranger)
    yield case("intermediate-twice", leaf, middle, middle)
    yield case("leaf-twice", leaf, leaf, middle)
    yield case("no-anchors", leaf, middle, anchors=())
    yield case("other-root", leaf, middle, anchors=(other_root,))
    yield case("both-roots", leaf, middle, anchors=(other_root, root))
    yield case("both-roots-reversed", leaf, middle, anchors=(root, other_root))
    yield case("leaf-anchor", leaf, anchors=(leaf,))
    yield case("leaf-anchor-sent-all", leaf, middle, anchors=(leaf,))
    yield case("intermediate-anchor", leaf, anchors=(middle,))
    yield case("intermediate-anchor-sent", leaf, middle, anchors=(middle,))
    yield case("all-anchors", leaf, middle, anchors=(leaf, middle, root))
    yield case("garbage-behind", leaf, middle, b"\x30\x03\x02\x01\x05")
    yield case("garbage-empty", leaf, middle, b"")
    yield case("garbage-first", b"\x30\x00", middle)
    yield case("garbage-anchor", leaf, middle, anchors=(b"\x30\x00", root))
    yield case("garbage-anchors", leaf, middle, anchors=(b"\x30\x00",))
    yield case("two-in-one", leaf + middle, middle)
    yield case("root-not-parsed", leaf, middle, anchors=(build(ROOT.but(serial=integer(-1))),))
    for key, spec in {
        "self-signed": LEAF,
        "self-signed-ca": LEAF.adding(basic_constraints(), key_usage(0, 5)),
        "self-signed-v1": LEAF.but(version=b"", wrap_extensions=False),
        "self-signed-no-basic": LEAF.without("2.5.29.19"),
    }.items():
        own = build(spec)
        yield case(key, own, anchors=(root,))
        yield case(f"{key}-anchor", own, anchors=(own,))
        yield case(f"{key}-twice", own, own, anchors=(root,))
        for other in ("expired", "eku-client", "signature-wrong"):
            changed = build(list_changes()[other](spec))
            yield case(f"{key}-{other}-anchor", changed, anchors=(changed,))
        renewed = build(spec.but(serial=integer(77)))
        yield case(f"{key}-renewed", own, anchors=(renewed,))
        rekeyed = build(spec.but(key=ec_key("rekeyed")))
        yield case(f"{key}-rekeyed", own, anchors=(rekeyed,))
    yield from _cross_sign(leaf, middle, root)
    for depth in range(1, 13):
        specs = [LEAF]
        for level in range(depth):
            specs.append(
                INTERMEDIATE.but(subject=name(f"CA {level}"), key=ec_key(f"CA {level}")).adding(
                    basic_constraints()
                )
            )
        yield make_path(f"path/depth-{depth}", *specs, ROOT)
        for limit in range(4):
            top = specs[-1].adding(basic_constraints(length=limit))
            yield make_path(f"path/depth-{depth}-limit-{limit}", *specs[:-1], top, ROOT)
            limited = ROOT.adding(basic_constraints(length=limit))
            yield make_path(f"path/depth-{depth}-root-limit-{limit}", *specs, limited)
        same = [specs[0], *(one.but(subject=name("CA")) for one in specs[1:])]
        yield make_path(f"path/self-issued-{depth}", *same, ROOT)
        limited = ROOT.adding(basic_constraints(length=1))
        yield make_path(f"path/self-issued-{depth}-limited", *same, limited)
    for count in (2, 10, 30, 60, 98, 99, 100, 101, 150):
        many = [
            build(INTERMEDIATE.but(key=ec_key(f"many {number}")), ROOT) for number in range(count)
        ]
        yield case(f"same-name-{count}", leaf, *many)
        yield case(f"same-name-{count}-and-right", leaf, *many, middle)
        yield case(f"same-name-{count}-right-first", leaf, middle, *many)
    for own, wanted in (("match", "match"), ("", "match"), ("match", ""), ("other", "match")):
        ids = key_ids(own.encode())
        below = LEAF.adding(*key_ids(issuer=wanted.encode()))
        expired = INTERMEDIATE.adding(*key_ids(b"match")).but(
            not_after=encode(0x17, b"261231235959Z"), serial=integer(5)
        )
        held = build(INTERMEDIATE.adding(*ids), ROOT)
        child = build(below, INTERMEDIATE)
        yield case(f"key-id-{own}-{wanted}", child, held)
        yield case(f"key-id-{own}-{wanted}-expired", child, build(expired, ROOT), held)
        yield case(f"key-id-{own}-{wanted}-expired-last", child, held, build(expired, ROOT))
        yield case(f"key-id-{own}-{wanted}-expired-only", child, build(expired, ROOT))


def _cross_sign(leaf: bytes, middle: bytes, root: bytes) -> Iterator[ChainCase]:
    """Several paths: which anchors there are decides which of them holds."""
    second = ROOT.but(subject=name("Second Root"), key=ec_key("second root"))
    crossed = {
        "good": ROOT.but(serial=integer(9)),
        "expired": ROOT.but(not_after=encode(0x17, b"261231235959Z")),
        "not-yet": ROOT.but(not_before=encode(0x17, b"280101000000Z")),
        "not-a-ca": ROOT.adding(basic_constraints(ca=False)),
        "path-0": ROOT.adding(basic_constraints(length=0)),
        "constrained": ROOT.adding(constraints(["DNS:example.org"])),
        "client": ROOT.adding(usages("1.3.6.1.5.5.7.3.2")),
        "sha1": ROOT.but(hash="sha1"),
        "wrong-key": ROOT.but(signer=ec_key("stranger")),
        "critical": ROOT.adding(extension("1.2.3", NULL, critical=True)),
        "policy": ROOT.adding(extension("2.5.29.36", seq(b"\x80\x01\x00"), critical=True)),
        "other-key": ROOT.but(key=ec_key("renewed root")),
        "with-san": ROOT.adding(san("DNS:root.example.com")),
    }
    top = build(second)
    for key, spec in crossed.items():
        bridge = build(spec, second)
        for trusted, anchors in {
            "second": (top,),
            "both": (root, top),
            "bridge": (bridge,),
            "none": (build(ROOT.but(subject=name("Third"))),),
        }.items():
            id = f"cross/{key}/{trusted}"
            yield ChainCase(id, (leaf, middle, bridge), anchors)
            yield ChainCase(f"{id}/root-too", (leaf, middle, root, bridge), anchors)
            yield ChainCase(f"{id}/bridge-first", (leaf, bridge, middle), anchors)
    for key, spec in crossed.items():
        # Two intermediates of one name and key, from two roots.
        twin = INTERMEDIATE.but(
            extensions=spec.extensions,
            not_before=spec.not_before,
            not_after=spec.not_after,
            signer=spec.signer,
            hash=spec.hash,
            serial=integer(12),
        )
        other = build(twin, second)
        for order, chain in (("first", (leaf, other, middle)), ("last", (leaf, middle, other))):
            for trusted, anchors in {
                "first": (root,),
                "second": (top,),
                "both": (root, top),
            }.items():
                yield ChainCase(f"twin/{key}/{order}/{trusted}", chain, anchors)
    # Each signs the other: a loop.
    one = INTERMEDIATE.but(subject=name("One"), key=ec_key("one")).adding(basic_constraints())
    two = INTERMEDIATE.but(subject=name("Two"), key=ec_key("two")).adding(basic_constraints())
    loop = (build(LEAF, one), build(one, two), build(two, one))
    yield ChainCase("loop/untrusted", loop, (root,))
    yield ChainCase("loop/trusted", (*loop, build(two, ROOT)), (root,))
    yield ChainCase("loop/anchor", loop, (build(two, ROOT),))


def _vary_usages() -> Iterator[ChainCase]:
    changes = list_changes()
    kinds = ["none", "server", "client", "any", "unknown", "empty", "both"]
    for upper in kinds:
        for middle in kinds:
            for lower in kinds:
                setting = Setting()
                for level, kind in zip(LEVELS, (lower, middle, upper), strict=True):
                    setting = setting.change(level, changes[f"eku-{kind}"])
                yield _make(f"eku/{upper}/{middle}/{lower}", setting)
    for at, label in ((NOW - 10**9, "past"), (NOW + 10**9, "future"), (0, "epoch")):
        yield make_case(f"time/{label}", at=at)
        yield make_case(f"time/{label}/other-name", at=at, name="other.example.com")
