"""In a real Collector, the documented filter drops canaries and nothing else."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import pytest
from ruamel.yaml import YAML

from probe.model.target import Endpoint, Signal, Target, TlsSettings
from tests.lab.observation import observe
from tests.lab.servers import Collector, serve_collector
from tests.support.command_line import ROOT

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


def documented_processors(name: str = "filter/canary") -> dict[str, Any]:
    """Return the documented processors of that name, unchanged."""
    pages = sorted((ROOT / "docs").glob("*.md"))
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    blocks = re.findall(r"```yaml\n(processors:\n.*?)```", text, re.DOTALL)
    (found,) = (each for each in blocks if name in each)
    read: dict[str, Any] = YAML(typ="safe").load(found)["processors"]
    return read


def send(collector: Collector, signal: Signal, item: object = None) -> None:
    """Send an application's item, or another one."""
    url = f"http://127.0.0.1:{collector.http_port}/v1/{signal}"
    body = json.dumps(item or ITEMS[signal]).encode()
    with urlopen(Request(url, body, {"Content-Type": "application/json"}), timeout=10) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("signal", ITEMS)
def test_only_canaries_are_dropped(filtering_otelcol: Path, tmp_path: Path, signal: Signal) -> None:
    """The receiver still accepts both; after the processor there is only the application's item."""
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


def test_the_spans_of_one_target_only(filtering_otelcol: Path, tmp_path: Path) -> None:
    """The other documented filter keeps whole traces, as each span names its target."""
    spans = [
        {
            "traceId": number * 32,
            "spanId": f"{number}{index}" * 8,
            "name": f"{name} of {number}",
            "startTimeUnixNano": "1",
            "endTimeUnixNano": "2",
            "attributes": [{"key": "mtls_probe.target", "value": {"stringValue": target}}],
        }
        for number, target in (("1", "collector-us"), ("2", "collector-eu"))
        for index, name in enumerate(("root", "child"))
    ]
    processors = documented_processors("filter/one-target")
    with serve_collector(filtering_otelcol, tmp_path, None, processors=processors) as collector:
        send(collector, "traces", {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})
        collector.log.wait_for("child of 2")
        text = collector.log.text()
    assert "root of 2" in text
    assert "of 1" not in text
