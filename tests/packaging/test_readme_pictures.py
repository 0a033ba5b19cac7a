"""The pictures of the README: made by `python -m benchmarks.looks docs/pictures --readme`."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
NAMES = ("sessions", "session", "diff", "failures")
MOST_BYTES = 150_000

FETCHED = re.compile(r"""@import|@font-face|<script|\bhref=|\bsrc=|url\((?!['"]?#)""")
"""What would make a reader's program load something from elsewhere."""

MACHINE_PATH = re.compile(r"/(?:tmp|root|home|work|var|usr|Users)/")


def picture(name: str) -> str:
    return (REPOSITORY / "docs" / "pictures" / f"{name}.svg").read_text(encoding="utf-8")


def test_the_readme_shows_four_pictures_that_exist() -> None:
    shown = set(re.findall(r'src="([^"]+\.svg)"', (REPOSITORY / "README.md").read_text(encoding="utf-8")))
    assert shown == {f"docs/pictures/{name}.svg" for name in NAMES}
    assert all((REPOSITORY / path).is_file() for path in shown)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_fetches_nothing_and_names_nothing_of_a_machine(name: str) -> None:
    text = picture(name)
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert FETCHED.search(text) is None
    assert MACHINE_PATH.search(text) is None
    assert len(text.encode()) < MOST_BYTES


@pytest.mark.parametrize("bad", ["url(https://x)", '<image href="x"/>', "@font-face {", "url(data:font)"])
def test_something_fetched_would_be_noticed(bad: str) -> None:
    assert FETCHED.search(bad)
    assert FETCHED.search("url(#local)") is None
