"""Sources are read again and again: what cannot be read keeps what it held, and says so."""

import os
import resource
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.config.declared_source import DeclaredSource, SourceInputs
from probe.config.errors import ConfigurationError
from probe.config.file_reader import FileReader
from probe.config.schema import DefaultsEntry
from probe.config.source_reader import KEPT, SourceReader, SourcesReading
from probe.model.target import SourceState, list_down_sources
from tests.support.proc_tree import ProcTree

URL = "https://inventory.example.com/collectors?token=s3cret"
COLLECTOR = """
exporters: {otlp: {endpoint: "c:4317"}}
receivers: {nop: }\nservice: {pipelines: {traces: {receivers: [nop], exporters: [otlp]}}}
"""
SDK = "tracer_provider: {processors: [{batch: {exporter: {otlp_grpc: {endpoint: 'https://s:1'}}}}]}"


class Reading:
    """One `SourceReader`, asked again and again."""

    def __init__(self, *sources: DeclaredSource) -> None:
        """Read these sources."""
        self.sources = sources
        self.reader = SourceReader()
        self.files = FileReader()

    def read(
        self,
        fetched: dict[str, bytes | ConfigurationError] | None = None,
        defaults: DefaultsEntry | None = None,
    ) -> SourcesReading:
        """Read all of them now."""
        where = SourceInputs({}, self.files.read, fetched or {})
        return self.reader.read(self.sources, defaults or DefaultsEntry(), where)


def endpoints(reading: SourcesReading) -> list[str]:
    """Return where the targets are."""
    return [str(target.endpoint) for file in reading.files for target in file]


BAD = ["", "- {a: b", "targets: [x]", "5", "\x00", "- {target: []}", "[" * 200]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("kind", ["file_sd", "collector", "sdk"])
def test_a_file_that_turns_bad_keeps_what_it_held(tmp_path: Path, kind: str, bad: str) -> None:
    """The last good content stays in force, and the state says what is wrong; then it is good again."""
    file = tmp_path / "a.yaml"
    good = {"file_sd": "[{targets: ['a:1']}]", "collector": COLLECTOR, "sdk": SDK}[kind]
    held = {"file_sd": "a:1", "collector": "c:4317", "sdk": "s:1"}[kind]
    file.write_text(good)
    reading = Reading(DeclaredSource.of(kind, str(file)))
    first = reading.read()
    assert (endpoints(first), first.states[0].up) == ([held], True)
    file.write_text(bad)
    for _ in range(2):
        found = reading.read()
        (state,) = found.states
        # The configuration of a Collector is a result of its own.
        failed = [""] if kind == "collector" else []
        assert endpoints(found) == [held, *failed]
        assert (state.up, state.targets) == (False, 1 + len(failed))
        assert state.error is not None
        assert KEPT in state.error
    file.write_text(good.replace(held, "z:9"))
    found = reading.read()
    assert endpoints(found) == ["z:9"]
    assert list_down_sources(found.states) == ()


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_file_at_the_start_stops_nothing_else(tmp_path: Path, bad: str) -> None:
    """Nothing was read before: the source has no targets, and the others have theirs."""
    (tmp_path / "bad.yaml").write_text(bad)
    (tmp_path / "good.yaml").write_text("[{targets: ['a:1']}]")
    found = Reading(
        DeclaredSource.of("file_sd", str(tmp_path / "bad.yaml")),
        DeclaredSource.of("file_sd", str(tmp_path / "good.yaml")),
    ).read()
    assert [state.up for state in found.states] == [False, True]
    assert endpoints(found) == ["a:1"]


def test_the_files_of_a_pattern_stand_by_themselves(tmp_path: Path) -> None:
    """A bad one keeps its own targets; one that is gone takes them along, as in Prometheus."""
    for name in "ab":
        (tmp_path / f"{name}.yaml").write_text(f"[{{targets: ['{name}:1']}}]")
    reading = Reading(DeclaredSource.of("file_sd", str(tmp_path / "*.yaml")))
    assert endpoints(reading.read()) == ["a:1", "b:1"]
    (tmp_path / "a.yaml").write_text("nonsense")
    (tmp_path / "b.yaml").write_text("[{targets: ['b:2']}]")
    found = reading.read()
    assert endpoints(found) == ["a:1", "b:2"]
    assert not found.states[0].up
    (tmp_path / "a.yaml").unlink()
    found = reading.read()
    assert (endpoints(found), found.states[0].up) == (["b:2"], True)
    (tmp_path / "b.yaml").unlink()
    (state,) = reading.read().states
    assert (state.up, state.targets) == (False, 0)
    assert "no file matches" in (state.error or "")


