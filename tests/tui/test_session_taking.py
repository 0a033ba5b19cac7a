"""Taking something out of a session: the copy menu, pager and editor, files."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pytest

from promptetheus.cause.steps import build_steps
from promptetheus.exporters.markdown_export import session_markdown, step_markdown
from promptetheus.exporters.session_document import session_document
from promptetheus.tui.hand_off import command_for, hand_off
from promptetheus.tui.menu import Menu
from tests.tui.session_recording import OnSession, SessionRecording, a_browser_run, on_session
from tests.tui.test_session_hostile import EVERYTHING, a_hostile_run, what_a_terminal_would_obey
from tests.tui.tmux import needs_tmux, shell_in_tmux, tui_command


async def choose(session: OnSession, words: str) -> None:
    """Pick a line of the menu in front by its words."""
    assert isinstance(session.shown.app.screen, Menu)
    await session.shown.type(words)
    await session.shown.press("enter")
    await session.until(lambda: session.shown.app.screen is session.screen, what="the menu is gone")


async def test_y_asks_what_to_copy_and_enter_takes_what_is_at_hand(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g", "t")
        await session.shown.press("y")
        await session.shown.until_text("The step as Markdown")
        await session.shown.press("enter")
        await session.until(lambda: session.shown.app.clipboard.startswith("**Step 3: tool**"))


@pytest.mark.parametrize(
    ("words", "copied"),
    [
        ("session's id", "01M8113BROWSER"),
        ("SQL", "select * from steps where session_id = '01M8113BROWSER' and step = 3 order by step"),
        ("events as JSON", '"type": "tool_result"'),
        ("file", "01M8113BROWSER.jsonl"),
    ],
)
async def test_the_menu_copies_what_its_line_says(spool: Path, words: str, copied: str) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g", "t")
        await session.shown.press("y")
        await choose(session, words)
        await session.until(lambda: copied in session.shown.app.clipboard, what=copied)


async def test_the_copied_command_opens_the_session_at_the_step(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g", "t")
        await session.shown.press("y")
        await choose(session, "command")
        await session.until(lambda: session.shown.app.clipboard)
        words = shlex.split(session.shown.app.clipboard)
        assert words[:5] == ["promptetheus", "tui", "01M8113BROWSER", "--step", "3"]
        assert words[5:] == ["--spool", str(spool)]


async def test_in_the_inspector_value_and_path_come_first(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g", "t", "enter", *"jjjj")
        await session.shown.press("y")
        await session.shown.until_text("Its JSON path")
        await choose(session, "path")
        await session.until(lambda: session.shown.app.clipboard == "arguments.day")
        await session.shown.press("y", "enter")
        await session.until(lambda: session.shown.app.clipboard == "Tuesday")


async def test_escape_leaves_the_menu_with_nothing_copied(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.shown.press("y", "escape")
        assert session.shown.app.screen is session.screen
        assert session.shown.app.clipboard == ""


async def test_menus_and_what_they_copy_are_harmless(spool: Path) -> None:
    async with on_session(a_hostile_run(spool).path) as session:
        for jump in ("t", "m", "c", "e"):
            await session.press("g", jump, "enter", "j", "j", "j")
            for _ in range(3):
                await session.shown.press("y")
                assert what_a_terminal_would_obey(session.shown.app) == set()
                await session.shown.press("enter")
                await session.shown.pilot.pause()
            clipboard = session.shown.app.clipboard
            assert all(character.isprintable() or character in "\n\t" for character in clipboard)
            await session.press("escape")


# Pager and editor


def test_the_program_is_the_persons_own() -> None:
    assert command_for("pager", {"PAGER": "less -R"}) == ["less", "-R"]
    assert command_for("editor", {"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]
    assert command_for("editor", {"EDITOR": "nano"}) == ["nano"]
    assert command_for("pager", {}) == ["less"]
    assert command_for("editor", {"VISUAL": "", "EDITOR": "'unbalanced"}) == ["vi"]


async def test_without_a_terminal_to_hand_over_it_says_so(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.shown.press("vertical_line")
        await session.shown.until_text("here there is no terminal to hand over")
        await session.shown.press("ctrl+e")
        await session.shown.pilot.pause()
        hand_off(session.shown.app, "pager", EVERYTHING, f"../../{EVERYTHING}")
        await session.shown.pilot.pause()
        assert what_a_terminal_would_obey(session.shown.app) == set()


@needs_tmux
@pytest.mark.parametrize(("key", "variable"), [("|", "PAGER"), ("C-e", "EDITOR")])
def test_pager_and_editor_get_the_step_and_give_the_terminal_back(
    tmp_path: Path, spool: Path, key: str, variable: str
) -> None:
    path = a_browser_run(spool).path
    seen = tmp_path / "seen"
    program = tmp_path / "program"
    program.write_text(
        f'#!/bin/sh\ncat "$1" > {seen}.draft\nmv {seen}.draft {seen}\necho IN FRONT\nread line\n'
    )
    program.chmod(0o755)
    with shell_in_tmux(tmp_path) as terminal:
        terminal.type(f"{variable}={program} {tui_command(str(path))}\n")
        terminal.until_text("send_mail")
        terminal.keys(key)
        terminal.until_text("IN FRONT")
        assert seen.read_text().startswith("**Step 10: tool** (failed)")
        terminal.keys("C-c")
        terminal.until_text("step 10 of")
        terminal.keys("g")
        terminal.until_text("start of")
        terminal.keys("q")
        terminal.until_text("ready>")


# Files


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory the program was started in."""
    place = tmp_path / "elsewhere"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


