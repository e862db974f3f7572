"""Documented cause 6: two clocks that disagree about whether a certificate is valid.

Every match states the direction and the bound: what was measured, or what a certificate's dates
leave. Our own clock is `Evidence.at`, the others are readings in the evidence.
"""

from typing import Final

from probe.diagnosis.cause import REFUSAL_ENDINGS, SERVER_ENDINGS, Cause, Match, Rank, Strength
from probe.diagnosis.fixes.server_fixes import wait_until_valid
from probe.diagnosis.readings import clock_readings as clocks
from probe.diagnosis.readings.backend_decision import Refusal, find_refusal
from probe.diagnosis.readings.client_certificate import (
    DATE_ALERTS,
    find_early_issuer,
    find_expired_issuer,
)
from probe.diagnosis.readings.server_verification import (
    find_faulty_certificate,
    list_faults,
    rate_fault,
)
from probe.diagnosis.readings.used_certificates import find_client_path
from probe.model.certificate import CertificateFacts, name_certificate
from probe.model.evidence import ClockReading, Evidence
from probe.model.path_fault import DATE_FAULTS, PathFault
from probe.model.tls_alerts import TlsAlert
from probe.text.time_format import format_duration, format_time
from probe.x509.validity import (
    begins_within,
    find_first_to_expire,
    find_invalid,
    find_not_yet_valid,
    is_expired,
    is_valid,
)

_FIX_BACKEND: Final = (
    *clocks.set_backend_clock(),
    "If its clock is right, renew the CA certificate that has expired in {client_ca_file}, and make "
    "the backend read that again.",
)


def _match(evidence: Evidence) -> Match | None:
    return _match_server(evidence) or _match_client(evidence) or _find_difference(evidence)


def _match_server(evidence: Evidence) -> Match | None:
    faults = list_faults(evidence, *DATE_FAULTS)
    if not faults:
        return None
    judged = {fault: find_faulty_certificate(evidence, fault) for fault in faults}
    strength = min(rate_fault(evidence, fault) for fault in faults)
    known = tuple(dict.fromkeys(c for c in judged.values() if c is not None))
    facts = tuple(_describe_dates(evidence, certificate) for certificate in known)

    def is_valid_at(there: float) -> bool:
        return all(_is_valid_there(evidence, fault, c, there) for fault, c in judged.items())

    if clocks.find_clock_of_validity(evidence, is_valid_at) is not None:
        verdict = clocks.judge_clocks(evidence)
        return Match(
            strength,
            (*facts, *_say_valid(known), *verdict.facts),
            fix=verdict.fix,
            party=verdict.party,
        )
    every_one_known = len(known) == len(set(judged.values()))
    if known and every_one_known and all(_begins_soon(evidence, each) for each in known):
        early = max(c.not_before - evidence.at for c in known)
        return Match(
            strength,
            (*facts, _say_early(early)),
            fix=wait_until_valid("the backend's certificate", evidence.at + early),
            party="backend",
        )
    if clocks.get_credible_readings(evidence) or any(
        fault.kind != "not_yet_valid" for fault in faults
    ):
        return None
    return _match_future(evidence, known, facts, strength)


def _is_valid_there(
    evidence: Evidence, fault: PathFault, certificate: CertificateFacts | None, there: float
) -> bool:
    """Whether the certificate that was judged is valid by another clock.

    Of one that is not available, a root of the system say, the direction alone can be compared.
    """
    if certificate is not None:
        return is_valid(certificate, there)
    difference = there - evidence.at
    if fault.kind == "not_yet_valid":
        return difference > evidence.target.clock_tolerance
    return -difference > evidence.target.clock_tolerance


def _match_future(
    evidence: Evidence,
    known: tuple[CertificateFacts, ...],
    facts: tuple[str, ...],
    strength: Strength,
) -> Match | None:
    """Conclude from certificates alone: what both sides hold was issued later than our clock."""
    ours = find_not_yet_valid(evidence.credentials.client_chain, evidence.at)
    if ours is None or not known or _begins_soon(evidence, ours):
        return None
    behind = max(c.not_before for c in (*known, ours)) - evidence.at
    how_far = f"is behind by at least {format_duration(behind)}"
    return Match(
        strength,
        (
            *facts,
            f"our own certificate too: {_describe_dates(evidence, ours)}",
            f"both sides hold certificates that were issued after this time, so the probe's clock "
            f"{how_far} ({behind:.0f} s), unless both were made for later",
        ),
        possible=("server_cert_not_yet_valid",),
        decides=clocks.ANOTHER_CLOCK,
        fix=clocks.set_probe_clock(f"it {how_far}"),
        party="probe",
    )


def _match_client(evidence: Evidence) -> Match | None:
    refused = find_refusal(evidence)
    if refused is None or not refused.sent:
        return None
    outside = find_invalid(find_client_path(evidence).certificates, evidence.at)
    if outside is not None:
        return _match_outside_here(evidence, refused, outside)
    measured = clocks.find_clock_outside_validity(evidence)
    if measured is not None:
        return _match_outside_there(evidence, refused, *measured)
    expired = refused.alert == TlsAlert.CERTIFICATE_EXPIRED
    if not expired or not evidence.credentials.client_chain:
        return None
    if find_expired_issuer(evidence) or find_early_issuer(evidence):
        return None
    return _match_bounds(evidence, refused)


