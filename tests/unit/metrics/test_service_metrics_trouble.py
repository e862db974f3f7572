"""How the probe itself fares is in its metrics: time that it lost, look-ups and their bound."""

import asyncio
import re
import socket
import threading
from pathlib import Path
from time import monotonic

import pytest

from probe.attempt.loop_delays import LoopDelays
from probe.attempt.resolver import Resolver
from probe.metrics.service_metrics import Samples, collect_own_trouble
from tests.support.attempts import target
from tests.support.command_line import configuration, entry, running_service
from tests.support.exhaustion import hold_up
from tests.support.loopback_client import Start


def values(samples: Samples) -> dict[str, float]:
    """Return each sample's value by its name."""
    return {family.name: value for family, values in samples for _, value in values}


async def test_time_that_was_lost_is_counted() -> None:
    """While attempts are under way; a counter that only grows."""
    delays = LoopDelays()
    assert values(collect_own_trouble(delays.total, dict)) == {
        "mtls_probe_held_up_seconds_total": 0.0
    }
    with delays.measure(1.0):
        await asyncio.sleep(0.05)
        hold_up(0.3)
        await asyncio.sleep(0.05)
    lost = values(collect_own_trouble(delays.total, dict))["mtls_probe_held_up_seconds_total"]
    assert lost > 0.25
    hold_up(0.2)
    assert (
        values(collect_own_trouble(delays.total, dict))["mtls_probe_held_up_seconds_total"] == lost
    )


async def test_look_ups_beyond_their_bound_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of five have a place."""
    answered = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_a, **_k: answered.wait(20) and [])
    resolver = Resolver(slots=2)

    names = (resolver.resolve(f"h{n}", monotonic() + 0.2) for n in range(5))
    await asyncio.gather(*names, return_exceptions=True)
    shown = values(collect_own_trouble(lambda: 0.0, lambda: {"schedule": resolver.refused}))
    answered.set()
    assert shown["mtls_probe_lookups_refused_total"] == 3


@pytest.mark.slow
async def test_the_service_shows_them(start: Start, tmp_path: Path) -> None:
    """For the schedule; for `/probe` and for the clock sources where there are any."""
    backend = await start()
    module = {"otlp": {"allow": ["127.0.0.1"]}}
    for more, uses in (
        ({}, {"schedule"}),
        ({"modules": module}, {"schedule", "probe"}),
        ({"clock": {"sources": [{"sntp": "127.0.0.1:9"}]}}, {"schedule", "clocks"}),
    ):
        file = configuration(tmp_path, entry(backend, target(tmp_path, backend.port).tls), **more)
        async with running_service(file) as service:
            _, metrics = await service.get("/metrics")
        assert "mtls_probe_held_up_seconds_total" in metrics
        refused = re.findall(r'mtls_probe_lookups_refused_total\{for="(\w+)"\} 0\.0', metrics)
        assert set(refused) == uses
