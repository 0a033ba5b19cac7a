"""The frameworks themselves: imported only by an adapter that is being made."""

from __future__ import annotations

import importlib
from typing import Any


def require_extra(import_name: str, extra: str, who: str) -> Any:
    """The module `import_name`. Raises RuntimeError, saying what to install, when its framework is missing.

    The module is `Any`: the package is checked and shipped without any framework installed.
    """
    try:
        return importlib.import_module(import_name)
    except ImportError as error:
        top = import_name.partition(".")[0]
        there = not isinstance(error, ModuleNotFoundError) or (error.name or "").partition(".")[0] != top
        why = f"{top} could not be imported ({error})" if there else f"{top} is not installed"
        raise RuntimeError(
            f"{who} needs the extra '{extra}', {why}: pip install 'promptetheus[{extra}]'"
        ) from error
