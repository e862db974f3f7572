"""Which connections stay open where places are few: bookkeeping alone, with a clock of the test's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.web.server.connections import (
    DEADLINES,
    FEWEST_CONNECTIONS,
    GRACES,
    MOST_CONNECTIONS,
    MOST_STALLED,
    MOST_TLS_CONNECTIONS,
    UNREAD_GRACE,
    Connection,
    Connections,
    Phase,
    compute_connection_limit,
)


class Places:
    """Connections of a few peers, and which of them were ended, in order."""

    def __init__(self, limit: int) -> None:
        """Begin at second 0 with none."""
        self.now = 0.0
        self.connections = Connections(limit, lambda: self.now)
        self.ended: list[str] = []

    def open(self, name: str, peer: str = "192.0.2.1") -> Connection:
        """Open one, a second after the one before."""
        self.now += 1
        connection = Connection(peer, lambda: self.ended.append(name))
        self.connections.admit(connection)
        return connection


def test_the_one_that_has_waited_longest_makes_room() -> None:
    """Its age counts from its last request, not from its start."""
    places = Places(3)
    first = places.open("a")
    places.open("b")
    places.open("c")
    places.connections.begin(first, "request")
    places.connections.begin(first, "idle")
    places.open("d", "192.0.2.2")
    assert places.ended == ["b"]
    assert len(places.connections) == 3
    assert places.connections.ended_for_room == 1


def test_a_rush_waits_until_those_before_it_have_had_time() -> None:
    """Where all places are taken by newcomers, the next ones are accepted a moment later."""
    places = Places(3)
    for name in "ab":
        places.open(name)
    assert not places.connections.rushed, "a place is free"
    places.open("c")
    assert not places.connections.rushed, "the first has had two seconds"
    for name in "abc":
        places.now -= 1
        places.open(f"new {name}")
    assert places.connections.rushed, "they have all come just now"
    places.now += max(GRACES.values())
    assert not places.connections.rushed


@given(st.sampled_from(sorted(GRACES)))
def test_only_a_tls_handshake_is_given_the_time_of_one(phase: Phase) -> None:
    """A request comes with its connection: whoever has sent none by then does not hold others up."""
    connections = Connections(512, lambda: now)
    now = 0.0
    for _ in range(connections.limit):
        one = Connection("192.0.2.1", lambda: None)
        connections.admit(one)
        connections.begin(one, phase)
        if phase == "answer":
            connections.stall(one)
    now = GRACES["idle"]
    assert connections.rushed == (phase == "handshake")
    now = GRACES["handshake"]
    assert not connections.rushed


@pytest.mark.parametrize(
    ("phase", "protects"), [("handshake", True), ("idle", True), ("request", False)]
)
def test_what_was_sent_is_read_before_the_sender_is_ended(phase: Phase, protects: bool) -> None:
    """Where this process is late a request lies in the kernel; but not for as long as anybody likes."""
    places = Places(3)
    unread = True
    for _ in range(3):
        one = Connection("192.0.2.1", lambda: None, lambda: unread)
        places.connections.admit(one)
        places.connections.begin(one, phase)
    places.now += UNREAD_GRACE - 0.01
    assert places.connections.rushed == protects
    unread = False
    assert not places.connections.rushed
    unread = True
    places.now += 0.01
    assert not places.connections.rushed


def test_one_whose_answer_is_being_made_is_spared() -> None:
    """A scrape is not ended for the sake of an idle connection that comes later."""
    places = Places(4)
    for name in "abc":
        places.open(name)
    working = places.open("scrape")
    places.connections.begin(working, "answer")
    for number in range(20):
        places.open(f"new {number}")
    assert "scrape" not in places.ended
    assert len(places.ended) == 20


def test_one_that_has_just_come_keeps_its_place_where_all_others_are_busy() -> None:
    """Requests that take long, by the hundred, do not keep a question about health out."""
    places = Places(8)
    for number in range(8):
        places.connections.begin(places.open(f"slow {number}"), "answer")
    health = places.open("health")
    places.connections.begin(places.open("another"), "answer")
    places.connections.begin(health, "answer")
    assert places.ended == ["slow 0", "slow 1"]


def test_one_that_has_left_holds_nothing_of_its_transport() -> None:
    """What ends it refers to the transport, and that to it: only a full collection would free both."""
    places = Places(4)
    for how in ("leave", "end_all"):
        one = places.open(how)
        getattr(places.connections, how)(*([one] if how == "leave" else []))
        one.end()
    assert places.ended == ["end_all"]


def test_an_address_that_holds_more_than_its_share_loses_first() -> None:
    """One client's flood does not end the idle connection of another."""
    places = Places(8)
    places.open("prometheus", "192.0.2.9")
    for number in range(30):
        places.open(f"flood {number}", "192.0.2.1")
    assert "prometheus" not in places.ended


