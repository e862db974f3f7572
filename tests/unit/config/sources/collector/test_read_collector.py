"""A Collector's configuration becomes the targets to which that Collector exports."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.config.errors import ConfigurationError
from probe.model.target import Endpoint, Secret, Source, Target, TlsSettings
from tests.support.collector_texts import (
    FILE,
    collector_documents,
    exporter,
    headers_of,
    reading,
    with_exporter,
)
from tests.support.pki import Authority

FOUR = """
receivers: {otlp: {protocols: {grpc: }}}
extensions: {bearertokenauth/eu: {token: "${env:TOKEN}"}}
exporters:
  debug:
  otlp_grpc/file:
    endpoint: collector-a.example.com:4317
    timeout: 10s
    sending_queue: {enabled: false}
    tls:
      ca_file: ${env:CERTS}/ca.crt
      cert_file: ${env:CERTS}/tls.crt
      key_file: ${env:CERTS}/tls.key
      server_name_override: collector.example.com
      min_version: "1.3"
      cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]
      curve_preferences: [X25519, P256]
      reload_interval: 5m
  otlp/pem:
    endpoint: dns:///collector-b.example.com:4317
    compression: none
    headers: {X-Tenant: "${env:TENANT}"}
    tls: {cert_pem: "${env:CERT_PEM}", key_pem: "${file:/keys/tls.key}", ca_pem: "${env:CA_PEM}"}
  otlp_http:
    endpoint: https://collector-c.example.com
    proxy_url: http://proxy.example.com:3128
    auth: {authenticator: bearertokenauth/eu}
    tls: {insecure_skip_verify: true, include_system_ca_certs_pool: true}
  otlphttp/old:
    endpoint: https://collector-d.example.com:4318/otlp/
    headers: [{name: authorization, value: "Basic ${env:TOKEN:-none}"}]
    tls: {max_version: "1.2", include_insecure_cipher_suites: true}
service:
  extensions: [bearertokenauth/eu]
  pipelines:
    traces: {receivers: [otlp], exporters: [otlp_grpc/file, debug]}
    metrics/fast: {receivers: [otlp], exporters: [otlp_grpc/file, otlp/pem, otlp_http]}
    logs: {receivers: [otlp], exporters: [otlphttp/old, otlp_http]}
"""


def test_four_exporters_are_four_targets_with_exactly_their_settings() -> None:
    """Both protocols, old and new names, `${env:…}`, a `_file` and a `_pem`: nothing is lost."""
    authority = Authority.root("Exporter CA")
    issued = authority.issue("exporter")
    certificate, key, ca = (
        raw.decode("ascii") for raw in (issued.pem, issued.key_pem, authority.pem)
    )
    environ = {
        "CERTS": "/etc/otel",
        "TENANT": "0042",
        "TOKEN": "secret",
        "CERT_PEM": certificate,
        "CA_PEM": ca,
    }
    there = dict.fromkeys(("/etc/otel/ca.crt", "/etc/otel/tls.crt", "/etc/otel/tls.key"), "")
    found = reading(FOUR, environ=environ, files={"/keys/tls.key": key, **there})
    sources = (Source("collector", FILE),)
    assert found.targets == (
        Target(
            name="otlp_grpc/file",
            endpoint=Endpoint("collector-a.example.com", 4317),
            protocol="grpc",
            signal="traces",
            tls=TlsSettings(
                ca_file="/etc/otel/ca.crt",
                cert_file="/etc/otel/tls.crt",
                key_file="/etc/otel/tls.key",
                server_name_override="collector.example.com",
                min_version="1.3",
                cipher_suites=("TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",),
                curve_preferences=("X25519", "P256"),
                reload_interval=300.0,
            ),
            sources=sources,
        ),
        Target(
            name="otlp/pem",
            endpoint=Endpoint("collector-b.example.com", 4317),
            protocol="grpc",
            signal="metrics",
            tls=TlsSettings(cert_pem=certificate, key_pem=Secret(key), ca_pem=ca),
            headers=(("x-tenant", Secret("0042")),),
            sources=sources,
        ),
        Target(
            name="otlp_http",
            endpoint=Endpoint("collector-c.example.com", 443, "/v1/metrics", "https"),
            protocol="http/protobuf",
            signal="metrics",
            tls=TlsSettings(insecure_skip_verify=True, include_system_ca_certs_pool=True),
            headers=(("Authorization", Secret("Bearer secret")),),
            proxy_url=Secret("http://proxy.example.com:3128"),
            sources=sources,
            authority="collector-c.example.com",
        ),
        Target(
            name="otlphttp/old",
            endpoint=Endpoint("collector-d.example.com", 4318, "/otlp/v1/logs", "https"),
            protocol="http/protobuf",
            signal="logs",
            tls=TlsSettings(max_version="1.2", include_insecure_cipher_suites=True),
            headers=(("authorization", Secret("Basic secret")),),
            sources=sources,
        ),
    )
    assert found.warnings == ()


def test_an_exporter_in_no_pipeline_is_a_warning() -> None:
    """It never exports; where the Collector refuses its settings, the configuration fails."""
    text = with_exporter("otlp", "endpoint: c:4317") + "    \n"
    found = reading(text.replace("exporters:\n", "exporters:\n  otlp/x: {endpoint: c:5}\n", 1))
    assert [target.name for target in found.targets] == ["otlp"]
    assert found.warnings == (
        f"{FILE}: exporters.otlp/x: no pipeline uses it, so it is not probed",
    )
    wrong = reading(text.replace("exporters:\n", "exporters:\n  otlp/x: {endpoint: 5}\n", 1))
    good, whole = wrong.targets
    assert (good.name, good.faults, whole.name) == ("otlp", (), FILE)
    assert "exporters.otlp/x.endpoint: must be text" in whole.faults[0].fact


def test_profiles_alone_make_no_target() -> None:
    """OTLP has no stable service for them, and a Collector needs a feature gate."""
    found = reading(with_exporter("otlp", "endpoint: c:4317", signals=("profiles",)))
    (whole,) = found.targets
    assert "needs the feature gate service.profilesSupport" in whole.faults[0].fact
    assert "only pipelines of profiles" in found.warnings[0]


def test_an_exporter_behind_a_connector_is_a_target() -> None:
    """A connector is in a pipeline's exporters too, and is none of them."""
    text = """
receivers: {otlp: {protocols: {grpc: }}}
connectors: {forward: }
exporters: {otlp: {endpoint: "c:4317"}}
service:
  pipelines:
    traces/in: {receivers: [otlp], exporters: [forward]}
    traces/out: {receivers: [forward], exporters: [otlp]}
"""
    found = reading(text)
    assert [target.name for target in found.targets] == ["otlp"]
    assert found.warnings == ()


