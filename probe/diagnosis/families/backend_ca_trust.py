"""Documented cause 1: the backend's client CA file has no anchor for the exporter's chain."""

from typing import Final

from probe.diagnosis.cause import EVERY_ENDING, REFUSAL_ENDINGS, Cause, Match, Rank, Strength
from probe.diagnosis.fixes.client_fixes import make_backend_trust
from probe.diagnosis.fixes.steps import escape_braces
from probe.diagnosis.readings.backend_decision import (
    Refusal,
    find_refusal,
    is_confirmed,
)
from probe.diagnosis.readings.client_certificate import (
    get_linked_chain,
    has_uncommon_key,
    is_withheld,
    may_lack_intermediate,
)
from probe.diagnosis.readings.client_rules import (
    describe_rule,
    find_broken_rule,
    find_namesake,
)
from probe.diagnosis.readings.enforcement import describe_refusal_without_certificate
from probe.diagnosis.readings.receiver_judgement import TOO_BROAD, UNTRUSTED, judge_receiver
from probe.model.certificate import name_certificate
from probe.model.evidence import Evidence
from probe.model.runtime import COLLECTOR, RUNTIMES_BY_ID
from probe.model.tls_alerts import TlsAlert
from probe.x509.strength import find_weak_key, find_weak_signature

_NAMES_SHOWN: Final = 5


def _match(evidence: Evidence) -> Match | None:
    if is_confirmed(evidence):
        return _match_withheld(evidence)
    refused = find_refusal(evidence)
    if refused is None:
        return None
    if not refused.sent:
        return _match_closed_to_all(evidence)
    strength = _judge_strength(evidence, refused)
    if strength is None:
        return None
    facts = _list_facts(evidence, refused, strength)
    possible: tuple[str, ...] = ()
    decides = ""
    rule = find_broken_rule(evidence, refused.alert)
    if strength is Strength.FITS and rule is not None and rule.fits:
        possible = ("client_cert_rejected",)
        decides = "a certificate of the same CA in a chain that breaks no rule"
    elif strength is Strength.FITS:
        rare = refused.alert == TlsAlert.DECRYPT_ERROR and has_uncommon_key(evidence)
        possible = ("no_shared_signature_algorithm",) if rare else ("client_cert_weak",)
        decides = "a certificate of the same CA with an EC or RSA-2048 key, signed with SHA-256"
    elif (
        refused.listed is not True
        and refused.alert != TlsAlert.DECRYPT_ERROR
        and may_lack_intermediate(evidence)
    ):
        last = get_linked_chain(evidence)[-1]
        if last.aia_issuers:
            facts += (f"the issuer of {name_certificate(last)} is at {last.aia_issuers[0]}",)
        possible = ("client_chain_incomplete",)
        decides = (
            "the issuing intermediate's certificate next to cert_file, or the backend's CA file: "
            "either shows whether a link is missing or the anchor is"
        )
    party, fix = make_backend_trust(evidence, refused)
    return Match(strength, facts, possible=possible, fix=fix, party=party, decides=decides)


def _match_closed_to_all(evidence: Evidence) -> Match | None:
    """Match a receiver whose client_ca_file brings no client in: that it refuses us proves nothing."""
    files = evidence.credentials.receiver
    if files is None:
        return None
    verdict = judge_receiver(files, evidence.at)
    found = [one for one in verdict.faults if (one.cause, one.role) == (UNTRUSTED, "client_ca")]
    if not found:
        return None
    steps = dict.fromkeys(escape_braces(step) for one in found for step in one.fix)
    here = f"On the backend of {{endpoint}}, correct the client_ca_file of receiver {escape_braces(files.name)}."
    fact = f"no client can be accepted by receiver {files.name}: all that its client_ca_file holds is of no use"
    return Match(Strength.NAMED, (*(one.fact for one in found), fact), fix=(here, *steps))


