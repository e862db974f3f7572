"""The log of a target by address: a line for each cause with its addresses, and who comes and goes."""

from typing import Any

from structlog.testing import capture_logs

from probe.ledger.ledger import Ledger
from probe.ledger.replicas import Replicas
from probe.log.changes import ChangeLog
from probe.model.diagnosis import Diagnosis
from probe.model.finding import Finding
from probe.model.target import Endpoint, Target
from tests.support.evidence import attempt, target

CONFIRMED = Diagnosis(outcome="confirmed", stage="export")
REFUSED = Diagnosis(outcome="failed", stage="connect", cause="tcp_refused")
EXPIRES = Diagnosis(
    outcome="confirmed",
    stage="export",
    findings=(Finding(cause="client_cert_expired", fact="it ends in ten days"),),
)


class Rounds:
    """A ledger of one target by address, whose changes are logged."""

    def __init__(self) -> None:
        """Log the rounds of one target."""
        self.target = Target(name="eu", endpoint=Endpoint("repl.example", 1), addresses="each")
        self.ledger = Ledger([self.target])
        self.now = 0.0
        self.ledger.subscribe_rounds(ChangeLog(lambda: self.now).log_changes)

    def round(self, **found: Diagnosis) -> list[dict[str, Any]]:
        """Enter how each address ended (`_1` is 192.0.2.1); return the events of the log."""
        named = {f"192.0.2{name.replace('_', '.')}": one for name, one in found.items()}
        parent = self.ledger.runtime_of(self.target)
        with capture_logs() as events:
            replicas = parent.get_store(Replicas)
            for runtime in replicas.follow(self.target, named, self.now):
                facts = target(name="eu", address=runtime.target.address)
                evidence = attempt("export", "answered", target=facts)
                diagnosis = named[runtime.target.address]
                self.ledger.record_address(parent, runtime, evidence, diagnosis)
            self.ledger.record_round(parent)
        self.now += 60.0
        return [dict(event) for event in events]


def test_addresses_that_end_alike_share_a_line() -> None:
    """A lost CA at sixty replicas is one line, with all of them."""
    rounds = Rounds()
    came, *lines = rounds.round(_1=REFUSED, _2=CONFIRMED, _3=REFUSED)
    assert (came["event"], came["appeared"], came["gone"]) == (
        "target_addresses_changed", ["192.0.2.1", "192.0.2.2", "192.0.2.3"], [],
    )  # fmt: skip  # one comparison
    assert [
        (one["event"], one["addresses"], one["of_addresses"], one["outcome"], one["log_level"])
        for one in lines
    ] == [
        ("target_outcome_changed", ["192.0.2.1", "192.0.2.3"], 3, "failed", "warning"),
        ("target_outcome_changed", ["192.0.2.2"], 3, "confirmed", "info"),
    ]
    assert lines[0]["error.type"] == "tcp_refused"


def test_only_addresses_that_changed_are_named() -> None:
    """A repetition is silent; one that is fixed is a line of its own."""
    rounds = Rounds()
    rounds.round(_1=REFUSED, _2=REFUSED)
    assert rounds.round(_1=REFUSED, _2=REFUSED) == []
    (line,) = rounds.round(_1=REFUSED, _2=CONFIRMED)
    assert (line["addresses"], line["outcome"]) == (["192.0.2.2"], "confirmed")


def test_an_address_that_is_gone_is_logged_once_it_is_dropped() -> None:
    """It is held for two and a half intervals, or a minute."""
    rounds = Rounds()
    rounds.round(_1=CONFIRMED, _2=CONFIRMED)
    (line,) = rounds.round(_1=CONFIRMED)[-1:] or rounds.round(_1=CONFIRMED)[-1:]
    assert (line["event"], line["gone"], line["addresses"]) == (
        "target_addresses_changed", ["192.0.2.2"], 1,
    )  # fmt: skip  # one comparison


def test_a_finding_of_several_addresses_is_one_line() -> None:
    """And it is gone when the last of them has it no more."""
    rounds = Rounds()
    lines = rounds.round(_1=EXPIRES, _2=EXPIRES)
    found = [one for one in lines if one["event"] == "target_finding_appeared"]
    assert [(one["target"], one["finding"]) for one in found] == [("eu", "client_cert_expired")]
    assert rounds.round(_1=EXPIRES, _2=CONFIRMED) == []
    (gone,) = rounds.round(_1=CONFIRMED, _2=CONFIRMED)
    assert gone["event"] == "target_finding_gone"
