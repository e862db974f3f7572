"""Endless chains by chance: rules combined, signed parts damaged before they are signed, meshes of CAs.

The same seed makes the same chains. `generate_chains` holds a first share of each; the laboratory
runs as many as one likes.
"""

import random
from collections.abc import Callable, Iterator
from typing import Final

from probe.x509.der import encode
from tests.lab.exporters.generators.chain_builder import (
    Spec,
    basic_constraints,
    build,
    constraints,
    ec_key,
    extension,
    integer,
    key_ids,
    name,
    policies,
    san,
    usages,
)
from tests.lab.exporters.generators.chain_case import (
    HOST,
    INTERMEDIATE,
    LEAF,
    NOW,
    ROOT,
    ChainCase,
    make_case,
)
from tests.lab.exporters.generators.chain_rules import LEVELS, Setting, list_changes

_NAMES: Final = (HOST, f"{HOST}.", "127.0.0.1", "other.example.com", "*.example.com")


def combine_rules(seed: int, count: int) -> Iterator[ChainCase]:
    """Yield chains with two to four changes."""
    rng = random.Random(seed)
    changes = list_changes()
    keys = list(changes)
    for number in range(count):
        setting = Setting()
        for _ in range(rng.randint(2, 4)):
            setting = setting.change(rng.choice(LEVELS), changes[rng.choice(keys)])
        yield make_case(
            f"combined/{seed}/{number}",
            setting.leaf,
            setting.intermediate,
            setting.root,
            name=rng.choice(_NAMES) if rng.random() < 0.2 else HOST,
            at=NOW + (rng.randint(-(10**8), 10**8) if rng.random() < 0.1 else 0),
        )


def damage_chains(seed: int, count: int) -> Iterator[ChainCase]:
    """Yield chains with one certificate damaged; every second is signed after the damage."""
    rng = random.Random(seed)
    leaf = LEAF.adding(*key_ids(b"leaf", b"middle"), policies("1.2.3.4"))
    middle = INTERMEDIATE.adding(
        *key_ids(b"middle", b"root"), constraints(["DNS:example.com", "IP:7f000000ff000000"])
    )
    specs = [leaf, middle, ROOT.adding(*key_ids(b"root"))]
    for number in range(count):
        place = rng.choice((0, 0, 1, 1, 2))
        damaged = list(specs)
        part = "edit" if number % 2 else "edit_tbs"
        damaged[place] = damaged[place].but(**{part: _make_damage(rng.randrange(1 << 32))})
        built = [build(damaged[0], specs[1]), build(damaged[1], specs[2]), build(damaged[2])]
        yield ChainCase(f"damage/{seed}/{number}", tuple(built[:2]), (built[2],))


def _make_damage(seed: int) -> Callable[[bytes], bytes]:
    return lambda der: damage(random.Random(seed), der)


def damage(rng: random.Random, der: bytes) -> bytes:
    """Damage bytes in one or two places, mostly where elements begin."""
    data = bytearray(der)
    for _ in range(rng.choice((1, 1, 1, 2))):
        bounds = _list_bounds(bytes(data)) or [0]
        at = rng.choice(bounds) if rng.random() < 0.8 else rng.randrange(len(data))
        match rng.randrange(9):
            case 0:
                data[at] ^= 1 << rng.randrange(8)
            case 1:
                data[at] = rng.randrange(256)
            case 2 if at + 1 < len(data):
                data[at + 1] = (data[at + 1] + rng.choice((-1, 1))) % 256
            case 3:
                data[at:at] = bytes((rng.randrange(256),))
            case 4:
                del data[at]
            case 5 if at + 1 < len(data) and data[at + 1] < 0x80:
                data[at + 1 : at + 2] = bytes((0x81, data[at + 1]))
            case 6:
                _change_contents(rng, data, at)
            case 7:
                _drop_element(data, at)
            case _:
                data[at] = rng.choice((0x02, 0x04, 0x05, 0x0C, 0x13, 0x30, 0x31, 0x80, 0x82, 0xA0))
    return bytes(data)


