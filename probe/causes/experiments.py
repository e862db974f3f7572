"""What experiments ask and what they show: pure readings (causes.md, "How ties are broken").

`open_questions` says which variations an attempt's evidence calls for; the rest reads the results
that came back. They count only where the unvaried handshake, made once more with each round, ended
as the attempt did: a server that stalls or closes now and then would else be proven to dislike
whatever was varied when it stalled. For the same reason a deadline proves nothing and rules out
nothing, neither the attempt's nor a variation's. Nothing here is asked of an attempt that ended
well.
"""

from collections.abc import Iterator
from typing import Final, NamedTuple

from probe.evidence import Evidence, Experiment, Handshake, Varied

_NEGOTIATION: Final[tuple[Varied, ...]] = (
    "every_version",
    "every_cipher",
    "every_group",
    "no_alpn",
    "tls_1.2",
)
_SETTLES: Final[dict[Varied, str]] = {
    "plaintext": "not_tls",
    "every_cipher": "no_shared_cipher",
    "every_group": "no_shared_group",
    "no_alpn": "alpn_mismatch",
    "other_protocol": "otlp_protocol_mismatch",
    "every_version": "protocol_version_mismatch",
    "tls_1.2": "protocol_version_mismatch",
    "tls_1.3": "protocol_version_mismatch",
}
"""The cause that each variation proves where it goes further than the attempt."""

_WORDS: Final[dict[Varied, str]] = {
    "unvaried": "once more, unchanged",
    "no_client_certificate": "without a client certificate",
    "tls_1.2": "capped at TLS 1.2",
    "tls_1.3": "at TLS 1.3 alone",
    "every_version": "with TLS 1.0 to 1.3 offered",
    "every_cipher": "with every cipher suite offered",
    "every_group": "with every group offered",
    "no_alpn": "without ALPN",
    "other_protocol": "asked in the other OTLP protocol",
    "plaintext": "greeted in clear",
}
_HANDSHAKE_FAILURE: Final = 40
_PROTOCOL_VERSION: Final = 70
_NO_APPLICATION_PROTOCOL: Final = 120
_NAMED: Final = frozenset({112})
"""Alerts before the ServerHello that leave nothing to ask: unrecognized_name."""
_SILENT: Final = frozenset({"close", "reset"})
"""One thing to a peer: which of them comes depends on what it had not read yet (RFC 9293 §3.6)."""
_SPEAKS_FOR_ITSELF: Final[frozenset[Varied]] = frozenset({"plaintext", "other_protocol"})
"""Variations whose proof is what the peer said, and not that it went on where it had not."""
_NOT_SERVED: Final = frozenset({404, 405, 415})
_TLS_PORT: Final = (b"HTTP/1.1 400", b"HTTP/1.0 400")
"""How a TLS port of nginx, Go or Envoy may answer a greeting in clear."""


def open_questions(evidence: Evidence) -> tuple[Varied, ...]:
    """Return the variations that would settle what this attempt left open, in order."""
    handshake, ending = evidence.handshake, evidence.ending
    if handshake is None or not evidence.peer_address:
        return ()
    if ending.kind == "alpn":
        return ("other_protocol",)
    if ending.stage == "handshake" and not _agreed(handshake):
        return _before_the_server_hello(evidence, handshake)
    if not (handshake.client_certificate_requested and handshake.client_certificate_sent):
        return ()
    if ending.kind in {"close", "reset"} and ending.stage != "export":
        return ("no_client_certificate",)
    if ending.kind == "alert" and _last_fatal(handshake) == _HANDSHAKE_FAILURE:
        return ("no_client_certificate",)
    return ()


def _before_the_server_hello(evidence: Evidence, handshake: Handshake) -> tuple[Varied, ...]:
    kind = evidence.ending.kind
    if kind in {"close", "reset"}:
        return (*_NEGOTIATION, "plaintext")
    if kind == "timeout":
        # TLS 1.2 has a small ClientHello: a path that drops the large one of TLS 1.3 lets it by.
        return ("plaintext", "tls_1.2")
    if kind != "alert":
        return ()
    number = _last_fatal(handshake)
    if number in _NAMED:
        return ()
    if number == _PROTOCOL_VERSION:
        return ("every_version",)
    if number == _NO_APPLICATION_PROTOCOL:
        return ("no_alpn", "other_protocol")
    return _NEGOTIATION


