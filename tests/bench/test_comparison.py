"""The comparison runs each of its programs at the rate; stand-ins speak for both exporters."""

import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest

from tests.bench import comparison, exporter_stand_in, meters
from tests.bench.backends import Site, nginx_site
from tests.bench.comparison import measure_round
from tests.bench.figures import Settings
from tests.bench.peers import choose_peers
from tests.support.required_tools import missing

pytestmark = [pytest.mark.serial, pytest.mark.slow]
SECONDS = 2.0
RATE = 20
"""Low enough for a machine that is busy with something else."""


@pytest.fixture(autouse=True)
def begin_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """No program is warm before it is measured: the figure itself does not matter here."""
    monkeypatch.setattr(comparison, "WARM", 0.2)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The one nginx."""
    if which("nginx") is None:
        missing("nginx is not installed")
    with nginx_site(tmp_path_factory.mktemp("nginx")) as running:
        yield running


@pytest.fixture(scope="module")
def exporters(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings with a program for both exporters."""
    program = tmp_path_factory.mktemp("exporter") / "exporter"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {exporter_stand_in.__file__} "$@"\n')
    program.chmod(0o755)
    return Settings(blackbox=program, ssl_exporter=program)


PROGRAMS = (
    "mtls-probe, HTTP/1.1",
    "mtls-probe, HTTP/2",
    "mtls-probe, gRPC",
    "bare attempt, HTTP/1.1",
    "openssl s_time",
    "blackbox_exporter, HTTP/1.1",
    "blackbox_exporter, HTTP/2",
    "blackbox_exporter, TLS",
    "ssl_exporter, TLS",
)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_makes_attempts_at_the_rate(site: Site, exporters: Settings, name: str) -> None:
    """It makes them, they succeed, and they cost CPU of the program that was started."""
    peers = choose_peers(exporters, RATE)
    assert set(peers) == set(PROGRAMS)
    if name == "openssl s_time" and which("gcc") is None:
        missing("gcc is not installed")

    # An attempt of any program is more than a tenth of a millisecond and less than fifty.
    assert 0.0001 < measure_round(site, peers[name], SECONDS, RATE / 2) < 0.05


def test_an_exporter_that_fails_stops_the_comparison(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program whose probes do not succeed is not measured."""
    monkeypatch.setattr(meters, "START_TIMEOUT", 1.0)
    program = tmp_path / "exporter"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    peer = choose_peers(Settings(ssl_exporter=program))["ssl_exporter, TLS"]

    with pytest.raises(SystemExit, match="no such result"):
        measure_round(site, peer, SECONDS)