def test_other_exporters_are_not_probed() -> None:
    """A file without OTLP exporters gives no targets and says so."""
    found = reading(with_exporter("debug"))
    assert (found.targets, found.warnings) == ((), (f"{FILE}: it holds no OTLP exporter",))


@pytest.mark.parametrize(
    ("signals", "signal"),
    [
        (("logs", "metrics"), "metrics"),
        (("metrics/a", "traces/b"), "traces"),
        (("logs/only",), "logs"),
    ],
)
def test_the_first_signal_that_reaches_an_exporter_is_its_own(
    signals: tuple[str, ...], signal: str
) -> None:
    """Of traces, metrics and logs, in this order, whatever the order of the pipelines."""
    assert exporter("otlp", "endpoint: c:4317", signals=signals).signal == signal


def test_ids_are_read_without_spaces() -> None:
    """The Collector trims both halves of an id, and then looks for settings under what is left."""
    text = with_exporter("' otlp / eu '", "endpoint: c:4317")
    (target,) = reading(text.replace("[' otlp / eu ']", "[otlp/eu]")).targets
    assert target.name == "otlp/eu"
    assert "its settings are not found" in target.faults[0].fact


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [("", None), ("0", None), ("0s", None), ("1h30m", 5400.0), ("2000000000", 2.0)],
)
def test_reload_interval_is_gos(interval: str, seconds: float | None) -> None:
    """Unset and zero mean never; a bare number is nanoseconds to Go's decoder."""
    target = exporter("otlp", "endpoint: c:4317", f"tls: {{reload_interval: {interval}}}")
    assert target.tls.reload_interval == seconds


def test_names_may_stand_in_one_text() -> None:
    """The Collector splits a text at commas where it wants a list."""
    tls = exporter("otlp", "endpoint: c:4317", "tls: {curve_preferences: 'P256,P384'}").tls
    assert tls.curve_preferences == ("P256", "P384")


def test_null_is_not_set() -> None:
    """A key without a value leaves the default; a header without one is empty."""
    lines = ("endpoint: https://c", "tls:", "auth:", "proxy_url:", "headers: {a: }")
    target = exporter("otlp_http", *lines)
    assert (target.tls, headers_of(target)) == (TlsSettings(), {"a": ""})


def test_an_unknown_key_of_an_exporter_names_the_release_that_refuses_it() -> None:
    """Another release may have it. confighttp passes over such a key, which is a finding."""
    (fault,) = exporter("otlp", "endpoint: c:4317", "endpont: c").faults
    assert "unknown key (Collector v0.162.0: has invalid keys: endpont)" in fault.fact
    assert "did you mean endpoint?" in fault.fix[0]
    target = exporter("otlp_http", "endpoint: https://c", "tls: {insecur: true}")
    assert not target.faults
    assert "which a Collector v0.162.0 passes over" in target.remarks[0].fact
    (fault,) = exporter("otlp", "endpoint: c:4317", "tls: {cafile: /ca}").faults
    assert "exporters.otlp.tls.cafile: unknown key" in fault.fact
    assert "did you mean ca_file?" in fault.fix[0]


def test_an_unset_variable_is_a_warning() -> None:
    """It expands to nothing, as in the Collector."""
    lines = ("endpoint: c:4317", "headers: {a: 'x${env:NOPE}'}")
    found = reading(with_exporter("otlp", *lines))
    assert headers_of(found.targets[0]) == {"a": "x"}
    expected = "exporters.otlp.headers.a: the variable NOPE is not set and expands to nothing"
    assert found.warnings == (f"{FILE}: {expected}",)


def test_a_value_keeps_its_text_where_text_is_wanted() -> None:
    """A number in a variable is a header's text as it was written."""
    lines = ("endpoint: c:4317", "headers: {a: '${env:N}'}")
    assert headers_of(exporter("otlp", *lines, environ={"N": "0x10"})) == {"a": "0x10"}


@settings(max_examples=300, deadline=None)
@given(st.lists(collector_documents, min_size=1, max_size=2), st.text(max_size=10))
def test_any_yaml_gives_targets_warnings_or_an_error(
    held: list[dict[str, object]], text: str
) -> None:
    """Nothing else ever comes out, whatever the files and the environment hold."""
    texts = [json.dumps(each, ensure_ascii=False) for each in held]
    with suppress(ConfigurationError):
        found = reading(*texts, environ={"A": text}, files={"a": text})
        assert all(target.name for target in found.targets)
