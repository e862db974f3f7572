"""An SDK's declarative file becomes the targets to which that SDK would export."""

import pytest

from probe.config.errors import ConfigurationError
from probe.config.sources.sdk.declarative_file import read_sdk_file
from probe.model.target import Source, Target
from tests.support.sdk_files import FULL, read, traces


def facts(target: Target) -> str:
    """Return the findings about a target, a line each."""
    return "\n".join(remark.fact for remark in target.remarks)


def test_every_otlp_exporter_is_a_target() -> None:
    """Each with its own settings; what else a file holds is the SDK's business."""
    first, second, third = read(FULL, {"TOKEN": "secret"})
    assert (first.name, first.signal, first.protocol) == ("sdk-traces", "traces", "grpc")
    assert str(first.endpoint) == "collector:4317"
    assert (first.tls.ca_file, first.tls.cert_file, first.tls.key_file) == ("/ca", "/cert", "/key")
    assert first.sources == (Source("sdk", "sdk.yaml"),)
    assert (second.name, second.protocol) == ("sdk-metrics", "http/protobuf")
    assert (str(second.endpoint), second.endpoint.path) == ("metrics:4318", "/v1/metrics")
    assert (third.name, str(third.endpoint), third.endpoint.path, third.plaintext) == (
        "sdk-logs",
        "localhost:4318",
        "/v1/logs",
        True,
    )
    assert not any(target.remarks for target in (first, second, third))


def test_headers_come_before_the_list_of_headers() -> None:
    """Names are compared without case; a pair without a value is none."""
    target = read(FULL, {"TOKEN": "secret"})[0]
    shown = [(name, value.reveal()) for name, value in target.headers]
    assert shown == [("api-key", "secret"), ("tenant", "a b")]


def test_the_exporters_timeout_is_not_ours() -> None:
    """It is a request's, and milliseconds by the schema: no doubt about its unit to speak of."""
    assert read(FULL)[0].timeout == 5.0


@pytest.mark.parametrize(
    ("kind", "endpoint", "path"),
    [("otlp_grpc", "localhost:4317", ""), ("otlp_http", "localhost:4318", "/v1/traces")],
)
def test_an_exporter_that_says_nothing_has_the_defaults(
    kind: str, endpoint: str, path: str
) -> None:
    """In clear, to this host."""
    for nothing in ("", "{}", "{endpoint: }", "{endpoint: '${UNSET}', tls: , headers: }"):
        target = traces(kind, nothing)
        assert (str(target.endpoint), target.endpoint.path) == (endpoint, path)
        assert target.plaintext


def all_signals(exporter: str, last: str = "") -> str:
    """Return a file where each signal has `exporter`, or logs `last`; SIGNAL becomes its name."""
    return f"""
tracer_provider: {{processors: [{{batch: {{exporter: {exporter.replace("SIGNAL", "traces")}}}}}]}}
meter_provider: {{readers: [{{periodic: {{exporter: {exporter.replace("SIGNAL", "metrics")}}}}}]}}
logger_provider: {{processors: [{{simple: {{exporter: {(last or exporter).replace("SIGNAL", "logs")}}}}}]}}
"""


@pytest.mark.parametrize(
    "exporter",
    ["{otlp_grpc: {endpoint: 'https://c:4317'}}", "{otlp_http: }"],
)
def test_signals_that_share_their_settings_are_one_target(exporter: str) -> None:
    """It is named sdk and exports the first of them."""
    (target,) = read(all_signals(exporter))
    assert (target.name, target.signal) == ("sdk", "traces")


def test_http_endpoints_that_differ_in_the_signals_path_are_shared() -> None:
    """As one base endpoint of the environment would be."""
    (target,) = read(all_signals("{otlp_http: {endpoint: 'https://c:4318/base/v1/SIGNAL'}}"))
    assert (target.name, target.endpoint.path) == ("sdk", "/base/v1/traces")


def test_http_endpoints_with_a_path_of_their_own_are_not_shared() -> None:
    """A request of one signal does not show what is served to another."""
    found = read(all_signals("{otlp_http: {endpoint: 'https://c:4318/in'}}"))
    assert [target.name for target in found] == ["sdk-traces", "sdk-metrics", "sdk-logs"]


def test_a_signal_that_goes_its_own_way_is_a_further_target() -> None:
    """Any difference in settings makes one."""
    grpc = "{otlp_grpc: {endpoint: 'https://c:4317', tls: {ca_file: %s}}}"
    found = read(all_signals(grpc % "/a", grpc % "/b"))
    assert [(target.name, target.signal) for target in found] == [
        ("sdk", "traces"),
        ("sdk-logs", "logs"),
    ]


def test_two_equal_exporters_of_one_signal_never_merge() -> None:
    """The exporters of one file stay apart."""
    one = "{batch: {exporter: {otlp_grpc: }}}"
    found = read(f"tracer_provider: {{processors: [{one}, {one}]}}")
    assert [target.name for target in found] == ["sdk-traces", "sdk-traces"]


