"""The backend's own certificate: its trust, its dates, its usage, its strength."""

from probe.diagnosis.cause import Cause, Match, Strength
from probe.diagnosis.families.client_expiry import expires_soon
from probe.diagnosis.families.san_mismatch import SERVER_ENDINGS
from probe.diagnosis.fixes import server_fixes
from probe.diagnosis.readings.clock_readings import (
    ANOTHER_CLOCK,
    get_credible_readings,
    is_within_validity,
    judge_clocks,
)
from probe.diagnosis.readings.observed import get_unverified_handshake
from probe.diagnosis.wording import format_duration, format_time, name_certificate
from probe.model.certificate import CertificateFacts
from probe.model.evidence import EndingKind, Evidence, Handshake
from probe.x509.strength import refused_by_go, weak_key

_EXPIRED = 10
_REVOKED = 23
_INVALID_PURPOSE = 26
_NOT_OF_TRUST = frozenset({9, _EXPIRED, _REVOKED, _INVALID_PURPOSE})
"""Every other X509_V_ERR code says that no path to an anchor holds."""


def _expired(evidence: Evidence) -> Match | None:
    handshake = evidence.handshake
    if handshake is None or not handshake.server_chain:
        return None
    if get_unverified_handshake(evidence) is None:
        return _expires_soon(evidence, handshake.server_chain)
    for error in handshake.verify_errors:
        if error.code == _EXPIRED:
            sure = _speaks_for_our_clock(evidence)
            party, fix = server_fixes.renew_server_certificate(evidence, error.depth, sure=sure)
            return Match(
                Strength.NAMED,
                (_expiry_fact(evidence, handshake, error.depth), *judge_clocks(evidence).facts),
                possible=() if sure else ("clock_skew",),
                fix=fix,
                party=party,
                decides=ANOTHER_CLOCK,
            )
    return None


def _speaks_for_our_clock(evidence: Evidence) -> bool:
    """Whether a clock was read, or a certificate of our own is in date by ours.

    A clock that is ahead by months makes both sides' certificates look expired; without either
    witness it may be what is wrong.
    """
    chain = evidence.credentials.client_chain
    return bool(get_credible_readings(evidence)) or (
        bool(chain) and all(is_within_validity(certificate, evidence.at) for certificate in chain)
    )


def _expiry_fact(evidence: Evidence, handshake: Handshake, depth: int) -> str:
    if depth < len(handshake.server_chain):
        certificate = handshake.server_chain[depth]
        ago = format_duration(evidence.at - certificate.not_after)
        return f"{name_certificate(certificate)} expired {ago} ago, on {format_time(certificate.not_after)}"
    anchors = [c for c in evidence.credentials.ca_bundle if evidence.at > c.not_after]
    if anchors:
        return f"the CA {name_certificate(anchors[0])} in ca_file expired on {format_time(anchors[0].not_after)}"
    return f"a certificate at depth {depth} of the server's path has expired"


def _expires_soon(evidence: Evidence, chain: tuple[CertificateFacts, ...]) -> Match | None:
    for certificate in chain:
        if expires_soon(certificate.not_before, certificate.not_after, evidence.at):
            left = format_duration(certificate.not_after - evidence.at)
            fact = f"the backend's {name_certificate(certificate)} expires in {left}"
            return Match(Strength.FINDING, (f"{fact}, on {format_time(certificate.not_after)}",))
        if evidence.at > certificate.not_after and evidence.target.insecure_skip_verify:
            fact = f"the backend's {name_certificate(certificate)} has expired"
            return Match(Strength.FINDING, (f"{fact}, and insecure_skip_verify lets it pass",))
    return None


def _trust_errors(handshake: Handshake) -> list[int]:
    return [e.code for e in handshake.verify_errors if e.code not in _NOT_OF_TRUST]


def _untrusted(evidence: Evidence) -> Match | None:
    handshake = get_unverified_handshake(evidence)
    if handshake is None or not _trust_errors(handshake):
        return None
    chain = handshake.server_chain
    where = (
        "the system's roots (no ca_file is set)"
        if evidence.credentials.system_roots
        else evidence.target.ca_file or "ca_file"
    )
    facts = [
        f"the backend's certificate is {name_certificate(chain[0])}, issued by {chain[-1].issuer.text}",
        f"{where} holds no anchor for it (X509_V_ERR {_trust_errors(handshake)[0]})",
    ]
    same_name = [
        c for c in evidence.credentials.ca_bundle if c.subject.digest == chain[-1].issuer.digest
    ]
    if same_name:
        facts.append("a CA of that name is there, with another key: it was reissued")
    alone = not chain[-1].self_signed and not same_name
    fix = server_fixes.trust_backend_ca(evidence, chain[-1], reissued=bool(same_name))
    return Match(
        Strength.NAMED,
        tuple(facts),
        possible=("server_chain_incomplete",) if alone else (),
        fix=fix,
        decides="the certificate of that issuer: whether it is itself issued by a CA in ca_file",
    )


