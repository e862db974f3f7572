"""Reserved ports are nobody else's for as long as they are."""

import socket
import subprocess
import sys
from contextlib import ExitStack

import pytest

from tests.support import ports
from tests.support.ports import ephemeral_range, reserved_port

pytestmark = pytest.mark.slow

HOLD = """
from tests.support.ports import reserved_port
with reserved_port() as port:
    print(port, flush=True)
    input()
"""


def test_the_kernel_never_chooses_a_reserved_port() -> None:
    """Neither for a bind to 0 nor for an outgoing connection."""
    first, last = ephemeral_range()
    with reserved_port() as port:
        assert not first <= port <= last
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        assert first <= chosen.getsockname()[1] <= last


def test_two_at_a_time_are_different(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one has, the next does not get."""
    monkeypatch.setattr(ports, "_LOWEST", 12_000)
    monkeypatch.setattr(ports, "_HIGHEST", 12_009)
    monkeypatch.setattr(ports, "ephemeral_range", lambda: (32_768, 60_999))
    with ExitStack() as stack:
        given = [stack.enter_context(reserved_port()) for _ in range(8)]
        assert len(set(given)) == 8
        assert set(given) <= set(range(12_000, 12_010))


def test_another_process_does_not_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reservation holds across processes, and ends with the one that has it."""
    command = [sys.executable, "-c", HOLD]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        theirs = int(other.stdout.readline())
        monkeypatch.setattr(ports, "_LOWEST", theirs)
        monkeypatch.setattr(ports, "_HIGHEST", theirs)
        with pytest.raises(OSError, match="every port is in use"), reserved_port():
            pass
        other.stdin.close()
        other.wait(10)
    with reserved_port() as port:
        assert port == theirs


def test_a_port_with_a_server_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody else's server is seen, whatever it is bound to."""
    with reserved_port() as port:
        pass
    monkeypatch.setattr(ports, "_LOWEST", port)
    monkeypatch.setattr(ports, "_HIGHEST", port)
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(OSError, match="every port is in use"),
        reserved_port(),
    ):
        pass
