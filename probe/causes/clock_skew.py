"""Documented cause 6: two clocks that disagree about whether a certificate is valid."""

from probe.causes.backend_ca_trust import REFUSALS
from probe.causes.cause import Cause, Match, Strength
from probe.causes.observed import (
    expired_issuer,
    judged_the_server,
    not_yet_valid,
    offsets,
    outside_validity,
    refusal,
)
from probe.causes.san_mismatch import SERVER_ENDINGS
from probe.causes.wording import date, shown, span
from probe.evidence import CertificateFacts, Evidence, Handshake

_CERTIFICATE_EXPIRED = 45
_DATE_ALERTS = frozenset({42, 45})
_NOT_YET_VALID = 9
_DATE_ERRORS = frozenset({_NOT_YET_VALID, 10})
"""X509_V_ERR_CERT_NOT_YET_VALID and X509_V_ERR_CERT_HAS_EXPIRED."""


def _skew(evidence: Evidence) -> Match | None:
    return _server_side(evidence) or _client_side(evidence)


def _client_side(evidence: Evidence) -> Match | None:
    refused = refusal(evidence)
    if refused is None or not refused.sent:
        return None
    outside = outside_validity(evidence)
    if outside is not None:
        explained = _explained(evidence, outside)
        if explained is None:
            return None
        named = refused.alert in _DATE_ALERTS
        return Match(Strength.NAMED if named else Strength.PROVEN, (refused.fact, *explained))
    if refused.alert != _CERTIFICATE_EXPIRED or not evidence.credentials.client_chain:
        return None
    if expired_issuer(evidence) is not None:
        return None
    chain = evidence.credentials.client_chain
    first_to_end = min(chain, key=lambda c: c.not_after)
    last_to_begin = max(chain, key=lambda c: c.not_before)
    ahead = first_to_end.not_after - evidence.at
    behind = evidence.at - last_to_begin.not_before
    facts = [
        refused.fact,
        f"our certificate is valid until {date(first_to_end.not_after)} by the probe's clock, "
        f"so the backend's clock is ahead by at least {span(ahead)} ({ahead:.0f} s), or, where "
        "its TLS says expired for not yet valid too (Go, BoringSSL, rustls), behind by at least "
        f"{span(behind)}",
    ]
    facts += [f"measured: {_offset(source, offset)}" for source, offset in offsets(evidence)]
    facts.append(
        "the same alert comes when a CA certificate in the backend's own client CA file has "
        "expired: look there if its clock is right"
    )
    return Match(Strength.NAMED, tuple(facts))


def _server_side(evidence: Evidence) -> Match | None:
    handshake = judged_the_server(evidence)
    if handshake is None:
        return None
    for error in handshake.verify_errors:
        if error.code not in _DATE_ERRORS:
            continue
        judged = _judged(evidence, handshake, error.depth)
        explained = _explained(evidence, judged) if judged is not None else None
        if explained is not None:
            return Match(Strength.NAMED, explained)
    return None


def _judged(evidence: Evidence, handshake: Handshake, depth: int) -> CertificateFacts | None:
    """Return the certificate at this depth of the server's path: sent, or an anchor of ours."""
    if depth < len(handshake.server_chain):
        return handshake.server_chain[depth]
    return next(
        (
            anchor
            for anchor in evidence.credentials.ca_bundle
            if not anchor.not_before <= evidence.at <= anchor.not_after
        ),
        None,
    )


def _explained(evidence: Evidence, certificate: CertificateFacts) -> tuple[str, ...] | None:
    """Say how a difference of clocks explains that `certificate` is outside its validity."""
    early = certificate.not_before - evidence.at
    fact = (
        f"{shown(certificate)} is valid from {date(certificate.not_before)} to "
        f"{date(certificate.not_after)}; the probe's clock says {date(evidence.at)}"
    )
    for source, offset in offsets(evidence):
        there = evidence.at + offset
        if certificate.not_before <= there <= certificate.not_after:
            return (fact, f"by the other clock it is valid: {_offset(source, offset)}")
    if 0 < early <= evidence.target.clock_tolerance:
        return (fact, f"it becomes valid in {span(early)}: within the tolerance of two clocks")
    return None


def _offset(source: str, offset: float) -> str:
    direction = "ahead of" if offset > 0 else "behind"
    return f"the clock of {source} is {span(offset)} {direction} the probe's ({offset:+.0f} s)"


