"""A service whose every secret is a canary, among peers that repeat it: no output holds it."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import aiohttp
import pytest
import structlog

from probe.attempt.prober import Prober
from probe.diagnosis.catalogue import CATALOGUE
from probe.ledger.ledger import Ledger
from probe.log.format import configure_logging
from probe.model.target import Endpoint, Secret, Target
from probe.service.pipeline import Pipeline
from probe.text.secret_register import MASK, SecretRegister
from tests.support.backends import Answers, Backend
from tests.support.canaries import CANARY, PEM, echoing, encodings, traces_of
from tests.support.command_line import RunningService, run_probe, running_service
from tests.support.demo_pki import PKI
from tests.support.span_receiver import Receiver

pytestmark = pytest.mark.slow

HEADERS: Final = {"authorization": f"Bearer {CANARY}", "x-api-key": CANARY, "x-tenant": CANARY[:12]}
BROKEN: Final = (
    f"targets: {CANARY}\n",
    f"{CANARY}: x\n",
    f"TOKEN={CANARY}\n",
    f"targets: [{{endpoint: '127.0.0.1?token={CANARY}'}}]\n",
    f'a: "{CANARY}\n',
    PEM,
)


def settings(folder: Path, echo: int, backend: Backend) -> dict[str, Any]:
    """Return a configuration in which every secret is the canary."""
    plain = {"protocol": "http/protobuf", "tls": {"insecure": True}}
    url = f"http://127.0.0.1:{echo}"
    pair = PKI.settings(folder, PKI.exporter())
    files = {"ca_file": pair.ca_file, "cert_file": pair.cert_file, "key_file": pair.key_file}
    password = f"me:{quote(CANARY, safe='')}"
    key = folder / "secret.txt"
    key.write_text(CANARY)
    return {
        "defaults": {"interval": "300ms", "timeout": "2s"},
        "telemetry": {"sample_successes": 1},
        "web": {"listen": "127.0.0.1:0"},
        "targets": [
            {"name": "echo", "endpoint": url, "headers": HEADERS, **plain},
            {"name": "query", "endpoint": f"{url}/v1/traces?token={CANARY}", **plain},
            {"name": "file", "endpoint": url, "headers": {"x-a": f"${{file:{key}}}"}, **plain},
            {"name": "proxied", "endpoint": "https://127.0.0.1:1",
             "proxy_url": f"http://{password}@127.0.0.1:{echo}"},
            {"name": "key-as-path", "endpoint": "https://127.0.0.1:1",
             "tls": {"key_file": PEM, "cert_file": PEM, "ca_file": PEM}},
            {"name": "inline", "endpoint": "https://127.0.0.1:1",
             "tls": {"key_pem": PEM, "cert_pem": PEM}},
            {"name": "grpc", "endpoint": f"https://127.0.0.1:{backend.port}", "tls": files,
             "headers": HEADERS},
        ],
        "sources": [{"http_sd": f"{url}/list?token={CANARY}"}],
        "clock": {"sources": [{"http": f"{url}/?token={CANARY}"}]},
        "modules": {"all": {"headers": HEADERS, "allow": ["127.0.0.0/8"], **plain}},
    }  # fmt: skip


async def pages(service: RunningService, echo: int, names: list[str]) -> dict[str, str]:
    """Return every page, the metrics, the API and what a scrape of /probe is answered."""
    paths = ["/", "/causes", "/metrics", "/api/v1/targets", "/-/healthy", "/-/ready", "/nothing"]
    paths += [f"/targets/{name}" for name in names] + [f"/api/v1/targets/{name}" for name in names]
    paths += [f"/badge/{name}.svg" for name in names] + [f"/causes/{one}" for one in CATALOGUE]
    probe = f"/probe?module=all&target=127.0.0.1:{echo}"
    paths += [probe, f"{probe}&debug=true", f"/probe?module=no&target=127.0.0.1:{echo}"]
    return {path: (await service.get(path))[1] for path in paths}


async def reloaded(service: RunningService) -> str:
    """Return what asking for a reload is answered."""
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"http://{service.address}/-/reload") as response,
    ):
        return await response.text()


async def test_no_output_of_a_service_holds_a_canary(tmp_path: Path) -> None:
    """Pages, API, metrics, /probe, reload's answer and banner, log, spans: peers repeat it all."""
    said = " ".join(encodings())[:200]
    backend = Backend(
        name="grpc",
        server=PKI.server(),
        client_ca=PKI.client_ca,
        answers=Answers(grpc_status=(16, said)),
    )
    receiver = Receiver()
    await backend.start()
    try:
        async with echoing() as echo, receiver.listening() as endpoint:
            written = settings(tmp_path, echo, backend)
            names = [target["name"] for target in written["targets"]]
            config = tmp_path / "probe.yml"
            config.write_text(json.dumps(written))
            variables = {
                "OTEL_TRACES_EXPORTER": "otlp",
                "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
                "OTEL_EXPORTER_OTLP_HEADERS": f"authorization={quote(CANARY)}",
                "OTEL_BSP_SCHEDULE_DELAY": "50",
            }
            outputs: dict[str, str] = {}
            async with running_service(config, variables) as service:
                for name in names:
                    series = f'mtls_probe_attempts_total{{target="{name}"}}'
                    await service.reaches(series, 2, within=20)
                outputs |= await pages(service, echo, names)
                for number, text in enumerate(BROKEN):
                    config.write_text(text)
                    outputs[f"reload {number}"] = await reloaded(service)
                    outputs[f"banner {number}"] = (await service.get("/"))[1]
                ended = await service.stop()
            outputs |= {"log": ended.err, "out": ended.out, "spans": repr(receiver.spans)}
    finally:
        await backend.stop()
    assert ended.code == 0
    assert receiver.spans
    found = {name: traces[:2] for name, text in outputs.items() if (traces := traces_of(text))}
    assert not found
    assert MASK in outputs["/targets/echo"]
    assert MASK in outputs["/targets/proxied"]
    assert MASK in outputs["/targets/grpc"]
    assert "client_file_malformed" in outputs["/targets/key-as-path"]
    assert "stays" in outputs["reload 0"]


