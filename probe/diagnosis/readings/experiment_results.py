"""What experiments show: pure readings of the results that came back.

They count only where the unvaried handshake, made once more with each round, ended
as the attempt did: a server that stalls or closes now and then would else be proven to dislike
whatever was varied when it stalled. For the same reason a deadline proves nothing and rules out
nothing, neither the attempt's nor a variation's.
"""

from typing import Final

from probe.diagnosis.readings.other_protocol import serves_other_protocol
from probe.model.evidence import Answer, Evidence, Experiment, Handshake, Varied
from probe.model.tls_alerts import TlsAlert

CAUSE_BY_EXPERIMENT: Final[dict[Varied, str]] = {
    "plaintext": "not_tls",
    "tls": "tls_off",
    "every_cipher": "no_shared_cipher",
    "every_group": "no_shared_group",
    "no_alpn": "alpn_mismatch",
    "other_protocol": "otlp_protocol_mismatch",
    "every_version": "protocol_version_mismatch",
    "tls_1.2": "protocol_version_mismatch",
    "tls_1.3": "protocol_version_mismatch",
}
"""The cause that each variation proves where it goes further than the attempt."""

_SILENT: Final = frozenset({"close", "reset"})
"""One thing to a peer: which of them comes depends on what it had not read yet (RFC 9293 §3.6)."""
SELF_EVIDENT: Final[frozenset[Varied]] = frozenset({"plaintext", "tls", "other_protocol"})
"""Variations whose proof is what the peer said, and not that it went on where it had not."""
_TLS_PORT: Final = (b"HTTP/1.1 400", b"HTTP/1.0 400")
"""How a TLS port of nginx, Go or Envoy may answer a greeting in clear."""


def is_reproduced(evidence: Evidence) -> bool:
    """Return whether the experiments show anything about this attempt."""
    again = [one for one in evidence.experiments if one.varied == "unvaried"]
    return bool(again) and all(_same_outcome(evidence, one) for one in again)


def _same_outcome(evidence: Evidence, again: Experiment) -> bool:
    """Whether the unvaried handshake ended where and how the attempt did."""
    first, second = evidence.ending, again.ending
    if first.stage != second.stage:
        return False
    if first.kind != second.kind and not {first.kind, second.kind} <= _SILENT:
        return False
    if _status(evidence.answer) != _status(again.answer):
        return False
    before, after = evidence.handshake, again.handshake
    if before is None or after is None:
        return before is after  # both without TLS
    return has_server_hello(before) == has_server_hello(after) and get_fatal_alert(
        before
    ) == get_fatal_alert(after)


def _status(answer: Answer | None) -> int | None:
    return None if answer is None else answer.http_status


def get_experiment(evidence: Evidence, varied: Varied) -> Experiment | None:
    """Return the experiment that varied this; None where none that counts was made."""
    if not is_reproduced(evidence):
        return None
    return next((one for one in evidence.experiments if one.varied == varied), None)


def get_improvement(evidence: Evidence, varied: Varied) -> Experiment | None:
    """Return the experiment `varied` where it came past the point at which the attempt ended.

    Where it was made several times, each must have.
    """
    one = get_experiment(evidence, varied)
    if one is None or (evidence.ending.kind == "timeout" and varied not in SELF_EVIDENT):
        return None
    if varied == "plaintext" and any(map(speaks_tls, evidence.experiments)):
        return None  # whatever it says to a greeting, it speaks TLS
    made = (each for each in evidence.experiments if each.varied == varied)
    return one if all(is_improvement(evidence, each) for each in made) else None


def has_unproven_improvement(evidence: Evidence, varied: Varied) -> bool:
    """Return whether `varied` went further where the attempt met its deadline, which proves nothing."""
    one = get_experiment(evidence, varied)
    return one is not None and evidence.ending.kind == "timeout" and is_improvement(evidence, one)


def choose_repetitions(evidence: Evidence) -> tuple[Varied, ...]:
    """Return the variations that went further, and must do so again to prove anything.

    What speaks for itself too: a load balancer may have backends of several kinds behind it. But
    where the attempt met its deadline, repetitions of it would take longer than there is time.
    """
    made = dict.fromkeys(one.varied for one in evidence.experiments)
    timed_out = evidence.ending.kind == "timeout"
    return tuple(
        varied
        for varied in made
        if varied in CAUSE_BY_EXPERIMENT
        and not (timed_out and varied in SELF_EVIDENT)
        and get_improvement(evidence, varied) is not None
    )


