"""Bytes of a text whose encoding nobody says: what a person or a log viewer saved. Pure and total."""

import codecs
from typing import Final

_SAMPLE_BYTES: Final = 4096
_FEW: Final = 0.1
"""A share of zero bytes that text in UTF-16 exceeds, even where it is hardly Latin."""
_MANY: Final = 0.6


def decode_text(data: bytes) -> str:
    """Return the text of `data`: UTF-8 or UTF-16, with or without a mark, or a Western code page."""
    if data.startswith(codecs.BOM_UTF8):
        return data[len(codecs.BOM_UTF8) :].decode("utf-8", "replace")
    sample = data[:_SAMPLE_BYTES]
    for second, encoding, mark in (
        (1, "utf-16-le", codecs.BOM_UTF16_LE),
        (0, "utf-16-be", codecs.BOM_UTF16_BE),
    ):
        half = sample[second::2]
        marked = data.startswith(mark)
        if len(data) > 2 and half.count(0) > len(half) * (_FEW if marked else _MANY):
            return data[len(mark) * marked :].decode(encoding, "replace")
    try:
        return data.decode()
    except UnicodeDecodeError as fault:
        # A text that is cut within a character is UTF-8 all the same.
        whole = fault.start > len(data) - 4
        return data.decode("utf-8" if whole or not _is_western(data) else "cp1252", "replace")


def _is_western(data: bytes) -> bool:
    """Return whether single bytes above ASCII stand between letters, as in a code page."""
    return not any(byte in {0xFE, 0xFF} for byte in data[:_SAMPLE_BYTES])
