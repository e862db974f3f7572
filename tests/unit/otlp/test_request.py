"""The request that a target is asked with, read back by real h2 and h11 servers."""

import base64
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.settings
import h11
import pytest
from hpack import Decoder
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.model.target import Endpoint, Protocol, Secret, Signal, Target, TlsSettings
from probe.otlp.http1 import Http1Exchange
from probe.otlp.http2 import Http2Exchange
from probe.otlp.request import MAX_MESSAGE, OPENING, build_request

AGENT = "mtls-probe/1.0"


def target(**changes: Any) -> Target:
    """Return a gRPC target with `changes`."""
    return Target(**{"name": "t", "endpoint": Endpoint("collector.example.com", 4317), **changes})


def read_by_h2(
    raw: bytes, table_size: int | None = None
) -> tuple[list[h2.events.Event], dict[bytes, bytes]]:
    """Return the events and the headers that a real HTTP/2 server reads from `raw`."""
    # Exporters send what strict servers refuse, such as values with spaces around them.
    config = h2.config.H2Configuration(client_side=False, validate_inbound_headers=False)
    server = h2.connection.H2Connection(config)
    if table_size is not None:
        server.local_settings = h2.settings.Settings(
            client=False,
            initial_values={h2.settings.SettingCodes.HEADER_TABLE_SIZE: table_size},
        )
    server.initiate_connection()
    events = server.receive_data(raw)
    requests = [e for e in events if isinstance(e, h2.events.RequestReceived)]
    return events, dict(requests[0].headers) if requests else {}


def fields_of(raw: bytes) -> list[tuple[bytes, bytes]]:
    """Return the fields of the one HEADERS frame, whatever a server would make of them."""
    rest = raw[len(OPENING) :]
    block = rest[9 : 9 + int.from_bytes(rest[:3])]
    return [(bytes(name), bytes(value)) for name, value in Decoder().decode(block, raw=True)]


def read_by_h11(raw: bytes) -> tuple[Any, bytes]:
    """Return the request and the body that a real HTTP/1.1 server reads from `raw`."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(raw)
    request, body = server.next_event(), b""
    while not isinstance(event := server.next_event(), h11.EndOfMessage):
        body += event.data
    assert server.trailing_data == (b"", False)
    return request, body


@pytest.mark.parametrize(
    ("signal", "path"),
    [
        ("traces", b"/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
        ("metrics", b"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"),
        ("logs", b"/opentelemetry.proto.collector.logs.v1.LogsService/Export"),
    ],
)
def test_grpc_request_calls_export_of_the_signal(signal: Signal, path: bytes) -> None:
    """A gRPC target is asked for its signal's Export with one empty message."""
    events, headers = read_by_h2(build_request(target(signal=signal), AGENT).h2)
    assert headers == {
        b":method": b"POST",
        b":scheme": b"https",
        b":path": path,
        b":authority": b"collector.example.com:4317",
        b"content-type": b"application/grpc",
        b"user-agent": b"mtls-probe/1.0",
        b"te": b"trailers",
    }
    assert [e.data for e in events if isinstance(e, h2.events.DataReceived)] == [b"\0\0\0\0\0"]
    assert any(isinstance(e, h2.events.StreamEnded) for e in events)


def test_grpc_message_is_framed_with_its_length() -> None:
    """A message follows its five-byte prefix."""
    events, _ = read_by_h2(build_request(target(), AGENT, b"\x0a\x00").h2)
    data = [e.data for e in events if isinstance(e, h2.events.DataReceived)]
    assert data == [b"\0\0\0\0\x02\x0a\x00"]


