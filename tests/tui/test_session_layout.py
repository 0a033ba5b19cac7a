"""How the Session view looks at several sizes, and that its cost does not grow with the session.

Run with UPDATE_GOLDENS=1 to take the screens as they are now; then look at the difference.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import pytest
from rich.text import Text
from textual.app import App, ComposeResult

from promptetheus.cause.steps import Step, StepKind
from promptetheus.events import Event
from promptetheus.queries.session_log import SessionLog
from promptetheus.tui.session import log_tail
from promptetheus.tui.session.shape import Shape
from promptetheus.tui.session.timeline import Timeline
from tests.tui.conftest import on_screen
from tests.tui.recorded import a_passing
from tests.tui.session_recording import a_browser_run, on_session

GOLDENS = Path(__file__).with_name("golden")


def assert_golden(name: str, lines: list[str]) -> None:
    """The screen is the one that was kept."""
    path = GOLDENS / f"{name}.txt"
    text = "\n".join(lines) + "\n"
    if os.environ.get("UPDATE_GOLDENS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert text == path.read_text(), f"{path.name} differs; UPDATE_GOLDENS=1 takes the new screen"


@pytest.mark.parametrize(
    ("name", "size", "keys"),
    [
        ("session-80x24", (80, 24), ""),
        ("session-120x40", (120, 40), ""),
        ("session-200x50", (200, 50), "gss"),
        ("session-tree-120x40", (120, 40), "v"),
        ("session-waterfall-120x40", (120, 40), "vv"),
        ("session-waterfall-80x24", (80, 24), "vv"),
        ("session-raw-120x40", (120, 40), "vvv"),
        ("session-check-80x24", (80, 24), "c"),
    ],
)
async def test_the_screen_is_as_it_was_approved(
    spool: Path, name: str, size: tuple[int, int], keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_tail, "LOOK_AGAIN_S", 0.05)
    async with on_session(a_browser_run(spool).path, size) as session:
        await session.until(lambda: session.screen.tail.priced)
        await session.press(*keys)
        assert_golden(name, session.lines)


@pytest.mark.parametrize("width", [99, 80, 60, 30])
async def test_where_it_is_narrow_the_inspector_stands_below_the_timeline(spool: Path, width: int) -> None:
    async with on_session(a_browser_run(spool).path, (width, 24)) as session:
        timeline, inspector = session.timeline.region, session.inspector.region
        assert timeline.width == inspector.width == width
        assert timeline.bottom <= inspector.y
        assert timeline.height >= inspector.height
        await session.press("tab")
        assert session.inspector.region.height > session.timeline.region.height, "what is read gets the room"
        assert session.step == "tool send_mail"
        assert any("send_mail" in line for line in session.lines[: session.inspector.region.y])


async def test_where_there_is_room_they_stand_side_by_side(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path, (100, 24)) as session:
        timeline, inspector = session.timeline.region, session.inspector.region
        assert timeline.y == inspector.y and timeline.right <= inspector.x


async def test_any_size_and_any_change_of_size_leaves_the_view_whole(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        for size in ((300, 80), (80, 24), (40, 10), (20, 6), (1, 1), (100, 30)):
            await session.shown.pilot.resize_terminal(*size)
            await session.settled()
            assert session.step == "tool send_mail"
        assert "SMTPError: refused" in session.text


async def test_an_untimed_import_invents_no_times(spool: Path) -> None:
    path = a_passing(spool, "01UNTIMED").path
    lines = path.read_bytes().splitlines(keepends=True)
    lines[0] = lines[0].replace(b'"metadata":{', b'"metadata":{"imported":{"timed":false},', 1)
    path.write_bytes(b"".join(line.replace(b',"latency_ms":640', b"") for line in lines[:-1]))
    async with on_session(path) as session:
        row = next(line for line in session.lines if "search_calendar" in line)
        assert row.split("│")[0].split()[:2] == ["3", "tool"]
        assert not any("0.00" in line for line in session.lines[1:]) and "ms" not in row.split("│")[0]


class LongLog:
    """A session of as many messages as one likes, without a file."""

    def __init__(self, count: int) -> None:
        self.steps = [Step(n, StepKind.AGENT, "", [n], n * 1_000.0) for n in range(count)]
        self.read = 0

    def event(self, number: int) -> Event:
        self.read += 1
        return {"type": "agent_message", "seq": number, "payload": {"content": f"message {number}"}}

    def type_of(self, number: int) -> str:
        return "agent_message"


class LongTimeline(Timeline):
    """Counts what it draws."""

    drawn = 0

    def render_row(self, index: int, width: int, selected: bool) -> Text:
        self.drawn += 1
        return super().render_row(index, width, selected)


async def test_a_hundred_thousand_steps_read_and_draw_no_more_than_the_screen() -> None:
    log = LongLog(100_000)
    timeline = LongTimeline(cast(SessionLog, log))

    class OnlyTimeline(App[None]):
        def compose(self) -> ComposeResult:
            yield timeline

    async with on_screen(OnlyTimeline(), (100, 40)) as shown:
        timeline.focus()
        timeline.begin(log.steps)
        timeline.take(100_000, 100_000)
        await shown.press("G")
        assert "message 99999" in shown.text
        await shown.press("pageup", "g", "pagedown", "pagedown")
        assert "message 60" in shown.text
        assert timeline.drawn <= 5 * 40
        timeline.drawn = 0
        await shown.press("j")
        assert timeline.drawn <= 2, "a move of one row draws two"
        for shape, words in ((Shape.TREE, "message 99999"), (Shape.RAW, '{content: "message 99999"}')):
            timeline.show_shape(shape)
            await shown.press("G")
            assert words in shown.text
        assert timeline.find("error", forward=False) is None
        assert log.read <= 20 * 40, "of all that was not looked at, nothing was read"