def raw_outcome(evidence: Evidence) -> tuple[object, ...]:
    """Return what must be the same for an earlier round of experiments to hold still."""
    recheck = evidence.recheck
    handshake = evidence.handshake
    return (
        evidence.ending,
        handshake.alerts if handshake else (),
        (recheck.ending, recheck.handshake.alerts) if recheck else None,
        evidence.credentials.generation,
        open_questions(evidence),
    )


def holds(evidence: Evidence) -> bool:
    """Return whether the experiments show anything about this attempt."""
    again = [one for one in evidence.experiments if one.varied == "unvaried"]
    return bool(again) and all(_same_outcome(evidence, one) for one in again)


def _same_outcome(evidence: Evidence, again: Experiment) -> bool:
    """Whether the unvaried handshake ended where and how the attempt did."""
    first, second = evidence.ending, again.ending
    if evidence.handshake is None or again.handshake is None or first.stage != second.stage:
        return False
    if first.kind != second.kind and not {first.kind, second.kind} <= _SILENT:
        return False
    return _agreed(evidence.handshake) == _agreed(again.handshake) and _last_fatal(
        evidence.handshake
    ) == _last_fatal(again.handshake)


def found(evidence: Evidence, varied: Varied) -> Experiment | None:
    """Return the experiment that varied this; None where none that counts was made."""
    if not holds(evidence):
        return None
    return next((one for one in evidence.experiments if one.varied == varied), None)


def further(evidence: Evidence, varied: Varied) -> Experiment | None:
    """Return the experiment `varied` where it came past the point at which the attempt ended.

    Where it was made several times, each must have.
    """
    one = found(evidence, varied)
    if one is None or (evidence.ending.kind == "timeout" and varied not in _SPEAKS_FOR_ITSELF):
        return None
    made = (each for each in evidence.experiments if each.varied == varied)
    return one if all(_went_further(evidence, each) for each in made) else None


def hints(evidence: Evidence, varied: Varied) -> bool:
    """Return whether `varied` went further where the attempt met its deadline: that is no proof."""
    one = found(evidence, varied)
    return one is not None and evidence.ending.kind == "timeout" and _went_further(evidence, one)


def to_confirm(evidence: Evidence) -> tuple[Varied, ...]:
    """Return the variations that went further, and must do so again to prove anything."""
    made = dict.fromkeys(one.varied for one in evidence.experiments)
    return tuple(
        varied
        for varied in made
        if varied in _SETTLES
        and varied not in _SPEAKS_FOR_ITSELF
        and further(evidence, varied) is not None
    )


def _went_further(evidence: Evidence, one: Experiment) -> bool:
    if one.varied == "plaintext":
        return _speaks_in_clear(one)
    if one.varied == "other_protocol":
        answer = one.answer
        return answer is not None and answer.http_status not in _NOT_SERVED
    if evidence.handshake is None or _agreed(evidence.handshake) or one.handshake is None:
        return False
    return _agreed(one.handshake)


def proven(evidence: Evidence) -> str:
    """Return the cause that the experiments prove, empty where none does."""
    shown = {one.varied for one in evidence.experiments if further(evidence, one.varied)}
    # Those of versions come last: wider versions bring wider ciphers and groups along.
    return next((cause for varied, cause in _SETTLES.items() if varied in shown), "")


