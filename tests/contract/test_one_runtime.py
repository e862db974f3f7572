"""One runtime per target: no room but the ledger keeps anything under a target's name."""

import ast
from typing import Final

from tests.contract.imports import MODULES

KEEPERS: Final = frozenset({"get", "pop", "setdefault", "add", "discard"})
"""Methods of dictionaries and sets that take a key."""
ALLOWED: Final = frozenset({"ledger", "cli", "demo"})
"""The ledger keeps the runtimes; commands that end keep nothing."""


def is_target_name(node: ast.expr) -> bool:
    """Return whether an expression is the name of a target, as `state.target.name` is."""
    return ast.unparse(node).endswith("target.name")


def test_only_the_ledger_keeps_something_by_the_names_of_targets() -> None:
    """A separate store must be updated for every removed target: a part of the runtime need not."""
    found = []
    for module in MODULES:
        if module.room in ALLOWED:
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Subscript):
                kept = is_target_name(node.slice)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                kept = node.func.attr in KEEPERS and any(map(is_target_name, node.args[:1]))
            else:
                continue
            if kept:
                found.append(f"{module.name}:{node.lineno} {ast.unparse(node)}")
    assert found == []