def _match_withheld(evidence: Evidence) -> Match | None:
    """Match a backend that takes the certificate, where the exporter would not send it.

    Without it the backend refuses, and that is what the exporter gets.
    """
    if not is_withheld(evidence) or evidence.handshake is None:
        return None
    ends = describe_refusal_without_certificate(evidence)
    if not ends:
        return None
    chain = evidence.credentials.client_chain
    party, fix = make_backend_trust(evidence)
    return Match(
        Strength.PROVEN,
        (
            f"the backend accepts only certificates issued by: {_list_listed(evidence)}",
            f"our certificate is {name_certificate(chain[0])}, issued by {chain[-1].issuer.text}: "
            f"{_describe_withholding(evidence)}",
            f"the backend accepted the certificate when the probe sent it, and without one it "
            f"refuses {ends}",
        ),
        fix=fix,
        party=party,
    )


def _list_listed(evidence: Evidence) -> str:
    listed = evidence.handshake.acceptable_cas if evidence.handshake else ()
    names = ", ".join(name.text for name in listed[:_NAMES_SHOWN])
    more = f" and {len(listed) - _NAMES_SHOWN} more" if len(listed) > _NAMES_SHOWN else ""
    return names + more


def _describe_withholding(evidence: Evidence) -> str:
    exporter = RUNTIMES_BY_ID.get(evidence.target.exporter, COLLECTOR)
    return f"an exporter of the {exporter.name} sends no certificate to a backend with such a list"


def _judge_strength(evidence: Evidence, refused: Refusal) -> Strength | None:
    chain = evidence.credentials.client_chain
    if refused.alert == TlsAlert.UNKNOWN_CA:
        rule = find_broken_rule(evidence, refused.alert)
        other = find_weak_signature(chain) is not None or (rule is not None and rule.fits)
        return Strength.FITS if other and refused.listed is not False else Strength.NAMED
    if refused.alert == TlsAlert.DECRYPT_ERROR and refused.listed is not False:
        # Our pair matches, so the signature that failed is the chain's: OpenSSL without an
        # authorityKeyIdentifier and rustls say so of a CA that has another key by now. rustls
        # says so of weak and of unknown kinds of keys too.
        issuers = [issuer.certificate for issuer in evidence.credentials.unsent_issuers]
        weak = find_weak_signature(chain) or find_weak_key([*chain, *issuers])
        return Strength.FITS if weak or has_uncommon_key(evidence) else Strength.NAMED
    return Strength.PROVEN if refused.listed is False else None


def _list_facts(evidence: Evidence, refused: Refusal, strength: Strength) -> tuple[str, ...]:
    chain = get_linked_chain(evidence)
    facts = [refused.fact]
    if chain:
        issuer = chain[-1].issuer.text
        facts.append(f"our certificate is {name_certificate(chain[0])}, issued by {issuer}")
    if refused.listed is False and evidence.handshake is not None:
        facts.append(f"the backend accepts only certificates issued by: {_list_listed(evidence)}")
        if is_withheld(evidence):
            facts.append(f"{_describe_withholding(evidence)}: there it is missing, not untrusted")
        if namesake := find_namesake(evidence):
            facts.append(describe_rule(evidence, namesake))
    elif strength is Strength.FITS:
        facts.append(
            "the backend's list names a CA of our chain"
            if refused.listed
            else "the backend sent no list of acceptable CAs"
        )
    elif namesake := find_namesake(evidence):
        facts.append(describe_rule(evidence, namesake))
    elif refused.alert == TlsAlert.DECRYPT_ERROR:
        facts.append(
            "the backend has a CA of that name with another key: the CA was reissued, and one side "
            "still holds the old one"
        )
    elif refused.listed:
        facts.append(
            "the backend's list names a CA of our chain, yet it does not trust it: under that name "
            "it holds another key (the CA was reissued, and one side still has the old one), an "
            "intermediate without its root (OpenSSL wants the root), or what may not issue"
        )
    else:
        facts.append("the backend sent no list of acceptable CAs")
    return tuple(facts)


