"""A scrape shows the same whether attempts repeat or each is looked at as if it were the first."""

import copy
from random import Random
from typing import Any

import pytest

from probe.diagnosis.diagnose import diagnose
from probe.diagnosis.kept_reading import KeptReading
from probe.ledger.ledger import Ledger
from probe.metrics.scrape import Metrics
from probe.model.evidence import Evidence, from_json, to_json
from probe.model.target import Endpoint, Target
from tests.stories.all_stories import STORIES
from tests.support.moved_times import move_times


def play(seed: int) -> list[bytes]:
    """Return what scrapes show while two targets go through several stories, attempt by attempt."""
    random = Random(seed)
    ledger = Ledger(Target(name=name, endpoint=Endpoint("a.example", 4317)) for name in "ab")
    metrics, shown = Metrics(ledger), []
    now = {runtime.target.name: random.choice(STORIES).evidence for runtime in ledger}
    for _ in range(25):
        for runtime in ledger:
            if random.random() < 0.2:
                now[runtime.target.name] = random.choice(STORIES).evidence
            evidence: Evidence = move_times(now[runtime.target.name], random)
            ledger.record(runtime.target, evidence, diagnose(evidence))
        if random.random() < 0.4:
            continue
        lines = metrics.exposition()[0].splitlines()
        shown.append(b"\n".join(line for line in lines if not line.startswith(b"process_")))
    return shown


@pytest.mark.parametrize("seed", range(6))
def test_what_is_kept_shows_as_what_is_new(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the byte: nothing that changed is missed, and nothing that stayed is changed."""
    kept = play(seed)
    record: Any = Ledger.record

    def record_copies(ledger: Ledger, target: Target, evidence: Evidence, diagnosis: Any) -> None:
        record(ledger, target, from_json(to_json(evidence)), copy.deepcopy(diagnosis))

    monkeypatch.setattr(Ledger, "record", record_copies)
    monkeypatch.setattr(KeptReading, "read", lambda self, evidence: self._read(evidence))

    assert play(seed) == kept
