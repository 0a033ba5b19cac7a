"""Which spools are read: one directory, or several."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

Roots = Path | Iterable[Path]
"""One spool directory, or several; what is in two of them is taken from the one named first."""


def roots_of(roots: Roots) -> tuple[Path, ...]:
    """The directories, each once, in the order given."""
    return (roots,) if isinstance(roots, Path) else tuple(dict.fromkeys(roots))
