"""`env_file` and `.env` of docker compose. Pure.

Written after compose-go's `dotenv` and `template`, and compared with version 2.16. Values may be
quoted, `$NAME` and `${NAME:-default}` are replaced outside of single quotes, ` #` begins a comment.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Final

from probe.config.sources.sdk.env_files.docker_env import GO_SPACE
from probe.config.sources.sdk.env_files.line_error import LineError

_BLANKS: Final = "\t\v\f\r \x85\xa0"
"""What is skipped within a line."""
_EXPORT: Final = re.compile(r"export[\t\n\f\r ]+")
_ESCAPES: Final = re.compile(r'\\(?:[abcfnrtv$"\\]|0[0-9]{0,3})')
_ESCAPED: Final = {
    r"\a": "\a",
    r"\b": "\b",
    r"\f": "\f",
    r"\n": "\n",
    r"\r": "\r",
    r"\t": "\t",
    r"\v": "\v",
    r"\"": '"',
    r"\\": "\\",
    r"\$": "$$",
}
_REFERENCE: Final = re.compile(
    r"\$(?:(?P<escaped>\$)|(?P<named>[_a-z][_a-z0-9]*)"
    r"|\{(?:(?P<braced>[_a-z][_a-z0-9]*(?::?[-+?](?:.*))?)\}|(?P<invalid>)))",
    re.IGNORECASE,
)
_OPERATORS: Final = (":?", "?", ":-", "-", ":+", "+")
_MOST_NESTED: Final = 32

_LookUp = Callable[[str], str | None]


def read_compose_env(raw: bytes, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a container gets.

    Args:
        raw: The file's content.
        environ: What references and names without a value are taken from, before the file itself.

    Raises:
        LineError: for what compose refuses; it then starts nothing.
    """
    text = raw.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    return _Parser(text, environ).parse()


class _Parser:
    def __init__(self, text: str, environ: Mapping[str, str]) -> None:
        self._text = text
        self._at = 0
        self._environ = environ
        self._found: dict[str, str] = {}

    def parse(self) -> dict[str, str]:
        while self._skip_to_statement():
            name, alone = self._read_name()
            if " " in name:
                raise self._error("has a blank in its name")
            if alone:
                if name in self._environ:
                    self._found[name] = self._environ[name]
            else:
                self._found[name] = self._read_value()
        return {
            name: value
            for name, value in self._found.items()
            if name and not name.lstrip(GO_SPACE)[:1].isdecimal()
        }

    def _skip_to_statement(self) -> bool:
        text = self._text
        while True:
            self._at = _skip(text, self._at, GO_SPACE)
            if self._at == len(text):
                return False
            if text[self._at] != "#":
                return True
            end = text.find("\n", self._at)
            self._at = len(text) if end < 0 else end

    def _read_name(self) -> tuple[str, bool]:
        """Return the name, and whether its line has nothing but it."""
        text = self._text
        if _EXPORT.match(text, self._at):
            self._at = _skip(text, self._at + len("export"), _BLANKS)
        if self._at == len(text):
            raise self._error("ends in export")
        begin = self._at
        # The end of the text ends no name: what is there is then both name and value.
        name, behind, alone = "", begin, False
        for at in range(begin, len(text)):
            char = text[at]
            if char in "=:\n":
                name, behind, alone = text[begin:at], at + 1, char == "\n"
                break
            if char in _BLANKS or char in "_.-[]" or _is_letter_or_number(char):
                continue
            raise self._error("has a character in its name that compose refuses")
        self._at = _skip(text, behind, _BLANKS)
        return name.rstrip(GO_SPACE), alone

    def _read_value(self) -> str:
        text, begin = self._text, self._at
        quote = text[begin : begin + 1]
        if quote not in ("'", '"'):
            end = text.find("\n", begin)
            end = len(text) if end < 0 else end
            self._at = min(end + 1, len(text))
            value = text[begin:end].partition(" #")[0].rstrip(GO_SPACE)
            return self._expand(value, begin)
        end = begin + 1
        parts: list[str] = []
        while end < len(text):
            char = text[end]
            if char == quote:
                self._at = end + 1
                value = "".join(parts)
                return value if quote == "'" else self._expand(_unescape(value), begin)
            if char == "\\" and end + 1 < len(text):
                behind = text[end + 1]
                parts.append(behind if behind == quote else char + behind)
                end += 2
                continue
            parts.append(char)
            end += 1
        raise self._error("begins a quoted value that does not end")

    def _expand(self, text: str, at: int) -> str:
        def look_up(name: str) -> str | None:
            return self._environ.get(name, self._found.get(name))

        try:
            return substitute(text, look_up)
        except ValueError as error:
            self._at = at
            raise self._error(str(error)) from None

    def _error(self, reason: str) -> LineError:
        return LineError(self._text.count("\n", 0, self._at) + 1, reason)


