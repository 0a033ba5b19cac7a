"""The wheel that people install, built the way a release is: from the sdist, away from the working tree."""

from __future__ import annotations

import importlib.metadata
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.packaging.source_tree import PACKAGE_FOLDERS, ROOT

LEFT_OUT = shutil.ignore_patterns(
    ".*", "__pycache__", "build", "dist", "*.egg-info", "tests", "benchmarks", "examples"
)
OLDEST_SETUPTOOLS = 80


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = _setuptools_version()
    if found < OLDEST_SETUPTOOLS:
        pytest.skip(f"to build without network needs setuptools {OLDEST_SETUPTOOLS}, here: {found or 'none'}")
    room = tmp_path_factory.mktemp("build")
    shutil.copytree(ROOT, room / "tree", ignore=LEFT_OUT)
    sdist = _build("sdist", room / "tree", room / "sdists")
    with tarfile.open(sdist) as archive:
        archive.extractall(room / "unpacked", filter="data")
    [source] = (room / "unpacked").iterdir()
    return _build("wheel", source, room / "wheels")


def _setuptools_version() -> int:
    try:
        return int(importlib.metadata.version("setuptools").split(".")[0])
    except importlib.metadata.PackageNotFoundError:
        return 0


def _build(what: str, source: Path, target: Path) -> Path:
    code = f"from setuptools import build_meta; print(build_meta.build_{what}({str(target)!r}))"
    target.mkdir()
    subprocess.run([sys.executable, "-c", code], cwd=source, check=True, capture_output=True)
    [built] = target.iterdir()
    return built


def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel: Path) -> None:
    expected = set()
    for folder, package in PACKAGE_FOLDERS.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and path.suffix != ".pyc":
                expected.add(f"{package.replace('.', '/')}/{path.relative_to(ROOT / folder).as_posix()}")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert names == expected


def test_the_wheel_holds_the_styles_the_sql_and_the_type_marker(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert "promptetheus/py.typed" in names
    assert [name for name in names if name.startswith("promptetheus/queries/") and name.endswith(".sql")]
    assert [name for name in names if name.startswith("promptetheus/tui/") and name.endswith(".tcss")]


def test_the_wheel_has_one_top_level_name_one_command_and_one_pytest_plugin(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"promptetheus"}
    [entries] = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
    assert archive.read(entries).decode().split() == [
        "[console_scripts]", "promptetheus", "=", "promptetheus.cli:main",
        "[pytest11]", "promptetheus", "=", "promptetheus.pytest_plugin",
    ]  # fmt: skip


def test_what_is_in_the_wheel_imports_without_the_repository(wheel: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    code = (
        f"import sys; sys.path.insert(0, {str(site)!r})\n"
        # The editable install of the repository finds modules by a hook of its own; here it must not help.
        "sys.meta_path[:] = [f for f in sys.meta_path if 'editable' not in getattr(f, '__module__', '')]\n"
        "import promptetheus, promptetheus.queries, promptetheus.tui, promptetheus.cli\n"
        f"assert promptetheus.queries.__file__.startswith({str(site)!r}), promptetheus.queries.__file__\n"
        f"assert promptetheus.tui.__file__.startswith({str(site)!r}), promptetheus.tui.__file__\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
