"""A certificate file as an exporter's: its usages, its strength and its chain.

Pure. A fault is what backends refuse as a rule, a remark what some do.
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509

from probe.inspection.file_report import Judgement
from probe.model.certificate import CertificateFacts, LocatedCertificate, name_certificate
from probe.text.safe_text import quote_path
from probe.x509.path import get_path_length, has_issuer_key, names_issuer
from probe.x509.signature import is_issued_by
from probe.x509.strength import SMALLEST_RSA_BITS_OF_GO, find_weak_key, find_weak_signature
from probe.x509.usages import describe_key_usage_fault, describe_usage_fault, may_issue

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
    for place in range(1, len(chain)):
        below, above = facts[place - 1], facts[place]
        if not names_issuer(below, above):
            continue
        if not is_issued_by(chain[place - 1], chain[place]):
            found.add_remark(
                "client_ca_untrusted",
                f"holds {name_certificate(below)}, which a CA of the name {below.issuer.text} "
                f"signed, but with another key than certificate {place + 1} in it has: that CA was "
                "reissued",
                f"use the certificate of {name_certificate(above)} whose key signed, or issue anew",
            )
            continue
        if not has_issuer_key(below, above):
            found.add_remark(
                "client_ca_untrusted",
                f"names another key of its issuer ({below.authority_key_id[:16]}…, "
                f"authorityKeyIdentifier) than certificate {place + 1} has "
                f"({above.subject_key_id[:16]}…, subjectKeyIdentifier): OpenSSL does not take that "
                "one for the issuer",
                "issue the certificate anew: its authorityKeyIdentifier is wrong",
            )
        if reason := _describe_no_issuer(chain[place], above, place - 1):
            found.add_fault(
                _WRONG_USAGE,
                f"has in place {place + 1} {reason}",
                f"use a CA certificate that may issue in place of {name_certificate(above)}",
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


def _describe_no_issuer(certificate: x509.Certificate, facts: CertificateFacts, below: int) -> str:
    """Say why a certificate may not have issued those before it (RFC 5280 §6.1.4)."""
    name = name_certificate(facts)
    if not facts.is_ca:
        return f"{name}, which issued the one before it but is not a CA (basicConstraints)"
    if not may_issue(facts):
        return f"{name}, whose keyUsage lacks keyCertSign"
    limit = get_path_length(certificate)
    if limit is not None and limit < below:
        return f"{name}, whose pathLenConstraint {limit} allows no {below} CAs below it"
    return ""
