"""What pyproject.toml says about the packages is what the tree has."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.packaging.source_tree import PACKAGE_FOLDERS, ROOT, modules


@pytest.fixture(scope="module")
def pyproject() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_folder_with_python_files_is_a_listed_package(pyproject: dict[str, Any]) -> None:
    """One that is missing works in an editable install and is absent from the wheel."""
    on_disk = set()
    for folder, package in PACKAGE_FOLDERS.items():
        for path in (ROOT / folder).rglob("*.py"):
            inner = path.parent.relative_to(ROOT / folder).parts
            on_disk.add(".".join((package, *inner)))
    assert set(pyproject["tool"]["setuptools"]["packages"]) == on_disk


def test_every_package_has_an_init_file(pyproject: dict[str, Any]) -> None:
    missing = [name for name in pyproject["tool"]["setuptools"]["packages"] if name not in modules()]
    assert missing == []


def test_the_view_of_a_module_is_seen_from_its_folder() -> None:
    """One folder a view, and nothing deeper: somebody new finds a module by what is on the screen."""
    deeper = [path for path in (ROOT / "tui").glob("*/*/*") if path.parent.name != "__pycache__"]
    assert deeper == []


def test_every_data_file_in_the_package_is_named_in_the_package_data(pyproject: dict[str, Any]) -> None:
    declared = pyproject["tool"]["setuptools"]["package-data"]
    lost = []
    for folder, package in PACKAGE_FOLDERS.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_dir() or path.suffix in (".py", ".pyc"):
                continue
            owner = ".".join((package, *path.parent.relative_to(ROOT / folder).parts))
            if not any(path.match(pattern) for pattern in declared.get(owner, [])):
                lost.append(str(path.relative_to(ROOT)))
    assert lost == []


def test_the_version_is_the_same_everywhere(pyproject: dict[str, Any]) -> None:
    import promptetheus

    assert promptetheus.__version__ == pyproject["project"]["version"]
    assert pyproject["project"]["version"] in (ROOT / "CHANGELOG.md").read_text()


@pytest.mark.parametrize("name", ["queries", "tui", "tests"])
def test_the_folders_at_the_root_are_no_modules_of_their_own(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", f"import {name}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert f"No module named '{name}'" in done.stderr


def test_modules_of_the_user_with_the_same_names_do_not_clash_with_ours(tmp_path: Path) -> None:
    for name in ("queries", "tui"):
        (tmp_path / f"{name}.py").write_text("owner = 'the user'\n")
    code = (
        "import queries, tui, promptetheus.queries, promptetheus.tui\n"
        "assert queries.owner == tui.owner == 'the user'\n"
        "assert promptetheus.queries is not queries and not hasattr(promptetheus.queries, 'owner')\n"
        "assert promptetheus.tui is not tui and not hasattr(promptetheus.tui, 'owner')\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
