"""Keeps the book of alerts and tells Alertmanager: beside the attempts, at its own pace.

Wiring: what is wrong is read from the ledger, a part at a time, so that a large fleet holds up
nothing.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import structlog

from probe.ledger import Ledger, TargetState
from probe.outputs.alert import Condition, conditions
from probe.outputs.alert_book import Alert, AlertBook, api_document
from probe.outputs.alertmanager import Alertmanager
from probe.outputs.rules.rule import Thresholds
from probe.sources.configuration import Configuration

INTERVAL: Final = 15.0
"""Seconds between two looks at the ledger, or half of `hold` where that is less."""
AT_ONCE: Final = 100
"""Targets that are looked at in one go."""

log = structlog.get_logger("mtls_probe")


class Alerting:
    """The alerts of the running service."""

    def __init__(
        self,
        ledger: Ledger,
        configuration: Callable[[], Configuration],
        *,
        instance: str,
        alertmanager: Alertmanager | None,
        hold: float,
    ) -> None:
        """Take what is read and who is told.

        Args:
            ledger: what is known of each target.
            configuration: the one in force, for its thresholds.
            instance: host:port under which people reach the probe.
            alertmanager: who is told, if anybody.
            hold: seconds that a condition must last.
        """
        self._ledger = ledger
        self._configuration = configuration
        self._alertmanager = alertmanager
        self._interval = min(INTERVAL, hold / 2)
        self._book = AlertBook(instance, hold=hold)

    def document(self) -> dict[str, Any]:
        """Return what is pending or firing, as `/api/v1/alerts` answers."""
        return api_document(self._book.open())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look and tell for as long as the context lasts."""
        task = asyncio.create_task(self._look_again_and_again())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _look_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.look(time.time())
            except Exception:
                # A bug of ours in one look must not end all alerting.
                log.exception("probe_fault", work="alerts")

    async def look(self, now: float) -> None:
        """Enter what is wrong as of `now` (epoch seconds), and tell Alertmanager."""
        configuration = self._configuration()
        thresholds = Thresholds(
            expiry_warning=configuration.expiry_warning,
            expiry_critical=configuration.expiry_critical,
        )
        found: list[tuple[TargetState, Condition]] = []
        for count, state in enumerate(list(self._ledger), 1):
            tolerance = configuration.clock_tolerance
            found += [(state, one) for one in conditions(state, thresholds, tolerance, now)]
            if not count % AT_ONCE:
                await asyncio.sleep(0)
        self._book.enter(found, now)
        if self._alertmanager is not None:
            told: list[Alert] = list(self._book.to_tell())
            await self._alertmanager.tell(told, now)
