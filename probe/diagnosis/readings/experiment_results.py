"""What experiments show: which cause each proves or rules out, and the facts that say so. Pure.

They count only where the unvaried handshake, made once more with each round, ended as the attempt
did: otherwise a server that stalls or closes now and then would seem to refuse whatever was varied
when it stalled. For the same reason a timeout proves nothing and rules out nothing, neither the
attempt's nor a variation's.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from probe.diagnosis.readings.otlp_answers import serves_other_protocol
from probe.model.evidence import Answer, Evidence, Experiment, Handshake, Varied
from probe.model.tls_alerts import TlsAlert, format_alert, get_fatal_alert

CAUSE_BY_EXPERIMENT: Final[dict[Varied, str]] = {
    "plaintext": "not_tls",
    "tls": "tls_off",
    "every_cipher": "no_shared_cipher",
    "every_group": "no_shared_group",
    "every_signature": "no_shared_signature_algorithm",
    "classic_groups": "client_hello_too_large",
    "no_alpn": "alpn_mismatch",
    "other_protocol": "otlp_protocol_mismatch",
    "every_version": "protocol_version_mismatch",
    "tls_1.2": "protocol_version_mismatch",
    "tls_1.3": "protocol_version_mismatch",
}
"""The cause that each variation proves where it gets further than the attempt.

Those of versions come last: wider versions bring wider ciphers and groups along.
"""

SELF_EVIDENT: Final[frozenset[Varied]] = frozenset({"plaintext", "tls", "other_protocol"})
"""Variations whose proof is what the peer said, and not that it continued where it had not."""

STALLS_THAT_PROVE: Final = 4
"""Unanswered handshakes, each followed by an answered smaller one, that do not come by chance."""
_MUCH_LONGER: Final = 3.0

_DESCRIPTIONS: Final[dict[Varied, str]] = {
    "unvaried": "once more, unchanged",
    "no_client_certificate": "without a client certificate",
    "tls_1.2": "limited to TLS 1.2",
    "tls_1.3": "with TLS 1.3 only",
    "every_version": "with TLS 1.0 to 1.3 offered",
    "every_cipher": "with every cipher suite offered",
    "every_group": "with every group offered",
    "every_signature": "with every signature scheme offered",
    "classic_groups": "with classic groups alone, so that the ClientHello is small",
    "no_alpn": "without ALPN",
    "other_protocol": "in the other OTLP protocol",
    "plaintext": "in plaintext",
    "tls": "with TLS",
}
_LISTS: Final[dict[Varied, str]] = {
    "every_cipher": "cipher suites",
    "every_signature": "signature schemes",
}
"""What a backend may have for another kind of key than its certificate's."""
_ENDINGS: Final = {
    "close": "closed without an alert",
    "reset": "reset",
    "timeout": "no answer in time",
    "refused": "the connection was refused",
    "unverified": "the handshake finished, the server is not verified",
    "alpn": "the handshake finished without h2",
}
_PLAINTEXT_ENDINGS: Final = {
    "alert": "the peer answered with a TLS record",
    "not_tls": "the peer answered in plaintext",
    "timeout": "no answer",
}
_SILENT: Final = frozenset({"close", "reset"})
"""One thing to a peer: which of them comes depends on what it had not read yet (RFC 9293 §3.6)."""
_TLS_PORT: Final = (b"HTTP/1.1 400", b"HTTP/1.0 400")
"""How a TLS port of nginx, Go or Envoy may answer a request in plaintext."""
_VERSION_MISMATCH: Final = "protocol_version_mismatch"


class ExperimentResult(NamedTuple):
    """What one experiment showed."""

    varied: Varied
    at: float
    outcome: str
    """In words."""
    proves: str
    """The cause that it proves, empty for none; the same for what it rules out."""
    rules_out: str


def is_reproduced(evidence: Evidence) -> bool:
    """Whether the experiments show anything: each unvaried handshake ended as the attempt did."""
    again = [one for one in evidence.experiments if one.varied == "unvaried"]
    return bool(again) and all(_ends_same(evidence, one) for one in again)


