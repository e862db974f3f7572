"""What experiments ask and what they show: pure readings (causes.md, "How ties are broken").

`open_questions` says which variations an attempt's evidence calls for; the rest reads the results
that came back. Nothing here is asked of an attempt that ended well.
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
    if ending.kind == "alert" and last_fatal(handshake) == _HANDSHAKE_FAILURE:
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
    number = last_fatal(handshake)
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


def found(evidence: Evidence, varied: Varied) -> Experiment | None:
    """Return the experiment that varied this; None where it was not made."""
    return next((one for one in evidence.experiments if one.varied == varied), None)


def further(evidence: Evidence, varied: Varied) -> Experiment | None:
    """Return the experiment `varied` where it came past the point at which the attempt ended."""
    one = found(evidence, varied)
    if one is None:
        return None
    if varied == "plaintext":
        return one if _speaks_in_clear(one) else None
    if varied == "other_protocol":
        answer = one.answer
        return one if answer is not None and answer.http_status not in _NOT_SERVED else None
    if evidence.handshake is None or _agreed(evidence.handshake) or one.handshake is None:
        return None
    return one if _agreed(one.handshake) else None


def proven(evidence: Evidence) -> str:
    """Return the cause that the experiments prove, empty where none does."""
    shown = {one.varied for one in evidence.experiments if further(evidence, one.varied)}
    # Those of versions come last: wider versions bring wider ciphers and groups along.
    return next((cause for varied, cause in _SETTLES.items() if varied in shown), "")


def ruled_out(evidence: Evidence, one: Experiment) -> str:
    """Return the cause that this experiment rules out by ending no better than the attempt."""
    cause = _SETTLES.get(one.varied, "")
    if one.ending.stage == "connect" or one.ending.kind in {"timeout", "probe_fault"}:
        return ""  # it came to nothing
    if one.varied in {"plaintext", "tls_1.2"} and one.ending.kind != "alert":
        return ""  # silence says nothing either way
    if one.handshake is not None and last_fatal(one.handshake) == _PROTOCOL_VERSION:
        return ""  # the peer itself says that it is the version
    if one.varied == "every_cipher" and not _speaks_tls13_alone(evidence):
        return ""  # the backend's own suites may be for another key than its certificate's
    return "" if not cause or further(evidence, one.varied) is not None else cause


def _speaks_tls13_alone(evidence: Evidence) -> bool:
    """Whether the backend refuses TLS 1.2 as a version: TLS 1.3's suites go with any certificate."""
    one = found(evidence, "tls_1.2")
    return (
        one is not None
        and one.handshake is not None
        and last_fatal(one.handshake) == _PROTOCOL_VERSION
    )


def still_open(evidence: Evidence, possible: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of `possible` that no experiment ruled out."""
    out = {ruled_out(evidence, one) for one in evidence.experiments}
    return tuple(cause for cause in possible if cause not in out)


def same_without_certificate(evidence: Evidence) -> bool:
    """Whether the backend ends a connection without any client certificate just as silently."""
    one = found(evidence, "no_client_certificate")
    return one is not None and one.ending.kind in {"close", "reset"}


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
    return one is not None and one.handshake is not None and last_fatal(one.handshake) == number


def told(evidence: Evidence) -> Iterator[str]:
    """Yield one fact for each experiment: what was varied, what came, what that rules out."""
    for one in shown(evidence):
        out = f"; that rules out {one.rules_out}" if one.rules_out else _narrowed(evidence, one)
        yield f"tried {_WORDS[one.varied]}: {one.outcome}{out}"


def _narrowed(evidence: Evidence, one: Shown) -> str:
    """Say what is learnt where a whole cause can't be ruled out."""
    made = found(evidence, one.varied)
    if one.varied != "every_cipher" or one.proves or made is None:
        return ""
    if made.handshake is None or last_fatal(made.handshake) in {None, _PROTOCOL_VERSION}:
        return ""
    return (
        "; so the exporter's own cipher_suites are not the reason, while the backend's may still "
        "not fit the key of its certificate"
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
    if handshake is not None and (number := last_fatal(handshake)) is not None:
        name = next(a.name for a in reversed(handshake.alerts) if a.number == number)
        same = evidence.handshake is not None and last_fatal(evidence.handshake) == number
        return f"{'the same alert ' if same else 'alert '}{name} ({number})"
    if handshake is not None and further(evidence, one.varied) is not None:
        return f"the backend chose TLS {handshake.version}, {handshake.cipher}"
    if one.ending.kind in {"completed", "application_data"}:
        return "the backend goes on"
    return _silent(one)


def _silent(one: Experiment) -> str:
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


def last_fatal(handshake: Handshake) -> int | None:
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
    return one.ending.kind == "not_tls" and not first.startswith(_TLS_PORT)
