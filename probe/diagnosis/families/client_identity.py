"""Documented cause 2: the wrong client certificate or key, and what else refuses an identity."""

from functools import partial
from typing import Final

from probe.diagnosis.cause import REFUSAL_ENDINGS, Cause, Match, Rank, Strength
from probe.diagnosis.families.file_format import match_files
from probe.diagnosis.fixes.client_fixes import (
    REQUIRE_CERTIFICATE,
    configure_certificate,
    issue_client_certificate,
    repair_client_chain,
)
from probe.diagnosis.fixes.steps import PUT_PAIR
from probe.diagnosis.readings.backend_decision import (
    NOT_SENT,
    WITH_CERTIFICATE,
    find_refusal,
    is_confirmed,
    lacks_requested_certificate,
    list_possible_causes,
)
from probe.diagnosis.readings.client_certificate import (
    UNSPECIFIC_ALERTS,
    describe_key_usage_fault,
    describe_usage_fault,
    get_linked_chain,
)
from probe.diagnosis.readings.client_rules import describe_rule, find_broken_rule
from probe.diagnosis.readings.otlp_answers import describe_answer, is_forbidden
from probe.model.certificate import name_certificate
from probe.model.evidence import Evidence
from probe.model.tls_alerts import TlsAlert
from probe.x509.strength import find_weak_key, find_weak_signature

_USAGE_ALERTS: Final = UNSPECIFIC_ALERTS | {
    TlsAlert.HANDSHAKE_FAILURE,
    TlsAlert.BAD_CERTIFICATE,
    TlsAlert.UNSUPPORTED_CERTIFICATE,
    TlsAlert.ILLEGAL_PARAMETER,
    TlsAlert.INTERNAL_ERROR,
}
_DECIDES_RULE: Final = "the same certificate from a CA, and in a chain, that breaks no such rule"
_NAMES_WEAKNESS: Final = frozenset(
    {TlsAlert.BAD_CERTIFICATE, TlsAlert.UNKNOWN_CA, TlsAlert.DECRYPT_ERROR}
)
_WEAK_ALERTS: Final = (
    UNSPECIFIC_ALERTS
    | _NAMES_WEAKNESS
    | {TlsAlert.HANDSHAKE_FAILURE, TlsAlert.UNSUPPORTED_CERTIFICATE}
)


def _match_not_sent(evidence: Evidence) -> Match | None:
    refused = find_refusal(evidence)
    fix = configure_certificate(evidence)
    if refused is not None and not refused.sent:
        return Match(Strength.NAMED, (refused.fact, NOT_SENT), fix=fix)
    answer = evidence.answer
    if answer is None or not is_forbidden(answer) or not lacks_requested_certificate(evidence):
        return None
    if evidence.target.header_names or evidence.ending.kind != "answered":
        return None
    # nginx and httpd with an optional certificate, and Envoy, leave it to their rules.
    return Match(
        Strength.NAMED,
        (describe_answer(answer), NOT_SENT),
        possible=("otlp_permission_denied",),
        decides=WITH_CERTIFICATE,
        fix=fix,
    )


def _match_wrong_usage(evidence: Evidence) -> Match | None:
    chain, handshake = evidence.credentials.client_chain, evidence.handshake
    if not chain:
        return None
    name = name_certificate(chain[0])
    fault = describe_usage_fault(evidence)
    refused = find_refusal(evidence)
    if refused is None or not refused.sent:
        sent = handshake is not None and handshake.client_certificate_sent
        if not fault or not sent or not is_confirmed(evidence):
            return None
        return Match(Strength.FINDING, (f"{name}: {fault}, and this backend accepted it",))
    named = refused.alert == TlsAlert.UNSUPPORTED_CERTIFICATE
    if fault:
        strength = Strength.NAMED if named else Strength.PROVEN
        fix = issue_client_certificate(evidence)
        return Match(strength, (refused.fact, f"{name}: {fault}"), fix=fix)
    if refused.alert not in _USAGE_ALERTS:
        return None
    if rule := find_broken_rule(evidence, refused.alert, usages=True):
        return Match(
            Strength.NAMED if named else Strength.PROVEN,
            (refused.fact, describe_rule(evidence, rule.fault)),
            possible=() if named else list_possible_causes(evidence, refused),
            fix=repair_client_chain(rule.fault),
            decides=_DECIDES_RULE,
        )
    fault = describe_key_usage_fault(evidence)
    # `openssl req -x509` makes every self-signed certificate a CA: its fault is one of trust.
    if not fault and chain[0].is_ca and not chain[0].self_signed:
        fault = "it is a CA certificate (basicConstraints CA:TRUE), presented as end entity"
    if not fault:
        return None
    if named:
        return Match(Strength.NAMED, (refused.fact, f"{name}: {fault}"))
    return Match(
        Strength.FITS,
        (refused.fact, f"{name}: {fault}, which some TLS stacks refuse"),
        possible=list_possible_causes(evidence, refused),
        decides="a certificate with keyUsage digitalSignature from the same CA",
    )


_match_unloaded: Final = match_files("client_cert_weak")
"""What an exporter's own OpenSSL does not load, at its security level."""


