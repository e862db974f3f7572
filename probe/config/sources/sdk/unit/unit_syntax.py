"""The syntax of systemd's unit files: lines, words, specifiers. Pure.

Follows conf-parser.c, extract-word.c and unit-printf.c of systemd; the words were compared with the
function of systemd 252.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

_BLANKS: Final = " \t\n\r"
_ESCAPES: Final = {
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "s": " ",
    "\\": "\\",
    '"': '"',
    "'": "'",
}
_NUMBERED: Final = re.compile(r"x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})")
_SPECIFIER: Final = re.compile(r"%(.)", re.DOTALL)
_KNOWN: Final = frozenset("aAbBCdDEfgGhHiIjJlLmMnNopPqsStTuUvVwWyY")
_OF_THE_SYSTEM: Final = {
    "t": "/run",
    "S": "/var/lib",
    "C": "/var/cache",
    "L": "/var/log",
    "E": "/etc",
    "T": "/tmp",  # noqa: S108  (what systemd says)
    "V": "/var/tmp",  # noqa: S108  (what systemd says)
    "h": "/root",
    "u": "root",
    "U": "0",
    "g": "root",
    "G": "0",
}
"""What specifiers stand for in a unit of the system's manager."""


class UnknownSpecifierError(ValueError):
    """A specifier that only the running manager knows."""

    def __init__(self, letter: str) -> None:
        """Keep it."""
        super().__init__(f"holds %{letter}, which only systemd knows")


@dataclass(frozen=True, slots=True)
class Assignment:
    """One `Key=value` of a section."""

    section: str
    key: str
    value: str
    line: int
    file: str


def list_assignments(text: str, file: str) -> Iterator[Assignment]:
    """Yield the assignments of a file; a line that ends in a backslash goes on in the next."""
    section = joined = ""
    begun = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if line.lstrip(_BLANKS)[:1] in ("#", ";") and line.strip(_BLANKS):
            continue
        begun = begun or number
        joined += line
        if (len(joined) - len(joined.rstrip("\\"))) % 2 == 1:
            joined = f"{joined[:-1]} "
            continue
        whole, at = joined.strip(_BLANKS), begun
        joined, begun = "", 0
        if whole.startswith("[") and whole.endswith("]"):
            section = whole[1:-1]
        elif "=" in whole:
            key, _, value = whole.partition("=")
            yield Assignment(section, key.strip(_BLANKS), value.strip(_BLANKS), at, file)


def split_value(text: str) -> tuple[list[str], bool]:
    """Return the words of a value, and whether all of it could be read: nothing counts after a fault."""
    words: list[str] = []
    at = 0
    while True:
        while at < len(text) and text[at] in _BLANKS:
            at += 1
        if at == len(text):
            return words, True
        word, at = _read_word(text, at)
        if word is None:
            return words, False
        words.append(word)


def _read_word(text: str, at: int) -> tuple[str | None, int]:
    parts: list[str] = []
    quote = ""
    while at < len(text):
        char = text[at]
        if char == "\\":
            decoded, at = _read_escape(text, at + 1)
            if decoded is None:
                return None, at
            parts.append(decoded)
            continue
        at += 1
        if quote:
            if char == quote:
                quote = ""
            else:
                parts.append(char)
        elif char in "'\"":
            quote = char
        elif char in _BLANKS:
            return "".join(parts), at
        else:
            parts.append(char)
    return (None if quote else "".join(parts)), at


def _read_escape(text: str, at: int) -> tuple[str | None, int]:
    if text[at : at + 1] in _ESCAPES and at < len(text):
        return _ESCAPES[text[at]], at + 1
    found = _NUMBERED.match(text, at)
    if found is None:
        return None, at
    number = int(next(group for group in found.groups() if group), 8 if found[4] else 16)
    if number == 0 or number > 0x10FFFF or 0xD800 <= number < 0xE000 or (found[4] and number > 255):
        return None, at
    return chr(number), found.end()


def expand_specifiers(text: str, unit: str) -> str:
    """Return `text` with the specifiers replaced that the path of the unit tells.

    Raises:
        UnknownSpecifierError: for one of the others.
    """
    values = _list_specifiers(unit)

    def replace(found: re.Match[str]) -> str:
        letter = found[1]
        if letter == "%":
            return "%"
        if letter not in _KNOWN:
            # As in %20: it stays as it is.
            return found[0]
        if letter not in values:
            raise UnknownSpecifierError(letter)
        return values[letter]

    return _SPECIFIER.sub(replace, text)


def _list_specifiers(unit: str) -> Mapping[str, str]:
    path = PurePosixPath(unit)
    if path.suffix == ".conf":
        path = PurePosixPath(path.parent.name.removesuffix(".d"))
    prefix, at, instance = path.stem.partition("@")
    values = {"n": path.name, "N": path.stem, "p": prefix, "j": prefix.rpartition("-")[2]}
    if at and instance:
        values["i"] = instance
    if "/systemd/system/" in unit:
        values |= {**_OF_THE_SYSTEM, "d": f"/run/credentials/{path.name}"}
    return values
