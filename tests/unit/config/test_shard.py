"""Shards divide the targets without gaps, evenly, and move few of them when their number changes."""

import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.config.shard import in_shard, ordinal_of, shard_of

NAMES = tuple(f"collector-{number}.example.com:4317" for number in range(10_000))
COUNTS = (1, 2, 3, 4, 5, 8, 12)


@pytest.mark.parametrize("count", COUNTS)
def test_each_target_is_in_exactly_one_shard(count: int) -> None:
    """No target is probed twice, and none is forgotten."""
    assert all(sum(in_shard(name, index, count) for index in range(count)) == 1 for name in NAMES)


@pytest.mark.parametrize("count", COUNTS)
def test_shards_are_of_one_size(count: int) -> None:
    """No shard is more than a tenth larger or smaller than its share of 10,000 targets."""
    sizes = Counter(shard_of(name, count) for name in NAMES)
    share = len(NAMES) / count
    assert set(sizes) == set(range(count))
    assert all(abs(size - share) <= share / 10 for size in sizes.values()), sizes


@pytest.mark.parametrize("count", COUNTS)
def test_one_more_shard_moves_its_own_share_only(count: int) -> None:
    """From n to n + 1 about one target in n + 1 moves, and only to the new shard."""
    moved = [
        shard_of(name, count + 1)
        for name in NAMES
        if shard_of(name, count) != shard_of(name, count + 1)
    ]
    assert len(moved) / len(NAMES) <= 1 / (count + 1) + 0.02
    assert len(moved) / len(NAMES) >= 1 / (count + 1) - 0.02
    assert set(moved) == {count}


def test_a_shard_is_the_same_in_every_process() -> None:
    """Python's own hash of a text changes with each start; this one does not."""
    program = (
        "from probe.config.shard import shard_of\n"
        f"print([shard_of(name, 7) for name in {list(NAMES[:20])!r}])"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert printed == {str([shard_of(name, 7) for name in NAMES[:20]])}


def test_names_that_are_set_down() -> None:
    """A release that divided targets in another way would probe some twice while it rolls out."""
    assert [shard_of(name, 5) for name in ("a", "b", "collector-eu", "sdk")] == [0, 0, 1, 0]


@given(st.text(), st.integers(1, 50))
@settings(max_examples=100)
def test_any_name_has_a_shard(name: str, count: int) -> None:
    """Any text is a name, a lone surrogate in it included."""
    assert 0 <= shard_of(name + "\ud800", count) < count


@pytest.mark.parametrize(("index", "count"), [(3, 3), (-1, 3), (0, 0)])
def test_a_shard_that_cannot_be(index: int, count: int) -> None:
    """An index outside the count would silently probe nothing."""
    with pytest.raises(ValueError, match=f"shard {index} is not one of {count}"):
        in_shard("a", index, count)


@pytest.mark.parametrize(
    ("hostname", "ordinal"),
    [
        ("mtls-probe-0", 0),
        ("mtls-probe-2", 2),
        ("mtls-probe-17", 17),
        ("web-1-3", 3),
        ("mtls-probe-2.mtls-probe-shards.monitoring.svc.cluster.local", 2),
    ],
)
def test_a_pods_name_ends_in_its_ordinal(hostname: str, ordinal: int) -> None:
    """A StatefulSet names its pods NAME-ORDINAL, and a pod's hostname is its name."""
    assert ordinal_of(hostname) == ordinal


@pytest.mark.parametrize(
    "hostname",
    ["", "2", "mtls-probe", "mtls-probe-", "mtls-probe-7d9f8b4c-x2x", "a-02", "a-2b", "a-1\n"],
)
def test_any_other_name_has_no_ordinal(hostname: str) -> None:
    """What a Deployment or a host is called says nothing about shards; it is not taken for 0."""
    with pytest.raises(ValueError, match="does not end in an ordinal"):
        ordinal_of(hostname)