async def test_x_writes_markdown_json_and_a_picture_of_the_screen(spool: Path, elsewhere: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        for words, name in (("markdown", "md"), ("json", "json"), ("svg", "svg")):
            await session.shown.press("x")
            await choose(session, words)
            await session.shown.until_text(f"Wrote session-01M8113BROWSER.{name}")
    document = json.loads((elsewhere / "session-01M8113BROWSER.json").read_text())
    assert document["session_id"] == "01M8113BROWSER" and document["summary"]["count"] == 21
    text = (elsewhere / "session-01M8113BROWSER.md").read_text()
    assert text.startswith("# Session 01M8113BROWSER\n\nFailed its goal: selected Wednesday")
    assert "**Step 10: tool** (failed)" in text
    assert "<svg" in (elsewhere / "session-01M8113BROWSER.svg").read_text()


async def test_x_leaves_a_file_alone_that_is_there_and_numbers_the_next(spool: Path, elsewhere: Path) -> None:
    (elsewhere / "session-01M8113BROWSER.md").write_text("mine")
    async with on_session(a_browser_run(spool).path) as session:
        for name in ("session-01M8113BROWSER-2.md", "session-01M8113BROWSER-3.md"):
            await session.shown.press("x")
            await choose(session, "markdown")
            await session.shown.until_text(f"Wrote {name}")
            assert (elsewhere / name).read_text().startswith("# Session")
    assert (elsewhere / "session-01M8113BROWSER.md").read_text() == "mine"


async def test_x_where_nothing_can_be_written_says_why(
    spool: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    async with on_session(a_browser_run(spool).path) as session:
        monkeypatch.setattr(Path, "open", refuse)
        await session.shown.press("x")
        await choose(session, "json")
        await session.shown.until_text("could not be written")


async def test_the_name_of_the_file_is_harmless_whatever_the_session_is_called(
    spool: Path, elsewhere: Path
) -> None:
    run = SessionRecording(spool, "../../ev il\x1b[2J").user("hi").end()
    async with on_session(run.path) as session:
        await session.shown.press("x")
        await choose(session, "markdown")
        await session.shown.until_text("Wrote session-")
    (name,) = os.listdir(elsewhere)
    assert all(character.isalnum() or character in "-." for character in name)


def test_a_fence_in_a_value_does_not_end_the_fence_around_it(spool: Path) -> None:
    run = SessionRecording(spool, "01FENCE").tool("say", {"text": "```\n# not a heading"}, "````").end()
    events = [json.loads(line) for line in run.path.read_text().splitlines()]
    text = session_markdown("01FENCE", events)
    assert "`````" in text
    step = build_steps(events)[1]
    assert "# not a heading" in step_markdown(step, [events[number] for number in step.events], "say(…)")


def test_an_exported_document_counts_what_it_holds() -> None:
    document = session_document("01X", [{"type": "a"}, {"type": "a"}, {"type": 5}])
    assert document["summary"] == {"count": 3, "types": {"a": 2, "5": 1}}
