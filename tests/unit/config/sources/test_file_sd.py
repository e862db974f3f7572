"""Prometheus's file_sd: lists of targets in YAML or JSON files that a pattern names."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.config.errors import ConfigurationError
from probe.config.schema import DefaultsEntry, TlsEntry
from probe.config.sources.file_sd import (
    list_files,
    pattern_fault,
    read_file_sd,
)
from probe.config.yaml_document import MAX_BYTES
from probe.model.target import Source, Target
from tests.support.reported_faults import targets_in

NONE = DefaultsEntry()
DEFAULTS = DefaultsEntry(
    interval="7s",
    depth="tls",
    labels={"team": "default", "site": "x"},
    headers={"a": "b"},
    tls=TlsEntry(ca_file="/ca"),
)


def read(text: str, file: str = "t.yaml", defaults: DefaultsEntry = NONE) -> tuple[Target, ...]:
    """Return the targets of a file."""
    return targets_in(read_file_sd(text.encode(), file, defaults))


def test_each_address_is_a_target_with_the_groups_labels() -> None:
    """Settings come from `defaults`, a group's labels before theirs; the name is left open."""
    first, second, third = read(
        """
        - targets: ["a:4317", "b:4318"]
          labels: {team: payments, shard: 1}
        - targets: [https://c:9]
        """,
        defaults=DEFAULTS,
    )
    assert [str(target.endpoint) for target in (first, second, third)] == [
        "a:4317",
        "b:4318",
        "c:9",
    ]
    assert [target.protocol for target in (first, second, third)] == [
        "grpc",
        "http/protobuf",
        "grpc",
    ]
    assert dict(first.labels) == {"team": "payments", "site": "x", "shard": "1"}
    assert dict(third.labels) == {"team": "default", "site": "x"}
    assert (first.name, first.interval, first.depth, first.tls.ca_file) == ("", 7, "tls", "/ca")
    assert first.headers == third.headers != ()
    assert first.sources == (Source("file_sd", "t.yaml"),)


def test_json_and_yaml_say_the_same() -> None:
    """The file's name tells which it is."""
    groups = [{"targets": ["a:1", "[::1]:2"], "labels": {"team": "x"}}]
    from_json = read(json.dumps(groups, indent="\t"), "t.JSON")
    from_yaml = read("- targets: ['a:1', '[::1]:2']\n  labels: {team: x}\n", "t.JSON.yml")
    assert [target.endpoint for target in from_json] == [target.endpoint for target in from_yaml]
    assert from_json[0].labels == (("team", "x"),)


@pytest.mark.parametrize(("file", "text"), [("t.yaml", "[]"), ("t.json", "[]"), ("t.yaml", "- {}")])
def test_a_list_may_be_empty(file: str, text: str) -> None:
    """Nothing to probe, for now."""
    assert read(text, file) == ()


def test_prometheus_own_labels_are_dropped() -> None:
    """As they are after its relabelling."""
    (target,) = read(
        "- targets: ['a:1']\n  labels: {__meta_zone: z, __address__: 'b:2', __param_module: m, k: v}"
    )
    assert (str(target.endpoint), target.labels) == ("a:1", (("k", "v"),))


@pytest.mark.parametrize(
    ("address", "scheme", "plaintext"),
    [
        ("a:4317", "http", True),
        ("a:4317", "https", False),
        ("http://a:4317", "https", True),
        ("https://a:4317", "http", False),
        ("a:4317", "", False),
    ],
)
def test_the_scheme_label_is_prometheus_own(address: str, scheme: str, *, plaintext: bool) -> None:
    """A source may choose plaintext, which the finding tls_off reports; a URL's scheme comes first."""
    (target,) = read(f"- targets: ['{address}']\n  labels: {{__scheme__: '{scheme}'}}")
    assert target.plaintext is plaintext


def test_a_scheme_brings_its_port() -> None:
    """As in any URL; without either there is none to take."""
    (target,) = read(
        "- targets: [a]\n  labels: {__scheme__: https}".replace("[a]", "['https://a']")
    )
    assert target.endpoint.port == 443


def test_a_target_named_twice_is_one() -> None:
    """As in Prometheus, with equal labels only."""
    assert len(read("- targets: ['a:1', 'a:1']\n- targets: ['a:1']")) == 1
    assert len(read("- targets: ['a:1']\n- targets: ['a:1']\n  labels: {k: v}")) == 2


@pytest.mark.parametrize(
    ("text", "key", "line", "reason"),
    [
        ("", "", None, "must be a list"),
        ("- targets: ['unix:///s']", "[0].targets[0]", 1, "scheme"),
        ("- targets: [4317]", "[0].targets[0]", 1, "no port"),
        ("- targets:\n  - 'a:1'\n  labels:\n    cause: x", "[0].labels.cause", 4, "own metrics"),
        ("- labels:\n    a-b: x", "[0].labels.a-b", 2, "letters"),
        ("- labels: {__scheme__: htps}", "[0].labels.__scheme__", 1, "unknown"),
        ("- target: ['a:1']", "[0].target", 1, "unknown key"),
        ("- targets: 'a:1'", "[0].targets", 1, "must be a list"),
        ("targets: ['a:1']", "", 1, "must be a list"),
        ("- labels: {k: [v]}", "[0].labels.k", 1, "must be text"),
        ("- ['a:1']", "[0]", 1, "must be a mapping"),
        ("- null", "[0]", 1, "must be a mapping"),
        ("- {a: b", "", 1, "is not YAML"),
    ],
)
def test_what_is_no_target_names_file_and_entry(
    text: str, key: str, line: int, reason: str
) -> None:
    """A file of another shape is refused, and so is one of which no entry is right."""
    with pytest.raises(ConfigurationError, match=reason) as caught:
        read(text, "sd/t.yaml")
    assert (caught.value.file, caught.value.key, caught.value.line) == ("sd/t.yaml", key, line)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is not JSON"),
        ("[{]", "is not JSON"),
        ('[{"targets": ["\\ud800:1"]}]', "is not JSON|space or a control"),
        ("[" * 100_000, "nests deeper"),
        ("[" * 70 + "]" * 70, "nests deeper"),
        ('[{"targets": "a:1"}]', "must be a list"),
    ],
)
def test_what_is_no_json_is_an_error(text: str, reason: str) -> None:
    """Depth and shape are bounded as in YAML."""
    with pytest.raises(ConfigurationError, match=reason):
        read(text, "t.json")


