"""System properties, variables and files are merged as Java's SDK merges them."""

import pytest

from probe.config.sources.sdk.java.system_properties import (
    find_configuration_file,
    merge_settings,
    to_variables,
)

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.mark.parametrize(
    "key",
    [
        "otel.exporter.otlp.client.certificate",
        "otel.exporter.otlp.client-certificate",
        "otel.exporter.otlp.client_certificate",
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
        "Otel.Exporter-Otlp_CLIENT.certificate",
    ],
)
def test_names_are_compared_without_case_and_separators(key: str) -> None:
    """`-` and `_` are read as `.`, in files and system properties."""
    assert to_variables({key: "/c.pem"}) == {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": "/c.pem"}


def test_what_is_not_of_opentelemetry_is_left_out() -> None:
    """The properties of the JVM are not variables."""
    assert to_variables({"user.home": "/root", "otelx.y": "z", "": ""}) == {}


@pytest.mark.parametrize(
    ("file", "environ", "system", "value"),
    [
        ("f", None, None, "f"),
        ("f", "e", None, "e"),
        ("f", "e", "s", "s"),
        ("f", None, "s", "s"),
        (None, "e", None, "e"),
        ("f", "", None, ""),
        ("f", "e", "", ""),
    ],
)
def test_system_properties_come_before_variables_before_files(
    file: str | None, environ: str | None, system: str | None, value: str
) -> None:
    """An empty value still replaces another one, as nowhere else."""
    key = "otel.exporter.otlp.endpoint"
    merged = merge_settings(
        {} if file is None else {key: file},
        {"HOME": "/root"} | ({} if environ is None else {ENDPOINT: environ}),
        {} if system is None else {key: system},
    )

    assert merged == {"HOME": "/root", ENDPOINT: value}


def test_a_variable_in_lower_case_or_with_dots_counts() -> None:
    """Containers can have variables that a shell could not set; one with a `-` is not found."""
    environ = {"otel_exporter_otlp_endpoint": "a", "OTEL.SERVICE.NAME": "b", "otel-a": "c"}

    assert merge_settings({}, environ, {}) == {
        ENDPOINT: "a",
        "OTEL_SERVICE_NAME": "b",
        "otel-a": "c",
    }


def test_the_agents_file_is_named_by_property_or_variable() -> None:
    """The property comes first, and `~` is the home of the JVM's user."""
    environ = {"OTEL_JAVAAGENT_CONFIGURATION_FILE": "/e"}
    system = {"otel.javaagent.configuration-file": "~/s"}

    assert find_configuration_file({}, {}) == ""
    assert find_configuration_file(environ, {}) == "/e"
    assert find_configuration_file(environ, system, home="/home/app") == "/home/app/s"
