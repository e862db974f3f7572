"""A terminal in which a printed command is typed, by a person who knows the passphrases."""

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path
from typing import Final

PASSPHRASE: Final = "passphrase"
"""Of the keystores and keys of tests."""
_ASKS: Final = re.compile(rb"pass(?:word| ?phrase)[^\n]*:\s*$", re.IGNORECASE)
_LIMIT: Final = 30.0


def type_command(command: str, folder: Path, answer: str = PASSPHRASE) -> tuple[int, str]:
    """Run `command` by sh in `folder`, as typed on a terminal; return its exit code and output.

    `answer` is typed wherever a passphrase is asked for.
    """
    ours, terminal = pty.openpty()
    with subprocess.Popen(
        # OpenSSL and keytool ask the controlling terminal, not their standard input.
        ["setsid", "--ctty", "/bin/sh", "-c", command],
        cwd=folder, stdin=terminal, stdout=terminal, stderr=terminal,
    ) as running:  # fmt: skip
        os.close(terminal)
        try:
            said = _talk(ours, answer)
            running.wait(_LIMIT)
        except BaseException:
            running.kill()
            raise
        finally:
            os.close(ours)
    return running.returncode, said.decode("utf-8", "replace")


def _talk(terminal: int, answer: str) -> bytes:
    """Read until the last process has closed the terminal, and answer what asks.

    Raises:
        TimeoutError: with what was said, where that takes too long.
    """
    said, answered = b"", 0
    end = time.monotonic() + _LIMIT
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.2)[0]:
            continue
        try:
            said += os.read(terminal, 65_536)
        except OSError:  # EIO: Linux's end of a terminal that nobody has open any more
            return said
        if _ASKS.search(said[answered:]):
            answered = len(said)
            os.write(terminal, answer.encode() + b"\n")
    raise TimeoutError(said)
