"""Documented cause 6: two clocks that disagree about whether a certificate is valid.

Every match states the direction and the bound: what was measured, or what a certificate's dates
leave. Law 7: our own clock is `Evidence.at`, the others are readings in the evidence.
"""

from typing import Final

from probe.diagnosis.cause import Cause, Match, Strength
from probe.diagnosis.families.backend_ca_trust import REFUSALS
from probe.diagnosis.families.san_mismatch import SERVER_ENDINGS
from probe.diagnosis.fixes import server_fixes
from probe.diagnosis.readings import clock_readings as clocks
from probe.diagnosis.readings.observed import (
    NOT_YET_VALID_ERROR,
    Refusal,
    find_expired_issuer,
    find_judged_certificate,
    find_not_yet_valid,
    find_outside_validity,
    find_refusal,
    get_unverified_handshake,
)
from probe.diagnosis.wording import format_duration, format_time, name_certificate
from probe.model.certificate import CertificateFacts
from probe.model.evidence import ClockReading, Evidence, VerifyError
from probe.model.tls_alerts import TlsAlert

ON_THE_BACKEND_OR_ITS_ANCHOR: Final = (
    *clocks.set_backend_clock(),
    "If its clock is right, renew the CA certificate that has expired in its file of client CAs "
    "(openssl x509 -noout -enddate -in that file shows it), and restart or reload the backend.",
)
_DATE_ALERTS: Final = frozenset({TlsAlert.BAD_CERTIFICATE, TlsAlert.CERTIFICATE_EXPIRED})
_DATE_ERRORS: Final = frozenset({NOT_YET_VALID_ERROR, 10})
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""


def _skew(evidence: Evidence) -> Match | None:
    return _server_side(evidence) or _client_side(evidence) or _finding(evidence)


def _server_side(evidence: Evidence) -> Match | None:
    handshake = get_unverified_handshake(evidence)
    if handshake is None:
        return None
    errors = [e for e in handshake.verify_errors if e.code in _DATE_ERRORS]
    if not errors:
        return None
    judged = {error: find_judged_certificate(evidence, handshake, error) for error in errors}
    known = tuple(dict.fromkeys(c for c in judged.values() if c is not None))
    facts = tuple(_dates(evidence, certificate) for certificate in known)

    def valid_at(there: float) -> bool:
        return all(_right_at(evidence, error, c, there) for error, c in judged.items())

    if clocks.find_clock_of_validity(evidence, valid_at) is not None:
        verdict = clocks.judge_clocks(evidence)
        return Match(
            Strength.NAMED,
            (*facts, *_by_the_other(known), *verdict.facts),
            fix=verdict.fix,
            party=verdict.party,
        )
    if len(known) == len(set(judged.values())) and _all_begin_soon(evidence, known):
        early = max(c.not_before - evidence.at for c in known)
        return Match(
            Strength.NAMED,
            (
                *facts,
                f"it becomes valid in {format_duration(early)}: within the tolerance of two clocks",
            ),
            fix=server_fixes.wait_until_valid("the backend's certificate", early),
            party="backend",
        )
    if clocks.get_credible_readings(evidence) or any(
        error.code != NOT_YET_VALID_ERROR for error in errors
    ):
        return None
    return _all_from_the_future(evidence, known, facts)


def _right_at(
    evidence: Evidence, error: VerifyError, certificate: CertificateFacts | None, there: float
) -> bool:
    """Whether the certificate that OpenSSL judged is valid by another clock.

    Of one that is not at hand, a root of the system say, the direction alone can be compared.
    """
    if certificate is not None:
        return clocks.is_within_validity(certificate, there)
    difference = there - evidence.at
    if error.code == NOT_YET_VALID_ERROR:
        return difference > evidence.target.clock_tolerance
    return -difference > evidence.target.clock_tolerance


def _by_the_other(known: tuple[CertificateFacts, ...]) -> tuple[str, ...]:
    if not known:
        return ()
    return (f"by the other clock {'it is' if len(known) == 1 else 'they are'} valid",)


def _all_begin_soon(evidence: Evidence, known: tuple[CertificateFacts, ...]) -> bool:
    return bool(known) and all(_begins_soon(evidence, c) for c in known)


def _begins_soon(evidence: Evidence, certificate: CertificateFacts) -> bool:
    """Whether it becomes valid within the tolerance of two clocks."""
    return 0 < certificate.not_before - evidence.at <= evidence.target.clock_tolerance


def _all_from_the_future(
    evidence: Evidence, known: tuple[CertificateFacts, ...], facts: tuple[str, ...]
) -> Match | None:
    """Conclude from certificates alone: what both sides hold was issued later than our clock."""
    ours = find_not_yet_valid(evidence)
    if ours is None or not known or _begins_soon(evidence, ours):
        return None
    behind = max(c.not_before for c in (*known, ours)) - evidence.at
    return Match(
        Strength.NAMED,
        (
            *facts,
            f"our own certificate too: {_dates(evidence, ours)}",
            f"both sides hold certificates that were issued after this time, so the probe's clock "
            f"is behind by at least {format_duration(behind)} ({behind:.0f} s), unless both were made for "
            "later",
        ),
        possible=("server_cert_not_yet_valid",),
        decides=clocks.ANOTHER_CLOCK,
        fix=clocks.set_probe_clock(f"it is behind by at least {format_duration(behind)}"),
        party="probe",
    )


