"""Notes and bookmarks: written with a key, seen in lists and in the inspector, found again from the palette."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from promptetheus.notes import NoteKind, Notes, Subject
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.session.session_subject import StepOf
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import a_failing, a_passing

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture
def two(spool: Path) -> None:
    a_failing(spool, "01M8FAILED", ago=60)
    a_passing(spool, "01M8PASSED", ago=90)


async def ready(shown: OnScreen) -> PromptetheusApp:
    await shown.until_text("2 sessions")
    await shown.until_text("live ●")
    assert isinstance(shown.app, PromptetheusApp)
    return shown.app


async def test_a_note_on_a_session_is_seen_in_the_list(sessions_app: MakeApp, two: None, spool: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("n")
        await shown.until_text("A note on session 01M8FAILED")
        await shown.type("the wrong day again")
        await shown.press("enter")
        await shown.until_text("✎ ✗ failed goal")
        (note,) = Notes(spool).about(Subject(session_id="01M8FAILED"))
        assert note.text == "the wrong day again"
        await shown.press("n")
        await shown.until_text("Change: the wrong day again")
        await shown.type("take away")
        await shown.press("enter")
        await shown.until(lambda: not Notes(spool).all(), what="the note is gone")
        await shown.until(lambda: "✎" not in shown.text, what="its mark too")


async def test_a_note_that_could_not_be_written_is_not_lost(
    sessions_app: MakeApp, two: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Notes, "add", full)
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("n")
        await shown.until_text("A note on session 01M8FAILED")
        await shown.type("the wrong day again")
        await shown.press("enter")
        await shown.until_text("The notes could not be written: No space left on device.")
        await shown.until_text("the wrong day again")


async def test_a_note_and_a_bookmark_on_a_step_stand_in_the_inspector(
    sessions_app: MakeApp, two: None, spool: Path
) -> None:
    app = sessions_app()
    async with on_screen(app) as shown:
        await ready(shown)
        await app.go("session", StepOf(spool / "01M8FAILED.jsonl", 2))
        await shown.until(
            lambda: isinstance(app.screen, SessionScreen) and app.screen.loaded, what="the session"
        )
        await shown.press("n")
        await shown.until_text("A note on step 2")
        await shown.type("here it goes wrong")
        await shown.press("enter")
        await shown.until_text("✎ here it goes wrong")
        await shown.press("asterisk")
        await shown.until_text("◈ bookmarked")
        kinds = {note.kind for note in Notes(spool).about(Subject(session_id="01M8FAILED", step=2))}
        assert kinds == {NoteKind.NOTE, NoteKind.BOOKMARK}
        await shown.press("asterisk")
        await shown.until(lambda: "◈" not in shown.text, what="the bookmark is gone")


async def test_notes_are_found_again_from_the_palette(sessions_app: MakeApp, two: None, spool: Path) -> None:
    Notes(spool).add(Subject(session_id="01M8PASSED", step=1), "look\x1b]52;c;eA==\x07 [/b]")
    app = sessions_app()
    async with on_screen(app) as shown:
        await ready(shown)
        await shown.press("ctrl+p")
        await shown.type("notes and bookmarks")
        await shown.press("enter")
        await shown.until_text("step 1 of session 01M8PASSED")
        assert "[/b]" in shown.text and not {"\x1b", "\x07"} & set(shown.text)
        await shown.press("enter")
        await shown.until(lambda: isinstance(app.screen, SessionScreen), what="its session")
        await shown.until_text("✎ look")


async def test_without_anything_highlighted_the_keys_say_so(sessions_app: MakeApp, spool: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("Nothing recorded here yet")
        for key in ("n", "asterisk"):
            await shown.press(key)
            await shown.until_text("Highlight a session or a step first")
