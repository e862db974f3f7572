"""Reads the table of messages from the package's files, each view of it once in a process."""

from functools import cache
from pathlib import Path
from typing import Final

import probe.messages
from probe.messages.table import MessageTable, parse_table
from probe.report.printed_texts import PrintedTexts, parse_printed

_FOLDER: Final = Path(probe.messages.__file__).parent / "table"


@cache
def load_message_table() -> MessageTable:
    """Return the table of `probe/messages/table/*.toml`, as `explain` reads it."""
    return parse_table(_read_files("*"))


@cache
def load_printed_texts() -> PrintedTexts:
    """Return what exporters print, as the causes' pages show it: far less than the table."""
    return parse_printed(_read_files("*"))


@cache
def load_refusal_texts() -> PrintedTexts:
    """Return what exporters print where a backend refuses them: one small file."""
    return parse_printed(_read_files("refusals"))


def _read_files(names: str) -> dict[str, str]:
    files = sorted(_FOLDER.glob(f"{names}.toml"))
    return {file.stem: file.read_text(encoding="utf-8") for file in files}
