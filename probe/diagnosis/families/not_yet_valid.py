"""Certificates before their time, of either side, which no other clock calls valid.

What is not yet valid is judged at `Evidence.at`; where another clock explains it, the cause is
`clock_skew`.
"""

from typing import Final

from probe.diagnosis.cause import REFUSAL_ENDINGS, SERVER_ENDINGS, Cause, Match, Rank, Strength
from probe.diagnosis.fixes.client_fixes import REQUIRE_CERTIFICATE, renew_issuer
from probe.diagnosis.fixes.server_fixes import reissue_for_now
from probe.diagnosis.fixes.steps import PUT_PAIR
from probe.diagnosis.readings.backend_decision import find_refusal, list_possible_causes
from probe.diagnosis.readings.client_certificate import (
    DATE_ALERTS,
    UNSPECIFIC_ALERTS,
    find_early_issuer,
)
from probe.diagnosis.readings.clock_readings import (
    ANOTHER_CLOCK,
    get_credible_readings,
    is_valid_by_another_clock,
    judge_clocks,
)
from probe.diagnosis.readings.path_fault_text import describe_fault, name_faulty
from probe.diagnosis.readings.server_verification import (
    find_faulty_certificate,
    list_faults,
    rate_fault,
)
from probe.diagnosis.readings.used_certificates import find_client_path
from probe.model.evidence import Evidence
from probe.model.tls_alerts import TlsAlert
from probe.text.time_format import format_duration
from probe.x509.validity import describe_beginning, find_not_yet_valid


def _match_client(evidence: Evidence) -> Match | None:
    held = evidence.credentials
    known = (*held.client_chain, *(issuer.certificate for issuer in held.unsent_issuers))
    if find_not_yet_valid(known, evidence.at) is None:
        return None  # to find the path costs more than all the rest of a diagnosis
    certificate = find_not_yet_valid(find_client_path(evidence).certificates, evidence.at)
    if is_valid_by_another_clock(evidence):
        return None
    if certificate is None:
        return _match_issuer(evidence)
    fact = describe_beginning(certificate, evidence.at)
    refused = find_refusal(evidence)
    if refused is None or not refused.sent:
        return Match(Strength.FINDING, (fact,))
    named = refused.alert in DATE_ALERTS
    return Match(Strength.NAMED if named else Strength.PROVEN, (refused.fact, fact))


def _match_issuer(evidence: Evidence) -> Match | None:
    """Match where what we send is valid, and the CA that it rests on is not yet by our clock."""
    issuer, refused = find_early_issuer(evidence), find_refusal(evidence)
    if issuer is None or refused is None or not refused.sent:
        return None
    if refused.alert not in DATE_ALERTS | UNSPECIFIC_ALERTS:
        return None
    fact = describe_beginning(issuer.certificate, evidence.at)
    named = refused.alert == TlsAlert.CERTIFICATE_EXPIRED
    return Match(
        Strength.NAMED if named else Strength.PROVEN,
        (refused.fact, f"our certificate rests on a CA in {issuer.path}: {fact}"),
        possible=("clock_skew",) if named else list_possible_causes(evidence, refused),
        decides="notBefore of that CA's certificate in the backend's client CA file",
        fix=renew_issuer(issuer),
        party="backend",
    )


def _match_server(evidence: Evidence) -> Match | None:
    fault = next(iter(list_faults(evidence, "not_yet_valid")), None)
    if fault is None:
        return None
    certificate = find_faulty_certificate(evidence, fault)
    known = get_credible_readings(evidence)
    facts = [f"{name_faulty(evidence, fault)} {describe_fault(fault)}"]
    if certificate is not None:
        facts = [describe_beginning(certificate, evidence.at)]
        if not known:
            early = certificate.not_before - evidence.at
            facts.append(
                f"it is in use already: where it was not made for later, the probe's clock is "
                f"behind by at least {format_duration(early)} ({early:.0f} s)"
            )
    return Match(
        rate_fault(evidence, fault),
        (*facts, *judge_clocks(evidence).facts),
        possible=() if known else ("clock_skew",),
        fix=reissue_for_now(evidence) if known else (),
        party="backend" if known else "either",
        decides=ANOTHER_CLOCK,
    )


CAUSES: Final = (
    Cause(
        id="server_cert_not_yet_valid",
        title="The backend's certificate is not valid yet",
        family="clock_skew",
        documented_cause=6,
        party="backend",
        rank=Rank.SERVER_NOT_YET_VALID,
        meaning=(
            "notBefore of the server's certificate, or of its issuer, lies in the future by this "
            "clock."
        ),
        evidence=(
            "Its own notBefore at the time of the attempt, beyond the tolerance, and no clock that "
            "differs."
        ),
        fix=(
            "Run date -u on this machine and compare it with a good clock: a clock that is behind "
            "makes the backend's certificate look so.",
            "If this clock is right, issue a new certificate for the backend at {endpoint} with a "
            "notBefore that is past, and {put_served}.",
            "{reload_backend}",
        ),
        tell_apart=(
            "mtls-probe check ENDPOINT prints the notBefore of the backend's certificate: it is in "
            "the future."
        ),
        citations=("RFC 5280 §4.1.2.5",),
        applies=SERVER_ENDINGS,
        match=_match_server,
        explained_by=("clock_skew",),
    ),
    Cause(
        id="client_cert_not_yet_valid",
        title="The exporter's certificate is not valid yet",
        family="clock_skew",
        documented_cause=6,
        party="exporter",
        rank=Rank.CLIENT_NOT_YET_VALID,
        alerts=(
            TlsAlert.CERTIFICATE_EXPIRED,
            TlsAlert.BAD_CERTIFICATE,
            TlsAlert.CERTIFICATE_UNKNOWN,
        ),
        meaning=(
            "notBefore of the certificate in cert_file, or of an intermediate in it, lies in the "
            "future, further than the tolerance for two clocks."
        ),
        evidence=(
            "The file itself at the time of the attempt, a refusal, and no clock that differs."
        ),
        fix=(
            "Issue a new certificate for this exporter with a notBefore that is past (or keep the "
            "previous one until then), and compare the clock of the machine that issued it, date -u, "
            "with a good one.",
            PUT_PAIR,
            "{reread_cert}",
            "To see the dates: openssl x509 -in {cert_file} -noout -dates",
        ),
        tell_apart="notBefore is in the future: openssl x509 -in CERT -noout -startdate",
        citations=("RFC 5280 §4.1.2.5",),
        enforce=REQUIRE_CERTIFICATE,
        applies=REFUSAL_ENDINGS | SERVER_ENDINGS | {"application_data"},
        match=_match_client,
        explained_by=("clock_skew",),
    ),
)
