"""Across sources, two targets that are the same for the wire are one; within a file, never."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.config.target_list import (
    choose_shard,
    is_in_shard,
    merge_targets,
    parse_ordinal,
    share_settings,
)
from probe.model.finding import Finding
from probe.model.surroundings import RunningProcess
from probe.model.target import Endpoint, Secret, Source, Target, TlsSettings


def target(name: str, source: str = "configuration", **settings: Any) -> Target:
    """Return a target to c:4317 with `settings`."""
    base = Target(name=name, endpoint=Endpoint("c", 4317), sources=(Source(source),))
    return replace(base, **settings)


def names(files: list[list[Target]]) -> list[str]:
    """Return the names of what is left, each with the kinds of its sources."""
    return [f"{each.name}:{'+'.join(each.source_kinds())}" for each in merge_targets(files)]


def test_equal_targets_of_two_sources_are_one() -> None:
    """The earlier one's name counts; both sources are named."""
    assert names([[target("a")], [target("b", "sdk")]]) == ["a:configuration+sdk"]
    assert names([[target("a")], [], [target("b", "sdk")], [target("c", "file_sd")]]) == [
        "a:configuration+sdk+file_sd"
    ]


def test_the_exporters_of_one_file_never_merge() -> None:
    """Not with one another, nor by way of another file's target: each joins one of its own."""
    twice = [target("x", "collector"), target("y", "collector")]
    assert names([twice]) == ["x:collector", "y:collector"]
    assert names([[target("a")], twice]) == ["a:configuration+collector", "y:collector"]
    assert names([twice, [target("s", "sdk")]]) == ["x:collector+sdk", "y:collector"]
    pair = [target("s", "sdk"), target("t", "sdk")]
    assert names([twice, pair]) == ["x:collector+sdk", "y:collector+sdk"]


@pytest.mark.parametrize(
    "settings",
    [
        {"endpoint": Endpoint("c", 4318)},
        {"protocol": "http/protobuf"},
        {"signal": "logs"},
        {"tls": TlsSettings(ca_file="/ca")},
        {"headers": (("a", Secret("b")),)},
        {"proxy_url": Secret("http://p:1")},
        {"endpoint": Endpoint("c", 4317, scheme="http")},
        {"faults": (Finding(cause="exporter_configuration_invalid", fact="a fault"),)},
    ],
)
def test_any_difference_on_the_wire_keeps_two_apart(settings: dict[str, object]) -> None:
    """Endpoint, protocol, signal, TLS settings, headers, the way there, and whether it can work."""
    assert len(merge_targets([[target("a")], [target("b", "sdk", **settings)]])) == 2


def test_names_of_headers_are_compared_without_their_case() -> None:
    """HTTP/2 sends them in lower case whatever the source wrote (RFC 9113 §8.2)."""
    one, other = ({"headers": ((name, Secret("b")),)} for name in ("X-A", "x-a"))
    assert len(merge_targets([[target("a", **one)], [target("b", "sdk", **other)]])) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"endpoint": Endpoint("C", 4317, scheme="https", path="/ignored")},
        {"interval": 7.0, "timeout": 1.0, "depth": "tls"},
        {"tls": TlsSettings(insecure=False)},
    ],
)
def test_what_the_wire_does_not_show_keeps_nothing_apart(settings: dict[str, object]) -> None:
    """A host's case, a path that gRPC does not use, our own schedule."""
    (only,) = merge_targets([[target("a")], [target("b", "sdk", **settings)]])
    assert only.interval == 30.0


def test_labels_findings_and_notes_are_those_of_both() -> None:
    """The earlier one's labels come before; what both have to say is said once."""
    one, two, three = (Finding(cause="exporter_setting_ignored", fact=fact) for fact in "123")
    first = target("a", labels=(("team", "x"),), remarks=(one, two), notes=("x",))
    second = target(
        "b", "sdk", labels=(("team", "y"), ("zone", "z")), remarks=(two, three), notes=("x", "y")
    )
    (only,) = merge_targets([[first], [second]])
    assert dict(only.labels) == {"team": "x", "zone": "z"}
    assert only.remarks == (one, two, three)
    assert only.notes == ("x", "y")


def test_many_files_are_joined_in_little_time() -> None:
    """Work grows with the number of targets, not with its square."""
    files = [
        [target("", "file_sd", endpoint=Endpoint(f"h{host}", 1)) for host in range(10)]
        for _ in range(1000)
    ]
    assert [len(each.sources) for each in merge_targets(files)] == [1000] * 10


