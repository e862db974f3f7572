"""Documented cause 3: the exporter's certificate, or one of its chain, has expired."""

from probe.diagnosis.cause import Cause, Match, Strength
from probe.diagnosis.fixes import client_fixes
from probe.diagnosis.readings.clock_readings import is_valid_by_another_clock
from probe.diagnosis.readings.observed import (
    find_expired,
    find_expired_issuer,
    find_outside_validity,
    find_refusal,
    list_possible_causes,
)
from probe.diagnosis.wording import DAY, format_duration, format_time, name_certificate
from probe.model.certificate import CertificateAtHand
from probe.model.evidence import EndingKind, Evidence
from probe.model.tls_alerts import TlsAlert

_UNNAMED = frozenset({TlsAlert.CERTIFICATE_UNKNOWN, TlsAlert.ACCESS_DENIED, None})
_SOON = 28 * DAY

APPLIES: frozenset[EndingKind] = frozenset(
    {
        "alert", "close", "reset", "answered", "application_data", "unverified", "timeout",
        "dns", "refused", "unreachable", "socket", "proxy", "alpn", "not_tls", "tls",
    }
)  # fmt: skip


def expires_soon(not_before: float, not_after: float, at: float) -> bool:
    """Whether less than 28 days, and less than a third of the lifetime, are left."""
    return 0 <= not_after - at < min(_SOON, (not_after - not_before) / 3)


def _match(evidence: Evidence) -> Match | None:
    chain = evidence.credentials.client_chain
    if not chain or is_valid_by_another_clock(evidence):
        return None
    certificate = find_expired(evidence)
    if certificate is None:
        issuer = find_expired_issuer(evidence)
        by_issuer = _by_issuer(evidence, issuer) if issuer is not None else None
        if by_issuer is not None:
            return by_issuer
        soon = next(
            (c for c in chain if expires_soon(c.not_before, c.not_after, evidence.at)), None
        )
        if soon is None:
            return None
        left = format_duration(soon.not_after - evidence.at)
        return Match(
            Strength.FINDING,
            (f"{name_certificate(soon)} expires in {left}, on {format_time(soon.not_after)}",),
            fix=client_fixes.renew_client_certificate(evidence, soon),
        )
    ago = format_duration(evidence.at - certificate.not_after)
    fact = f"{name_certificate(certificate)} expired {ago} ago, on {format_time(certificate.not_after)}"
    refused = find_refusal(evidence)
    if refused is None or not refused.sent:
        let_in = (
            evidence.ending.kind in {"answered", "application_data"}
            and evidence.handshake is not None
            and evidence.handshake.client_certificate_sent
        )
        said = f"{fact}, and this backend let it in" if let_in else fact
        return Match(
            Strength.FINDING,
            (said,),
            fix=client_fixes.renew_client_certificate(evidence, certificate),
        )
    named = refused.alert == TlsAlert.CERTIFICATE_EXPIRED
    return Match(
        Strength.NAMED if named else Strength.PROVEN,
        (refused.fact, fact),
        fix=client_fixes.renew_client_certificate(evidence, certificate),
    )


def _by_issuer(evidence: Evidence, issuer: CertificateAtHand) -> Match | None:
    """Say that what we send is valid, and the CA that it rests on has expired by our clock."""
    refused = find_refusal(evidence)
    if refused is None or not refused.sent or find_outside_validity(evidence):
        return None
    named = refused.alert == TlsAlert.CERTIFICATE_EXPIRED
    if not named and refused.alert not in _UNNAMED:
        return None
    ago = format_duration(evidence.at - issuer.certificate.not_after)
    return Match(
        Strength.NAMED if named else Strength.FITS,
        (
            refused.fact,
            f"the certificate of {name_certificate(issuer.certificate)} in {issuer.path}, which ours rests "
            f"on, expired {ago} ago, on {format_time(issuer.certificate.not_after)}",
        ),
        possible=("clock_skew",) if named else list_possible_causes(evidence, refused),
        decides="notAfter of that CA's certificate in the backend's client CA file",
        fix=client_fixes.renew_issuer(issuer),
        party="backend",
    )

CAUSES: Final = (
    Cause(
        id="client_cert_expired",
        title="The exporter's certificate has expired",
        family="client_expiry",
        documented_cause=3,
        party="exporter",
        rank=Rank.CLIENT_EXPIRY,
        alerts=(TlsAlert.CERTIFICATE_EXPIRED, TlsAlert.CERTIFICATE_UNKNOWN),
        meaning=(
            "notAfter of the certificate in cert_file, or of an intermediate in it, is past. "
            "Almost every backend refuses it; one that does not check dates may still let it in."
        ),
        evidence=(
            "The file itself, judged at the time of the attempt; alert certificate_expired (45) "
            "from the backend confirms it. OpenSSL backends that also lack the CA say unknown_ca "
            "(48), JSSE says certificate_unknown (46), GnuTLS access_denied (49)."
        ),
        fix=(
            "Renew the certificate, and put it in {into_cert} with its key in {into_key}.",
            "{reread_cert}",
            "To see the dates: openssl x509 -in {cert_file} -noout -dates",
        ),
        tell_apart="notAfter is past: openssl x509 -in CERT -noout -enddate",
        citations=("RFC 5280 §4.1.2.5", "RFC 8446 §6.2 certificate_expired"),
        enforce=DEMAND_CERTIFICATE,
        applies=APPLIES,
        match=_match,
        explained_by=("clock_skew",),
    ),
)
