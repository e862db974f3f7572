"""Chains with a fault of their root or their file, and chains with two faults."""

from collections.abc import Iterator

from cryptography import x509

from tests.lab.client_chains.case import (
    EARLY,
    EXPIRED,
    INCOMPLETE,
    PLAIN,
    RULE,
    TRUST,
    USAGE,
    WEAK,
    Case,
    below,
    between,
    case,
    make_name_constraints,
)
from tests.lab.client_chains.writing import VERSION_1, Made, make, rsa_key, unknown


def build_chain_cases() -> Iterator[Case]:
    """Yield every case of a root, of a file, and of two faults."""
    yield from _roots()
    yield from _files()
    yield from _pairs()


def _roots() -> Iterator[Case]:
    def root(name: str, **fields: object) -> Made:
        return make(name, **({"ca": True} | fields))  # type: ignore[arg-type]

    for name, truth, one in (
        ("expired", EXPIRED, root("Lab root, expired", ends=-3)),
        ("not yet valid", EARLY, root("Lab root, early", begins=3)),
        ("version 1", RULE, root("Lab root, version 1", change=VERSION_1)),
        (
            "CA:FALSE",
            RULE,
            root("Lab root, no CA", ca=False, usage=("keyCertSign",), purposes=(), sans=()),
        ),
        ("without keyCertSign", RULE, root("Lab root, no signing", usage=("digitalSignature",))),
        ("serverAuth only", USAGE, root("Lab root, servers", purposes=("serverAuth",))),
        (
            "unknown critical extension",
            RULE,
            root("Lab root, critical", extensions=[unknown(critical=True)]),
        ),
        (
            "name constraint",
            RULE,
            root(
                "Lab root, names",
                extensions=[make_name_constraints([x509.DNSName("other.example")])],
            ),
        ),
        ("RSA 1024", WEAK, root("Lab root, RSA 1024", key=rsa_key(1024))),
        ("SHA-1", (), root("Lab root, SHA-1", sha1=True)),
    ):
        culprit = one.subject.rdns[0].rfc4514_string().removeprefix("CN=")
        # Without a copy of it, the backend has no anchor that counts: that is all that shows.
        yield case(f"root: {name}", below(root=one), (*truth, *TRUST), culprit, root=one)
        yield case(
            f"root: {name}, known here", below(root=one), truth, culprit, root=one, beside=(one,)
        )
    limited = root("Lab root, path length 0", path_length=0)
    yield case("root: path length 0, and nothing between", below(root=limited), root=limited)
    low = between(issuer=limited)
    yield case(
        "root: path length 0", below(low), (*RULE, *TRUST), "Lab root, path length 0", root=limited
    )
    yield case(
        "root: path length 0, known here",
        below(low),
        RULE,
        "Lab root, path length 0",
        root=limited,
        beside=(limited,),
    )
    stranger = root("Lab root of another team")
    yield case("root: not held", below(root=stranger), TRUST, "checkout", unlisted=True)
    yield case(
        "root: not held, known here",
        below(root=stranger),
        TRUST,
        "checkout",
        unlisted=True,
        beside=(stranger,),
    )
    old, new = root("Lab root, reissued"), root("Lab root, reissued")
    yield case("root: another key", below(root=new), TRUST, "checkout", root=old)
    yield case(
        "root: another key, known here", below(root=new), TRUST, "checkout", root=old, beside=(new,)
    )
    bare_old, bare_new = (root("Lab root, bare", key_ids=False) for _ in range(2))
    yield case(
        "root: another key, no key identifiers",
        below(root=bare_new, key_ids=False),
        TRUST,
        "checkout",
        root=bare_old,
    )
    lone = between("Lab issuing, an anchor", root("Lab root, held nowhere"))
    yield case(
        "root: an intermediate is the anchor", below(root=lone), TRUST, "checkout", root=lone
    )
    yield case(
        "root: an intermediate is the anchor, and sent", below(lone), TRUST, "checkout", root=lone
    )


