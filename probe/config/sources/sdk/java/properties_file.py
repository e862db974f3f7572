"""The format of `.properties` files, as java.util.Properties.load reads it. Pure and total.

Written after JDK 17's Properties.LineReader and compared with the real class. OpenTelemetry's agent
opens its file as UTF-8: bytes that are not UTF-8 become U+FFFD, and a byte order mark stays part of
the first key.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LINE_ENDS: Final = re.compile(r"\r\n|[\r\n]")
_BLANKS: Final = " \t\f"
_KEY: Final = re.compile(r"((?:[^\\=: \t\f]|\\.)*)[ \t\f]*(?:[=:][ \t\f]*)?", re.DOTALL)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPED: Final = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_ENCODED_SURROGATE: Final = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")
"""Java replaces such bytes by one character, Python by three."""


@dataclass(frozen=True, slots=True)
class Property:
    """One entry of a file."""

    key: str
    value: str
    line: int
    """Where it begins, from 1."""


def read_properties(raw: bytes, encoding: str = "utf-8") -> dict[str, str]:
    """Return the properties that a file of `raw` holds; of two with one key the later counts.

    Args:
        raw: The file's content.
        encoding: How its reader opens it; `latin-1` where Properties.load is given bytes.

    Raises:
        ValueError: naming the line of an escape that Java refuses; it then reads none of the file.
    """
    if encoding == "utf-8":
        raw = _ENCODED_SURROGATE.sub("\ufffd".encode(), raw)
    return {each.key: each.value for each in list_properties(raw.decode(encoding, "replace"))}


def list_properties(text: str) -> Iterator[Property]:
    r"""Yield every property of `text` in its order, those that a later one replaces too.

    Raises:
        ValueError: naming the line of a `\u` that four hexadecimal digits do not follow.
    """
    for line, logical in _join_lines(text):
        split = _KEY.match(logical)
        assert split is not None, "the pattern matches an empty text"
        try:
            yield Property(_unescape(split[1]), _unescape(logical[split.end() :]), line)
        except ValueError as error:
            raise ValueError(f"line {line}: {error}") from None


def _join_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield each logical line and the number of its first line.

    A line that ends in an odd number of backslashes goes on in the next one. As long as nothing is
    in it, the next one is a beginning: it may be a comment.
    """
    parts: list[str] = []
    first = 0
    for number, natural in enumerate(_LINE_ENDS.split(text), start=1):
        rest = natural.lstrip(_BLANKS)
        if not parts:
            if not rest or rest[0] in "#!":
                continue
            first = number
        goes_on = (len(rest) - len(rest.rstrip("\\"))) % 2 == 1
        if part := rest[:-1] if goes_on else rest:
            parts.append(part)
        if parts and not goes_on:
            yield first, "".join(parts)
            parts = []
    if parts:
        yield first, "".join(parts)


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    text = _ESCAPE.sub(_replace_escape, text)
    if _SURROGATE.search(text):
        # Java's characters are UTF-16: two escapes make one character.
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def _replace_escape(found: re.Match[str]) -> str:
    if found[1] is not None:
        return chr(int(found[1], 16))
    if found[2] == "u":
        raise ValueError(
            r"\u is not followed by four hexadecimal digits, so that Java reads nothing"
        )
    return _ESCAPED.get(found[2], found[2])
