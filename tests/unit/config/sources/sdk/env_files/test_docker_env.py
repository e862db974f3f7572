"""docker's env files: a value is what stands behind the =."""

import pytest

from probe.config.sources.sdk.env_files.docker_env import read_docker_env
from probe.config.sources.sdk.env_files.line_error import LineError


def test_nothing_is_removed_from_a_value() -> None:
    """Quotes, comments and blanks stay."""
    assert read_docker_env(b"A=\"x\" # c \n  B='y'\r\n# C=1\n", {}) == {
        "A": '"x" # c ',
        "B": "'y'",
    }


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"export A=1", "a shell's file begins a line with export"),
        (b"=1", "no name"),
        (b"A =1", "blank in its name"),
        (b"A=\xff", "not UTF-8"),
        (b"A=" + b"x" * 65536, "64 KiB"),
    ],
)
def test_what_docker_refuses(raw: bytes, said: str) -> None:
    """It then starts no container; the line is named."""
    with pytest.raises(LineError, match=said) as caught:
        read_docker_env(b"\n" + raw, {})
    assert caught.value.line == 2


def test_a_name_alone_is_the_clients_own_variable() -> None:
    """As with `-e NAME`."""
    assert read_docker_env(b"A\nB\n", {"A": "1"}) == {"A": "1"}
