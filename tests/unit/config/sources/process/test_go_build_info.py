"""What a Go program was built of is read from its executable, and nothing is read of another file."""

import io
import struct
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from probe.config.sources.process.go_build_info import read_go_build, read_section

_MODULES = "path\texample.com/gateway\nmod\texample.com/gateway\t(devel)\t\ndep\tgo.opentelemetry.io/collector/otelcol\tv0.162.0\th1:x\n=>\texample.com/fork\tv1\th1:y\n"


def elf(data: bytes, *, section: bool = True) -> bytes:
    """Return a 64-bit ELF file with one writable segment, which is the section of build information."""
    base, offset, names = 0x400000, 0x200, b"\0.go.buildinfo\0.shstrtab\0"
    at = offset + len(data)
    table = at + len(names)
    sections = [
        struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        struct.pack("<IIQQQQIIQQ", 1 if section else 0, 1, 3, base, offset, len(data), 0, 0, 16, 0),
        struct.pack("<IIQQQQIIQQ", 15, 3, 0, 0, at, len(names), 0, 0, 1, 0),
    ]
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = ident + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, base, 64, table, 0, 64, 56, 1, 64, 3, 2
    )
    segment = struct.pack("<IIQQQQQQ", 1, 6, offset, base, base, len(data), len(data), 4096)
    return (header + segment).ljust(offset, b"\0") + data + names + b"".join(sections)


def inline(go: str, modules: str) -> bytes:
    """Return build information as Go 1.18 and later write it."""
    framed = "m" * 16 + modules + "m" * 16
    texts = b"".join(_varint(len(text)) + text.encode() for text in (go, framed))
    return b"\xff Go buildinf:\x08\x02" + bytes(16) + texts


def _varint(number: int) -> bytes:
    parts = []
    while number >= 0x80:
        parts.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*parts, number])


def test_modules_and_versions_are_read() -> None:
    """A replacement counts as what it replaces."""
    build = read_go_build(io.BytesIO(elf(inline("go1.26.8", _MODULES))))
    assert build is not None
    assert (build.go, build.path) == ("go1.26.8", "example.com/gateway")
    assert build.modules["go.opentelemetry.io/collector/otelcol"] == "v0.162.0"


def test_without_a_section_the_data_is_searched() -> None:
    """For what begins at a multiple of 16."""
    astray = b"xx\xff Go buildinf:".ljust(32, b"x")
    build = read_go_build(io.BytesIO(elf(astray + inline("go1.26.8", _MODULES), section=False)))
    assert build is not None
    assert build.go == "go1.26.8"


def test_another_program_is_none() -> None:
    """Python's own, a script, an empty file."""
    with Path(sys.executable).open("rb") as file:
        assert read_go_build(file) is None
        assert read_section(file, b".go.buildinfo", 100) is None
    assert read_go_build(io.BytesIO(b"#!/bin/sh\n")) is None
    assert read_go_build(io.BytesIO()) is None


def test_a_section_is_read_by_its_name_and_up_to_a_size() -> None:
    """Whatever it holds."""
    file = io.BytesIO(elf(b"payload"))
    assert read_section(file, b".go.buildinfo", 100) == b"payload"
    assert read_section(file, b".go.buildinfo", 3) is None
    assert read_section(file, b".dep-v0", 100) is None


@given(st.integers(0, 2000), st.binary(min_size=1, max_size=16))
def test_a_damaged_file_is_none_or_read(at: int, damage: bytes) -> None:
    """Whatever was overwritten; no size that it names is believed."""
    whole = elf(inline("go1.26.8", _MODULES))
    at %= len(whole)
    read_go_build(io.BytesIO(whole[:at] + damage + whole[at + len(damage) :]))
    read_go_build(io.BytesIO(whole[:at]))