def is_improvement(evidence: Evidence, one: Experiment) -> bool:
    """Return whether this one connection came past the point at which the attempt ended."""
    if one.varied == "plaintext":
        return _speaks_in_clear(one)
    if one.varied == "tls":
        return speaks_tls(one)
    if one.varied == "other_protocol":
        return _other_protocol(evidence, one) is True
    if evidence.handshake is None or has_server_hello(evidence.handshake) or one.handshake is None:
        return False
    return has_server_hello(one.handshake)


def get_proven_cause(evidence: Evidence) -> str:
    """Return the cause that the experiments prove, empty where none does."""
    shown = {one.varied for one in evidence.experiments if get_improvement(evidence, one.varied)}
    # Those of versions come last: wider versions bring wider ciphers and groups along.
    return next((cause for varied, cause in CAUSE_BY_EXPERIMENT.items() if varied in shown), "")


def get_excluded_cause(evidence: Evidence, one: Experiment) -> str:
    """Return the cause that this experiment rules out by ending no better than the attempt."""
    cause = CAUSE_BY_EXPERIMENT.get(one.varied, "")
    if not is_reproduced(evidence) or evidence.ending.kind == "timeout":
        return ""
    if one.ending.stage == "connect" or one.ending.kind in {"timeout", "probe_fault"}:
        return ""  # it came to nothing
    if one.varied == "other_protocol" and _other_protocol(evidence, one) is None:
        return ""  # somebody answered, a proxy maybe: which protocol is served, it does not say
    if one.varied == "tls" and one.ending.kind != "not_tls":
        return ""  # nor does a close say that it is no TLS server
    if one.varied in {"plaintext", "tls_1.2"} and one.ending.kind != "alert":
        return ""  # silence says nothing either way
    if one.handshake is not None and get_fatal_alert(one.handshake) == TlsAlert.PROTOCOL_VERSION:
        return ""  # the peer itself says that it is the version
    if one.varied == "every_cipher" and not _speaks_tls13_alone(evidence):
        return ""  # the backend's own suites may be for another key than its certificate's
    settling = [
        each for each in evidence.experiments if CAUSE_BY_EXPERIMENT.get(each.varied, "") == cause
    ]
    return "" if any(is_improvement(evidence, each) for each in settling) else cause


def _speaks_tls13_alone(evidence: Evidence) -> bool:
    """Whether the backend refuses TLS 1.2 as a version: TLS 1.3's suites go with any certificate."""
    one = get_experiment(evidence, "tls_1.2")
    return (
        one is not None
        and one.handshake is not None
        and get_fatal_alert(one.handshake) == TlsAlert.PROTOCOL_VERSION
    )


def remove_excluded(evidence: Evidence, possible: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of `possible` that no experiment ruled out."""
    out = {get_excluded_cause(evidence, one) for one in evidence.experiments}
    return tuple(cause for cause in possible if cause not in out)


def speaks_tls(one: Experiment) -> bool:
    """Whether the peer took part in this handshake: with a ServerHello, or an alert."""
    handshake = one.handshake
    return handshake is not None and (
        has_server_hello(handshake) or get_fatal_alert(handshake) is not None
    )


def _other_protocol(evidence: Evidence, one: Experiment) -> bool | None:
    """Whether the other OTLP protocol is served; None where that is left open."""
    if one.answer is None:
        return False
    if one.ending.kind != "answered":
        return None  # an answer that was cut
    return serves_other_protocol(evidence.target, one.answer)


def ends_same_without_certificate(evidence: Evidence) -> bool:
    """Whether the backend ends a connection without any client certificate just as silently."""
    one = get_experiment(evidence, "no_client_certificate")
    return one is not None and one.ending.kind in _SILENT


def ends_with_alert(evidence: Evidence, varied: Varied, number: int) -> bool:
    """Whether this experiment was ended by the alert `number` as well."""
    one = get_experiment(evidence, varied)
    return (
        one is not None and one.handshake is not None and get_fatal_alert(one.handshake) == number
    )


def has_server_hello(handshake: Handshake) -> bool:
    """Whether a ServerHello came: version and cipher were chosen."""
    return bool(handshake.cipher)


def get_fatal_alert(handshake: Handshake) -> int | None:
    """Return the number of the last fatal alert received; None where there was none."""
    return next(
        (
            alert.number
            for alert in reversed(handshake.alerts)
            if alert.direction == "received" and alert.level == "fatal"
        ),
        None,
    )


def _speaks_in_clear(one: Experiment) -> bool:
    try:
        first = bytes.fromhex(one.first_bytes)
    except ValueError:  # an evidence file that was edited by hand
        return False
    if any(said.startswith(first) for said in _TLS_PORT):
        return False  # cut short: it may have been one
    return one.ending.kind == "not_tls" and not first.startswith(_TLS_PORT)
