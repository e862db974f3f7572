"""Every kind of source is read from where it says, and what cannot be read is named."""

from pathlib import Path
from typing import Any

import pytest

from probe.config.declared_source import (
    DeclaredSource,
    NotFetchedError,
    SourceInputs,
    find_declarative_file,
)
from probe.config.errors import ConfigurationError
from probe.config.schema import DefaultsEntry
from probe.model.target import Source, Target
from tests.support.reported_faults import reported

DEFAULTS = DefaultsEntry(interval="7s", depth="tls", labels={"team": "x"}, headers={"a": "b"})
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SDK_FILE = "tracer_provider: {processors: [{batch: {exporter: {otlp_grpc: }}}]}"


def files_of(source: DeclaredSource, **surroundings: Any) -> list[tuple[Target, ...]]:
    """Return the targets of each file; files come from the file system."""
    environ = {name: text.decode() for name, text in surroundings.pop("environ", {}).items()}
    where = SourceInputs(environ, lambda name: Path(name).read_bytes(), **surroundings)
    return [source.read_part(part, DEFAULTS, where).targets for part in source.list_parts(where)]


def test_the_environment_is_read_as_the_sdk_would() -> None:
    """The probe's own keys of `defaults` apply; headers come from the exporter."""
    ((target,),) = files_of(
        DeclaredSource.of("sdk", "environment"), environ={ENDPOINT: b"https://c:4317"}
    )
    assert (target.name, target.interval, target.depth) == ("sdk", 7, "tls")
    assert (target.labels, target.headers) == ((("team", "x"),), ())


