"""`EnvironmentFile=` of systemd. Pure.

Written after systemd's env-file.c and compared with the function of systemd 252. No variable is
replaced; a backslash takes the next character as it is, and before a line's end joins it with the
next; `;` begins a comment too.
"""

import re
from collections.abc import Mapping
from typing import Final

from probe.config.sources.sdk.env_files.line_error import LineError

_BLANKS: Final = " \t\n\r"
_ENDS: Final = "\n\r"
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNESCAPED: Final = '"\\`$'
"""What a backslash within double quotes takes as it is; before others it stays."""
_COMMENT: Final = re.compile(r"(?:[^\\\n\r]|\\.)*", re.DOTALL)
_PLAIN: Final = re.compile(r"[^\\\n\r]+")
_SINGLE_QUOTED: Final = re.compile(r"[^']*")
_DOUBLE_QUOTED: Final = re.compile(r'(?:[^"\\]|\\.)*', re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)


def read_systemd_env(raw: bytes, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a unit gets of the file; `environ` has no part in it.

    Names that are not valid are left out, as systemd does with a line in the journal.

    Raises:
        LineError: for what keeps the unit from starting.
    """
    del environ
    if b"\0" in raw:
        raise LineError(raw.count(b"\n", 0, raw.index(b"\0")) + 1, "has a NUL character")
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise LineError(line, "is not UTF-8 text, so that systemd reads none of the file") from None
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        at = _read_entry(text, at, found)
    return {name: value for name, value in found.items() if _NAME.fullmatch(name)}


def _read_entry(text: str, at: int, found: dict[str, str]) -> int:
    """Read what begins at `at`, and return where it ends."""
    char = text[at]
    if char in _BLANKS:
        return at + 1
    if char in "#;":
        return _match_end(_COMMENT, text, at)
    begin = at
    # The first character belongs to the name, even if it is a `=`.
    at += 1
    while at < len(text) and text[at] not in "=\n\r":
        at += 1
    if at == len(text) or text[at] != "=":
        return at
    name = text[begin:at].rstrip(_BLANKS)
    value, at = _read_value(text, at + 1)
    found[name] = value
    return at


def _read_value(text: str, at: int) -> tuple[str, int]:
    """Return the value that begins at `at`, and where it ends.

    Quoted and plain pieces follow each other until a plain one has begun: quotes within that are
    characters like others.
    """
    parts: list[str] = []
    while at < len(text) and text[at] not in _ENDS:
        char = text[at]
        if char == "'":
            end = _match_end(_SINGLE_QUOTED, text, at + 1)
            parts.append(text[at + 1 : end])
            at = end + 1
        elif char == '"':
            end = _match_end(_DOUBLE_QUOTED, text, at + 1)
            parts.append(_ESCAPE.sub(_unescape_quoted, text[at + 1 : end]))
            # A backslash that ends the file is lost.
            at = end + 1
        elif char in _BLANKS:
            at += 1
        else:
            return _read_plain(text, at, "".join(parts))
    return "".join(parts), at


def _read_plain(text: str, at: int, value: str) -> tuple[str, int]:
    kept = len(value)
    while at < len(text) and text[at] not in _ENDS:
        if text[at] == "\\":
            escaped = text[at + 1 : at + 2]
            value += "" if escaped in _ENDS else escaped
            at += 2
            kept = len(value)
        else:
            end = _match_end(_PLAIN, text, at)
            value += text[at:end]
            at = end
            kept = max(kept, len(value.rstrip(_BLANKS)))
    return value[:kept], at


def _unescape_quoted(found: re.Match[str]) -> str:
    if found[1] in _UNESCAPED:
        return found[1]
    return "" if found[1] == "\n" else found[0]


def _match_end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return at if found is None else found.end()
