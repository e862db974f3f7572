"""The backend's own certificate: its trust, its dates, its usage, its strength."""

from functools import partial
from typing import Final

from probe.diagnosis.cause import SERVER_ENDINGS, Cause, Match, Rank, Strength
from probe.diagnosis.fixes.server_fixes import (
    renew_anchor,
    renew_server_certificate,
    send_intermediate,
    trust_backend_ca,
)
from probe.diagnosis.readings.clock_readings import (
    ANOTHER_CLOCK,
    get_credible_readings,
    judge_clocks,
)
from probe.diagnosis.readings.server_verification import VerifyCode, get_unverified_handshake
from probe.diagnosis.readings.used_certificates import find_server_path
from probe.model.certificate import name_certificate
from probe.model.evidence import EndingKind, Evidence, Handshake
from probe.model.runtime import JAVA, PYTHON_GRPC
from probe.text.time_format import format_time
from probe.x509 import validity
from probe.x509.path import find_issuers, has_issuer, names_issuer
from probe.x509.strength import find_weak_key, find_weakness_for_go

_WITH_FINDINGS: Final[frozenset[EndingKind]] = SERVER_ENDINGS | {"answered", "application_data"}


def _match_expired(evidence: Evidence) -> Match | None:
    handshake = evidence.handshake
    if handshake is None or not handshake.server_chain:
        return None
    if get_unverified_handshake(evidence) is None:
        return _find_expiring(evidence, handshake)
    error = next((e for e in handshake.verify_errors if e.code == VerifyCode.EXPIRED), None)
    if error is None:
        return None
    sure = _is_clock_supported(evidence)
    party, fix = renew_server_certificate(evidence, error.depth, sure=sure)
    return Match(
        Strength.NAMED,
        (_describe_expiry(evidence, handshake, error.depth), *judge_clocks(evidence).facts),
        possible=() if sure else ("clock_skew",),
        fix=fix,
        party=party,
        decides=ANOTHER_CLOCK,
    )


def _is_clock_supported(evidence: Evidence) -> bool:
    """Whether a clock was read, or a certificate of our own is in date by ours.

    A clock that is ahead by months makes both sides' certificates look expired; without either
    witness it may be what is wrong.
    """
    chain = evidence.credentials.client_chain
    return bool(get_credible_readings(evidence)) or (
        bool(chain) and validity.find_invalid(chain, evidence.at) is None
    )


def _describe_expiry(evidence: Evidence, handshake: Handshake, depth: int) -> str:
    if depth < len(handshake.server_chain):
        return validity.describe_expired(handshake.server_chain[depth], evidence.at)
    anchor = validity.find_expired(evidence.credentials.ca_bundle, evidence.at)
    if anchor is not None:
        ended = format_time(anchor.not_after)
        return f"the CA {name_certificate(anchor)} in ca_file expired on {ended}"
    return f"a certificate at depth {depth} of the server's path has expired"


def _find_expiring(evidence: Evidence, handshake: Handshake) -> Match | None:
    """Match what will end soon of what the exporter's trust rests on, or has ended unnoticed."""
    path, found = find_server_path(evidence), list[tuple[str, tuple[str, ...]]]()
    for one in path.sent:
        fix = renew_server_certificate(evidence, handshake.server_chain.index(one))[1]
        if validity.expires_soon(one, evidence.at):
            found.append((f"the backend's {validity.describe_expiry(one, evidence.at)}", fix))
        elif evidence.target.insecure_skip_verify and validity.is_expired(one, evidence.at):
            fact = f"the backend's {name_certificate(one)} has expired"
            found.append((f"{fact}, and insecure_skip_verify lets it pass", fix))
    if path.verified:
        where = evidence.target.ca_file or "ca_file"
        held = {one.sha256 for one in evidence.credentials.ca_bundle}
        for one in path.anchors:
            if one not in path.sent and validity.expires_soon(one, evidence.at):
                place = where if one.sha256 in held else "the system's roots"
                rests = f" in {place}, which the backend's certificate rests on,"
                fact = f"the CA {validity.describe_expiry(one, evidence.at, rests)}"
                found.append((fact, renew_anchor(one if one.sha256 in held else None)))
    return (
        Match(Strength.FINDING, tuple(fact for fact, _ in found), each=tuple(found))
        if found
        else None
    )


def _list_trust_errors(handshake: Handshake) -> list[int]:
    """Return the codes that say that no path to an anchor holds."""
    return [error.code for error in handshake.verify_errors if error.code not in set(VerifyCode)]


def _match_untrusted(evidence: Evidence) -> Match | None:
    handshake, credentials = get_unverified_handshake(evidence), evidence.credentials
    errors = _list_trust_errors(handshake) if handshake is not None else []
    if handshake is None or not errors:
        return None
    first, last = handshake.server_chain[0], handshake.server_chain[-1]
    where = evidence.target.ca_file or "ca_file"
    if credentials.system_roots:
        where = "the system's roots (no ca_file is set)"
    facts = [
        f"the backend's certificate is {name_certificate(first)}, issued by {last.issuer.text}",
        f"{where} holds no anchor for it (X509_V_ERR {errors[0]})",
    ]
    reissued = any(names_issuer(last, anchor) for anchor in credentials.ca_bundle)
    if reissued:
        facts.append("a CA of that name is there, with another key: it was reissued")
    may_be_incomplete = not last.self_signed and not reissued
    return Match(
        Strength.NAMED,
        tuple(facts),
        possible=("server_chain_incomplete",) if may_be_incomplete else (),
        fix=trust_backend_ca(evidence, last, reissued=reissued),
        decides="the certificate of that issuer: whether it is itself issued by a CA in ca_file",
    )