def _incomplete(evidence: Evidence) -> Match | None:
    handshake = get_unverified_handshake(evidence)
    if handshake is None or not _trust_errors(handshake):
        return None
    last = handshake.server_chain[-1]
    anchors = {c.subject.digest for c in evidence.credentials.ca_bundle}
    credentials = evidence.credentials
    at_hand = [*credentials.client_chain, *(c.certificate for c in credentials.continuation)]
    for issuer in at_hand:
        if (
            issuer.subject.digest == last.issuer.digest
            and not issuer.self_signed
            and issuer.issuer.digest in anchors
            and (not last.authority_key_id or last.authority_key_id == issuer.subject_key_id)
        ):
            return Match(
                Strength.NAMED,
                (
                    f"the server sends {name_certificate(last)} last, without its issuer {name_certificate(issuer)}",
                    f"that issuer is at hand, and is itself issued by {issuer.issuer.text}, which "
                    "ca_file holds",
                ),
                fix=server_fixes.send_intermediate(issuer),
            )
    return None


def _wrong_usage(evidence: Evidence) -> Match | None:
    handshake = get_unverified_handshake(evidence)
    if handshake is None:
        return None
    if all(error.code != _INVALID_PURPOSE for error in handshake.verify_errors):
        return None
    leaf = handshake.server_chain[0]
    usages = ", ".join(leaf.extended_key_usage or ()) or "none"
    return Match(
        Strength.NAMED, (f"{name_certificate(leaf)} is made for {usages}, not for serverAuth",)
    )


def _weak(evidence: Evidence) -> Match | None:
    handshake = evidence.handshake
    if handshake is None or not handshake.server_chain:
        return None
    fact = refused_by_go(handshake.server_chain)
    if fact and get_unverified_handshake(evidence) is not None:
        return Match(Strength.NAMED, (f"the backend's {fact}",))
    short = weak_key(handshake.server_chain)
    return Match(Strength.FINDING, (f"the backend's {short}",)) if short else None


def _revoked(evidence: Evidence) -> Match | None:
    handshake = evidence.handshake
    if handshake is None or handshake.stapled_status != "revoked":
        return None
    # Go and most exporters ignore a stapled answer: it stops those that the handshake stopped.
    stopped = get_unverified_handshake(evidence) is not None
    return Match(
        Strength.NAMED if stopped else Strength.FINDING,
        ("the server's stapled OCSP answer says revoked",),
    )


_WITH_FINDINGS: frozenset[EndingKind] = SERVER_ENDINGS | {"answered", "application_data"}

