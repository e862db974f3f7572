"""A file that a shell reads with `.`: assignments and `export`, as sh and bash understand them. Pure.

Follows POSIX.1-2017, Shell Command Language, 2.2 to 2.9.1, and was compared with dash 0.5.12 and
bash 5.2. A file can be any program; what is more than assignments is refused and never guessed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from probe.config.sources.sdk.env_files.line_error import LineError

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLAIN: Final = re.compile(r"[^\\'\"$`\n;&|<>() \t#~*?\[{!]+")
_PARAMETER: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-=+])|\})")
_COMMANDS: Final = frozenset({"export", "readonly", "set", "unset", ":", "declare", "typeset"})
_MOST: Final = 1024 * 1024
"""Characters that references may give: each can repeat all that stands before it."""
_MOST_NESTED: Final = 32
_PROGRAM: Final = (
    "is more than an assignment: what the file sets is known only when a shell runs it"
)


@dataclass(slots=True)
class _Word:
    text: str
    name_length: int | None
    """Where it began as NAME=, the length of the name."""
    fragile: bool
    """Whether shells differ in what it becomes behind `export`."""


def read_shell_env(raw: bytes, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a program gets that is started after the file was read.

    Where the file exports nothing, these are all that it sets: it is then read after `set -a`.

    Args:
        raw: The file's content.
        environ: What is set before.

    Raises:
        LineError: for what is more than an assignment, or what shells understand differently.
    """
    if b"\0" in raw:
        raise LineError(raw.count(b"\n", 0, raw.index(b"\0")) + 1, "has a NUL character")
    return _Shell(raw.decode("utf-8", "replace"), environ).run()


