"""A sidecar stays small, starts fast, and stays true with next to no CPU time."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from tests.bench.backends import serving
from tests.bench.footprint import environment, get, measure_start
from tests.bench.quota import NoQuotaError, limited_to
from tests.support.ports import reserved_port

pytestmark = [pytest.mark.serial, pytest.mark.slow]

MEMORY: Final = 70.0
"""MB resident; `make bench` has the limit of 66, which other versions of Python may miss."""
CPU: Final = 2.4
"""Seconds, twice the limit of `make bench`: a machine of a test may be slow."""
READY: Final = 40.0
OBSERVED: Final = 25.0


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The variables of an exporter whose backend is healthy."""
    with serving(tmp_path_factory.mktemp("backend")) as (port, tls):
        yield environment(port, tls)


def test_a_sidecar_is_small_and_starts_fast(environ: dict[str, str]) -> None:
    """Memory, and CPU until the first result."""
    found = measure_start(environ, starts=2)

    assert found.resident <= MEMORY
    assert found.cpu <= CPU


def test_with_a_twentieth_of_a_core_it_is_ready_and_true(
    environ: dict[str, str], tmp_path: Path
) -> None:
    """No attempt blames the backend for the time that the probe itself did not get."""
    files = {
        "ca_file": environ["OTEL_EXPORTER_OTLP_CERTIFICATE"],
        "cert_file": environ["OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"],
        "key_file": environ["OTEL_EXPORTER_OTLP_CLIENT_KEY"],
    }
    stranger = {
        "ca_file": files["ca_file"],
        "cert_file": str(Path(files["ca_file"]).with_name("stranger.crt")),
        "key_file": str(Path(files["ca_file"]).with_name("stranger.key")),
    }
    endpoint = environ["OTEL_EXPORTER_OTLP_ENDPOINT"]
    targets = [
        {"name": name, "endpoint": endpoint, "interval": "3s", "timeout": "2s", "tls": tls}
        for name, tls in (("accepted", files), ("refused", stranger))
    ]
    file = tmp_path / "probe.yml"
    file.write_text(json.dumps({"targets": targets}), encoding="utf-8")
    seen: dict[str, set[str | None]] = {"accepted": set(), "refused": set()}
    try:
        with limited_to(0.05) as before, reserved_port() as port:
            command = [*before, sys.executable, "-m", "probe", "run", "--config", str(file)]
            command += ["--listen", f"127.0.0.1:{port}"]
            began = time.monotonic()
            with subprocess.Popen(command, env=environ, stderr=subprocess.DEVNULL) as process:
                try:
                    while not get(port, "/-/ready"):
                        assert process.poll() is None
                        assert time.monotonic() - began < READY
                        time.sleep(0.2)
                    end = time.monotonic() + OBSERVED
                    while time.monotonic() < end:
                        for result in list_results(get(port, "/api/v1/targets")):
                            seen[result["target"]].add(result["cause"])
                        time.sleep(1.0)
                finally:
                    process.terminate()
    except NoQuotaError as error:
        pytest.skip(str(error))

    assert None in seen["accepted"]
    assert "client_ca_untrusted" in seen["refused"]
    # Too late is the probe's own fault, and never the backend's.
    assert seen["accepted"] <= {None, "probe_fault"}
    assert seen["refused"] <= {"client_ca_untrusted", "probe_fault"}


def list_results(document: bytes) -> list[dict[str, Any]]:
    """Return the results of a document; none while there is none."""
    return list(json.loads(document)["results"]) if document else []
