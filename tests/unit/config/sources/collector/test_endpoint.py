"""Where a Collector's exporter goes: its endpoint's forms, its names, its proxy."""

import json

import pytest

from probe.model.target import Endpoint, Secret
from tests.support.collector_texts import (
    exporter,
    headers_of,
    reading,
    with_exporter,
)

BOTH = ("traces", "metrics", "logs")


@pytest.mark.parametrize(
    ("lines", "endpoints"),
    [
        (("endpoint: https://c:4318",), {"otlp_http": "c:4318/v1/traces"}),
        (("endpoint: https://c:4318/",), {"otlp_http": "c:4318/v1/traces"}),
        (("endpoint: http://c/base",), {"otlp_http": "c:80/base/v1/traces"}),
        (
            ("endpoint: https://c:4318", "metrics_endpoint: https://m/own"),
            {"otlp_http": "c:4318/v1/traces", "otlp_http-metrics": "m:443/own"},
        ),
        (
            ("endpoint: https://c:4318", "traces_endpoint: https://t"),
            {"otlp_http": "t:443/", "otlp_http-metrics": "c:4318/v1/metrics"},
        ),
        (
            tuple(f"{signal}_endpoint: https://c/v1/{signal}" for signal in BOTH),
            {"otlp_http": "c:443/v1/traces"},
        ),
        (
            tuple(f"{signal}_endpoint: https://{signal}/v1/{signal}" for signal in BOTH),
            {
                "otlp_http": "traces:443/v1/traces",
                "otlp_http-metrics": "metrics:443/v1/metrics",
                "otlp_http-logs": "logs:443/v1/logs",
            },
        ),
    ],
)
def test_an_http_exporter_has_a_target_for_each_endpoint(
    lines: tuple[str, ...], endpoints: dict[str, str]
) -> None:
    """A base gets the signal's path, a signal's own URL is used as it is; equal ones are one."""
    found = reading(with_exporter("otlp_http", *lines, signals=BOTH)).targets
    shown = {each.name: f"{each.endpoint.authority}{each.endpoint.path}" for each in found}
    assert shown == endpoints


def test_a_users_name_in_the_url_becomes_a_header() -> None:
    """Go sends it as Basic, unless an Authorization header is set."""
    target = exporter("otlp_http", "endpoint: https://user:pa%40ss@c:4318/x")
    assert target.endpoint == Endpoint("c", 4318, "/x/v1/traces", "https")
    assert headers_of(target) == {"Authorization": "Basic dXNlcjpwYUBzcw=="}
    own = ("endpoint: https://u:p@c:4318", "headers: {authorization: mine}")
    assert headers_of(exporter("otlp_http", *own)) == {"authorization": "mine"}


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("c:4317", "c"),
        ("https://c:4317", "c"),
        ("dns:///c:4317", "c"),
        ("DNS:///c:4317", "c"),
        ("passthrough:///c:4317", "c"),
        ("':4317'", "localhost"),
        ("'[::1]:4317'", "::1"),
        ("dns:///[2001:db8::1]:4317", "2001:db8::1"),
    ],
)
def test_the_forms_of_a_grpc_endpoint(text: str, host: str) -> None:
    """A gRPC resolver's scheme and its authority are not part of the address."""
    target = exporter("otlp", f"endpoint: {text}")
    assert target.endpoint == Endpoint(host, 4317)
    assert not target.plaintext
    assert target.remarks == ()


@pytest.mark.parametrize(
    ("kind", "lines", "authority", "name"),
    [
        ("otlp", ("endpoint: c:4317",), "", "c"),
        ("otlp", ("endpoint: C.example:4317",), "", "C.example"),
        ("otlp", ("endpoint: c:4317", "authority: a.example.com:99"), "a.example.com:99", "a.example.com"),
        ("otlp", ("endpoint: c:4317", "authority: a"), "a", "a"),
        ("otlp", ("endpoint: c:4317", "tls: {server_name_override: 'b:99'}"), "", "b"),
        ("otlp", ("endpoint: c:4317", "tls: {server_name_override: '[::1]:44'}"), "", "::1"),
        ("otlp", ("endpoint: c:4317", "authority: b", "tls: {server_name_override: b}"), "b", "b"),
        ("otlp", ("endpoint: c:4317", "authority: a", "tls: {insecure: true}"), "a", "a"),
        ("otlp_http", ("endpoint: https://c",), "c", "c"),
        ("otlp_http", ("endpoint: https://c:443",), "", "c"),
        ("otlp_http", ("endpoint: https://C:4318",), "", "C"),
        ("otlp_http", ("endpoint: https://c:4318", "tls: {server_name_override: 'b:9'}"), "", "b:9"),
        ("otlp_http", ("endpoint: https://bücher.example:4318",), "", "xn--bcher-kva.example"),
        (
            "otlp_http",
            ("endpoint: https://BÜCHER.example:4318",),
            "xn--BCHER-2pa.example:4318",
            "xn--bcher-kva.example",
        ),
    ],
)  # fmt: skip
def test_what_requests_name_and_what_is_verified(
    kind: str, lines: tuple[str, ...], authority: str, name: str
) -> None:
    """grpc-go has one text for both and takes the port off it; net/http maps what it verifies."""
    target = exporter(kind, *lines)
    assert target.faults == ()
    assert (target.authority, target.reference_identifier) == (authority, name)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("HTTPS://c:4317", "in capitals"),
        ("Http://c:4317", "in capitals"),
        ("grpc://c:4317", "grpc:// is not a scheme of gRPC"),
        ("tcp://c:4317", "tcp:// is not a scheme of gRPC"),
        ("dns://c:4317", "two slashes after dns:"),
        ("https://c:4317/", "write host:port"),
        ("dns:///c", "write host:port"),
        ("c", "write host:port"),
        ("a:b:4317", "write host:port"),
        ("'https://'", "is empty"),
        ("'[fe80::1%eth0]:4317'", "write host:port"),
    ],
)
def test_a_grpc_endpoint_that_is_never_reached(text: str, reason: str) -> None:
    """Some keep the Collector from starting, others from ever exporting: both are said."""
    content = reading(with_exporter("otlp", f"endpoint: {text}"))
    said = [error.reason for error in content.errors]
    said += [fault.fact for target in content.targets for fault in target.faults]
    assert len(said) == 1
    assert reason in said[0]


