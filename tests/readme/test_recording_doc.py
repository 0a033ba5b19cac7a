"""Every example of docs/recording.md runs, and its table of settings is the one in the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from promptetheus.settings import SETTINGS

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "recording.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^## ([^\n]+)|^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """The examples, each with the heading it stands under."""
    heading, found = "", []
    for title, code in EXAMPLES:
        heading = title or heading
        if code:
            found.append((heading, code))
    return found


@pytest.mark.parametrize(("heading", "code"), examples(), ids=[heading for heading, _ in examples()])
def test_the_example_runs_and_warns_of_nothing(heading: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text(code, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-W", "error", "agent.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_there_is_an_example_of_each_thing() -> None:
    assert len(examples()) == 5


def test_the_settings_are_those_there_are() -> None:
    rows = re.findall(r"^\| `(PROMPTETHEUS_\w+)` \| `(\w+)` \|", TEXT, re.MULTILINE)
    assert rows == [(setting.variable, setting.field) for setting in SETTINGS]
