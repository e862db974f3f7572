"""A certificate file as an exporter's: its usages, its strength and its chain.

Pure. A fault is what backends refuse as a rule, a remark what some do.
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from probe.diagnosis.readings.client_rules import USAGES, state_rule
from probe.exporters.client_chain import find_broken_rules
from probe.inspection.file_report import Judgement
from probe.model.certificate import CertificateFacts, LocatedCertificate, name_certificate
from probe.text.safe_text import quote_path
from probe.x509.path import names_issuer
from probe.x509.strength import SMALLEST_RSA_BITS_OF_GO, find_weak_key, find_weak_signature
from probe.x509.usages import describe_key_usage_fault, describe_usage_fault

_WRONG_USAGE: Final = "client_cert_wrong_usage"
_REISSUE: Final = (
    "issue a certificate with extendedKeyUsage clientAuth and keyUsage digitalSignature "
    "(in cert-manager: usages: [client auth, digital signature])"
)
_STRENGTHEN: Final = "issue it anew with an EC P-256 or RSA-2048 key, signed with SHA-256"


def judge_client(found: Judgement, chain: Sequence[CertificateFacts], *, meant: bool) -> None:
    """Judge usages and strength of what a file holds as an exporter's certificate and its issuers.

    Args:
        found: where the judgement is added.
        chain: the file's certificates, in its order; at least one.
        meant: whether somebody said that it is the exporter's; else wrong usages are only findings.
    """
    first = chain[0]
    end_entity = next((place for place, one in enumerate(chain, 1) if not one.is_ca), 0)
    if end_entity > 1:
        found.add_fault(
            "client_chain_misordered",
            f"begins with the CA certificate {name_certificate(first)}; the end entity "
            f"{name_certificate(chain[end_entity - 1])} is in place {end_entity}",
            f"move certificate {end_entity} of {found.path} to the top, then its issuers in order",
        )
    else:
        _judge_usages(found, first, meant=meant)
    if weakness := find_weak_signature(chain):
        fact = f"holds a weak signature: {weakness}, which Go, rustls and OpenSSL refuse"
        found.add_fault("client_cert_weak", fact, _STRENGTHEN)
    if weakness := find_weak_key(chain, SMALLEST_RSA_BITS_OF_GO):
        fact = f"holds a weak key: {weakness}, which Go and OpenSSL refuse"
        found.add_fault("client_cert_weak", fact, _STRENGTHEN)
    elif weakness := find_weak_key(chain):
        refuses = "which OpenSSL refuses at its usual level, and Go does not"
        found.add_remark(
            "client_cert_weak", f"holds a weak key: {weakness}, {refuses}", _STRENGTHEN
        )


def _judge_usages(found: Judgement, first: CertificateFacts, *, meant: bool) -> None:
    name = name_certificate(first)
    if first.is_ca:
        fact = (
            f"holds a CA certificate, {name} (basicConstraints CA:TRUE), "
            "where an end entity's belongs; some TLS stacks refuse it"
        )
        found.add_remark(_WRONG_USAGE, fact, _REISSUE)
    if fault := describe_usage_fault(first, "clientAuth"):
        fact = f"holds {name}; {fault}: backends refuse it from an exporter"
        found.add(_WRONG_USAGE, fact, _REISSUE, stops=meant)
    if not first.is_ca and (fault := describe_key_usage_fault(first)):
        found.add_remark(
            _WRONG_USAGE, f"holds {name}; {fault}: some TLS stacks refuse it", _REISSUE
        )


def judge_links(
    found: Judgement, chain: Sequence[x509.Certificate], facts: Sequence[CertificateFacts]
) -> None:
    """Judge how each certificate of a file rests on the one behind it (RFC 5280 §6.1)."""
    if len({one.sha256 for one in facts}) < len(facts):
        found.facts.append("it has the same certificate more than once")
    rules = find_broken_rules([one.public_bytes(Encoding.DER) for one in chain])
    for faults, stops in ((rules.by_all, True), (rules.by_some, False)):
        for fault in faults:
            cause = _WRONG_USAGE if fault.kind in USAGES else "client_cert_rejected"
            if fault.kind == "bad_signature":
                cause = "client_ca_untrusted"
            name = fault.subject or "a certificate without a subject"
            refused = "no backend accepts it" if stops else "some backends refuse it"
            found.add(
                cause,
                f"holds {name} in place {(fault.position or 0) + 1}, which {state_rule(fault)}: "
                f"{refused}",
                f"have {name} issued again without that fault, or use another CA's certificate",
                stops=stops,
            )


def judge_issuers(
    found: Judgement, chain: Sequence[CertificateFacts], unsent: Sequence[LocatedCertificate]
) -> None:
    """Say where the issuers are that a file does not hold."""
    if not chain or any(one.self_signed for one in chain):
        return
    if not unsent:
        last = next(
            (one for one in chain if not any(names_issuer(one, other) for other in chain)),
            chain[-1],
        )
        found.facts.append(
            f"its issuer {last.issuer.text} is in none of the files: "
            "the backend needs it in its client CA file"
        )
        return
    first = unsent[0]
    name, last_name = name_certificate(first.certificate), name_certificate(chain[-1])
    if first.certificate.self_signed:
        found.facts.append(f"its issuer {name} is in {first.path}")
        return
    found.add_remark(
        "client_chain_incomplete",
        f"lacks the intermediate {name} that issued {last_name}; it is in {first.path}. "
        "A backend that has only the root cannot build the path",
        f"cat {quote_path(first.path)} >> {quote_path(found.path)}  # if it holds no more than that",
        f"or append the certificate of {name} alone, behind {last_name}",
    )
