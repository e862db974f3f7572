"""PEM that is bent as editors, shells, templates and hands bend it: a strategy for property tests."""

import re
from collections.abc import Callable

from hypothesis import strategies as st

MARK = b"\xef\xbb\xbf"
_BODY = re.compile(rb"(?s)(-----BEGIN [^\n]*-----\n)(.*?)(\n-----END)")

Bend = Callable[[bytes], bytes]


def bend(first: bytes, second: bytes) -> st.SearchStrategy[bytes]:
    """Return a strategy of files made of two blocks, changed in up to three ways."""
    start = st.sampled_from([first, first + second, second + first])
    return st.builds(_apply, start, st.lists(_changes(), max_size=3))


def _apply(raw: bytes, changes: list[Bend]) -> bytes:
    for change in changes:
        raw = change(raw)
    return raw


def _changes() -> st.SearchStrategy[Bend]:
    place = st.integers(0, 40)
    whole: list[Bend] = [
        lambda raw: raw.replace(b"\n", b"\r\n"),
        lambda raw: raw.replace(b"\n", b"\r\r\n"),
        lambda raw: raw.replace(b"\n", b"\r"),
        lambda raw: raw.replace(b"\n", b"\n\n"),
        lambda raw: raw.replace(b"-----\n-----", b"----------"),
        lambda raw: MARK + raw,
        lambda raw: b"text\n" + raw,
        lambda raw: raw.rstrip(),
        lambda raw: b"".join(b"# " + line + b"\n" for line in raw.split(b"\n")) + raw,
        lambda raw: _BODY.sub(
            lambda found: found[1] + found[2].replace(b"\n", b"") + found[3], raw
        ),
        lambda raw: raw.replace(b"BEGIN CERT", b"BEGIN X509 CERT").replace(
            b"END CERT", b"END X509 CERT"
        ),
    ]
    return st.one_of(
        st.sampled_from(whole),
        st.builds(_change_line, place, st.sampled_from([b" ", b"\t", b"\xe2\x80\x8b", b"\xff"])),
        st.builds(_insert_line, place, st.sampled_from([b"", b"a: b", b"Comment: x", MARK])),
        st.builds(_drop_line, place),
        st.builds(_cut, st.integers(0, 1200)),
        st.builds(_set_byte, st.integers(0, 1200), st.sampled_from(b" -=:\n\r*A\0")),
    )


def _change_line(at: int, added: bytes) -> Bend:
    def change(raw: bytes) -> bytes:
        lines = raw.split(b"\n")
        lines[at % len(lines)] = added + lines[at % len(lines)] + added
        return b"\n".join(lines)

    return change


def _insert_line(at: int, line: bytes) -> Bend:
    def change(raw: bytes) -> bytes:
        lines = raw.split(b"\n")
        lines.insert(at % len(lines), line)
        return b"\n".join(lines)

    return change


def _drop_line(at: int) -> Bend:
    def change(raw: bytes) -> bytes:
        lines = raw.split(b"\n")
        del lines[at % len(lines)]
        return b"\n".join(lines)

    return change


def _cut(at: int) -> Bend:
    return lambda raw: raw[:at]


def _set_byte(at: int, value: int) -> Bend:
    return lambda raw: raw[:at] + bytes([value]) + raw[at + 1 :]