def test_a_folder_that_cannot_be_listed_keeps_its_files(tmp_path: Path) -> None:
    """No descriptors, as the kernel says it: our own trouble takes no target away."""
    (tmp_path / "a.yaml").write_text("[{targets: ['a:1']}]")
    reading = Reading(DeclaredSource.of("file_sd", str(tmp_path / "*.yaml")))
    reading.read()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        found = reading.read()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert endpoints(found) == ["a:1"]
    assert "Too many open files" in (found.states[0].error or "")
    assert reading.read().states[0].up


def test_a_pattern_that_is_no_path_is_down() -> None:
    """A name that is too long for the file system."""
    for length in (300, 5000):
        (state,) = Reading(DeclaredSource.of("file_sd", f"/{'x' * length}/*.yaml")).read().states
        assert not state.up
        assert "cannot be listed: File name too long" in (state.error or "")


@pytest.mark.parametrize("kind", ["file_sd", "collector", "sdk"])
def test_a_file_whose_name_looks_like_a_secret_is_read_all_the_same(
    tmp_path: Path, kind: str
) -> None:
    """What is shown in its place is a description; what is opened is the file."""
    file = tmp_path / f"{'Zm9vYmFyYmF6cXV4' * 8}.yaml"
    text = {"file_sd": "[{targets: ['a:1']}]", "collector": COLLECTOR, "sdk": SDK}[kind]
    file.write_text(text)
    found = Reading(DeclaredSource.of(kind, str(file))).read()
    assert found.states[0].up
    assert len(endpoints(found)) == 1


def test_what_an_unusable_entry_leaves_is_used(tmp_path: Path) -> None:
    """One address of three is none: the others are targets, and the source is down with its line."""
    file = tmp_path / "a.yaml"
    file.write_text("- targets: ['a:1', nowhere, 'b:1']")
    found = Reading(DeclaredSource.of("file_sd", str(file))).read()
    (state,) = found.states
    assert endpoints(found) == ["a:1", "b:1"]
    assert (state.up, state.targets) == (False, 2)
    assert "[0].targets[1]" in (state.error or "")


def test_a_list_that_says_that_it_is_empty_is_up(tmp_path: Path) -> None:
    """`[]` is an answer; an empty file is none."""
    file = tmp_path / "a.json"
    file.write_text("[]")
    assert Reading(DeclaredSource.of("file_sd", str(file))).read().states == (
        SourceState(f"file_sd:{file}", True, 0, None),
    )


@pytest.mark.parametrize(
    ("kind", "text", "said"),
    [
        ("collector", "exporters: {debug: }", "service must have at least one pipeline"),
        ("collector", "receivers: {nop: }", "service must have at least one pipeline"),
        ("collector", "{}", "is empty"),
        ("collector", "- a", "is not the configuration of a Collector"),
        ("sdk", "file_format: '1.0'", "no OTLP exporter"),
        ("sdk", "disabled: true", "disabled: true"),
        ("sdk", "- a", "must be a mapping"),
        (
            "collector",
            COLLECTOR.replace('"c:4317"', '"c:4317", tls: {min_version: "9"}'),
            "no exporter can work with its settings",
        ),
    ],
)
def test_a_file_that_gives_no_usable_target_is_down(
    tmp_path: Path, kind: str, text: str, said: str
) -> None:
    """Each says why."""
    file = tmp_path / "a.yaml"
    file.write_text(text)
    (state,) = Reading(DeclaredSource.of(kind, str(file))).read().states
    assert not state.up
    assert said in (state.error or "")


@pytest.mark.parametrize("kind", ["file_sd", "collector", "sdk"])
def test_what_is_no_regular_file_is_down_and_never_waited_for(tmp_path: Path, kind: str) -> None:
    """A missing one, a directory, a FIFO without a writer, a device that never ends."""
    fifo = tmp_path / "fifo.yaml"
    os.mkfifo(fifo)
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    for name, said in (
        ("missing.yaml", "No such file"),
        ("folder.yaml", "directory"),
        ("fifo.yaml", "FIFO"),
        ("zero.yaml", "device"),
    ):
        (state,) = Reading(DeclaredSource.of(kind, str(tmp_path / name))).read().states
        assert not state.up
        assert said in (state.error or ""), name


