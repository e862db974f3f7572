"""Where a Collector's exporter goes: its endpoint's forms, its names, its proxy."""

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
    ("lines", "override"),
    [
        (("authority: a.example.com:4317",), "a.example.com"),
        (("authority: a", "tls: {server_name_override: b}"), "b"),
        ((), ""),
    ],
)
def test_authority_is_verified_where_no_server_name_is_set(
    lines: tuple[str, ...], override: str
) -> None:
    """grpc-go passes its authority to the TLS handshake."""
    target = exporter("otlp", "endpoint: c:4317", *lines)
    assert target.tls.server_name_override == override


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
