"""An event loop whose time passes only while it would wait: tests of timing are exact and quick."""

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

_P = ParamSpec("_P")


class _SkippingSelector(selectors.DefaultSelector):  # type: ignore[misc,valid-type]
    """Waits for nothing: what it would have waited is added to `now`."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """Return what is ready; a wait without an end is one for another thread, and is made."""
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout is not None:
            self.now += max(timeout, 0.0)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Runs timers in their order and never waits for them; its `time` begins at 0."""

    def __init__(self) -> None:
        """Take a selector that does not wait."""
        self._skipping = _SkippingSelector()
        super().__init__(self._skipping)

    def time(self) -> float:
        """Return the seconds that timers have taken so far."""
        return self._skipping.now


def in_virtual_time(
    test: Callable[_P, Coroutine[Any, Any, None]],
) -> Callable[_P, None]:
    """Run `test` in a loop in which waiting takes no time."""

    @functools.wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


def now() -> float:
    """Return the time of the running loop: a clock to pass in."""
    return asyncio.get_running_loop().time()
