"""Pairs of sessions to compare, and a Diff view open on them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.diff.screen import DiffScreen
from promptetheus.tui.diff.table import DiffTable
from promptetheus.tui.inspector.page_view import PageView
from promptetheus.tui.views import Place
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import NOW, Recording
from tests.tui.session_recording import SessionRecording

PASSED, FAILED = "01M80Z0PASSED", "01M8110FAILED"


def a_long_run(recording: Recording, day: str, *, extra: bool = False, passed: bool = True) -> Recording:
    """A run whose eighth call differs by its day; with one call more when `extra`."""
    recording.user("Book Tuesday at 2pm").llm()
    for number in range(7):
        recording.tool("look_up", {"page": number}, f"page {number}")
    recording.tool("choose_slot", {"slots": ["Tuesday 2pm", "Wednesday 2pm"]}, f"{day} 2pm")
    if extra:
        recording.tool("warn", {"text": "Timezone changed"}, "ok")
    recording.agent(f"I have booked {day} at 2pm for you.")
    return recording.check(passed, *([] if passed else ["selected Wednesday, not Tuesday"])).end()


def a_pair(spool: Path) -> tuple[Path, Path]:
    """A passing session and a failing one of the same task."""
    one = a_long_run(Recording(spool, PASSED, ago=120), "Tuesday")
    other = a_long_run(Recording(spool, FAILED, ago=60), "Wednesday", extra=True, passed=False)
    return one.path, other.path


def a_pair_with_pictures(spool: Path) -> tuple[Path, Path]:
    """Two runs in a browser whose last page and screenshot differ."""
    paths = []
    for session_id, day, colour, passed in (
        (PASSED, "Tuesday", "#d05030", True),
        (FAILED, "Wednesday", "#3050d0", False),
    ):
        run = SessionRecording(spool, session_id, ago=100)
        run.user("Book Tuesday at 2pm")
        run.add("browser_action", {"action": "click", "target": "#slot", "url": "https://cal.example"})
        run.picture(colour)
        run.add(
            "dom_snapshot",
            {"url": "https://cal.example", "visible_text": f"Booking\nSelected: {day} 2pm\nThank you"},
        )
        run.agent(f"Booked {day} 2pm").check(passed, *([] if passed else ["wrong day"])).end()
        paths.append(run.path)
    return paths[0], paths[1]


class OnDiff:
    """An open Diff view and the hands on its keyboard."""

    def __init__(self, shown: OnScreen) -> None:
        self.shown = shown

    @property
    def screen(self) -> DiffScreen:
        found = next(each for each in reversed(self.shown.app.screen_stack) if isinstance(each, DiffScreen))
        return found

    @property
    def table(self) -> DiffTable:
        return self.screen.table

    @property
    def text(self) -> str:
        return self.shown.text

    @property
    def here(self) -> str:
        """The highlighted line."""
        return next((line for line in self.shown.lines if line.startswith("▌")), "")

    @property
    def details(self) -> str:
        """The pane below, on screen or below it."""
        pane = self.screen.query_one("#diff-details", PageView)
        return "\n".join(getattr(line.content, "plain", "") or line.content.text for line in pane.lines)  # type: ignore[union-attr]

    async def press(self, *keys: str) -> None:
        await self.shown.press(*keys)

    async def ready(self) -> None:
        """Wait until the sessions are compared."""
        await self.shown.until(
            lambda: isinstance(self.shown.app.screen, DiffScreen) and self.screen.compared is not None,
            what="compared",
        )
        await self.shown.pilot.pause()


@asynccontextmanager
async def diff_of(
    spool: Path, *paths: Path, size: tuple[int, int] = (120, 40), **options: Any
) -> AsyncIterator[OnDiff]:
    """A Diff view on these sessions, compared."""
    app = PromptetheusApp(spool, clock=lambda: NOW, start=Place("diff", tuple(paths)), **options)
    async with on_screen(app, size) as shown:
        found = OnDiff(shown)
        await found.ready()
        yield found


MakeApp = Callable[..., PromptetheusApp]
