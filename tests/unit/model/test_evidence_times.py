"""The times of evidence can be put and exchanged; whether anything else differs is seen."""

from typing import Any

import pytest
from msgspec.structs import replace

from probe.model.certificate import CredentialFacts, ReceiverFiles, ServedFile
from probe.model.evidence import Answer, ClockReading, Evidence, to_json
from probe.model.evidence_times import is_repeat, list_times, put_times, take_times
from probe.model.record import Record
from tests.stories.all_stories import BY_NAME, STORIES
from tests.stories.story import Story

FULL = replace(
    BY_NAME["clock_skew"].evidence,
    answer=Answer(over="h2", http_status=200, date=1.0, received_at=2.0),
    credentials=CredentialFacts(
        served=ServedFile(path="/tls.crt", held_for=3.0),
        receiver=ReceiverFiles(name="otlp", client_ca_held_for=4.0),
    ),
    clock=(ClockReading("http_date", 5.0, 1.0), ClockReading("sntp:a", 6.0, 1.0)),
    durations={"load": 7.0, "connect": 8.0},
)
"""Every kind of time, but for those of a recheck."""


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_times_are_all_that_differs_between_equal_attempts(story: Story) -> None:
    """Put back they make the same evidence; others make another, alike but for them."""
    evidence, times = story.evidence, list_times(story.evidence)
    later = put_times(evidence, [time + 1.0 for time in times])

    assert put_times(later, times) == replace(evidence, trace=None)
    assert list_times(later) == [time + 1.0 for time in times]
    assert is_repeat(later, evidence)
    assert to_json(take_times(evidence, later)) == to_json(later)


@pytest.mark.parametrize(
    "changed",
    [
        {"ending": replace(FULL.ending, detail="x")},
        {"peer_address": "192.0.2.1"},
        {"held_up": 1.0},
        {"handshake": None},
        {"answer": None},
        {"answer.http_status": 503},
        {"answer.date": None},
        {"answer.received_at": None},
        {"credentials.generation": "another"},
        {"credentials.served.path": "/other.crt"},
        {"credentials.served.held_for": None},
        {"credentials.served": None},
        {"credentials.receiver.name": "otlp/2"},
        {"credentials.receiver.client_ca_held_for": None},
        {"clock": FULL.clock[:1]},
        {"clock": FULL.clock[::-1]},
        {"durations": {"load": 7.0, "resolve": 8.0}},
        {"durations": {"connect": 8.0, "load": 7.0}},
        {"durations": {"load": 7.0}},
    ],
    ids=repr,
)
def test_whatever_else_differs_is_seen(changed: dict[str, Any]) -> None:
    """A value, and also which times there are, in both directions."""
    (path, value), = changed.items()  # fmt: skip
    other = change(FULL, path.split("."), value)

    assert is_repeat(FULL, FULL)
    assert not is_repeat(other, FULL)
    assert not is_repeat(FULL, other)


def change(record: Record, path: list[str], value: Any) -> Any:
    """Return `record` with another value at `path`."""
    name, *below = path
    return replace(
        record, **{name: change(getattr(record, name), below, value) if below else value}
    )


def test_every_time_is_one_of_an_attempt() -> None:
    """All of them may differ at once."""
    later: Evidence = put_times(FULL, [time + 60.0 for time in list_times(FULL)])

    assert len(list_times(FULL)) == 11
    assert is_repeat(later, FULL)
    assert not {*list_times(later)} & {*list_times(FULL)}
