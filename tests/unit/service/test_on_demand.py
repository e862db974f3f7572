"""`/probe`: one attempt for one scrape, to what the module allows and nowhere else."""

import asyncio
import socket
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families as text_families

from probe.ledger.ledger import Ledger
from probe.model.module import AllowEntry, AllowList, Module
from probe.model.target import Endpoint, Target, TlsSettings
from probe.service.on_demand import LOOK_UPS, TIMEOUT_HEADER, OnDemand, Reply
from probe.service.pipeline import Pipeline
from tests.support.backends import Backend
from tests.support.command_line import configuration, run_probe, running_service
from tests.support.demo_pki import PKI

SIXTY_FOUR = 64


def module(tls: TlsSettings, *allow: str, timeout: float = 5.0) -> Module:
    """Return a gRPC module with these files and this allow-list."""
    endpoint = Endpoint("module.invalid", 4317)
    template = Target(name="otlp", endpoint=endpoint, tls=tls, timeout=timeout)
    return Module(
        "otlp", {("", "grpc"): template}, "grpc", AllowList(tuple(map(AllowEntry.parse, allow)))
    )


def on_demand(*modules: Module, concurrency: int = 4) -> OnDemand:
    """Return what makes attempts for these modules."""
    return OnDemand(
        Pipeline(Ledger()), lambda: {one.name: one for one in modules}, concurrency=concurrency
    )


async def ask(probing: OnDemand, headers: Mapping[str, str] | None = None, **query: str) -> Reply:
    """Ask for one attempt."""
    return await probing.answer(query, headers or {})


def values(reply: Reply) -> dict[str, float]:
    """Return each sample's value by its name; of several, the last."""
    read = openmetrics_families if "openmetrics" in reply.content_type else text_families
    return {
        sample.name: sample.value
        for family in read(reply.body.decode())
        for sample in family.samples
    }


def labels(reply: Reply, name: str) -> dict[str, str]:
    """Return the labels of the only sample called `name`."""
    (found,) = (
        sample.labels
        for family in text_families(reply.body.decode())
        for sample in family.samples
        if sample.name == name
    )
    return dict(found)


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
async def test_a_good_backend_is_a_success_in_blackbox_names(
    backend: Backend, tmp_path: Path, accept: str
) -> None:
    """What its dashboards show is there, with its labels, and the certificates in ours."""
    tls = PKI.settings(tmp_path, PKI.exporter())
    probing = on_demand(module(tls, "127.0.0.0/8"))

    reply = await ask(probing, {"Accept": accept}, target=f"127.0.0.1:{backend.port}")

    assert reply.status == 200
    found = values(reply)
    assert found["probe_success"] == 1
    assert 0 < found["probe_duration_seconds"] < 5
    assert found["probe_ip_protocol"] == 4
    assert found["probe_ssl_earliest_cert_expiry"] == pytest.approx(
        PKI.server().certificate.not_valid_after_utc.timestamp(), abs=5
    )
    assert (
        found["probe_ssl_last_chain_expiry_timestamp_seconds"]
        <= found["probe_ssl_earliest_cert_expiry"]
    )
    assert {"probe_dns_lookup_time_seconds", "probe_ip_addr_hash"} <= found.keys()
    assert found["mtls_probe_certificate_not_after_timestamp_seconds"] > 0
    assert "mtls_probe_cause" not in found
    if not accept:
        assert labels(reply, "probe_tls_version_info") == {"version": "TLS 1.3"}
        assert labels(reply, "probe_tls_cipher_info")["cipher"].startswith("TLS_")
        info = labels(reply, "probe_ssl_last_chain_info")
        assert info.keys() == {
            "fingerprint_sha256", "subject", "issuer", "subjectalternative", "serialnumber",
        }  # fmt: skip
        assert info["subjectalternative"] == "localhost"
        assert len(info["fingerprint_sha256"]) == SIXTY_FOUR


async def test_a_refused_certificate_is_no_success_and_has_its_cause(
    backend: Backend, tmp_path: Path
) -> None:
    """TLS 1.3 is complete by then, where blackbox_exporter would say 1."""
    tls = PKI.settings(tmp_path, PKI.other_ca.issue("stranger"))
    probing = on_demand(module(tls, "localhost"))

    reply = await ask(probing, target=f"localhost:{backend.port}", module="otlp")

    assert values(reply)["probe_success"] == 0
    cause = labels(reply, "mtls_probe_cause")
    assert cause["cause"] == "client_ca_untrusted"
    assert cause["target"] == f"localhost:{backend.port}"


