"""A certificate file as an exporter's: its dates, its usages, its strength and its chain.

Pure. A fault is what backends refuse as a rule, a remark what some do (causes.md).
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509

from probe.credentials.content import make_fault
from probe.inspection.dates import ends_soon, expired, not_yet_valid
from probe.inspection.file_report import Findings
from probe.model.certificate import CertificateAtHand, CertificateFacts, name_certificate
from probe.model.finding import Finding
from probe.text.safe_text import quote_path
from probe.x509.signature import is_issued_by
from probe.x509.strength import SMALLEST_RSA_BITS_OF_GO, find_weak_key, find_weak_signature

_RENEW: Final = "renew the certificate, and put it in {path} with its key in key_file"
_REISSUE: Final = (
    "issue a certificate with extendedKeyUsage clientAuth and keyUsage digitalSignature "
    "(in cert-manager: usages: [client auth, digital signature])"
)


def judge_dates(path: str, chain: Sequence[CertificateFacts], at: float) -> Findings:
    """Judge whether the certificates of `path` are valid `at` seconds since the Unix epoch."""
    found = Findings()
    for place, certificate in enumerate(chain):
        _judge_dates(path, certificate, at, found, root=bool(place) and certificate.self_signed)
    return found


def judge_client(path: str, chain: Sequence[CertificateFacts], *, meant: bool) -> Findings:
    """Judge usages and strength of what `path` holds as an exporter's certificate and its issuers.

    Args:
        path: the file, as facts name it.
        chain: its certificates, in its order.
        meant: whether somebody said that it is the exporter's; else usages are only remarked on.
    """
    found = Findings()
    if not chain:
        return found
    _judge_end_entity(path, chain, found, meant=meant)
    _judge_strength(path, chain, found)
    return found


def judge_links(
    path: str, chain: Sequence[x509.Certificate], facts: Sequence[CertificateFacts]
) -> Findings:
    """Judge how each certificate of `path` rests on the one behind it (RFC 5280 §6.1)."""
    found = Findings()
    if len({one.sha256 for one in facts}) < len(facts):
        found.facts.append("the same certificate stands in it more than once")
    for place in range(len(chain) - 1):
        below, above = facts[place], facts[place + 1]
        if below.issuer.digest != above.subject.digest:
            continue
        if not is_issued_by(chain[place], chain[place + 1]):
            found.remarks.append(rekeyed(path, below, above, f"certificate {place + 2} in it"))
            continue
        keys = below.authority_key_id, above.subject_key_id
        if all(keys) and keys[0] != keys[1]:
            fact = (
                f"names another key of its issuer ({keys[0][:16]}…, authorityKeyIdentifier) than "
                f"certificate {place + 2} has ({keys[1][:16]}…, subjectKeyIdentifier): OpenSSL "
                "does not take that one for the issuer"
            )
            fix = ("issue the certificate anew: its authorityKeyIdentifier is wrong",)
            found.remarks.append(make_fault("cert", path, fact, fix, "client_ca_untrusted"))
        fault = _no_issuer(chain[place + 1], above, place)
        if fault:
            fix = (f"use a CA certificate that may issue in place of {name_certificate(above)}",)
            fault = f"has in place {place + 2} {fault}"
            found.faults.append(make_fault("cert", path, fault, fix, "client_cert_wrong_usage"))
    return found


def judge_continuation(
    path: str, chain: Sequence[CertificateFacts], beyond: Sequence[CertificateAtHand]
) -> Findings:
    """Say where the issuers are that `path` does not hold."""
    found = Findings()
    if not chain or any(one.self_signed for one in chain):
        return found
    if not beyond:
        issuers = {one.subject.digest for one in chain}
        last = next((one for one in chain if one.issuer.digest not in issuers), chain[-1])
        found.facts.append(
            f"its issuer {last.issuer.text} is in none of the files: "
            "the backend needs it in its client CA file"
        )
        return found
    first = beyond[0]
    name = name_certificate(first.certificate)
    if first.certificate.self_signed:
        found.facts.append(f"its issuer {name} stands in {first.path}")
        return found
    fact = (
        f"lacks the intermediate {name} that issued {name_certificate(chain[-1])}; it stands in {first.path}. "
        "A backend that has only the root cannot build the path"
    )
    fix = (
        f"cat {quote_path(first.path)} >> {quote_path(path)}  # if it holds no more than that",
        f"or append the certificate of {name} alone, behind {name_certificate(chain[-1])}",
    )
    found.remarks.append(make_fault("cert", path, fact, fix, "client_chain_incomplete"))
    return found


def rekeyed(path: str, below: CertificateFacts, above: CertificateFacts, where: str) -> Finding:
    """Return the remark that a CA has the issuer's name and another key than signed."""
    fact = (
        f"holds {name_certificate(below)}, which a CA of the name {below.issuer.text} signed, "
        f"but with another key than {where} has: that CA was reissued"
    )
    fix = (f"use the certificate of {name_certificate(above)} whose key signed, or issue anew",)
    return make_fault("cert", path, fact, fix, "client_ca_untrusted")


