"""Node's two readers: a `#` begins a comment within a word too."""

import pytest

from probe.config.sources.sdk.env_files.node_dotenv import read_dotenv_package, read_node_env_file


@pytest.mark.parametrize(
    ("text", "package", "node"),
    [
        ("A=api-key=s3#t", "api-key=s3", "api-key=s3"),
        ("A='x#y'", "x#y", "x#y"),
        ("A=$H", "$H", "$H"),
        ('A="a\\nb"', "a\nb", "a\nb"),
        ("export A=x", "x", "x"),
        ("A=`x`", "x", "x"),
        ("A: x", "x", None),
        ("A= \nB=x", "", "B=x"),
    ],
)
def test_each_rule(text: str, package: str, node: str | None) -> None:
    """Where only blanks stand behind the =, Node takes the next line."""
    assert read_dotenv_package(text.encode(), {"H": "h"})["A"] == package
    assert read_node_env_file(text.encode(), {"H": "h"}).get("A") == node
