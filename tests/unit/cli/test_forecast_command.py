"""`mtls-probe forecast`: real backends, and what of them will break by itself."""

import json
from datetime import UTC, datetime
from pathlib import Path

import icalendar
import pytest

from probe.model.target import TlsSettings
from tests.support.backends import Backend
from tests.support.command_line import NOWHERE, configuration, entry, run_probe
from tests.support.loopback_client import CLIENT_CA, SERVER_CA, Start
from tests.support.pki import write_pem

pytestmark = pytest.mark.slow


@pytest.fixture
async def backend(start: Start) -> Backend:
    """A healthy backend."""
    return await start(name="eu")


def settings(folder: Path) -> TlsSettings:
    """Return TLS settings whose client certificate the backend accepts."""
    own = CLIENT_CA.issue("checkout")
    return TlsSettings(
        ca_file=str(write_pem(folder, "ca.crt", SERVER_CA.pem)),
        cert_file=str(write_pem(folder, "tls.crt", own.pem)),
        key_file=str(write_pem(folder, "tls.key", own.key_pem)),
    )


async def test_a_configurations_targets_are_foreseen(backend: Backend, tmp_path: Path) -> None:
    """Exit code 1 and each certificate in use, by time; 0 where nothing ends so soon."""
    written = configuration(tmp_path, entry(backend, settings(tmp_path)))
    ended = await run_probe(
        "forecast", "--config", written, "--within", "9000d", "--output", "json"
    )
    assert ended.code == 1, ended.err
    entries = ended.document["forecast"]
    assert {"client_certificate", "server_certificate", "trust_anchor"} <= {
        one["kind"] for one in entries
    }
    moments = [one["at"] for one in entries]
    assert moments == sorted(moments)
    served = next(one for one in entries if one["kind"] == "server_certificate")
    assert served["where"].endswith(str(backend.port))
    assert served["sure"] == "certain"
    soon = await run_probe("forecast", "--config", written, "--within", "1m")
    assert (soon.code, soon.out) == (0, "nothing breaks by itself within 1 minute\n")


async def test_endpoints_and_a_calendar(backend: Backend, tmp_path: Path) -> None:
    """The file is written in one step, and a library reads it."""
    tls, file = settings(tmp_path), tmp_path / "forecast.ics"
    ended = await run_probe(
        "forecast", f"127.0.0.1:{backend.port}", "--server-name", "localhost",
        "--ca", tls.ca_file or "", "--cert", tls.cert_file or "", "--key", tls.key_file or "",
        "--within", "9000d", "--output", "ics", "--alarm", "14d", "--output-file", file,
    )  # fmt: skip
    assert (ended.code, ended.out) == (1, ""), ended.err
    calendar = icalendar.Calendar.from_ical(file.read_bytes())
    assert all(one["DTSTART"].dt > datetime.now(UTC) for one in calendar.events)
    assert all(one.walk("VALARM") for one in calendar.events)


async def test_what_cannot_be_seen_is_never_well() -> None:
    """A backend that is down may have any certificate."""
    ended = await run_probe("forecast", NOWHERE, "--output", "json")
    assert ended.code == 1
    assert json.loads(ended.out)["forecast"] == []
    assert ended.document["unseen"][0]["target"] == NOWHERE
    assert "not seen: 127.0.0.1:1: its backend's certificate was not seen" in ended.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--within", "90"), "--within '90': a duration needs its unit, like 90d for days"),
        (("--alarm", "14d"), "--alarm goes with --output ics"),
        (("--alarm", "14", "--output", "ics"), "--alarm '14'"),
        (("--output", "calendar"), "'calendar' is not one of"),
    ],
)
async def test_wrong_usage_says_what_is_meant(arguments: tuple[str, ...], says: str) -> None:
    """Before anything is tried."""
    ended = await run_probe("forecast", NOWHERE, *arguments)
    assert ended.code == 2
    assert says in ended.err
