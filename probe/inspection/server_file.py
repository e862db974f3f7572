"""A certificate file as a backend's: names, strength, and whether ca_file proves it.

Pure. Judged as a Go exporter would judge it on the wire (RFC 9525 §6, RFC 5280 §6.1).
"""

from collections.abc import Sequence
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace

from probe.credentials.receiver_files import find_chain_rules
from probe.diagnosis.readings.receiver_judgement import judge_server_chain
from probe.inspection.file_report import Judgement
from probe.model.certificate import CertificateFacts, name_certificate
from probe.text.safe_text import safe_text
from probe.x509.names import check_name
from probe.x509.parse import read_facts
from probe.x509.path import find_top, is_anchored
from probe.x509.usages import is_only_for

_SHOWN_NAMES: Final = 8
_RELOAD: Final = "restart the backend or make it read the file again"


def judge_name(
    found: Judgement, facts: CertificateFacts, reference: str, *, stops: bool = True
) -> None:
    """Judge whether the SANs cover `reference`, the name that exporters connect to.

    Args:
        found: where the judgement is added.
        facts: the end entity's certificate.
        reference: a host name, an IP address or a SPIFFE ID.
        stops: whether it is known to be a backend's: else what it lacks is only a finding.
    """
    check = check_name(reference, facts.sans, facts.common_name)
    if check.matched:
        found.facts.append(f"its SANs cover {check.reference}")
        return
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
        f"issue the backend's certificate with {check.reference} among its SANs, put it in "
        f"{found.path}, and {_RELOAD}"
    ]
    if check.presented:
        fix.append(
            f"or connect by a name it has ({names}), or set server_name_override to one of them"
        )
    found.add("server_name_mismatch", fact, *fix, stops=stops)


def judge_server(
    found: Judgement,
    facts: Sequence[CertificateFacts],
    chain: Sequence[x509.Certificate],
    now: float,
) -> None:
    """Judge a backend's certificate and its issuers as Go's clients do; its names apart."""
    ders = [one.public_bytes(Encoding.DER) for one in chain]
    rules = [one for one in find_chain_rules(ders, chain, (), now) if one.kind != "name_mismatch"]
    for stops, finding in judge_server_chain(facts, rules, now, found.path, _RELOAD):
        of_this = replace(finding, role=found.role)
        (found.faults if stops else found.remarks).append(of_this)


def judge_path(
    found: Judgement,
    chain: Sequence[x509.Certificate],
    anchors: Sequence[x509.Certificate],
    ca_path: str,
) -> None:
    """Judge whether what `ca_path` holds proves the backend's certificate."""
    if not anchors:
        return
    if is_anchored(chain, anchors):
        found.facts.append(f"{ca_path} proves it")
        return
    issuer = safe_text(read_facts(find_top(chain)).issuer.text, 80)
    found.add_fault(
        "server_ca_untrusted",
        f"is not proven by {ca_path}: no certificate in it issued what ends at {issuer}",
        f"append the certificate of {issuer} to {ca_path}",
        "or, if that is an intermediate, let the backend send it behind its own certificate",
    )


def remark_on_missing_names(found: Judgement, facts: CertificateFacts) -> None:
    """Remark on a backend's certificate that no name can ever match (RFC 9525 §6.3)."""
    if is_only_for(facts, "serverAuth") and not facts.sans:
        found.add_remark(
            "server_name_mismatch",
            f"holds {name_certificate(facts)}, a backend's certificate without a SAN: exporters on "
            "Go and rustls refuse it under any name",
            "issue it with the backend's names as subjectAltName",
        )
