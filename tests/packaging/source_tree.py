"""The repository as its packages see it: which module each file is, and what it imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PACKAGE_FOLDERS = {
    "promptetheus": "promptetheus",
    "queries": "promptetheus.queries",
    "tui": "promptetheus.tui",
}
"""The folders at the root that hold the package, and the names they are imported under."""


@dataclass(frozen=True)
class Import:
    """One import statement."""

    importer: str
    target: str
    """The module that is loaded, as exactly as the statement tells."""
    at_load: bool
    """Whether it runs when the importing module is loaded, not first inside a function."""
    line: int

    def __str__(self) -> str:
        return f"{self.importer}:{self.line} imports {self.target}"


def modules() -> dict[str, Path]:
    """Every module of the package by its import name."""
    found = {}
    for folder, package in PACKAGE_FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            found[".".join((package, *(part for part in parts if part != "__init__")))] = path
    return found


def imports() -> list[Import]:
    """Every import in the package, also those inside functions; those for type checkers only are left out."""
    known = modules()
    return [
        Import(name, target, at_load, line)
        for name, path in known.items()
        for target, at_load, line in _imports_of(ast.parse(path.read_bytes()), name, known)
    ]


def _imports_of(tree: ast.AST, name: str, known: dict[str, Path]) -> Iterator[tuple[str, bool, int]]:
    pending = [(child, True) for child in ast.iter_child_nodes(tree)]
    while pending:
        node, at_load = pending.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            pending += [(child, at_load) for child in node.orelse]
        elif isinstance(node, ast.Import):
            yield from ((alias.name, at_load, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno}: imports are absolute here"
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield (submodule if submodule in known else str(node.module)), at_load, node.lineno
        else:
            inside = at_load and not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            pending += [(child, inside) for child in ast.iter_child_nodes(node)]