def test_a_file_without_otlp_or_disabled_has_no_targets() -> None:
    """Both are a choice, and why there is nothing to probe is said."""
    for text, why in (
        ("file_format: '1.0'", "no OTLP exporter"),
        ("disabled: true\n" + FULL, "disabled: true"),
        ("disabled: ${OFF:-true}\n" + FULL, "disabled: true"),
    ):
        found = read_sdk_file(text.encode(), "sdk.yaml", {})
        assert (found.targets, found.errors) == ((), ())
        assert why in found.empty


def test_an_empty_file_is_an_error() -> None:
    """It was cut short, or is about to be written: what was read before stays in force."""
    with pytest.raises(ConfigurationError, match="is empty"):
        read("")


@pytest.mark.parametrize(
    "settings",
    [
        "{tls: {ca_file: /a, cert_file: /b, key_file: /c}}",
        "{tls: {certificate_file: /a, client_certificate_file: /b, client_key_file: /c}}",
        "{certificate_file: /a, client_certificate_file: /b, client_key_file: /c}",
        "{certificate: /a, client_certificate: /b, client_key: /c}",
    ],
)
def test_earlier_formats_name_files_otherwise(settings: str) -> None:
    """From 1.0 back to 0.1."""
    tls = traces("otlp_grpc", settings).tls
    assert (tls.ca_file, tls.cert_file, tls.key_file) == ("/a", "/b", "/c")


@pytest.mark.parametrize(
    ("settings", "protocol", "path"),
    [
        ("{protocol: http/protobuf, endpoint: 'https://c:4318'}", "http/protobuf", "/v1/traces"),
        ("{protocol: http/protobuf, endpoint: 'https://c:4318/x'}", "http/protobuf", "/x"),
        ("{protocol: grpc, endpoint: 'https://c:4317'}", "grpc", ""),
        ("{protocol: grpc/protobuf, endpoint: 'https://c:4317'}", "grpc", ""),
        ("{endpoint: 'https://c:4318'}", "http/protobuf", "/v1/traces"),
    ],
)
def test_otlp_of_early_formats(settings: str, protocol: str, path: str) -> None:
    """Its protocol is a key of its own, and its headers may be a mapping."""
    target = traces("otlp", settings[:-1] + ", headers: {a: 1, b: }}")
    assert (target.protocol, target.endpoint.path) == (protocol, path)
    assert [(name, value.reveal()) for name, value in target.headers] == [("a", "1")]
    chosen = ("otlp sets no protocol: http/protobuf is taken, on any port",)
    assert target.notes == (() if "protocol" in settings else chosen)


@pytest.mark.parametrize(
    ("endpoint", "insecure", "plaintext", "is_finding"),
    [
        ("c:4317", "", False, False),
        ("c:4317", "true", True, False),
        ("https://c:4317", "true", False, True),
        ("http://c:4317", "false", True, True),
        ("http://c:4317", "true", True, False),
        ("https://c:4317", "false", False, False),
    ],
)
def test_the_scheme_comes_before_insecure(
    endpoint: str, insecure: str, *, plaintext: bool, is_finding: bool
) -> None:
    """`insecure` counts only without a scheme; with a contradicting scheme it is a finding."""
    target = traces("otlp_grpc", f"{{endpoint: '{endpoint}', tls: {{insecure: {insecure}}}}}")
    assert target.plaintext is plaintext
    assert ("insecure" in facts(target)) is is_finding


def test_certificates_with_http_are_findings() -> None:
    """As in the environment."""
    grpc = traces("otlp_grpc", "{endpoint: 'http://c:1', tls: {ca_file: /a}}")
    assert "ca_file has no effect" in facts(grpc)
    assert "Go's gRPC exporters use TLS nevertheless" in facts(grpc)
    http = traces("otlp_http", "{endpoint: 'http://c:1/v1/traces', tls: {cert_file: /a}}")
    assert "cert_file has no effect" in facts(http)
    assert "do not start" not in facts(http)


def test_an_http_endpoint_is_used_as_it_is() -> None:
    """Without a path that is the root, which no receiver serves; the behaviour of Go is a finding."""
    target = traces("otlp_http", "{endpoint: 'https://c:4318'}")
    assert target.endpoint.path == "/"
    assert "Go's exporters add /v1/<signal>" in facts(target)
    assert facts(traces("otlp_http", "{endpoint: 'https://c:4318/v1/traces'}")) == ""


def test_variables_with_a_file_are_findings() -> None:
    """The file replaces them; Go's exporters read them all the same."""
    target = traces("otlp_grpc", "", {"OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca"})
    assert "declarative file, which replaces them" in facts(target)
    assert target.tls.ca_file is None
    assert facts(traces("otlp_grpc", "", {"OTEL_EXPORTER_OTLP_CERTIFICATE": ""})) == ""


def test_the_proxy_of_the_environment_is_used() -> None:
    """As for an SDK that reads its variables."""
    environ = {"HTTPS_PROXY": "proxy:3128", "NO_PROXY": "direct"}
    proxied = traces("otlp_grpc", "{endpoint: 'https://c:4317'}", environ).proxy_url
    assert proxied is not None
    assert proxied.reveal() == "http://proxy:3128"
    assert traces("otlp_grpc", "{endpoint: 'https://direct:4317'}", environ).proxy_url is None
