"""The one gate through which text from a peer or a file passes before anybody sees it.

Control characters, bidirectional overrides, lone surrogates and line breaks never reach
a terminal, a log, a label or a page, and nothing is longer than 256 characters.
"""

import shlex
import unicodedata

from probe.text.host_port import join_host_port

LIMIT = 256

# Cc control, Cf format (bidi overrides, zero width), Cs surrogates, Co private use, Cn unassigned,
# Zl and Zp line and paragraph separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def safe_text(raw: str | bytes, limit: int = LIMIT) -> str:
    r"""Return `raw` as one printable line of at most `limit` characters.

    What cannot be shown stands as its escape (`\x1b`, `\u202e`), so that two different inputs
    stay visibly different; bytes are read as UTF-8. A cut is marked by an ellipsis.
    """
    text = raw.decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw
    if text.isascii() and text.isprintable() and len(text) <= limit:
        return text
    shown = "".join(map(_escape, text[: limit + 1]))
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _escape(char: str) -> str:
    if unicodedata.category(char) not in _HIDDEN:
        return char
    point = ord(char)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def quote_path(path: str) -> str:
    """Return `path` as one word of a POSIX shell; one that begins with a dash gets `./` before it."""
    return shlex.quote(f"./{path}" if path.startswith("-") else path)


def quote_word(text: str) -> str:
    """Return `text` as one word of a POSIX shell, after `--` where it begins with a dash."""
    return f"-- {shlex.quote(text)}" if text.startswith("-") else shlex.quote(text)


def quote_authority(host: str, port: int) -> str:
    """Return `host:port` as one word, an IPv6 address in brackets; it follows an option."""
    return shlex.quote(join_host_port(host, port))
