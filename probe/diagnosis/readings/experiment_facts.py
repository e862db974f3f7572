"""What is said of each experiment: what was varied, what came, what that proves or rules out."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from probe.diagnosis.readings.experiment_results import (
    CAUSE_BY_EXPERIMENT,
    get_excluded_cause,
    get_experiment,
    get_fatal_alert,
    get_improvement,
    get_proven_cause,
    is_improvement,
    is_reproduced,
)
from probe.diagnosis.readings.shared_suites import find_newer_version
from probe.model.evidence import Evidence, Experiment, Varied
from probe.model.tls_alerts import TlsAlert

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
    "plaintext": "greeted in plaintext",
    "tls": "with TLS",
}
_VERSIONS: Final = "protocol_version_mismatch"


class ExperimentResult(NamedTuple):
    """What one experiment showed."""

    varied: Varied
    at: float
    outcome: str
    """In words."""
    proves: str
    """The cause that it proves, empty for none; the same for what it rules out."""
    rules_out: str


def read_experiments(evidence: Evidence) -> Iterator[ExperimentResult]:
    """Yield what each experiment showed, in the order they were made."""
    for one in evidence.experiments:
        out = _outcome(evidence, one)
        yield ExperimentResult(
            one.varied, one.at, out, _proves(evidence, one), get_excluded_cause(evidence, one)
        )


def _proves(evidence: Evidence, one: Experiment) -> str:
    """Return the cause that this experiment proves; a version's proof is none where suites tell more."""
    if get_improvement(evidence, one.varied) is None:
        return ""
    cause = CAUSE_BY_EXPERIMENT.get(one.varied, "")
    narrower = get_proven_cause(evidence) != cause or find_newer_version(evidence) is not None
    return "" if cause == _VERSIONS and narrower else cause


def describe_experiments(evidence: Evidence) -> Iterator[str]:
    """Yield one fact for each experiment: what was varied, what came, what that rules out.

    And that they show nothing, where they do.
    """
    for one in read_experiments(evidence):
        out = f"; that rules out {one.rules_out}" if one.rules_out else _narrowed(evidence, one)
        yield f"tried {_WORDS[one.varied]}: {one.outcome}{out}"
    if evidence.experiments and not is_reproduced(evidence):
        yield (
            "the unchanged handshake did not end as the attempt had, so the further ones prove "
            "nothing and rule nothing out"
        )


def _narrowed(evidence: Evidence, one: ExperimentResult) -> str:
    """Say what is learnt where a whole cause can't be ruled out."""
    made = get_experiment(evidence, one.varied)
    if one.varied != "every_cipher" or one.proves or made is None:
        return ""
    if made.handshake is None or get_fatal_alert(made.handshake) in {
        None,
        TlsAlert.PROTOCOL_VERSION,
    }:
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
            "not_tls": "the peer answered in plaintext",
            "timeout": "no answer",
        }
        return said.get(one.ending.kind, _silent(one))
    if one.varied == "other_protocol" and one.answer is not None:
        return f"HTTP {one.answer.http_status} {one.answer.content_type}".rstrip()
    if handshake is not None and (number := get_fatal_alert(handshake)) is not None:
        name = next(a.name for a in reversed(handshake.alerts) if a.number == number)
        same = evidence.handshake is not None and get_fatal_alert(evidence.handshake) == number
        return f"{'the same alert ' if same else 'alert '}{name} ({number})"
    if handshake is not None and is_improvement(evidence, one):
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