def _match_incomplete(evidence: Evidence) -> Match | None:
    handshake, credentials = get_unverified_handshake(evidence), evidence.credentials
    if handshake is None or not _list_trust_errors(handshake):
        return None
    last = handshake.server_chain[-1]
    for issuer in (*credentials.client_chain, *(c.certificate for c in credentials.unsent_issuers)):
        if (
            has_issuer(last, issuer)
            and not issuer.self_signed
            and find_issuers(issuer, credentials.ca_bundle)
        ):
            missing = name_certificate(issuer)
            return Match(
                Strength.NAMED,
                (
                    f"the server sends {name_certificate(last)} last, without its issuer {missing}",
                    f"that issuer is available, and is itself issued by {issuer.issuer.text}, "
                    "which ca_file holds",
                ),
                fix=send_intermediate(issuer),
            )
    return None


def _match_wrong_usage(evidence: Evidence) -> Match | None:
    handshake = get_unverified_handshake(evidence)
    if handshake is None:
        return None
    if all(error.code != VerifyCode.INVALID_PURPOSE for error in handshake.verify_errors):
        return None
    leaf = handshake.server_chain[0]
    usages = ", ".join(leaf.extended_key_usage or ()) or "none"
    fact = f"{name_certificate(leaf)} is made for {usages}, not for serverAuth"
    return Match(Strength.NAMED, (fact,))


def _match_weak(evidence: Evidence) -> Match | None:
    handshake = evidence.handshake
    if handshake is None or not handshake.server_chain:
        return None
    fact = find_weakness_for_go(handshake.server_chain)
    if fact and get_unverified_handshake(evidence) is not None:
        return Match(Strength.NAMED, (f"the backend's {fact}",))
    short = find_weak_key(handshake.server_chain)
    return Match(Strength.FINDING, (f"the backend's {short}",)) if short else None


def _match_revoked(evidence: Evidence) -> Match | None:
    handshake = evidence.handshake
    if handshake is None or handshake.stapled_status != "revoked":
        return None
    # Go and most exporters ignore a stapled answer: it stops those that the handshake stopped.
    stopped = get_unverified_handshake(evidence) is not None
    return Match(
        Strength.NAMED if stopped else Strength.FINDING,
        ("the server's stapled OCSP answer says revoked",),
    )


_declare: Final = partial(Cause, family="server_identity", party="backend", rank=Rank.SERVER_PATH)
"""What the causes here have in common, unless one says otherwise."""

CAUSES: Final = (
    _declare(
        id="server_cert_expired",
        title="The backend's certificate has expired",
        rank=Rank.SERVER_EXPIRY,
        meaning="notAfter of the server's certificate, or of one that it rests on, is past.",
        evidence="X509_V_ERR_CERT_HAS_EXPIRED (10) from the verification of the server's path.",
        fix=renew_server_certificate()[1],
        tell_apart=(
            "mtls-probe check ENDPOINT prints the notAfter of the backend's certificate: it is "
            "past."
        ),
        citations=("RFC 5280 §4.1.2.5",),
        applies=_WITH_FINDINGS,
        match=_match_expired,
        explained_by=("clock_skew",),
    ),
    _declare(
        id="server_cert_revoked",
        title="The backend's certificate was revoked",
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
        not_printed="no exporter looks at a stapled OCSP answer unless configured to",
        applies=_WITH_FINDINGS,
        match=_match_revoked,
    ),
    _declare(
        id="server_chain_incomplete",
        title="The backend leaves out an intermediate of its certificate",
        meaning="The server sends its certificate without the intermediate that leads to our CA.",
        evidence="The missing issuer is available, and is issued by a CA in ca_file.",
        fix=send_intermediate(),
        tell_apart=(
            "mtls-probe check ENDPOINT prints the chain that the backend sends: it ends below the "
            "root, and the missing intermediate is in no message."
        ),
        citations=("RFC 8446 §4.4.2",),
        applies=SERVER_ENDINGS,
        match=_match_incomplete,
    ),
    _declare(
        id="server_ca_untrusted",
        title="The exporter does not trust the CA of the backend's certificate",
        party="exporter",
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
        match=_match_untrusted,
        explained_by=("server_chain_incomplete",),
    ),
    _declare(
        id="server_cert_wrong_usage",
        title="The backend's certificate is not made for servers",
        meaning=(
            "Its extendedKeyUsage lacks serverAuth: often a client's certificate was put in its "
            "place."
        ),
        evidence="X509_V_ERR_INVALID_PURPOSE (26) from the verification of the server's path.",
        fix=(
            "Issue a new certificate for the backend at {endpoint} with extendedKeyUsage "
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
        match=_match_wrong_usage,
    ),
    _declare(
        id="server_cert_weak",
        title="The backend's certificate is too weak",
        severity="warning",
        meaning=(
            "A SHA-1 or MD5 signature or an RSA key below 1024 bits, which Go exporters refuse."
        ),
        evidence="The server's chain as it was sent.",
        fix=(
            "Issue a new certificate for the backend at {endpoint} with an EC P-256 or RSA-2048 "
            "key, signed with SHA-256, and put it, with that key, in place of the present one.",
            "{reload_backend}",
            "To see key and signature: openssl s_client -connect {host}:{port} </dev/null | "
            "openssl x509 -noout -text",
        ),
        tell_apart=(
            "mtls-probe check ENDPOINT prints key and signature of the backend's certificate."
        ),
        citations=("Go crypto/x509 InsecureAlgorithmError", "Go crypto/tls rsa1024min"),
        harmless_to=(*JAVA, PYTHON_GRPC),
        applies=_WITH_FINDINGS,
        match=_match_weak,
    ),
)