def _client_side(evidence: Evidence) -> Match | None:
    refused = find_refusal(evidence)
    if refused is None or not refused.sent:
        return None
    outside = find_outside_validity(evidence)
    if outside is not None:
        return _outside_here(evidence, refused, outside)
    measured = clocks.find_clock_outside_validity(evidence)
    if measured is not None:
        return _outside_there(evidence, refused, *measured)
    if refused.alert != TlsAlert.CERTIFICATE_EXPIRED or not evidence.credentials.client_chain:
        return None
    return _bounded(evidence, refused) if find_expired_issuer(evidence) is None else None


def _outside_here(
    evidence: Evidence, refused: Refusal, certificate: CertificateFacts
) -> Match | None:
    named = refused.alert in _DATE_ALERTS
    facts = (refused.fact, _dates(evidence, certificate))
    if clocks.is_valid_by_another_clock(evidence):
        verdict = clocks.judge_clocks(evidence)
        # A clock of ours alone does not make a backend refuse: only where it names dates, or
        # where its own clock is shown to be wrong in the same way.
        if not named and not clocks.is_outside_by_backend_clock(evidence):
            return None
        whole = (*facts, *_by_the_other((certificate,)), *verdict.facts)
        strength = Strength.NAMED if named else Strength.PROVEN
        return Match(strength, whole, fix=verdict.fix, party=verdict.party)
    if not _begins_soon(evidence, certificate):
        return None
    early = format_duration(certificate.not_before - evidence.at)
    soon = f"it becomes valid in {early}: within the tolerance of two clocks"
    return Match(
        Strength.NAMED if named else Strength.PROVEN,
        (*facts, soon),
        fix=server_fixes.wait_until_valid(
            "the exporter's certificate", certificate.not_before - evidence.at
        ),
        party="exporter",
    )


def _outside_there(
    evidence: Evidence, refused: Refusal, certificate: CertificateFacts, reading: ClockReading
) -> Match:
    there = evidence.at + reading.offset
    if there > certificate.not_after:
        said = f"by that clock it expired {format_duration(there - certificate.not_after)} ago"
    else:
        said = (
            f"by that clock it becomes valid in {format_duration(certificate.not_before - there)}"
        )
    verdict = clocks.judge_clocks(evidence)
    named = refused.alert in _DATE_ALERTS
    renew = "Then renew the exporter's certificate: by the right clock it is out of date."
    return Match(
        Strength.NAMED if named else Strength.PROVEN,
        (refused.fact, _dates(evidence, certificate), said, *verdict.facts),
        fix=(*verdict.fix, renew) if verdict.culprit == "probe" else verdict.fix,
        party=verdict.party,
    )


def _bounded(evidence: Evidence, refused: Refusal) -> Match:
    """Bound the difference by the dates of what the backend calls expired."""
    chain = evidence.credentials.client_chain
    first_to_end = min(chain, key=lambda c: c.not_after)
    last_to_begin = max(chain, key=lambda c: c.not_before)
    ahead = first_to_end.not_after - evidence.at
    behind = evidence.at - last_to_begin.not_before
    verdict = clocks.judge_clocks(evidence)
    facts = (
        refused.fact,
        f"our certificate is valid until {format_time(first_to_end.not_after)} by the probe's clock, "
        f"so the backend's clock is ahead by at least {format_duration(ahead)} ({ahead:.0f} s), or, where "
        "its TLS says expired for not yet valid too (Go, BoringSSL, rustls), behind by at least "
        f"{format_duration(behind)}",
        *verdict.facts,
        "the same alert comes when a CA certificate in the backend's own client CA file has "
        "expired: look there if its clock is right",
    )
    return Match(
        Strength.NAMED,
        facts,
        # No clock measured says so: it may as well be a CA certificate of the backend's own.
        possible=("client_cert_expired",),
        decides="date -u on the backend, and notAfter of the CA certificates in its client CA file",
        fix=verdict.fix or ON_THE_BACKEND_OR_ITS_ANCHOR,
        party="backend" if verdict.culprit == "unknown" else verdict.party,
    )


def _finding(evidence: Evidence) -> Match | None:
    """Report clocks that differ without having stopped this attempt."""
    if not any(
        clocks.is_out_of_tolerance(evidence, reading)
        for reading in clocks.get_credible_readings(evidence)
    ):
        return None
    verdict = clocks.judge_clocks(evidence)
    return Match(Strength.FINDING, ("; ".join(verdict.facts),), fix=verdict.fix)


def _dates(evidence: Evidence, certificate: CertificateFacts) -> str:
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
            "one that is wrong; a third clock tells."
        ),
        evidence=(
            "The backend says expired of a certificate that is valid here, which bounds its clock; "
            "or a certificate is outside its validity by one clock alone, and a measured offset "
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
            "The certificate is valid by this clock, so compare the clocks: date -u on both "
            "machines, or timedatectl"
        ),
        citations=("RFC 5280 §4.1.2.5", "RFC 8446 §6.2 certificate_expired"),
        applies=REFUSALS | SERVER_ENDINGS | {"application_data"},
        match=_skew,
    ),
)
