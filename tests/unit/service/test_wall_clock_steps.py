"""The wall clock is set while the probe runs: nothing that is measured in durations minds."""

import time
from pathlib import Path

import pytest

from probe.ledger.ledger import Ledger
from probe.service.pipeline import Pipeline, PipelineSettings
from tests.support.attempts import target
from tests.support.loopback_client import Start

STEPS = [3600.0, -3600.0, 86400.0, -86400.0]


@pytest.mark.parametrize("step", STEPS)
async def test_what_experiments_showed_stays_in_force(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    """No new round is made, and the times on the evidence are those that the clock showed."""
    shift = 0.0
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + shift)
    backend = await start(max_version="1.2")
    watched = target(tmp_path, backend.port, min_version="1.3")
    pipeline = Pipeline(Ledger([watched]), PipelineSettings(wait_for_slot=True))
    _, first, known = await pipeline.probe_once(watched)
    assert known.cause == "protocol_version_mismatch"
    shift = step
    _, second, again = await pipeline.probe_once(watched)
    assert again.cause == known.cause
    assert second.experiments == first.experiments
    assert (first.experiments_reused, second.experiments_reused) == (False, True)
    assert second.at - first.at == pytest.approx(step, abs=30)


@pytest.mark.parametrize("step", STEPS)
async def test_the_deadline_is_not_moved(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    """A silent backend is given up on in time, and its silence is its own."""
    shift = 0.0
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + shift)
    backend = await start(behaviour="silent")
    watched = target(tmp_path, backend.port, timeout=0.5)
    pipeline = Pipeline(Ledger([watched]), PipelineSettings(experiments=False))
    began = time.monotonic()
    shift = step
    _, _, diagnosis = await pipeline.probe_once(watched)
    assert 0.4 < time.monotonic() - began < 5
    assert diagnosis.cause in {"tls_timeout", "probe_fault"}
