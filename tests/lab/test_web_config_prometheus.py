"""The web file with a real Prometheus: it scrapes over mutual TLS with a password, or not at all.

And what promtool says about the files that we accept and those that we refuse.
"""

import asyncio
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from probe.ledger.ledger import Ledger
from probe.metrics.scrape import Metrics
from probe.web.application import ServiceView, build_application
from probe.web.server.connections import Connections
from probe.web.server.listener import serve_application as listening
from probe.web.server.web_config import WebConfig
from tests.lab.monitoring import Prometheus, prometheus
from tests.support.pki import Authority, write_pem
from tests.support.required_tools import missing
from tests.support.web_files import CASES, HASH, PASSWORD, Case, ServerPki, mtls, users

EXAMPLE = Path(__file__).parents[2] / "config" / "prometheus" / "web.yml"
SCRAPED = 20.0
"""Seconds in which a scrape must have been made."""


@contextmanager
def serving(file: Path) -> Iterator[str]:
    """Serve the product's web application by the web file, in a thread; yields its address."""
    began, stop = threading.Event(), asyncio.Event()
    found: list[tuple[asyncio.AbstractEventLoop, str]] = []

    async def main() -> None:
        config = WebConfig(file)
        ledger = Ledger(())
        application = build_application(ServiceView(ledger=ledger, metrics=Metrics(ledger)))
        config.guard(application)
        context = config.ssl_context
        async with (
            listening(
                application, "127.0.0.1", 0, connections=Connections(64), ssl_context=context
            ) as (host, port),
            config.watch(),
        ):
            found.append((asyncio.get_running_loop(), f"{host}:{port}"))
            began.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(main()))
    thread.start()
    try:
        assert began.wait(10)
        yield found[0][1]
    finally:
        found[0][0].call_soon_threadsafe(stop.set)
        thread.join()


def client(folder: Path, name: str, authority: Authority) -> dict[str, str]:
    """Return Prometheus's settings for a certificate of `authority`."""
    issued = authority.issue("prometheus")
    return {
        "cert_file": str(write_pem(folder, f"{name}.pem", issued.pem)),
        "key_file": str(write_pem(folder, f"{name}-key.pem", issued.key_pem)),
    }


def errors(watching: Prometheus) -> dict[str, str]:
    """Return the error of the last scrape of each job."""
    targets = watching.get("/api/v1/targets")["data"]["activeTargets"]
    return {one["labels"]["job"]: one["lastError"] for one in targets}


def test_prometheus_scrapes_over_mutual_tls_with_a_password(tmp_path: Path) -> None:
    """With both it is accepted, also after both sides' certificates were rotated; otherwise refused."""
    pki = ServerPki(tmp_path)
    next_ca = Authority.root("The next client CA")
    right = client(tmp_path, "right", pki.client_ca)
    certificates: dict[str, dict[str, str]] = {
        "right": right,
        "wrong_password": right,
        "unknown_user": right,
        "no_password": right,
        "no_certificate": {},
        "another_ca": client(tmp_path, "another", Authority.root("Another CA")),
        "next_ca": client(tmp_path, "next", next_ca),
    }
    passwords: dict[str, dict[str, str]] = {
        "wrong_password": {"username": "prometheus", "password": "wrong"},
        "unknown_user": {"username": "nobody", "password": PASSWORD.decode()},
        "no_password": {},
    }
    good = {"username": "prometheus", "password": PASSWORD.decode()}
    file = pki.write(mtls() | users(prometheus=HASH))

    with serving(file) as address:

        def job(name: str) -> dict[str, Any]:
            tls = {"ca_file": str(pki.server_ca_file), **certificates[name]}
            made = {
                "job_name": name,
                "scheme": "https",
                "tls_config": tls,
                "static_configs": [{"targets": [address]}],
            }
            given = passwords.get(name, good)
            return made | ({"basic_auth": given} if given else {})

        with prometheus(tmp_path, [job(name) for name in certificates]) as watching:

            def accepts(*names: str) -> bool:
                found = {labels["job"]: value for labels, value in watching.query("up")}
                return found == {name: float(name in names) for name in certificates}

            watching.wait(lambda: accepts("right"), SCRAPED, "accept only the right one")
            assert watching.query('mtls_probe_build_info{job="right"}')
            said = errors(watching)
            assert said["right"] == ""
            for name in passwords:
                assert "HTTP status 401" in said[name], said
            for name in ("no_certificate", "another_ca", "next_ca"):
                assert "HTTP status 401" not in said[name], said

            pki.write(mtls() | users(prometheus=HASH, nobody=HASH))
            watching.wait(lambda: accepts("right", "unknown_user"), SCRAPED, "accept a new user")
            # Open connections stay: this test says nothing about the old CA's clients.
            pki.renew()
            pki.trust(next_ca)
            watching.has('up{job="next_ca"} == 1')


def promtool(file: Path) -> tuple[bool, str]:
    """Return whether promtool accepts `file`, and what it says."""
    binary = shutil.which("promtool") or missing("promtool is not installed")
    command = [binary, "check", "web-config", str(file)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.parametrize("case", CASES, ids=str)
def test_promtool_judges_as_we_do(case: Case, tmp_path: Path) -> None:
    """It accepts what we accept; what it accepts and we refuse, the table gives a reason for."""
    file = ServerPki(tmp_path).write(case.content)
    agreed = (not case.key) == case.promtool_too

    accepted, said = promtool(file)

    if case.young and not accepted and (case.key or "not found in type web." in said):
        return
    assert accepted == agreed, said
    assert case.promtool_too or case.because


def test_the_documented_example_is_accepted_by_both(tmp_path: Path) -> None:
    """As it is in the repository, with the files that it names."""
    file = ServerPki(tmp_path).write(EXAMPLE.read_text(encoding="utf-8"))

    accepted, said = promtool(file)

    assert accepted, said
    assert WebConfig(file).ssl_context is not None


def test_every_line_that_the_example_leaves_out_is_accepted_too(tmp_path: Path) -> None:
    """Removing the `#` gives what the comment says."""
    text = EXAMPLE.read_text(encoding="utf-8")
    for key in ("client_allowed_sans", "cipher_suites", "curve_preferences"):
        assert f"  # {key}:" in text
        text = text.replace(f"  # {key}:", f"  {key}:")
    for line in ("basic_auth_users:", "  prometheus:", "rate_limit:", "  interval:", "  burst:"):
        assert f"\n# {line}" in text
        text = text.replace(f"\n# {line}", f"\n{line}")
    file = ServerPki(tmp_path).write(text.replace("$2y$10$…", HASH))

    settings = WebConfig(file).settings

    assert settings.users
    assert settings.rate_limit is not None
    assert settings.tls is not None
    assert settings.tls.client_allowed_sans == {"prometheus.example.com"}
