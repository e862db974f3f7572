"""Two sides that cannot agree: versions, signature algorithms, and alerts without a reason."""

from dataclasses import replace
from functools import partial
from typing import Final

from probe.diagnosis.cause import NEGOTIATION_ENDINGS, Cause, Match, Rank, Strength
from probe.diagnosis.fixes import negotiation_fixes as fixes
from probe.diagnosis.fixes.client_fixes import REQUIRE_CERTIFICATE
from probe.diagnosis.fixes.steps import PUT_PAIR, Fix, get_settings_kind
from probe.diagnosis.readings.backend_decision import find_refusal, match_received_alert
from probe.diagnosis.readings.experiment_results import (
    ends_with_alert,
    find_newer_version,
    get_improvement,
    get_proven_cause,
    is_reproduced,
    remove_excluded,
)
from probe.model.evidence import Evidence, Handshake
from probe.model.tls_alerts import TlsAlert, format_alert, get_fatal_alert

_NAMED_ELSEWHERE: Final = frozenset(
    {
        TlsAlert.PROTOCOL_VERSION,
        TlsAlert.INSUFFICIENT_SECURITY,
        TlsAlert.INTERNAL_ERROR,
        TlsAlert.UNRECOGNIZED_NAME,
        TlsAlert.NO_APPLICATION_PROTOCOL,
    }
)
_POSSIBLE: Final[dict[int | None, tuple[str, ...]]] = {
    TlsAlert.HANDSHAKE_FAILURE: (
        "no_shared_cipher",
        "protocol_version_mismatch",
        "no_shared_group",
        "no_shared_signature_algorithm",
    ),
    TlsAlert.UNEXPECTED_MESSAGE: ("no_shared_group",),  # JSSE in TLS 1.3
    TlsAlert.ACCESS_DENIED: ("server_name_unrecognized",),  # rustls, of an unknown SNI
    TlsAlert.MISSING_EXTENSION: ("no_shared_group",),  # BoringSSL
}
"""The causes that an alert without a reason leaves possible."""
_READ_THE_LOG: Final = (
    "Read the log of the backend at {endpoint} at the time of the attempt: it knows what it found "
    "nothing in common in."
)


def _match_version(evidence: Evidence) -> Match | None:
    handshake, target = evidence.handshake, evidence.target
    if handshake is None:
        return None
    newer = find_newer_version(evidence)
    if newer is not None and newer.handshake is not None:
        return _match_newer_version(evidence, newer.handshake)
    offer = handshake.offer
    facts = [f"we offered TLS {offer.min_version} to {offer.max_version}"]
    match = match_received_alert(evidence, TlsAlert.PROTOCOL_VERSION)
    # What works with every cipher, group or protocol at the versions offered is not about them.
    narrower = any(
        get_improvement(evidence, varied) is not None
        for varied in (
            "every_cipher",
            "every_group",
            "every_signature",
            "classic_groups",
            "no_alpn",
        )
    )
    improved = None if narrower else get_improvement(evidence, "every_version")
    if match is not None or improved is not None:
        facts = [*(match.facts if match else ()), *facts]
        party, fix = fixes.allow_common_version(target, offer)
        if improved and improved.handshake and (chosen := improved.handshake.version):
            facts.append(f"offered every version, the backend chose TLS {chosen}")
            party, fix = fixes.allow_version(target, offer, chosen)
        # OpenSSL says so too where no key of the server's can sign what TLS 1.3 asks for.
        same = ends_with_alert(evidence, "every_version", TlsAlert.PROTOCOL_VERSION)
        return Match(
            Strength.NAMED,
            tuple(facts),
            possible=("no_shared_signature_algorithm",) if same else (),
            fix=fix,
            party=party,
            decides="the backend's own log at the time of the attempt",
        )
    sent = get_fatal_alert(handshake, "sent")
    if evidence.ending.kind == "tls" and sent == TlsAlert.PROTOCOL_VERSION:
        facts = ["the backend chose a version that we don't allow", *facts]
        party, fix = fixes.allow_common_version(target, offer)
        return Match(Strength.NAMED, tuple(facts), fix=fix, party=party)
    if not narrower and get_improvement(evidence, "tls_1.2") is not None:
        facts.append(
            "limited to TLS 1.2 the handshake succeeds: something on the way, or the backend, drops "
            "the ClientHello of TLS 1.3"
        )
        fix = fixes.avoid_large_hello(target)
        return Match(Strength.NAMED, tuple(facts), fix=fix, party="network")
    return None


