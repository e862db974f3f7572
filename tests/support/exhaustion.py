"""Takes resources from this process for a while."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_descriptors() -> Iterator[None]:
    """Allow no further descriptor; open ones stay (setrlimit(2))."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def hold_up(seconds: float) -> None:
    """Hold the calling thread, and so its event loop, up."""
    time.sleep(seconds)
