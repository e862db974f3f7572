"""The format of a settings file is recognised by its name, then by its content."""

import pytest

from probe.config.sources.sdk.formats import FORMATS, recognise_format


@pytest.mark.parametrize(
    ("path", "raw", "format_id"),
    [
        ("/etc/otel/sdk.yaml", b"file_format: '1.0'", "declarative"),
        ("/etc/otel/sdk.json", b"{}", "declarative"),
        ("/etc/otel/otel.properties", b"otel.service.name=x", "properties"),
        ("/app/config/application.yml", b"otel:\n", "spring"),
        ("/app/config/application-prod.properties", b"otel.service.name=x", "spring"),
        ("/app/my.properties", b"management.otlp.tracing.endpoint=x", "spring"),
        ("/app/my.yaml", b"spring:\n  application:\n", "spring"),
        ("/etc/systemd/system/app.service", b"[Service]\n", "unit"),
        ("/etc/systemd/system/app.service.d/otel.conf", b"[Service]\n", "unit"),
        ("/app/.env", b"A=1", "compose-env"),
        ("/app/.env.production", b"A=1", "compose-env"),
        ("/app/run.sh", b"export A=1", "shell"),
        ("/etc/default/app", b"A=1", "systemd-env"),
        ("/secret/otel", b"# c\notel.exporter.otlp.endpoint = x", "properties"),
        ("/secret/otel", b"OTEL_EXPORTER_OTLP_ENDPOINT=x", "compose-env"),
        ("/secret/otel", b"[Unit]\nDescription=x", "unit"),
        ("/secret/otel", b"file_format: '1.0'", "declarative"),
        ("/secret/otel", b"", "declarative"),
    ],
)
def test_name_before_content(path: str, raw: bytes, format_id: str) -> None:
    """A mounted Secret often has no extension: then the content decides."""
    assert recognise_format(path, raw) == format_id
    assert FORMATS[format_id]