def _change_contents(rng: random.Random, data: bytearray, at: int) -> None:
    """Change a byte of an element's contents, not its outline."""
    if at + 2 < len(data) and 0 < data[at + 1] < 0x80 and at + 2 + data[at + 1] <= len(data):
        data[at + 2 + rng.randrange(data[at + 1])] = rng.choice(
            (0, 1, 0x2A, 0x2E, 0x7F, 0x80, 0xFF)
        )


def _drop_element(data: bytearray, at: int) -> None:
    """Empty an element whose length is short."""
    if at + 1 < len(data) and data[at + 1] < 0x80:
        del data[at + 2 : at + 2 + data[at + 1]]
        data[at + 1] = 0


def _list_bounds(der: bytes) -> list[int]:
    """Return where elements begin, as far as the bytes are DER."""
    found: list[int] = []
    ends = [(0, len(der))]
    while ends and len(found) < 500:
        at, end = ends.pop()
        while at + 2 <= end:
            length, head = der[at + 1], 2
            if length & 0x80:
                count = length & 0x7F
                if not 0 < count < 4 or at + 2 + count > end:
                    break
                length, head = int.from_bytes(der[at + 2 : at + 2 + count]), 2 + count
            if at + head + length > end:
                break
            found.append(at)
            if der[at] & 0x20 or (der[at] == 4 and length > 2):
                ends.append((at + head, at + head + length))
            at += head + length
    return found


def mesh_authorities(seed: int, count: int) -> Iterator[ChainCase]:
    """Yield meshes: CAs that certify each other, some badly; some sent, some trusted."""
    rng = random.Random(seed)
    for number in range(count):
        authorities = [
            INTERMEDIATE.but(
                subject=name(f"Mesh {rng.randrange(4)}"), key=ec_key(f"mesh {rng.randrange(5)}")
            )
            for _ in range(rng.randint(2, 5))
        ]
        issued: list[bytes] = []
        for place, spec in enumerate(authorities):
            for _ in range(rng.randint(1, 3)):
                issuer = rng.choice([ROOT, *authorities])
                issued.append(build(_vary(rng, spec, place), issuer))
        leaf = build(_vary(rng, LEAF, 0) if rng.random() < 0.3 else LEAF, rng.choice(authorities))
        rng.shuffle(issued)
        sent = issued[: rng.randint(1, len(issued))]
        anchors = [build(ROOT)] if rng.random() < 0.7 else []
        anchors += rng.sample(issued, rng.randint(0, min(2, len(issued))))
        if rng.random() < 0.1:
            anchors.append(leaf)
        yield ChainCase(f"mesh/{seed}/{number}", (leaf, *sent), tuple(anchors))


def _vary(rng: random.Random, spec: Spec, place: int) -> Spec:
    """Give a CA its own constraints, key identifiers, usages and dates."""
    length = rng.choice((None, None, 0, 1, 2))
    if spec is not LEAF:
        spec = spec.adding(basic_constraints(rng.random() < 0.93, length))
    spec = spec.but(serial=integer(rng.randrange(1000)))
    if rng.random() < 0.4:
        spec = spec.adding(*key_ids(rng.choice((b"", b"a", b"b")), rng.choice((b"", b"a", b"b"))))
    chance = rng.random()
    if chance < 0.08:
        return spec.but(not_after=encode(0x17, b"261231235959Z"))
    if chance < 0.12:
        return spec.but(hash="sha1")
    if chance < 0.16:
        return spec.but(signer=ec_key("stranger"))
    if chance < 0.20:
        return spec.adding(usages(rng.choice(("1.3.6.1.5.5.7.3.2", "2.5.29.37.0"))))
    if chance < 0.25:
        allowed = rng.choice(("DNS:example.com", "DNS:example.org"))
        return spec.adding(constraints([allowed]))
    if chance < 0.28:
        return spec.adding(extension("1.2.3", b"\x05\x00", critical=True))
    if chance < 0.33:
        return spec.adding(san(f"DNS:ca{place}.example.com"))
    if chance < 0.38:
        explicit = extension("2.5.29.36", b"\x30\x03\x80\x01\x00", critical=True)
        return spec.adding(policies(rng.choice(("1.2.3", "2.5.29.32.0"))), explicit)
    return spec
