"""A counter that begins with 1: what the documentation and the dashboards make of a first failure."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from grafana.source.fleet import FAILURES
from tests.config import promtool
from tests.config.grafana import EVERYTHING, interpolated
from tests.config.manifests import dump
from tests.support.command_line import ROOT

SECONDS: Final = 300
COUNTED: Final = "mtls_probe_failures_by_cause_total"
PROBE: Final = 'job="mtls-probe",instance="probe:9943"'
SERIES: Final = {"seen_before": "0+1x30", "first_seen": "_x9 1x2 3x18"}
"""Values by cause, one a minute: the second cause fails for the first time after nine minutes."""
EXPECTED: Final = {9: (5, 1), 12: (5, 3), 20: (5, 0)}
"""How many failures of each cause the last five minutes had, after so many minutes."""


def documented() -> str:
    """Return the expression of docs/metrics.md."""
    text = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    [found] = re.findall(r"<!-- expression: failures by cause -->\n```\n(.+?)```", text, re.DOTALL)
    return str(found)


def shown() -> str:
    """Return the expression of the dashboard, which is failures a second, over five minutes."""
    window = {"__rate_interval": f"{SECONDS}s", "__rate_interval_ms": str(SECONDS * 1000)}
    return f"{SECONDS} * {interpolated(FAILURES, {**EVERYTHING, **window})}"


@pytest.mark.parametrize("expression", [documented(), shown()], ids=["documented", "dashboard"])
def test_a_first_failure_counts(
    program: Callable[[str], str], tmp_path: Path, expression: str
) -> None:
    """In the window of the first failure, of a later one, and when it is over."""
    checked = [
        {
            "expr": f"round(sum by (cause) ({expression}), 0.001)",
            "eval_time": f"{minute}m",
            "exp_samples": [
                {"labels": f'{{cause="{cause}"}}', "value": count}
                for cause, count in zip(SERIES, counts, strict=True)
            ],
        }
        for minute, counts in EXPECTED.items()
    ]
    series = [
        {"series": f'{COUNTED}{{{PROBE},cause="{cause}"}}', "values": values}
        for cause, values in SERIES.items()
    ]
    case = {"interval": "1m", "input_series": series, "promql_expr_test": checked}
    dump({"evaluation_interval": "1m", "tests": [case]}, tmp_path / "test.yml")

    ended = promtool.test(program("promtool"), tmp_path / "test.yml")

    assert ended.returncode == 0, ended.stdout + ended.stderr
