"""A server's chain as a case of the laboratory, and the usual three certificates it varies."""

from dataclasses import dataclass
from typing import Final

from tests.lab.exporters.generators.chain_builder import (
    NOW,
    SERVER_AUTH,
    Spec,
    basic_constraints,
    build,
    ec_key,
    encode_key,
    key_usage,
    name,
    san,
    usages,
)

HOST: Final = "otel.example.com"


@dataclass(frozen=True, slots=True)
class ChainCase:
    """What a server sends, what the exporter trusts, and which name it looks for, when."""

    id: str
    chain: tuple[bytes, ...]
    anchors: tuple[bytes, ...]
    name: str = HOST
    at: int = NOW
    key: bytes = encode_key(ec_key("leaf"))
    """The end entity's private key as PKCS#8; the usual one's where it has none that signs."""


ROOT: Final = Spec(name("Example Root"), ec_key("root"), (basic_constraints(), key_usage(5, 6)))
INTERMEDIATE: Final = Spec(
    name("Example Intermediate", O="Example"),
    ec_key("intermediate"),
    (basic_constraints(length=0), key_usage(5, 6)),
)
LEAF: Final = Spec(
    name("Example Server"),
    ec_key("leaf"),
    (
        basic_constraints(ca=False),
        key_usage(0),
        usages(SERVER_AUTH),
        san(f"DNS:{HOST}", "IP:7f000001"),
    ),
)
TRIPLE: Final = (LEAF, INTERMEDIATE, ROOT)


def make_case(
    label: str,
    leaf: Spec = LEAF,
    intermediate: Spec = INTERMEDIATE,
    root: Spec = ROOT,
    *,
    name: str = HOST,
    at: int = NOW,
) -> ChainCase:
    """End entity and intermediate are sent, the root is the anchor."""
    chain = (build(leaf, intermediate), build(intermediate, root))
    return ChainCase(label, chain, (build(root),), name, at, key_of(leaf))


def make_path(label: str, *specs: Spec, name: str = HOST, at: int = NOW) -> ChainCase:
    """A path of any length, the end entity first; the last is the anchor and is not sent."""
    built = [
        build(spec, specs[place + 1] if place + 1 < len(specs) else None)
        for place, spec in enumerate(specs)
    ]
    return ChainCase(label, tuple(built[:-1]), (built[-1],), name, at, key_of(specs[0]))


def key_of(leaf: Spec) -> bytes:
    """Return the private key of an end entity, encoded."""
    key = LEAF.key if leaf.spki is not None else leaf.key
    return encode_key(key)
