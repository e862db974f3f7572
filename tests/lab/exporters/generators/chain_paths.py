"""Generates paths: what is sent and trusted in which order, several paths, loops, depths."""

from collections.abc import Iterator
from typing import Final

from probe.x509.der import encode
from tests.lab.exporters.generators.chain_builder import (
    NULL,
    basic_constraints,
    build,
    constraints,
    ec_key,
    extension,
    integer,
    key_ids,
    key_usage,
    name,
    san,
    seq,
    usages,
)
from tests.lab.exporters.generators.chain_case import (
    INTERMEDIATE,
    LEAF,
    ROOT,
    ChainCase,
    make_path,
)
from tests.lab.exporters.generators.chain_rules import list_changes

LEAF_DER: Final = build(LEAF, INTERMEDIATE)
MIDDLE_DER: Final = build(INTERMEDIATE, ROOT)
ROOT_DER: Final = build(ROOT)


def vary_paths() -> Iterator[ChainCase]:
    """Yield chains that differ in what is sent and trusted."""
    yield from _vary_order()
    yield from _sign_itself()
    yield from _cross_sign(LEAF_DER, MIDDLE_DER, ROOT_DER)
    yield from _vary_depth()
    yield from _repeat_names()


def case(label: str, *chain: bytes, anchors: tuple[bytes, ...] = (ROOT_DER,)) -> ChainCase:
    """What is sent, for the usual name."""
    return ChainCase(f"path/{label}", chain, anchors)


def _vary_order() -> Iterator[ChainCase]:
    leaf, middle, root = LEAF_DER, MIDDLE_DER, ROOT_DER
    stranger = build(INTERMEDIATE.but(subject=name("Stranger"), key=ec_key("stranger")))
    other_root = build(ROOT.but(key=ec_key("other root")))

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


def _sign_itself() -> Iterator[ChainCase]:
    for key, spec in {
        "self-signed": LEAF,
        "self-signed-ca": LEAF.adding(basic_constraints(), key_usage(0, 5)),
        "self-signed-v1": LEAF.but(version=b"", wrap_extensions=False),
        "self-signed-no-basic": LEAF.without("2.5.29.19"),
    }.items():
        own = build(spec)
        yield case(key, own, anchors=(ROOT_DER,))
        yield case(f"{key}-anchor", own, anchors=(own,))
        yield case(f"{key}-twice", own, own, anchors=(ROOT_DER,))
        for other in ("expired", "eku-client", "signature-wrong"):
            changed = build(list_changes()[other](spec))
            yield case(f"{key}-{other}-anchor", changed, anchors=(changed,))
        renewed = build(spec.but(serial=integer(77)))
        yield case(f"{key}-renewed", own, anchors=(renewed,))
        rekeyed = build(spec.but(key=ec_key("rekeyed")))
        yield case(f"{key}-rekeyed", own, anchors=(rekeyed,))


def _vary_depth() -> Iterator[ChainCase]:
    for depth in range(1, 13):
        authorities = (
            INTERMEDIATE.but(subject=name(f"CA {level}"), key=ec_key(f"CA {level}"))
            for level in range(depth)
        )
        specs = [LEAF, *(one.adding(basic_constraints()) for one in authorities)]
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


def _repeat_names() -> Iterator[ChainCase]:
    leaf, middle = LEAF_DER, MIDDLE_DER
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
            label = f"cross/{key}/{trusted}"
            yield ChainCase(label, (leaf, middle, bridge), anchors)
            yield ChainCase(f"{label}/root-too", (leaf, middle, root, bridge), anchors)
            yield ChainCase(f"{label}/bridge-first", (leaf, bridge, middle), anchors)
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