def test_readers_that_do_not_keep_up_are_few() -> None:
    """Each costs the memory of what it has not read; the longest one goes, with places to spare."""
    places = Places(MOST_STALLED * 4)
    for number in range(MOST_STALLED + 2):
        one = places.open(str(number))
        places.connections.begin(one, "answer")
        places.connections.stall(one)
        if number == 0:
            places.connections.unstall(one)
    assert places.ended == ["1"]


def test_deadlines_shorten_as_places_fill_up() -> None:
    """An idle connection stays longer than a scrape interval, unless others need the place."""
    for held, step in ((4, 0), (10, 1), (16, 2)):
        places = Places(16)
        for number in range(held):
            places.open(str(number))
            places.now -= 1
        places.now += 1 + DEADLINES["handshake"][step] - 0.1
        places.connections.end_overdue()
        assert places.ended == []
        places.now += 0.2
        places.connections.end_overdue()
        assert len(places.ended) == held == places.connections.ended_overdue


def test_an_answer_in_the_making_has_no_deadline_and_one_that_nobody_reads_has() -> None:
    """`/probe` may take as long as its module allows."""
    places = Places(16)
    one = places.open("a")
    places.connections.begin(one, "answer")
    places.now += 1000
    places.connections.end_overdue()
    assert places.ended == []
    places.connections.stall(one)
    places.connections.end_overdue()
    assert places.ended == ["a"]


def test_the_attempts_keep_their_descriptors() -> None:
    """Few descriptors mean few connections, but never none."""
    assert compute_connection_limit(1 << 20, 100, tls=False) == MOST_CONNECTIONS
    assert compute_connection_limit(1 << 20, 100, tls=True) == MOST_TLS_CONNECTIONS
    assert compute_connection_limit(512, 100, tls=False) == 512 - 64 - 200
    assert compute_connection_limit(100, 100, tls=False) == FEWEST_CONNECTIONS


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("open", "begin", "stall", "unstall", "leave", "overdue", "later")),
            st.integers(0, 30),
            st.sampled_from(("idle", "request", "answer")),
        )
    )
)
def test_whatever_happens_the_bound_holds(steps: list[tuple[str, int, str]]) -> None:
    """Never more than the limit, and each connection is ended at most once."""
    places = Places(5)
    known: list[Connection] = []
    for step, number, phase in steps:
        one = known[number % len(known)] if known else None
        if step == "open" or one is None:
            known.append(places.open(str(len(known)), f"192.0.2.{number % 3}"))
        elif step == "begin":
            places.connections.begin(one, phase)  # type: ignore[arg-type]
        elif step == "later":
            places.now += number
        elif step == "overdue":
            places.connections.end_overdue()
        else:
            getattr(places.connections, step)(one)
        assert len(places.connections) <= 5
        assert len(places.ended) == len(set(places.ended))
    places.connections.end_all()
    assert len(places.connections) == 0
