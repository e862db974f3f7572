"""The backend's own certificate: its trust, its dates, its usage, its strength."""

from probe.diagnosis.cause import Cause, Match, Strength
from probe.diagnosis.families.san_mismatch import SERVER_ENDINGS
from probe.diagnosis.fixes import server_fixes
from probe.diagnosis.readings.clock_readings import (
    ANOTHER_CLOCK,
    get_credible_readings,
    judge_clocks,
)
from probe.diagnosis.readings.observed import get_unverified_handshake
from probe.model.certificate import CertificateFacts, name_certificate
from probe.model.evidence import EndingKind, Evidence, Handshake
from probe.text.time_format import format_time
from probe.x509 import validity
from probe.x509.path import find_issuers, is_issuer, names_issuer
from probe.x509.strength import find_weak_key, find_weakness_for_go

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
        bool(chain) and validity.find_invalid(chain, evidence.at) is None
    )


def _expiry_fact(evidence: Evidence, handshake: Handshake, depth: int) -> str:
    if depth < len(handshake.server_chain):
        return validity.describe_expired(handshake.server_chain[depth], evidence.at)
    anchor = validity.find_expired(evidence.credentials.ca_bundle, evidence.at)
    if anchor is not None:
        return f"the CA {name_certificate(anchor)} in ca_file expired on {format_time(anchor.not_after)}"
    return f"a certificate at depth {depth} of the server's path has expired"


