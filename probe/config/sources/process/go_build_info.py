"""What a Go program was built of: the build information in its executable (debug/buildinfo of Go).

Only of ELF, the format of Linux. The file is a process's own, and may hold anything: what is read
of it is bounded, and whatever is not right means that it is not a Go program.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

_MAGIC: Final = b"\xff Go buildinf:"
_SECTION: Final = b".go.buildinfo"
_HEADER: Final = 32
_INLINE: Final = 2
"""The flag of Go 1.18 and later: both texts follow the header."""
_BIG_ENDIAN: Final = 1
_FRAME: Final = 16
"""Bytes of a mark before and after the modules."""
_MOST_SECTIONS: Final = 4096
_SEARCHED: Final = 1 << 20
_LONGEST: Final = 4 << 20

_WRITABLE_LOAD: Final = 2


@dataclass(frozen=True, slots=True)
class GoBuild:
    """What `go version -m` prints."""

    go: str
    path: str
    """The main package."""
    modules: Mapping[str, str]
    """By module its version, the main one included; a replacement counts as what it replaces."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A section or segment: where it is in memory and in the file."""

    name: bytes
    address: int
    offset: int
    size: int
    writable: bool = False


class _NotGoError(Exception):
    """The file is not an ELF program that Go has built."""


def read_go_build(file: BinaryIO) -> GoBuild | None:
    """Return what the Go program in `file` was built of, or None where it is something else."""
    try:
        return _read(file)
    except (_NotGoError, OSError, ValueError, struct.error, IndexError, OverflowError):
        return None


def _read(file: BinaryIO) -> GoBuild:
    sections, segments = _read_parts(file)
    start = next((part for part in sections if part.name == _SECTION), None) or next(
        (part for part in segments if part.writable and part.size), None
    )
    if start is None:
        raise _NotGoError

    def read_memory(address: int, size: int) -> bytes:
        for part in segments:
            if part.address <= address < part.address + part.size:
                return _read_at(
                    file,
                    part.offset + address - part.address,
                    min(size, part.address + part.size - address, _LONGEST),
                )
        raise _NotGoError

    header_at = _find_magic(_read_at(file, start.offset, min(start.size, _SEARCHED)))
    address = start.address + header_at
    header = read_memory(address, _HEADER)
    if header[15] & _INLINE:
        version, following = _read_inline(read_memory, address + _HEADER)
        modules, _ = _read_inline(read_memory, following)
    else:
        form = _pointer_form(header)
        width = header[14]
        version = _read_pointed(read_memory, header[16 : 16 + width], form, width)
        modules = _read_pointed(read_memory, header[16 + width : 16 + 2 * width], form, width)
    if not version:
        raise _NotGoError
    return _parse_modules(
        version.decode("utf-8", "replace"),
        modules[_FRAME:-_FRAME].decode("utf-8", "replace") if len(modules) > 2 * _FRAME else "",
    )


def _find_magic(data: bytes) -> int:
    position = data.find(_MAGIC)
    while position >= 0 and position % 16:
        position = data.find(_MAGIC, position + 1)
    if position < 0:
        raise _NotGoError
    return position


def _read_inline(read_memory: Callable[[int, int], bytes], address: int) -> tuple[bytes, int]:
    """Return the text at `address`, whose length precedes it as a varint, and what follows it."""
    length = 0
    for position, byte in enumerate(read_memory(address, 10)):
        length |= (byte & 0x7F) << (7 * position)
        if byte < 0x80:
            begin = address + position + 1
            text = read_memory(begin, length) if length else b""
            if len(text) < length:
                raise _NotGoError
            return text, begin + length
    raise _NotGoError


def _pointer_form(header: bytes) -> str:
    order = ">" if header[15] & _BIG_ENDIAN else "<"
    letter = {4: "I", 8: "Q"}.get(header[14])
    if letter is None:
        raise _NotGoError
    return order + letter


def _read_pointed(
    read_memory: Callable[[int, int], bytes], pointer: bytes, form: str, width: int
) -> bytes:
    """Return the Go string that `pointer` names: where it is, and how long."""
    held = read_memory(struct.unpack(form, pointer)[0], 2 * width)
    data, length = struct.unpack(form, held[:width])[0], struct.unpack(form, held[width:])[0]
    return read_memory(data, length) if length else b""


def _parse_modules(go: str, text: str) -> GoBuild:
    path = ""
    modules: dict[str, str] = {}
    for line in text.split("\n"):
        fields = line.split("\t")
        if fields[0] == "path":
            path = fields[1]
        elif fields[0] in {"mod", "dep"} and len(fields) > 1:
            modules[fields[1]] = fields[2] if len(fields) > 2 else ""
    return GoBuild(go, path, modules)


def read_section(file: BinaryIO, name: bytes, most: int) -> bytes | None:
    """Return what the section `name` of an ELF file holds, or None where it has none so small."""
    try:
        sections, _ = _read_parts(file)
        found = next((part for part in sections if part.name == name), None)
        if found is None or found.size > most:
            return None
        return _read_at(file, found.offset, found.size)
    except (_NotGoError, OSError, ValueError, struct.error, IndexError, OverflowError):
        return None


def _read_parts(file: BinaryIO) -> tuple[list[_Part], list[_Part]]:
    """Return the sections and the loaded segments of an ELF file."""
    ident = _read_at(file, 0, 64)
    if ident[:4] != b"\x7fELF" or ident[4] not in {1, 2} or ident[5] not in {1, 2}:
        raise _NotGoError
    wide = ident[4] == 2
    order = "<" if ident[5] == 1 else ">"
    address = "Q" if wide else "I"
    fields = struct.unpack_from(f"{order}{address * 2}I6H", ident, 32 if wide else 28)
    segments_at, sections_at, _, _, segment_size, segments, section_size, sections, names = fields
    return (
        list(_read_sections(file, sections_at, section_size, sections, names, order, wide=wide)),
        list(_read_segments(file, segments_at, segment_size, segments, order, wide=wide)),
    )


def _read_sections(
    file: BinaryIO, at: int, size: int, count: int, names: int, order: str, *, wide: bool
) -> Iterator[_Part]:
    form = f"{order}IIQQQQ" if wide else f"{order}IIIIII"
    if not at or size < struct.calcsize(form):
        return
    raw = _read_at(file, at, size * min(count, _MOST_SECTIONS))
    found = [
        struct.unpack_from(form, raw, begin)
        for begin in range(0, len(raw) - struct.calcsize(form) + 1, size)
    ]
    if names >= len(found):
        return
    table = _read_at(file, found[names][4], min(found[names][5], _SEARCHED))
    for name_at, _, _, address, offset, length in found:
        yield _Part(table[name_at:].partition(b"\0")[0][:64], address, offset, length)


def _read_segments(
    file: BinaryIO, at: int, size: int, count: int, order: str, *, wide: bool
) -> Iterator[_Part]:
    # The 64-bit form has the flags second, the 32-bit form seventh.
    form = f"{order}IIQQQQ" if wide else f"{order}IIIIIII"
    if size < struct.calcsize(form):
        return
    raw = _read_at(file, at, size * min(count, _MOST_SECTIONS))
    for begin in range(0, len(raw) - struct.calcsize(form) + 1, size):
        values = struct.unpack_from(form, raw, begin)
        kind, flags, offset, address, length = (
            (values[0], values[1], values[2], values[3], values[5])
            if wide
            else (values[0], values[6], values[1], values[2], values[4])
        )
        if kind == 1:
            yield _Part(b"", address, offset, length, writable=bool(flags & _WRITABLE_LOAD))


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    file.seek(offset)
    return file.read(min(size, _LONGEST))
