"""A file with an SDK's settings becomes the targets of that SDK, named as the file names them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config.errors import ConfigurationError
from probe.config.sources.sdk.formats import FORMATS
from probe.config.sources.sdk.settings_file import SettingsFile
from probe.model.runtime import COLLECTOR, JAVA_OKHTTP
from probe.model.target import Source, Target

PROPERTIES = b"""
otel.exporter.otlp.endpoint = https://c:4318
otel.exporter.otlp.certificate : /ca.pem
otel.exporter.otlp.client-key /tls.key
otel.exporter.otlp.client.certificate=/tls.crt
otel.exporter.otlp.headers=api-key=s3cret
"""


def only(path: str, raw: bytes, format_id: str = "") -> Target:
    """Return the one target of a file."""
    (target,) = SettingsFile(path, raw, format_id).read({}, COLLECTOR.id).targets
    return target


def test_a_properties_file_is_the_agents() -> None:
    """Endpoint, files and headers, by the names that the file gives them."""
    target = only("/otel.properties", PROPERTIES)

    assert (target.endpoint.host, target.endpoint.path) == ("c", "/v1/traces")
    assert target.tls.ca_file == "/ca.pem"
    assert (target.tls.cert_file, target.tls.key_file) == ("/tls.crt", "/tls.key")
    assert target.sources == (Source("sdk", "/otel.properties"),)
    assert dict(target.signal_variables)["key_file"] == ("otel.exporter.otlp.client-key",)
    assert dict(target.signal_variables)["protocol"] == ("otel.exporter.otlp.protocol",)


def test_the_agents_default_protocol_is_http_on_every_port() -> None:
    """Since version 2.0; the choice is a note."""
    target = only("/otel.properties", b"otel.exporter.otlp.endpoint=https://c:4317")

    assert target.protocol == "http/protobuf"
    assert target.notes == (
        "otel.exporter.otlp.protocol is not set: http/protobuf is taken, the default of the Java "
        "agent since 2.0; before, it was grpc",
    )


def test_the_exporter_of_a_properties_file_is_javas() -> None:
    """Nobody else reads it."""
    assert SettingsFile("/otel.properties", b"").exporter == JAVA_OKHTTP.id
    assert SettingsFile("/app.env", b"A=1").exporter is None


def test_an_error_has_line_and_key_of_the_file() -> None:
    """And the endpoint that was found."""
    raw = b"\notel.exporter.otlp.endpoint=https://c:port\n"
    content = SettingsFile("/o.properties", raw).read({}, COLLECTOR.id)

    (error,) = content.errors
    assert (error.file, error.line, error.key) == (
        "/o.properties",
        2,
        "otel.exporter.otlp.endpoint",
    )


def test_a_file_that_java_refuses_is_an_error_with_its_line() -> None:
    """The agent does not start with it."""
    with pytest.raises(ConfigurationError, match=r"line 2: \\u is not followed"):
        SettingsFile("/o.properties", b"a=1\nb=\\u12").read({}, COLLECTOR.id)


def test_a_file_without_an_endpoint_says_as_what_it_was_read() -> None:
    """A near miss of the name is pointed to."""
    raw = b"otel.exporter.otlp.endpoints=https://c:4317"
    empty = SettingsFile("/o.properties", raw).read({}, COLLECTOR.id).empty

    assert empty.startswith("it is read as the properties file of OpenTelemetry's Java agent: ")
    assert "otel.exporter.otlp.endpoints is set: was otel.exporter.otlp.endpoint meant?" in empty


def test_an_env_file_has_the_variables_names() -> None:
    """They are in the file, and in its lines."""
    target = only("/app.env", b"OTEL_EXPORTER_OTLP_ENDPOINT=https://c:4317\n")

    assert target.protocol == "grpc"
    assert dict(target.signal_variables)["endpoint"] == ("OTEL_EXPORTER_OTLP_ENDPOINT",)
    assert target.remarks == ()


def test_programs_that_read_an_env_file_otherwise_are_a_finding() -> None:
    """Unless the configuration says who reads it."""
    raw = b'OTEL_EXPORTER_OTLP_ENDPOINT="https://c:4317"\n'
    (remark,) = only("/app.env", raw).remarks

    assert remark.cause == "exporter_setting_ignored"
    assert "docker run --env-file reads other values" in remark.fact
    assert "format: compose-env" in remark.fix[0]
    assert only("/app.env", raw, "compose-env").remarks == ()


def test_a_refused_env_file_names_who_would_take_it() -> None:
    """The line is there, its value is not."""
    raw = b"A=1\nexport OTEL_EXPORTER_OTLP_HEADERS=k=`s3cret`\n"
    with pytest.raises(ConfigurationError) as caught:
        SettingsFile("/app.env", raw).read({}, COLLECTOR.id)

    assert caught.value.line == 2
    assert "an env file as a shell reads it" in caught.value.reason
    assert "systemd" in caught.value.reason
    assert "s3cret" not in str(caught.value)


def test_a_format_that_is_given_comes_before_the_name() -> None:
    """For files whose names mislead."""
    target = only("/app.yaml", b"OTEL_EXPORTER_OTLP_ENDPOINT=https://c:4317\n", "systemd-env")

    assert target.endpoint.host == "c"


@given(
    st.sampled_from(sorted({*FORMATS} - {"spring", "unit"})),
    st.one_of(
        st.binary(),
        st.lists(
            st.sampled_from(
                [
                    *(b"OTEL_EXPORTER_OTLP_ENDPOINT", b"otel.exporter.otlp.endpoint", b"=", b": "),
                    *(b"https://c:4317", b"s3cret", b"'", b'"', b"\\", b"$", b"{", b"\n"),
                ]
            )
        ).map(b"".join),
    ),
)
def test_any_content_gives_targets_or_an_error(format_id: str, raw: bytes) -> None:
    """Whatever the file is said to be."""
    try:
        content = SettingsFile("/f", raw, format_id).read({}, COLLECTOR.id)
    except ConfigurationError as error:
        assert error.file == "/f"
    else:
        assert content.targets or content.errors or content.empty