@pytest.mark.parametrize("variable", ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"])
def test_a_declarative_file_replaces_the_variables(tmp_path: Path, variable: str) -> None:
    """As in an SDK: the endpoint of the environment is not probed."""
    file = tmp_path / "sdk.yaml"
    file.write_text(SDK_FILE)
    environ = {variable: str(file).encode(), ENDPOINT: b"https://other:4317"}
    ((target,),) = files_of(DeclaredSource.of("sdk", "environment"), environ=environ)
    assert str(target.endpoint) == "localhost:4317"
    assert target.sources == (Source("sdk", str(file)),)
    assert target.interval == 7


def test_java_options_of_the_environment_count(tmp_path: Path) -> None:
    """As for Java: properties come before variables, its agent's file after them; a note says so."""
    agent = tmp_path / "agent.properties"
    agent.write_text("otel.exporter.otlp.certificate=/from/the/file.crt\n")
    environ = {
        "JAVA_TOOL_OPTIONS": b"-Dotel.exporter.otlp.endpoint=https://property:4317",
        "OTEL_JAVAAGENT_CONFIGURATION_FILE": str(agent).encode(),
        ENDPOINT: b"https://variable:4317",
    }
    ((target,),) = files_of(DeclaredSource.of("sdk", "environment"), environ=environ)
    assert str(target.endpoint) == "property:4317"
    assert target.tls is not None
    assert target.tls.ca_file == "/from/the/file.crt"
    assert target.exporter == "java-okhttp"
    assert any("JAVA_TOOL_OPTIONS" in note for note in target.notes)


def test_the_newer_variable_comes_first() -> None:
    """Where both are set; an empty one is not set."""
    both = {"OTEL_CONFIG_FILE": "/new", "OTEL_EXPERIMENTAL_CONFIG_FILE": "/old"}
    assert find_declarative_file(both) == "/new"
    assert find_declarative_file({**both, "OTEL_CONFIG_FILE": ""}) == "/old"
    assert find_declarative_file({}) == ""


def test_an_sdks_file_can_be_named(tmp_path: Path) -> None:
    """Without a variable."""
    file = tmp_path / "sdk.yaml"
    file.write_text(SDK_FILE)
    ((target,),) = files_of(DeclaredSource.of("sdk", str(file)))
    assert target.name == "sdk-traces"


def test_what_is_wrong_with_a_compose_file_is_said(tmp_path: Path) -> None:
    """One reference that compose refuses, and what was looked for where nothing exports."""
    file = tmp_path / "compose.yaml"
    file.write_text("services: {a: {image: x, command: '${env:X:-y}'}}")
    with pytest.raises(ConfigurationError, match="reference that is not valid"):
        files_of(DeclaredSource.of("sdk", str(file)))
    file.write_text("services: {a: {image: x}}")
    assert files_of(DeclaredSource.of("sdk", str(file))) == [()]


def test_each_file_of_a_pattern_comes_by_itself(tmp_path: Path) -> None:
    """So that targets of two files can be joined, and those of one are not."""
    for name in "ba":
        (tmp_path / f"{name}.yaml").write_text(f"- targets: ['{name}:1', '{name}:2']")
    found = files_of(DeclaredSource.of("file_sd", str(tmp_path / "*.yaml")))
    assert [[str(target.endpoint) for target in file] for file in found] == [
        ["a:1", "a:2"],
        ["b:1", "b:2"],
    ]
    assert found[0][0].headers


def test_of_a_list_that_was_not_fetched_yet_nothing_is_known() -> None:
    """One that was fetched has its targets; one that could not be, the reason."""
    url = "http://h/sd?token=x"
    with pytest.raises(NotFetchedError):
        files_of(DeclaredSource.of("http_sd", url))
    ((target,),) = files_of(
        DeclaredSource.of("http_sd", url), fetched={url: b'[{"targets": ["a:1"]}]'}
    )
    assert str(target.endpoint) == "a:1"
    down = ConfigurationError("cannot be reached", file="http://h/sd")
    with pytest.raises(ConfigurationError, match="cannot be reached"):
        files_of(DeclaredSource.of("http_sd", url), fetched={url: down})


@pytest.mark.parametrize(
    "source",
    [
        DeclaredSource.of("file_sd", "/missing/t.yaml"),
        DeclaredSource.of("sdk", "/missing.yaml"),
        DeclaredSource.of("sdk", "\0"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(source: DeclaredSource) -> None:
    """Naming the file."""
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        files_of(source)
    assert caught.value.file


@pytest.mark.parametrize(
    ("source", "right"),
    [
        (DeclaredSource.of("file_sd", "a/*.json"), True),
        (DeclaredSource.of("file_sd", "a/*"), False),
        (DeclaredSource.of("http_sd", "https://h/sd"), True),
        (DeclaredSource.of("http_sd", "h/sd"), False),
        (DeclaredSource.of("sdk", "environment"), True),
        (DeclaredSource.of("collector", "c.yaml"), True),
        (DeclaredSource.of("collector", "c.yaml", "d.yaml"), True),
        (DeclaredSource.of("collector", "c.yaml", ""), False),
    ],
)
def test_what_can_be_judged_without_reading_is(source: DeclaredSource, *, right: bool) -> None:
    """A mistake in the configuration is reported with its line, before anything is opened."""
    assert (source.fault is None) is right


BASE = """
exporters:
  otlp_grpc: {endpoint: "base:4317", tls: {ca_file: base.crt}}
receivers: {nop: }\nservice: {pipelines: {traces: {receivers: [nop], exporters: [otlp_grpc]}}}
"""


def test_the_files_of_a_collector_are_one_configuration(tmp_path: Path) -> None:
    """The later one counts where both say something; the target names both as its source."""
    names = [str(tmp_path / name) for name in ("base.yaml", "site.yaml")]
    Path(names[0]).write_text(BASE)
    Path(names[1]).write_text("exporters: {otlp_grpc: {endpoint: 'site:4317'}}")
    ((target,),) = files_of(DeclaredSource.of("collector", *names))
    assert (str(target.endpoint), target.tls.ca_file) == ("site:4317", "base.crt")
    assert target.sources == (Source("collector", ", ".join(names)),)
    ((other,),) = files_of(DeclaredSource.of("collector", *reversed(names)))
    assert str(other.endpoint) == "base:4317"


@pytest.mark.parametrize(
    ("base", "site", "wrong", "line"),
    [
        ("", "\n\n    endpoint: nowhere", 1, 4),
        ("", "\n    tls:\n      ca_fil: x", 1, 4),
        ("    endpoint: nowhere", "", 0, 3),
        ("", "\n    tls: {min_version: '9'}", 1, 3),
    ],
)
def test_an_error_names_the_file_that_holds_it(
    tmp_path: Path, base: str, site: str, wrong: int, line: int
) -> None:
    """Of the two, with the line there."""
    names = [str(tmp_path / name) for name in ("base.yaml", "site.yaml")]
    pipelines = (
        "receivers: {nop: }\nservice: {pipelines: {traces: {receivers: [nop], exporters: [otlp]}}}"
    )
    Path(names[0]).write_text(f"exporters:\n  otlp:\n{base or '    endpoint: c:1'}\n{pipelines}")
    Path(names[1]).write_text(f"exporters:\n  otlp:{site or ' {}'}\n")
    source = DeclaredSource.of("collector", *names)
    assert reported(lambda: files_of(source)[0]).startswith(f"{names[wrong]}:{line}: ")


def test_a_list_is_shown_without_its_query() -> None:
    """A token in the URL is in no form of the source that is ever printed."""
    source = DeclaredSource.of("http_sd", "https://user:s3cret@h/sd?token=s3cret#s3cret")
    assert source.where == "https://h/sd"
    source = DeclaredSource.of("http_sd", "https://h/sd/hunter2-Sw0rdfish-Zz9/x?a=b")
    assert source.where == "https://h/sd/…/x"
    assert "s3cret" not in repr(source) + str(source)
