"""The log: a line for each change, none for a repetition, and nothing raw or secret in it."""

import json
from typing import Any, Final

import pytest
from structlog.testing import capture_logs

from probe.ledger.ledger import Ledger
from probe.log.changes import BURST, EVERY, ChangeLog, SourceLog
from probe.log.format import configure_logging
from probe.model.change import Change
from probe.model.diagnosis import Diagnosis
from probe.model.evidence import Ending, Evidence, Handshake, TargetFacts
from probe.model.finding import Finding
from probe.model.target import Endpoint, Secret, SourceState, Target
from probe.model.trace_context import TraceContext

HIDDEN = "hunter2-never-shown"
CONFIRMED = Diagnosis(outcome="confirmed", stage="export")
UNTRUSTED = Diagnosis(
    outcome="failed",
    stage="accept",
    cause="client_ca_untrusted",
    family="backend_ca_trust",
    facts=("the backend sent alert unknown_ca (48)",),
    party="backend",
)
TRACE = TraceContext(trace_id="1" * 32, span_id="2" * 16, export_span_id="3" * 16, sampled=False)
EXPIRED = Diagnosis(outcome="failed", stage="accept", cause="client_cert_expired")

UP = SourceState("environment", up=True, targets=1)
DOWN = SourceState("environment", up=False, targets=1, error="first line\n  second <b>\x1b[31m")


class Said:
    """A ledger of one target whose changes are logged."""

    def __init__(
        self,
        capture: pytest.CaptureFixture[str],
        *,
        human: bool = False,
        name: str = "eu",
        expect: str | None = None,
    ) -> None:
        """Log as `run` does, or as a person at a terminal reads it."""
        configure_logging(human=human)
        self._capture = capture
        self.target = Target(
            name=name,
            endpoint=Endpoint("collector", 4317),
            headers=(("authorization", Secret(HIDDEN)),),
            expect_cause=expect,
        )
        self.ledger = Ledger([self.target])
        self.at = 0.0
        self.wall = 1.8e9
        self.ledger.subscribe(ChangeLog(lambda: self.at).log_changes)

    def after(
        self,
        *diagnoses: Diagnosis,
        host: str = "collector",
        version: str = "",
        trace: TraceContext | None = None,
        changed: tuple[Change, ...] = (),
    ) -> str:
        """Record `diagnoses` and return what was written to stderr."""
        for diagnosis in diagnoses:
            facts = TargetFacts(
                name=self.target.name,
                endpoint=host,
                host=host,
                port=4317,
                protocol="grpc",
                expect_cause=self.target.expect_cause,
            )
            evidence = Evidence(
                target=facts,
                at=self.wall + self.at,
                trace=trace,
                changed=changed,
                ending=Ending(stage=diagnosis.stage, kind="alert"),
                handshake=Handshake(version=version) if version else None,
            )
            self.ledger.record(self.target, evidence, diagnosis)
        out, err = self._capture.readouterr()
        assert out == ""
        return err

    def lines(self, *diagnoses: Diagnosis, **more: Any) -> list[dict[str, Any]]:
        """Return the JSON lines that `diagnoses` brought."""
        return [json.loads(line) for line in self.after(*diagnoses, **more).splitlines()]