class _Shell:
    def __init__(self, text: str, environ: Mapping[str, str]) -> None:
        self._text = text
        self._at = 0
        self._variables = dict(environ)
        self._assigned: dict[str, None] = {}
        self._exported: dict[str, None] = {}
        self._exports_all = False
        self._strict = False
        self._given = 0
        self._depth = 0

    def run(self) -> dict[str, str]:
        while self._at < len(self._text):
            begin = self._at
            words: list[_Word] = []
            for word in self._split_command():
                words.append(word)
                # Each assignment is made before the next one is read; words behind a command are
                # all read before it runs.
                if all(each.name_length is not None for each in words):
                    self._assign(word)
            if any(each.name_length is None for each in words):
                self._run_command(words, begin)
        names = self._exported or self._assigned
        return {name: self._variables[name] for name in names if name in self._variables}

    def _run_command(self, words: list[_Word], begin: int) -> None:
        first = words[0]
        if first.name_length is not None or first.text not in _COMMANDS:
            raise self._error(_PROGRAM, begin)
        if first.text == "set":
            self._set([word.text for word in words[1:]], begin)
        elif first.text == "unset":
            for word in words[1:]:
                self._variables.pop(word.text, None)
        elif first.text != ":":
            self._declare(first.text, words[1:], begin)

    def _assign(self, word: _Word) -> str:
        assert word.name_length is not None
        name, value = word.text[: word.name_length], word.text[word.name_length + 1 :]
        self._variables[name] = value
        self._assigned[name] = None
        if self._exports_all:
            self._exported[name] = None
        return name

    def _declare(self, command: str, words: list[_Word], begin: int) -> None:
        exports = command == "export"
        for word in words:
            if word.name_length is None and word.text.startswith("-"):
                if command in ("declare", "typeset") and word.text == "-x":
                    exports = True
                    continue
                raise self._error(_PROGRAM, begin)
            if word.fragile:
                reason = f"has characters behind {command} that shells read differently; quote them"
                raise self._error(reason, begin)
            if word.name_length is not None:
                name = self._assign(word)
            elif _NAME.fullmatch(word.text):
                name = word.text
            else:
                raise self._error(_PROGRAM, begin)
            if exports:
                self._exported[name] = None

    def _set(self, options: list[str], begin: int) -> None:
        if options[:1] in (["-o"], ["+o"]) and len(options) == 2 and options[1] == "allexport":
            options = [f"{options[0][0]}a"]
        for option in options:
            if option[:1] not in ("-", "+") or not set(option[1:]) <= set("aeux"):
                raise self._error(_PROGRAM, begin)
            if "a" in option:
                self._exports_all = option[0] == "-"
            if "u" in option:
                self._strict = option[0] == "-"

    def _split_command(self) -> Iterator[_Word]:
        """Yield the words of one command, and leave what ends it behind."""
        text, found = self._text, False
        while self._at < len(text):
            char = text[self._at]
            if char in " \t":
                self._at += 1
            elif text.startswith("\\\n", self._at):
                self._at += 2
            elif char in "\n;":
                if char == ";" and not found:
                    raise self._error(_PROGRAM, self._at)
                self._at += 1
                return
            elif char == "#":
                end = text.find("\n", self._at)
                self._at = len(text) if end < 0 else end
            else:
                found = True
                yield self._read_word()

    def _read_word(self) -> _Word:
        text, begin = self._text, self._at
        name = _NAME.match(text, begin)
        length = None
        parts: list[str] = []
        fragile = False
        tilde_at = begin
        if name is not None and text.startswith("=", name.end()):
            length = name.end() - begin
            self._at = tilde_at = name.end() + 1
            parts.append(text[begin : self._at])
        while self._at < len(text):
            at, char = self._at, text[self._at]
            if char in " \t\n;":
                break
            if char in "&|<>()`":
                raise self._error(_PROGRAM, begin)
            if char == "'":
                parts.append(self._read_single_quoted())
            elif char == '"':
                parts.append(self._read_double_quoted())
            elif char == "\\":
                self._at += 2
                # One that ends the file stays.
                parts.append(
                    text[at + 1 : at + 2].replace("\n", "") if at + 1 < len(text) else char
                )
            elif char == "$":
                value = self._read_reference(quoted=False)
                fragile |= bool(set(value) & set(" \t\n*?[{\\"))
                if length is None:
                    raise self._error(_PROGRAM, begin)
                parts.append(value)
            elif char == "~" and length is not None and at in (tilde_at, self._after_colon(at)):
                parts.append(self._read_home())
            else:
                plain = _PLAIN.match(text, at)
                self._at = at + 1 if plain is None else plain.end()
                fragile |= char in "*?[{"
                parts.append(text[at : self._at])
        return _Word("".join(parts), length, fragile)

    def _after_colon(self, at: int) -> int:
        return at if self._text[at - 1] == ":" else -1

    def _read_home(self) -> str:
        self._at += 1
        if self._text[self._at : self._at + 1] not in ("", "/", ":", " ", "\t", "\n", ";"):
            raise self._error(
                "has the home directory of a user, which only a shell knows", self._at
            )
        if "HOME" not in self._variables:
            raise self._error("has a ~, and HOME is not set", self._at)
        return self._variables["HOME"]

    def _read_single_quoted(self) -> str:
        end = self._text.find("'", self._at + 1)
        if end < 0:
            raise self._error("begins a quoted text that does not end", self._at)
        value = self._text[self._at + 1 : end]
        self._at = end + 1
        return value

    def _read_double_quoted(self) -> str:
        text, begin = self._text, self._at
        self._at += 1
        parts: list[str] = []
        while self._at < len(text):
            char = text[self._at]
            if char == '"':
                self._at += 1
                return "".join(parts)
            if char == "`":
                raise self._error(_PROGRAM, begin)
            if char == "\\":
                behind = text[self._at + 1 : self._at + 2]
                parts.append(
                    "" if behind == "\n" else behind if behind in '$`"\\' else char + behind
                )
                self._at += 2
            elif char == "$":
                parts.append(self._read_reference(quoted=True))
            else:
                parts.append(char)
                self._at += 1
        raise self._error("begins a quoted text that does not end", begin)

    def _read_reference(self, *, quoted: bool) -> str:
        text, begin = self._text, self._at
        if self._depth > _MOST_NESTED:
            raise self._error(f"nests references deeper than {_MOST_NESTED} levels", begin)
        self._at += 1
        if (name := _NAME.match(text, self._at)) is not None:
            self._at = name.end()
            return self._get(name[0], begin)
        braced = _PARAMETER.match(text, self._at)
        if braced is None:
            if text[self._at : self._at + 1] in (
                "",
                " ",
                "\t",
                "\n",
                '"',
                "/",
                ":",
                ".",
                ",",
                "%",
                "=",
            ):
                return "$"
            raise self._error(_PROGRAM, begin)
        self._at = braced.end()
        if braced[2] is None:
            return self._get(braced[1], begin)
        self._depth += 1
        word = self._read_default(quoted=quoted)
        self._depth -= 1
        value = self._variables.get(braced[1])
        given = bool(value) if braced[2][0] == ":" else value is not None
        if braced[2].endswith("+"):
            return word if given else ""
        if given:
            return self._count(value or "", begin)
        if braced[2].endswith("="):
            self._variables[braced[1]] = word
            self._assigned[braced[1]] = None
        return word

    def _read_default(self, *, quoted: bool) -> str:
        """Read up to the brace that ends a reference; only what all shells read alike."""
        text, begin = self._text, self._at
        parts: list[str] = []
        while self._at < len(text) and text[self._at] != "}":
            char = text[self._at]
            if char == "$":
                parts.append(self._read_reference(quoted=quoted))
            elif char in "\\'\"`\n~" or (not quoted and char in "{*?["):
                raise self._error("has a default that only a shell can read", begin)
            else:
                parts.append(char)
                self._at += 1
        if self._at == len(text):
            raise self._error("begins a reference that does not end", begin)
        self._at += 1
        return "".join(parts)

    def _get(self, name: str, at: int) -> str:
        if name not in self._variables and self._strict:
            raise self._error("has a variable that is not set, after set -u", at)
        return self._count(self._variables.get(name, ""), at)

    def _count(self, value: str, at: int) -> str:
        self._given += len(value)
        if self._given > _MOST:
            raise self._error(f"has references that give more than {_MOST} characters", at)
        return value

    def _error(self, reason: str, at: int) -> LineError:
        return LineError(self._text.count("\n", 0, at) + 1, reason)
