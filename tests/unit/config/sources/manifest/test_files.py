"""A `manifest` source names files, directories and patterns; they are followed as they change."""

from pathlib import Path

import pytest

from probe.config.declared_source import DeclaredSource, SourceInputs
from probe.config.errors import ConfigurationError
from probe.config.file_reader import FileReader
from probe.config.schema import DefaultsEntry
from probe.config.sources.manifest.files import list_manifest_files, manifest_fault
from tests.support.manifests import CLIENT, GATEWAY, MTLS, collector_config, config_map

CONFIG = collector_config({"otlp/pem": f"{{endpoint: 'b:4317', tls: {MTLS}}}"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory with objects in three files, and one that is none."""
    (tmp_path / "config.yaml").write_text(config_map(CONFIG))
    (tmp_path / "deploy.yml").write_text(GATEWAY)
    (tmp_path / "secret.json").write_text(CLIENT)
    (tmp_path / "notes.txt").write_text("a: [")
    return tmp_path


def read(*named: str) -> list[str]:
    """Return the targets of a source that names `named`."""
    source = DeclaredSource.of("manifest", *named)
    inputs = SourceInputs({}, FileReader().read)
    (part,) = source.list_parts(inputs)
    content = source.read_part(part, DefaultsEntry(interval="7s"), inputs)
    assert all(target.interval == 7 for target in content.targets)
    return [target.name for target in content.targets]


def test_a_directory_is_read_as_one(folder: Path) -> None:
    """What one file refers to is in another; other files are left alone."""
    assert read(str(folder)) == ["Deployment otel/gateway: otlp/pem"]


def test_patterns_and_lists_are_read_as_one(folder: Path) -> None:
    """Each file once."""
    named = [f"{folder}/*.y*ml", f"{folder}/secret.json", f"{folder}/deploy.yml"]
    assert len(list_manifest_files(named)) == 3
    assert read(*named) == ["Deployment otel/gateway: otlp/pem"]


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    """A source without files is not as expected."""
    with pytest.raises(ConfigurationError, match="there is no such file"):
        read(f"{tmp_path}/*.yaml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read(f"{tmp_path}/gone.yaml")


@pytest.mark.parametrize("name", ["a/*/b.yaml", "**", "a\0b", ""])
def test_what_cannot_be_followed_is_refused(name: str) -> None:
    """One directory has to be watched."""
    assert manifest_fault(name) is not None


def test_new_files_of_a_directory_are_noticed(folder: Path) -> None:
    """A watcher is given the directory."""
    for named in (str(folder), f"{folder}/*.yaml"):
        watched = list(DeclaredSource.of("manifest", named).list_watched())
        assert f"{folder}/" in watched


def test_standard_input_is_read_for_the_command_line_alone() -> None:
    """A source of the configuration is read again and again."""
    with pytest.raises(ConfigurationError, match="standard input is read for --manifest alone"):
        read("-")
    held = {"-": "\n---\n".join((config_map(CONFIG), GATEWAY, CLIENT)).encode()}
    inputs = SourceInputs({}, FileReader(held).read)
    content = DeclaredSource.of("manifest", "-").read_part("-", DefaultsEntry(), inputs)
    assert len(content.targets) == 1
