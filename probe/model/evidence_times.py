"""The times within evidence, apart from all else: what differs between two equal attempts. Pure.

Times are what clocks said during this attempt: moments, durations, ages, and what other clocks
showed. All else repeats from one attempt to the next for as long as nothing changes.
"""

from collections.abc import Iterator, Sequence
from itertools import repeat

from msgspec.structs import replace

from probe.model.certificate import CredentialFacts
from probe.model.evidence import Answer, ClockReading, Evidence


def list_times(evidence: Evidence) -> list[float]:
    """Return the times of `evidence`, in an order that depends on all else alone."""
    times = [evidence.at, *evidence.durations.values()]
    for reading in evidence.clock:
        times += (reading.offset, reading.uncertainty)
    answer, held = evidence.answer, evidence.credentials
    if evidence.recheck is not None:
        times += (evidence.recheck.at, evidence.recheck.duration)
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
    return _put(evidence, iter(times))


def drop_times(evidence: Evidence) -> Evidence:
    """Return `evidence` with 0 for each time and without its trace: equal for equal attempts."""
    return _put(evidence, repeat(0.0))


def take_times(evidence: Evidence, later: Evidence) -> Evidence:
    """Return `evidence` with the times and the trace of `later`, which has all else in common."""
    answer, recheck, held = evidence.answer, evidence.recheck, evidence.credentials
    if answer is not None and later.answer is not None:
        answer = replace(answer, date=later.answer.date, received_at=later.answer.received_at)
    if recheck is not None and later.recheck is not None:
        recheck = replace(recheck, at=later.recheck.at, duration=later.recheck.duration)
    return replace(
        evidence,
        at=later.at,
        durations=later.durations,
        clock=later.clock,
        recheck=recheck,
        answer=answer,
        credentials=later.credentials if held.served or held.receiver else held,
        trace=later.trace,
    )


def _put(evidence: Evidence, times: Iterator[float]) -> Evidence:
    # In the order of list_times.
    at, durations = next(times), {stage: next(times) for stage in evidence.durations}
    clock = evidence.clock
    if clock:
        clock = tuple([ClockReading(one.source, next(times), next(times)) for one in clock])
    recheck = evidence.recheck
    if recheck is not None:
        recheck = replace(recheck, at=next(times), duration=next(times))
    answer = evidence.answer
    if answer is not None:
        answer = _put_into_answer(answer, times)
    held = evidence.credentials
    if held.served is not None or held.receiver is not None:
        held = _put_into_files(held, times)
    return replace(
        evidence,
        at=at,
        durations=durations,
        clock=clock,
        recheck=recheck,
        answer=answer,
        credentials=held,
        trace=None,
    )


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
