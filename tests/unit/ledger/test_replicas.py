"""The addresses of a name: which are attempted, how long one is kept, what stands for all."""

from hypothesis import given
from hypothesis import strategies as st

from probe.ledger.replicas import (
    LEAST_HOLD,
    MOST_ADDRESSES,
    Replicas,
    choose_worst,
    normalize_addresses,
)
from probe.ledger.target_runtime import TargetRuntime
from probe.model.diagnosis import Diagnosis, Outcome
from probe.model.target import Endpoint, Target
from tests.support.evidence import attempt

TARGET = Target(name="eu", endpoint=Endpoint("repl.example", 4317), addresses="each", interval=60.0)


def follow(replicas: Replicas, now: float, *found: str) -> list[str]:
    """Take a look-up; return the addresses that are to be attempted."""
    return [runtime.target.address for runtime in replicas.follow(TARGET, found, now)]


def test_an_address_that_vanishes_is_held_without_an_attempt() -> None:
    """For two and a half intervals: a resolver may give a part of the addresses each time."""
    replicas = Replicas()
    assert follow(replicas, 0.0, "192.0.2.1", "192.0.2.2") == ["192.0.2.1", "192.0.2.2"]
    held = replicas.by_address["192.0.2.2"]
    assert follow(replicas, 60.0, "192.0.2.1") == ["192.0.2.1"]
    assert replicas.by_address["192.0.2.2"] is held
    assert follow(replicas, 120.0, "192.0.2.2") == ["192.0.2.2"]
    assert replicas.by_address["192.0.2.2"] is held
    assert follow(replicas, 211.0, "192.0.2.2") == ["192.0.2.2"]
    assert list(replicas.by_address) == ["192.0.2.2"]


def test_a_short_interval_holds_for_a_minute() -> None:
    """Two looks at a name five seconds apart say little about its addresses."""
    quick = Target(name="q", endpoint=Endpoint("q", 1), addresses="each", interval=1.0)
    replicas = Replicas()
    replicas.follow(quick, ["192.0.2.1", "192.0.2.2"], 0.0)
    replicas.follow(quick, ["192.0.2.1"], LEAST_HOLD - 1)
    assert len(replicas.by_address) == 2
    replicas.follow(quick, ["192.0.2.1"], LEAST_HOLD)
    assert len(replicas.by_address) == 1


def test_a_failed_look_up_neither_drops_nor_ages_an_address() -> None:
    """However long look-ups fail; the first that succeeds decides anew."""
    replicas = Replicas()
    follow(replicas, 0.0, "192.0.2.1")
    replicas.fail_lookup(TARGET)
    assert [one.target.address for one in replicas.results] == ["", "192.0.2.1"]
    assert replicas.fail_lookup(TARGET) is replicas.failed_lookup
    follow(replicas, 10_000.0, "192.0.2.1")
    assert [one.target.address for one in replicas.results] == ["192.0.2.1"]


def test_families_come_in_order_and_duplicates_once() -> None:
    """IPv4 before IPv6, by number; an IPv4-mapped address is the IPv4 address; a zone is kept."""
    found = ["2001:db8::1", "192.0.2.10", "::ffff:192.0.2.9", "192.0.2.9", "fe80::1%eth0"]
    assert normalize_addresses(found) == [
        "192.0.2.9", "192.0.2.10", "2001:db8::1", "fe80::1%eth0",
    ]  # fmt: skip  # one list


@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 500.0),
            st.lists(st.ip_addresses().map(str), min_size=1, max_size=100),
        ),
        max_size=8,
    )
)
def test_addresses_stay_bounded_and_each_is_attempted_or_counted(
    rounds: list[tuple[float, list[str]]],
) -> None:
    """Whatever a resolver gives: at most 64 results, and no address is lost without a count."""
    replicas, now = Replicas(), 0.0
    for wait, found in rounds:
        now += wait
        tried = follow(replicas, now, *found)
        wanted = normalize_addresses(found)
        assert set(tried) <= set(wanted)
        assert len(tried) + replicas.left_out == len(wanted)
        assert set(tried) <= replicas.by_address.keys()
        assert len(replicas.by_address) <= MOST_ADDRESSES
        assert list(replicas.by_address) == normalize_addresses(replicas.by_address)


def result(outcome: Outcome, cause: str | None = None) -> TargetRuntime:
    """Return an address that ended so."""
    runtime = TargetRuntime(TARGET)
    diagnosis = Diagnosis(outcome=outcome, stage="accept", cause=cause)
    runtime.record(attempt("accept", "alert"), diagnosis)
    return runtime


def test_what_is_not_as_expected_stands_for_all() -> None:
    """First what failed, then the cause of most addresses; the order of addresses has no part."""
    good, silent = result("confirmed"), result("unconfirmed")
    refused = [result("failed", "tcp_refused") for _ in range(2)]
    other = result("failed", "client_ca_untrusted")
    assert choose_worst([good, silent, other, *refused]) is refused[0]
    assert choose_worst([good, silent]) is silent
    assert choose_worst([good]) is good
