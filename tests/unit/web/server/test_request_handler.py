"""Requests that are not valid HTTP: nothing of them is answered, printed or logged.

A credential is often in what a client sends by mistake: these answers come before any check of a
password, and a log is read by more people than the pages.
"""

import asyncio
from pathlib import Path

import pytest

from tests.support.command_line import configuration, running_service
from tests.support.malformed_requests import SHOWN, requests
from tests.support.raw_exchange import exchange
from tests.support.web_files import HASH, ServerPki

pytestmark = pytest.mark.slow

HEADERS = ("content-security-policy", "x-content-type-options", "referrer-policy", "cache-control")
TARGET = {"name": "eu", "endpoint": "127.0.0.1:1", "interval": "1h"}


def first_head(answer: bytes) -> tuple[int, dict[str, str]]:
    """Return the status and the headers of the first answer."""
    first, *rest = answer.partition(b"\r\n\r\n")[0].decode("latin-1").split("\r\n")
    headers = dict(line.partition(": ")[::2] for line in rest)
    return int(first.split()[1]), {name.lower(): value for name, value in headers.items()}


@pytest.mark.parametrize("guarded", [False, True], ids=["open", "passwords"])
async def test_nothing_of_a_malformed_request_comes_back_or_is_logged(
    tmp_path: Path, guarded: bool
) -> None:
    """Raw bytes to the real service: answers, stdout and stderr are searched for the credential."""
    web = {"listen": "127.0.0.1:0"}
    if guarded:
        content = {
            "basic_auth_users": {"admin": HASH},
            "http_server_config": {"headers": {"X-Frame-Options": "deny"}},
        }
        web["config_file"] = str(ServerPki(tmp_path).write(content))
    seen: dict[str, bytes] = {}
    async with running_service(configuration(tmp_path, TARGET, web=web)) as service:
        places = asyncio.Semaphore(16)

        async def one(name: str, request: bytes) -> None:
            async with places:
                seen[name] = await exchange(service.address, request)

        await asyncio.gather(*(one(name, request) for name, request in requests()))
        if not guarded:
            assert await service.sample("mtls_probe_web_malformed_requests_total")
        status = await exchange(service.address, b"GET /-/healthy HTTP/1.0\r\n\r\n")
        ended = await service.stop()

    assert ended.code == 0
    refused = 0
    for name, answer in {
        **seen,
        "stdout": ended.out.encode(),
        "stderr": ended.err.encode(),
    }.items():
        for secret in SHOWN:
            assert secret.encode() not in answer, name
        for version in (b"aiohttp", b"Python/", b"Traceback", b"probe_fault"):
            assert version not in answer, (name, answer)
        if answer.startswith(b"HTTP/"):
            code, headers = first_head(answer)
            assert set(HEADERS) <= headers.keys(), (name, headers)
            assert headers["server"] == "mtls-probe", name
            assert headers["content-type"].startswith("text/plain") or code < 400, name
            assert not guarded or headers["x-frame-options"] == "deny", name
            refused += code >= 400
    assert refused > 50, "hardly anything was refused with an answer"
    assert status.startswith(b"HTTP/1.0 401" if guarded else b"HTTP/1.0 200")


async def test_plain_http_to_a_port_of_tls_leaves_nothing(tmp_path: Path) -> None:
    """TLS ends at the first bytes; nothing of them is logged, and the service goes on."""
    pki = ServerPki(tmp_path)
    content = {"tls_server_config": {"cert_file": "server.pem", "key_file": "server-key.pem"}}
    web = {"listen": "127.0.0.1:0", "config_file": str(pki.write(content))}
    async with running_service(configuration(tmp_path, TARGET, web=web)) as service:
        answers = [await exchange(service.address, request) for _, request in list(requests())[::9]]
        ended = await service.stop()

    assert ended.code == 0
    text = b"".join(answers) + (ended.out + ended.err).encode()
    assert not [secret for secret in SHOWN if secret.encode() in text]
    assert "Traceback" not in ended.err
