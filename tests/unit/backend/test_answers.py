"""What the demo's backends answer to requests, healthy and otherwise."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.support.backends import Answers, Backend
from tests.support.loopback_client import (
    CLIENT_CA,
    OTHER_CA,
    SERVER_CA,
    TRACES,
    Start,
    client_context,
    grpc_request,
    headers_of,
    meet,
)
from tests.support.pki import Issued, write_pem


@pytest.mark.parametrize(
    ("request_bytes", "status", "grpc_status"),
    [
        (grpc_request(), "200", "0"),
        (grpc_request(TRACES.replace("trace", "metrics").replace("Trace", "Metrics")), "200", "0"),
        (grpc_request(TRACES.replace("trace", "logs").replace("Trace", "Logs")), "200", "0"),
        (grpc_request("/some.Service/Method"), "200", "12"),
        (grpc_request(content_type="application/x-protobuf"), "415", "3"),
        (grpc_request(method="GET"), "405", "13"),
    ],
)
async def test_grpc_answers(
    start: Start, request_bytes: bytes, status: str, grpc_status: str
) -> None:
    """Export of every signal succeeds; what is no Export gets what grpc-go says."""
    backend = await start()
    context = client_context(CLIENT_CA.issue("e"), "1.3")
    seen = await meet(backend, context, payload=request_bytes)
    headers = headers_of(seen.data)
    assert (headers[":status"], headers["grpc-status"]) == (status, grpc_status)
    assert "date" not in headers
    assert len(backend.requests) == 1


async def test_grpc_status_and_proxy_answers_can_be_set(start: Start) -> None:
    """A backend says any gRPC status with its message, or answers as a plain HTTP proxy."""
    context = client_context(CLIENT_CA.issue("e"), "1.3")
    backend = await start(answers=Answers(grpc_status=(16, "no token: 100% sure\n")))
    seen = await meet(backend, context, payload=grpc_request())
    headers = headers_of(seen.data)
    assert headers["grpc-status"] == "16"
    assert headers["grpc-message"] == "no token: 100%25 sure%0A"
    backend.answers = Answers(http_status=503, body=b"no healthy upstream")
    seen = await meet(backend, context, payload=grpc_request())
    headers = headers_of(seen.data)
    assert headers[":status"] == "503"
    assert "grpc-status" not in headers


@pytest.fixture
def stdlib_client(tmp_path: Path) -> ssl.SSLContext:
    """A client of Python's own TLS module, another OpenSSL than the backend's."""
    context = ssl.create_default_context(cadata=SERVER_CA.pem.decode())
    issued = CLIENT_CA.issue("e")
    context.load_cert_chain(write_pem(tmp_path, "pair.pem", issued.key_pem, issued.pem))
    return context


async def http1(backend: Backend, context: ssl.SSLContext, request: bytes) -> bytes:
    """Send one HTTP/1.1 request that closes; return all that comes back."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", backend.port, ssl=context, server_hostname="localhost"
    )
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    await writer.wait_closed()
    return answer


def post(path: str, content_type: str = "application/x-protobuf", method: str = "POST") -> bytes:
    """Return an HTTP/1.1 request without a body."""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: b\r\nContent-Type: {content_type}\r\n"
        "Content-Length: 0\r\nConnection: close\r\n\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (post("/v1/traces"), 200),
        (post("/v1/metrics"), 200),
        (post("/v1/logs"), 200),
        (post("*", method="OPTIONS"), 200),
        (post("/"), 404),
        (post("/v1/traces", method="GET"), 405),
        (post("/v1/traces", "text/plain"), 415),
        (b"nonsense\r\n\r\n", 400),
    ],
)
async def test_http1_answers(
    start: Start, stdlib_client: ssl.SSLContext, request_bytes: bytes, status: int
) -> None:
    """OTLP/HTTP over HTTP/1.1: empty protobuf for an Export, the Collector's refusals else."""
    backend = await start(protocol="http/protobuf")
    head, _, body = (await http1(backend, stdlib_client, request_bytes)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    if request_bytes.startswith(b"POST /v1/") and status == 200:
        assert b"content-type: application/x-protobuf" in head
        assert body == b""


async def test_http_answer_can_be_set_and_bears_the_backends_date(
    start: Start, stdlib_client: ssl.SSLContext
) -> None:
    """Status, body, media type and headers are as asked for; Date is by the backend's clock."""
    answers = Answers(
        http_status=429, body=b"slow", content_type="text/html", headers=(("retry-after", "7"),)
    )
    backend = await start(
        protocol="http/protobuf", answers=answers, clock_offset=-timedelta(minutes=30)
    )
    answer = await http1(backend, stdlib_client, post("/v1/traces"))
    head, _, body = answer.decode().partition("\r\n\r\n")
    headers = dict(line.split(": ", 1) for line in head.split("\r\n")[1:])
    assert head.startswith("HTTP/1.1 429 ")
    assert (headers["content-type"], headers["retry-after"], body) == ("text/html", "7", "slow")
    behind = datetime.now(UTC) - parsedate_to_datetime(headers["date"])
    assert abs(behind - timedelta(minutes=30)) < timedelta(seconds=5)


async def test_http_over_h2(start: Start) -> None:
    """OTLP/HTTP over HTTP/2 is answered like over HTTP/1.1."""
    backend = await start(protocol="http/protobuf")
    payload = grpc_request("/v1/traces", content_type="application/x-protobuf")
    context = client_context(CLIENT_CA.issue("e"), "1.3")
    headers = headers_of((await meet(backend, context, payload=payload)).data)
    assert (headers[":status"], headers["content-type"]) == ("200", "application/x-protobuf")
    assert backend.requests[0].over == "h2"


@pytest.mark.parametrize(
    ("issued", "status", "text"),
    [
        (CLIENT_CA.issue("e"), "200", b""),
        (OTHER_CA.issue("e"), "400", b"The SSL certificate error"),
        (None, "400", b"No required SSL certificate was sent"),
    ],
)
async def test_nginx_refuses_above_tls(
    start: Start, issued: Issued | None, status: str, text: bytes
) -> None:
    """Like nginx: SETTINGS for everybody, then HTTP 400 for who has no good certificate."""
    backend = await start(behaviour="nginx")
    context = client_context(issued, "1.3")
    seen = await meet(backend, context, payload=grpc_request())
    assert headers_of(seen.data)[":status"] == status
    assert text in seen.data
    assert seen.alerts == []