def _match_too_broad(evidence: Evidence) -> Match | None:
    files = evidence.credentials.receiver
    if files is None:
        return None
    found = [one for one in judge_receiver(files, evidence.at).remarks if one.cause == TOO_BROAD]
    if not found:
        return None
    each = tuple((one.fact, tuple(map(escape_braces, one.fix))) for one in found)
    return Match(Strength.FINDING, tuple(one.fact for one in found), each=each)


CAUSES: Final = (
    Cause(
        id="client_ca_untrusted",
        title="The backend does not trust the CA of the exporter's certificate",
        family="backend_ca_trust",
        documented_cause=1,
        party="backend",
        rank=Rank.CLIENT_TRUST,
        alerts=(TlsAlert.UNKNOWN_CA, TlsAlert.CERTIFICATE_UNKNOWN),
        meaning=(
            "The backend asked for a client certificate, got ours, and found no trust anchor for "
            "it in its client CA file. The SDKs of Go and Java compare their certificate with the "
            "list of CAs that the backend names and, where none fits, send no certificate at all: "
            "there the backend logs that the client didn't provide a certificate although one is "
            "configured, and they print certificate required (TLS 1.3) or handshake failure (TLS "
            "1.2). This probe sends it anyway, as a Collector and OpenSSL clients do, and so sees what "
            "is really wrong."
        ),
        evidence=(
            "Alert unknown_ca (48); or any other refusal after a certificate was sent while the "
            "backend's acceptable-CA list has no issuer of its chain. A listed name and "
            "unknown_ca together mean a reissued CA. Or, where the target's exporter would send no "
            "certificate because of that list: a backend that refuses without one, though it "
            "accepts this one."
        ),
        fix=make_backend_trust()[1],
        tell_apart=(
            "Run mtls-probe check ENDPOINT --cert CERT --key KEY --ca CA: its acceptable-CA list "
            "has no issuer of the certificate. On the host of a Collector, with its configuration FILE: "
            "mtls-probe inspect --receiver FILE --client-cert CERT names the CA that it lacks. The "
            "issuer: openssl x509 -in CERT -noout -issuer"
        ),
        citations=(
            "RFC 8446 §6.2 unknown_ca",
            "RFC 8446 §4.2.4",
            "Collector configtls client_ca_file",
        ),
        enforce=(
            "On the backend of {endpoint}, take the CA of this certificate out of the file of "
            "client CAs (client_ca_file in a Collector's tls settings, ssl_client_certificate in "
            "nginx, ca-file in HAProxy), and let it verify: ssl_verify_client on in nginx, verify "
            "required in HAProxy."
        ),
        applies=REFUSAL_ENDINGS | {"application_data"},
        match=_match,
        explained_by=("client_chain_incomplete",),
    ),
    Cause(
        id="client_ca_too_broad",
        title="The receiver trusts client certificates of public CAs",
        family="backend_ca_trust",
        party="backend",
        severity="warning",
        rank=Rank.CLIENT_TRUST,
        meaning=(
            "The file of client CAs holds CAs that everybody can get a certificate of, or the "
            "receiver trusts the system's CAs for clients besides (include_system_ca_certs_pool). "
            "Clients without a certificate are refused, and whoever has one of such a CA is accepted."
        ),
        evidence=(
            "client_ca_file of a receiver next to the probe, or include_system_ca_certs_pool next to "
            "it. Always a finding, never the cause of a failure."
        ),
        fix=(
            "On the backend of {endpoint}, leave in {client_ca_file} only the CA that issues "
            "certificates to its clients, and remove include_system_ca_certs_pool.",
            "{reload_client_ca}",
        ),
        tell_apart=(
            "The list of acceptable CAs that the backend sends has names of public CAs: openssl "
            "s_client -connect ENDPOINT </dev/null | grep -A 20 'Acceptable client "
            "certificate'"
        ),
        citations=("Collector configtls client_ca_file and include_system_ca_certs_pool",),
        not_printed="clients are accepted, so nothing is printed",
        finding_only=True,
        applies=EVERY_ENDING,
        match=_match_too_broad,
    ),
)
