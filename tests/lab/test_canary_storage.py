"""A Collector that cannot write what it receives: only a canary finds it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from probe.model.target import Protocol
from tests.lab import servers
from tests.lab.credentials import LabPki
from tests.lab.observation import observe, target
from tests.lab.span_file import SpanFile
from tests.support.required_tools import missing


def written_at_once(path: Path) -> dict[str, object]:
    """Return a file exporter that has no buffer, so that the sender gets its errors.

    Without `rotation` it writes later, long after the receiver has answered with success.
    """
    return {"file": {"path": str(path), "rotation": {"max_megabytes": 1}}}


@contextmanager
def read_only(folder: Path) -> Iterator[list[str]]:
    """Yield what to put before a command for which `folder` is read-only."""
    folder.mkdir()
    if os.geteuid() == 0:
        # Permissions do not stop root; a read-only mount does.
        if shutil.which("unshare") is None:
            missing("unshare is not installed")
        script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && exec "$@"'
        yield ["unshare", "--mount", "sh", "-c", script, str(folder)]
        return
    folder.chmod(0o555)
    try:
        yield []
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize("protocol", ["grpc", "http/protobuf"])
@pytest.mark.parametrize("kind", ["full", "read-only"])
def test_a_canary_finds_it_and_an_empty_export_does_not(
    otelcol: Path, pki: LabPki, tmp_path: Path, kind: str, protocol: Protocol
) -> None:
    """TLS, certificates and the receiver are all right: what fails is behind them."""
    folder = tmp_path / "telemetry"
    with read_only(folder) as before:
        path = Path("/dev/full") if kind == "full" else folder / "spans.json"
        with servers.collector(
            otelcol,
            tmp_path,
            pki,
            exporter=written_at_once(path),
            before=before if kind == "read-only" else [],
        ) as backend:
            port = backend.grpc_port if protocol == "grpc" else backend.http_port
            _, empty = observe(target(pki, port, pki.client, protocol=protocol))
            evidence, diagnosis = observe(
                target(pki, port, pki.client, protocol=protocol, depth="canary")
            )

    assert empty.outcome == "confirmed"
    assert (diagnosis.outcome, diagnosis.cause) == ("failed", "otlp_storage_failure")
    assert evidence.answer is not None
    words = {"full": "no space left on device"}.get(kind, "read-only file system")
    if kind == "full" or os.geteuid() == 0:
        assert words in evidence.answer.message
    assert any(evidence.answer.message in fact for fact in diagnosis.facts)


def test_a_location_that_can_be_written_to_has_the_item(
    otelcol: Path, pki: LabPki, tmp_path: Path
) -> None:
    """The opposite case: confirmed, and the item is in the file under the reported trace id."""
    file = SpanFile(tmp_path / "spans.json")
    exporter = written_at_once(file.path)
    with servers.collector(otelcol, tmp_path, pki, exporter=exporter) as backend:
        evidence, diagnosis = observe(target(pki, backend.grpc_port, pki.client, depth="canary"))
        (span,) = file.wait(bool)
    assert diagnosis.outcome == "confirmed"
    assert span.trace_id == evidence.canary_trace_id
    assert span.attributes["user_agent.synthetic.type"] == "test"
    assert span.attributes["mtls_probe.canary"] is True
    assert span.parent == ""
