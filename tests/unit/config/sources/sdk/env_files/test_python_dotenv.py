"""python-dotenv: what does not fit is passed over, and references need braces."""

import pytest

from probe.config.sources.sdk.env_files.line_error import LineError
from probe.config.sources.sdk.env_files.python_dotenv import read_python_dotenv


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A=x # c", {"A": "x"}),
        ("A= # c", {"A": ""}),
        ("A=x#c", {"A": "x#c"}),
        ("export 'A' = \"x\\n\"", {"A": "x\n"}),
        ("A='it\\'s'", {"A": "it's"}),
        ("A=${H}${NO:-d}$H", {"A": "hd$H"}),
        ("A='x\nB=1\nC=2", {"B": "1", "C": "2"}),
        ("A\nB=1", {"B": "1"}),
    ],
)
def test_each_rule(text: str, found: dict[str, str]) -> None:
    """An unterminated quote loses its line alone."""
    assert read_python_dotenv(text.encode(), {"H": "h"}) == found


def test_what_is_not_utf_8_is_refused() -> None:
    """The package raises then."""
    with pytest.raises(LineError, match="line 2"):
        read_python_dotenv(b"A=1\nB=\xff", {})
