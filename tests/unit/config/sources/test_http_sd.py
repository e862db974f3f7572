"""Prometheus's http_sd: real servers, right and hostile, and the lists that they send."""

import asyncio
import gzip
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from probe.config.errors import ConfigurationError
from probe.config.schema import DefaultsEntry
from probe.config.sources.http_sd import (
    MAX_PIECES,
    MAX_REDIRECTS,
    fetch_list,
    read_http_sd,
    url_fault,
)
from probe.config.yaml_document import MAX_BYTES
from probe.model.target import Source
from probe.text.description import describe_url
from tests.support.pki import Authority, write_pem
from tests.support.reported_faults import targets_in

LIST = [{"targets": ["a:4317", "https://b:4318"], "labels": {"__meta_dc": "x", "team": "t"}}]
NONE = DefaultsEntry()
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def inventory(handler: Handler) -> AsyncIterator[str]:
    """Serve `handler` on loopback and yield its URL, which holds a token."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/collectors?token=s3cret"
    finally:
        await runner.cleanup()


async def fetched(handler: Handler, timeout: float = 5.0) -> bytes:
    """Return what is fetched from a server with `handler`."""
    async with inventory(handler) as url, aiohttp.ClientSession() as session:
        return await fetch_list(session, url, user_agent="mtls-probe/1", timeout=timeout)


async def refusal(handler: Handler, timeout: float = 5.0) -> ConfigurationError:
    """Return the error that fetching from a server with `handler` ends in."""
    with pytest.raises(ConfigurationError) as caught:
        await fetched(handler, timeout)
    assert caught.value.file.endswith("/collectors")
    assert "s3cret" not in str(caught.value)
    return caught.value


def answering(**answer: Any) -> Handler:
    """Return a handler that answers so."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        return web.Response(**{"content_type": "application/json", "body": b"[]", **answer})

    return handler


async def test_an_answer_in_endless_chunks_ends_at_a_bound() -> None:
    """One byte a chunk: their number is bounded long before their bytes are."""

    async def handler(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        assert request.transport is not None
        with suppress(ConnectionError):
            while not request.transport.is_closing():
                request.transport.write(b"1\r\n \r\n" * 1000)  # type: ignore[attr-defined]  # asyncio's
                await asyncio.sleep(0)
        return response

    assert f"more than {MAX_PIECES} chunks" in str(await refusal(handler))


async def test_the_request_is_prometheus_own() -> None:
    """GET, with the headers that its servers may rely on, and our name."""
    seen: list[web.Request] = []

    async def handler(request: web.Request) -> web.StreamResponse:
        seen.append(request)
        return web.json_response(LIST)

    assert json.loads(await fetched(handler)) == LIST
    (request,) = seen
    assert (request.method, request.path_qs) == ("GET", "/collectors?token=s3cret")
    assert request.headers["Accept"] == "application/json"
    assert request.headers["X-Prometheus-Refresh-Interval-Seconds"] == "60"
    assert request.headers["User-Agent"] == "mtls-probe/1"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 500}, "answers 500 instead of 200"),
        ({"status": 204}, "answers 204 instead of 200"),
        ({"content_type": "text/html"}, "answers with text/html instead of application/json"),
        ({"body": b" " * (MAX_BYTES + 1)}, "more than 8388608 bytes"),
    ],
)
async def test_only_200_and_json_of_a_measure_count(answer: dict[str, Any], reason: str) -> None:
    """Anything else is an error, for which the last good list is kept."""
    assert reason in (await refusal(answering(**answer))).reason


async def test_a_charset_is_no_other_media_type() -> None:
    """UTF-8 is what JSON is in."""
    assert await fetched(answering(charset="utf-8")) == b"[]"


async def test_what_is_unpacked_counts() -> None:
    """A small answer cannot become a large one."""
    bomb = gzip.compress(b" " * (4 * MAX_BYTES))
    handler = answering(body=bomb, headers={"Content-Encoding": "gzip"})
    assert (await refusal(handler)).reason


