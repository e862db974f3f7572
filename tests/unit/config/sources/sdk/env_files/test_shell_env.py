"""A shell's file is read as far as it is made of assignments; programs are refused."""

import pytest

from probe.config.sources.sdk.env_files.line_error import LineError
from probe.config.sources.sdk.env_files.shell_env import read_shell_env


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=1; B=2", {"A": "1", "B": "2"}),
        ("A=1 B=$A", {"A": "1", "B": "1"}),
        ("A=1\nexport B=$A", {"B": "1"}),
        ("A=1\nexport A", {"A": "1"}),
        ("set -a\nA=1\nset +a\nB=2", {"A": "1"}),
        ("A='a $b'\"c $H\"d\\ e", {"A": "a $bc /hd e"}),
        ("A=~/x:~", {"A": "/home/x:/home"}),
        ("A=${NO:-d}${H:+e}${NO-}", {"A": "de"}),
        ('A="a\\\nb" # c', {"A": "ab"}),
        ("declare -x A=1", {"A": "1"}),
        ("A=1\nunset A", {}),
        ("A=a#b #c", {"A": "a#b"}),
    ],
)
def test_what_is_assigned(text: str, found: dict[str, str]) -> None:
    """Where anything is exported, nothing else reaches a program."""
    assert read_shell_env(text.encode(), {"H": "/h", "HOME": "/home"}) == found


@pytest.mark.parametrize(
    "text",
    [
        *(
            "A=$(cat /f)",
            "A=`cat /f`",
            ". /etc/f",
            "if true; then A=1; fi",
            "A=1 | cat",
            "A=$((1))",
        ),
        *("A=1 env", "f() { A=1; }", "A=(1 2)", "A='x", 'A="x', "A=${B", "A=${B##x}", "export A=*"),
        *("A=~root/x", "set -u\nA=$NO", "exec env", "export -n A", "A=1;;"),
    ],
)
def test_a_program_is_refused(text: str) -> None:
    """What it sets is known only when it runs."""
    with pytest.raises(LineError):
        read_shell_env(text.encode(), {})


def test_no_value_is_shown() -> None:
    """A refused line may hold a token."""
    with pytest.raises(LineError) as caught:
        read_shell_env(b"\nA=$(echo s3cret)", {})

    assert caught.value.line == 2
    assert "s3cret" not in str(caught.value)
