"""An ending that our own delay may have brought is not certain; one that repeats itself is."""

import msgspec.structs
import pytest

from probe.diagnosis.diagnose import diagnose
from probe.model.evidence import Answer, EndingKind, Evidence, Experiment
from tests.support.certificate_facts import AT, EXPORTER
from tests.support.evidence import attempt, complete_handshake, partial_handshake, refused_attempt


def held_up(evidence: Evidence, seconds: float = 0.8) -> Evidence:
    """Return the same attempt of a process that could not act for so long."""
    return msgspec.structs.replace(evidence, held_up=seconds)


@pytest.mark.parametrize("kind", ["close", "reset"])
def test_a_peer_that_may_have_given_up_is_not_blamed_for_certain(kind: EndingKind) -> None:
    """The probe's own failure is among the candidates, with the fact that says for how long."""
    begun_answer = Answer(over="http/1.1", http_status=200, body_end="cut")
    evidence = attempt("export", kind, handshake=complete_handshake(), answer=begun_answer)
    assert diagnose(evidence).certain
    diagnosis = diagnose(held_up(evidence))
    assert diagnosis.cause == f"connection_{'closed' if kind == 'close' else 'reset'}"
    assert not diagnosis.certain
    assert diagnosis.also == ("probe_fault",)
    assert any("held up for 0.8 s" in fact for fact in diagnosis.facts)
    assert diagnosis.would_decide.startswith("another attempt")


def test_a_silent_refusal_may_be_impatience() -> None:
    """A certificate is not called rejected for certain, nor for any other reason of its own."""
    diagnosis = diagnose(held_up(refused_attempt("close", EXPORTER)))
    assert not diagnosis.certain
    assert "probe_fault" in diagnosis.also


def test_an_answer_of_408_may_be_impatience() -> None:
    """The backend says that the request took too long."""
    late = Answer(over="http/1.1", http_status=408)
    diagnosis = diagnose(
        held_up(attempt("export", "answered", handshake=complete_handshake(), answer=late))
    )
    assert not diagnosis.certain
    assert "probe_fault" in diagnosis.also


@pytest.mark.parametrize("kind", ["unknown_ca", "answered"])
def test_what_the_peer_said_is_certain(kind: str) -> None:
    """An alert, or another answer, does not come of our being late."""
    if kind == "unknown_ca":
        evidence = refused_attempt(48, EXPORTER)
    else:
        status = Answer(over="h2", http_status=200, content_type="application/grpc", grpc_status=16)
        evidence = attempt("export", "answered", handshake=complete_handshake(), answer=status)
    assert diagnose(held_up(evidence)) == diagnose(evidence)


def test_what_repeats_itself_without_a_delay_is_the_peer_s() -> None:
    """The unvaried handshake of the experiments ended in the same way while nothing was held up."""
    evidence = attempt("handshake", "close", handshake=partial_handshake())
    again = Experiment(
        varied="unvaried", at=AT, ending=evidence.ending, handshake=partial_handshake()
    )
    seen = msgspec.structs.replace(held_up(evidence), experiments=(again,))
    assert "probe_fault" not in diagnose(seen).also
    assert "probe_fault" in diagnose(held_up(evidence)).also