CAUSES: Final = (
    Cause(
        id="server_cert_expired",
        title="The backend's certificate has expired",
        family="server_identity",
        party="backend",
        rank=Rank.SERVER_EXPIRY,
        meaning="notAfter of the server's certificate, or of one that it rests on, is past.",
        evidence="X509_V_ERR_CERT_HAS_EXPIRED (10) from the verification of the server's path.",
        fix=(
            "Renew the certificate of the backend at {endpoint}, and put it in place of the "
            "present one.",
            "{reload_backend}",
            "To see the dates: openssl s_client -connect {host}:{port} </dev/null | openssl x509 "
            "-noout -dates",
        ),
        tell_apart=(
            "mtls-probe check ENDPOINT prints the notAfter of the backend's certificate: it is "
            "past."
        ),
        citations=("RFC 5280 §4.1.2.5",),
        applies=_WITH_FINDINGS,
        match=_expired,
        explained_by=("clock_skew",),
    ),
    Cause(
        id="server_cert_revoked",
        title="The backend's certificate was revoked",
        family="server_identity",
        party="backend",
        rank=Rank.SERVER_PATH,
        meaning="The server itself staples an OCSP answer that says so.",
        evidence="A stapled OCSP answer with the status revoked.",
        fix=(
            "Issue a new certificate with a new key for the backend at {endpoint}, and put them "
            "in place of the present ones.",
            "{reload_backend}",
            "To see the stapled answer: openssl s_client -connect {host}:{port} -status </dev/null",
        ),
        tell_apart=(
            "Ask the CA, or look at the stapled answer: openssl s_client -connect ENDPOINT -status"
        ),
        citations=("RFC 6066 §8", "RFC 6960"),
        not_printed="no exporter looks at a stapled OCSP answer unless told to",
        applies=_WITH_FINDINGS,
        match=_revoked,
    ),
    Cause(
        id="server_chain_incomplete",
        title="The backend leaves out an intermediate of its certificate",
        family="server_identity",
        party="backend",
        rank=Rank.SERVER_PATH,
        meaning="The server sends its certificate without the intermediate that leads to our CA.",
        evidence="The missing issuer is at hand and is issued by a CA in ca_file.",
        fix=(
            "On the backend, append the certificate of the intermediate to the file with its own "
            "certificate, behind it.",
            "{reload_backend}",
            "To see what it sends: openssl s_client -connect {host}:{port} -showcerts </dev/null",
        ),
        tell_apart=(
            "mtls-probe check ENDPOINT prints the chain that the backend sends: it ends below the "
            "root, and the missing intermediate is in no message."
        ),
        citations=("RFC 8446 §4.4.2",),
        applies=SERVER_ENDINGS,
        match=_incomplete,
    ),
    Cause(
        id="server_ca_untrusted",
        title="The exporter does not trust the CA of the backend's certificate",
        family="server_identity",
        party="exporter",
        rank=Rank.SERVER_PATH,
        meaning=(
            "No anchor in ca_file (or, without one, among the system's roots) issued the backend's "
            'certificate. Exporters print "certificate verify failed" or "certificate signed by '
            'unknown authority".'
        ),
        evidence="The verification of the server's path finds no anchor.",
        fix=(
            "Put the certificate of the CA that issued the backend's into {into_ca}.",
            "{reread_ca}",
            "To see what the backend sends: openssl s_client -connect {host}:{port} -showcerts "
            "</dev/null",
        ),
        tell_apart=(
            "mtls-probe check ENDPOINT --ca CA prints the issuer of the backend's certificate: "
            "ca_file does not hold it."
        ),
        citations=("RFC 5280 §6.1", "Go crypto/x509 UnknownAuthorityError"),
        applies=SERVER_ENDINGS,
        match=_untrusted,
        explained_by=("server_chain_incomplete",),
    ),
    Cause(
        id="server_cert_wrong_usage",
        title="The backend's certificate is not made for servers",
        family="server_identity",
        party="backend",
        rank=Rank.SERVER_PATH,
        meaning="Its extendedKeyUsage lacks serverAuth: often a client's certificate in its place.",
        evidence="X509_V_ERR_INVALID_PURPOSE (26) from the verification of the server's path.",
        fix=(
            "Issue the certificate of the backend at {endpoint} anew with extendedKeyUsage "
            "serverAuth (in cert-manager: usages: [server auth, digital signature]), and put it "
            "in place of the present one.",
            "{reload_backend}",
            "To see what the present one is made for: openssl s_client -connect {host}:{port} "
            "</dev/null | openssl x509 -noout -ext extendedKeyUsage",
        ),
        tell_apart=(
            "mtls-probe check ENDPOINT: the backend's certificate lacks serverAuth in "
            "extendedKeyUsage."
        ),
        citations=("RFC 5280 §4.2.1.12",),
        applies=SERVER_ENDINGS,
        match=_wrong_usage,
    ),
    Cause(
        id="server_cert_weak",
        title="The backend's certificate is too weak",
        family="server_identity",
        party="backend",
        severity="warning",
        rank=Rank.SERVER_PATH,
        meaning=(
            "A SHA-1 or MD5 signature or an RSA key below 1024 bits, which Go exporters refuse."
        ),
        evidence="The server's chain as it was sent.",
        fix=(
            "Issue the certificate of the backend at {endpoint} anew with an EC P-256 or RSA-2048 "
            "key, signed with SHA-256, and put it, with that key, in place of the present one.",
            "{reload_backend}",
            "To see key and signature: openssl s_client -connect {host}:{port} </dev/null | "
            "openssl x509 -noout -text",
        ),
        tell_apart=(
            "mtls-probe check ENDPOINT prints key and signature of the backend's certificate."
        ),
        citations=("Go crypto/x509 InsecureAlgorithmError", "Go crypto/tls rsa1024min"),
        harmless_to=(JAVA, PYTHON_GRPC),
        applies=_WITH_FINDINGS,
        match=_weak,
    ),
)