def test_a_list_keeps_its_last_good_answer() -> None:
    """When it cannot be fetched, and when its answer is not a list."""
    reading = Reading(DeclaredSource.of("http_sd", URL))
    assert endpoints(reading.read({URL: b'[{"targets": ["a:1"]}]'})) == ["a:1"]
    down = ConfigurationError("answers 500 instead of 200", file="https://h/")
    for answer in (down, b"<html>", b"null", b"", b'[{"targets": [5]}]'):
        found = reading.read({URL: answer})
        (state,) = found.states
        assert endpoints(found) == ["a:1"]
        assert not state.up
        assert KEPT in (state.error or "")
        assert "s3cret" not in repr(state)
    assert endpoints(reading.read({URL: b"[]"})) == []


def test_a_list_that_nobody_has_asked_for_is_neither_up_nor_down() -> None:
    """It is counted, and has no state yet."""
    found = Reading(DeclaredSource.of("http_sd", URL)).read()
    assert (found.states, found.not_fetched) == ((), 1)


def test_lists_that_are_shown_alike_are_distinguished() -> None:
    """Their queries are not shown, and two series of one name cannot be."""
    other = URL.replace("s3cret", "another")
    found = Reading(DeclaredSource.of("http_sd", URL), DeclaredSource.of("http_sd", other)).read(
        {URL: b"[]", other: b"{"}
    )
    name = "http_sd:https://inventory.example.com/collectors"
    assert [(state.source, state.up) for state in found.states] == [
        (name, True),
        (f"{name}#2", False),
    ]


def test_changed_defaults_apply_to_what_stays_in_force(tmp_path: Path) -> None:
    """The content is kept, not what was once made of it."""
    file = tmp_path / "a.yaml"
    file.write_text("[{targets: ['a:1']}]")
    reading = Reading(DeclaredSource.of("file_sd", str(file)))
    reading.read()
    file.write_text("nonsense")
    ((target,),) = reading.read(defaults=DefaultsEntry(interval="7s")).files
    assert target.interval == 7


def test_a_source_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    """Named again, it begins anew."""
    file = tmp_path / "a.yaml"
    file.write_text("[{targets: ['a:1']}]")
    reading = Reading(DeclaredSource.of("file_sd", str(file)))
    sources = reading.sources
    reading.read()
    reading.sources = ()
    reading.read()
    reading.sources = sources
    file.write_text("nonsense")
    assert endpoints(reading.read()) == []


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.binary(max_size=40) | st.text(max_size=40).map(str.encode), max_size=3),
    st.sampled_from(["file_sd", "collector", "sdk"]),
)
def test_whatever_a_source_holds_nothing_is_raised(contents: list[bytes], kind: str) -> None:
    """Reading after reading, of any bytes; a state is there each time."""
    held: dict[str, bytes] = {}
    reader = SourceReader()
    for content in contents:
        held["f.yaml"] = content
        where = SourceInputs({}, held.__getitem__)
        found = reader.read((DeclaredSource.of(kind, "f.yaml"),), DefaultsEntry(), where)
        (state,) = found.states
        assert state.up == (state.error is None)
        assert "\x1b" not in (state.error or "")


def test_a_text_may_match_processes_without_an_exporter(tmp_path: Path) -> None:
    """They are warnings where another process has one; alone they are what is wrong with the source."""
    tree = ProcTree(tmp_path)
    source = DeclaredSource.of_command("shop")
    inputs = SourceInputs({}, lambda _name: b"", processes=tree.files)
    tree.add(10, ["shop", "helper"])
    (state,) = SourceReader().read([source], DefaultsEntry(), inputs).states
    assert not state.up
    tree.add(11, ["shop"], {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://backend:4317"})
    reading = SourceReader().read([source], DefaultsEntry(), inputs)
    assert (reading.states[0].up, reading.states[0].targets) == (True, 1)
    assert any("process 10: has no OTLP exporter" in text for text in reading.warnings)
