"""A schedule's attempts, as they begin and end."""

import asyncio

from probe.model.target import Endpoint, Target
from probe.service.schedule import Schedule
from tests.support.virtual_time import now


def target(name: str, interval: float = 0.1, port: int = 4317) -> Target:
    """Return a target called `name`."""
    return Target(name=name, endpoint=Endpoint("h", port), interval=interval)


class Story:
    """The record of a schedule: when each attempt began and ended, how late, and which were missed."""

    def __init__(self, lasts: float = 0.0, concurrency: int = 100) -> None:
        """Make a schedule whose attempts last `lasts` seconds."""
        self.began: dict[str, list[float]] = {}
        self.targets: list[Target] = []
        self.ended: list[str] = []
        self.late: list[float] = []
        self.missed: list[str] = []
        self.running = self.most = 0
        self.lasts = lasts
        self.schedule = Schedule(
            self.attempt,
            concurrency=concurrency,
            on_late=self.late.append,
            on_missed=self.missed.append,
            clock=now,
        )

    async def attempt(self, target: Target) -> bool:
        """Be an attempt; it ends as expected unless the target's name says otherwise."""
        self.began.setdefault(target.name, []).append(now())
        self.targets.append(target)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await asyncio.sleep(self.lasts)
            self.ended.append(target.name)
        finally:
            self.running -= 1
        return not target.name.startswith("failing")

    async def unfold(self, *targets: Target, seconds: float) -> None:
        """Run `targets` for `seconds` and stop."""
        self.schedule.start()
        self.schedule.replace(targets)
        await asyncio.sleep(seconds)
        await self.schedule.stop(1.0)