@pytest.mark.parametrize("over", ["h2", "http1"])
def test_http_request_posts_nothing_to_the_signals_path(over: str) -> None:
    """An HTTP target gets an empty protobuf body in either version of HTTP."""
    request = build_request(target(protocol="http/protobuf", signal="logs"), AGENT)
    if over == "h2":
        events, headers = read_by_h2(request.h2)
        assert any(isinstance(e, h2.events.StreamEnded) for e in events)
        assert headers[b":path"] == b"/v1/logs"
        body = b"".join(e.data for e in events if isinstance(e, h2.events.DataReceived))
    else:
        event, body = read_by_h11(request.http1)
        headers = dict(event.headers)
        assert (event.method, event.target) == (b"POST", b"/v1/logs")
        assert headers[b"host"] == b"collector.example.com:4317"
    assert body == b""
    assert headers[b"content-type"] == b"application/x-protobuf"
    assert headers[b"content-length"] == b"0"
    assert headers[b"user-agent"] == AGENT.encode()
    assert b"te" not in headers


def test_http_message_is_the_body() -> None:
    """A message goes out as it is, with its length."""
    event, body = read_by_h11(
        build_request(target(protocol="http/protobuf"), AGENT, b"\x0a\x00").http1
    )
    assert body == b"\x0a\x00"
    assert dict(event.headers)[b"content-length"] == b"2"


def test_own_path_of_the_endpoint_wins() -> None:
    """An endpoint with a path is asked at that path, what is not ASCII percent-encoded."""
    endpoint = Endpoint("h", 4318, "/in/ö?tenant=a%20b")
    request = build_request(target(endpoint=endpoint, protocol="http/protobuf"), AGENT)
    event, _ = read_by_h11(request.http1)
    assert event.target == b"/in/%C3%B6?tenant=a%20b"


@pytest.mark.parametrize("table_size", [0, 64, 4096])
def test_h2_bytes_are_right_whatever_table_the_server_allows(table_size: int) -> None:
    """The header block needs no dynamic table, so SETTINGS may come before or after it."""
    secret = (("authorization", Secret("Bearer x")),)
    _, headers = read_by_h2(build_request(target(headers=secret), AGENT).h2, table_size)
    assert headers[b"authorization"] == b"Bearer x"


def test_plaintext_says_http_as_scheme() -> None:
    """Without TLS the scheme is http."""
    plain = target(tls=TlsSettings(insecure=True))
    assert read_by_h2(build_request(plain, AGENT).h2)[1][b":scheme"] == b"http"


def test_name_override_is_the_authority_for_grpc_alone() -> None:
    """grpc-go takes server_name_override as :authority, net/http does not."""
    tls = TlsSettings(server_name_override="other.example.com")
    grpc = read_by_h2(build_request(target(tls=tls), AGENT).h2)[1]
    http = read_by_h2(build_request(target(tls=tls, protocol="http/protobuf"), AGENT).h2)[1]
    assert grpc[b":authority"] == b"other.example.com"
    assert http[b":authority"] == b"collector.example.com:4317"


def test_ipv6_authority_is_bracketed_and_loses_its_zone() -> None:
    """An IPv6 literal stands in brackets, and its zone stays at home."""
    request = build_request(target(endpoint=Endpoint("fe80::1%eth0", 4317)), AGENT)
    assert read_by_h2(request.h2)[1][b":authority"] == b"[fe80::1]:4317"


def test_international_host_is_written_in_ascii() -> None:
    """A host that is not ASCII goes out as its A-label."""
    request = build_request(target(endpoint=Endpoint("bücher.example", 4317)), AGENT)
    assert read_by_h2(request.h2)[1][b":authority"] == b"xn--bcher-kva.example:4317"


HEADERS = (
    ("X-Scope-OrgID", Secret("tenant")),
    ("User-Agent", Secret("other")),
    ("Content-Type", Secret("text/plain")),
    ("Transfer-Encoding", Secret("chunked")),
    ("Connection", Secret("close")),
    ("Host", Secret("virtual.example.com")),
    ("Cookie", Secret("a=b; c=d")),
    ("x-spaces", Secret("  s ")),
)


