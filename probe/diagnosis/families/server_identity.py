"""The backend's own certificate: its trust, its dates, its usage, its strength."""

from functools import partial
from typing import Final

from probe.diagnosis.cause import SERVER_ENDINGS, Cause, Match, Rank, Strength
from probe.diagnosis.fixes.server_fixes import (
    renew_anchor,
    renew_server_certificate,
    repair_chain,
    send_intermediate,
    send_right_issuer,
    trust_backend_ca,
)
from probe.diagnosis.readings.clock_readings import (
    ANOTHER_CLOCK,
    get_credible_readings,
    judge_clocks,
)
from probe.diagnosis.readings.path_fault_text import describe_fault, name_faulty
from probe.diagnosis.readings.server_verification import (
    NO_PATH,
    WEAK,
    find_faulty_certificate,
    get_unverified_handshake,
    list_faults,
    rate_fault,
)
from probe.diagnosis.readings.used_certificates import find_server_path, is_of_file
from probe.model.certificate import CertificateFacts, name_certificate
from probe.model.evidence import EndingKind, Evidence, Handshake
from probe.model.path_fault import PathFault
from probe.model.runtime import (
    JAVA,
    PYTHON_GRPC,
)
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
    fault = next(iter(list_faults(evidence, "expired")), None)
    if fault is None:
        return None
    sure = _is_clock_supported(evidence)
    party, fix = renew_server_certificate(
        evidence, fault.position, find_faulty_certificate(evidence, fault), sure=sure
    )
    return Match(
        rate_fault(evidence, fault),
        (_describe_expiry(evidence, fault), *judge_clocks(evidence).facts),
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


def _describe_expiry(evidence: Evidence, fault: PathFault) -> str:
    certificate = find_faulty_certificate(evidence, fault)
    if certificate is None:
        return f"{name_faulty(evidence, fault)} {describe_fault(fault)}"
    if certificate in evidence.credentials.ca_bundle and fault.position is None:
        ended = format_time(certificate.not_after)
        return f"the CA {name_certificate(certificate)} in ca_file expired on {ended}"
    return validity.describe_expired(certificate, evidence.at)


def _find_expiring(evidence: Evidence, handshake: Handshake) -> Match | None:
    """Match what will end soon of what the exporter's trust rests on, or has ended unnoticed."""
    known = (*handshake.server_chain, *evidence.credentials.ca_bundle, *handshake.used_anchors)
    if not evidence.target.insecure_skip_verify and not any(
        validity.expires_soon(one, evidence.at) for one in known
    ):
        return None  # to find the path costs more than all the rest of a diagnosis
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
        for one in path.anchors:
            if one not in path.sent and validity.expires_soon(one, evidence.at):
                of_file = is_of_file(evidence, one)
                place = where if of_file else "the system's roots"
                rests = f" in {place}, which the backend's certificate rests on,"
                fact = f"the CA {validity.describe_expiry(one, evidence.at, rests)}"
                found.append((fact, renew_anchor(one if of_file else None)))
    return (
        Match(Strength.FINDING, tuple(fact for fact, _ in found), each=tuple(found))
        if found
        else None
    )


def _find_top(evidence: Evidence, fault: PathFault) -> CertificateFacts | None:
    """Return the certificate whose issuer is not there: what the fault names, or the last one."""
    handshake = evidence.handshake
    if handshake is None or not handshake.server_chain:
        return None
    return find_faulty_certificate(evidence, fault) or handshake.server_chain[-1]


def _match_untrusted(evidence: Evidence) -> Match | None:
    faults = list_faults(evidence, *NO_PATH)
    if not faults or evidence.handshake is None:
        return None
    fault, first = faults[0], evidence.handshake.server_chain[0]
    top = _find_top(evidence, fault) or first
    issued = (
        f"the backend's certificate is {name_certificate(first)}, issued by {first.issuer.text}"
    )
    facts = [issued]
    if top is not first:
        facts.append(f"it leads to {name_certificate(top)}, issued by {top.issuer.text}")
    if fault.kind == "bad_signature":
        return _match_bad_signature(evidence, fault, top, facts)
    return Match(
        rate_fault(evidence, fault),
        (*facts, _describe_lacking_anchor(evidence)),
        possible=() if top.self_signed else ("server_chain_incomplete",),
        fix=trust_backend_ca(evidence, top, reissued=False),
        decides="the certificate of that issuer: whether it is itself issued by a CA in ca_file",
    )


def _describe_lacking_anchor(evidence: Evidence) -> str:
    file = evidence.target.ca_file
    if evidence.credentials.system_roots and file:
        return f"neither {file} nor the system's roots hold an anchor for it"
    if evidence.credentials.system_roots:
        return "the system's roots (no ca_file is set) hold no anchor for it"
    return f"{file or 'ca_file'} holds no anchor for it"


def _match_bad_signature(
    evidence: Evidence, fault: PathFault, top: CertificateFacts, facts: list[str]
) -> Match:
    """Match an issuer of the right name with another key: an anchor of ours, or one that is sent."""
    assert evidence.handshake is not None
    sent = any(one.sha256 == fault.limit for one in evidence.handshake.server_chain)
    if not sent and any(names_issuer(top, one) for one in evidence.credentials.ca_bundle):
        facts.append(
            f"a CA named {top.issuer.text} is there, with another key: it was reissued, or the "
            "certificate is damaged"
        )
        fix = trust_backend_ca(evidence, top, reissued=True)
        return Match(rate_fault(evidence, fault), tuple(facts), fix=fix)
    facts.append(f"{name_faulty(evidence, fault)} {describe_fault(fault)}")
    party, fix = send_right_issuer(top)
    return Match(rate_fault(evidence, fault), tuple(facts), fix=fix, party=party)


def _match_incomplete(evidence: Evidence) -> Match | None:
    faults, credentials = list_faults(evidence, *NO_PATH), evidence.credentials
    top = _find_top(evidence, faults[0]) if faults else None
    if top is None:
        return None
    for issuer in (*credentials.client_chain, *(c.certificate for c in credentials.unsent_issuers)):
        if (
            has_issuer(top, issuer)
            and not issuer.self_signed
            and find_issuers(issuer, credentials.ca_bundle)
        ):
            missing = name_certificate(issuer)
            return Match(
                rate_fault(evidence, faults[0]),
                (
                    f"the server sends {name_certificate(top)} without its issuer {missing}",
                    f"that issuer is available, and is itself issued by {issuer.issuer.text}, "
                    "which ca_file holds",
                ),
                fix=send_intermediate(issuer),
            )
    return None


def _match_wrong_usage(evidence: Evidence) -> Match | None:
    fault = next(iter(list_faults(evidence, "wrong_usage")), None)
    if fault is None:
        return None
    leaf = find_faulty_certificate(evidence, fault)
    usages = ", ".join((leaf.extended_key_usage if leaf else None) or ()) or fault.value or "none"
    named = name_certificate(leaf) if leaf is not None else fault.subject
    if fault.limit not in {"", "serverAuth"}:
        return Match(rate_fault(evidence, fault), (f"{named} {describe_fault(fault)}",))
    return Match(
        rate_fault(evidence, fault), (f"{named} is made for {usages}, not for serverAuth",)
    )


def _match_weak(evidence: Evidence) -> Match | None:
    handshake = evidence.handshake
    if handshake is None or not handshake.server_chain:
        return None
    fault = next(iter(list_faults(evidence, *WEAK)), None)
    if fault is not None:
        named = name_faulty(evidence, fault)
        said = f"{named} {describe_fault(fault)}"
        if not fault.value and (weakness := find_weakness_for_go(handshake.server_chain)):
            said = f"the backend's {weakness}"
        if fault.position == 0 or not fault.subject:
            return Match(rate_fault(evidence, fault), (said,))
        party, fix = repair_chain(evidence, fault, named)
        return Match(rate_fault(evidence, fault), (said,), fix=fix, party=party)
    short = find_weak_key(handshake.server_chain)
    return Match(Strength.FINDING, (f"the backend's {short}",)) if short else None


def _match_revoked(evidence: Evidence) -> Match | None:
    handshake = evidence.handshake
    if handshake is None or handshake.stapled_status != "revoked":
        return None
    # Go and most exporters ignore a stapled answer: it stops those that nothing else stopped.
    stopped = get_unverified_handshake(evidence) is not None and not handshake.path_faults
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
        evidence="The exporter's own verification of the server's path, at the time of the attempt.",
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
            "Issue a new certificate with a new key for the backend at {endpoint}, and {put_served}.",
            "{reload_backend}",
            "To see the stapled answer: openssl s_client -connect {host}:{port} -status </dev/null",
        ),
        tell_apart=(
            "Ask the CA, or look at the stapled answer: openssl s_client -connect ENDPOINT -status "
            "</dev/null"
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
        evidence="No path from what the server sent to an anchor, by the exporter's own rules.",
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
        evidence="extendedKeyUsage and keyUsage of the certificate that the server sent.",
        fix=(
            "Issue a new certificate for the backend at {endpoint} with extendedKeyUsage "
            "serverAuth (in cert-manager: usages: [server auth, digital signature]), and {put_served}.",
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
            "key, signed with SHA-256, and {put_served}.",
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
