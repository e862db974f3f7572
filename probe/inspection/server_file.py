"""A certificate file as a backend's: names, dates, usages, strength, and whether ca_file proves it.

Pure. Judged as a Go exporter would judge it on the wire (RFC 9525 §6, RFC 5280 §6.1).
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509

from probe.credentials.chain import top_of
from probe.credentials.content import make_fault
from probe.inspection.dates import ends_soon, expired, not_yet_valid
from probe.inspection.file_report import Findings
from probe.model.certificate import CertificateFacts, name_certificate
from probe.text.safe_text import safe_text
from probe.x509.names import check_name
from probe.x509.parse import read_facts
from probe.x509.signature import is_issued_by
from probe.x509.strength import find_weakness_for_go

_SHOWN_NAMES: Final = 8


def is_for_servers(certificate: CertificateFacts) -> bool:
    """Whether extendedKeyUsage allows servers and no clients."""
    usages = certificate.extended_key_usage or ()
    return "serverAuth" in usages and not {"clientAuth", "anyExtendedKeyUsage"} & set(usages)


def is_for_clients(certificate: CertificateFacts) -> bool:
    """Whether extendedKeyUsage allows clients and no servers."""
    usages = certificate.extended_key_usage or ()
    return "clientAuth" in usages and not {"serverAuth", "anyExtendedKeyUsage"} & set(usages)


def judge_name(path: str, facts: CertificateFacts, reference: str) -> Findings:
    """Judge whether the SANs cover `reference`, the name that exporters connect to."""
    found = Findings()
    check = check_name(reference, facts.sans, facts.common_name)
    if check.matched:
        found.facts.append(f"its SANs cover {check.reference}")
        return found
    names = ", ".join(check.presented[:_SHOWN_NAMES]) or "no name at all"
    more = len(check.presented) - _SHOWN_NAMES
    fact = f"does not cover {check.reference}: its SANs name {names}"
    fact += f" and {more} more" if more > 0 else ""
    if not check.presented and check.common_name:
        fact += (
            f", only its CN {safe_text(check.common_name, 60)}: Go and rustls take no CN for a "
            "name, OpenSSL, Java and Node do"
        )
    fix = [
        f"issue the backend's certificate with {check.reference} among its SANs, put it in {path}, "
        "and restart the backend or make it read the file again"
    ]
    if check.presented:
        fix.append(
            f"or connect by a name it has ({names}), or set server_name_override to one of them"
        )
    found.faults.append(make_fault("cert", path, fact, tuple(fix), "server_name_mismatch"))
    return found


def judge_server(path: str, chain: Sequence[CertificateFacts], at: float) -> Findings:
    """Judge dates, usages and strength of a backend's certificate and its issuers."""
    found = Findings()
    fix = (
        f"renew the backend's certificate in {path}, and restart the backend or make it read the "
        "file again",
    )
    for certificate in chain:
        if fact := expired(certificate, at):
            fault = make_fault("cert", path, f"holds {fact}", fix, "server_cert_expired")
            found.faults.append(fault)
        elif fact := not_yet_valid(certificate, at):
            ahead = ("compare the clock of this machine with the CA's: date -u",)
            fault = make_fault("cert", path, f"holds {fact}", ahead, "server_cert_not_yet_valid")
            found.faults.append(fault)
        elif fact := ends_soon(certificate, at):
            fault = make_fault("cert", path, f"holds {fact}", fix, "server_cert_expired")
            found.remarks.append(fault)
    if weakness := find_weakness_for_go(chain):
        steps = (
            "issue it anew with an EC P-256 or RSA-2048 key, signed with SHA-256, and restart the "
            "backend or make it read the file again",
        )
        fact = f"is too weak: {weakness}, which Go refuses"
        found.faults.append(make_fault("cert", path, fact, steps, "server_cert_weak"))
    return found


def judge_path(
    path: str,
    chain: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    ca_path: str,
) -> Findings:
    """Judge whether what `ca_path` holds proves the backend's certificate."""
    found = Findings()
    if not ca_path or not anchors:
        return found
    top = top_of(chain)
    if any(one in anchors for one in chain) or any(is_issued_by(top, one) for one in anchors):
        found.facts.append(f"{ca_path} proves it")
        return found
    issuer = safe_text(read_facts(top).issuer.text, 80)
    fact = f"is not proven by {ca_path}: no certificate in it issued what ends at {issuer}"
    fix = (
        f"append the certificate of {issuer} to {ca_path}",
        "or, if that is an intermediate, let the backend send it behind its own certificate",
    )
    found.faults.append(make_fault("cert", path, fact, fix, "server_ca_untrusted"))
    return found


def without_names(path: str, facts: CertificateFacts) -> Findings:
    """Remark on a backend's certificate that no name can ever match (RFC 9525 §6.3)."""
    found = Findings()
    if is_for_servers(facts) and not facts.sans:
        fact = (
            f"holds {name_certificate(facts)}, a backend's certificate without a SAN: exporters on Go and "
            "rustls refuse it under any name"
        )
        fix = ("issue it with the backend's names as subjectAltName",)
        found.remarks.append(make_fault("cert", path, fact, fix, "server_name_mismatch"))
    return found
