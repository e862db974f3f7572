"""Standard streams: what is printed arrives completely, with every setting of the buffers."""

import io
import sys

import pytest

from probe.system.standard_streams import buffer_stdout


class Narrow(io.RawIOBase):
    """A pipe that takes a few bytes at a time, as a full one does."""

    def __init__(self) -> None:
        """Hold nothing."""
        self.taken = b""

    def writable(self) -> bool:
        """It takes what is written."""
        return True

    def write(self, data: object) -> int:
        """Take ten bytes of it."""
        some = bytes(data)[:10]  # type: ignore[call-overload]  # a buffer of bytes
        self.taken += some
        return len(some)


@pytest.mark.parametrize("way", ["bytes", "text"])
def test_a_long_document_arrives_whole_without_a_buffer(
    monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """PYTHONUNBUFFERED=1, as images set it: no byte behind the pipe's first take is lost."""
    pipe = Narrow()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(pipe, "utf-8", write_through=True))
    buffer_stdout()
    if way == "bytes":
        sys.stdout.buffer.write(b"0123456789" * 1000)
    else:
        sys.stdout.write("0123456789" * 1000)
    sys.stdout.flush()
    assert pipe.taken == b"0123456789" * 1000


def test_a_buffered_stdout_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing stands between the two that need not."""
    stdout = io.TextIOWrapper(io.BufferedWriter(Narrow()), "utf-8")
    monkeypatch.setattr(sys, "stdout", stdout)
    buffer_stdout()
    assert sys.stdout is stdout


def test_what_an_encoding_lacks_is_written_as_its_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    """A target's name in another script ends no check on an old terminal."""
    raw = io.BytesIO()
    stdout = io.TextIOWrapper(io.BufferedWriter(raw), "latin-1")
    monkeypatch.setattr(sys, "stdout", stdout)
    buffer_stdout()
    sys.stdout.write("café 漢\n")
    sys.stdout.flush()
    assert raw.getvalue() == b"caf\xe9 \\u6f22\n"
