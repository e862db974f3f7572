"""Documented cause 3: the exporter's certificate, or one of its chain, has expired."""

from typing import Final

from probe.diagnosis.cause import EVERY_ENDING, Cause, Match, Rank, Strength
from probe.diagnosis.fixes.client_fixes import (
    REQUIRE_CERTIFICATE,
    renew_client_certificate,
    renew_issuer,
)
from probe.diagnosis.readings.backend_decision import find_refusal, list_possible_causes
from probe.diagnosis.readings.client_certificate import UNSPECIFIC_ALERTS, find_expired_issuer
from probe.diagnosis.readings.clock_readings import is_valid_by_another_clock
from probe.diagnosis.readings.used_certificates import find_client_path, list_issuers_above
from probe.model.certificate import name_certificate
from probe.model.evidence import Evidence
from probe.model.tls_alerts import TlsAlert
from probe.text.time_format import format_duration, format_time
from probe.x509.validity import (
    describe_expired,
    describe_expiry,
    expires_soon,
    find_expired,
    find_invalid,
    is_expired,
)


def _match(evidence: Evidence) -> Match | None:
    if not _has_ending(evidence):
        return None  # to find the path costs more than all the rest of a diagnosis
    chain = find_client_path(evidence).certificates
    if not chain or is_valid_by_another_clock(evidence):
        return None
    certificate = find_expired(chain, evidence.at)
    if certificate is None:
        return _match_issuer(evidence) or _match_sibling(evidence) or _find_expiring(evidence)
    fact = describe_expired(certificate, evidence.at)
    fix = renew_client_certificate(evidence, certificate)
    refused = find_refusal(evidence)
    if refused is None or not refused.sent:
        accepted = (
            evidence.ending.kind in {"answered", "application_data"}
            and evidence.handshake is not None
            and evidence.handshake.client_certificate_sent
        )
        fact = f"{fact}, and this backend accepted it" if accepted else fact
        return Match(Strength.FINDING, (fact,), fix=fix)
    named = refused.alert == TlsAlert.CERTIFICATE_EXPIRED
    return Match(Strength.NAMED if named else Strength.PROVEN, (refused.fact, fact), fix=fix)


def _has_ending(evidence: Evidence) -> bool:
    """Whether anything that we send, or that it rests on, has expired or soon will."""
    held = evidence.credentials
    known = (*held.client_chain, *(issuer.certificate for issuer in held.unsent_issuers))
    return any(is_expired(one, evidence.at) or expires_soon(one, evidence.at) for one in known)


def _find_expiring(evidence: Evidence) -> Match | None:
    """Match what will end soon of what a backend needs: of what we send, and of what it rests on."""
    found = [
        (
            describe_expiry(each, evidence.at, f" in {evidence.target.cert_file or 'cert_file'}"),
            renew_client_certificate(evidence, each),
        )
        for each in find_client_path(evidence).certificates
        if expires_soon(each, evidence.at)
    ]
    found += [
        (
            "the CA "
            + describe_expiry(
                issuer.certificate,
                evidence.at,
                f" in {issuer.path}, which our certificate rests on,",
            ),
            renew_issuer(issuer),
        )
        for issuer in list_issuers_above(evidence)
        if expires_soon(issuer.certificate, evidence.at)
    ]
    return (
        Match(Strength.FINDING, tuple(fact for fact, _ in found), each=tuple(found))
        if found
        else None
    )


def _match_issuer(evidence: Evidence) -> Match | None:
    """Match where what we send is valid, and the CA that it rests on has expired by our clock."""
    issuer = find_expired_issuer(evidence)
    refused = find_refusal(evidence)
    if (
        issuer is None
        or refused is None
        or not refused.sent
        or find_invalid(evidence.credentials.client_chain, evidence.at)
    ):
        return None
    named = refused.alert == TlsAlert.CERTIFICATE_EXPIRED
    if not named and refused.alert not in UNSPECIFIC_ALERTS:
        return None
    certificate = issuer.certificate
    ago = format_duration(evidence.at - certificate.not_after)
    return Match(
        Strength.NAMED if named else Strength.FITS,
        (
            refused.fact,
            f"the certificate of {name_certificate(certificate)} in {issuer.path}, which ours rests "
            f"on, expired {ago} ago, on {format_time(certificate.not_after)}",
        ),
        possible=("clock_skew",) if named else list_possible_causes(evidence, refused),
        decides="notAfter of that CA's certificate in the backend's client CA file",
        fix=renew_issuer(issuer),
        party="backend",
    )


def _match_sibling(evidence: Evidence) -> Match | None:
    """Match where cert_file has an issuer twice, and some verifiers take the expired certificate."""
    refused = find_refusal(evidence)
    if refused is None or not refused.sent:
        return None
    used = {one.subject.digest for one in find_client_path(evidence).certificates}
    siblings = (one for one in evidence.credentials.client_chain if one.subject.digest in used)
    expired = find_expired(siblings, evidence.at)
    named = refused.alert == TlsAlert.CERTIFICATE_EXPIRED
    if expired is None or not (named or refused.alert in UNSPECIFIC_ALERTS):
        return None
    return Match(
        Strength.NAMED if named else Strength.FITS,
        (
            refused.fact,
            f"{describe_expired(expired, evidence.at)}; {evidence.target.cert_file or 'cert_file'} "
            "has a valid one of that name too, and some verifiers (GnuTLS, grpc-core) take the first",
        ),
        possible=() if named else list_possible_causes(evidence, refused),
        decides="the same attempt without the expired certificate in cert_file",
        fix=renew_client_certificate(evidence, expired),
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
            "Almost every backend refuses it; one that does not check dates may still accept it."
        ),
        evidence=(
            "The file itself, judged at the time of the attempt; alert certificate_expired (45) "
            "from the backend confirms it. OpenSSL backends that also lack the CA say unknown_ca "
            "(48), JSSE says certificate_unknown (46), GnuTLS access_denied (49)."
        ),
        fix=renew_client_certificate(),
        tell_apart="notAfter is past: openssl x509 -in CERT -noout -enddate",
        citations=("RFC 5280 §4.1.2.5", "RFC 8446 §6.2 certificate_expired"),
        enforce=REQUIRE_CERTIFICATE,
        applies=EVERY_ENDING - {"completed", "credentials", "garbage", "budget", "probe_fault"},
        match=_match,
        explained_by=("clock_skew",),
    ),
)
