"""Targets from the command line: names, protocols, durations, and what is refused."""

from contextlib import suppress

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.config.arguments import (
    demo_configuration,
    make_targets,
    place_targets,
    read_duration,
    read_endpoints,
    read_listen,
    read_moment,
)
from probe.model.target import Endpoint, Secret, Source, Target, TlsSettings

SETTINGS = {
    "cert_file": None,
    "key_file": None,
    "ca_file": None,
    "server_name": "",
    "protocol": None,
    "exporter": "collector",
    "depth": "otlp",
    "timeout": "5s",
}


def targets(*endpoints: str, **chosen: str) -> tuple[Target, ...]:
    """Return the targets of `endpoints` with the default settings, but for `chosen`."""
    return make_targets(endpoints, **{**SETTINGS, **chosen})  # type: ignore[arg-type]  # the test's own table is untyped


def test_settings_go_to_every_endpoint() -> None:
    """One set of options is that of each target."""
    both = targets(
        *("a:1", "https://b:2/v1/traces"),
        cert_file="tls.crt",
        key_file="tls.key",
        ca_file="ca.crt",
        server_name="name",
        protocol="http/protobuf",
        depth="tls",
        timeout="1m30s",
    )
    for target in both:
        assert target.tls == TlsSettings(
            ca_file="ca.crt", cert_file="tls.crt", key_file="tls.key", server_name_override="name"
        )
        assert (target.protocol, target.depth, target.timeout) == ("http/protobuf", "tls", 90.0)
        assert target.sources == (Source("arguments"),)
    assert [target.endpoint.path for target in both] == ["", "/v1/traces"]


def test_the_protocol_follows_the_exporter() -> None:
    """One that speaks one protocol speaks it on every port, and another protocol is an error."""
    assert [one.protocol for one in targets("a:4317", "a:4318", exporter="node-grpc")] == [
        "grpc",
        "grpc",
    ]
    with pytest.raises(click.UsageError, match="python-http does not speak grpc"):
        targets("a:4317", exporter="python-http", protocol="grpc")


def test_the_protocol_follows_the_port() -> None:
    """4318 means http/protobuf unless an option says otherwise."""
    assert [target.protocol for target in targets("a:4317", "a:4318", "a:9")] == [
        "grpc",
        "http/protobuf",
        "grpc",
    ]
    assert [target.protocol for target in targets("a:4318", protocol="grpc")] == ["grpc"]


def test_names_are_unique() -> None:
    """An endpoint named twice is probed twice, under two names."""
    names = [target.name for target in targets("a:1", "https://a:1", "b:1", "a:1")]
    assert names == ["a:1", "a:1#2", "b:1", "a:1#3"]


@given(st.lists(st.sampled_from(["a:1", "b:2", "https://a:1", "[::1]:3"]), max_size=8))
@settings(max_examples=40)
def test_each_endpoint_has_a_target_of_its_own(endpoints: list[str]) -> None:
    """As many names as endpoints, in the same order."""
    made = targets(*endpoints)
    assert len({target.name for target in made}) == len(endpoints)
    assert [target.endpoint for target in made] == [Endpoint.parse(text) for text in endpoints]


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ("a", "has no port"),
        ("ftp://a:1", "the scheme"),
        ("a:x", "is not a number"),
        ("a\x1b[31m:1", "holds a space or a control character"),
    ],
)
def test_what_is_no_endpoint_is_a_usage_error(endpoint: str, reason: str) -> None:
    """The user sees which of many it was."""
    with pytest.raises(click.UsageError) as raised:
        targets("good:1", endpoint)
    assert reason in raised.value.message
    assert raised.value.message.startswith("endpoint 2, ")
    assert raised.value.message.isprintable()


@pytest.mark.parametrize(
    "endpoint", ["https://me:s3cret@a:1", "ftp://me:s3cret@a:1", "me:s3cret@a b:1", "me:s3cret@"]
)
def test_a_password_in_an_endpoint_is_not_repeated(endpoint: str) -> None:
    """The error says what is wrong without showing the text."""
    with pytest.raises(click.UsageError) as raised:
        targets(endpoint)
    assert "s3cret" not in raised.value.message
    assert "no user name or password" in raised.value.message


