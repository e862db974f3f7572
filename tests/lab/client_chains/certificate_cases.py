"""Chains with one fault of the end entity, of an intermediate, or of name constraints."""

import ipaddress
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519
from cryptography.x509.oid import NameOID, ObjectIdentifier

from tests.lab.client_chains.case import (
    EARLY,
    EXPIRED,
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


def build_certificate_cases() -> Iterator[Case]:
    """Yield every case of a certificate that is sent."""
    yield from _end_entities()
    yield from _issuers()
    yield from _constraints()


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


def _constraints() -> Iterator[Case]:
    above = "Lab issuing"
    dns, uri = x509.DNSName, x509.UniformResourceIdentifier
    fits = make_name_constraints([dns("example.com")])
    yield case("name constraint: permitted", below(between(extensions=[fits])))
    yield case(
        "name constraint: another domain",
        below(between(extensions=[make_name_constraints([dns("other.example")])])),
        RULE,
        above,
    )
    yield case(
        "name constraint: another domain, not critical",
        below(between(extensions=[make_name_constraints([dns("other.example")], critical=False)])),
        RULE,
        above,
    )
    yield case(
        "name constraint: excluded",
        below(between(extensions=[make_name_constraints(None, [dns("example.com")])])),
        RULE,
        above,
    )
    ip = x509.IPAddress(ipaddress.ip_network("10.0.0.0/8"))
    yield case(
        "name constraint: another network",
        below(
            between(extensions=[make_name_constraints([ip])]),
            sans=(x509.IPAddress(ipaddress.ip_address("192.0.2.1")),),
        ),
        RULE,
        above,
    )
    yield case(
        "name constraint: the network",
        below(
            between(extensions=[make_name_constraints([ip])]),
            sans=(x509.IPAddress(ipaddress.ip_address("10.1.2.3")),),
        ),
        RULE,
        above,
    )
    yield case(
        "name constraint: another trust domain",
        below(
            between(extensions=[make_name_constraints([uri("other.example")])]),
            sans=(uri("spiffe://example.org/checkout"),),
        ),
        RULE,
        above,
    )
    yield case(
        "name constraint: the trust domain",
        below(
            between(extensions=[make_name_constraints([uri("example.org")])]),
            sans=(uri("spiffe://example.org/checkout"),),
        ),
        RULE,
        above,
    )
    organisation = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Other")])
    yield case(
        "name constraint: another organisation",
        below(between(extensions=[make_name_constraints([x509.DirectoryName(organisation)])])),
        RULE,
        above,
    )
    mail = x509.RFC822Name
    yield case(
        "name constraint: another mail domain",
        below(
            between(extensions=[make_name_constraints([mail("other.example")])]),
            sans=(mail("a@example.com"),),
        ),
        RULE,
        above,
    )
    yield case(
        "name constraint: of a kind that the leaf has not",
        below(between(extensions=[make_name_constraints([mail("other.example")])])),
    )
