"""Reads files as a process finds them: below its root, from its working directory, with its rights."""

import os

from probe.config.yaml_document import MAX_BYTES
from probe.model.surroundings import RunningProcess


def read_process_file(process: RunningProcess, path: str) -> bytes:
    """Return the first bytes of a file, one more than the limit of a longer one."""
    if not path.startswith("/"):
        path = f"{process.working_directory}/{path}"
    with open(
        f"/proc/{process.pid}/root{path}", "rb", opener=lambda p, f: os.open(p, f | os.O_NONBLOCK)
    ) as file:
        return file.read(MAX_BYTES + 1)
