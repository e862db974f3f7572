"""The times within evidence, apart from all else: what differs between two equal attempts. Pure.

Times are what clocks said during this attempt: moments, durations, ages, and what other clocks
showed. All else repeats from one attempt to the next for as long as nothing changes.
"""

from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Final

from msgspec.structs import replace

from probe.model.certificate import CredentialFacts
from probe.model.evidence import Answer, ClockReading, Evidence, Recheck

_WITH_TIMES: Final = frozenset({
    "at", "durations", "clock", "recheck", "answer", "credentials", "trace",
})  # fmt: skip
_read_rest: Final = attrgetter(
    *(name for name in Evidence.__struct_fields__ if name not in _WITH_TIMES)
)
_read_rest_of_answer: Final = attrgetter(
    *(name for name in Answer.__struct_fields__ if name not in {"date", "received_at"})
)


def list_times(evidence: Evidence) -> list[float]:
    """Return the times of `evidence`, in an order that depends on all else alone."""
    times = [evidence.at, *evidence.durations.values()]
    for reading in evidence.clock:
        times += (reading.offset, reading.uncertainty)
    if evidence.recheck is not None:
        times += (evidence.recheck.at, evidence.recheck.duration)
    answer, held = evidence.answer, evidence.credentials
    optional = [] if answer is None else [answer.date, answer.received_at]
    if held.served is not None:
        optional.append(held.served.held_for)
    if held.receiver is not None:
        optional.append(held.receiver.client_ca_held_for)
    times += [each for each in optional if each is not None]
    return times


def put_times(evidence: Evidence, times: Sequence[float]) -> Evidence:
    """Return `evidence` with `times`, which are in the order of `list_times`.

    It has no trace: that is another one at each attempt, and nothing is judged by it.
    """
    left = iter(times)
    # In the order of list_times.
    at, durations = next(left), {stage: next(left) for stage in evidence.durations}
    clock = tuple([ClockReading(one.source, next(left), next(left)) for one in evidence.clock])
    recheck = evidence.recheck
    if recheck is not None:
        recheck = replace(recheck, at=next(left), duration=next(left))
    answer = None if evidence.answer is None else _put_into_answer(evidence.answer, left)
    return replace(
        evidence,
        at=at,
        durations=durations,
        clock=clock,
        recheck=recheck,
        answer=answer,
        credentials=_put_into_files(evidence.credentials, left),
        trace=None,
    )


def take_times(evidence: Evidence, other: Evidence) -> Evidence:
    """Return `evidence` with the times, and the trace, of `other` in place of its own."""
    answer = evidence.answer
    if answer is not None and other.answer is not None:
        answer = replace(
            answer,
            date=_take(answer.date, other.answer.date),
            received_at=_take(answer.received_at, other.answer.received_at),
        )
    return replace(
        evidence,
        at=other.at,
        durations=other.durations,
        clock=other.clock,
        recheck=_take_into_recheck(evidence.recheck, other.recheck),
        answer=answer,
        credentials=_take_into_files(evidence.credentials, other.credentials),
        trace=other.trace,
    )


def is_repeat(evidence: Evidence, before: Evidence) -> bool:
    """Return whether `evidence` differs from that of an attempt before in nothing but its times."""
    held = before.credentials
    return (
        _read_rest(evidence) == _read_rest(before)
        and _is_same_answer(evidence.answer, before.answer)
        and [*evidence.durations] == [*before.durations]
        and [one.source for one in evidence.clock] == [one.source for one in before.clock]
        and (evidence.credentials is held or _take_into_files(evidence.credentials, held) == held)
        and _take_into_recheck(evidence.recheck, before.recheck) == before.recheck
    )


def _is_same_answer(answer: Answer | None, before: Answer | None) -> bool:
    if answer is None or before is None:
        return answer is before
    return (
        (answer.date is None) == (before.date is None)
        and (answer.received_at is None) == (before.received_at is None)
        and bool(_read_rest_of_answer(answer) == _read_rest_of_answer(before))
    )


def _take(own: float | None, other: float | None) -> float | None:
    """Return `other`, where both know a time."""
    return own if own is None or other is None else other


def _take_into_recheck(recheck: Recheck | None, other: Recheck | None) -> Recheck | None:
    if recheck is None or other is None:
        return recheck
    return replace(recheck, at=other.at, duration=other.duration)


def _put_into_answer(answer: Answer, times: Iterator[float]) -> Answer:
    date, received_at = answer.date, answer.received_at
    return replace(
        answer,
        date=None if date is None else next(times),
        received_at=None if received_at is None else next(times),
    )


def _put_into_files(held: CredentialFacts, times: Iterator[float]) -> CredentialFacts:
    served, receiver = held.served, held.receiver
    if served is not None and served.held_for is not None:
        served = replace(served, held_for=next(times))
    if receiver is not None and receiver.client_ca_held_for is not None:
        receiver = replace(receiver, client_ca_held_for=next(times))
    return replace(held, served=served, receiver=receiver)


def _take_into_files(held: CredentialFacts, other: CredentialFacts) -> CredentialFacts:
    served, receiver = held.served, held.receiver
    if served is None and receiver is None:
        return held
    if served is not None and other.served is not None:
        served = replace(served, held_for=_take(served.held_for, other.served.held_for))
    if receiver is not None and other.receiver is not None:
        age = _take(receiver.client_ca_held_for, other.receiver.client_ca_held_for)
        receiver = replace(receiver, client_ca_held_for=age)
    return replace(held, served=served, receiver=receiver)