def get_experiment(evidence: Evidence, varied: Varied) -> Experiment | None:
    """Return the experiment that varied this; None where none that counts was made."""
    if not is_reproduced(evidence):
        return None
    return next((one for one in evidence.experiments if one.varied == varied), None)


def get_improvement(evidence: Evidence, varied: Varied) -> Experiment | None:
    """Return the experiment `varied` where it got past the point at which the attempt ended.

    Where it was made several times, each must have.
    """
    one = get_experiment(evidence, varied)
    if one is None or not _may_prove(evidence, varied):
        return None
    if varied == "plaintext" and any(map(_speaks_tls, evidence.experiments)):
        return None  # whatever it answers to plaintext, it speaks TLS
    made = (each for each in evidence.experiments if each.varied == varied)
    return one if all(_is_improvement(evidence, each) for each in made) else None


def _may_prove(evidence: Evidence, varied: Varied) -> bool:
    """Whether a variation can prove anything where the attempt met its timeout.

    A server that stalls now and then would seem to stall for what was varied. But where the
    unvaried ClientHello was never answered, and each time right after it the smaller one was, in a
    fraction of that time, size is what makes the difference.
    """
    if evidence.ending.kind != "timeout" or varied in SELF_EVIDENT:
        return True
    made = [one.duration for one in evidence.experiments if one.varied == varied]
    waited = [one.duration for one in evidence.experiments if one.varied == "unvaried"]
    return (
        varied == "classic_groups"
        and min(len(made), len(waited)) >= STALLS_THAT_PROVE
        and min(waited) > _MUCH_LONGER * max(made)
    )


def has_unproven_improvement(evidence: Evidence, varied: Varied) -> bool:
    """Whether `varied` got further where the attempt met its timeout, which proves nothing."""
    one = get_experiment(evidence, varied)
    return one is not None and evidence.ending.kind == "timeout" and _is_improvement(evidence, one)


def choose_repetitions(evidence: Evidence) -> tuple[Varied, ...]:
    """Return the variations that got further, and must do so again to prove anything.

    Self-evident ones too: a load balancer may have backends of several kinds behind it. But where
    the attempt met its timeout, repetitions of them would take longer than there is time.
    """
    timed_out = evidence.ending.kind == "timeout"
    return tuple(
        varied
        for varied in dict.fromkeys(one.varied for one in evidence.experiments)
        if varied in CAUSE_BY_EXPERIMENT
        and not (timed_out and varied in SELF_EVIDENT)
        and (
            get_improvement(evidence, varied) is not None
            or (varied == "classic_groups" and has_unproven_improvement(evidence, varied))
        )
    )


def get_proven_cause(evidence: Evidence) -> str:
    """Return the cause that the experiments prove, empty where none does."""
    improved = {one.varied for one in evidence.experiments if get_improvement(evidence, one.varied)}
    return next((cause for varied, cause in CAUSE_BY_EXPERIMENT.items() if varied in improved), "")


