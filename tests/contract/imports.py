"""Reads the product's modules and their imports, without importing any of them."""

import ast
import gc
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "probe"


@dataclass(frozen=True)
class Module:
    """One source file of the product."""

    path: Path

    @property
    def name(self) -> str:
        """The path within the package, as `tls/client.py`."""
        return self.path.relative_to(PACKAGE).as_posix()

    @property
    def dotted(self) -> str:
        """The name that other modules import it by, as `probe.tls.client`."""
        return ".".join(("probe", *self.parts)).removesuffix(".__init__")

    @property
    def parts(self) -> tuple[str, ...]:
        """The path within the package, part by part and without the suffix."""
        return tuple(self.name.removesuffix(".py").split("/"))

    @property
    def room(self) -> str:
        """The package or the top-level module that it belongs to, as `tls` or `ledger`."""
        return self.parts[0]

    @cached_property
    def tree(self) -> ast.Module:
        """The parsed source."""
        source = self.path.read_text(encoding="utf-8")
        # CPython 3.11 may take a finalizer that runs meanwhile for a fault of its own, and raises
        # SystemError (AST constructor recursion depth mismatch, gh-106905).
        gc.disable()
        try:
            return ast.parse(source, str(self.path))
        finally:
            gc.enable()

    @cached_property
    def imports(self) -> frozenset[str]:
        """The dotted names of all imports, also those within functions.

        `from a import b` counts as `a` and as `a.b`, because b may be a module.
        """
        names: set[str] = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                names.add(base)
                names.update(f"{base}.{alias.name}" for alias in node.names)
        return frozenset(names)

    @property
    def rooms_imported(self) -> frozenset[str]:
        """The other rooms of the product that it imports."""
        names = (name.split(".") for name in self.imports if name.startswith("probe."))
        return frozenset({parts[1] for parts in names} & ROOMS) - {self.room}

    def imports_any(self, *names: str) -> frozenset[str]:
        """Return those of `names` that it imports, themselves or something below them."""
        return frozenset(
            name
            for name in names
            if any(each == name or each.startswith(f"{name}.") for each in self.imports)
        )

    @cached_property
    def calls(self) -> frozenset[str]:
        """The last names of all that it calls: `open`, or `now` for `datetime.now(…)`."""
        called = (node.func for node in ast.walk(self.tree) if isinstance(node, ast.Call))
        return frozenset(
            function.attr if isinstance(function, ast.Attribute) else function.id
            for function in called
            if isinstance(function, ast.Attribute | ast.Name)
        )

    def _absolute(self, node: ast.ImportFrom) -> str:
        if node.level == 0:
            return node.module or ""
        package = ("probe", *self.name.split("/")[: -node.level])
        return ".".join((*package, node.module) if node.module else package)


MODULES: Final = tuple(Module(path) for path in sorted(PACKAGE.rglob("*.py")))
ROOMS: Final = frozenset(module.room for module in MODULES)
