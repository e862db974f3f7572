"""A real Prometheus and a real Alertmanager on loopback, for tests of what they do with the probe's metrics."""

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from tests.lab.servers import Log, process
from tests.support.ports import reserved_port
from tests.support.required_tools import missing

HOST: Final = "127.0.0.1"
START: Final = 30.0
"""Seconds that either may take to start on a busy machine."""


@dataclass(frozen=True, slots=True)
class Answering:
    """A server that answers JSON over HTTP."""

    url: str
    log: Log

    def get(self, path: str, **query: str) -> Any:
        """Return what it answers to GET."""
        with urlopen(f"{self.url}{path}?{urlencode(query)}", timeout=10) as response:
            return json.loads(response.read())

    def wait(self, ready: Callable[[], bool], seconds: float, what: str) -> None:
        """Wait until `ready` returns true.

        Raises:
            AssertionError: with its log, where that never comes.
        """
        end = time.monotonic() + seconds
        while True:
            try:
                if ready():
                    return
            except (URLError, OSError):
                pass
            assert time.monotonic() < end, f"never {what}; {self.log.text()[-3000:]}"
            time.sleep(0.1)


@dataclass(frozen=True, slots=True)
class Prometheus(Answering):
    """A running Prometheus."""

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """Return labels and value of each series of an instant query."""
        found = self.get("/api/v1/query", query=expression)["data"]
        if found["resultType"] == "scalar":
            return [({}, float(found["result"][1]))]
        return [(one["metric"], float(one["value"][1])) for one in found["result"]]

    def alerts(self, state: str = "firing") -> list[dict[str, Any]]:
        """Return the alerts in `state`."""
        alerts = self.get("/api/v1/alerts")["data"]["alerts"]
        return [alert for alert in alerts if alert["state"] == state]

    def reload(self) -> None:
        """Have it read its configuration again."""
        with urlopen(Request(f"{self.url}/-/reload", method="POST"), timeout=10):
            pass

    def has(self, expression: str, seconds: float = 20.0) -> list[tuple[dict[str, str], float]]:
        """Wait until `expression` returns series, and return them."""
        self.wait(lambda: bool(self.query(expression)), seconds, f"had {expression}")
        return self.query(expression)


@dataclass(frozen=True, slots=True)
class Alertmanager(Answering):
    """A running Alertmanager."""

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that it holds and that are not resolved."""
        found: list[dict[str, Any]] = self.get("/api/v2/alerts")
        return found


@contextmanager
def prometheus(
    folder: Path,
    scrape_configs: Sequence[Mapping[str, Any]],
    *,
    rule_files: Sequence[Path] = (),
    alertmanager: str = "",
    interval: str = "1s",
) -> Iterator[Prometheus]:
    """Run Prometheus in `folder`; `alertmanager` is host:port."""
    binary = shutil.which("prometheus") or missing("prometheus is not installed")
    configuration = {
        "global": {
            "scrape_interval": interval,
            "scrape_timeout": interval,
            "evaluation_interval": interval,
        },
        "rule_files": [str(file) for file in rule_files],
        "scrape_configs": list(scrape_configs),
    }
    if alertmanager:
        targets = [{"targets": [alertmanager]}]
        configuration["alerting"] = {"alertmanagers": [{"static_configs": targets}]}
    file = folder / "prometheus.yml"
    # Every JSON document is a YAML document.
    file.write_text(json.dumps(configuration), encoding="utf-8")
    command = [
        binary,
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        "--web.enable-lifecycle",
        "--enable-feature=exemplar-storage",
    ]
    with (
        reserved_port() as port,
        process(
            [*command, f"--web.listen-address={HOST}:{port}"], folder / "prometheus.log"
        ) as log,
    ):
        running = Prometheus(f"http://{HOST}:{port}", log)
        running.wait(lambda: running.get("/api/v1/status/buildinfo") is not None, START, "started")
        yield running


@contextmanager
def alertmanager(
    folder: Path, configuration: Mapping[str, Any] | None = None, *, port: int | None = None
) -> Iterator[Alertmanager]:
    """Run Alertmanager in `folder`; by default it groups at once and notifies nobody."""
    binary = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    binary = binary or missing("prometheus-alertmanager is not installed")
    wanted = configuration or {
        "route": {"receiver": "nobody", "group_wait": "100ms", "group_interval": "1s"},
        "receivers": [{"name": "nobody"}],
    }
    file = folder / "alertmanager.yml"
    file.write_text(json.dumps(wanted), encoding="utf-8")
    command = [
        binary,
        f"--config.file={file}",
        f"--storage.path={folder / 'alertmanager'}",
        "--cluster.listen-address=",
    ]
    with (
        nullcontext(port) if port else reserved_port() as chosen,
        process(
            [*command, f"--web.listen-address={HOST}:{chosen}"], folder / "alertmanager.log"
        ) as log,
    ):
        running = Alertmanager(f"http://{HOST}:{chosen}", log)
        running.wait(lambda: running.get("/api/v2/status") is not None, START, "started")
        yield running