@pytest.mark.parametrize("host", ["bücher.example", "127.1", "a..b", "-a.example", "' c'", "a b"])
def test_a_host_that_go_never_looks_up_is_a_fault(host: str) -> None:
    """Go's resolver asks for domain names and addresses alone."""
    quoted = f"'{host.strip(chr(39))}:4317'"
    target = exporter("otlp", f"endpoint: {quoted}")
    assert [fault.cause for fault in target.faults] == ["exporter_configuration_invalid"]


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/a b", "/a%20b/v1/traces"),
        ("/a%20b%2Fc", "/a%20b%2Fc/v1/traces"),
        ("/ä", "/%C3%A4/v1/traces"),
        ("/x?token=1", "/x?token=1/v1/traces"),
        ("/x#fragment", "/x"),
        ("/a/../b/./c//d", "/a/../b/./c//d/v1/traces"),
        ("/a;b=c&d|e^f{g}h'i\"j<k>l`m[n]",
         "/a;b=c&d%7Ce%5Ef%7Bg%7Dh%27i%22j%3Ck%3El%60m%5Bn%5D/v1/traces"),
        ("/it's", "/it's/v1/traces"),
    ],
)  # fmt: skip
def test_the_path_of_a_request_is_the_one_that_go_writes(written: str, sent: str) -> None:
    """Measured with the real Collector: nothing is cleaned, what has to be is percent-encoded."""
    target = exporter("otlp_http", f"endpoint: {json.dumps(f'https://c:4318{written}')}")
    assert target.endpoint.path == sent


@pytest.mark.parametrize(
    ("lines", "offered"),
    [
        ((), True),
        (("force_attempt_http2: false",), False),
        (("force_attempt_http2: false", "http2_read_idle_timeout: 0s"), False),
        (("force_attempt_http2: false", "http2_read_idle_timeout: 10s"), True),
    ],
)
def test_whether_http2_is_offered(lines: tuple[str, ...], *, offered: bool) -> None:
    """A health check of HTTP/2 configures it even where it is not to be attempted."""
    assert exporter("otlp_http", "endpoint: https://c:4318", *lines).offers_http2 is offered


def test_two_names_for_the_backend_are_a_fault() -> None:
    """grpc-go does not start with an authority that is not the name of its TLS credentials."""
    lines = ("endpoint: c:4317", "authority: a", "tls: {server_name_override: b}")
    (fault,) = exporter("otlp", *lines).faults
    assert "is not tls.server_name_override, b" in fault.fact


PROXY = {"HTTPS_PROXY": "proxy:3128", "NO_PROXY": "direct.example.com"}


@pytest.mark.parametrize(
    ("kind", "endpoint", "proxied"),
    [
        ("otlp", "c:4317", True),
        ("otlp", "direct.example.com:4317", False),
        ("otlp", "localhost:4317", False),
        ("otlp_http", "https://c:4318", True),
        ("otlp_http", "http://c:4318", False),
        ("otlp_http", "https://direct.example.com", False),
    ],
)
def test_the_proxy_of_the_environment_is_used(kind: str, endpoint: str, *, proxied: bool) -> None:
    """Go's exporters read HTTPS_PROXY and NO_PROXY."""
    target = exporter(kind, f"endpoint: {endpoint}", environ=PROXY)
    assert target.proxy_url == (Secret("http://proxy:3128") if proxied else None)


def test_proxy_url_comes_before_the_environment() -> None:
    """NO_PROXY is not asked then; a gRPC exporter has no such key."""
    lines = ("endpoint: https://direct.example.com", "proxy_url: http://own:1")
    assert exporter("otlp_http", *lines, environ=PROXY).proxy_url == Secret("http://own:1")


@pytest.mark.parametrize(
    ("proxy", "grpc", "http"),
    [
        ("http://p", "http://p:443", "http://p"),
        ("p:3128", "http://p:3128", "http://p:3128"),
        ("socks5://p:1080", "http://p:1080", None),
        ("https://u:x@p", "http://u:x@p:443", None),
    ],
)
def test_a_proxy_as_each_client_takes_it(proxy: str, grpc: str, http: str | None) -> None:
    """Measured: grpc-go speaks CONNECT to whatever it is, and knows no port but 443 for it."""
    environ = {"HTTPS_PROXY": proxy}
    assert exporter("otlp", "endpoint: c:4317", environ=environ).proxy_url == Secret(grpc)
    content = reading(with_exporter("otlp_http", "endpoint: https://c:4318"), environ=environ)
    found = [one.proxy_url for one in content.targets if not one.faults]
    assert found == ([Secret(http)] if http else [])
    assert http or "its proxy speaks no CONNECT" in content.warnings[0]
