"""Across sources, two targets that are the same for the wire are one; within a file, never."""

from dataclasses import replace
from typing import Any

import pytest

from probe.config.join_targets import joined
from probe.model.finding import Finding
from probe.model.target import Endpoint, Secret, Source, Target, TlsSettings


def target(name: str, source: str = "configuration", **settings: Any) -> Target:
    """Return a target to c:4317 with `settings`."""
    base = Target(name=name, endpoint=Endpoint("c", 4317), sources=(Source(source),))
    return replace(base, **settings)


def names(files: list[list[Target]]) -> list[str]:
    """Return the names of what is left, each with the kinds of its sources."""
    return [f"{each.name}:{'+'.join(each.source_kinds())}" for each in joined(files)]


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
    assert len(joined([[target("a")], [target("b", "sdk", **settings)]])) == 2


def test_names_of_headers_are_compared_without_their_case() -> None:
    """HTTP/2 sends them in lower case whatever the source wrote (RFC 9113 §8.2)."""
    one, other = ({"headers": ((name, Secret("b")),)} for name in ("X-A", "x-a"))
    assert len(joined([[target("a", **one)], [target("b", "sdk", **other)]])) == 1


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
    (only,) = joined([[target("a")], [target("b", "sdk", **settings)]])
    assert only.interval == 30.0


def test_labels_remarks_and_notes_are_those_of_both() -> None:
    """The earlier one's labels come before; what both have to say is said once."""
    one, two, three = (Finding(cause="exporter_setting_ignored", fact=fact) for fact in "123")
    first = target("a", labels=(("team", "x"),), remarks=(one, two), notes=("x",))
    second = target(
        "b", "sdk", labels=(("team", "y"), ("zone", "z")), remarks=(two, three), notes=("x", "y")
    )
    (only,) = joined([[first], [second]])
    assert dict(only.labels) == {"team": "x", "zone": "z"}
    assert only.remarks == (one, two, three)
    assert only.notes == ("x", "y")


def test_many_files_are_joined_in_little_time() -> None:
    """Work grows with the number of targets, not with its square."""
    files = [
        [target("", "file_sd", endpoint=Endpoint(f"h{host}", 1)) for host in range(10)]
        for _ in range(1000)
    ]
    assert [len(each.sources) for each in joined(files)] == [1000] * 10
