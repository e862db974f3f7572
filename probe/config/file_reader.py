"""Reads the files of a configuration and of its sources, bounded and without ever waiting for one.

It remembers every name that was asked for, read or not: a change in one may change the result.
"""

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from probe.config.yaml_document import MAX_BYTES
from probe.surroundings.file_view import HOST_FILES, FileView, IrregularFileError, ViewError
from probe.text.description import refuse_non_path

STDIN: Final = "-"
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
        if name == STDIN:
            raise ValueError("standard input is read for --manifest alone, and once")
        refuse_non_path(name)
        self.names[name] = None
        return read_bounded(name, HOST_FILES)

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


def read_bounded(name: str, view: FileView) -> bytes:
    """Return the first bytes of a regular file, one more than the limit of a longer one.

    Args:
        name: its path, as whoever has the files of `view` writes it.
        view: the files of this host, of a process or of a container.

    Raises:
        OSError: where it cannot be read.
        ValueError: where it is not a regular file, whose reading might never end, or not a path;
            and where the probe cannot look there, with the reason.
    """
    refuse_non_path(name)
    try:
        return view.read(name, MAX_BYTES + 1)
    except IrregularFileError as error:
        fits = (words for is_kind, words in _KINDS if is_kind(error.mode))
        raise ValueError(next(fits, "it is not a regular file")) from None
    except ViewError as error:
        raise ValueError(error.detail) from None