NAMES = tuple(f"collector-{number}.example.com:4317" for number in range(10_000))
COUNTS = (1, 2, 3, 4, 5, 8, 12)


@pytest.mark.parametrize("count", COUNTS)
def test_each_target_is_in_exactly_one_shard(count: int) -> None:
    """No target is probed twice, and none is forgotten."""
    assert all(
        sum(is_in_shard(name, index, count) for index in range(count)) == 1 for name in NAMES
    )


@pytest.mark.parametrize("count", COUNTS)
def test_shards_are_of_one_size(count: int) -> None:
    """No shard is more than a tenth larger or smaller than its share of 10,000 targets."""
    sizes = Counter(choose_shard(name, count) for name in NAMES)
    share = len(NAMES) / count
    assert set(sizes) == set(range(count))
    assert all(abs(size - share) <= share / 10 for size in sizes.values()), sizes


@pytest.mark.parametrize("count", COUNTS)
def test_one_more_shard_moves_its_own_share_only(count: int) -> None:
    """From n to n + 1 about one target in n + 1 moves, and only to the new shard."""
    moved = [
        choose_shard(name, count + 1)
        for name in NAMES
        if choose_shard(name, count) != choose_shard(name, count + 1)
    ]
    assert len(moved) / len(NAMES) <= 1 / (count + 1) + 0.02
    assert len(moved) / len(NAMES) >= 1 / (count + 1) - 0.02
    assert set(moved) == {count}


@pytest.mark.slow
def test_a_shard_is_the_same_in_every_process() -> None:
    """Python's own hash of a text changes with each start; this one does not."""
    program = (
        "from probe.config.target_list import choose_shard\n"
        f"print([choose_shard(name, 7) for name in {list(NAMES[:20])!r}])"
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
    assert printed == {str([choose_shard(name, 7) for name in NAMES[:20]])}


def test_names_that_are_set_down() -> None:
    """A release that divided targets in another way would probe some twice while it rolls out."""
    assert [choose_shard(name, 5) for name in ("a", "b", "collector-eu", "sdk")] == [0, 0, 1, 0]


@given(st.text(), st.integers(1, 50))
@settings(max_examples=100)
def test_any_name_has_a_shard(name: str, count: int) -> None:
    """Any text is a name, a lone surrogate in it included."""
    assert 0 <= choose_shard(name + "\ud800", count) < count


@pytest.mark.parametrize(("index", "count"), [(3, 3), (-1, 3), (0, 0)])
def test_a_shard_that_cannot_be(index: int, count: int) -> None:
    """An index outside the count would silently probe nothing."""
    with pytest.raises(ValueError, match=f"shard {index} is not one of {count}"):
        is_in_shard("a", index, count)


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
    assert parse_ordinal(hostname) == ordinal


@pytest.mark.parametrize(
    "hostname",
    ["", "2", "mtls-probe", "mtls-probe-", "mtls-probe-7d9f8b4c-x2x", "a-02", "a-2b", "a-1\n"],
)
def test_any_other_name_has_no_ordinal(hostname: str) -> None:
    """What a Deployment or a host is called says nothing about shards; it is not taken for 0."""
    with pytest.raises(ValueError, match="does not end in an ordinal"):
        parse_ordinal(hostname)


def test_two_processes_with_the_same_settings_are_two_targets() -> None:
    """Their files, their rights and their networks are not the same."""
    processes = (
        RunningProcess(pid=pid, start_ticks=1, started=0.0, uid=0, gid=0) for pid in (7, 8, 8)
    )
    files = [[target("a", "sdk", runs_in=process)] for process in processes]
    assert len(merge_targets(files)) == 2


def test_equal_settings_of_targets_are_in_memory_once() -> None:
    """Those that differ, in a secret too, stay each target's own; the targets are what they were."""

    def make(name: str, token: str, ca: str, pod: str) -> Target:
        labels = (("team", "ab"), ("pod", pod))
        return target(
            name,
            tls=TlsSettings(ca_file=ca),
            headers=(("authorization", Secret(token)),),
            interval=float("7"),
            labels=labels,
        )

    given = [("a", "one", "/ca", "1"), ("b", "one", "/ca", "2"), ("c", "two", "/other", "1")]
    first, second, third = share_settings(make(*each) for each in given)
    assert [first, second, third] == [make(*each) for each in given]

    assert first.tls is second.tls is not third.tls
    assert first.headers is second.headers is not third.headers
    assert third.headers[0][1].reveal() == "two"
    assert first.interval is second.interval
    assert first.sources is second.sources
    assert first.labels[0] is second.labels[0]
    assert first.labels is third.labels
