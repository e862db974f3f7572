"""The command line as its users run it, as a process, for the tests of cli and service."""

import asyncio
import base64
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from probe.model.target import TlsSettings
from tests.support.backends import Backend

ROOT = Path(__file__).parents[2]
NOWHERE = "127.0.0.1:1"
"""Where nothing listens."""
TRACEBACK = "Traceback (most recent call last)"
_LIMIT = 30.0
# Variables that change what the probe does, and one that makes it compile itself at each start.
_NOT_OURS = (
    "OTEL_",
    "NO_COLOR",
    "FORCE_COLOR",
    "HTTPS_PROXY",
    "https_proxy",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "PYTHONDONTWRITEBYTECODE",
)


@dataclass(frozen=True)
class Ended:
    """The exit code and output of a process, which has no traceback: `run_probe` fails on one."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What was printed, read as JSON."""
        return json.loads(self.out)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's variables without any that would configure the probe, and `more`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_OURS)}
    return own | {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"} | dict(more or {})


async def start_probe(
    *arguments: str | bytes | Path, env: Mapping[str, str] | None = None, **options: Any
) -> asyncio.subprocess.Process:
    """Start `python -m probe` with all three standard streams in our hands."""
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "probe", *arguments, env=environment(env), **{**streams, **options}
    )


async def finish(process: asyncio.subprocess.Process, stdin: bytes | None = None) -> Ended:
    """Wait until `process` has ended by itself; a traceback is never allowed."""
    try:
        async with asyncio.timeout(_LIMIT):
            out, err = await process.communicate(stdin)
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode is not None
    ended = Ended(process.returncode, (out or b"").decode(), (err or b"").decode())
    assert TRACEBACK not in ended.out + ended.err, ended.err
    return ended


async def run_probe(
    *arguments: str | bytes | Path,
    stdin: bytes | None = None,
    env: Mapping[str, str] | None = None,
    **options: Any,
) -> Ended:
    """Run `python -m probe` to its end."""
    return await finish(await start_probe(*arguments, env=env, **options), stdin)


@dataclass(frozen=True)
class Command:
    """One command line of the probe, for `run_commands`."""

    arguments: tuple[str | bytes | Path, ...]
    stdin: bytes = b""
    env: Mapping[str, str] | None = None
    cwd: Path | None = None


def command(*arguments: str | bytes | Path, **settings: Any) -> Command:
    """Return a command line with its arguments; `settings` are a Command's."""
    return Command(arguments, **settings)


async def run_commands(*commands: Command) -> list[Ended]:
    """Run each to its end, one after the other, in processes that share their imports."""
    asked = [
        {
            "arguments": list(map(os.fsdecode, each.arguments)),
            "stdin": base64.b64encode(each.stdin).decode(),
            "env": environment(each.env),
            "cwd": str(each.cwd or Path.cwd()),
        }
        for each in commands
    ]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.forked_commands"),
        env=environment(),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate(json.dumps(asked).encode())
    ended = [
        Ended(each["code"], *(base64.b64decode(each[name]).decode() for name in ("out", "err")))
        for each in json.loads(out)
    ]
    for each in ended:
        assert TRACEBACK not in each.out + each.err, each.err
    return ended


def configuration(folder: Path, *targets: Mapping[str, Any], **more: Any) -> Path:
    """Write a configuration (JSON is YAML) that listens on a free port; return its path."""
    path = folder / "probe.yml"
    web = {"listen": "127.0.0.1:0"}
    path.write_text(json.dumps({"targets": targets, "web": web, **more}), encoding="utf-8")
    return path


def entry(backend: Backend, tls: TlsSettings, **more: Any) -> dict[str, Any]:
    """Return the target of the configuration that probes `backend` with these files."""
    files = {"ca_file": tls.ca_file, "cert_file": tls.cert_file, "key_file": tls.key_file}
    return {
        "name": backend.name,
        "endpoint": f"https://127.0.0.1:{backend.port}",
        "protocol": backend.protocol,
        "tls": {key: value for key, value in files.items() if value},
        **more,
    }


class RunningService:
    """`mtls-probe run` as a process, with its address."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        address: str,
        said: Mapping[str, Any],
        logged: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        """Know the process, where it listens, and what it logged until then."""
        self.process = process
        self.logged = logged
        self.address = address
        self.said = said

    async def get(self, path: str) -> tuple[int, str]:
        """Return the status and the text of a page."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(f"http://{self.address}{path}") as response,
        ):
            return response.status, await response.text()

    async def sample(self, series: str) -> float | None:
        """Return the value of a series on /metrics, None while there is none."""
        _, text = await self.get("/metrics")
        for line in text.splitlines():
            if line.startswith(f"{series} "):
                return float(line.rpartition(" ")[2])
        return None

    async def reaches(self, series: str, value: float, within: float = 5.0) -> None:
        """Wait until `series` is at least `value`."""
        async with asyncio.timeout(within):
            while (await self.sample(series) or -1.0) < value:
                await asyncio.sleep(0.03)

    async def stop(self) -> Ended:
        """Send SIGTERM and wait for the end."""
        self.process.send_signal(signal.SIGTERM)
        return await finish(self.process)


@asynccontextmanager
async def running_service(
    config: Path | None, env: Mapping[str, str] | None = None
) -> AsyncIterator[RunningService]:
    """Run the service and wait until it listens; it never outlives the test.

    Without `config` it reads the environment.
    """
    where = ("--listen", "127.0.0.1:0") if config is None else ("--config", config)
    process = await start_probe("run", *where, env=env)
    try:
        assert process.stderr is not None
        before: list[dict[str, Any]] = []
        said: dict[str, Any] = {}
        async with asyncio.timeout(20):
            while said.get("event") != "listening":
                said = json.loads(await process.stderr.readline())
                before.append(said)
        yield RunningService(process, said["address"], said, before)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
