"""Chains as large, deep and costly as a hostile server can send: what they may cost is bounded."""

from collections.abc import Iterator
from itertools import pairwise

from probe.x509.der import encode
from tests.lab.exporters.generators.chain_builder import (
    NULL,
    Spec,
    attribute,
    basic_constraints,
    bits,
    build,
    constraints,
    ec_key,
    extension,
    integer,
    name,
    oid,
    policies,
    rsa_key,
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


def generate_extremes() -> Iterator[ChainCase]:
    """Yield chains of up to 256 KiB."""
    yield from _name_much()
    yield from _list_much()
    yield from _sign_much()
    yield from _nest_much()


def _name_much() -> Iterator[ChainCase]:
    last = encode(0x82, HOST.encode())
    for label, names in {
        "empty-names": b"\x82\x00" * 45_000,
        "addresses": b"\x87\x04abcd" * 15_000 + last,
        "uris": encode(0x86, b"x://a") * 13_000,
        "wildcards": encode(0x82, b"*.a.b") * 13_000,
        "quoted-mailbox": encode(0x81, b'"' + b"a" * 40_000 + b'"@a') + last,
        "long-name": encode(0x82, b"a." * 20_000 + b"a") + last,
    }.items():
        yield make_case(f"extreme/{label}", LEAF.adding(extension("2.5.29.17", seq(names))))
    for count in (1000, 3000):
        middle = INTERMEDIATE.adding(
            constraints(
                [f"DNS:a{number}.example.com" for number in range(count)] + [f"DNS:{HOST}"],
                [f"DNS:b{number}.example.org" for number in range(count)],
            )
        )
        names_ = (f"DNS:x.a{number}.example.com" for number in range(count))
        leaf = LEAF.adding(san(*names_, f"DNS:{HOST}"))
        yield make_case(f"extreme/constraints-{count}", leaf, middle)
    for depth in (5, 15):
        authorities = [
            INTERMEDIATE.but(subject=name(f"CA {level}"), key=ec_key(f"CA {level}")).adding(
                basic_constraints(),
                constraints([f"DNS:a{number}.com" for number in range(60)] + ["DNS:example.com"]),
            )
            for level in range(depth)
        ]
        leaf = LEAF.adding(
            san(*(f"DNS:q{number}.example.com" for number in range(1000)), f"DNS:{HOST}")
        )
        specs = [leaf, *authorities, ROOT]
        chain = tuple(build(one, above) for one, above in pairwise(specs))
        yield ChainCase(f"extreme/constrained-{depth}-times", chain, (build(ROOT),))


def _list_much() -> Iterator[ChainCase]:
    many = [f"1.2.{number}" for number in range(6000)]
    pairs = zip(many[:3000], reversed(many), strict=False)
    mappings = seq(*(seq(oid(one), oid(other)) for one, other in pairs))
    middle = INTERMEDIATE.adding(policies(*many), extension("2.5.29.33", mappings))
    yield make_case("extreme/policies", LEAF.adding(policies(*many)), middle)
    yield make_case("extreme/policy-long", LEAF.adding(policies("1.2." + "9" * 3000)))
    others = tuple(extension(one, b"") for one in many)
    yield make_case("extreme/extensions", LEAF.but(extensions=(*LEAF.extensions, *others)))
    yield make_case("extreme/usages", LEAF.adding(usages(*many)))
    names = attribute("2.5.4.3", b"a") * 7000
    yield make_case("extreme/attributes", LEAF.but(subject=seq(names)))
    yield make_case("extreme/empty-attributes", LEAF.but(subject=seq(b"\x31\x00" * 45_000)))
    yield make_case("extreme/serial", LEAF.but(serial=encode(2, b"\x01" * 90_000)))


def _sign_much() -> Iterator[ChainCase]:
    leaf, root = build(LEAF, INTERMEDIATE), build(ROOT)
    numbers = [(1 << 8191) | (2 * number + 1) for number in range(60)]
    large = [
        seq(
            seq(oid("1.2.840.113549.1.1.1"), NULL),
            bits(seq(integer(number), integer((1 << 31) - 1))),
        )
        for number in numbers
    ]
    signed = LEAF.but(signer=rsa_key(2048), edit_signature=lambda _: bits(b"\x11" * 1024))
    sent = [build(INTERMEDIATE.but(spki=one), ROOT) for one in large]
    yield ChainCase("extreme/large-keys", (build(signed, INTERMEDIATE), *sent), (root,))
    for curve in ("P-224", "P-521"):
        keys = (ec_key(f"key {number}", curve) for number in range(101))
        sent = [build(INTERMEDIATE.but(key=key), ROOT) for key in keys]
        yield ChainCase(f"extreme/many-{curve}", (leaf, *sent), (root,))
    sent = [build(INTERMEDIATE.but(serial=integer(number)), ROOT) for number in range(400)]
    yield ChainCase("extreme/reissued", (leaf, *sent), (root,))
    mesh: list[Spec] = [
        INTERMEDIATE.but(subject=name(f"Mesh {number}"), key=ec_key(f"mesh {number}")).adding(
            basic_constraints()
        )
        for number in range(12)
    ]
    links = [build(one, other) for one in mesh for other in mesh if one is not other]
    below = build(LEAF, mesh[0])
    yield ChainCase("extreme/mesh", (below, *links), (root,))
    yield ChainCase("extreme/mesh-anchored", (below, *links), (build(mesh[5], ROOT),))
    yield ChainCase("extreme/mesh-root-first", (below, build(mesh[0], ROOT), *links), (root,))


def _nest_much() -> Iterator[ChainCase]:
    root = build(ROOT)
    yield ChainCase("extreme/indefinite", (b"\x30\x80" * 45_000,), (root,))
    yield ChainCase("extreme/nested", (b"\x30\x83\x01\x00\x00" * 15_000,), (root,))
    leaf, middle = build(LEAF, INTERMEDIATE), build(INTERMEDIATE, ROOT)
    yield ChainCase("extreme/too-long", (leaf, *(350 * (middle,))), (root,))
    yield ChainCase("extreme/empty-certificates", (leaf, middle, *(1000 * (b"",))), (root,))
