"""The README's filter drops canaries, and nothing else, in a real Collector."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import pytest
from ruamel.yaml import YAML

from probe.target import Endpoint, Signal, Target, TlsSettings
from tests.lab.observing import observe
from tests.lab.servers import Collector, serve_collector
from tests.unit.command_line import ROOT

ITEMS: Final[dict[Signal, dict[str, Any]]] = {
    "traces": {
        "resourceSpans": [
            {
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": "1" * 32,
                                "spanId": "2" * 16,
                                "name": "the application's own",
                                "startTimeUnixNano": "1",
                                "endTimeUnixNano": "2",
                            }
                        ]
                    }
                ]
            }
        ]
    },
    "metrics": {
        "resourceMetrics": [
            {
                "scopeMetrics": [
                    {
                        "metrics": [
                            {
                                "name": "the application's own",
                                "gauge": {"dataPoints": [{"asInt": "1", "timeUnixNano": "1"}]},
                            }
                        ]
                    }
                ]
            }
        ]
    },
    "logs": {
        "resourceLogs": [
            {"scopeLogs": [{"logRecords": [{"body": {"stringValue": "the application's own"}}]}]}
        ]
    },
}


def documented_processors() -> dict[str, Any]:
    """Return the processors of the README's section on canaries, as they stand there."""
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("### Canary")[2]
    block = re.search(r"```yaml\n(processors:\n.*?)```", section, re.DOTALL)
    assert block is not None
    found: dict[str, Any] = YAML(typ="safe").load(block[1])["processors"]
    return found


def send(collector: Collector, signal: Signal) -> None:
    """Send an application's item."""
    url = f"http://127.0.0.1:{collector.http_port}/v1/{signal}"
    body = json.dumps(ITEMS[signal]).encode()
    with urlopen(Request(url, body, {"Content-Type": "application/json"}), timeout=10) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("signal", ITEMS)
def test_only_canaries_are_dropped(filtering_otelcol: Path, tmp_path: Path, signal: Signal) -> None:
    """The receiver still says yes to both; what comes after the processor has the other alone."""
    target = Target(
        name="lab",
        endpoint=Endpoint("127.0.0.1", 1),
        protocol="http/protobuf",
        signal=signal,
        depth="canary",
        tls=TlsSettings(insecure=True),
    )
    for processors, shown in (({}, True), (documented_processors(), False)):
        folder = tmp_path / str(shown)
        folder.mkdir()
        with serve_collector(filtering_otelcol, folder, None, processors=processors) as collector:
            endpoint = Endpoint("127.0.0.1", collector.http_port, scheme="http")
            _, diagnosis = observe(replace(target, endpoint=endpoint))
            assert diagnosis.outcome == "confirmed"
            send(collector, signal)
            collector.log.wait_for("the application's own")
            assert ("mtls_probe.canary" in collector.log.text()) is shown
