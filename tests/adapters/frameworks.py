"""The frameworks under test. They are no dependency of ours: without one, its tests are skipped."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import pytest

ENVIRONMENTS = {"crewai": "requirements-crewai.txt"}
"""Where a framework's pins are, if not with all the others."""


def framework(module: str) -> Any:
    """A module of a framework. Skips the test file that asks for it when the framework is not installed."""
    top = module.partition(".")[0]
    if importlib.util.find_spec(top) is None:
        pins = ENVIRONMENTS.get(top, "requirements.txt")
        pytest.skip(f"{top} is not installed: pip install -r tests/adapters/{pins}", allow_module_level=True)
    return importlib.import_module(module)
