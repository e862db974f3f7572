"""Mistakes in an SDK's declarative file: with their place, without a secret, never an exception."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.config.errors import ConfigurationError
from probe.config.sources.sdk.declarative_file import read_sdk_file
from tests.support.reported_faults import reported, targets_in
from tests.support.sdk_files import traces

PLACE = "tracer_provider.processors[0].batch.exporter."


@pytest.mark.parametrize(
    ("kind", "settings", "key", "reason"),
    [
        ("otlp_grpc", "{endpoint: 'unix:///x'}", ".endpoint", "scheme"),
        ("otlp_grpc", "{endpoint: c}", ".endpoint", "no port"),
        ("otlp_http", "{endpoint: 'c:4318'}", ".endpoint", "begins with http"),
        ("otlp_http", "{encoding: json}", ".encoding", "does not speak"),
        ("otlp", "{protocol: http/json}", ".protocol", "does not speak"),
        ("otlp_grpc", "{tls: {ca_fil: /a}}", ".tls.ca_fil", "unknown key"),
        ("otlp_grpc", "{tls: {insecure: 'true'}}", ".tls.insecure", "true or false"),
        ("otlp_grpc", "{headers: [{value: a}]}", ".headers[0].name", "missing"),
        ("otlp_grpc", "5", "", "a mapping"),
    ],
)
def test_what_makes_no_target_names_its_key(
    kind: str, settings: str, key: str, reason: str
) -> None:
    """With file and line."""
    with pytest.raises(ConfigurationError, match=reason) as caught:
        traces(kind, settings)
    assert caught.value.key == PLACE + kind + key
    assert (caught.value.file, caught.value.line) == ("sdk.yaml", 1)


@pytest.mark.parametrize(
    ("kind", "settings", "key", "reason"),
    [
        ("otlp", "{protocol: grcp}", ".protocol", "unknown"),
        ("otlp_http", "{encoding: xml}", ".encoding", "unknown"),
        (
            "otlp_grpc",
            "{headers: [{name: a b, value: c}]}",
            ".headers[0]",
            "not a valid HTTP header",
        ),
        ("otlp_grpc", "{headers_list: a}", ".headers_list", "member 1"),
    ],
)
def test_what_no_exporter_can_use_is_a_target_that_fails(
    kind: str, settings: str, key: str, reason: str
) -> None:
    """The fault has file, line and key; nothing of the settings is left to be sent."""
    target = traces(kind, settings)
    (fault,) = target.faults
    assert fault.fact.startswith(f"sdk.yaml:1: {PLACE}{kind}{key}: ")
    assert reason in fault.fact
    assert target.headers == ()


def test_one_wrong_exporter_does_not_stop_the_others() -> None:
    """One with a protocol that is none, one without a usable endpoint, and one that is right."""
    stage = "{{batch: {{exporter: {{{}}}}}}}".format
    found = read_sdk_file(
        (
            "tracer_provider: {processors: ["
            + ", ".join(
                (
                    stage("otlp: {protocol: grcp}"),
                    stage("otlp_grpc: {endpoint: nowhere}"),
                    stage("otlp_grpc: {endpoint: 'https://right:4317'}"),
                )
            )
            + "]}"
        ).encode(),
        "sdk.yaml",
        {},
    )
    failing, right = found.targets
    assert failing.faults
    assert (right.endpoint.host, right.faults) == ("right", ())
    (error,) = found.errors
    assert error.key == "tracer_provider.processors[1].batch.exporter.otlp_grpc.endpoint"


@pytest.mark.parametrize(
    "settings",
    [
        "{endpoint: 'https://u:s3cret@c:1'}",
        "{endpoint: 's3cret@c'}",
        "{headers_list: s3cret}",
        "{headers_list: [s3cret]}",
        "{headers_list: {a: s3cret}}",
        '{headers: [{name: a, value: "s3cret\\x01"}]}',
        "{headers: [{name: a, value: [s3cret]}]}",
        "{headers: s3cret}",
    ],
)
def test_errors_show_no_secret(settings: str) -> None:
    """Neither a password nor a header's value."""
    assert "s3cret" not in reported(lambda: (traces("otlp_grpc", settings),))


pieces = st.sampled_from(
    [
        *("tracer_provider", "meter_provider", "processors", "readers", "batch", "periodic"),
        *("exporter", "otlp_grpc", "otlp_http", "otlp", "endpoint", "tls", "headers", "insecure"),
        *("headers_list", "ca_file", "name", "value", "${A}", "${A:-1}", "${", "$$", "a=b"),
        *("https://c:1", "http://[::1]:2/x", "<<", "&a", "*a", "true", "1", "null", "!!int"),
    ]
)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | pieces,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(pieces | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
exporters = st.dictionaries(st.sampled_from(["otlp_grpc", "otlp_http", "otlp"]), trees, max_size=2)
files = exporters.map(
    lambda exporter: {"tracer_provider": {"processors": [{"batch": {"exporter": exporter}}]}}
)
joints = st.sampled_from([" ", "\n", ": ", "\n  ", "- ", "{", "}", "[", "]", ", ", '"', "'"])


@settings(max_examples=200, deadline=None)
@given(
    (trees | files).map(msgspec.json.encode)
    | st.binary(max_size=60)
    | st.lists(pieces | joints, max_size=25).map(lambda parts: "".join(parts).encode()),
    st.dictionaries(st.sampled_from(["A", "HTTPS_PROXY"]), st.text(max_size=8), max_size=2),
)
def test_any_file_gives_targets_or_an_error(raw: bytes, environ: dict[str, str]) -> None:
    """Nothing else ever comes out."""
    with suppress(ConfigurationError):
        for target in targets_in(read_sdk_file(raw, "f", environ)):
            assert target.name.startswith("sdk")
