"""The texts that compiled Java prints: what classes of a jar give to exceptions and to loggers.

A class file is read as The Java Virtual Machine Specification describes it (§4, §6.5): strings that
are loaded between `new …Exception` and its constructor, or before a logger's call, are one text,
with `…` where the program puts something in.
"""

import struct
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_CONSTANTS: Final = {
    3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4,
    19: 2, 20: 2,
}  # fmt: skip
"""Bytes behind the tag of each kind of constant (§4.4); 1 is text and has its length with it."""
_OPERANDS: Final = {
    **dict.fromkeys((0x10, 0x12, 0xA9, 0xBC, *range(0x15, 0x1A), *range(0x36, 0x3B)), 1),
    **dict.fromkeys((0x11, 0x13, 0x14, 0x84, 0xBB, 0xBD, 0xC0, 0xC1, 0xC6, 0xC7), 2),
    **dict.fromkeys((*range(0x99, 0xA9), *range(0xB2, 0xB9)), 2),
    **dict.fromkeys((0xB9, 0xBA, 0xC8, 0xC9), 4),
    0xC5: 3,
}
"""Bytes behind each instruction (§6.5); the others have none."""
_LOADS: Final = (0x12, 0x13)
_NEW: Final = 0xBB
_CALLS: Final = (0xB6, 0xB7, 0xB8, 0xB9, 0xBA)
_DROPS: Final = (*range(0x36, 0x57), 0x57, 0x58, *range(0xAC, 0xB2), 0xB3, 0xB5, 0xBF)
"""Stores, pops, returns and throws: what was loaded before is used up."""
_THROWN: Final = ("Exception", "Error", "Alert", "AlertReceived")
_BUGS: Final = (
    "NullPointerException", "IllegalStateException", "UnsupportedOperationException",
    "AssertionError", "IndexOutOfBoundsException", "NoSuchElementException", "ClassCastException",
)  # fmt: skip
"""Exceptions of a program's own faults, which say nothing of a connection or a file."""
_LOGGED: Final = frozenset(
    {"fatal", "warn", "error", "log", "severe", "warning", "withDescription"}
)  # fmt: skip


@dataclass(slots=True)
class _Class:
    """The constants of one class, by their number."""

    constants: dict[int, tuple[int, Any]] = field(default_factory=dict)

    def text(self, number: int) -> str:
        """Return the text of constant `number`, through what refers to it."""
        tag, value = self.constants.get(number, (1, ""))
        return value if tag == 1 else self.text(value[0])

    def call(self, number: int) -> tuple[str, str, str]:
        """Return the class, the name and the type of the method that is called."""
        tag, (owner, name_and_type) = self.constants[number]
        _, (name, kind) = self.constants[name_and_type]
        return (self.text(owner) if tag in {10, 11} else ""), self.text(name), self.text(kind)


def read_jar(jar: Path, packages: Sequence[str]) -> Iterator[str]:
    """Yield the texts of the classes in `packages`, written with slashes."""
    with zipfile.ZipFile(jar) as opened:
        for name in sorted(opened.namelist()):
            if name.startswith(tuple(packages)) and name.endswith((".class", ".classdata")):
                yield from read_class(opened.read(name))


def read_class(content: bytes) -> Iterator[str]:
    """Yield the texts of one class."""
    parsed = _Class()
    at = _read_constants(content, parsed)
    at += 6
    at += 2 + 2 * _u2(content, at)  # interfaces
    recipes: list[str] = []
    codes: list[bytes] = []
    for _ in range(2):  # fields, then methods
        count, at = _u2(content, at), at + 2
        for _ in range(count):
            at = _read_attributes(content, at + 6, parsed, codes, recipes)
    _read_attributes(content, at, parsed, codes, recipes)
    for code in codes:
        yield from _list_texts(code, parsed, recipes)


def _u2(content: bytes, at: int) -> int:
    return int(struct.unpack_from(">H", content, at)[0])