def _files() -> Iterator[Case]:
    one = between()
    upper = between("Lab upper")
    lower = between("Lab lower", upper)
    leaf = make("checkout", lower)
    yield case("order: reversed issuers", (leaf, upper, lower))
    yield case("missing intermediate", (make("checkout", one),), (*INCOMPLETE, *TRUST), "checkout")
    yield case(
        "missing intermediate, known here",
        (make("checkout", one),),
        INCOMPLETE,
        "checkout",
        beside=(one, PLAIN),
    )
    yield case("missing upper intermediate", (leaf, lower), (*INCOMPLETE, *TRUST), "Lab lower")
    yield case("missing lower intermediate", (leaf, upper), (*INCOMPLETE, *TRUST), "checkout")
    yield case("with its root", (*below(one), PLAIN))
    yield case("with a stray", (*below(one), make("Stray", ca=True)))
    yield case("with an expired stray", (*below(one), make("Stray", ca=True, ends=-3)))
    yield case("with itself twice", (below(one)[0], *below(one)))
    chain = below(one)
    yield case("with an intermediate twice", (*chain, one))
    elder = make("Elder root", ca=True, ends=-3)
    cross = make("Lab root", elder, ca=True, key=PLAIN.key, ends=-3)
    yield case("with an expired cross-certificate", (*below(one), cross))
    future = make("Lab root", elder, ca=True, key=PLAIN.key, begins=3)
    yield case("with an early cross-certificate", (*below(one), future))
    renewed = make("Lab issuing", PLAIN, ca=True, key=one.key)
    expired = make("Lab issuing", PLAIN, ca=True, key=one.key, ends=-3)
    yield case(
        "with a renewed intermediate behind the expired one",
        (make("checkout", one), expired, renewed),
        EXPIRED,
        "Lab issuing",
    )
    yield case(
        "with a renewed intermediate before the expired one",
        (make("checkout", one), renewed, expired),
    )
    other = make("checkout of another service", PLAIN)
    yield case("with another end entity", (*below(one), other))
    yield case(
        "expired, and with a stray",
        (*below(one, ends=-3), make("Stray", ca=True)),
        EXPIRED,
        "checkout",
    )
    yield case(
        "unknown CA, with an expired stray",
        (*below(root=make("Nobody's root", ca=True)), make("Stray", ca=True, ends=-3)),
        TRUST,
        "checkout",
        unlisted=True,
    )


def _pairs() -> Iterator[Case]:
    """Yield chains with two faults: of the end entity and of its issuer, or of either and the root."""
    leaves: dict[str, tuple[dict[str, object], tuple[str, ...]]] = {
        "expired": ({"ends": -3}, EXPIRED),
        "serverAuth": ({"purposes": ("serverAuth",)}, USAGE),
        "critical": ({"extensions": [unknown(critical=True)]}, RULE),
        "SHA-1": ({"sha1": True}, WEAK),
    }
    issuers: dict[str, tuple[dict[str, object], tuple[str, ...]]] = {
        "expired": ({"ends": -3}, EXPIRED),
        "CA:FALSE": ({"ca": False, "usage": ("keyCertSign",), "purposes": (), "sans": ()}, RULE),
        "serverAuth": ({"purposes": ("serverAuth",)}, USAGE),
        "another domain": (
            {"extensions": [make_name_constraints([x509.DNSName("other.example")])]},
            RULE,
        ),
        "without keyCertSign": ({"usage": ("cRLSign",)}, RULE),
    }
    stranger = make("Lab root of another team", ca=True)
    for above, (fields, truth) in issuers.items():
        for leaf, (more, further) in leaves.items():
            chain = below(between(**fields), **more)
            yield case(f"pair: leaf {leaf}, intermediate {above}", chain, (*further, *truth))
        chain = below(between(issuer=stranger, **fields))
        name = f"pair: intermediate {above}, root not held"
        yield case(name, chain, (*truth, *TRUST), unlisted=True)
    for leaf, (more, further) in leaves.items():
        chain = below(root=stranger, **more)
        yield case(f"pair: leaf {leaf}, root not held", chain, (*further, *TRUST), unlisted=True)
