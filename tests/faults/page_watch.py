"""Requests the probe's health page again and again, as a platform does."""

import threading
import time
from contextlib import suppress
from http.client import HTTPException
from urllib.request import ProxyHandler, build_opener

EVERY = 0.5
PATIENCE = 1.0
"""Seconds within which an answer must come."""


class PageWatch:
    """Requests it in a thread, and records when an answer came."""

    def __init__(self, address: str) -> None:
        """Begin."""
        self.answers: list[float] = []
        self._opener = build_opener(ProxyHandler({}))  # it is on this machine
        self._url = f"http://{address}/-/healthy"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Stop."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(EVERY):
            with (
                suppress(OSError, HTTPException),
                self._opener.open(self._url, timeout=PATIENCE) as answer,
            ):
                answer.read()
                self.answers.append(time.monotonic())
