"""A Spring Boot application's configuration gives the targets of the exporters that it makes."""

import json
import time
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probe.config.errors import ConfigurationError
from probe.config.source_content import SourceContent
from probe.config.sources.sdk.spring.config_data import make_uniform
from probe.config.sources.sdk.spring.read_spring import read_application, read_spring
from probe.model.runtime import JAVA_OKHTTP
from tests.contract.imports import ROOT

MEASURED: Final = ROOT / "tests" / "corpora" / "spring_files.jsonl"
BUNDLE: Final = """
spring.ssl.bundle.pem.otel:
  keystore: {certificate: "file:/tls.crt", private-key: /tls.key}
  truststore.certificate: /ca.pem
"""


def read(
    text: str, file: str = "application.yml", profiles: tuple[str, ...] = (), **environ: str
) -> SourceContent:
    """Return the content of one file."""
    return read_spring(text.encode(), file, environ, JAVA_OKHTTP.id, profiles=profiles)


def reader(files: dict[str, str]) -> Callable[[str], bytes]:
    """Return what reads `files`."""

    def read_file(name: str) -> bytes:
        if name not in files:
            raise FileNotFoundError(name)
        return files[name].encode()

    return read_file


def test_applications_are_read_as_spring_boot_read_them() -> None:
    """Documents, profiles, names, placeholders and scalars of 260 applications, by Spring Boot 3.5."""
    wrong = []
    for line in MEASURED.read_text().splitlines():
        case: dict[str, Any] = json.loads(line)
        (main,) = (name for name in case["files"] if name.startswith("application."))
        given = tuple(case["profiles"])
        try:
            found = read_application(
                case["files"][main].encode(), main, {"HOSTV": "hv"}, given, reader(case["files"])
            )
        except ConfigurationError:
            if case["read"] is not None:
                wrong.append(case)
            continue
        if case["read"] is None:
            wrong.append(case)
            continue
        for key, value in case["read"].items():
            name = make_uniform(key)
            held = found.settings.get(name)
            if (held.text if held else None) != value or (
                value is None and name not in found.faults
            ):
                wrong.append((case, key))

    assert wrong == []


def test_the_starters_settings_are_variables_by_other_names() -> None:
    """OpenTelemetry's starter: otel.exporter.otlp.*, headers as a map, HTTP by default."""
    (target,) = read(
        "otel.exporter.otlp:\n"
        "  endpoint: https://c:4317\n"
        "  client: {certificate: /tls.crt, key: /tls.key}\n"
        '  headers: {X-Scope: "a,b"}\n'
    ).targets

    assert (target.protocol, target.endpoint.path) == ("http/protobuf", "/v1/traces")
    assert (target.tls.cert_file, target.tls.key_file) == ("/tls.crt", "/tls.key")
    ((name, value),) = target.headers
    assert (name, value.reveal()) == ("X-Scope", "a,b")
    assert dict(target.signal_variables)["cert_file"] == ("otel.exporter.otlp.client.certificate",)
    assert target.notes[0].endswith("the default of OpenTelemetry's Spring Boot starter")


@pytest.mark.parametrize(
    ("key", "signal"),
    [
        ("management.otlp.tracing.endpoint", "traces"),
        ("management.opentelemetry.tracing.export.otlp.endpoint", "traces"),
        ("management.otlp.logging.endpoint", "logs"),
        ("management.opentelemetry.logging.export.otlp.endpoint", "logs"),
        ("management.otlp.metrics.export.url", "metrics"),
    ],
)
def test_the_actuators_exporters_are_targets(key: str, signal: str) -> None:
    """By the names of Spring Boot 3 and 4; the URL is used as it is."""
    (target,) = read(f"{key}: https://c:4318/custom").targets

    assert (target.signal, target.protocol) == (signal, "http/protobuf")
    assert target.endpoint.path == "/custom"
    assert dict(target.signal_variables)["endpoint"] == (key,)


def test_a_bundle_gives_certificates() -> None:
    """Locations with file: and without; the settings are named in steps."""
    text = (
        "management.opentelemetry.tracing.export.otlp: "
        f"{{endpoint: 'https://c:4318/v1/traces', ssl.bundle: otel}}\n{BUNDLE}"
    )
    (target,) = read(text).targets

    assert target.tls.cert_file == "/tls.crt"
    assert (target.tls.key_file, target.tls.ca_file) == ("/tls.key", "/ca.pem")
    assert dict(target.signal_variables)["key_file"] == (
        "spring.ssl.bundle.pem.otel.keystore.private-key",
    )


def test_a_bundle_can_hold_the_text_itself() -> None:
    """A key in it is a secret."""
    text = (
        "management.otlp.metrics.export.url=https://c:4318/v1/metrics\n"
        "management.otlp.metrics.export.ssl.bundle=x\n"
        "spring.ssl.bundle.pem.x.keystore.private-key=-----BEGIN PRIVATE KEY-----\\nMII\n"
    )
    (target,) = read(text, "application.properties").targets

    assert target.tls.key_pem is not None
    assert "MII" not in repr(target)


