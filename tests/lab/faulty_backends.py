"""One backend for each case that dashboards and alerting rules distinguish, and `mtls-probe run`.

Each target's name says what is wrong with it; the demo's scenarios come with their own names.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from probe.demo.scenarios import SCENARIOS
from probe.model.target import TlsSettings
from tests.lab.running_probe import RunningProbe, running_probe
from tests.support.backends import Backend
from tests.support.command_line import configuration, entry
from tests.support.demo_pki import DemoPki
from tests.support.pki import Authority, Issued, write_pem

TEN_DAYS: Final = timedelta(days=10)
YEAR: Final = timedelta(days=365)
INTERVAL: Final = "400ms"


@contextmanager
def faulty_backends(folder: Path, **variables: str) -> Iterator[RunningProbe]:
    """Run backends and a probe; one backend then stops, files break, and a reload fails.

    The probe has `variables` in its environment.

    Raises:
        AssertionError: where it does not come to that.
    """
    with _backends(folder) as (targets, stop):
        nowhere = {"file_sd": str(folder / "no-lists-here" / "*.yaml")}
        file = configuration(folder, *targets, sources=[nowhere])
        with running_probe(file, **variables) as probe:
            probe.becomes("key-file-broken-later", None)
            probe.becomes("backend-gone", None)
            stop("backend-gone")
            probe.becomes("backend-gone", "tcp_refused")
            probe.becomes("backend-not-reloading", None)
            (folder / "key-file-broken-later" / "tls.key").write_text("no key any more")
            file.write_text("targets: [{endpoin: nowhere}]", encoding="utf-8")
            try:
                with urlopen(Request(f"http://{probe.address}/-/reload", method="POST")):
                    raise AssertionError("a broken configuration was taken")
            except HTTPError as error:
                error.close()
            yield probe


@contextmanager
def probe_of_nothing(folder: Path) -> Iterator[RunningProbe]:
    """Run a probe whose only source can be read and lists no target."""
    own = folder / "probe-of-nothing"
    own.mkdir()
    (own / "targets.json").write_text("[]", encoding="utf-8")
    file = configuration(own, sources=[{"file_sd": str(own / "targets.json")}])
    with running_probe(file) as probe:
        yield probe


@contextmanager
def _backends(folder: Path) -> Iterator[tuple[list[dict[str, Any]], Callable[[str], None]]]:
    began: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
    targets: list[dict[str, Any]] = []
    started: dict[str, Backend] = {}

    async def main() -> None:
        ended = asyncio.Event()
        async with AsyncExitStack() as stack:
            for backend, more, tls in _fleet(folder):
                await backend.start()
                stack.push_async_callback(backend.stop)
                started[backend.name] = backend
                target = entry(backend, tls, interval=INTERVAL, labels={"team": "payments"})
                if tls.server_name_override:
                    target["tls"]["server_name_override"] = tls.server_name_override
                targets.append(target | more)
            began.set_result((asyncio.get_running_loop(), ended))
            await ended.wait()

    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambda: asyncio.run(main()))
        either: tuple[Future[Any], ...] = (began, running)
        wait(either, timeout=30, return_when=FIRST_COMPLETED)
        if running.done():
            running.result()
        loop, ended = began.result(0)

        def stop(name: str) -> None:
            asyncio.run_coroutine_threadsafe(started[name].stop(), loop).result(10)

        try:
            yield targets, stop
        finally:
            loop.call_soon_threadsafe(ended.set)


def _fleet(folder: Path) -> Iterator[tuple[Backend, dict[str, Any], TlsSettings]]:
    pki = DemoPki.create(datetime.now(UTC))

    def own(name: str) -> Path:
        found = folder / name
        found.mkdir()
        return found

    def settings(name: str, exporter: Issued | None = None) -> TlsSettings:
        return pki.settings(own(name), exporter or pki.exporter())

    for scenario in SCENARIOS:
        backend, tls = scenario.build(pki, own(scenario.name), scenario.name)
        yield backend, {}, tls

    name = "client-certificate-ends"
    yield pki.backend(name), {}, settings(name, _ending(pki.client_ca, "clientAuth"))
    name = "server-certificate-ends"
    yield pki.backend(name, server=_ending(pki.server_ca, "serverAuth")), {}, settings(name)
    name = "ca-certificate-ends"
    ending = Authority.root(
        "Demo CA that ends", not_before=pki.now - YEAR, not_after=pki.now + TEN_DAYS
    )
    server = ending.issue("demo collector", usages=("serverAuth",), not_after=pki.now + TEN_DAYS)
    tls = settings(name)
    write_pem(folder / name, "server-ca.pem", ending.pem)
    yield pki.backend(name, server=server), {}, tls

    name = "never-answers"
    mute = Backend(name=name, server=pki.server(), client_ca=pki.client_ca, behaviour="mute")
    yield mute, {"timeout": "300ms"}, settings(name)
    name = "never-ends"
    silent = Backend(name=name, server=pki.server(), client_ca=pki.client_ca, behaviour="silent")
    yield silent, {"timeout": "10m"}, settings(name)
    name = "not-enforced"
    backend = Backend(name=name, server=pki.server(), client_ca=None)
    expect = {"cause": "client_cert_not_sent"}
    yield backend, {"expect": expect}, pki.settings(own(name), None)
    name = "enforced"
    yield pki.backend(name), {"expect": expect}, pki.settings(own(name), None)
    name = "takes-anyone"
    yield Backend(name=name, server=pki.server(), client_ca=None), {}, settings(name)
    name = "every-address"
    yield pki.backend(name), {"addresses": "each"}, settings(name)
    name = "every-address-refuses"
    refusing = pki.backend(name, client_ca=pki.other_ca)
    yield refusing, {"addresses": "each"}, settings(name)
    name = "clock-ten-minutes-ahead"
    ahead = pki.backend(name, protocol="http/protobuf", clock_offset=timedelta(minutes=10))
    yield ahead, {}, settings(name)
    name = "key-file-broken-later"
    yield pki.backend(name), {}, settings(name)
    name = "backend-gone"
    yield pki.backend(name), {}, settings(name)
    name = "backend-not-reloading"
    old = pki.server_ca.issue(
        "demo collector", usages=("serverAuth",), not_before=pki.now - timedelta(days=2)
    )
    tls = settings(name)
    renewed = write_pem(folder / name, "server.pem", pki.server().pem)
    yield pki.backend(name, server=old), {"server_cert_file": str(renewed)}, tls


def _ending(authority: Authority, usage: str) -> Issued:
    return authority.issue(
        "demo",
        usages=(usage,),
        not_before=authority.now - YEAR,
        not_after=authority.now + TEN_DAYS,
    )