@pytest.mark.parametrize("endpoint", ["ftp://a:1/?token=s3cret", "https://a:0?token=s3cret"])
def test_a_token_in_an_endpoint_is_not_repeated(endpoint: str) -> None:
    """Nor is a query, which may hold one."""
    with pytest.raises(click.UsageError) as raised:
        targets(endpoint)
    assert "s3cret" not in raised.value.message


@pytest.mark.parametrize("name", ["a b", "a/b", "ü", "a\nb", "\udcff", "a@b"])
def test_a_server_name_that_no_grpc_request_can_hold_is_refused(name: str) -> None:
    """The user must fix it, it is not a fault of the probe; over HTTP it just matches nothing."""
    with pytest.raises(click.UsageError, match="--server-name") as raised:
        targets("a:4317", server_name=name)
    assert raised.value.message.isprintable()
    assert targets("a:4318", server_name=name)


@pytest.mark.parametrize("name", ["collector.example.com", "10.0.0.1", "spiffe://example.org/a"])
def test_a_server_name_may_be_a_name_an_address_or_a_uri(name: str) -> None:
    """What a certificate can hold, a target can be asked to have."""
    (target,) = targets("a:4317", server_name=name)
    assert target.reference_identifier == name


@pytest.mark.parametrize(
    ("text", "seconds"), [("5s", 5.0), ("1m30s", 90.0), ("250ms", 0.25), ("1h", 3600.0)]
)
def test_a_duration_is_gos(text: str, seconds: float) -> None:
    """Go's notation, as in the configuration."""
    assert read_duration(text, "--wait") == seconds


@pytest.mark.parametrize(
    "text",
    ["", "5", "s", "5 s", "-5s", "0s", "1h1", "∞s", "9" * 400 + "h", "5s foo 3s", "foo 3s", "3s,"],
)
def test_what_is_no_duration_is_a_usage_error(text: str) -> None:
    """The option is named with what was given."""
    with pytest.raises(click.UsageError, match="--wait"):
        read_duration(text, "--wait")


@given(st.text(max_size=12))
@settings(max_examples=150)
def test_any_text_is_a_duration_or_a_usage_error(text: str) -> None:
    """Nothing else is raised, and a duration is positive."""
    with suppress(click.UsageError):
        assert read_duration(text, "--timeout") > 0


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:9943", "127.0.0.1", 9943),
        ("[::1]:0", "::1", 0),
        (":9943", "0.0.0.0", 9943),
        ("localhost:65535", "localhost", 65535),
    ],
)
def test_where_to_listen(text: str, host: str, port: int) -> None:
    """HOST:PORT; no host is every address, port 0 a free one."""
    web = read_listen(text)
    assert (web.host, web.port) == (host, port)


@pytest.mark.parametrize(
    "text", ["", "9943", "a:", "a:b", "a:65536", "a:-1", "a:²", "a:" + "9" * 5000]
)
def test_where_nobody_can_listen(text: str) -> None:
    """Anything else is a usage error."""
    with pytest.raises(click.UsageError, match="is not HOST:PORT"):
        read_listen(text)


def test_lines_name_endpoints() -> None:
    """Comments and empty lines are none; the order stays."""
    assert read_endpoints(["a:1"], ["\n", "# b:2\n", "  c:3 \r\n", "a:1"]) == ["a:1", "c:3", "a:1"]
    with pytest.raises(click.UsageError, match="no endpoint is named"):
        read_endpoints([], ["", "#"])


def test_the_demo_probes_often() -> None:
    """The demo's targets keep all but their interval, and its page is where the user wants it."""
    (target,) = targets("a:1")
    configuration = demo_configuration([target], read_listen("127.0.0.1:1"))
    (watched,) = configuration.targets
    assert (watched.name, watched.endpoint) == (target.name, target.endpoint)
    assert watched.interval < target.interval
    assert configuration.web.port == 1


