"""Records what Go clients, a grpc-go server and the Collector print for every fault.

`python -m tests.lab.messages.record_go [CLIENT…]` writes tests/corpora/clients/CLIENT.jsonl.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import dropwhile
from pathlib import Path
from typing import Any, Final

from tests.lab.collector_build import collector_binary
from tests.lab.messages.backends import backends
from tests.support.builds import built_once, run_go
from tests.support.ports import reserved_port

HERE: Final = Path(__file__).parent
CORPORA: Final = HERE.parents[1] / "corpora/clients"
NOBODY: Final = 65534
MOST: Final = 4000
"""The most characters of a text that are kept."""
SPAN: Final = {
    "resourceSpans": [
        {
            "scopeSpans": [
                {
                    "spans": [
                        {
                            "traceId": "5b8efff798038103d269b633813fc60c",
                            "spanId": "eee19b7ec3c1b174",
                            "name": "operation",
                            "kind": 1,
                            "startTimeUnixNano": "1544712660000000000",
                            "endTimeUnixNano": "1544712661000000000",
                        }
                    ]
                }
            ]
        }
    ]
}
BUILT_AT: Final = (
    (rf"{Path.home()}/go/pkg/mod/", ""),
    (r"build-\w+/build/", ""),
    (r"lookup (\S+) on [\d.]+:53", r"lookup \1 on 10.96.0.10:53"),
)
"""What a machine adds to a text, and what is written instead."""
WORKING: Final = frozenset({"ok", "alpn_h2"})
"""No faults: clients of Go speak HTTP/2."""

Fault = Mapping[str, Any]
Client = Callable[[Fault, Path], str]


def go_programs() -> Path:
    """Return the program of `go/`, built once."""

    def build(folder: Path) -> Path:
        shutil.copytree(HERE / "go", folder, dirs_exist_ok=True)
        run_go("build", "-mod=mod", "-ldflags=-s -w", "-o", "messages", ".", where=folder)
        return folder / "messages"

    stamp = max(int(path.stat().st_mtime) for path in (HERE / "go").iterdir())
    return built_once(f"messages-go-{stamp}", build)


def run_program(kind: str, severity: str = "") -> Client:
    """Return a client of `go/`; with `severity`, grpc-go logs as well."""

    def printed(fault: Fault, _folder: Path) -> str:
        files = [fault["cert"], fault["key"], fault["ca"]]
        environment = {"GRPC_GO_LOG_SEVERITY_LEVEL": severity, **fault.get("environment", {})}
        return subprocess.run(
            [share(go_programs()), kind, fault["url"], *files],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=30,
            check=False,
            user=NOBODY if fault["as_another_user"] else None,
        ).stdout

    return printed


@contextmanager
def running_collector(
    configuration: Mapping[str, Any], folder: Path, *, user: int | None = None
) -> Iterator[tuple[Path, subprocess.Popen[bytes]]]:
    """Run the lab's Collector; gives the path of what it prints, and its process."""
    own = Path(tempfile.mkdtemp(dir=folder))
    own.chmod(0o755)
    file, log = own / "config.yaml", own / "log"
    file.write_text(json.dumps(configuration))
    with log.open("wb") as written:
        process = subprocess.Popen(
            [share(collector_binary()), f"--config={file}"],
            stdout=written,
            stderr=written,
            user=user,
        )
    try:
        yield log, process
    finally:
        process.terminate()
        process.wait(20)


def share(binary: Path) -> str:
    """Return the path of a copy of `binary` that any user may start."""
    copy = Path(tempfile.gettempdir()) / binary.name
    if not copy.exists():
        shutil.copy(binary, copy)
        copy.chmod(0o755)
    return str(copy)


def describe_pipeline(
    receivers: Mapping[str, Any], exporters: Mapping[str, Any], encoding: str
) -> Mapping[str, Any]:
    """Return a Collector's configuration with one pipeline of traces."""
    return {
        "receivers": receivers,
        "exporters": exporters,
        "service": {
            "telemetry": {"logs": {"encoding": encoding}, "metrics": {"level": "none"}},
            "pipelines": {"traces": {"receivers": [*receivers], "exporters": [*exporters]}},
        },
    }


