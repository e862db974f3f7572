"""The name under which the web side is asked: ours pass, a name that leads here from outside does not."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st

from probe.config.errors import ConfigurationError
from probe.web.server.hosts import HostCheck, list_own_names, parse_host
from probe.web.server.web_config import WebConfig
from tests.support.command_line import NOWHERE, configuration, running_service
from tests.support.configuration_texts import Load
from tests.support.raw_exchange import exchange
from tests.support.web_files import PAIR, ServerPki

OURS = HostCheck(["probe.example.com", "*.monitoring.example.com"], lambda: {"vm1.example.net"})


@pytest.mark.parametrize(
    "authority",
    [
        "localhost", "localhost:9943", "LOCALHOST.", "a.localhost:1", "127.0.0.1:9943", "10.0.0.1",
        "[::1]", "[::1]:9943", "[fe80::1%eth0]:1", "::1", "mtls-probe:9943", "probe",
        "probe.monitoring.svc", "probe.monitoring.svc:9943", "probe.monitoring.svc.cluster.local",
        "10-0-0-1.ns.pod.cluster.local", "probe.example.com", "PROBE.example.com.:443",
        "x.monitoring.example.com", "vm1.example.net:9943", "localhost:",
    ],
)  # fmt: skip
def test_what_the_service_is_reached_by_passes(authority: str) -> None:
    """Addresses, single labels, a cluster's names, the host's own, and configured ones."""
    assert OURS.allows(authority)


@pytest.mark.parametrize(
    "authority",
    [
        "evil.example", "evil.example:9943", "example.com", "a.probe.example.com",
        "a.b.monitoring.example.com", "monitoring.example.com", "svc.evil.example",
        "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1.nip.io", "evil.svc.example",
        "probe.cluster.local.evil.example", "", ":9943", "[::1", "[evil.example]:1", "[::1]evil",
        "evil.example/.svc", "evil.example#.svc", "evil.example?a.svc", "evil.example@a.svc",
        "evil.example\\.svc", "evil.example, a.svc", "evil.example%2f.svc",
        "localhost:99x", "localhost@evil.example", "evil.example:80:90", "0x7f.1", "vm1.example.net.evil.example",
    ],
)  # fmt: skip
def test_what_leads_here_from_outside_is_refused(authority: str) -> None:
    """A name that somebody else owns, however it looks like one of ours."""
    assert not OURS.allows(authority)


@given(st.text(max_size=40))
def test_no_authority_breaks_the_check(authority: str) -> None:
    """Whatever a client sends there is a host, or none."""
    host = parse_host(authority)
    assert host is None or host == host.strip()
    OURS.allows(authority)


def test_this_hosts_names_are_those_that_its_resolver_gives_it(tmp_path: Path) -> None:
    """A virtual machine is scraped as `vm1.example.net`, a pod under its cluster's own domain."""
    file = tmp_path / "resolv.conf"
    assert list_own_names("vm1", file) == {"vm1"}
    file.write_text("search old\nnameserver 192.0.2.1\nsearch example.net Lab.example.net.\n")
    assert list_own_names("VM1", file) == {"vm1", "vm1.example.net", "vm1.lab.example.net"}
    file.write_text("search ns.svc.corp.k8s svc.corp.k8s corp.k8s\n")
    pod = HostCheck(own=lambda: list_own_names("probe-0", file))
    assert pod.allows("mtls-probe.ns.svc.corp.k8s:9943")
    assert not pod.allows("mtls-probe.corp.k8s")


@asynccontextmanager
async def checked() -> AsyncIterator[TestClient[Any, Any]]:
    """Serve a page behind the check."""

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    application = web.Application()
    application.add_routes([web.get("/", page)])
    OURS.install(application)
    async with TestClient(TestServer(application)) as client:
        yield client


async def test_a_refusal_says_what_to_do_and_not_what_was_asked() -> None:
    """421 (RFC 9110, §15.5.20) for every path, also for one that is not there."""
    async with checked() as client:
        for path in ("/", "/nothing"):
            async with client.get(path, headers={"Host": "evil.example"}) as response:
                text = await response.text()
                assert response.status == 421
            assert "web: {hosts: [NAME]}" in text
            assert "evil" not in text
        assert (await client.get("/")).status == 200
        assert (await client.get("/", headers={"Host": "probe.example.com"})).status == 200


@pytest.mark.slow
@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /-/healthy HTTP/1.0\r\n\r\n", 200),
        (b"GET /-/healthy HTTP/1.1\r\n\r\n", 400),
        (b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        (b"GET /-/healthy HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n", 400),
        (b"GET http://evil.example/-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n", 421),
        (b"GET http://localhost/-/healthy HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"GET http://localhost/-/healthy HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
        (b"GET http://[::1]/-/healthy HTTP/1.1\r\nHost: [::1]\r\n\r\n", 200),
        (b"GET /metrics HTTP/1.1\r\nHost: probe.example.com:80\r\n\r\n", 200),
        (b"POST /-/reload HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        (b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n", 403),
        (b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nOrigin: null\r\n\r\n", 403),
        (b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nReferer: x\r\n\r\n", 403),
        (b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nsec-fetch-site: none\r\n\r\n", 403),
        (b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Mode: cors\r\n\r\n", 403),
        (b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\na=b", 413),
        (b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n", 200),
        (b"POST /-/reload HTTP/1.1\r\nHost: localhost\r\n\r\n", 200),
    ],
)
async def test_the_real_service_judges_raw_requests(
    shared_service: str, request_: bytes, status: int
) -> None:
    """As they stand on the wire: versions, absolute targets, what browsers add to a form."""
    answer = await exchange(shared_service, request_)
    assert int(answer.split()[1]) == status


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run one service for all of them."""
    folder = tmp_path_factory.mktemp("hosts")
    target = {"name": "eu", "endpoint": NOWHERE, "interval": "1h"}
    web_ = {"listen": "127.0.0.1:0", "hosts": ["probe.example.com"]}
    found: list[str] = []
    began, stop = threading.Event(), threading.Event()

    async def main() -> None:
        async with running_service(configuration(folder, target, web=web_)) as service:
            found.append(service.address)
            began.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    assert began.wait(30)
    yield found[0]
    stop.set()
    thread.join()


def test_names_in_the_served_certificate_are_ours(tmp_path: Path) -> None:
    """Whoever wrote them there meant the probe to be reached by them."""
    pki = ServerPki(tmp_path)
    issued = pki.server_ca.issue(
        "web", usages=("serverAuth",), sans=("DNS:probe.corp.example", "DNS:*.apps.corp.example")
    )
    (tmp_path / "server.pem").write_bytes(issued.pem)
    (tmp_path / "server-key.pem").write_bytes(issued.key_pem)
    config = WebConfig(pki.write({"tls_server_config": PAIR}))
    check = HostCheck(own=lambda: config.names)
    assert check.allows("probe.corp.example:9943")
    assert check.allows("probe.apps.corp.example")
    assert not check.allows("corp.example.com")


@pytest.mark.parametrize("name", ["probe.example.com:9943", "https://probe", "", "a b", "*", "a.*"])
def test_a_host_that_is_no_name_is_an_error(load: Load, name: str) -> None:
    """It would never fit a request."""
    with pytest.raises(ConfigurationError) as caught:
        load(f"web: {{hosts: [ok.example, '{name}']}}\ntargets: [{{endpoint: 'c:1'}}]")
    assert caught.value.key == "web.hosts[1]"