@pytest.mark.parametrize(
    ("bundle", "said"),
    [
        ("spring.ssl.bundle.jks.otel.keystore.location: /k.p12", "Java keystores"),
        ("spring.ssl.bundle.pem.other.keystore.certificate: /c", "has not"),
        ("spring.ssl.bundle.pem.otel.keystore.certificate: classpath:c.pem", "classpath: resource"),
        ("spring.ssl.bundle.pem.otel.keystore.certificate: ${NO}", "neither a value nor a default"),
    ],
)
def test_a_bundle_that_cannot_be_read_is_an_error_with_its_line(bundle: str, said: str) -> None:
    """No target: without its certificate it would be another one."""
    text = f"management.otlp.metrics.export: {{url: 'https://c', ssl.bundle: otel}}\n{bundle}\n"
    content = read(text)

    assert content.targets == ()
    assert said in str(content.errors[0])
    assert content.errors[0].line in (1, 2)


@pytest.mark.parametrize(
    "switch",
    [
        "management.tracing.enabled",
        "management.otlp.tracing.export.enabled",
        "management.opentelemetry.enabled",
    ],
)
def test_what_is_switched_off_is_not_probed(switch: str) -> None:
    """The application makes no exporter then."""
    text = f"management.otlp.tracing.endpoint: https://c:4318/v1/traces\n{switch}: false\n"

    assert read(text).targets == ()


def test_profiles_choose_documents() -> None:
    """Those given, else the environment's, else the file's own; what is left out is reported."""
    text = (
        "otel.exporter.otlp.endpoint: https://dev:4318\n---\n"
        "spring.config.activate.on-profile: prod\notel.exporter.otlp.endpoint: https://prod:4318\n"
    )
    hosts = [
        read(text, profiles=("prod",)).targets[0].endpoint.host,
        read(text, SPRING_PROFILES_ACTIVE="prod").targets[0].endpoint.host,
        read(f"spring.profiles.active: prod\n{text}").targets[0].endpoint.host,
        read(text).targets[0].endpoint.host,
    ]

    assert hosts == ["prod", "prod", "prod", "dev"]
    assert "documents for prod do not count" in read(text).targets[0].notes[-1]


def test_the_file_of_a_profile_comes_over_the_others() -> None:
    """application-prod.yaml next to application.yaml."""
    files = {"/app/application-prod.yaml": "otel.exporter.otlp.endpoint: https://prod:4318"}
    content = read_spring(
        b"otel.exporter.otlp.endpoint: https://dev:4318",
        "/app/application.yaml",
        {},
        JAVA_OKHTTP.id,
        profiles=("prod",),
        read_file=reader(files),
    )

    assert content.targets[0].endpoint.host == "prod"


def test_a_placeholder_without_a_value_is_named() -> None:
    """The application would not start either."""
    content = read("otel.exporter.otlp.endpoint: https://${BACKEND}:4318\n")

    (error,) = content.errors
    assert (error.line, error.key) == (1, "otel.exporter.otlp.endpoint")
    assert "${BACKEND} has neither a value nor a default" in error.reason


def test_without_an_exporter_it_says_what_was_looked_for() -> None:
    """Both programs' names."""
    assert "management.otlp" in read("server.port: 8080").empty


TEXTS: Final = st.lists(
    st.sampled_from(
        [
            *("otel.exporter.otlp.endpoint", "management.otlp.tracing.endpoint", ": ", "=", "\n"),
            *(
                "spring.config.activate.on-profile",
                "https://c:4318",
                "${A:",
                "}",
                "---\n",
                "#---\n",
            ),
            *("  ", "- ", "[0]", "prod & dev", "(", "!", "\\u12", "s3cret", "\t", "{", "'"),
        ]
    )
).map("".join)


@given(TEXTS, st.sampled_from(["application.yml", "application.properties"]))
def test_any_text_gives_targets_or_an_error(text: str, file: str) -> None:
    """With the file's name."""
    try:
        content = read(text, file)
    except ConfigurationError as error:
        assert error.file == file
    else:
        assert content.targets or content.errors or content.empty


@pytest.mark.parametrize(
    "text",
    [
        "otel.a: " + "${A:" * 5_000,
        "otel.a: " + "${otel.a}" * 50,
        "\n".join(f"otel.a{n}: ${{otel.a{n + 1}}}${{otel.a{n + 1}}}" for n in range(200)),
        "spring.config.activate.on-profile: '" + "(" * 5_000 + "'",
    ],
)
def test_no_text_takes_long(text: str) -> None:
    """Placeholders can double what they refer to, and nest."""
    begun = time.process_time()
    try:
        read(text)
    except ConfigurationError as error:
        assert error.file
    assert time.process_time() - begun < 5