def _match_newer_version(evidence: Evidence, newer: Handshake) -> Match:
    """Conclude from a newer version that works, where the older one's suites all fail."""
    assert evidence.handshake is not None
    has = newer.server_chain[0].key_type if newer.server_chain else ""
    key = f"the key of its certificate, which is {has}," if has else "the key of its certificate"
    lowest, highest = evidence.handshake.offer.min_version, evidence.handshake.offer.max_version
    return Match(
        Strength.NAMED,
        (
            f"we offered TLS {lowest} to {highest}, and the backend sent alert handshake_failure "
            "(40); with every cipher suite offered it says the same",
            f"at TLS {newer.version} it continues: either it does not speak TLS {highest} (GnuTLS "
            f"says so by this alert, most others by protocol_version), or none of the suites that "
            f"it allows for TLS {highest} fit {key}",
        ),
        possible=("no_shared_cipher",),
        decides=f"the backend's versions and its cipher suites for TLS {highest}, next to the key "
        "of its certificate",
        fix=fixes.reach_newer_version(evidence.target, newer.version, highest, has),
        party="either",
    )


def _match_rejected(evidence: Evidence) -> Match | None:
    handshake = evidence.handshake
    if handshake is None or find_refusal(evidence) is not None or evidence.ending.kind != "alert":
        return None
    number = get_fatal_alert(handshake)
    if number in _NAMED_ELSEWHERE or get_proven_cause(evidence):
        return None
    tried = is_reproduced(evidence)
    possible = remove_excluded(evidence, _POSSIBLE.get(number, ()))
    fix: Fix = ()
    if not tried and get_settings_kind(evidence.target) == "sdk":
        fix = (_READ_THE_LOG,)  # SDKs have no settings of suites, groups or versions
    if tried and number == TlsAlert.HANDSHAKE_FAILURE:
        own = "no_shared_cipher" in possible
        fix = fixes.ALL_WAS_OFFERED if own else fixes.KEY_OF_A_COMMON_KIND
    return Match(
        Strength.RESIDUAL,
        (f"the backend sent alert {format_alert(number)}",),
        possible=possible,
        fix=fix,
        decides=fixes.KEY_AGAINST_SUITES
        if tried
        else "further handshakes, each with one thing changed: versions, ciphers, groups",
    )


def _match_fault(evidence: Evidence) -> Match | None:
    if evidence.ending.kind == "alert":
        match = match_received_alert(evidence, TlsAlert.INTERNAL_ERROR)
        # Go servers (Caddy among them) say so where they have no certificate for the name.
        return match and replace(
            match,
            possible=("server_name_unrecognized",),
            decides="a handshake that asks for another name, or the backend's log",
        )
    handshake = evidence.handshake
    number = get_fatal_alert(handshake, "sent") if handshake is not None else None
    if handshake is None or number == TlsAlert.PROTOCOL_VERSION:
        return None
    said = f", and sent alert {format_alert(number)}" if number is not None else ""
    return Match(Strength.NAMED, (f"our TLS library could not process what came{said}",))


def _match_signature(evidence: Evidence) -> Match | None:
    """Match a signature that one side does not accept: of the backend's key, or of our own."""
    improved = get_improvement(evidence, "every_signature")
    if improved is not None and improved.handshake is not None:
        chain = improved.handshake.server_chain
        facts = ["offered every signature scheme, the backend continues"]
        if chain and chain[0].key_type:
            facts.append(f"the key of its certificate is {chain[0].key_type}")
        facts.append(
            "so it signs only with schemes that this exporter does not accept: by the kind of that "
            "key, or by its own list"
        )
        fix: Fix = fixes.KEY_OF_A_COMMON_KIND[:2]
        return Match(Strength.NAMED, tuple(facts), fix=fix, party="backend")
    refused = find_refusal(evidence)
    if refused is None or not refused.sent or refused.alert != TlsAlert.CERTIFICATE_REQUIRED:
        return None
    withheld = (
        "a certificate is configured, yet the backend got none: its key's signature algorithms are "
        "not among those that the backend accepts"
    )
    return Match(Strength.NAMED, (refused.fact, withheld))