def _read_constants(content: bytes, parsed: _Class) -> int:
    at, number = 10, 1
    while number < _u2(content, 8):
        tag = content[at]
        if tag == 1:
            length = _u2(content, at + 1)
            value: Any = content[at + 3 : at + 3 + length].decode("utf-8", "replace")
            at += 3 + length
        else:
            size = _CONSTANTS[tag]
            value = struct.unpack_from(">" + "H" * (size // 2), content, at + 1)
            at += 1 + size
        parsed.constants[number] = (tag, value)
        number += 2 if tag in {5, 6} else 1
    return at


def _read_attributes(
    content: bytes, at: int, parsed: _Class, codes: list[bytes], recipes: list[str]
) -> int:
    """Collect code and recipes of concatenation; return where the attributes end."""
    count, at = _u2(content, at), at + 2
    for _ in range(count):
        name, length = parsed.text(_u2(content, at)), struct.unpack_from(">I", content, at + 2)[0]
        body = content[at + 6 : at + 6 + length]
        if name == "Code":
            codes.append(body[8 : 8 + struct.unpack_from(">I", body, 4)[0]])
        elif name == "BootstrapMethods":
            place = 2
            for _ in range(_u2(body, 0)):
                arguments = [_u2(body, place + 4 + 2 * k) for k in range(_u2(body, place + 2))]
                strings = [
                    parsed.text(each) for each in arguments if parsed.constants[each][0] == 8
                ]
                recipes.append(strings[0] if strings else "")
                place += 4 + 2 * len(arguments)
        at += 6 + length
    return at


def _list_texts(code: bytes, parsed: _Class, recipes: Sequence[str]) -> Iterator[str]:
    """Yield the texts of one method: every open exception collects its own."""
    open_texts: list[list[str]] = [[]]
    at = 0
    while at < len(code):
        opcode, operand = code[at], at + 1
        if opcode in _LOADS:
            number = code[operand] if opcode == _LOADS[0] else _u2(code, operand)
            if parsed.constants[number][0] == 8:
                open_texts[-1].append(parsed.text(number))
        elif opcode == _NEW and parsed.text(_u2(code, operand)).endswith(_THROWN):
            open_texts.append([])
        elif opcode in _CALLS:
            owner, name, kind = (
                ("", *_dynamic(parsed, _u2(code, operand), recipes, open_texts[-1]))
                if opcode == 0xBA
                else parsed.call(_u2(code, operand))
            )
            if name == "<init>" and owner.endswith(_THROWN) and len(open_texts) > 1:
                text = "".join(open_texts.pop())
                if not owner.endswith(_BUGS):
                    yield text
            elif name == "append" and kind.startswith("(") and not _is_literal(code, at, parsed):
                open_texts[-1].append("…")
            elif name in _LOGGED and not owner.endswith("SSLLogger"):
                yield "".join(open_texts[-1])
                open_texts[-1].clear()
            elif kind.endswith(")V") and name != "<init>":
                open_texts[-1].clear()
        elif opcode in _DROPS and len(open_texts) == 1:
            open_texts[-1].clear()
        at = _skip(code, at)


def _dynamic(
    parsed: _Class, number: int, recipes: Sequence[str], texts: list[str]
) -> tuple[str, str]:
    """Add the text that a concatenation makes; return the call's name and type."""
    bootstrap, name_and_type = parsed.constants[number][1]
    name, kind = parsed.constants[name_and_type][1]
    if parsed.text(name) == "makeConcatWithConstants":
        texts.append(recipes[bootstrap].replace("\x01", "…"))
    return parsed.text(name), parsed.text(kind)


def _is_literal(code: bytes, at: int, parsed: _Class) -> bool:
    """Return whether the instruction before the call at `at` loads a string of the class."""
    for opcode, size in zip(_LOADS, (2, 3), strict=True):
        start = at - size
        if start >= 0 and code[start] == opcode:
            number = code[start + 1] if size == 2 else _u2(code, start + 1)
            if parsed.constants.get(number, (0, 0))[0] == 8:
                return True
    return False


def _skip(code: bytes, at: int) -> int:
    """Return where the next instruction begins."""
    opcode = code[at]
    if opcode == 0xC4:  # wide
        return at + (6 if code[at + 1] == 0x84 else 4)
    if opcode in {0xAA, 0xAB}:  # tableswitch, lookupswitch
        start = (at + 4) & ~3
        first, second = struct.unpack_from(">ii", code, start + 4)
        if opcode == 0xAA:
            return int(start + 12 + 4 * (second - first + 1))
        return int(start + 8 + 8 * first)
    return at + 1 + _OPERANDS.get(opcode, 0)