def substitute(text: str, look_up: _LookUp, depth: int = 0) -> str:
    """Replace the references of `text` as compose does, in its files too; `$$` stands for a `$`.

    Raises:
        ValueError: for a reference that is not valid, or that asks for a variable that is not set.
    """
    if depth > _MOST_NESTED:
        raise ValueError(f"nests references deeper than {_MOST_NESTED} levels")
    return _REFERENCE.sub(lambda found: _replace(found[0], look_up, depth), text)


def _replace(reference: str, look_up: _LookUp, depth: int) -> str:
    """Return what `reference` stands for; it may reach to the last brace of its line."""
    operator = _find_operator(reference)
    end = _find_closing_brace(reference)
    rest = ""
    if end >= 0:
        reference, rest = reference[: end + 1], reference[end + 1 :]
    found = _REFERENCE.search(reference)
    if found is None:
        raise ValueError("has a reference that is not valid")
    if found["escaped"]:
        return "$"
    name = found["named"] or found["braced"]
    if not name:
        raise ValueError("has a reference that is not valid; $$ stands for a $")
    if not found["named"] and operator in name:
        value = _apply(name, operator, look_up, depth)
        return value + substitute(rest, look_up, depth + 1)
    return look_up(name) or ""


def _apply(substitution: str, operator: str, look_up: _LookUp, depth: int) -> str:
    name, _, word = substitution.partition(operator)
    value = look_up(name)
    given = bool(value) if operator[0] == ":" else value is not None
    if operator.endswith("?"):
        if not given:
            raise ValueError("asks for a variable that is not set")
        return value or ""
    replaced = given if operator.endswith("+") else not given
    return substitute(word, look_up, depth + 1) if replaced else value or ""


def _find_operator(reference: str) -> str:
    places = [(at, one) for one in _OPERATORS if (at := reference.find(one)) >= 0]
    return min(places)[1] if places else _OPERATORS[0]


def _find_closing_brace(text: str) -> int:
    opened = at = 0
    while at < len(text):
        if text[at] == "}":
            opened -= 1
            if opened == 0:
                return at
        if text[at] == "{":
            opened += 1
            at += 1
        at += 1
    return -1


def _unescape(text: str) -> str:
    def replace(found: re.Match[str]) -> str:
        escape = found[0]
        if escape.startswith(r"\0"):
            digits = escape[2:]
            octal = len(digits) == 3 and digits.strip("01234567") == ""
            return chr(int(digits, 8)) if octal and int(digits, 8) < 256 else escape
        return _ESCAPED.get(escape, escape)

    return _ESCAPES.sub(replace, text)


def _skip(text: str, at: int, blanks: str) -> int:
    while at < len(text) and text[at] in blanks:
        at += 1
    return at


def _is_letter_or_number(char: str) -> bool:
    # Go's IsLetter and IsNumber; Python's isalnum has the same categories but Nl and No.
    return char.isalnum() or unicodedata.category(char)[0] in "LN"