def test_the_first_outcome_and_each_change_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Repetitions are silent; another outcome or another cause is not, nor is the way back."""
    said = Said(capsys)
    assert [line["mtls_probe.outcome"] for line in said.lines(CONFIRMED)] == ["confirmed"]
    assert said.lines(CONFIRMED, CONFIRMED) == []
    causes = [line.get("error.type") for line in said.lines(UNTRUSTED, UNTRUSTED, EXPIRED)]
    assert causes == ["client_ca_untrusted", "client_cert_expired"]
    assert [line["mtls_probe.outcome"] for line in said.lines(CONFIRMED)] == ["confirmed"]


LOST: Final = Change(
    what="acceptable_cas",
    before=("CN=A", "CN=B"),
    after=("CN=B",),
    at=1.8e9,
    last_before=1.8e9 - 30,
)


def test_a_failure_says_what_changed_before(capsys: pytest.CaptureFixture[str]) -> None:
    """In the line of the outcome, and not once more by itself."""
    said = Said(capsys)
    said.lines(CONFIRMED)
    (line,) = said.lines(UNTRUSTED, UNTRUSTED, changed=(LOST,))
    assert line["changed"][0].startswith("the backend's list of accepted CAs lost CN=A, seen at ")


def test_a_change_without_harm_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """At whichever attempt it is reported first."""
    said = Said(capsys)
    said.lines(CONFIRMED)
    (line,) = said.lines(CONFIRMED, CONFIRMED, changed=(LOST,))
    assert line["event"] == "target_backend_changed"
    assert line["what"] == "acceptable_cas"
    assert line["changed"] == "the backend's list of accepted CAs lost CN=A"
    assert line["first_seen"] == "2027-01-15T08:00:00Z"


def test_a_line_has_otels_names(capsys: pytest.CaptureFixture[str]) -> None:
    """What the semantic conventions name is called so; time is UTC."""
    (line,) = Said(capsys).lines(UNTRUSTED, version="1.3")
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "target_outcome_changed",
        "level": "warning",
        "mtls_probe.target": "eu",
        "mtls_probe.outcome": "failed",
        "mtls_probe.stage": "accept",
        "mtls_probe.certain": True,
        "mtls_probe.party": "backend",
        "mtls_probe.facts": ["the backend sent alert unknown_ca (48)"],
        "server.address": "collector",
        "server.port": 4317,
        "error.type": "client_ca_untrusted",
        "tls.protocol.version": "1.3",
    }


def test_a_line_leads_to_its_trace(capsys: pytest.CaptureFixture[str]) -> None:
    """The ids stand at the top, as OTel has it for logs in other formats; people get one."""
    (line,) = Said(capsys).lines(UNTRUSTED, trace=TRACE)
    assert (line["trace_id"], line["span_id"]) == (TRACE.trace_id, TRACE.span_id)
    assert line["trace_flags"] == "01"
    text = Said(capsys, human=True).after(UNTRUSTED, trace=TRACE)
    assert TRACE.trace_id in text
    assert TRACE.span_id not in text
    assert "trace_flags" not in text


def test_a_flapping_target_does_not_fill_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """A few lines, then one now and again, which says how many changes were passed over."""
    said = Said(capsys)
    outcomes = [CONFIRMED, UNTRUSTED] * 60
    lines = []
    for diagnosis in outcomes:
        lines += said.lines(diagnosis)
        said.at += 30.0
    assert BURST < len(lines) <= BURST + 60 * 60 / EVERY
    passed_over = [line.get("changes_passed_over", 0) for line in lines]
    assert sum(passed_over) >= 90
    assert not any(passed_over[:BURST])


def test_the_last_word_is_right(capsys: pytest.CaptureFixture[str]) -> None:
    """A change that had no line gets one later, though nothing changes any more; one, and once."""
    said = Said(capsys)
    said.lines(*[CONFIRMED, UNTRUSTED] * (BURST // 2))
    assert said.lines(CONFIRMED, CONFIRMED) == []
    said.at += EVERY
    (line,) = said.lines(CONFIRMED)
    assert line["mtls_probe.outcome"] == "confirmed"
    assert line["changes_passed_over"] == 1
    said.at += 10 * EVERY
    assert said.lines(CONFIRMED, CONFIRMED) == []


def test_a_finding_is_reported_when_it_comes_and_when_it_goes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It stops nothing, so that no outcome changes: the line is all that the log has of it."""
    said = Said(capsys)
    ends_soon = Diagnosis(
        outcome="confirmed",
        stage="export",
        findings=(Finding(cause="client_cert_expired", fact="it ends in 5 days"),),
    )
    said.lines(CONFIRMED)
    (line,) = said.lines(ends_soon, ends_soon)
    assert (line["event"], line["level"]) == ("target_finding_appeared", "warning")
    assert line["mtls_probe.finding"] == "client_cert_expired"
    assert line["mtls_probe.facts"] == ["it ends in 5 days"]
    (line,) = said.lines(CONFIRMED, CONFIRMED)
    assert (line["event"], line["level"]) == ("target_finding_gone", "info")
    lines = [line for _ in range(40) for line in said.lines(ends_soon, CONFIRMED)]
    assert len(lines) <= BURST
    (line,) = said.lines(UNTRUSTED)
    assert line["error.type"] == "client_ca_untrusted"


def test_a_target_that_comes_again_is_reported_again(capsys: pytest.CaptureFixture[str]) -> None:
    """What is kept of a target goes with it."""
    said = Said(capsys)
    assert len(said.lines(CONFIRMED)) == 1
    said.ledger.replace_targets([])
    said.ledger.replace_targets([said.target])
    assert len(said.lines(CONFIRMED)) == 1


def test_what_is_not_known_is_not_said(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a cause and a handshake there is no field for them."""
    (line,) = Said(capsys).lines(CONFIRMED)
    assert "error.type" not in line
    assert "tls.protocol.version" not in line


def test_what_is_expected_is_no_warning(capsys: pytest.CaptureFixture[str]) -> None:
    """The level follows from what the target is expected to do, not from the outcome."""
    said = Said(capsys, expect="client_ca_untrusted")
    levels = [line["level"] for line in said.lines(UNTRUSTED, CONFIRMED)]
    assert levels == ["info", "warning"]


@pytest.mark.parametrize("human", [False, True])
def test_hostile_names_are_escaped_and_secrets_absent(
    human: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """In both formats: one printable line, without the header's value."""
    said = Said(capsys, human=human, name="a\x1b[31m\u202e\nb\udcff")
    text = said.after(UNTRUSTED, host="c\x1b]0;x\x07\n")
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    assert HIDDEN not in text


@pytest.mark.parametrize("step", [3600.0, -3600.0, 86400.0, -86400.0])
def test_a_step_of_the_wall_clock_neither_floods_nor_silences(
    capsys: pytest.CaptureFixture[str], step: float
) -> None:
    """How often a line may come is measured on the monotonic clock."""
    said = Said(capsys)
    said.lines(*[CONFIRMED, UNTRUSTED] * BURST)
    said.wall += step
    assert said.lines(*[CONFIRMED, UNTRUSTED] * BURST) == []
    said.at += EVERY
    assert len(said.lines(*[CONFIRMED, UNTRUSTED] * BURST)) == 1


def test_the_log_says_it_at_each_change_only() -> None:
    """Down, down for another reason, up; the same state again gives no line."""
    log = SourceLog()
    other = SourceState("environment", up=False, error="another")
    with capture_logs() as lines:
        for states in ([UP], [DOWN], [DOWN], [other], [UP], [UP], []):
            log.record(states, "")
    assert [(line["event"], line.get("reason")) for line in lines] == [
        ("source_down", DOWN.error),
        ("source_down", "another"),
        ("source_up", None),
    ]


def test_the_log_says_once_that_there_is_nothing_to_probe() -> None:
    """And again after there was something."""
    log = SourceLog()
    with capture_logs() as lines:
        for nothing in ("why", "why", "", "why"):
            log.record([], nothing)
    assert [line["event"] for line in lines] == ["nothing_to_probe", "nothing_to_probe"]
