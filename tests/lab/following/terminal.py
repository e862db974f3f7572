"""A terminal in which a printed command is run, with a person who types passphrases."""

import os
import pty
import re
import select
import time
from pathlib import Path
from typing import Final

PASSPHRASE: Final = "passphrase"
"""Of every keystore and key of the tests."""
_ASKS: Final = re.compile(rb"(?:pass(?:word| ?phrase))[^\n]*:\s*$", re.IGNORECASE)
_LIMIT: Final = 30.0


def type_command(command: str, folder: Path) -> tuple[int, str]:
    """Run `command` by sh in `folder`, as typed on a terminal; return its exit code and output."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        os.execvp("/bin/sh", ["/bin/sh", "-c", command])
    said, answered = b"", 0
    end = time.monotonic() + _LIMIT
    try:
        while time.monotonic() < end:
            if not select.select([terminal], [], [], 0.2)[0]:
                continue
            try:
                part = os.read(terminal, 65_536)
            except OSError:  # Linux's end of a terminal whose last user is gone
                break
            if not part:
                break
            said += part
            if _ASKS.search(said[answered:]):
                answered = len(said)
                os.write(terminal, PASSPHRASE.encode() + b"\n")
        else:
            os.kill(child, 9)
    finally:
        os.close(terminal)
        _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), said.decode("utf-8", "replace")