def test_headers_of_other_exporters_leave_framing_to_the_probe() -> None:
    """The target's headers are added; framing, media type and the probe's name stay ours."""
    sending = target(headers=HEADERS, protocol="http/protobuf", exporter="node-http")
    request = build_request(sending, AGENT)
    sent = dict(read_by_h11(request.http1)[0].headers)
    assert sent[b"x-scope-orgid"] == b"tenant"
    assert sent[b"user-agent"] == AGENT.encode()
    assert sent[b"host"] == b"virtual.example.com"
    assert not {b"transfer-encoding", b"connection"} & set(sent)


def test_headers_of_a_go_exporter_are_sent_as_net_http_does() -> None:
    """Measured: only what frames a request is left out, and that is another set in HTTP/2."""
    request = build_request(target(headers=HEADERS, protocol="http/protobuf"), AGENT)
    one = read_by_h11(request.http1)[0].headers
    assert dict(one) == {
        b"host": b"virtual.example.com",
        b"x-scope-orgid": b"tenant",
        b"user-agent": b"other",
        b"content-type": b"text/plain",
        b"connection": b"close",
        b"cookie": b"a=b; c=d",
        b"x-spaces": b"s",
        b"content-length": b"0",
    }
    two = read_by_h2(request.h2)[1]
    assert two[b"user-agent"] == b"other"
    assert two[b"content-type"] == b"text/plain"
    assert two[b"x-spaces"] == b"  s "
    assert b"connection" not in two


def test_headers_of_a_collector_over_grpc_are_sent_as_grpc_go_does() -> None:
    """All but reserved ones, also those that have no meaning there, and each of one name."""
    headers = (
        *(("X-A", Secret("1")), ("x-a", Secret("2")), ("Host", Secret("h"))),
        *(("grpc-foo", Secret("f")), ("user-agent", Secret("u")), ("te", Secret("x"))),
    )
    block = fields_of(build_request(target(headers=headers), AGENT).h2)
    assert [value for name, value in block if name == b"x-a"] == [b"1", b"2"]
    sent = dict(block)
    assert (sent[b"host"], sent[b"grpc-foo"]) == (b"h", b"f")
    assert (sent[b"user-agent"], sent[b"te"]) == (AGENT.encode(), b"trailers")


def test_binary_metadata_travels_as_base64() -> None:
    """A gRPC header whose name ends in -bin is encoded, and grpc-* is reserved."""
    headers = (("trace-bin", Secret("ab")), ("grpc-status", Secret("0")))
    sent = read_by_h2(build_request(target(headers=headers), AGENT).h2)[1]
    assert base64.b64decode(sent[b"trace-bin"] + b"=") == b"ab"
    assert b"grpc-status" not in sent


def test_openings_hold_nothing_of_the_target() -> None:
    """Depth tls says the protocol's opening and none of the target's headers."""
    headers = (("authorization", Secret("Bearer x")), ("host", Secret("secret.example.com")))
    request = build_request(target(headers=headers, protocol="http/protobuf"), AGENT)
    event, body = read_by_h11(request.http1_opening)
    assert (event.method, event.target, body) == (b"OPTIONS", b"*", b"")
    assert dict(event.headers) == {
        b"host": b"collector.example.com:4317",
        b"user-agent": AGENT.encode(),
    }
    events, sent = read_by_h2(request.h2_opening)
    assert not sent
    assert any(isinstance(e, h2.events.RemoteSettingsChanged) for e in events)
    assert request.h2.startswith(request.h2_opening)


def test_repr_shows_no_byte_of_the_request() -> None:
    """The repr of a request holds no header value."""
    request = build_request(target(headers=(("authorization", Secret("hunter2")),)), AGENT)
    assert "hunter2" not in repr(request)
    assert "b'" not in repr(request)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-a", "1\r\nx-b: 2"),
        ("x-a", "1\n"),
        ("x-a", "\0"),
        ("x a", "1"),
        ("x\r\nb", "1"),
        (":path", "/"),
        ("", "1"),
        ("x-a", "\ud800"),
    ],
)
@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
def test_header_that_cannot_be_sent_is_refused_by_name(
    name: str, value: str, protocol: Protocol
) -> None:
    """Control characters and broken names are an error that does not tell the value."""
    with pytest.raises(ValueError, match="header") as caught:
        build_request(target(headers=((name, Secret(value)),), protocol=protocol), AGENT)
    assert value == "1" or value not in str(caught.value)