def _match_outside_here(
    evidence: Evidence, refused: Refusal, certificate: CertificateFacts
) -> Match | None:
    named = refused.alert in DATE_ALERTS
    strength = Strength.NAMED if named else Strength.PROVEN
    facts = (refused.fact, _describe_dates(evidence, certificate))
    if clocks.is_valid_by_another_clock(evidence):
        verdict = clocks.judge_clocks(evidence)
        # A clock of ours alone does not make a backend refuse: only where it names dates, or
        # where its own clock is shown to be wrong in the same way.
        if not named and not clocks.is_outside_by_backend_clock(evidence):
            return None
        whole = (*facts, *_say_valid((certificate,)), *verdict.facts)
        return Match(strength, whole, fix=verdict.fix, party=verdict.party)
    if not _begins_soon(evidence, certificate):
        return None
    early = certificate.not_before - evidence.at
    fix = wait_until_valid("the exporter's certificate", evidence.at + early)
    return Match(strength, (*facts, _say_early(early)), fix=fix, party="exporter")


def _match_outside_there(
    evidence: Evidence, refused: Refusal, certificate: CertificateFacts, reading: ClockReading
) -> Match:
    there = evidence.at + reading.offset
    if is_expired(certificate, there):
        said = f"by that clock it expired {format_duration(there - certificate.not_after)} ago"
    else:
        early = format_duration(certificate.not_before - there)
        said = f"by that clock it becomes valid in {early}"
    verdict = clocks.judge_clocks(evidence)
    renew = "Then renew the exporter's certificate: by the right clock it is out of date."
    return Match(
        Strength.NAMED if refused.alert in DATE_ALERTS else Strength.PROVEN,
        (refused.fact, _describe_dates(evidence, certificate), said, *verdict.facts),
        fix=(*verdict.fix, renew) if verdict.party == "probe" else verdict.fix,
        party=verdict.party,
    )


def _match_bounds(evidence: Evidence, refused: Refusal) -> Match:
    """Bound the difference by the dates of what the backend calls expired."""
    chain = evidence.credentials.client_chain
    first_to_end = find_first_to_expire(chain).not_after
    ahead = first_to_end - evidence.at
    behind = evidence.at - max(certificate.not_before for certificate in chain)
    verdict = clocks.judge_clocks(evidence)
    return Match(
        Strength.NAMED,
        (
            refused.fact,
            f"our certificate is valid until {format_time(first_to_end)} by the probe's clock, so "
            f"the backend's clock is ahead by at least {format_duration(ahead)} ({ahead:.0f} s), "
            "or, where its TLS says expired for not yet valid too (Go, BoringSSL, rustls), behind "
            f"by at least {format_duration(behind)}",
            *verdict.facts,
            "the same alert comes when a CA certificate in the backend's own client CA file has "
            "expired, or is not valid yet: look there if its clock is right",
        ),
        # No clock measured says so: it may as well be a CA certificate of the backend's own.
        possible=("client_cert_expired",),
        decides="date -u on the backend, and notAfter of the CA certificates in its client CA file",
        fix=verdict.fix or _FIX_BACKEND,
        party="backend" if verdict.party == "either" else verdict.party,
    )


def _find_difference(evidence: Evidence) -> Match | None:
    """Report clocks that differ without having stopped this attempt."""
    readings = clocks.get_credible_readings(evidence)
    if not any(clocks.is_out_of_tolerance(evidence, reading) for reading in readings):
        return None
    verdict = clocks.judge_clocks(evidence)
    return Match(Strength.FINDING, ("; ".join(verdict.facts),), fix=verdict.fix)


def _begins_soon(evidence: Evidence, certificate: CertificateFacts) -> bool:
    """Whether it becomes valid within the tolerance of two clocks."""
    return begins_within(certificate, evidence.at, evidence.target.clock_tolerance)


def _say_early(early: float) -> str:
    return f"it becomes valid in {format_duration(early)}: within the tolerance of two clocks"


def _say_valid(known: tuple[CertificateFacts, ...]) -> tuple[str, ...]:
    if not known:
        return ()
    return (f"by the other clock {'it is' if len(known) == 1 else 'they are'} valid",)


def _describe_dates(evidence: Evidence, certificate: CertificateFacts) -> str:
    return (
        f"{name_certificate(certificate)} is valid from {format_time(certificate.not_before)} to "
        f"{format_time(certificate.not_after)}; the probe's clock says {format_time(evidence.at)}"
    )


CAUSES: Final = (
    Cause(
        id="clock_skew",
        title="The clocks of exporter and backend disagree",
        family="clock_skew",
        documented_cause=6,
        party="either",
        rank=Rank.CLOCKS,
        alerts=(TlsAlert.CERTIFICATE_EXPIRED,),
        meaning=(
            "A certificate is valid by one clock and not by the other. Either machine may be the "
            "one that is wrong; a third clock shows which."
        ),
        evidence=(
            "The backend says expired of a certificate that is valid here, which bounds its clock; "
            "or a certificate is outside its validity by one clock only, and a measured offset "
            "(the Date of the backend's answer or of a configured URL, SNTP) explains it, or it "
            "begins within the tolerance; or both sides hold certificates from the future."
        ),
        fix=(
            "Run date -u on this machine and on the backend at {host}, and compare both with a "
            "good clock; chronyc tracking or timedatectl show says whether time is synchronised.",
            "On the machine that is wrong, start NTP or repair it; a paused or restored virtual "
            "machine often is wrong.",
            "If both are right, look at the dates of the certificates: openssl x509 -in "
            "{cert_file} -noout -dates",
        ),
        tell_apart=(
            "The certificate is valid by this clock, so compare the clocks of both machines: date -u"
        ),
        citations=("RFC 5280 §4.1.2.5", "RFC 8446 §6.2 certificate_expired"),
        applies=REFUSAL_ENDINGS | SERVER_ENDINGS | {"application_data"},
        match=_match,
    ),
)
