"""The directory of a jar is read, bounded, and nothing of a file that is not one."""

import io
import zipfile

from hypothesis import given
from hypothesis import strategies as st

from probe.config.sources.process.jar import read_jar_directory


def jar(*names: str, before: bytes = b"", comment: bytes = b"") -> bytes:
    """Return a jar with empty entries."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
        archive.comment = comment
    return before + held.getvalue()


def test_names_are_in_the_directory() -> None:
    """With a comment behind it, and a script before it, as executable jars have one."""
    for raw in (jar("a/b.class"), jar("a/b.class", before=b"#!/bin/sh\n", comment=b"c" * 300)):
        assert b"a/b.class" in read_jar_directory(io.BytesIO(raw))


@given(st.binary(max_size=300))
def test_any_file_gives_names_or_nothing(raw: bytes) -> None:
    """Also one that only ends like a jar."""
    read_jar_directory(io.BytesIO(raw))
    read_jar_directory(io.BytesIO(raw + b"PK\x05\x06" + raw[:18]))