def test_a_name_is_connected_to_at_the_address_that_is_given() -> None:
    """What is verified stays; other targets are left alone."""
    targets = [
        Target(name="a", endpoint=Endpoint("gateway.otel.svc", 4317)),
        Target(name="b", endpoint=Endpoint("other", 4317)),
    ]
    placed = place_targets(targets, ["Gateway.otel.svc=127.0.0.1"])
    assert [target.address for target in placed] == ["127.0.0.1", ""]
    assert placed[0].reference_identifier == "gateway.otel.svc"


@pytest.mark.parametrize("text", ["", "a", "a=", "=127.0.0.1", "a=b", "a=127.0.0.1:4317"])
def test_what_is_not_a_name_with_an_address_is_a_usage_error(text: str) -> None:
    """Before anything is tried."""
    with pytest.raises(click.UsageError, match="is not NAME=ADDRESS"):
        place_targets([], [text])


def test_curls_way_to_give_an_address_is_for_one_port() -> None:
    """HOST:PORT:ADDRESS; an IPv6 address stands in brackets."""
    both = targets("gateway:4317", "gateway:4318")
    placed = place_targets(both, ["gateway:4317:[::1]"])
    assert [target.address for target in placed] == ["::1", ""]


def test_a_pasted_path_says_protocol_and_signal() -> None:
    """/v1/logs is OTLP/HTTP's on any port; an endpoint has no gRPC method."""
    method = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
    http, grpc, plain = targets("https://a/otlp/v1/logs", f"https://a:4318{method}", "https://a/x")
    assert (http.protocol, http.signal, http.endpoint.path) == (
        *("http/protobuf", "logs", "/otlp/v1/logs"),
    )
    assert (grpc.protocol, grpc.signal, grpc.endpoint.path) == ("grpc", "metrics", "")
    assert (plain.protocol, plain.signal) == ("grpc", "traces")
    (chosen,) = targets("https://a/v1/logs", protocol="grpc")
    assert chosen.protocol == "grpc"


def test_headers_are_secrets_in_both_forms() -> None:
    """The first `=` or `:` ends the name."""
    (target,) = make_targets(["a:1"], **SETTINGS, headers=["a=b:c", "Authorization: Basic x=="])  # type: ignore[arg-type]  # the test's own table is untyped
    assert target.headers == (("a", Secret("b:c")), ("Authorization", Secret("Basic x==")))
    for wrong in ("s3cret", "=s3cret", "bad name=s3cret", "a=s3cret\n"):
        with pytest.raises(click.UsageError) as raised:
            make_targets(["a:1"], **SETTINGS, headers=[wrong])  # type: ignore[arg-type]  # the same
        assert "s3cret" not in raised.value.message


def test_a_proxy_is_a_url_or_an_address() -> None:
    """`-x proxy:3128` is what people write; no error has its password."""
    (target,) = make_targets(["a:1"], **SETTINGS, proxy="proxy:3128")  # type: ignore[arg-type]  # the test's own table is untyped
    assert target.proxy_url == Secret("http://proxy:3128")
    with pytest.raises(click.UsageError) as raised:
        make_targets(["a:1"], **SETTINGS, proxy="https://user:s3cret@proxy:1")  # type: ignore[arg-type]  # the same
    assert "s3cret" not in raised.value.message


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-12-24", 1_798_070_400),
        ("2026-12-24T08:00:00Z", 1_798_099_200),
        ("2026-12-24t08:00:00z", 1_798_099_200),
        ("2026-12-24 09:00:00+01:00", 1_798_099_200),
        ("20261224T080000Z", 1_798_099_200),
        ("1949-12-31T23:59:59Z", -631_152_001),
        ("+1h30m", 5400),
    ],
)
def test_a_moment_is_read_in_each_form_of_rfc_3339(text: str, moment: float) -> None:
    """Its letters may be small (§5.6); a zone is given or is UTC, never that of this machine."""
    assert read_moment(text, "--at", 0.0) == moment