def test_a_file_too_large_is_an_error() -> None:
    """In either form."""
    for file in ("t.json", "t.yaml"):
        with pytest.raises(ConfigurationError, match="larger than"):
            targets_in(read_file_sd(b" " * (MAX_BYTES + 1), file, NONE))


def test_a_default_that_does_not_suit_the_target_says_so() -> None:
    """The entry is right: what fails it stands in `defaults`, and its neighbour can have that."""
    defaults = DefaultsEntry(headers={"a": "\u00e9"})
    failing, right = read("- targets: ['a:4317', 'a:4318']", defaults=defaults)
    (fault,) = failing.faults
    assert fault.fact.startswith(
        "t.yaml:1: [0].targets[0]: cannot have what defaults say: headers.a: a gRPC header"
    )
    assert right.faults == ()


def test_errors_show_no_password() -> None:
    """A URL with one is refused without being repeated."""
    with pytest.raises(ConfigurationError) as caught:
        read("- targets: ['https://u:s3cret@a:1']")
    assert "s3cret" not in str(caught.value)


def test_a_pattern_names_the_files_that_are_there(tmp_path: Path) -> None:
    """In order, and only those whose suffix Prometheus reads."""
    for name in ("b.yaml", "a.json", "c.yml", "d.txt", "e.yaml~"):
        (tmp_path / name).write_text("[]")
    found = list_files(str(tmp_path / "*"))
    assert [Path(name).name for name in found] == ["a.json", "b.yaml", "c.yml"]
    assert list_files(str(tmp_path / "*.json")) == (str(tmp_path / "a.json"),)
    assert list_files(str(tmp_path / "none*.json")) == ()
    assert list_files(str(tmp_path / "missing" / "*.json")) == ()


def test_a_path_without_a_pattern_is_that_file(tmp_path: Path) -> None:
    """Also while it is missing, which is then an error and no empty list."""
    missing = str(tmp_path / "missing.yaml")
    assert list_files(missing) == (missing,)


@pytest.mark.parametrize(
    ("pattern", "right"),
    [
        ("targets/*.yaml", True),
        ("/etc/sd/a*b.json", True),
        ("t.YML", True),
        ("targets/*", False),
        ("*/t.yaml", False),
        ("**.yaml", False),
        ("t.txt", False),
        ("", False),
        ("\0.yaml", False),
    ],
)
def test_a_pattern_follows_prometheus_rules(pattern: str, *, right: bool) -> None:
    """Suffix, and `*` in the last part only."""
    assert (pattern_fault(pattern) is None) is right


leaves = st.sampled_from(
    [
        "a:1",
        "https://b",
        "[::1]:2",
        "__scheme__",
        "http",
        "cause",
        "targets",
        "labels",
        "k",
        "\ud800",
    ]
)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(leaves | st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=10,
)
groups = st.lists(
    st.fixed_dictionaries(
        {},
        optional={"targets": st.lists(leaves) | trees, "labels": st.dictionaries(leaves, leaves)},
    ),
    max_size=3,
)


@settings(max_examples=200, deadline=None)
@given(
    (trees | groups).map(lambda tree: json.dumps(tree).encode()) | st.binary(max_size=60),
    st.sampled_from(["t.json", "t.yaml"]),
)
def test_any_file_gives_targets_or_an_error(raw: bytes, file: str) -> None:
    """Nothing else ever comes out."""
    with suppress(ConfigurationError):
        for target in targets_in(read_file_sd(raw, file, DEFAULTS)):
            assert target.endpoint.host


def test_every_mistake_of_a_file_is_reported() -> None:
    """A group with a wrong label, and each address that is none; the others are targets."""
    found = read_file_sd(
        b"""
        - {targets: [a, "b:1", c]}
        - {targets: [d], labels: {cause: x}}
        - {targets: [e]}
        """,
        "t.yaml",
        NONE,
    )
    assert [str(target.endpoint) for target in found.targets] == ["b:1"]
    assert [one.key for one in found.errors] == [
        "[0].targets[0]",
        "[0].targets[2]",
        "[1].labels.cause",
        "[2].targets[0]",
    ]


def test_every_unknown_key_of_a_file_is_reported() -> None:
    """As in Prometheus, such a file is refused."""
    with pytest.raises(ConfigurationError) as caught:
        read("- {target: []}\n- {targets: [], label: {}}")
    error = caught.value
    assert [(one.key, one.line) for one in (error, *error.more)] == [
        ("[0].target", 1),
        ("[1].label", 2),
    ]
