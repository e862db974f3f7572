"""Component types that nobody lists, and settings that only the Collector can fetch."""

from pathlib import Path

import pytest

from probe.config.loader import load_configuration

CONFIG = """\
receivers: {{otlp: {{protocols: {{grpc: {{}}}}}}{receiver}}}
processors: {{{processor}}}
exporters:
  otlp_grpc/good: {{endpoint: "good.example:4317"}}
  otlp_grpc/fed: {{endpoint: "fed.example:4317", tls: {{ca_file: "{ca_file}"}}}}
service:
  pipelines:
    traces: {{receivers: [otlp], processors: [{used}], exporters: [otlp_grpc/good, otlp_grpc/fed]}}
"""


def read(folder: Path, **parts: str) -> tuple[dict[str, bool], str, tuple[str, ...]]:
    """Return whether each target fails by its settings, the source's error, and the warnings."""
    given = {"receiver": "", "processor": "", "used": "", "ca_file": ""}
    (folder / "otelcol.yaml").write_text(CONFIG.format(**{**given, **parts}))
    (folder / "probe.yml").write_text(f"sources: [{{collector: {folder / 'otelcol.yaml'}}}]")
    loaded = load_configuration(folder / "probe.yml", {})
    failing = {target.name: bool(target.faults) for target in loaded.targets}
    return failing, loaded.source_states[0].error or "", loaded.warnings


@pytest.mark.parametrize("value", ["{a: 1}", "null"])
def test_a_type_that_is_used_may_be_somebodys_own(tmp_path: Path, value: str) -> None:
    """Whoever builds a Collector with a processor of their own uses it."""
    failing, error, warnings = read(tmp_path, processor=f"blankout: {value}", used="blankout")
    assert (failing, error) == ({"otlp_grpc/good": False, "otlp_grpc/fed": False}, "")
    assert any("processors.blankout" in text for text in warnings)


def test_an_unlisted_type_that_nothing_uses_is_a_mistake(tmp_path: Path) -> None:
    """The Collector refuses a type that it has not, used or not; the exporters are probed."""
    failing, _, _ = read(tmp_path, receiver=", insecure: {}")
    assert failing.pop(str(tmp_path / "otelcol.yaml")) is True
    assert failing == {"otlp_grpc/good": False, "otlp_grpc/fed": False}


def test_an_exporter_fed_by_a_foreign_provider_is_not_green(tmp_path: Path) -> None:
    """The probe cannot fetch what the Collector can: the source says so, the neighbour is probed."""
    failing, error, _ = read(tmp_path, ca_file="${secretsmanager:ca}")
    assert failing == {"otlp_grpc/good": False}
    assert "not probed: exporters.otlp_grpc/fed" in error
    assert "secretsmanager" in error