def _match_weak(evidence: Evidence) -> Match | None:
    if evidence.ending.kind == "credentials":
        return _match_unloaded(evidence)
    chain = evidence.credentials.client_chain
    signature = find_weak_signature(chain)
    refused = find_refusal(evidence)
    # The backend's own copy of an issuer that is not sent has the same key.
    issuers = (
        [issuer.certificate for issuer in evidence.credentials.unsent_issuers] if refused else []
    )
    fact = signature or find_weak_key([*chain, *issuers])
    if not fact:
        return None
    if refused is None or not refused.sent:
        return Match(Strength.FINDING, (f"{fact}, which newer backends refuse",))
    if refused.alert not in _WEAK_ALERTS:
        return None
    named = refused.alert in _NAMES_WEAKNESS and (
        bool(signature) or refused.alert != TlsAlert.UNKNOWN_CA
    )
    if not named:
        possible = list_possible_causes(evidence, refused)
    elif refused.alert != TlsAlert.BAD_CERTIFICATE or refused.listed is not True:
        possible = ("client_ca_untrusted",)
    else:
        # Go takes such keys, and says 42 where a policy of its own refuses the client's name.
        possible = () if signature else ("client_san_rejected",)
    return Match(
        Strength.NAMED if named and refused.listed is not False else Strength.FITS,
        (refused.fact, str(fact)),
        possible=possible,
        decides="a certificate of the same CA with an EC or RSA-2048 key, signed with SHA-256",
    )


def _match_revoked(evidence: Evidence) -> Match | None:
    refused = find_refusal(evidence)
    if refused is None or not refused.sent or refused.alert != TlsAlert.CERTIFICATE_REVOKED:
        return None
    return Match(Strength.NAMED, (refused.fact,))


def _match_rejected(evidence: Evidence) -> Match | None:
    refused = find_refusal(evidence)
    if refused is None or not refused.sent:
        return _find_accepted_fault(evidence)
    rule = find_broken_rule(evidence, refused.alert)
    if rule is None:
        facts = [
            refused.fact,
            "our files show no fault, and the backend does not say what it refuses",
        ]
        between = [one for one in get_linked_chain(evidence)[1:] if not one.self_signed]
        if refused.alert is None and len(between) > 1:
            facts.append(
                f"the chain has {len(between)} intermediates; nginx verifies no longer chains than "
                "ssl_verify_depth says, which is 1 unless set"
            )
        return Match(
            Strength.RESIDUAL,
            tuple(facts),
            possible=list_possible_causes(evidence, refused),
            decides="the backend's own log at the time of the attempt",
        )
    named = rule.fault.kind == "unreadable" and refused.alert == TlsAlert.DECODE_ERROR
    return Match(
        Strength.NAMED if named else Strength.PROVEN,
        (refused.fact, describe_rule(evidence, rule.fault)),
        possible=() if named or rule.by_all else list_possible_causes(evidence, refused),
        decides=_DECIDES_RULE,
        fix=repair_client_chain(rule.fault),
        party="exporter",
    )


def _find_accepted_fault(evidence: Evidence) -> Match | None:
    """Match where a backend accepted a chain that no verifier takes: it does not verify."""
    handshake, rules = evidence.handshake, evidence.credentials.broken_rules
    if not rules or handshake is None or not handshake.client_certificate_sent:
        return None
    if not is_confirmed(evidence):
        return None
    fact = f"{describe_rule(evidence, rules[0])}; this backend accepted it, and others will not"
    return Match(Strength.FINDING, (fact,), fix=repair_client_chain(rules[0]))


_declare: Final = partial(
    Cause, family="client_identity", documented_cause=2, party="exporter", applies=REFUSAL_ENDINGS
)
"""What the causes here have in common, unless one says otherwise."""

