"""A file that was given as something else is recognised, and the right source is named."""

from pathlib import Path

import pytest

from probe.config.declared_source import DeclaredSource, SourceInputs
from probe.config.errors import ConfigurationError
from probe.config.file_reader import FileReader
from probe.config.loader import load_configuration
from probe.config.schema import DefaultsEntry

FILES = {
    "objects.yaml": (
        "apiVersion: v1\nkind: ConfigMap\n---\napiVersion: v1\nkind: Secret\n",
        "manifest",
    ),
    "operator.yaml": (
        "apiVersion: opentelemetry.io/v1beta1\nkind: OpenTelemetryCollector\nspec: {config: {}}\n",
        "manifest",
    ),
    "secret.json": ('{"apiVersion": "v1", "kind": "Secret", "data": {"a": "aGk="}}', "manifest"),
    "values.yaml": (
        "mode: deployment\nconfig: {exporters: {debug: }}\nservice: {type: x}\n",
        "manifest",
    ),
    "sdk.yaml": ("file_format: '1.0'\ntracer_provider: {}\n", "sdk"),
    "agent.txt": ("otel.exporter.otlp.endpoint=https://c:4317\notel.service.name=x\n", "sdk"),
    "variables": ("OTEL_EXPORTER_OTLP_ENDPOINT=https://c:4317\nA=b\n", "sdk"),
    "app.service": ("[Unit]\nDescription=x\n[Service]\nEnvironment=A=b\n", "sdk"),
    "prometheus.yaml": ("global: {}\nscrape_configs: []\n", "finds no exporter"),
    "compose.yaml": ("services: {a: {image: b}}\n", "name it as sources"),
    "targets.json": ('[{"targets": ["a:1"], "labels": {}}]', "file_sd"),
    "gateway.yaml": (
        "receivers: {nop: }\nexporters: {debug: }\nservice: {pipelines: {}}\n",
        "collector",
    ),
}


@pytest.mark.parametrize("name", [name for name, (_, said) in FILES.items() if said != "collector"])
def test_as_a_collectors_it_is_one_failed_result_that_names_the_right_source(
    tmp_path: Path, name: str
) -> None:
    """The result has the file's name and no endpoint."""
    text, said = FILES[name]
    (tmp_path / name).write_text(text)
    source = DeclaredSource.of("collector", str(tmp_path / name))
    inputs = SourceInputs({}, FileReader().read)
    with pytest.raises(ConfigurationError, match=said) as caught:
        source.read_part(source.where, DefaultsEntry(), inputs)
    (failed,) = source.list_failed(caught.value, DefaultsEntry())
    assert (failed.name, str(failed.endpoint)) == (str(tmp_path / name), "")
    assert said in failed.faults[0].fact


@pytest.mark.parametrize("name", list(FILES))
def test_as_the_probes_own_it_names_the_right_source(tmp_path: Path, name: str) -> None:
    """The error is about the file, and not about each key that the probe does not have."""
    text, said = FILES[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=said):
        load_configuration(tmp_path / name, {})


@pytest.mark.parametrize("name", [name for name, (_, said) in FILES.items() if said == "manifest"])
def test_as_an_sdks_it_names_the_right_source(tmp_path: Path, name: str) -> None:
    """A declarative file has none of these keys."""
    (tmp_path / name).write_text(FILES[name][0])
    source = DeclaredSource.of("sdk", str(tmp_path / name))
    with pytest.raises(ConfigurationError, match="manifest"):
        source.read_part(source.where, DefaultsEntry(), SourceInputs({}, FileReader().read))


BLOCKS = {
    "exporter: {otlp: {endpoint: 'c:4317', tls: {ca_file: /ca}}}": ("otlp", "c:4317", "grpc"),
    "exporters:\n  otlphttp/a:\n    endpoint: https://c:4318\n": (
        "otlphttp/a",
        "c:4318",
        "http/protobuf",
    ),
    "exporter: {endpoint: 'c:4317'}": ("otlp", "c:4317", "grpc"),
    "endpoint: c:4317\ntls: {ca_file: /ca}\n": ("otlp", "c:4317", "grpc"),
    "endpoint: https://c:4318\n": ("otlp_http", "c:4318", "http/protobuf"),
    "endpoint: https://c\nencoding: json\n": ("otlp_http", "c:443", "http/protobuf"),
    "endpoint: https://c:99\nbalancer_name: pick_first\n": ("otlp", "c:99", "grpc"),
}


@pytest.mark.parametrize("text", list(BLOCKS))
@pytest.mark.parametrize("given", ["collector", "config"])
def test_an_exporters_block_alone_is_probed(tmp_path: Path, text: str, given: str) -> None:
    """Documentation shows such blocks: who pastes one wants to know whether it works."""
    file = tmp_path / "block.yaml"
    file.write_text(text)
    if given == "collector":
        (tmp_path / "probe.yaml").write_text(f"sources: [{{collector: {file}}}]")
    loaded = load_configuration(
        tmp_path / ("probe.yaml" if given == "collector" else file.name), {}
    )
    (target,) = loaded.targets
    assert (target.name, str(target.endpoint), target.protocol) == BLOCKS[text]
    assert target.faults == ()
    assert any("exporters alone" in warning for warning in loaded.warnings)


def test_settings_that_may_be_of_either_protocol_say_what_to_write(tmp_path: Path) -> None:
    """A URL without a usual port is taken by both kinds of exporter."""
    (tmp_path / "a.yaml").write_text("endpoint: https://c\ntls: {ca_file: /ca}\n")
    with pytest.raises(ConfigurationError) as caught:
        load_configuration(tmp_path / "a.yaml", {})
    assert "exporters: {otlp_http: {endpoint: …}} for HTTP" in caught.value.reason


def test_a_fault_of_a_block_names_the_line_in_it(tmp_path: Path) -> None:
    """What surrounds it is not in the file."""
    (tmp_path / "a.yaml").write_text(
        "exporter:\n  otlp:\n    endpoint: c:1\n    tls: {insecur: true}\n"
    )
    (target,) = load_configuration(tmp_path / "a.yaml", {}).targets
    assert (
        f"{tmp_path / 'a.yaml'}:4: exporters.otlp.tls.insecur: unknown key" in target.faults[0].fact
    )
