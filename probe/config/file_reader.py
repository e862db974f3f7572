"""Reads the files of a configuration and of its sources, bounded and without ever waiting for one.

It remembers every name that was asked for, read or not: a change in one may change the result.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from probe.config.yaml_document import MAX_BYTES
from probe.text.description import refuse_non_path

_KINDS: Final = (
    (stat.S_ISDIR, "it is a directory, not a file"),
    (stat.S_ISFIFO, "it is a FIFO, not a file"),
    (stat.S_ISSOCK, "it is a socket, not a file"),
    (stat.S_ISCHR, "it is a device, not a file"),
    (stat.S_ISBLK, "it is a device, not a file"),
)


class FileReader:
    """Reads files, and remembers which."""

    def __init__(self, held: Mapping[str, bytes] | None = None) -> None:
        """Remember none; `held` is what has been read already, like standard input."""
        self.names: dict[str, None] = {}
        self._held = held or {}

    def read(self, name: str) -> bytes:
        """Return the first bytes of a regular file, one more than the limit of a longer one.

        Raises:
            OSError: where it cannot be read.
            ValueError: where it is not a regular file, whose reading might never end, or not a path.
        """
        if name in self._held:
            return self._held[name]
        refuse_non_path(name)
        self.names[name] = None
        # Looked at first, because opening a device can set it going; and again once it is open.
        _check_regular(Path(name).stat().st_mode)
        descriptor = os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb") as file:
            _check_regular(os.fstat(descriptor).st_mode)
            return file.read(MAX_BYTES + 1)

    def read_any_kind(self, name: str) -> bytes:
        """Return the same of a file of any kind: the user's own `--config` may be a pipe.

        Raises:
            OSError: where it cannot be read.
        """
        refuse_non_path(name)
        self.names[name] = None
        with Path(name).open("rb") as file:
            return file.read(MAX_BYTES + 1)


def decode_text(raw: bytes) -> str:
    """Return the text of a file that was read whole.

    Raises:
        ValueError: where it is too large, or no UTF-8.
    """
    if len(raw) > MAX_BYTES:
        raise ValueError(f"is larger than {MAX_BYTES} bytes")
    return raw.decode("utf-8")


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        fits = (words for is_kind, words in _KINDS if is_kind(mode))
        raise ValueError(next(fits, "it is not a regular file"))
