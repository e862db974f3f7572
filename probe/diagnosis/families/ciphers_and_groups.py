"""No cipher suite, or no key exchange group, that both sides have.

What further handshakes show decides: every suite or group offered, one at a time. A suite is shared
only where version, suite and the key of the backend's certificate fit (`shared_suites`).
"""

from dataclasses import replace
from typing import Final

from probe.diagnosis.cause import NEGOTIATION_ENDINGS, Cause, Match, Rank, Strength
from probe.diagnosis.fixes import negotiation_fixes as fixes
from probe.diagnosis.fixes.steps import Fix
from probe.diagnosis.readings.backend_decision import match_received_alert
from probe.diagnosis.readings.experiment_results import find_newer_version, get_improvement
from probe.diagnosis.readings.missing_offer import describe_lacking, describe_missing_offer
from probe.diagnosis.readings.shared_suites import describe_unusable_suites
from probe.model.evidence import Evidence
from probe.model.tls_alerts import TlsAlert
from probe.model.tls_names import name_suite


def _match_cipher(evidence: Evidence) -> Match | None:
    if find_newer_version(evidence) is not None:
        return None  # one of two explanations: `protocol_version_mismatch` gives both
    match = match_received_alert(evidence, TlsAlert.INSUFFICIENT_SECURITY)
    improved, handshake = get_improvement(evidence, "every_cipher"), evidence.handshake
    if handshake is None:
        return match
    offer = handshake.offer
    if improved is None or improved.handshake is None:
        if match is None:
            return None
        party, fix = fixes.allow_more_ciphers(evidence.target, offer)
        return replace(match, fix=fix, party=party)
    version, chosen = improved.handshake.version, name_suite(improved.handshake.cipher)
    facts = [
        *(match.facts if match else ()),
        f"offered every cipher suite, the backend chose {chosen} (TLS {version})",
        *describe_missing_offer(evidence, chosen, "cipher_suites"),
        *describe_lacking(offer),
    ]
    if unusable := describe_unusable_suites(offer.ciphers, improved.handshake):
        facts.append(unusable)
    party, fix = fixes.allow_cipher(evidence.target, offer, chosen)
    return Match(
        Strength.NAMED,
        tuple(facts),
        possible=("probe_fault",) if offer.lacking else (),
        decides="the exporter's own log: whether it fails as the probe does",
        fix=fix,
        party=party,
    )


def _match_group(evidence: Evidence) -> Match | None:
    improved, handshake = get_improvement(evidence, "every_group"), evidence.handshake
    if improved is None or improved.handshake is None or handshake is None:
        return None
    chosen, offer = improved.handshake.group, handshake.offer
    fact = f"offered every group, the backend continues{f' with {chosen}' if chosen else ''}"
    if improved.handshake.version == "1.2" and fixes.is_offered(chosen, offer):
        # RFC 8422 §5.1.1: in TLS 1.2 the curve of the server's certificate must be offered too.
        fact += (
            ", which was offered before: so the exporter does not offer the curve of the key of its "
            "certificate"
        )
        fix: Fix = fixes.COMMON_CURVE_FOR_THE_BACKEND
        return Match(Strength.NAMED, (fact,), fix=fix, party="backend")
    missing = describe_missing_offer(evidence, chosen, "curve_preferences")
    party, fix = fixes.allow_group(evidence.target, offer, chosen)
    return Match(Strength.NAMED, (fact, *missing), fix=fix, party=party)


CAUSES: Final = (
    Cause(
        id="no_shared_cipher",
        title="No cipher suite in common",
        family="negotiation",
        party="backend",
        rank=Rank.TLS_PARAMETERS,
        alerts=(TlsAlert.HANDSHAKE_FAILURE, TlsAlert.INSUFFICIENT_SECURITY),
        meaning=(
            "The cipher suites that the exporter offers and those that the backend allows do not "
            "meet; an RSA certificate with only ECDSA suites allowed does the same."
        ),
        evidence=(
            "Alert insufficient_security (71), or a handshake with every cipher that succeeds where "
            "this one failed."
        ),
        fix=(
            "Remove cipher_suites from the exporter's tls settings where it is set, or allow one of "
            "the exporter's suites on the backend of {endpoint}; there, suites must fit the kind of key of its certificate "
            "(ECDHE-RSA for RSA, ECDHE-ECDSA for EC).",
            "Restart the side that was changed.",
            "To see what the backend takes without a restriction: openssl s_client -connect "
            "{host}:{port} </dev/null",
        ),
        tell_apart=(
            "Another TLS version or cipher list passes, with or without a certificate: openssl "
            "s_client -connect ENDPOINT -tls1_2 </dev/null"
        ),
        citations=("RFC 8446 §4.1.1", "RFC 5246 §7.2.2"),
        applies=NEGOTIATION_ENDINGS,
        match=_match_cipher,
    ),
    Cause(
        id="no_shared_group",
        title="No key exchange group in common",
        family="negotiation",
        party="backend",
        rank=Rank.TLS_PARAMETERS,
        alerts=(TlsAlert.HANDSHAKE_FAILURE,),
        meaning="The groups in curve_preferences and those that the backend allows do not meet.",
        evidence="A handshake with every group that succeeds where this one failed.",
        fix=(
            "Remove curve_preferences from the exporter's tls settings, or add X25519 and P256 to "
            "it on the backend of {endpoint}.",
            "Restart the side that was changed.",
            "To see the group chosen: openssl s_client -connect {host}:{port} </dev/null",
        ),
        tell_apart="With another group it passes: openssl s_client -connect ENDPOINT -groups P-256 </dev/null",
        citations=("RFC 8446 §4.2.7",),
        applies=NEGOTIATION_ENDINGS,
        match=_match_group,
    ),
)