def _judge_dates(
    path: str, certificate: CertificateFacts, at: float, found: Findings, *, root: bool
) -> None:
    fix = (_RENEW.format(path=path),)
    if fact := expired(certificate, at):
        fault = make_fault("cert", path, f"holds {fact}", fix, "client_cert_expired")
        # A backend takes its own copy of the root.
        (found.remarks if root else found.faults).append(fault)
    elif fact := not_yet_valid(certificate, at):
        ahead = ("compare the clock of this machine with the CA's: date -u",)
        fault = make_fault("cert", path, f"holds {fact}", ahead, "client_cert_not_yet_valid")
        found.faults.append(fault)
    elif fact := ends_soon(certificate, at):
        found.remarks.append(make_fault("cert", path, f"holds {fact}", fix, "client_cert_expired"))


def _judge_end_entity(
    path: str, chain: Sequence[CertificateFacts], found: Findings, *, meant: bool
) -> None:
    first = chain[0]
    if first.is_ca:
        place = next((at for at, one in enumerate(chain, 1) if not one.is_ca), 0)
        if place:
            fact = (
                f"begins with the CA certificate {name_certificate(first)}; the end entity "
                f"{name_certificate(chain[place - 1])} stands in place {place}"
            )
            fix = (f"move certificate {place} of {path} to the top, then its issuers in order",)
            fault = make_fault("cert", path, fact, fix, "client_chain_misordered")
            found.faults.append(fault)
            return
        fact = (
            f"holds a CA certificate, {name_certificate(first)} (basicConstraints CA:TRUE), "
            "where an end entity's belongs; some TLS stacks refuse it"
        )
        found.remarks.append(make_fault("cert", path, fact, (_REISSUE,), "client_cert_wrong_usage"))
    usages = first.extended_key_usage
    if usages is not None and not {"clientAuth", "anyExtendedKeyUsage"} & set(usages):
        fact = (
            f"holds {name_certificate(first)}, whose extendedKeyUsage is {', '.join(usages) or 'empty'}, "
            "without clientAuth: backends refuse it from an exporter"
        )
        fault = make_fault("cert", path, fact, (_REISSUE,), "client_cert_wrong_usage")
        (found.faults if meant else found.remarks).append(fault)
    bits = first.key_usage
    if bits is not None and "digitalSignature" not in bits and not first.is_ca:
        fact = (
            f"holds {name_certificate(first)}, whose keyUsage is {', '.join(bits) or 'empty'}, without "
            "digitalSignature: some TLS stacks refuse it"
        )
        found.remarks.append(make_fault("cert", path, fact, (_REISSUE,), "client_cert_wrong_usage"))


def _judge_strength(path: str, chain: Sequence[CertificateFacts], found: Findings) -> None:
    fix = ("issue it anew with an EC P-256 or RSA-2048 key, signed with SHA-256",)
    if weakness := find_weak_signature(chain):
        fact = f"holds a weak signature: {weakness}, which Go, rustls and OpenSSL refuse"
        found.faults.append(make_fault("cert", path, fact, fix, "client_cert_weak"))
    if weakness := find_weak_key(chain, SMALLEST_RSA_BITS_OF_GO):
        fact = f"holds a weak key: {weakness}, which Go and OpenSSL refuse"
        found.faults.append(make_fault("cert", path, fact, fix, "client_cert_weak"))
    elif weakness := find_weak_key(chain):
        fact = f"holds a weak key: {weakness}, which OpenSSL refuses at its usual level, and Go does not"
        found.remarks.append(make_fault("cert", path, fact, fix, "client_cert_weak"))


def _no_issuer(certificate: x509.Certificate, facts: CertificateFacts, below: int) -> str:
    """Say why a certificate may not have issued those before it (RFC 5280 §6.1.4)."""
    if not facts.is_ca:
        return f"{name_certificate(facts)}, which issued the one before it but is no CA (basicConstraints)"
    if facts.key_usage is not None and "keyCertSign" not in facts.key_usage:
        return f"{name_certificate(facts)}, whose keyUsage lacks keyCertSign"
    limit = _path_length(certificate)
    if limit is not None and limit < below:
        return f"{name_certificate(facts)}, whose pathLenConstraint {limit} allows no {below} CAs below it"
    return ""


def _path_length(certificate: x509.Certificate) -> int | None:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        return None
    return found.value.path_length
