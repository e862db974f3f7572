"""What a sidecar may not import: each of these takes memory that no sidecar uses."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.command_line import ROOT, environment

pytestmark = pytest.mark.slow

NOT_IMPORTED: Final = """
    _hashlib _ssl aiohttp.client aiohttp.connector aiohttp.cookiejar aiohttp.web_fileresponse
    argparse bcrypt better_exceptions colorama concurrent.futures.process difflib dns google greenlet
    h2 http.server jinja2 markupsafe multiprocessing opentelemetry prometheus_client.exposition
    pygments rich ruamel ruamel.yaml socketserver tomllib tzlocal uvloop wsgiref xml yaml
    probe.alerting probe.backend probe.demo probe.inspection probe.messages.table probe.metrics.blackbox
    probe.report.result probe.report.story probe.schemas probe.web.pages probe.web.server.web_config
    probe.config.sources.collector.read_collector probe.config.sources.manifest.read_manifest
    probe.config.sources.process.read_process probe.config.sources.sdk.settings_file
""".split()
NEEDED: Final = ("OpenSSL", "aiohttp.web", "apscheduler.schedulers.base", "probe.attempt.prober")


@pytest.fixture(scope="module")
def imported(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[frozenset[str]]:
    """The modules of a sidecar that has made its first attempt."""
    log = tmp_path_factory.mktemp("sidecar") / "log"
    command = [sys.executable, "-v", "-m", "probe", "run", "--listen", "127.0.0.1:0"]
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://127.0.0.1:9"}
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stderr=output, cwd=ROOT, env=environment(variables)) as process,
    ):
        try:
            yield wait_for_attempt(log)
        finally:
            process.terminate()


def wait_for_attempt(log: Path) -> frozenset[str]:
    """Return what was imported until the first outcome is in the log.

    Raises:
        AssertionError: where there is none within 60 seconds.
    """
    end = time.monotonic() + 60
    while "target_outcome_changed" not in (text := log.read_text(encoding="utf-8")):
        assert time.monotonic() < end, text[-2000:]
        time.sleep(0.1)
    return frozenset(re.findall(r"^import '([^']+)' #", text, re.MULTILINE))


def test_a_sidecar_imports_nothing_that_it_does_not_use(imported: frozenset[str]) -> None:
    """A library that another one imports at its top counts as well: probe.system.deferred_packages."""
    assert imported.isdisjoint(NOT_IMPORTED), sorted(imported & set(NOT_IMPORTED))


def test_the_list_of_its_modules_is_whole(imported: frozenset[str]) -> None:
    """What the test above reads has what every sidecar needs."""
    assert set(NEEDED) <= imported
