"""What TLS stacks answer to a faulty client certificate, observed in handshakes with real ones.

A cell is an alert's number, `close` (FIN or RST, no alert), `400` or `403` (judged above TLS),
`in` (accepted), or `-` (no such check, or not known); `a/b` are TLS 1.2 and TLS 1.3.
"""

from dataclasses import dataclass
from typing import Final

from probe.model.certificate import CertificateFacts
from tests.support.certificate_facts import (
    CLIENT_CA,
    EXPORTER,
    ISSUING_CA,
    OTHER_CA,
    authority,
    exporter,
)

STACKS: Final = (
    "Go 1.25", "Go 1.21", "OpenSSL", "BoringSSL", "rustls", "JSSE", "GnuTLS", "grpc-core", "Node",
    "nginx", "nginx stream",
)  # fmt: skip

NAMES_NO_CAS: Final = frozenset({"grpc-core"})
"""Stacks whose CertificateRequest holds an empty list."""


@dataclass(frozen=True)
class ClientFault:
    """One fault: what is sent, what lies next to it, what the backend lists, and the truth."""

    what: str
    truths: tuple[str, ...]
    """The true causes: each has to be named, and the primary one has to be among them."""
    cells: str
    """What each of STACKS answers."""
    chain: tuple[CertificateFacts, ...] = (EXPORTER,)
    at_hand: tuple[CertificateFacts, ...] = (CLIENT_CA,)
    listed: tuple[CertificateFacts, ...] = (CLIENT_CA,)


_OLD_ISSUER = authority("Exporter issuing CA 1", CLIENT_CA, ends=-1)
_OLD_ROOT = authority("Exporter client CA", ends=-1)
_RSA_1024 = {"key_type": "RSA", "key_bits": 1024}

FAULTS: Final = (
    ClientFault(
        "unknown client CA",
        ("client_ca_untrusted",),
        "48 48 48 48 48 46 49 close close 400 close",
        listed=(OTHER_CA,),
    ),
    ClientFault(
        "re-keyed CA",
        ("client_ca_untrusted",),
        "48 48 48 48 51 46 49 close close 400 close",
    ),
    ClientFault(
        "re-keyed CA, no authorityKeyIdentifier",
        ("client_ca_untrusted",),
        "48 48 51 51 51 46 49 close close 400 close",
        chain=(exporter(authority_key_id=""),),
    ),
    ClientFault(
        "self-signed certificate",
        ("client_ca_untrusted",),
        "48 48 48 48 48 46 49 close close 400 close",
        chain=(exporter(None),),
        at_hand=(),
    ),
    ClientFault(
        "missing intermediate, available",
        ("client_chain_incomplete",),
        "48 48 48 48 48 46 49 close close 400 close",
        chain=(exporter(ISSUING_CA),),
        at_hand=(ISSUING_CA, CLIENT_CA),
    ),
    ClientFault(
        "missing intermediate, not available",
        ("client_chain_incomplete",),
        "48 48 48 48 48 46 49 close close 400 close",
        chain=(exporter(ISSUING_CA),),
        at_hand=(),
    ),
    ClientFault(
        "expired certificate",
        ("client_cert_expired",),
        "45 45 45 45 45 46 49 close close 400 close",
        chain=(exporter(ends=-2),),
    ),
    ClientFault(
        "expired intermediate, sent along",
        ("client_cert_expired",),
        "45 45 45 45 45 46 49 close close 400 close",
        chain=(exporter(_OLD_ISSUER), _OLD_ISSUER),
    ),
    ClientFault(
        "expired CA in the backend's pool, and available here",
        ("client_cert_expired",),
        "45 45 45 45 45 46 49 close close 400 close",
        chain=(exporter(_OLD_ROOT),),
        at_hand=(_OLD_ROOT,),
    ),
    ClientFault(
        "not yet valid",
        ("client_cert_not_yet_valid",),
        "45 45 42 45 45 46 49 close close 400 close",
        chain=(exporter(begins=2),),
    ),
    ClientFault(
        "expired and unknown CA",
        ("client_cert_expired", "client_ca_untrusted"),
        "45 45 48 48 45 46 49 - close 400 close",
        chain=(exporter(ends=-2),),
        listed=(OTHER_CA,),
    ),
    ClientFault(
        "extendedKeyUsage serverAuth only",
        ("client_cert_wrong_usage",),
        "42 42 43 43 43 46 in close close 400 close",
        chain=(exporter(usage=("serverAuth",)),),
    ),
    ClientFault(
        "keyUsage without digitalSignature",
        ("client_cert_wrong_usage",),
        "in in 43 in/47 in 46 80 close close 400 close",
        chain=(exporter(key_usage=("keyEncipherment",)),),
    ),
    ClientFault(
        "revoked, and the backend has the list",
        ("client_cert_revoked",),
        "- - 44 44 44 46 49 - close 400 close",
    ),
    ClientFault(
        "signed with SHA-1",
        ("client_cert_weak",),
        "48 48 42 in 51 in 49 in close 400 close",
        chain=(exporter(signature_hash="sha1"),),
    ),
    ClientFault(
        "RSA key of 1024 bits",
        ("client_cert_weak",),
        "in in 42 in 51 in in in in 400 close",
        chain=(exporter(**_RSA_1024),),
    ),
    ClientFault(
        "key of a kind that the backend takes no signatures of",
        ("no_shared_signature_algorithm",),
        "43 43 40 43 51 46 40 close - - -",
        chain=(exporter(key_type="Ed25519", signature_hash=""),),
    ),
    ClientFault(
        "no certificate, and one is required",
        ("client_cert_not_sent",),
        "40/116 42/116 40/116 40/116 116 40/116 50/116 close 40/116 400 close",
        chain=(),
    ),
    ClientFault(
        "name not among those allowed",
        ("client_san_rejected",),
        "42 42 40 46 49 46 49 close close 403 close",
    ),
    ClientFault(
        "name or key pinned otherwise (Envoy)",
        ("client_san_rejected",),
        "- - - 114 - - - - - - -",
    ),
    ClientFault(
        "backend's clock 60 days ahead, three days left here",
        ("clock_skew",),
        "45 45 45 45 45 46 49 close close 400 close",
        chain=(exporter(ends=3),),
    ),
    ClientFault(
        "backend's clock 60 days ahead, 30 days left here",
        ("clock_skew",),
        "45 45 45 45 45 - - - - - -",
        chain=(exporter(ends=30),),
    ),
    ClientFault(
        "backend's clock a day behind, issued an hour ago",
        ("clock_skew",),
        "45 45 42 45 45 46 49 close close 400 close",
        chain=(exporter(begins=-1 / 24),),
    ),
)
"""Not here: faults that end at `load` (key and certificate no pair, DER that does not parse), a
backend that lacks a revocation list, and RSA keys above 8192 bits, which no cause is about."""