def _expires_soon(evidence: Evidence, chain: tuple[CertificateFacts, ...]) -> Match | None:
    for certificate in chain:
        if validity.expires_soon(certificate, evidence.at):
            fact = f"the backend's {validity.describe_expiry(certificate, evidence.at)}"
            return Match(Strength.FINDING, (fact,))
        if evidence.target.insecure_skip_verify and validity.is_expired(certificate, evidence.at):
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
    same_name = [c for c in evidence.credentials.ca_bundle if names_issuer(chain[-1], c)]
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
    credentials = evidence.credentials
    at_hand = [*credentials.client_chain, *(c.certificate for c in credentials.unsent_issuers)]
    for issuer in at_hand:
        if (
            is_issuer(issuer, last)
            and not issuer.self_signed
            and find_issuers(issuer, credentials.ca_bundle)
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
    fact = find_weakness_for_go(handshake.server_chain)
    if fact and get_unverified_handshake(evidence) is not None:
        return Match(Strength.NAMED, (f"the backend's {fact}",))
    short = find_weak_key(handshake.server_chain)
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

SERVER_CERT_EXPIRED = Cause(
    id="server_cert_expired",
    title="The backend's certificate has expired",
    family="server_identity",
    party="backend",
    severity="critical",
    meaning="notAfter of the server's certificate, or of one that it rests on, is past.",
    evidence="X509_V_ERR_CERT_HAS_EXPIRED (10) from the verification of the server's path.",
    fix=(
        "Renew the certificate of the backend at {endpoint}, and put it in place of "
        "the present one.",
        "{reload_backend}",
        "To see the dates: openssl s_client -connect {host}:{port} </dev/null | "
        "openssl x509 -noout -dates",
    ),
    citations=("RFC 5280 §4.1.2.5",),
    applies=_WITH_FINDINGS,
    match=_expired,
    explained_by=("clock_skew",),
)

SERVER_CHAIN_INCOMPLETE = Cause(
    id="server_chain_incomplete",
    title="The backend leaves out an intermediate of its certificate",
    family="server_identity",
    party="backend",
    severity="critical",
    meaning="The server sends its certificate without the intermediate that leads to our CA.",
    evidence="The missing issuer is at hand and is issued by a CA in ca_file.",
    fix=(
        "On the backend, append the certificate of the intermediate to the file with "
        "its own certificate, behind it.",
        "{reload_backend}",
        "To see what it sends: openssl s_client -connect {host}:{port} -showcerts </dev/null",
    ),
    citations=("RFC 8446 §4.4.2",),
    applies=SERVER_ENDINGS,
    match=_incomplete,
)

SERVER_CA_UNTRUSTED = Cause(
    id="server_ca_untrusted",
    title="The exporter does not trust the CA of the backend's certificate",
    family="server_identity",
    party="exporter",
    severity="critical",
    meaning=(
        "No anchor in ca_file (or, without one, among the system's roots) issued the backend's "
        'certificate. Exporters print "certificate verify failed" or "certificate signed by '
        'unknown authority".'
    ),
    evidence="The verification of the server's path finds no anchor.",
    fix=(
        "Put the certificate of the CA that issued the backend's into {into_ca}.",
        "{reread_ca}",
        "To see what the backend sends: openssl s_client -connect {host}:{port} "
        "-showcerts </dev/null",
    ),
    citations=("RFC 5280 §6.1", "Go crypto/x509 UnknownAuthorityError"),
    applies=SERVER_ENDINGS,
    match=_untrusted,
    explained_by=("server_chain_incomplete",),
)

SERVER_CERT_WRONG_USAGE = Cause(
    id="server_cert_wrong_usage",
    title="The backend's certificate is not made for servers",
    family="server_identity",
    party="backend",
    severity="critical",
    meaning="Its extendedKeyUsage lacks serverAuth: often a client's certificate in its place.",
    evidence="X509_V_ERR_INVALID_PURPOSE (26) from the verification of the server's path.",
    fix=(
        "Issue the certificate of the backend at {endpoint} anew with "
        "extendedKeyUsage serverAuth (in cert-manager: usages: [server auth, digital "
        "signature]), and put it in place of the present one.",
        "{reload_backend}",
        "To see what the present one is made for: openssl s_client -connect "
        "{host}:{port} </dev/null | openssl x509 -noout -ext extendedKeyUsage",
    ),
    citations=("RFC 5280 §4.2.1.12",),
    applies=SERVER_ENDINGS,
    match=_wrong_usage,
)

SERVER_CERT_WEAK = Cause(
    id="server_cert_weak",
    title="The backend's certificate is too weak",
    family="server_identity",
    party="backend",
    severity="warning",
    meaning="A SHA-1 or MD5 signature or an RSA key below 1024 bits, which Go exporters refuse.",
    evidence="The server's chain as it was sent.",
    fix=(
        "Issue the certificate of the backend at {endpoint} anew with an EC P-256 or "
        "RSA-2048 key, signed with SHA-256, and put it, with that key, in place of "
        "the present one.",
        "{reload_backend}",
        "To see key and signature: openssl s_client -connect {host}:{port} </dev/null "
        "| openssl x509 -noout -text",
    ),
    citations=("Go crypto/x509 InsecureAlgorithmError", "Go crypto/tls rsa1024min"),
    applies=_WITH_FINDINGS,
    match=_weak,
)

SERVER_CERT_REVOKED = Cause(
    id="server_cert_revoked",
    title="The backend's certificate was revoked",
    family="server_identity",
    party="backend",
    severity="critical",
    meaning="The server itself staples an OCSP answer that says so.",
    evidence="A stapled OCSP answer with the status revoked.",
    fix=(
        "Issue a new certificate with a new key for the backend at {endpoint}, and "
        "put them in place of the present ones.",
        "{reload_backend}",
        "To see the stapled answer: openssl s_client -connect {host}:{port} -status </dev/null",
    ),
    citations=("RFC 6066 §8", "RFC 6960"),
    applies=_WITH_FINDINGS,
    match=_revoked,
)

DATES = (SERVER_CERT_EXPIRED,)
PATH = (
    SERVER_CERT_REVOKED,
    SERVER_CHAIN_INCOMPLETE,
    SERVER_CA_UNTRUSTED,
    SERVER_CERT_WRONG_USAGE,
    SERVER_CERT_WEAK,
)
CAUSES = DATES + PATH
