"""What a service remembers of renewals: little, and nothing that flaps."""

import sys
from typing import Final

from probe.diagnosis.diagnose import diagnose
from probe.forecast.forecast import SeenTarget, make_forecast
from probe.forecast.renewals import MOST_KEPT, RenewalHistory
from probe.ledger.ledger import Ledger
from probe.model.target import Endpoint, Target
from probe.service.service import note_renewals
from tests.support.certificate_facts import AT, DAY, EXPORTER, exporter
from tests.support.evidence import answered_attempt, held_credentials

TARGET: Final = Target(name="collector-eu", endpoint=Endpoint("eu.example", 4317))


def test_the_ledger_teaches_it() -> None:
    """Each attempt of a target is taken in; the habit is known from the second renewal on."""
    ledger = Ledger([TARGET])
    ledger.subscribe(note_renewals)
    known = []
    for begins in (-3.0, -2.0, -1.0):
        own = exporter(begins=begins, ends=begins + 2)
        evidence = answered_attempt(credentials=held_credentials(own))
        ledger.record(TARGET, evidence, diagnose(evidence))
        runtime = ledger.find(TARGET.name)
        assert runtime is not None
        known.append(runtime.get_store(RenewalHistory).find_habit(own))
    assert known[:2] == [None, None]
    habit = known[2]
    assert habit is not None
    assert (habit.every, habit.due) == (DAY, AT)
    assert not habit.is_late(AT + 0.05 * DAY)
    assert habit.is_late(AT + 0.2 * DAY)


def test_another_holder_is_not_a_renewal() -> None:
    """A file that another certificate was put into begins anew."""
    history = RenewalHistory()
    for begins in (-3.0, -2.0, -1.0):
        own = exporter(begins=begins, sans=(f"DNS:{begins:g}.example.com",))
        history.note(answered_attempt(credentials=held_credentials(own)))
    assert history.find_habit(own) is None


def test_a_certificate_that_ends_before_its_renewal_is_due_counts() -> None:
    """Its lifetime became shorter than what it is renewed every: nobody may wait for that."""
    history = RenewalHistory()
    for begins, ends in ((-90, -55), (-60, -25), (-30, 5), (-1, 10)):
        own = exporter(begins=float(begins), ends=float(ends))
        evidence = answered_attempt(credentials=held_credentials(own))
        history.note(evidence)
    seen = SeenTarget(evidence, diagnose(evidence), history)
    (entry,) = make_forecast([seen], AT, 20 * DAY)
    assert (entry.kind, entry.sure, entry.counts) == ("client_certificate", "certain", True)


def test_it_is_bounded() -> None:
    """However often a certificate is renewed; most targets keep nothing but a reference."""
    history = RenewalHistory()
    history.note(answered_attempt(credentials=held_credentials(EXPORTER)))
    assert sys.getsizeof(history) < 100
    for number in range(1000):
        own = exporter(begins=number / 100, ends=50)
        history.note(answered_attempt(credentials=held_credentials(own)))
    side = history._client
    assert isinstance(side, tuple)
    assert len(side[1]) == MOST_KEPT
