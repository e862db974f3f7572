"""The packed history reads as a list of the last attempts does."""

import sys
from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from probe.ledger.history import HISTORY, History, HistoryEntry

_KINDS = st.tuples(
    st.sampled_from(["confirmed", "failed", "unconfirmed"]),
    st.none() | st.integers(0, 200).map(lambda number: f"cause_{number}"),
    st.booleans(),
)


@given(st.lists(st.tuples(st.floats(0, 2e9), st.floats(0, 60), _KINDS), max_size=3 * HISTORY))
def test_history_is_the_last_attempts(
    attempts: list[tuple[float, float, tuple[str, str | None, bool]]],
) -> None:
    """Whatever was added, the last ones are there, in their order, from either end."""
    history, plain = History(), deque[HistoryEntry](maxlen=HISTORY)
    for at, duration, kind in attempts:
        history.add(at, duration, kind)
        outcome, cause, expected = kind
        plain.append(
            HistoryEntry(at=at, outcome=outcome, cause=cause, expected=expected, duration=duration)
        )
        assert history[-1] == plain[-1]
    assert list(history) == list(plain)
    assert list(reversed(history)) == list(reversed(plain))
    assert history[:3] == list(plain)[:3]
    assert len(history) == len(plain)


def test_full_history_is_small() -> None:
    """It takes a sixth of what its entries would, however many kinds of attempts there were."""
    history = History()
    for number in range(1000):
        history.add(float(number), 0.1, ("failed", f"cause_{number % 200}", False))
    parts = [getattr(history, name) for name in History.__slots__]
    assert sum(map(sys.getsizeof, parts)) < 2500
    steady = History()
    for number in range(1000):
        steady.add(float(number), 0.1, ("confirmed", None, True))
    assert sum(sys.getsizeof(getattr(steady, name)) for name in History.__slots__) < 1500