def run_collector(exporter: str, encoding: str, retry: str) -> Client:
    """Return a Collector that exports one span to the faulty backend."""

    def printed(fault: Fault, folder: Path) -> str:
        with reserved_port() as port:
            return exported(fault, folder, port)

    def exported(fault: Fault, folder: Path, port: int) -> str:
        url = fault["url"].rstrip("/")
        settings = {
            "endpoint": url if exporter == "otlp_http" else url.removeprefix("https://"),
            "tls": {f"{name}_file": fault[name] for name in ("ca", "cert", "key") if fault[name]},
            "timeout": "3s",
            "retry_on_failure": {"enabled": retry == "retry"},
        }
        receivers = {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{port}"}}}}
        described = describe_pipeline(receivers, {exporter: settings}, encoding)
        user = NOBODY if fault["as_another_user"] else None
        with running_collector(described, folder, user=user) as (log, process):
            end = time.monotonic() + 12
            sent = False
            while time.monotonic() < end and process.poll() is None:
                sent = sent or _send_span(port)
                text = log.read_text(errors="replace")
                if "Exporting failed" in text or "data refused" in text:
                    break
                if fault["name"] == "ok" and sent and time.monotonic() > end - 9:
                    break
                time.sleep(0.1)
        return _from_first_fault(log.read_text(errors="replace"))

    return printed


def _from_first_fault(text: str) -> str:
    """Return what a Collector printed, from its first fault until it was ended."""
    before, _, _ = text.partition("Received signal from OS")
    lines = before.splitlines()
    lines = lines if before == text else lines[:-1]
    quiet = re.compile(r'^\S+\tinfo\b(?!.*Exporting failed)|"level":"info"(?!.*Exporting failed)')
    return "\n".join(dropwhile(quiet.search, lines))


def _send_span(port: int) -> bool:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/traces",
        json.dumps(SPAN).encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=2):
            return True
    except OSError:
        return False


CLIENTS: Final[Mapping[str, tuple[str, str, Client]]] = {
    "go_http": ("Go 1.26 net/http", "", run_program("http")),
    "go_grpc": ("grpc-go 1.83", "", run_program("grpc")),
    "go_grpc_logged": ("grpc-go 1.83 with its log", "", run_program("grpc", "info")),
    "go_sdk_http": ("otlptracehttp 1.45", "go-http", run_program("sdk-http")),
    "go_sdk_grpc": ("otlptracegrpc 1.45", "go-grpc", run_program("sdk-grpc")),
    "collector_grpc": (
        "OpenTelemetry Collector 0.162 otlp",
        "collector",
        run_collector("otlp_grpc", "console", "retry"),
    ),
    "collector_http": (
        "OpenTelemetry Collector 0.162 otlp_http",
        "collector",
        run_collector("otlp_http", "console", "retry"),
    ),
    "collector_grpc_json": (
        "OpenTelemetry Collector 0.162 otlp, JSON",
        "collector",
        run_collector("otlp_grpc", "json", "drop"),
    ),
    "collector_http_json": (
        "OpenTelemetry Collector 0.162 otlp_http, JSON",
        "collector",
        run_collector("otlp_http", "json", "drop"),
    ),
}
"""Each client: its name and version, the exporter's id, and how it is run."""


def record_client(name: str, faults: Mapping[str, Fault], folder: Path) -> None:
    """Write what one client prints for every fault."""
    version, runtime, client = CLIENTS[name]
    lines = []
    for fault_name, fault in faults.items():
        text = client({**fault, "name": fault_name}, folder)
        for own, written in ((str(folder.resolve()), "/srv/app"), *BUILT_AT):
            text = re.sub(own, written, text)
        text = text.strip()[:MOST]
        if not text or fault_name in WORKING:
            continue
        lines.append(
            {
                "id": f"{name}-{fault_name}",
                "client": version,
                "runtime": runtime,
                "fault": fault_name,
                "side": "exporter",
                # A close that leaves bytes unread is a reset on the wire.
                "cause": "connection_reset"
                if fault_name == "closed" and "connection reset" in text
                else fault["cause"],
                "also": fault["also"],
                "text": text,
            }
        )
    path = CORPORA / f"{name}.jsonl"
    path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines))
    sys.stdout.write(f"{path.name}: {len(lines)}\n")


def main() -> None:
    """Record the clients that the arguments name; all without any."""
    CORPORA.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        with backends(folder / "files") as described:
            faults = json.loads(described.read_text())
            for name in sys.argv[1:] or CLIENTS:
                record_client(name, faults, folder)


if __name__ == "__main__":
    main()
