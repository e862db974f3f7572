"""Writes a whole output to a file at once: who reads it sees the old one or the new one.

What is no file (/dev/null, a named pipe) is written to and never replaced. The textfile collector of the node exporter reads while we write, and so do pipelines.
"""

import os
import tempfile
from pathlib import Path
from typing import Final

MODE: Final = 0o644
"""The node exporter runs as another user; nothing of an output is secret."""


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` in the place of `path` in one step; a link stays, and what it names changes.

    Raises:
        OSError: where its folder cannot be written to; nothing is left behind then.
    """
    if path.exists() and not path.is_file():
        path.write_bytes(content)
        return
    path = path.resolve()
    # A dot before the name: the textfile collector reads *.prom alone, others read all.
    descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), MODE)
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
