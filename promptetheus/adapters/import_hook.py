"""Being told when the program has imported a module."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from promptetheus.adapters.scope import hook


class ImportHook:
    """A finder in front of Python's own that finds nothing itself, and adds a step after the import of a few modules.

    Args:
        triggers: what `tell` is called with, by the name of the module.
        tell: called after the module has been executed, in the thread that imports it.
    """

    def __init__(self, triggers: dict[str, str], tell: Callable[[str], None]) -> None:
        self._triggers, self._tell = triggers, tell

    def install(self) -> None:
        """Begin to watch imports."""
        sys.meta_path.insert(0, self)

    def remove(self) -> None:
        """Watch no more; nothing when it does not."""
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """What the other finders find, with our step after it; None for modules that are none of ours."""
        if name not in self._triggers:
            return None
        for finder in list(sys.meta_path):
            find = getattr(finder, "find_spec", None)
            found = None if finder is self or find is None else find(name, path, target)
            if found is not None:
                self._add_step(name, found.loader)
                return found  # type: ignore[no-any-return]
        return None

    @hook
    def _add_step(self, name: str, loader: Any) -> None:
        execute = getattr(loader, "exec_module", None)
        if execute is None:
            return

        @functools.wraps(execute)
        def exec_module(module: ModuleType) -> None:
            vars(loader).pop("exec_module", None)  # the loader stays with the module
            execute(module)
            if sys.modules.get(name) is module and self in sys.meta_path:
                self._tell(self._triggers[name])

        vars(loader)["exec_module"] = exec_module