async def test_a_server_that_never_ends_is_left_in_time() -> None:
    """Also one that keeps sending."""

    async def silent(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    async def dripping(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        with suppress(ConnectionError):
            while True:
                await response.write(b" ")
                await asyncio.sleep(0.02)
        return response

    for handler in (silent, dripping):
        assert "did not answer in full within 0.3 s" in (await refusal(handler, 0.3)).reason


async def test_redirects_are_followed_and_counted() -> None:
    """Up to a few."""

    def redirecting(times: int) -> Handler:
        async def handler(request: web.Request) -> web.StreamResponse:
            done = int(request.query.get("done", "0"))
            if done < times:
                raise web.HTTPFound(f"/collectors?done={done + 1}")
            return web.json_response([])

        return handler

    assert await fetched(redirecting(MAX_REDIRECTS - 1)) == b"[]"
    reason = (await refusal(redirecting(MAX_REDIRECTS + 1))).reason
    assert reason == f"redirects more than {MAX_REDIRECTS} times"


async def test_a_redirect_to_another_scheme_is_refused() -> None:
    """No file and no other protocol is ever read."""

    async def handler(_request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("file:///etc/passwd")

    assert (await refusal(handler)).reason.startswith("cannot be fetched")


async def test_a_server_that_is_gone_or_speaks_no_http_is_an_error(refused_port: int) -> None:
    """With the reason, and without the library's text."""

    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"\x00\x1b[31mnonsense\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(rude, "127.0.0.1", refused_port)
    url = f"http://127.0.0.1:{refused_port}/"
    async with aiohttp.ClientSession() as session:
        async with server:
            with pytest.raises(ConfigurationError, match="cannot be fetched") as caught:
                await fetch_list(session, url, user_agent="x", timeout=5)
            assert "\x1b" not in str(caught.value)
        with pytest.raises(ConfigurationError, match="cannot be reached: Connection refused"):
            await fetch_list(session, url, user_agent="x", timeout=5)


@asynccontextmanager
async def tls_inventory(handler: Handler, folder: Path) -> AsyncIterator[str]:
    """Serve `handler` over TLS, with a certificate that nobody trusts, and yield its URL."""
    issued = Authority.root("inventory").issue("localhost", usages=("serverAuth",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(
        write_pem(folder, "tls.crt", issued.pem), write_pem(folder, "tls.key", issued.key_pem)
    )
    application = web.Application()
    application.router.add_get("/", handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        yield f"https://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await runner.cleanup()


async def test_a_redirect_never_leaves_tls(tmp_path: Path) -> None:
    """Whoever can change plaintext could choose the targets."""
    async with inventory(answering()) as clear:

        async def handler(_request: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(clear)

        connector = aiohttp.TCPConnector(ssl=False)
        async with (
            tls_inventory(handler, tmp_path) as url,
            aiohttp.ClientSession(connector=connector) as session,
        ):
            with pytest.raises(ConfigurationError, match="redirects from https to http"):
                await fetch_list(session, url, user_agent="x")
            assert await fetch_list(session, clear, user_agent="x") == b"[]"


async def test_a_certificate_that_is_not_trusted_is_an_error(tmp_path: Path) -> None:
    """The session decides what is trusted."""
    async with tls_inventory(answering(), tmp_path) as url:
        async with aiohttp.ClientSession() as session:
            with pytest.raises(ConfigurationError, match="certificate is not trusted"):
                await fetch_list(session, url, user_agent="x")
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as session:
            assert await fetch_list(session, url, user_agent="x") == b"[]"


def test_the_list_becomes_targets() -> None:
    """Settings from `defaults`, names left open, the URL without its query as their source."""
    url = "https://inventory.example.com/collectors?token=s3cret"
    defaults = DefaultsEntry(interval="7s")
    first, second = targets_in(read_http_sd(json.dumps(LIST).encode(), url, defaults))
    assert (str(first.endpoint), second.protocol) == ("a:4317", "http/protobuf")
    assert first.labels == (("team", "t"),)
    assert (first.name, first.interval) == ("", 7)
    assert first.sources == (Source("http_sd", "https://inventory.example.com/collectors"),)
    assert targets_in(read_http_sd(b"[]", url, defaults)) == ()


@pytest.mark.parametrize(
    ("raw", "key", "reason"),
    [
        (b"", "", "is not JSON"),
        (b"null", "", "must be a list"),
        (b"{}", "", "must be a list"),
        (b"- targets: ['a:1']", "", "is not JSON"),
        (b'[{"targets": ["a"]}]', "[0].targets[0]", "no port"),
        (b'[{"targets": [], "labels": {"target": "x"}}]', "[0].labels.target", "own metrics"),
        (b'[{"targets": [], "labels": {"k": 1}}]', "[0].labels.k", "must be text"),
        (b'[{"targets": []}, {"label": {}}]', "[1].label", "unknown key"),
    ],
)
def test_what_is_no_list_of_targets_names_the_entry(raw: bytes, key: str, reason: str) -> None:
    """And the URL, without its query."""
    with pytest.raises(ConfigurationError, match=reason) as caught:
        targets_in(read_http_sd(raw, "http://h/sd?token=s3cret", NONE))
    assert (caught.value.file, caught.value.key) == ("http://h/sd", key)


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://inventory.example.com/collectors?a=b", True),
        ("HTTP://[::1]:80/", True),
        ("inventory:80/collectors", False),
        ("ftp://h/", False),
        ("https://user:s3cret@h/", False),
        ("https://", False),
        ("http://h:99999/", False),
        ("http://h/a b", False),
        ("", False),
    ],
)
def test_a_url_is_judged_before_it_is_asked(url: str, *, right: bool) -> None:
    """A scheme of HTTP, and no password; the reason repeats nothing of it."""
    fault = url_fault(url)
    assert (fault is None) is right
    assert "s3cret" not in (fault or "")


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=80)
    | st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(["targets", "a:1"]),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["targets", "labels", "k", "__scheme__"]), inner)
        ),
        max_leaves=8,
    ).map(lambda tree: json.dumps(tree).encode())
)
def test_any_answer_gives_targets_or_an_error(raw: bytes) -> None:
    """Nothing else ever comes out."""
    with suppress(ConfigurationError):
        for target in targets_in(read_http_sd(raw, "http://h/", NONE)):
            assert target.endpoint.host


@given(st.text(max_size=30) | st.text(max_size=20).map("http://{}".format))
def test_any_url_can_be_judged_and_shown(url: str) -> None:
    """What is shown holds no query."""
    url_fault(url)
    assert "?" not in describe_url(url)
