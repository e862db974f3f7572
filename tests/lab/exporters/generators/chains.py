"""Generates server chains: every rule of path validation, singly and in pairs, paths and damage.

Deterministic: the same ids mean the same chains on every run.
"""

import random
from collections.abc import Iterator
from dataclasses import replace

from probe.x509.der import encode
from tests.lab.exporters.generators.chain_builder import (
    NOW,
    Spec,
    basic_constraints,
    ec_key,
    extension,
    integer,
    name,
    oid,
    policies,
    seq,
)
from tests.lab.exporters.generators.chain_case import (
    INTERMEDIATE,
    LEAF,
    ROOT,
    ChainCase,
    make_case,
    make_path,
)
from tests.lab.exporters.generators.chain_extremes import generate_extremes
from tests.lab.exporters.generators.chain_mutations import (
    combine_rules,
    damage_chains,
    mesh_authorities,
)
from tests.lab.exporters.generators.chain_names import constrain_names, vary_names
from tests.lab.exporters.generators.chain_paths import vary_paths
from tests.lab.exporters.generators.chain_random_names import name_by_chance
from tests.lab.exporters.generators.chain_rules import (
    LEVELS,
    Setting,
    list_changes,
    list_signatures,
)


def generate_chains() -> Iterator[ChainCase]:
    """Yield every case, each id once."""
    yield make_case("usual")
    yield from _vary_rules()
    yield from _pair_rules()
    for key, setting in list_signatures():
        yield _make(f"signature/{key}", setting)
    yield from vary_names()
    yield from constrain_names()
    yield from _vary_policies()
    yield from vary_paths()
    yield from _vary_usages()
    yield from generate_extremes()
    yield from damage_chains(seed=1, count=800)
    yield from combine_rules(seed=1, count=600)
    yield from mesh_authorities(seed=1, count=500)
    yield from name_by_chance(seed=1, count=1000)


def _make(label: str, setting: Setting) -> ChainCase:
    return make_case(
        label, setting.leaf, setting.intermediate, setting.root, name=setting.name, at=setting.at
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