def _client_not_yet(evidence: Evidence) -> Match | None:
    certificate = not_yet_valid(evidence)
    if certificate is None:
        return None
    ahead = certificate.not_before - evidence.at
    fact = f"{shown(certificate)} becomes valid in {span(ahead)}, on {date(certificate.not_before)}"
    refused = refusal(evidence)
    if refused is None or not refused.sent:
        return Match(Strength.FINDING, (fact,))
    named = refused.alert in _DATE_ALERTS
    return Match(Strength.NAMED if named else Strength.PROVEN, (refused.fact, fact))


def _server_not_yet(evidence: Evidence) -> Match | None:
    handshake = judged_the_server(evidence)
    if handshake is None:
        return None
    for error in handshake.verify_errors:
        if error.code == _NOT_YET_VALID:
            certificate = _judged(evidence, handshake, error.depth)
            fact = f"a certificate at depth {error.depth} of the server's path is not valid yet"
            if certificate is not None:
                ahead = span(certificate.not_before - evidence.at)
                begins = date(certificate.not_before)
                fact = f"{shown(certificate)} becomes valid in {ahead}, on {begins}"
            return Match(
                Strength.NAMED,
                (fact,),
                possible=() if evidence.clock else ("clock_skew",),
                decides="another clock: the Date of an HTTP answer, or SNTP",
            )
    return None


CLOCK_SKEW = Cause(
    id="clock_skew",
    title="The clocks of exporter and backend disagree",
    family="clock_skew",
    documented_cause=6,
    party="backend",
    severity="critical",
    meaning=(
        "A certificate is valid by one clock and not by the other. Either machine may be the one "
        "that is wrong; a third clock tells."
    ),
    evidence=(
        "The backend says expired of a certificate that is valid here, which bounds its clock; or "
        "a certificate is outside its validity here, and a measured offset (HTTP Date, SNTP) "
        "explains it, or it begins within the tolerance."
    ),
    fix=(
        "Compare both clocks with a good one: run date -u on each machine, chronyc tracking or "
        "timedatectl show whether time is synchronised.",
        "Start or mend NTP on the machine that is wrong; a paused or restored virtual machine "
        "often is.",
        "Until then, issue certificates with notBefore a few minutes in the past.",
    ),
    citations=("RFC 5280 §4.1.2.5", "RFC 8446 §6.2 certificate_expired"),
    applies=REFUSALS | SERVER_ENDINGS,
    match=_skew,
)

CLIENT_CERT_NOT_YET_VALID = Cause(
    id="client_cert_not_yet_valid",
    title="The exporter's certificate is not valid yet",
    family="clock_skew",
    documented_cause=6,
    party="exporter",
    severity="critical",
    meaning=(
        "notBefore of the certificate in cert_file, or of an intermediate in it, lies in the "
        "future, further than the tolerance for two clocks."
    ),
    evidence="The file itself at the time of the attempt, a refusal, and no clock that differs.",
    fix=(
        "Use the previous certificate until then, or issue one whose notBefore is past.",
        "Check the clock of the machine that issued it: openssl x509 -in {cert_file} -noout -dates",
    ),
    citations=("RFC 5280 §4.1.2.5",),
    applies=REFUSALS | SERVER_ENDINGS | {"application_data"},
    match=_client_not_yet,
    explained_by=("clock_skew",),
)

SERVER_CERT_NOT_YET_VALID = Cause(
    id="server_cert_not_yet_valid",
    title="The backend's certificate is not valid yet",
    family="clock_skew",
    documented_cause=6,
    party="backend",
    severity="critical",
    meaning="notBefore of the server's certificate, or of its issuer, lies in the future here.",
    evidence="X509_V_ERR_CERT_NOT_YET_VALID (9), beyond the tolerance, and no clock that differs.",
    fix=(
        "Check this machine's clock first: date -u.",
        "If it is right, issue the backend's certificate with a notBefore that is past.",
    ),
    citations=("RFC 5280 §4.1.2.5",),
    applies=SERVER_ENDINGS,
    match=_server_not_yet,
    explained_by=("clock_skew",),
)

CAUSES = (CLOCK_SKEW, SERVER_CERT_NOT_YET_VALID, CLIENT_CERT_NOT_YET_VALID)
