"""Keeps fast tests fast: one that starts a process without being marked slow fails."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_STARTS: Final = frozenset(
    {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"}
)
"""Audit events of whatever starts a process (PEP 578)."""


class ProcessGuard:
    """Refuses to start processes while it is on."""

    def __init__(self) -> None:
        """Install it, off; an audit hook stays until the interpreter ends."""
        self._on = False
        sys.addaudithook(self._see)

    @contextmanager
    def on(self) -> Iterator[None]:
        """Refuse within the block."""
        self._on = True
        try:
            yield
        finally:
            self._on = False

    def _see(self, event: str, _arguments: object) -> None:
        if self._on and event in _STARTS:
            self._on = False
            raise AssertionError(f"{event}: a test that starts a process is marked slow")
