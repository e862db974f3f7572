r"""Reads the escapes within a text, whoever chose them, and says where each character stood.

Encoders agree on how a character is escaped, and not on which ones are: Go's JSON has `\u0026` where
Python's has `&`, one percent-encodes what another leaves as it is. Pure and total.
"""

import re
from typing import Final

_SIGNS: Final = re.compile(r"[%\\&]")
_ESCAPE: Final = re.compile(
    r"(?P<octets>(?:%[0-9A-Fa-f]{2})+)"
    r"|\\x(?P<byte>[0-9A-Fa-f]{2})"
    r"|\\u(?P<unit>[0-9A-Fa-f]{4})"
    r"|\\(?P<char>[\"'/\\])"
    r"|&#(?:[xX](?P<hexadecimal>[0-9A-Fa-f]{1,6})|(?P<decimal>[0-9]{1,7}));"
    r"|&(?P<name>amp|lt|gt|quot|apos);"
)
_NAMED: Final = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
_LAST_POINT: Final = 0x10FFFF


def read_escapes(text: str) -> tuple[str, list[int]] | None:
    r"""Return `text` with each escape read, and where each character of that begins in `text`.

    Read are percent-encoding (RFC 3986 §2.1, as UTF-8), escapes of JSON (RFC 8259 §7) but for those
    of control characters, `\xNN`, and HTML's character references. The list of places has one more:
    the length of `text`. None where there is no escape.
    """
    if not _SIGNS.search(text):
        return None
    pieces: list[str] = []
    places: list[int] = []
    done = 0
    for found in _ESCAPE.finditer(text):
        start, end = found.span()
        pieces.append(text[done:start])
        places += range(done, start)
        for char, size in _decode_escape(found):
            pieces.append(char)
            places.append(start)
            start += size
        done = end
    if not done:
        return None
    pieces.append(text[done:])
    places += range(done, len(text) + 1)
    return "".join(pieces), places


def _decode_escape(found: re.Match[str]) -> list[tuple[str, int]]:
    """Return the characters that an escape, or a run of them, stands for, each with its length."""
    size = found.end() - found.start()
    if octets := found["octets"]:
        raw = bytes.fromhex(octets.replace("%", ""))
        try:
            return [(char, 3 * len(char.encode())) for char in raw.decode()]
        except UnicodeDecodeError:
            return [(chr(octet), 3) for octet in raw]
    if char := found["char"]:
        return [(char, size)]
    if name := found["name"]:
        return [(_NAMED[name], size)]
    digits = found["byte"] or found["unit"] or found["hexadecimal"]
    point = int(digits, 16) if digits else int(found["decimal"])
    return [(chr(point) if point <= _LAST_POINT else "\ufffd", size)]
