"""What the source of a Struct says of it: the docstrings of the Struct and of its fields, as plain text.

Editors show these texts outside of `docs/`, so that links within the documentation keep only their
words.
"""

import ast
import inspect
import re
import textwrap
from functools import cache
from typing import Final

import msgspec

Struct = type[msgspec.Struct]

_LINK: Final = re.compile(r"\[([^\]]+)\]\([^)]*\)")


def describe_struct(struct: Struct) -> str:
    """Return the docstring of `struct` on one line; empty where it has none of its own."""
    return _flatten(struct.__doc__ or "")


def describe_all_fields(struct: Struct) -> dict[str, str]:
    """Return the docstring of each field of `struct`, its own and those it inherits."""
    found: dict[str, str] = {}
    for base in reversed(struct.__mro__):
        if base is not msgspec.Struct and issubclass(base, msgspec.Struct):
            found.update(describe_fields(base))
    return {name: _LINK.sub(r"\1", text) for name, text in found.items()}


@cache
def describe_fields(struct: Struct) -> dict[str, str]:
    """Return the docstring of each field that `struct` itself has; empty where there is none."""
    source = textwrap.dedent(inspect.getsource(struct))
    (definition,) = ast.parse(source).body
    assert isinstance(definition, ast.ClassDef)
    found: dict[str, str] = {}
    name = ""
    for node in definition.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            found[name] = ""
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and name:
            found[name] = " ".join(str(node.value.value).split())
    return found


def _flatten(text: str) -> str:
    return _LINK.sub(r"\1", " ".join(text.split()))
