"""Certificates of the backend's path that break a rule, or that an exporter cannot read."""

from functools import partial
from typing import Final

from probe.diagnosis.cause import SERVER_ENDINGS, Cause, Match, Rank
from probe.diagnosis.fixes.server_fixes import repair_chain
from probe.diagnosis.readings.path_fault_text import describe_fault, name_faulty
from probe.diagnosis.readings.server_verification import (
    BROKEN_RULES,
    list_faults,
    rate_fault,
)
from probe.model.evidence import Evidence
from probe.model.runtime import (
    COLLECTOR,
    CURL,
    NODE,
    PYTHON_GRPC,
    PYTHON_HTTP,
    RUNTIMES_BY_ID,
)

_MOST_FACTS: Final = 3


def _match_invalid(evidence: Evidence) -> Match | None:
    faults = list_faults(evidence, *BROKEN_RULES)
    if not faults:
        return None
    party, fix = repair_chain(evidence, faults[0], name_faulty(evidence, faults[0]))
    facts = (f"{name_faulty(evidence, one)} {describe_fault(one)}" for one in faults[:_MOST_FACTS])
    return Match(rate_fault(evidence, faults[0]), tuple(facts), fix=fix, party=party)


def _match_unreadable(evidence: Evidence) -> Match | None:
    faults = list_faults(evidence, "unreadable")
    if not faults:
        return None
    exporter = RUNTIMES_BY_ID.get(evidence.target.exporter, COLLECTOR)
    facts = [f"{name_faulty(evidence, one)} {describe_fault(one)}" for one in faults[:_MOST_FACTS]]
    facts.append(f"the exporter is the {exporter.name} ({exporter.tls}); others may read it")
    party, fix = repair_chain(evidence, faults[0], name_faulty(evidence, faults[0]))
    return Match(rate_fault(evidence, faults[0]), tuple(facts), fix=fix, party=party)


_declare: Final = partial(
    Cause, family="server_identity", party="backend", rank=Rank.SERVER_CHAIN, applies=SERVER_ENDINGS
)
"""What the causes here have in common."""

CAUSES: Final = (
    _declare(
        id="server_chain_invalid",
        title="A certificate of the backend's chain breaks a rule",
        meaning=(
            "There is a path from the backend's certificate to an anchor, and the exporter does not "
            "accept it: a certificate in it is not a CA, has more CAs below it than it allows, "
            "forbids the name, has a critical extension that nobody knows, or breaks another rule "
            "of RFC 5280 that this exporter applies."
        ),
        evidence="The rule that is broken, and the certificate that breaks it.",
        fix=(
            "Have the certificate that breaks the rule issued again without that fault, and, on the "
            "backend of {endpoint}, put it in place of the present one in {server_cert_file}.",
            "{reload_backend}",
            "To see the whole chain: openssl s_client -connect {host}:{port} -showcerts </dev/null",
        ),
        tell_apart=(
            "mtls-probe check ENDPOINT names the certificate and the rule that it breaks; the CA "
            "itself is known."
        ),
        citations=("RFC 5280 §6.1.4", "Go crypto/x509 CertificateInvalidError"),
        match=_match_invalid,
    ),
    _declare(
        id="server_cert_unreadable",
        title="The exporter cannot read the backend's certificate",
        meaning=(
            "The exporter's parser refuses a certificate that the backend sends: a negative serial "
            "number, a name that is not one, a key of a kind that it does not know. Other exporters "
            "may read it."
        ),
        evidence="The certificate as it was sent, and the rule of this exporter's parser.",
        fix=(
            "Issue a new certificate for the backend at {endpoint}, without what the exporter cannot "
            "read, and {put_served}.",
            "{reload_backend}",
            "To see what is sent: openssl s_client -connect {host}:{port} -showcerts </dev/null",
        ),
        tell_apart=(
            "mtls-probe check ENDPOINT says what this exporter's parser refuses; by_exporter says "
            "who reads it."
        ),
        citations=("Go crypto/tls verifyServerCertificate", "Go crypto/x509 ParseCertificate"),
        harmless_to=(PYTHON_GRPC, PYTHON_HTTP, *NODE, CURL),
        match=_match_unreadable,
    ),
)