async def test_no_evidence_file_holds_a_canary(tmp_path: Path) -> None:
    """Nor what check prints with it, nor the result of diagnose."""
    backend = Backend(
        name="grpc", server=PKI.server(), client_ca=PKI.client_ca,
        answers=Answers(grpc_status=(16, f"no such token: {CANARY}")),
    )  # fmt: skip
    await backend.start()
    try:
        async with echoing() as echo:
            config = tmp_path / "probe.yml"
            written = settings(tmp_path, echo, backend)
            del written["sources"]
            config.write_text(json.dumps(written))
            seen = tmp_path / "seen"
            checked = await run_probe("check", "--config", config, "--evidence", seen)
            files = sorted(seen.iterdir())
            judged = await run_probe("diagnose", *files)
    finally:
        await backend.stop()
    assert len(files) == len(written["targets"])
    texts = [
        checked.out,
        checked.err,
        judged.out,
        judged.err,
        *(file.read_text() for file in files),
    ]
    assert [traces_of(text)[:2] for text in texts] == [[]] * len(texts)


async def test_no_traceback_holds_a_canary(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug of ours whose message has a header in it: log, evidence and page are masked."""

    async def broken(*_: object) -> None:
        await asyncio.sleep(0)
        raise ValueError(f"a bug with {HEADERS['authorization']} and {encodings()[1]} in it")

    register = SecretRegister()
    configure_logging(human=False, mask=register.mask)
    target = Target(
        name="t",
        endpoint=Endpoint("127.0.0.1", 1),
        headers=tuple((name, Secret(value)) for name, value in HEADERS.items()),
    )
    monkeypatch.setattr(Prober, "_reach_backend", broken)
    pipeline = Pipeline(Ledger([target]), register=register)
    _, evidence, diagnosis = await pipeline.probe_once(target)
    structlog.get_logger("mtls_probe").warning("deep", held=[{"a": {CANARY: (CANARY, 1)}}])
    said = capsys.readouterr().err

    assert evidence.ending.kind == "probe_fault"
    assert "Traceback" in said
    assert said.count(MASK) > 3
    assert traces_of(said + repr(evidence) + repr(diagnosis)) == []


def test_no_library_logs_a_canary(capsys: pytest.CaptureFixture[str]) -> None:
    """What asyncio or aiohttp says, with its traceback, passes the same mask."""
    register = SecretRegister()
    register.add(CANARY)
    configure_logging(human=False, mask=register.mask)
    try:
        raise ValueError(f"a library's {CANARY}")
    except ValueError:
        logging.getLogger("aiohttp.server").exception("while %s", CANARY)
    said = capsys.readouterr().err
    lines = [json.loads(line) for line in said.splitlines()]
    written = [line for line in lines if line["event"] == "library_message"]

    assert [line["library"] for line in written] == ["aiohttp.server"]
    assert written[0]["message"] == f"while {MASK}"
    assert "Traceback" in written[0]["exception.stacktrace"]
    assert traces_of(said) == []
