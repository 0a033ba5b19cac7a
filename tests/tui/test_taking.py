"""What is highlighted goes to the person's own programs from every view, and lists go into files as the commands
print them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptetheus.cli import main
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.menu import Menu
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import NOW
from tests.tui.scenes import SCENES


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, str]]:
    """Program, text and name of what would have been shown: here there is no terminal to hand over."""
    found: list[tuple[str, str, str]] = []
    monkeypatch.setattr(
        "promptetheus.tui.taking.hand_off",
        lambda _app, program, text, name: found.append((program, text, name)),
    )
    return found


@pytest.mark.parametrize(
    ("view", "name", "words"),
    [
        ("session", "step-2.md", "**Step 2"),
        ("diff", ".txt", "left: "),
        ("failures", "failure-", "- newest sessions: `"),
        ("suspects", "suspect.md", "- **"),
        ("SQL", "twice.json", "2"),
        ("full screen", "", ""),
        ("inspector", "", ""),
        ("diff value", "", ""),
    ],
)
async def test_what_is_highlighted_goes_to_pager_and_editor(
    spool: Path, handed: list[tuple[str, str, str]], view: str, name: str, words: str
) -> None:
    scene = SCENES[view]
    scene.record(spool)
    async with on_screen(PromptetheusApp(spool, clock=lambda: NOW, start=scene.start(spool))) as shown:
        await scene.go(shown)
        await shown.press("vertical_line", "ctrl+e")
        await shown.until(lambda: len(handed) == 2, what="both were handed over")
    assert [program for program, _, _ in handed] == ["pager", "editor"]
    assert handed[0][1:] == handed[1][1:] and handed[0][1]
    assert words in handed[0][1] and name in handed[0][2]


async def in_a_pane(shown: OnScreen) -> None:
    await SCENES["failures"].go(shown)
    await shown.press("tab", "j")


async def test_in_the_pane_below_a_list_it_is_the_value_under_the_cursor(
    spool: Path, handed: list[tuple[str, str, str]]
) -> None:
    SCENES["failures"].record(spool)
    async with on_screen(PromptetheusApp(spool, clock=lambda: NOW)) as shown:
        await in_a_pane(shown)
        await shown.press("vertical_line")
        await shown.until(lambda: handed, what="it was handed over")
    assert len(handed[0][1].splitlines()) == 1 and handed[0][2].endswith(".txt")


async def written(spool: Path, view: str, form: str) -> Path:
    """The file that `x` writes in the working directory."""
    scene, before = SCENES[view], set(Path.cwd().iterdir())
    async with on_screen(PromptetheusApp(spool, clock=lambda: NOW, start=scene.start(spool))) as shown:
        await scene.go(shown)
        await shown.press("x")
        await shown.until(lambda: isinstance(shown.app.screen, Menu), what="the forms")
        await shown.type(form)
        await shown.press("enter")
        await shown.until_text("Wrote ")
    (path,) = set(Path.cwd().iterdir()) - before
    return path


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


async def test_failures_are_written_as_the_command_prints_them(
    spool: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SCENES["failures"].record(spool)
    path = await written(spool, "failures", "json")
    assert main(["failures", "--spool", str(spool), "--json"]) == 0
    assert json.loads(path.read_text()) == json.loads(capsys.readouterr().out)


async def test_suspects_are_written_as_the_command_prints_them(
    spool: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    SCENES["suspects"].record(spool)
    path = await written(spool, "suspects", "json")
    fingerprint = path.stem.removeprefix("suspects-")
    main(["suspects", "--fingerprint", fingerprint, "--limit", "all", "--spool", str(spool), "--json"])
    assert json.loads(path.read_text()) == json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(("view", "heading"), [("failures", "# Failures in `"), ("suspects", "# Suspects")])
async def test_lists_are_written_as_markdown_that_nothing_recorded_can_break(
    spool: Path, here: Path, view: str, heading: str
) -> None:
    SCENES[view].record(spool)
    text = (await written(spool, view, "markdown")).read_text()
    assert text.startswith(heading) and "`" in text and text.isprintable() is False
    assert all(line.isprintable() for line in text.splitlines())