def test_grpc_metadata_must_be_ascii_and_http_need_not() -> None:
    """Text beyond ASCII is UTF-8 over HTTP and an error over gRPC."""
    headers = (("x-a", Secret("é")),)
    with pytest.raises(ValueError, match="x-a"):
        build_request(target(headers=headers), AGENT)
    request = build_request(target(headers=headers, protocol="http/protobuf"), AGENT)
    assert dict(read_by_h11(request.http1)[0].headers)[b"x-a"] == "é".encode()


def test_long_message_is_refused() -> None:
    """A message beyond one frame is an error of the caller."""
    assert build_request(target(), AGENT, bytes(MAX_MESSAGE)).h2
    with pytest.raises(ValueError, match="bytes"):
        build_request(target(), AGENT, bytes(MAX_MESSAGE + 1))


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["grpc", "http/protobuf"]),
    st.text(max_size=30),
    st.text(max_size=30),
    st.text(max_size=20),
)
def test_no_setting_smuggles_a_second_request(
    protocol: Protocol, host: str, path: str, value: str
) -> None:
    """Whatever host, path and value hold, one request goes out, or none and a ValueError."""
    odd = target(
        endpoint=Endpoint(host, 4318, path), protocol=protocol, headers=(("x-a", Secret(value)),)
    )
    try:
        request = build_request(odd, AGENT)
    except ValueError:
        return
    event, _ = read_by_h11(request.http1)
    assert {name for name, _ in event.headers} <= {
        b"host", b"x-a", b"content-type", b"content-length", b"user-agent",
    }  # fmt: skip
    events, _ = read_by_h2(request.h2)
    assert sum(isinstance(e, h2.events.RequestReceived) for e in events) == 1


def test_exchanges_listen_to_their_version() -> None:
    """Each version of HTTP has its receiver."""
    request = build_request(target(), AGENT)
    assert isinstance(request.expect_answer(h2=True), Http2Exchange)
    assert isinstance(request.expect_answer(h2=False), Http1Exchange)


@pytest.mark.parametrize(
    ("written", "exporter", "host"),
    [
        ("https://b", "collector", "b"),
        ("https://b:443", "collector", "b:443"),
        ("https://b:443", "python-http", "b"),
        ("https://b", "python-http", "b"),
        ("https://b:4318", "python-http", "b:4318"),
        ("http://b:80", "node-http", "b"),
    ],
)
def test_whether_a_request_names_the_usual_port(written: str, exporter: str, host: str) -> None:
    """Go writes what was written; other clients do not write the port of the scheme."""
    sending = target(endpoint=Endpoint.parse(written), protocol="http/protobuf", exporter=exporter)
    assert read_by_h2(build_request(sending, AGENT).h2)[1][b":authority"] == host.encode()


@pytest.mark.parametrize(
    ("written", "exporter", "sent"),
    [
        ("https://b/a b", "python-http", "/a%20b"),
        ("https://b/a|b^c'd", "python-http", "/a%7Cb%5Ec'd"),
        ("https://b/a/../b/./c", "python-http", "/b/c"),
        ("https://b/a/b/..?x=/../y", "node-http", "/a/?x=/../y"),
        ("https://b/..", "node-http", "/"),
        ("https://b/a/../b", "go-http", "/a/../b"),
    ],
)
def test_the_path_of_a_request(written: str, exporter: str, sent: str) -> None:
    """What has to be is percent-encoded; most exporters' URL classes resolve dots."""
    sending = target(endpoint=Endpoint.parse(written), protocol="http/protobuf", exporter=exporter)
    assert read_by_h2(build_request(sending, AGENT).h2)[1][b":path"] == sent.encode()
