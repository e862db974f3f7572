"""The chains: what an exporter sends, which one rule that breaks, and the causes that name it."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.x509.oid import NameOID, ObjectIdentifier

from tests.lab.client_chains.writing import (
    DUPLICATE_EXTENSION,
    VERSION_1,
    Made,
    make,
    rsa_key,
    unknown,
    with_printable_issuer,
    with_serial,
)

USAGE: Final = ("client_cert_wrong_usage",)
TRUST: Final = ("client_ca_untrusted",)
EXPIRED: Final = ("client_cert_expired",)
EARLY: Final = ("client_cert_not_yet_valid",)
WEAK: Final = ("client_cert_weak",)
INCOMPLETE: Final = ("client_chain_incomplete",)
RULE: Final = ("client_cert_rejected",)
"""A rule of RFC 5280 that has no cause of its own: the facts have to name it."""


@dataclass(frozen=True)
class Case:
    """One chain."""

    name: str
    chain: tuple[Made, ...]
    """What is sent, the end entity first."""
    truth: tuple[str, ...] = ()
    """The causes that name what is broken; () where nothing is."""
    culprit: str = ""
    """The CN of the certificate that breaks the rule."""
    roots: tuple[Made, ...] = ()
    """What the backend holds for it."""
    beside: tuple[Made, ...] = ()
    """What lies next to cert_file."""


PLAIN: Final = make("Lab root", ca=True)


def below(*between: Made, root: Made = PLAIN, **fields: object) -> tuple[Made, ...]:
    """Return a chain of an end entity below `between`, which lead to `root`."""
    issuer = between[0] if between else root
    return (make("checkout", issuer, **fields), *between)  # type: ignore[arg-type]


def between(name: str = "Lab issuing", issuer: Made = PLAIN, **fields: object) -> Made:
    """Return an intermediate."""
    return make(name, issuer, **({"ca": True} | fields))  # type: ignore[arg-type]


_UNREADABLE: Final = frozenset(
    {
        "leaf: negative serial number",
        "leaf: duplicate extension",
        "leaf: subjectAltName that is not ASCII",
        "leaf: IP of three octets",
        "leaf: secp256k1",
        "leaf: Ed448",
    }
)
"""What some exporters do not load themselves."""


def case(
    name: str,
    chain: tuple[Made, ...],
    truth: tuple[str, ...] = (),
    culprit: str = "",
    *,
    root: Made = PLAIN,
    beside: tuple[Made, ...] = (),
    unlisted: bool = False,
) -> Case:
    """Return a case whose root the backend holds."""
    if name in _UNREADABLE:
        truth = (*truth, "client_file_malformed")
    return Case(name, chain, truth, culprit, () if unlisted else (root,), beside)


def build_cases() -> Iterator[Case]:
    """Yield every case."""
    yield from _end_entities()
    yield from _issuers()
    yield from _constraints()
    yield from _roots()
    yield from _files()
    yield from _pairs()


def _end_entities() -> Iterator[Case]:
    leaf = "checkout"
    yield case("plain", below())
    yield case("plain below an intermediate", below(between()))
    yield case("no usages at all", below(usage=(), purposes=()))
    yield case("no key identifiers", below(key_ids=False))
    yield case("leaf: serverAuth only", below(purposes=("serverAuth",)), USAGE, leaf)
    yield case("leaf: codeSigning only", below(purposes=("codeSigning",)), USAGE, leaf)
    yield case("leaf: any purpose", below(purposes=("anyExtendedKeyUsage",)), USAGE, leaf)
    yield case("leaf: both purposes", below(purposes=("serverAuth", "clientAuth")))
    for usage in ("keyEncipherment", "keyAgreement", "nonRepudiation", "keyCertSign"):
        yield case(f"leaf: keyUsage {usage}", below(usage=(usage,)), USAGE, leaf)
    yield case(
        "leaf: CA",
        below(
            ca=True,
            usage=("digitalSignature",),
            purposes=("clientAuth",),
            sans=(x509.DNSName("a.example"),),
        ),
        USAGE,
        leaf,
    )
    yield case(
        "leaf: unknown critical extension", below(extensions=[unknown(critical=True)]), RULE, leaf
    )
    yield case("leaf: unknown extension", below(extensions=[unknown(critical=False)]))
    yield case("leaf: version 1", below(change=VERSION_1), RULE, leaf)
    yield case("leaf: without basicConstraints", below(ca=None))
    yield case("leaf: serial number 0", below(change=with_serial(b"\0")), RULE, leaf)
    yield case("leaf: negative serial number", below(change=with_serial(b"\x80\1")), RULE, leaf)
    yield case(
        "leaf: serial number of 30 octets", below(change=with_serial(b"\x11" * 30)), RULE, leaf
    )
    yield case(
        "leaf: padded serial number",
        below(change=with_serial(b"\0\0\x11")),
        ("client_file_malformed",),
        leaf,
    )
    yield case("leaf: duplicate extension", below(change=DUPLICATE_EXTENSION), RULE, leaf)
    empty = x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.17"), b"\x30\x00")
    yield case(
        "leaf: empty subjectAltName", below(sans=(), extensions=[(empty, False)]), RULE, leaf
    )
    odd = x509.UnrecognizedExtension(ObjectIdentifier("2.5.29.17"), b"\x30\x04\x82\x02\xff\xfe")
    yield case(
        "leaf: subjectAltName that is not ASCII",
        below(sans=(), extensions=[(odd, False)]),
        RULE,
        leaf,
    )
    short = x509.UnrecognizedExtension(
        ObjectIdentifier("2.5.29.17"), b"\x30\x05\x87\x03\x0a\x00\x01"
    )
    yield case("leaf: IP of three octets", below(sans=(), extensions=[(short, False)]), RULE, leaf)
    yield case("leaf: no names", (make(x509.Name([]), PLAIN, sans=()),), RULE)
    uri = x509.UniformResourceIdentifier("spiffe://example.org/checkout")
    yield case("leaf: SPIFFE, no subject", (make(x509.Name([]), PLAIN, sans=(uri,)),))
    yield case("leaf: expired", below(ends=-3), EXPIRED, leaf)
    yield case("leaf: not yet valid", below(begins=3), EARLY, leaf)
    yield case("leaf: RSA 1024", below(key=rsa_key(1024)), WEAK, leaf)
    yield case("leaf: RSA 2048", below(key=rsa_key(2048)))
    yield case("leaf: SHA-1", below(sha1=True), WEAK, leaf)
    yield case("leaf: P-384", below(key=ec.generate_private_key(ec.SECP384R1())))
    yield case(
        "leaf: P-521",
        below(key=ec.generate_private_key(ec.SECP521R1())),
        ("no_shared_signature_algorithm",),
        leaf,
    )
    yield case(
        "leaf: secp256k1",
        below(key=ec.generate_private_key(ec.SECP256K1())),
        ("no_shared_signature_algorithm", "client_cert_rejected"),
        leaf,
    )
    yield case(
        "leaf: Ed25519",
        below(key=ed25519.Ed25519PrivateKey.generate()),
        ("no_shared_signature_algorithm",),
        leaf,
    )
    yield case(
        "leaf: Ed448",
        below(key=ed448.Ed448PrivateKey.generate()),
        ("no_shared_signature_algorithm",),
        leaf,
    )
    yield case("leaf: authorityKeyIdentifier of another key", below(wrong_key_id=True), TRUST, leaf)
    yield case("leaf: signed by another key", below(signed_by=make("x").key), TRUST, leaf)
    yield case(
        "leaf: issuer in another string type", below(change=with_printable_issuer), TRUST, leaf
    )
    yield case("leaf: self-signed", (make("checkout"),), TRUST, leaf)
    pinned = make("checkout")
    yield case("leaf: self-signed, held by the backend", (pinned,), TRUST, leaf, root=pinned)


def _issuers() -> Iterator[Case]:
    above = "Lab issuing"
    yield case(
        "intermediate: CA:FALSE",
        below(between(ca=False, usage=("keyCertSign",), purposes=(), sans=())),
        RULE,
        above,
    )
    yield case(
        "intermediate: without basicConstraints",
        below(between(ca=None, usage=("keyCertSign",), purposes=(), sans=())),
        RULE,
        above,
    )
    yield case("intermediate: an end entity", below(between(ca=False)), RULE, above)
    yield case("intermediate: version 1", below(between(change=VERSION_1)), RULE, above)
    yield case(
        "intermediate: without keyCertSign",
        below(between(usage=("digitalSignature", "cRLSign"))),
        RULE,
        above,
    )
    yield case("intermediate: without keyUsage", below(between(usage=())))
    yield case(
        "intermediate: serverAuth only", below(between(purposes=("serverAuth",))), USAGE, above
    )
    yield case("intermediate: clientAuth", below(between(purposes=("clientAuth",))))
    yield case(
        "intermediate: any purpose", below(between(purposes=("anyExtendedKeyUsage",))), USAGE, above
    )
    yield case(
        "intermediate: unknown critical extension",
        below(between(extensions=[unknown(critical=True)])),
        RULE,
        above,
    )
    yield case("intermediate: expired", below(between(ends=-3)), EXPIRED, above)
    yield case("intermediate: not yet valid", below(between(begins=3)), EARLY, above)
    yield case("intermediate: RSA 1024", below(between(key=rsa_key(1024))), WEAK, above)
    yield case("intermediate: SHA-1", below(between(sha1=True)), WEAK, above)
    yield case(
        "intermediate: negative serial number",
        below(between(change=with_serial(b"\x80\1"))),
        RULE,
        above,
    )
    yield case(
        "intermediate: authorityKeyIdentifier of another key",
        below(between(wrong_key_id=True)),
        TRUST,
        above,
    )
    yield case(
        "intermediate: signed by another key", below(between(signed_by=make("x").key)), TRUST, above
    )
    real = between()
    fake = between(key=make("x").key)
    yield case("intermediate: another key", (make("checkout", real), fake), TRUST, "checkout")
    low = between("Lab low", between(path_length=0))
    yield case(
        "intermediate: path length 0",
        (make("checkout", low), low, between(path_length=0)),
        TRUST,
        "checkout",
    )
    limited = between(path_length=0)
    low = between("Lab low", limited)
    yield case("path length: 0 with a CA below", (make("checkout", low), low, limited), RULE, above)
    limited = between(path_length=1)
    low = between("Lab low", limited)
    yield case("path length: 1 with a CA below", (make("checkout", low), low, limited))
    chain: list[Made] = []
    issuer = PLAIN
    for number in range(6):
        issuer = between(f"Lab {number}", issuer)
        chain.insert(0, issuer)
    yield case("six intermediates", (make("checkout", issuer), *chain), RULE, "")
    policies = x509.CertificatePolicies([x509.PolicyInformation(ObjectIdentifier("1.2.3.4"), None)])
    explicit = x509.PolicyConstraints(0, None)
    yield case(
        "intermediate: requires a policy",
        below(between(extensions=[(explicit, True), (policies, False)])),
        RULE,
        "",
    )
    yield case(
        "intermediate: requires a policy, which the leaf has",
        below(
            between(extensions=[(explicit, True), (policies, False)]),
            extensions=[(policies, False)],
        ),
        RULE,
        above,
    )
    yield case(
        "intermediate: inhibits any policy",
        below(between(extensions=[(x509.InhibitAnyPolicy(0), True), (policies, False)])),
        RULE,
        above,
    )


def _names(
    permitted: list[x509.GeneralName] | None = None,
    excluded: list[x509.GeneralName] | None = None,
    *,
    critical: bool = True,
) -> tuple[x509.ExtensionType, bool]:
    return x509.NameConstraints(permitted, excluded), critical


def _constraints() -> Iterator[Case]:
    above = "Lab issuing"
    dns, uri = x509.DNSName, x509.UniformResourceIdentifier
    fits = _names([dns("example.com")])
    yield case("name constraint: permitted", below(between(extensions=[fits])))
    yield case(
        "name constraint: another domain",
        below(between(extensions=[_names([dns("other.example")])])),
        RULE,
        above,
    )
    yield case(
        "name constraint: another domain, not critical",
        below(between(extensions=[_names([dns("other.example")], critical=False)])),
        RULE,
        above,
    )
    yield case(
        "name constraint: excluded",
        below(between(extensions=[_names(None, [dns("example.com")])])),
        RULE,
        above,
    )
    ip = x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))
    yield case(
        "name constraint: another network",
        below(
            between(extensions=[_names([ip])]),
            sans=(x509.IPAddress(ipaddress.ip_address("192.0.2.1")),),
        ),
        RULE,
        above,
    )
    yield case(
        "name constraint: the network",
        below(
            between(extensions=[_names([ip])]),
            sans=(x509.IPAddress(ipaddress.ip_address("10.1.2.3")),),
        ),
        RULE,
        above,
    )
    yield case(
        "name constraint: another trust domain",
        below(
            between(extensions=[_names([uri("other.example")])]),
            sans=(uri("spiffe://example.org/checkout"),),
        ),
        RULE,
        above,
    )
    yield case(
        "name constraint: the trust domain",
        below(
            between(extensions=[_names([uri("example.org")])]),
            sans=(uri("spiffe://example.org/checkout"),),
        ),
        RULE,
        above,
    )
    organisation = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Other")])
    yield case(
        "name constraint: another organisation",
        below(between(extensions=[_names([x509.DirectoryName(organisation)])])),
        RULE,
        above,
    )
    mail = x509.RFC822Name
    yield case(
        "name constraint: another mail domain",
        below(between(extensions=[_names([mail("other.example")])]), sans=(mail("a@example.com"),)),
        RULE,
        above,
    )
    yield case(
        "name constraint: of a kind that the leaf has not",
        below(between(extensions=[_names([mail("other.example")])])),
    )


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
            root("Lab root, names", extensions=[_names([x509.DNSName("other.example")])]),
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
        "another domain": ({"extensions": [_names([x509.DNSName("other.example")])]}, RULE),
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