_declare: Final = partial(Cause, family="negotiation", party="backend")
"""What the causes here have in common, unless one says otherwise."""

CAUSES: Final = (
    _declare(
        id="protocol_version_mismatch",
        title="No TLS version in common",
        rank=Rank.TLS_VERSION,
        alerts=(TlsAlert.PROTOCOL_VERSION,),
        meaning=(
            "The exporter's min_version and max_version and the backend's leave no version that "
            "both speak."
        ),
        evidence=(
            "Alert protocol_version (70), in either direction, or a handshake with every version "
            "that succeeds."
        ),
        fix=(
            'Let both sides of {endpoint} speak TLS 1.2 and 1.3: set min_version: "1.2" and leave '
            "max_version out in the tls settings of the exporter and of the backend.",
            "Restart the side that was changed.",
            fixes.SEE_VERSIONS,
        ),
        tell_apart=(
            "One version passes and another does not: openssl s_client -connect ENDPOINT -tls1_2 "
            "</dev/null; openssl s_client -connect ENDPOINT -tls1_3 </dev/null"
        ),
        citations=("RFC 8446 §4.2.1", "RFC 8446 §6.2 protocol_version"),
        applies=NEGOTIATION_ENDINGS | {"tls"},
        match=_match_version,
    ),
    _declare(
        id="no_shared_signature_algorithm",
        title="No signature algorithm in common",
        party="exporter",
        rank=Rank.TLS_VERSION,
        alerts=(TlsAlert.HANDSHAKE_FAILURE, TlsAlert.CERTIFICATE_REQUIRED),
        meaning=(
            "One side's key is of a kind (Ed25519, say) that the other side accepts no signatures "
            "of."
        ),
        evidence=(
            "A handshake with every signature scheme that succeeds where this one failed; or alert "
            "certificate_required (116) although a certificate is configured: our library withheld "
            "it."
        ),
        fix=(
            "Issue a new certificate for this exporter with an EC P-256 or RSA-2048 key.",
            PUT_PAIR,
            "{reread_cert}",
            "To see the kind of the present key: openssl x509 -in {cert_file} -noout -text",
        ),
        tell_apart=(
            "It depends on the kind of key: an RSA certificate passes where an ECDSA or Ed25519 "
            "one does not, or the reverse."
        ),
        citations=("RFC 8446 §4.2.3",),
        applies=NEGOTIATION_ENDINGS,
        match=_match_signature,
    ),
    _declare(
        id="backend_fault",
        title="The backend's own TLS is broken",
        rank=Rank.TLS_FAILURE,
        alerts=(TlsAlert.INTERNAL_ERROR,),
        meaning=(
            "The backend can't carry on with its own configuration: a missing certificate, a key "
            "it can't use, a bug."
        ),
        evidence=(
            "Alert internal_error (80) that is not about a certificate of ours; or what it sends "
            "is not valid TLS."
        ),
        fix=(
            "On the backend of {endpoint}, check that its certificate and key can be read and are a "
            "pair, which mtls-probe inspect says of them there.",
            "Read the backend's log at the time of the attempt.",
        ),
        tell_apart=(
            "Every client fails in the same way, whatever its certificate: read the backend's own "
            "log."
        ),
        citations=("RFC 8446 §6.2 internal_error",),
        applies=frozenset({"alert", "tls"}),
        match=_match_fault,
        explained_by=("client_cert_by_renegotiation",),
    ),
    _declare(
        id="handshake_rejected",
        title="The backend ends the handshake and does not say why",
        rank=Rank.TLS_FAILURE,
        alerts=(TlsAlert.HANDSHAKE_FAILURE,),
        meaning=(
            "A fatal alert that no certificate explains: usually nothing in common among versions, "
            "ciphers, groups or signature algorithms."
        ),
        evidence="A fatal alert before any client certificate was asked for.",
        fix=(
            _READ_THE_LOG,
            "Remove cipher_suites, curve_preferences, min_version and max_version from the "
            "exporter's tls settings, and restart it; if it then works, add them again one at a "
            "time.",
        ),
        tell_apart=(
            "It fails without a client certificate too, and the files are faultless: the backend's "
            "own log says why."
        ),
        citations=("RFC 8446 §6.2 handshake_failure",),
        enforce=REQUIRE_CERTIFICATE,
        applies=frozenset({"alert"}),
        match=_match_rejected,
    ),
)