CAUSES: Final = (
    _declare(
        id="client_cert_not_sent",
        title="The backend demands a client certificate and none was sent",
        rank=Rank.CLIENT_CERTIFICATE,
        alerts=(TlsAlert.CERTIFICATE_REQUIRED, TlsAlert.HANDSHAKE_FAILURE),
        meaning=(
            "The backend runs with client_ca_file (or the like), so it asks every client for a "
            "certificate; this exporter's settings name none. Users of Go's and Java's SDKs read "
            "the same although a certificate is configured: these withhold one whose issuer the "
            "backend does not name, and there the cause is client_ca_untrusted."
        ),
        evidence=(
            "A CertificateRequest, no certificate configured, and a refusal after it: alert "
            "certificate_required (116), handshake_failure (40) in TLS 1.2, a close, nginx's 400, or "
            "403 and PERMISSION_DENIED of proxies that take clients without one."
        ),
        fix=configure_certificate(),
        tell_apart=(
            "mtls-probe inspect shows whether cert_file and key_file are set and hold a pair; if "
            "they do, the certificate was withheld because the backend does not list its issuer."
        ),
        citations=("RFC 8446 §4.3.2", "RFC 8446 §6.2 certificate_required"),
        enforce=REQUIRE_CERTIFICATE,
        match=_match_not_sent,
        explained_by=("client_ca_untrusted",),
    ),
    _declare(
        id="client_cert_revoked",
        title="The exporter's certificate was revoked",
        rank=Rank.CLIENT_CERTIFICATE,
        alerts=(TlsAlert.CERTIFICATE_REVOKED,),
        meaning="The backend checks a revocation list, and the certificate is on it.",
        evidence="Alert certificate_revoked (44).",
        fix=(
            "Issue a new certificate with a new key for this exporter.",
            PUT_PAIR,
            "{reread_cert}",
            "To find the old one in the CA's records: openssl x509 -in {cert_file} -noout -serial",
        ),
        tell_apart=(
            "Ask the CA whether the serial number is on its list: openssl x509 -in CERT -noout "
            "-serial"
        ),
        citations=("RFC 8446 §6.2 certificate_revoked", "RFC 5280 §5"),
        enforce=(
            "On the backend of {endpoint}, set the CA's revocation list: ssl_crl in nginx, "
            "crl-file in HAProxy; a Collector reads none, so put one of them in front of it."
        ),
        match=_match_revoked,
    ),
    _declare(
        id="client_cert_wrong_usage",
        title="The exporter's certificate is not made for clients",
        rank=Rank.CLIENT_USAGE,
        alerts=(
            TlsAlert.UNSUPPORTED_CERTIFICATE,
            TlsAlert.BAD_CERTIFICATE,
            TlsAlert.CERTIFICATE_UNKNOWN,
        ),
        meaning=(
            "Its extendedKeyUsage lacks clientAuth, its keyUsage lacks digitalSignature, or it is "
            "a CA certificate: often a server's certificate that was put in the exporter's place."
        ),
        evidence=(
            "The certificate itself and a refusal; unsupported_certificate (43) names it, Go says "
            "bad_certificate (42)."
        ),
        fix=issue_client_certificate(),
        tell_apart=(
            "Look for clientAuth and digitalSignature: openssl x509 -in CERT -noout -ext "
            "extendedKeyUsage,keyUsage"
        ),
        citations=("RFC 5280 §4.2.1.12", "RFC 5280 §4.2.1.3"),
        enforce=REQUIRE_CERTIFICATE,
        applies=REFUSAL_ENDINGS | {"application_data"},
        match=_match_wrong_usage,
    ),
    _declare(
        id="client_cert_weak",
        title="The exporter's certificate is too weak for the backend",
        severity="warning",
        rank=Rank.CLIENT_USAGE,
        alerts=(TlsAlert.BAD_CERTIFICATE, TlsAlert.DECRYPT_ERROR),
        meaning=(
            "An RSA key below 2048 bits or a SHA-1 or MD5 signature: refused by OpenSSL at its "
            "usual security level, by rustls, and (the signature) by Go."
        ),
        evidence="The chain in cert_file, and a refusal that such weakness brings.",
        fix=(
            "Issue a new certificate for this exporter, with an EC P-256 or RSA-2048 key and "
            "signed with SHA-256.",
            PUT_PAIR,
            "{reread_cert}",
            "To see key and signature: openssl x509 -in {cert_file} -noout -text",
        ),
        tell_apart="Look at key size and signature algorithm: openssl x509 -in CERT -noout -text",
        citations=(
            "OpenSSL SSL_CTX_set_security_level(3)",
            "Go crypto/x509 InsecureAlgorithmError",
        ),
        enforce=REQUIRE_CERTIFICATE,
        applies=REFUSAL_ENDINGS | {"application_data", "credentials"},
        match=_match_weak,
    ),
    _declare(
        id="client_cert_rejected",
        title="The backend refused the exporter's certificate and does not say why",
        party="backend",
        rank=Rank.CLIENT_REFUSAL,
        alerts=(TlsAlert.CERTIFICATE_UNKNOWN, TlsAlert.ACCESS_DENIED, TlsAlert.BAD_CERTIFICATE),
        meaning=(
            "The backend closed or sent an alert without a reason, as servers on grpc-core and Node "
            "do. Either a certificate of the exporter's chain breaks a rule of RFC 5280 (a CA that "
            "may not issue, a path length, a name constraint, a critical extension that nobody "
            "knows), which is named then, or the chain is faultless as far as can be seen from here."
        ),
        evidence=(
            "A refusal after a certificate was sent, and the rule that the chain breaks; or nothing "
            "on either side that explains it."
        ),
        fix=(
            "Read the log of the backend at {endpoint} at the time of the attempt: it knows what "
            "it refused.",
            "On the backend, check that {client_ca_file} holds the issuer of {cert_file}, "
            "that no policy of allowed names leaves this one out, and with date -u that its clock "
            "is right.",
            "To see what it was shown: openssl x509 -in {cert_file} -noout -subject -issuer -dates",
        ),
        tell_apart=(
            "Run mtls-probe check against the backend, then read the backend's own log: only it "
            "says why."
        ),
        citations=("RFC 8446 §6.2",),
        enforce=REQUIRE_CERTIFICATE,
        applies=REFUSAL_ENDINGS | {"application_data"},
        match=_match_rejected,
    ),
)
