"""docs/pytest.md does what it says: its files are written, its commands run, and print what is shown there."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

from tests.packaging.source_tree import ROOT
from tests.pytest_plugin.conftest import Project

PAGE = ROOT / "docs" / "pytest.md"
MASKS = (
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b"), "ULID"),
    (re.compile(r"\bin \d+\.\d\ds"), "in N"),
)
"""What differs from run to run."""


def masked(text: str) -> str:
    for pattern, placeholder in MASKS:
        text = pattern.sub(placeholder, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def tidy(said: str) -> str:
    """What a command printed, to stand in the page: the ids and times of another run."""
    return masked(said).replace("ULID", "01M8262D3QX6V0Z3JH5T9WKNE4").replace("in N", "in 0.05s")


def played(project: Project, page: str) -> list[tuple[str, str, str]]:
    """Every command of the page with what is shown and what it printed, the files before it being written."""
    found = []
    for language, text in re.findall(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        if language == "python":
            name = re.match(r"# (\w+\.py)\n", text)
            assert name is not None, "a Python block begins with the name of its file"
            (project.root / name[1]).write_text(text.partition("\n")[2])
            continue
        assert language == "console"
        command, _, shown = text.partition("\n")
        assert command.startswith("$ pytest ")
        done = project.run(*shlex.split(command.removeprefix("$ pytest ")))
        assert done.err == ""
        found.append((command, shown, done.out))
    return found


def test_the_examples_print_what_the_page_shows(project: Project, tmp_path: Path) -> None:
    results = played(project, PAGE.read_text())
    assert len(results) >= 4
    for command, shown, said in results:
        assert masked(said) == masked(shown), command


if __name__ == "__main__":
    # Writes what the commands print here into the page.
    import tempfile

    page = PAGE.read_text()
    with tempfile.TemporaryDirectory() as folder:
        for command, shown, said in played(Project(Path(folder)), page):
            page = page.replace(f"{command}\n{shown}", f"{command}\n{tidy(said)}\n", 1)
    sys.stdout.write(page)
