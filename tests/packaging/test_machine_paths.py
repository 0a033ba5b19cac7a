"""The repository works wherever it lies: no file names a place of the machine it was written on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.packaging.source_tree import ROOT

NOT_OURS = {"build", "dist", "__pycache__"}
OURS_HIDDEN = {".ci", ".gitignore"}
MACHINE_PATH = re.compile(r"(?<![\w~.:/-])/" + r"(?:work|tmp|root)(?=/|\b)")


def text_files() -> Iterator[Path]:
    for path in sorted(ROOT.rglob("*")):
        inner = path.relative_to(ROOT).parts
        if path.is_file() and not any(map(_is_not_ours, inner)):
            yield path


def _is_not_ours(part: str) -> bool:
    return part in NOT_OURS or part.endswith(".egg-info") or (part[0] == "." and part not in OURS_HIDDEN)


def test_no_file_names_a_path_of_one_machine() -> None:
    named = []
    for path in text_files():
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), 1):
            if MACHINE_PATH.search(line):
                named.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert named == []


def test_the_pattern_finds_a_path_and_leaves_addresses_alone() -> None:
    assert MACHINE_PATH.search("see " + "/wo" + "rk/main")
    assert MACHINE_PATH.search('"' + "/tm" + 'p"')
    for address in ("https://example.org/%s/x", "~/%s", "a/%s/b", "/%sing"):
        assert not MACHINE_PATH.search(address % "work")
