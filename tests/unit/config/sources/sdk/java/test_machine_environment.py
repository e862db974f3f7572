"""Java's own variables count where an environment has them."""

import pytest

from probe.config.sources.sdk.java.machine_environment import read_machine_environment

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def read_file(name: str) -> bytes:
    """Read the one file that there is."""
    if name != "/agent":
        raise FileNotFoundError(2, "No such file or directory", name)
    return b"otel.exporter.otlp.endpoint=https://file:1\notel.exporter.otlp.client.key=/k"


@pytest.mark.parametrize(
    ("environ", "endpoint"),
    [
        ({"JAVA_TOOL_OPTIONS": "-Dotel.exporter.otlp.endpoint=https://d:1"}, "https://d:1"),
        ({"OTEL_JAVAAGENT_CONFIGURATION_FILE": "/agent"}, "https://file:1"),
        ({"OTEL_JAVAAGENT_CONFIGURATION_FILE": "/agent", ENDPOINT: "https://e:1"}, "https://e:1"),
        (
            {ENDPOINT: "https://e:1", "_JAVA_OPTIONS": "-Dotel.exporter.otlp.endpoint=https://d:1"},
            "https://d:1",
        ),
        ({"JAVA_TOOL_OPTIONS": "-Dotel.javaagent.configuration-file=/agent"}, "https://file:1"),
    ],
)
def test_properties_come_before_variables_before_the_file(
    environ: dict[str, str], endpoint: str
) -> None:
    """And what was read where is a note."""
    found = read_machine_environment(environ, read_file)

    assert found is not None
    assert found.variables[ENDPOINT] == endpoint
    assert found.notes


def test_a_file_that_is_missing_counts_as_empty() -> None:
    """The agent starts without it; the note says so."""
    found = read_machine_environment({"OTEL_JAVAAGENT_CONFIGURATION_FILE": "/no"}, read_file)

    assert found is not None
    assert found.notes == (
        "the agent's properties file /no cannot be read (No such file or directory)",
    )


@pytest.mark.parametrize("environ", [{}, {"JAVA_TOOL_OPTIONS": "-Xmx1g"}, {ENDPOINT: "https://c"}])
def test_other_environments_say_nothing_of_java(environ: dict[str, str]) -> None:
    """Options without OpenTelemetry's properties say nothing."""
    assert read_machine_environment(environ, read_file) is None
