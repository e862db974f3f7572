"""Client certificates and CA files of many kinds, for what a receiver's Collector makes of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.pki import (
    Authority,
    Issued,
    PrivateKey,
    extended_key_usage,
    key_usage_extension,
    name_of,
    new_key,
)

_SIGNS: Final = ("digitalSignature", "keyCertSign", "cRLSign")


def make_ca(
    name: str,
    issuer: Authority | None = None,
    *,
    key: PrivateKey | None = None,
    begins: float = -400,
    ends: float = 400,
    is_ca: bool | None = True,
    path_length: int | None = None,
    usages: Sequence[str] | None = None,
    key_usage: Sequence[str] = _SIGNS,
    constraints: x509.NameConstraints | None = None,
) -> Authority:
    """Return an authority with what a CA should not have; `begins` and `ends` are days from now."""
    now = datetime.now(UTC)
    key = key or new_key("ec")
    subject = name_of(name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=begins))
        .not_valid_after(now + timedelta(days=ends))
        .add_extension(key_usage_extension(key_usage), critical=True)
    )
    if is_ca is not None:
        basic = x509.BasicConstraints(is_ca, path_length if is_ca else None)
        builder = builder.add_extension(basic, critical=True)
    if usages is not None:
        builder = builder.add_extension(extended_key_usage(usages), critical=False)
    if constraints is not None:
        builder = builder.add_extension(constraints, critical=True)
    certificate = builder.sign(issuer.issued.key if issuer else key, hashes.SHA256())
    above = (issuer.certificate, *issuer.above) if issuer else ()
    return Authority(Issued(certificate, key), now, above)


def join(*authorities: Authority) -> bytes:
    """Return their certificates as one PEM text."""
    return b"".join(one.certificate.public_bytes(Encoding.PEM) for one in authorities)


class Chains:
    """The authorities, made once; `clients` by name, and `ca_files` by name."""

    def __init__(self) -> None:
        """Make keys and certificates."""
        now = datetime.now(UTC)
        self.a, self.b = Authority.root("CA A"), Authority.root("CA B")
        again = self.a.rekeyed()
        middle = self.a.intermediate("Intermediate of A")
        low = middle.intermediate("Intermediate below it")
        key = self.a.issued.key
        ended = make_ca("CA A", key=key, begins=-800, ends=-1)
        early = make_ca("CA A", key=key, begins=2)
        short = make_ca("CA without intermediates", path_length=0)
        below_short = make_ca("Intermediate of that", short)
        dns = x509.NameConstraints([x509.DNSName("example.com")], None)
        other_dns = x509.NameConstraints(None, [x509.DNSName("localhost")])
        net = x509.NameConstraints([x509.IPAddress(ip_network("10.0.0.0/8"))], None)
        named, excluded, addressed = (
            make_ca(name, constraints=limits)
            for name, limits in (
                ("CA for names", dns),
                ("CA against", other_dns),
                ("CA for 10", net),
            )
        )
        for_servers = make_ca("CA for servers", usages=("serverAuth",))
        for_clients = make_ca("CA for clients", usages=("clientAuth",))
        mute = make_ca("CA that signs nothing", key_usage=("digitalSignature",))
        no_ca, unclear = make_ca("No CA", is_ca=False), make_ca("Unclear CA", is_ca=None)
        rsa, ed = (
            Authority.root("RSA CA", key_type="rsa2048"),
            Authority.root("Ed CA", key_type="ed25519"),
        )
        ended_middle = make_ca(
            "Intermediate of A", self.a, key=middle.issued.key, begins=-9, ends=-1
        )
        server_middle = make_ca("Intermediate for servers", self.a, usages=("serverAuth",))
        plain = self.a.issue("client")
        alone = make_ca("alone", is_ca=False, key_usage=("digitalSignature",))
        self.clients: Mapping[str, tuple[bytes, bytes]] = {
            name: (issued.pem + join(*above), issued.key_pem)
            for name, issued, above in (
                ("of A", plain, ()),
                ("with its root", plain, (self.a,)),
                ("expired", self.a.issue("c", not_before=now - timedelta(days=9), not_after=now - timedelta(hours=1)), ()),
                ("early", self.a.issue("c", not_before=now + timedelta(hours=3)), ()),
                ("a server's", self.a.issue("c", usages=("serverAuth",)), ()),
                ("without usages", self.a.issue("c", usages=None), ()),
                ("without digitalSignature", self.a.issue("c", key_usage=("keyAgreement",)), ()),
                ("a CA's own", self.a.issue("c", is_ca=True), ()),
                ("signed with SHA-1", self.a.issue("c", signature_hash="sha1"), ()),
                ("RSA 2048", self.a.issue("c", key_type="rsa2048"), ()),
                ("Ed25519", self.a.issue("c", key_type="ed25519"), ()),
                ("of A's other key", again.issue("c"), ()),
                ("of B", self.b.issue("c"), ()),
                ("of the intermediate, alone", middle.issue("c"), ()),
                ("of the intermediate", middle.issue("c"), (middle,)),
                ("of the lower one", low.issue("c"), (low, middle)),
                ("misordered", low.issue("c"), (middle, low)),
                ("with a gap", low.issue("c"), (low,)),
                ("through an expired one", middle.issue("c"), (ended_middle,)),
                ("through one for servers", server_middle.issue("c"), (server_middle,)),
                ("below a short path", short.issue("c"), ()),
                ("below too long a path", below_short.issue("c"), (below_short,)),
                ("named wrong", named.issue("c"), ()),
                ("named right", named.issue("c", sans=("DNS:a.example.com",)), ()),
                ("excluded", excluded.issue("c"), ()),
                ("addressed", addressed.issue("c", sans=("IP:10.1.2.3",)), ()),
                ("of a CA for servers", for_servers.issue("c"), ()),
                ("of a CA for clients", for_clients.issue("c"), ()),
                ("of a mute CA", mute.issue("c"), ()),
                ("of no CA", no_ca.issue("c"), ()),
                ("of an unclear CA", unclear.issue("c"), ()),
                ("of an RSA CA", rsa.issue("c"), ()),
                ("of an Ed25519 CA", ed.issue("c"), ()),
                ("self-signed", alone.issued, ()),
            )
        }  # fmt: skip
        special = (short, named, excluded, addressed, for_servers, for_clients, mute, no_ca)
        self.ca_files: Mapping[str, bytes] = {
            "A": join(self.a),
            "A and B": join(self.a, self.b),
            "B": join(self.b),
            "A with another key": join(again),
            "A with both keys": join(again, self.a),
            "the intermediate": join(middle),
            "the lower one and A": join(low, self.a),
            "A expired": join(ended),
            "A expired, and A": join(ended, self.a),
            "A not valid yet": join(early),
            "an end entity": plain.pem,
            "a self-signed end entity": alone.issued.pem,
            "special ones": join(*special, unclear, rsa, ed),
            "one for servers": join(for_servers),
            "a damaged block, and A": b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" + join(self.a),
            "CRLF": join(self.a).replace(b"\n", b"\r\n"),
        }  # fmt: skip
        self.unusable: Mapping[str, bytes] = {
            "a header in the block": join(self.a).replace(b"TE-----\n", b"TE-----\nFoo: bar\n\n", 1),
            "OpenSSL's own form": join(self.a).replace(b"CERTIFICATE", b"TRUSTED CERTIFICATE"),
            "a key": self.a.issued.key_pem,
            "nothing": b"",
            "DER": self.a.issued.der,
            "a byte order mark": b"\xef\xbb\xbf" + join(self.a),
        }  # fmt: skip
