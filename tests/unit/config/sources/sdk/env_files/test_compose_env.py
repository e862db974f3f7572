"""compose's env files: quotes, references, comments."""

import pytest

from probe.config.sources.sdk.env_files.compose_env import read_compose_env, substitute
from probe.config.sources.sdk.env_files.line_error import LineError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A=x # c", "x"),
        ("A=x#c", "x#c"),
        ("A: x", "x"),
        ('A="x # c"', "x # c"),
        ("A='$H'", "$H"),
        ('A="$H\\n"', "h\n"),
        ("A=${H}-${NO:-d}", "h-d"),
        ("A=$$H", "$H"),
        ("export A=x", "x"),
        ("A='a\nb'", "a\nb"),
    ],
)
def test_each_rule(text: str, value: str) -> None:
    """A reference is replaced everywhere but within single quotes."""
    assert read_compose_env(text.encode(), {"H": "h"}) == {"A": value}


@pytest.mark.parametrize(
    ("text", "line"),
    [("\n\nA b=1", 3), ("A=1\nB='x", 2), ("A=${B:?must}", 1), ("A=${", 1), ("A\x00B=1", 1)],
)
def test_what_is_refused_has_its_line(text: str, line: int) -> None:
    """Compose then starts nothing at all."""
    with pytest.raises(LineError) as caught:
        read_compose_env(text.encode(), {})
    assert caught.value.line == line


def test_a_name_alone_is_taken_from_outside() -> None:
    """Where it is not set there, it is not set."""
    assert read_compose_env(b"H\nNO\n", {"H": "h"}) == {"H": "h"}


def test_references_nest_only_so_deep() -> None:
    """Each level is a call."""
    with pytest.raises(ValueError, match="deeper"):
        substitute("${A:-" * 100 + "}" * 100, lambda _name: None)
