"""systemd's env files: nothing is replaced, pieces in quotes are joined."""

import pytest

from probe.config.sources.sdk.env_files.line_error import LineError
from probe.config.sources.sdk.env_files.systemd_env import read_systemd_env


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=x y ", {"A": "x y"}),
        ("A=x # c", {"A": "x # c"}),
        ("; A=1\n#B=1", {}),
        ("A='x' \"y\"z", {"A": "xyz"}),
        ("A=$H", {"A": "$H"}),
        ('A="\\$H\\x"', {"A": "$H\\x"}),
        ("A=x\\\ny", {"A": "xy"}),
        ("A = x", {"A": "x"}),
        ("export A=1\n1A=2\nB", {}),
        ("A=x'y'", {"A": "x'y'"}),
    ],
)
def test_each_rule(text: str, found: dict[str, str]) -> None:
    """`export A` is not a name, and its line is passed over."""
    assert read_systemd_env(text.encode(), {"H": "h"}) == found


@pytest.mark.parametrize("raw", [b"A=\xff", b"A=\0"])
def test_what_keeps_a_unit_from_starting(raw: bytes) -> None:
    """The line is named."""
    with pytest.raises(LineError) as caught:
        read_systemd_env(b"B=1\n" + raw, {})
    assert caught.value.line == 2