def ruled_out(evidence: Evidence, one: Experiment) -> str:
    """Return the cause that this experiment rules out by ending no better than the attempt."""
    cause = _SETTLES.get(one.varied, "")
    if not holds(evidence) or evidence.ending.kind == "timeout":
        return ""
    if one.ending.stage == "connect" or one.ending.kind in {"timeout", "probe_fault"}:
        return ""  # it came to nothing
    if one.varied in {"plaintext", "tls_1.2"} and one.ending.kind != "alert":
        return ""  # silence says nothing either way
    if one.handshake is not None and _last_fatal(one.handshake) == _PROTOCOL_VERSION:
        return ""  # the peer itself says that it is the version
    made = (each for each in evidence.experiments if each.varied == one.varied)
    return "" if not cause or any(_went_further(evidence, each) for each in made) else cause


def still_open(evidence: Evidence, possible: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of `possible` that no experiment ruled out."""
    out = {ruled_out(evidence, one) for one in evidence.experiments}
    return tuple(cause for cause in possible if cause not in out)


def same_without_certificate(evidence: Evidence) -> bool:
    """Whether the backend ends a connection without any client certificate just as silently."""
    one = found(evidence, "no_client_certificate")
    return one is not None and one.ending.kind in _SILENT


class Shown(NamedTuple):
    """What one experiment showed."""

    varied: Varied
    at: float
    outcome: str
    """In words."""
    proves: str
    """The cause that it proves, empty for none; the same for what it rules out."""
    rules_out: str


def shown(evidence: Evidence) -> Iterator[Shown]:
    """Yield what each experiment showed, in the order they were made."""
    for one in evidence.experiments:
        proves = _SETTLES.get(one.varied, "") if further(evidence, one.varied) is not None else ""
        yield Shown(one.varied, one.at, _outcome(evidence, one), proves, ruled_out(evidence, one))


def same_alert(evidence: Evidence, varied: Varied, number: int) -> bool:
    """Whether this experiment was ended by the alert `number` as well."""
    one = found(evidence, varied)
    return one is not None and one.handshake is not None and _last_fatal(one.handshake) == number


def told(evidence: Evidence) -> Iterator[str]:
    """Yield one fact for each experiment: what was varied, what came, what that rules out.

    And that they show nothing, where they do.
    """
    for one in shown(evidence):
        out = f"; that rules out {one.rules_out}" if one.rules_out else ""
        yield f"tried {_WORDS[one.varied]}: {one.outcome}{out}"
    if evidence.experiments and not holds(evidence):
        yield (
            "the unchanged handshake did not end as the attempt had, so the further ones prove "
            "nothing and rule nothing out"
        )


def _outcome(evidence: Evidence, one: Experiment) -> str:
    handshake = one.handshake
    if one.varied == "plaintext":
        said = {
            "alert": "the peer answered with a TLS record",
            "not_tls": "the peer answered in clear",
            "timeout": "no answer",
        }
        return said.get(one.ending.kind, _silent(one))
    if one.varied == "other_protocol" and one.answer is not None:
        return f"HTTP {one.answer.http_status} {one.answer.content_type}".rstrip()
    if handshake is not None and (number := _last_fatal(handshake)) is not None:
        name = next(a.name for a in reversed(handshake.alerts) if a.number == number)
        same = evidence.handshake is not None and _last_fatal(evidence.handshake) == number
        return f"{'the same alert ' if same else 'alert '}{name} ({number})"
    if handshake is not None and _went_further(evidence, one):
        return f"the backend chose TLS {handshake.version}, {handshake.cipher}"
    if one.ending.kind in {"completed", "application_data"}:
        return "the backend goes on"
    return _silent(one)


def _silent(one: Experiment) -> str:
    if one.ending.kind == "probe_fault":
        return f"the probe itself failed: {one.ending.detail}"
    words = {
        "close": "closed without a word",
        "reset": "reset",
        "timeout": "no answer in time",
        "refused": "the connection was refused",
        "unverified": "the handshake finished, the server is not verified",
        "alpn": "the handshake finished without h2",
    }
    return words.get(one.ending.kind, f"ended as {one.ending.kind}")


def _agreed(handshake: Handshake) -> bool:
    """Whether a ServerHello came: version and cipher were chosen."""
    return bool(handshake.cipher)


def _last_fatal(handshake: Handshake) -> int | None:
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
    return one.ending.kind == "not_tls" and not first.startswith(_TLS_PORT)
