"""Every kind of source is read from where it says, and what cannot be read is named."""

from pathlib import Path

import pytest

from probe.sources.error import ConfigurationError
from probe.sources.named_sources import (
    Surroundings,
    declared_file,
    source_fault,
    targets_of_source,
)
from probe.sources.schema import DefaultsEntry
from probe.target import Source, Target

DEFAULTS = DefaultsEntry(interval="7s", depth="tls", labels={"team": "x"}, headers={"a": "b"})
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
SDK_FILE = "tracer_provider: {processors: [{batch: {exporter: {otlp_grpc: }}}]}"


def files_of(source: Source, **surroundings: dict[str, bytes]) -> list[tuple[Target, ...]]:
    """Return the targets of each file; files come from the file system."""
    environ = {name: text.decode() for name, text in surroundings.pop("environ", {}).items()}
    where = Surroundings(environ, lambda name: Path(name).read_bytes(), **surroundings)
    return list(targets_of_source(source, DEFAULTS, where))


def test_the_environment_is_read_as_the_sdk_would() -> None:
    """What of `defaults` is the probe's own applies; headers are the exporter's affair."""
    ((target,),) = files_of(Source("sdk", "environment"), environ={ENDPOINT: b"https://c:4317"})
    assert (target.name, target.interval, target.depth) == ("sdk", 7, "tls")
    assert (target.labels, target.headers) == ((("team", "x"),), ())


@pytest.mark.parametrize("variable", ["OTEL_CONFIG_FILE", "OTEL_EXPERIMENTAL_CONFIG_FILE"])
def test_a_declarative_file_replaces_the_variables(tmp_path: Path, variable: str) -> None:
    """As in an SDK: the endpoint of the environment is not probed."""
    file = tmp_path / "sdk.yaml"
    file.write_text(SDK_FILE)
    environ = {variable: str(file).encode(), ENDPOINT: b"https://other:4317"}
    ((target,),) = files_of(Source("sdk", "environment"), environ=environ)
    assert str(target.endpoint) == "localhost:4317"
    assert target.sources == (Source("sdk", str(file)),)
    assert target.interval == 7


def test_the_newer_variable_comes_first() -> None:
    """Where both are set; an empty one is not set."""
    both = {"OTEL_CONFIG_FILE": "/new", "OTEL_EXPERIMENTAL_CONFIG_FILE": "/old"}
    assert declared_file(both) == "/new"
    assert declared_file({**both, "OTEL_CONFIG_FILE": ""}) == "/old"
    assert declared_file({}) == ""


def test_an_empty_environment_says_what_to_set() -> None:
    """The error names the variable."""
    with pytest.raises(ConfigurationError, match="set it to the backend") as caught:
        files_of(Source("sdk", "environment"))
    assert caught.value.key == ENDPOINT


def test_an_sdks_file_can_be_named(tmp_path: Path) -> None:
    """Without a variable."""
    file = tmp_path / "sdk.yaml"
    file.write_text(SDK_FILE)
    ((target,),) = files_of(Source("sdk", str(file)))
    assert target.name == "sdk-traces"


def test_each_file_of_a_pattern_comes_by_itself(tmp_path: Path) -> None:
    """So that targets of two files can be joined, and those of one are not."""
    for name in "ba":
        (tmp_path / f"{name}.yaml").write_text(f"- targets: ['{name}:1', '{name}:2']")
    found = files_of(Source("file_sd", str(tmp_path / "*.yaml")))
    assert [[str(target.endpoint) for target in file] for file in found] == [
        ["a:1", "a:2"],
        ["b:1", "b:2"],
    ]
    assert found[0][0].headers


def test_a_list_that_was_not_fetched_yet_has_no_targets() -> None:
    """And one that was has them."""
    url = "http://h/sd?token=x"
    assert files_of(Source("http_sd", url)) == [()]
    ((target,),) = files_of(Source("http_sd", url), fetched={url: b'[{"targets": ["a:1"]}]'})
    assert str(target.endpoint) == "a:1"


@pytest.mark.parametrize(
    "source",
    [Source("file_sd", "/missing/t.yaml"), Source("sdk", "/missing.yaml"), Source("sdk", "\0")],
)
def test_a_file_that_cannot_be_read_is_an_error(source: Source) -> None:
    """Naming the file."""
    with pytest.raises(ConfigurationError, match="cannot be read") as caught:
        files_of(source)
    assert caught.value.file


@pytest.mark.parametrize(
    ("source", "right"),
    [
        (Source("file_sd", "a/*.json"), True),
        (Source("file_sd", "a/*"), False),
        (Source("http_sd", "https://h/sd"), True),
        (Source("http_sd", "h/sd"), False),
        (Source("sdk", "environment"), True),
        (Source("collector", "c.yaml"), True),
    ],
)
def test_what_can_be_judged_without_reading_is(source: Source, *, right: bool) -> None:
    """A mistake in the configuration is told with its line, before anything is opened."""
    assert (source_fault(source) is None) is right
