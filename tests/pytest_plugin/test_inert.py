"""What every run of pytest pays for the plugin, whether it is wanted or not."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.packaging.source_tree import ROOT
from tests.packaging.test_import_cost import loaded_by, third_party


def test_loading_the_plugin_loads_pytest_and_nothing_of_ours_but_itself(tmp_path: Path) -> None:
    names = loaded_by("import pytest, promptetheus.pytest_plugin", tmp_path)
    with_pytest = loaded_by("import pytest", tmp_path)
    assert third_party(names) == third_party(with_pytest)
    ours = {name for name in names if name.startswith("promptetheus")}
    assert ours == {"promptetheus", "promptetheus.pytest_plugin"}


def test_pytest_is_told_of_the_plugin() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"promptetheus": "promptetheus.pytest_plugin"}
