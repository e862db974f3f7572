"""Records what a Collector that cannot write prints, and what its exporters see of it.

`python -m tests.lab.messages.record_storage` writes tests/corpora/clients/storage.jsonl. It mounts
small file systems, so it runs as root.
"""

import json
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.lab.collector_build import collector_binary
from tests.lab.messages.record_go import (
    BUILT_AT,
    CORPORA,
    MOST,
    NOBODY,
    SPAN,
    run_program,
    share,
)
from tests.support.ports import reserved_port

MANIFEST: Final = Path(__file__).with_name("storage.yaml")
CAUSE: Final = "otlp_storage_failure"
ROUNDS: Final = 60
"""Exports after which 256 KiB are surely full."""


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """Mount a small file system that any user may write to, where it is not read-only."""
    place = folder / f"mounted-{options.replace(',', '-').replace('=', '')}"
    place.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"{options},mode=777", "tmpfs", str(place)], check=True
    )
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def run_backend(
    name: str, described: Mapping[str, Any], folder: Path, *, exports: int = 3
) -> Iterator[Mapping[str, Any]]:
    """Start the Collector with the exporters and extensions of `described`, and export to it."""
    with reserved_port() as grpc, reserved_port() as http:
        protocols = {
            "grpc": {"endpoint": f"127.0.0.1:{grpc}"},
            "http": {"endpoint": f"127.0.0.1:{http}"},
        }
        configuration = {
            "receivers": {"otlp": {"protocols": protocols}},
            "exporters": described["exporters"],
            "extensions": described.get("extensions", {}),
            "service": {
                "extensions": [*described.get("extensions", {})],
                "telemetry": {"metrics": {"level": "none"}},
                "pipelines": {
                    "traces": {"receivers": ["otlp"], "exporters": [*described["exporters"]]}
                },
            },
        }
        file, log = folder / f"{name}.yaml", folder / f"{name}.log"
        file.write_text(json.dumps(configuration))
        with log.open("wb") as written:
            process = subprocess.Popen(
                [share(collector_binary(MANIFEST)), f"--config={file}"],
                stdout=written,
                stderr=written,
                user=NOBODY,
            )
        try:
            while process.poll() is None and "Everything is ready" not in log.read_text():
                time.sleep(0.05)
            if process.poll() is None:
                answers = [send_large_span(http) for _ in range(exports)]
                refused = [each for each in answers if each]
                if refused:
                    yield describe(f"{name}-http", "exporter", "", refused[-1])
                for kind, port in (("sdk-grpc", grpc), ("sdk-http", http)):
                    fault = {
                        "url": f"http://127.0.0.1:{port}",
                        "cert": "",
                        "key": "",
                        "ca": "",
                        "as_another_user": False,
                    }
                    text = run_program(kind)(fault, folder)
                    if "write " in text:  # else the time was up while it tried again
                        yield describe(f"{name}-{kind}", "exporter", f"go-{kind[4:]}", text)
        finally:
            process.terminate()
            process.wait(20)
        yield describe(f"{name}-collector", "backend", "", _list_faults(log.read_text()))


def send_large_span(port: int) -> str:
    """Export one span of some kilobytes; returns what an exporter would print of a refusal."""
    span = json.loads(json.dumps(SPAN).replace("operation", "x" * 8000))
    url = f"http://127.0.0.1:{port}/v1/traces"
    request = urllib.request.Request(
        url, json.dumps(span).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=10):
            return ""
    except urllib.error.HTTPError as error:
        return f"Failed to export traces batch code: {error.code}, reason: {error.read().decode()}"


def _list_faults(text: str) -> str:
    lines = [line for line in text.splitlines() if not re.match(r"^\S+\tinfo\b", line)]
    return "\n".join(lines[:12])


def describe(name: str, side: str, runtime: str, text: str) -> Mapping[str, Any]:
    """Return one line of the corpus."""
    return {
        "id": f"storage-{name}",
        "client": "OpenTelemetry Collector 0.162 that cannot write",
        "runtime": runtime,
        "fault": name.rpartition("-")[0],
        "side": side,
        "cause": CAUSE,
        "also": [],
        "text": text,
    }


def list_cases(folder: Path, full: Path, locked: Path, read_only: Path) -> dict[str, Any]:
    """Return what each Collector writes to."""
    queue = {
        "otlp_grpc": {
            "endpoint": "127.0.0.1:9",
            "tls": {"insecure": True},
            "sending_queue": {"storage": "file_storage"},
        }
    }

    def storage(place: Path, **more: Any) -> dict[str, Any]:
        return {
            "exporters": queue,
            "extensions": {"file_storage": {"directory": str(place), **more}},
        }

    return {
        "file_denied": {"exporters": {"file": {"path": str(locked / "traces.json")}}},
        "file_no_folder": {"exporters": {"file": {"path": str(folder / "none/traces.json")}}},
        "file_folder": {"exporters": {"file": {"path": str(full)}}},
        "file_read_only": {"exporters": {"file": {"path": str(read_only / "traces.json")}}},
        "file_full": {"exporters": {"file": {"path": str(full / "traces.json"), "flush_interval": "100ms"}}},
        "storage_denied": storage(locked),
        "storage_no_folder": storage(folder / "none"),
        "storage_create_denied": storage(locked / "queue", create_directory=True),
        "storage_read_only": storage(read_only),
        "storage_full": storage(full, compaction={"directory": str(full)}),
    }  # fmt: skip


def main() -> None:
    """Record every case."""
    lines: list[Mapping[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        locked = folder / "locked"
        locked.mkdir(mode=0o755)
        with mounted(folder, "size=256k") as full, mounted(folder, "ro") as read_only:
            for name, described in list_cases(folder, full, locked, read_only).items():
                exports = ROUNDS if name.endswith("full") else 3
                for line in run_backend(name, described, folder, exports=exports):
                    text = line["text"]
                    for own, written in (
                        (str(folder / "mounted-size256k"), "/var/lib/otelcol"),
                        (str(folder / "mounted-ro"), "/var/lib/otelcol"),
                        (str(folder.resolve()), "/var/lib/otelcol"),
                        *BUILT_AT,
                    ):
                        text = re.sub(own, written, text)
                    if text.strip():
                        lines.append({**line, "text": text.strip()[:MOST]})
                for left in full.iterdir():
                    left.unlink()
    path = CORPORA / "storage.jsonl"
    path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))
    sys.stdout.write(f"{path.name}: {len(lines)}\n")


if __name__ == "__main__":
    main()
