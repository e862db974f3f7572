"""No cipher suite, or no key exchange group, that both sides have.

What further handshakes show decides: every suite or group offered, one at a time. A suite is shared
only where version, suite and the key of the backend's certificate fit (`shared_suites`).
"""

from typing import Final

from probe.diagnosis.cause import Cause, Match, Strength
from probe.diagnosis.fixes import negotiation_fixes as fixes
from probe.diagnosis.readings.experiment_results import get_improvement
from probe.diagnosis.readings.named_alert import match_received_alert
from probe.diagnosis.readings.shared_suites import describe_unusable_suites, find_newer_version
from probe.model.evidence import EndingKind, Evidence
from probe.model.tls_alerts import TlsAlert
from probe.model.tls_names import GO_NAMES

UNSAID: Final[frozenset[EndingKind]] = frozenset({"alert", "close", "reset", "timeout"})
"""How an attempt ends where the backend finds nothing in common, whether or not it says so."""


def _cipher(evidence: Evidence) -> Match | None:
    match = match_received_alert(evidence, TlsAlert.INSUFFICIENT_SECURITY)
    if find_newer_version(evidence) is not None:
        return None  # one of two explanations: `protocol_version_mismatch` says both
    shown = get_improvement(evidence, "every_cipher")
    if shown is None or shown.handshake is None or evidence.handshake is None:
        if match is None or evidence.handshake is None:
            return match
        offered = evidence.handshake.offer.ciphers
        party, fix = fixes.allow_more_ciphers(evidence.target, offered)
        return Match(match.strength, match.facts, fix=fix, party=party)
    chosen = GO_NAMES.get(shown.handshake.cipher, shown.handshake.cipher)
    offered = evidence.handshake.offer.ciphers
    facts = (
        *(match.facts if match else ()),
        f"offered every cipher suite, the backend chose {chosen} (TLS {shown.handshake.version})",
    )
    if wrong := describe_unusable_suites(offered, shown.handshake):
        facts = (*facts, wrong)
    party, fix = fixes.allow_cipher(evidence.target, offered, chosen)
    return Match(Strength.NAMED, facts, fix=fix, party=party)


def _group(evidence: Evidence) -> Match | None:
    shown = get_improvement(evidence, "every_group")
    if shown is None or shown.handshake is None or evidence.handshake is None:
        return None
    chosen, offered = shown.handshake.group, evidence.handshake.offer.groups
    fact = f"offered every group, the backend goes on{f' with {chosen}' if chosen else ''}"
    if shown.handshake.version == "1.2" and fixes.is_offered(chosen, offered):
        # RFC 8422 §5.1.1: in TLS 1.2 the curve of the server's certificate must be offered too.
        fact += (
            ", which was offered before: so it is the curve of its certificate's key that the "
            "exporter does not offer"
        )
        return Match(
            Strength.NAMED, (fact,), fix=fixes.COMMON_CURVE_FOR_THE_BACKEND, party="backend"
        )
    party, fix = fixes.allow_group(evidence.target, offered, chosen)
    return Match(Strength.NAMED, (fact,), fix=fix, party=party)


NO_SHARED_CIPHER = Cause(
    id="no_shared_cipher",
    title="No cipher suite in common",
    family="negotiation",
    party="backend",
    severity="critical",
    meaning="The cipher suites that the exporter offers and those that the backend allows do not meet; an RSA certificate with only ECDSA suites allowed does the same.",
    evidence="Alert insufficient_security (71), or a handshake with every cipher that goes on where this one ended.",
    fix=(
        "Remove cipher_suites from the exporter's tls settings, or allow one of them "
        "on the backend of {endpoint}; there, suites must fit the kind of key of its "
        "certificate (ECDHE-RSA for RSA, ECDHE-ECDSA for EC).",
        "Restart the side that was changed.",
        "To see what the backend takes without a restriction: openssl s_client "
        "-connect {host}:{port} </dev/null",
    ),
    citations=("RFC 8446 §4.1.1", "RFC 5246 §7.2.2"),
    applies=UNSAID,
    match=_cipher,
)

NO_SHARED_GROUP = Cause(
    id="no_shared_group",
    title="No key exchange group in common",
    family="negotiation",
    party="backend",
    severity="critical",
    meaning="The groups in curve_preferences and those that the backend allows do not meet.",
    evidence="A handshake with every group that goes on where this one ended.",
    fix=(
        "Remove curve_preferences from the exporter's tls settings, or add X25519 and "
        "P256 to it on the backend of {endpoint}.",
        "Restart the side that was changed.",
        "To see the group chosen: openssl s_client -connect {host}:{port} </dev/null",
    ),
    citations=("RFC 8446 §4.2.7",),
    applies=UNSAID,
    match=_group,
)
