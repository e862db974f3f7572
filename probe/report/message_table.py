"""Reads the table of messages from the package's files, once in a process."""

from functools import cache
from pathlib import Path
from typing import Final

import probe.messages
from probe.messages.table import MessageTable, parse_table

_FOLDER: Final = Path(probe.messages.__file__).parent / "table"


@cache
def load_message_table() -> MessageTable:
    """Return the table of `probe/messages/table/*.toml`."""
    files = sorted(_FOLDER.glob("*.toml"))
    return parse_table({file.stem: file.read_text(encoding="utf-8") for file in files})