def remove_excluded(evidence: Evidence, possible: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of `possible` that no experiment ruled out."""
    out = {_get_excluded_cause(evidence, one) for one in evidence.experiments}
    return tuple(cause for cause in possible if cause not in out)


def find_newer_version(evidence: Evidence) -> Experiment | None:
    """Return the handshake at a newer version where the backend's older suites may not fit its key.

    It said handshake_failure (40) to this exporter's versions, and again with every suite offered,
    while a newer version succeeds. Most stacks refuse a version that they do not speak with
    protocol_version (70), so the suites that they allow for the older one may need a key that
    their certificate lacks; GnuTLS 3.7 refuses a version with 40 too.
    """
    newer = get_improvement(evidence, "every_version")
    seen = evidence.handshake
    if newer is None or newer.handshake is None or seen is None:
        return None
    if newer.handshake.version != "1.3" or seen.offer.max_version in {"", "1.3"}:
        return None
    refused = ends_with_alert(evidence, "every_cipher", TlsAlert.HANDSHAKE_FAILURE)
    return newer if refused and get_fatal_alert(seen) == TlsAlert.HANDSHAKE_FAILURE else None


def ends_same_without_certificate(evidence: Evidence) -> bool:
    """Whether the backend ends a connection without any client certificate just as silently."""
    one = get_experiment(evidence, "no_client_certificate")
    return one is not None and one.ending.kind in _SILENT


def ends_with_alert(evidence: Evidence, varied: Varied, number: int) -> bool:
    """Whether this experiment was ended by the alert `number`."""
    one = get_experiment(evidence, varied)
    return (
        one is not None and one.handshake is not None and get_fatal_alert(one.handshake) == number
    )


def has_server_hello(handshake: Handshake) -> bool:
    """Whether a ServerHello came: version and cipher were chosen."""
    return bool(handshake.cipher)


def read_experiments(evidence: Evidence) -> Iterator[ExperimentResult]:
    """Yield what each experiment showed, in the order they were made."""
    for one in evidence.experiments:
        yield ExperimentResult(
            one.varied,
            one.at,
            _describe_outcome(evidence, one),
            _get_cause_shown(evidence, one),
            _get_excluded_cause(evidence, one),
        )


def describe_experiments(evidence: Evidence) -> Iterator[str]:
    """Yield one fact for each experiment: what was varied, what came, what that rules out.

    And that they show nothing, where they do.
    """
    for one in read_experiments(evidence):
        out = f"; that rules out {one.rules_out}" if one.rules_out else _narrow(evidence, one)
        yield f"tried {_DESCRIPTIONS[one.varied]}: {one.outcome}{out}"
    if evidence.experiments and not is_reproduced(evidence):
        yield (
            "the unchanged handshake did not end as the attempt had, so the further ones prove "
            "nothing and rule nothing out"
        )


def _ends_same(evidence: Evidence, again: Experiment) -> bool:
    first, second = evidence.ending, again.ending
    if first.stage != second.stage:
        return False
    if first.kind != second.kind and not {first.kind, second.kind} <= _SILENT:
        return False
    if _get_status(evidence.answer) != _get_status(again.answer):
        return False
    before, after = evidence.handshake, again.handshake
    if before is None or after is None:
        return before is after  # both without TLS
    return (has_server_hello(before), get_fatal_alert(before)) == (
        has_server_hello(after),
        get_fatal_alert(after),
    )


def _get_status(answer: Answer | None) -> int | None:
    return None if answer is None else answer.http_status


def _is_improvement(evidence: Evidence, one: Experiment) -> bool:
    """Whether this one connection got past the point at which the attempt ended."""
    match one.varied:
        case "plaintext":
            return _speaks_plaintext(one)
        case "tls":
            return _speaks_tls(one)
        case "other_protocol":
            return _serves_other_protocol(evidence, one) is True
    if evidence.handshake is None or one.handshake is None:
        return False
    return has_server_hello(one.handshake) and not has_server_hello(evidence.handshake)


def _get_cause_shown(evidence: Evidence, one: Experiment) -> str:
    """Return the cause that this experiment proves; versions prove none where suites tell more."""
    if get_improvement(evidence, one.varied) is None:
        return ""
    cause = CAUSE_BY_EXPERIMENT.get(one.varied, "")
    narrower = get_proven_cause(evidence) != cause or find_newer_version(evidence) is not None
    return "" if cause == _VERSION_MISMATCH and narrower else cause


def _get_excluded_cause(evidence: Evidence, one: Experiment) -> str:
    """Return the cause that this experiment rules out by ending no better than the attempt."""
    cause = CAUSE_BY_EXPERIMENT.get(one.varied, "")
    if not cause or not is_reproduced(evidence) or evidence.ending.kind == "timeout":
        return ""
    if one.ending.stage == "connect" or one.ending.kind in {"timeout", "probe_fault"}:
        return ""  # it came to nothing
    if one.varied == "other_protocol" and _serves_other_protocol(evidence, one) is None:
        return ""  # somebody answered, a proxy maybe: which protocol is served, it does not say
    if one.varied == "tls" and one.ending.kind != "not_tls":
        return ""  # nor does a close say that it is not a TLS server
    if one.varied in {"plaintext", "tls_1.2"} and one.ending.kind != "alert":
        return ""  # silence says nothing either way
    if one.handshake and get_fatal_alert(one.handshake) == TlsAlert.PROTOCOL_VERSION:
        return ""  # the peer itself says that it is the version
    if one.varied == "classic_groups" and one.ending.kind != "alert":
        return ""  # whatever drops the one may drop the other for a reason of its own
    if one.varied == "every_signature":
        return ""  # the backend's own list may not fit the key of its certificate
    # The same of its suites, except in TLS 1.3, whose suites go with any certificate.
    if one.varied == "every_cipher" and not ends_with_alert(
        evidence, "tls_1.2", TlsAlert.PROTOCOL_VERSION
    ):
        return ""
    improved = any(
        _is_improvement(evidence, other)
        for other in evidence.experiments
        if CAUSE_BY_EXPERIMENT.get(other.varied) == cause
    )
    return "" if improved else cause


def _serves_other_protocol(evidence: Evidence, one: Experiment) -> bool | None:
    """Whether the other OTLP protocol is served; None where that is left open."""
    if one.answer is None:
        return False
    if one.ending.kind != "answered":
        return None  # an answer that was cut
    return serves_other_protocol(evidence.target, one.answer)


def _speaks_tls(one: Experiment) -> bool:
    """Whether the peer took part in this handshake: with a ServerHello, or an alert."""
    handshake = one.handshake
    return handshake is not None and (
        has_server_hello(handshake) or get_fatal_alert(handshake) is not None
    )


def _speaks_plaintext(one: Experiment) -> bool:
    try:
        first = bytes.fromhex(one.first_bytes)
    except ValueError:  # an evidence file that was edited by hand
        return False
    if any(said.startswith(first) for said in _TLS_PORT):
        return False  # cut short: it may have been one
    return one.ending.kind == "not_tls" and not first.startswith(_TLS_PORT)


def _narrow(evidence: Evidence, one: ExperimentResult) -> str:
    """Say what is learnt where a whole cause can't be ruled out."""
    made = get_experiment(evidence, one.varied)
    whose = _LISTS.get(one.varied)
    if not whose or one.proves or made is None or made.handshake is None:
        return ""
    if get_fatal_alert(made.handshake) in {None, TlsAlert.PROTOCOL_VERSION}:
        return ""
    return (
        f"; so the exporter's own {whose} are not the reason, while the backend's may still not fit "
        "the key of its certificate"
    )


def _describe_outcome(evidence: Evidence, one: Experiment) -> str:
    handshake, kind = one.handshake, one.ending.kind
    if one.varied == "plaintext" and kind in _PLAINTEXT_ENDINGS:
        return _PLAINTEXT_ENDINGS[kind]
    if one.answer is not None and (kind == "answered" or one.varied == "other_protocol"):
        return f"HTTP {one.answer.http_status} {one.answer.content_type}".rstrip()
    if handshake is not None and (number := get_fatal_alert(handshake)) is not None:
        same = evidence.handshake is not None and get_fatal_alert(evidence.handshake) == number
        return f"{'the same alert' if same else 'alert'} {format_alert(number)}"
    if handshake is not None and _is_improvement(evidence, one):
        return f"the backend chose TLS {handshake.version}, {handshake.cipher}"
    if kind in {"completed", "application_data"}:
        return "the backend continues"
    if kind == "probe_fault":
        return f"the probe itself failed: {one.ending.detail}"
    return _ENDINGS.get(kind, f"ended as {kind}")