async def test_debug_tells_the_story_and_the_metrics(backend: Backend, tmp_path: Path) -> None:
    """As text, for people: what was seen, what to do, how long each stage took."""
    tls = PKI.settings(tmp_path, PKI.other_ca.issue("stranger"))
    probing = on_demand(module(tls, "localhost"))

    reply = await ask(probing, target=f"localhost:{backend.port}", debug="true")

    text = reply.body.decode()
    assert reply.content_type.startswith("text/plain")
    assert "client_ca_untrusted" in text
    assert "fix:" in text
    assert "handshake:" in text
    assert "\nprobe_success 0\n" in text


async def test_what_the_module_does_not_allow_is_never_looked_up(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """403 before any lookup: nobody learns names or ports through the probe."""
    looked_up: list[object] = []
    connected: list[object] = []
    real, real_connect = socket.getaddrinfo, socket.socket.connect_ex

    def spied(host: object, *rest: object, **more: object) -> object:
        looked_up.append(host)
        return real(host, *rest, **more)  # type: ignore[arg-type]

    class Spy(socket.socket):
        def connect_ex(self, address: object) -> int:
            connected.append(address)
            return real_connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", spied)
    monkeypatch.setattr(socket, "socket", Spy)
    tls = PKI.settings(tmp_path, PKI.exporter())
    probing = on_demand(
        module(tls, "*.example.com:4317", "10.0.0.0/8", f"localhost:{backend.port}")
    )

    for target in (
        "evil.test:4317",
        "eu.example.com:4318",
        f"127.0.0.1:{backend.port}",
        "0x7f000001:4317",
        "169.254.169.254:80",
    ):
        reply = await ask(probing, target=target)
        assert (reply.status, looked_up, connected) == (403, [], []), target
        assert b"allow" in reply.body
    # And what it does allow is.
    assert (await ask(probing, target=f"localhost:{backend.port}")).status == 200
    assert looked_up == ["localhost"]
    assert connected


async def test_a_name_that_leads_elsewhere_is_not_connected_to(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name under the pattern that points to this machine is 403 after the lookup."""
    real = socket.getaddrinfo

    def answer(host: object, *rest: object, **more: object) -> object:
        return real("127.0.0.1" if host == "eu.example.com" else host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    tls = PKI.settings(tmp_path, PKI.exporter())
    target = f"eu.example.com:{backend.port}"

    for allow in (("*.example.com",), ("*.example.com", "10.0.0.0/8")):
        reply = await ask(on_demand(module(tls, *allow)), target=target)
        assert reply.status == 403
        assert b"resolves to 127.0.0.1" in reply.body
    into_it = module(tls, "*.example.com", "127.0.0.0/8")
    assert (await ask(on_demand(into_it), target=target)).status == 200


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"module": "none", "target": "c:1"}, "unknown module"),
        ({"module": "otlp"}, "target is missing"),
        ({"module": "otlp", "target": "c"}, "no port"),
        ({"module": "otlp", "target": "http://c:1"}, "plaintext"),
        ({"module": "<script>\u202e", "target": "c:1"}, "unknown module"),
    ],
)
async def test_what_is_no_request_is_refused_with_the_reason(
    query: dict[str, str], said: str
) -> None:
    """A mistake in a scrape configuration is read in Prometheus' list of targets."""
    reply = await on_demand(module(TlsSettings(), "*")).answer(query, {})
    assert reply.status == 400
    assert said in reply.body.decode()
    assert "\u202e" not in reply.body.decode()


async def test_the_scrapes_own_timeout_is_kept(tmp_path: Path) -> None:
    """A peer that says nothing is given up before Prometheus gives up on us."""

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    probing = on_demand(module(PKI.settings(tmp_path, PKI.exporter()), "*", timeout=30.0))
    async with server:
        began = asyncio.get_running_loop().time()
        reply = await ask(probing, {TIMEOUT_HEADER: "1.2"}, target=f"127.0.0.1:{port}")
        took = asyncio.get_running_loop().time() - began
    assert 0.5 < took < 1.2
    assert labels(reply, "mtls_probe_cause")["cause"] == "tls_timeout"
    for header in ("soon", "-1", "nan", "inf"):
        reply = await ask(probing, {TIMEOUT_HEADER: header}, target=f"127.0.0.1:{port}")
        assert reply.status == 400, header


async def test_attempts_wait_their_turn_no_longer_than_their_timeout(tmp_path: Path) -> None:
    """A flood of scrapes opens no flood of connections."""

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    target = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    tls = PKI.settings(tmp_path, PKI.exporter())
    probing = on_demand(module(tls, "*", timeout=0.4), concurrency=1)
    async with server:
        replies = await asyncio.gather(*(ask(probing, target=target) for _ in range(3)))
    assert min(reply.status for reply in replies) == 200
    assert max(reply.status for reply in replies) == 503


async def test_nothing_is_kept_of_what_was_asked_for(backend: Backend, tmp_path: Path) -> None:
    """Targets come from whoever asks: a thousand names leave nothing behind."""
    pipeline = Pipeline(Ledger())
    store = pipeline.credentials
    one = module(PKI.settings(tmp_path, PKI.exporter()), "*")
    probing = OnDemand(pipeline, lambda: {"otlp": one}, concurrency=4)
    for number in range(20):
        await ask(probing, target=f"127.0.0.1:{backend.port}/{number}")
        await ask(probing, target=f"127.0.0.{number + 2}:1")
    assert len(store) == 1


@pytest.mark.slow
async def test_the_service_serves_it(backend: Backend, tmp_path: Path) -> None:
    """From the configuration's modules, which a reload replaces; twice the same parameter is 400."""
    tls = PKI.settings(tmp_path, PKI.exporter())
    files = {"ca_file": tls.ca_file, "cert_file": tls.cert_file, "key_file": tls.key_file}
    target = f"127.0.0.1:{backend.port}"
    modules = {"otlp": {"protocol": "grpc", "tls": files, "allow": ["127.0.0.0/8"]}}
    async with running_service(configuration(tmp_path, modules=modules)) as service:
        status, text = await service.get(f"/probe?target={target}&module=otlp")
        assert status == 200
        assert "\nprobe_success 1\n" in text
        assert (await service.get("/probe?target=a:1&target=b:1"))[0] == 400

        modules["otlp"]["allow"] = []
        configuration(tmp_path, modules=modules)
        async with asyncio.timeout(5):
            while (await service.get(f"/probe?target={target}&module=otlp"))[0] != 403:
                await asyncio.sleep(0.05)
        await service.stop()


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"allow": ["10.0.0.0/99"]}, "modules.m.allow[0]"),
        ({"alow": []}, "alow"),
        ({"protocol": "h3"}, "modules.m.protocol"),
        ({"tls": {"min_version": "9"}}, "modules.m.tls.min_version"),
        ({"endpoint": "c:1"}, "endpoint"),
    ],
)
@pytest.mark.slow
async def test_a_module_that_cannot_be_one_is_an_error_of_the_configuration(
    tmp_path: Path, entry: dict[str, object], said: str
) -> None:
    """With the key, at the start."""
    ended = await run_probe("validate", "--config", configuration(tmp_path, modules={"m": entry}))
    assert ended.code == 2
    assert said in ended.err


async def test_names_that_hang_get_a_clear_answer_and_few_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for such names leaves a bounded number of threads, and no way to wait for ever."""
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: answered.wait(20) and [])
    monkeypatch.setattr("probe.service.on_demand.LOOK_UP_WAITS", 0.1)
    probing = on_demand(module(TlsSettings(), "*.example", timeout=0.4), concurrency=200)
    before = threading.active_count()
    replies = await asyncio.gather(*(ask(probing, target=f"h{n}.example:4317") for n in range(150)))
    assert threading.active_count() <= before + LOOK_UPS
    refused = [reply for reply in replies if reply.status == 503]
    assert len(refused) == 150 - LOOK_UPS
    assert (
        b"was not looked up: all 16 look-ups that may run at a time are hanging" in refused[0].body
    )
    hanging = [reply for reply in replies if reply.status == 200]
    assert {labels(reply, "mtls_probe_cause")["cause"] for reply in hanging} <= {
        "dns_failure",
        "probe_fault",
    }
    answered.set()
