"""How the Session view looks at several sizes, and that its cost does not grow with the session.

Run with UPDATE_GOLDENS=1 to take the screens as they are now; then look at the difference.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from promptetheus.encoding import encode_line
from tests.tui.recorded import a_passing
from tests.tui.session_recording import SessionRecording, a_browser_run, on_session

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
        ("session-raw-120x40", (120, 40), "vv"),
        ("session-check-80x24", (80, 24), "c"),
    ],
)
async def test_the_screen_is_as_it_was_approved(
    spool: Path, name: str, size: tuple[int, int], keys: str
) -> None:
    async with on_session(a_browser_run(spool).path, size) as session:
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
        assert "0.00" not in session.text and "ms" not in row.split("│")[0]


async def test_a_hundred_thousand_steps_draw_no_more_than_the_screen(spool: Path) -> None:
    run = SessionRecording(spool, "01HUGE").user("start")
    event: dict[str, Any] = {
        "type": "agent_message",
        "session_id": "01HUGE",
        "timestamp": "2026-09-21T14:13:20Z",
        "idempotency_key": "k",
    }
    with run.path.open("ab") as file:
        file.writelines(
            encode_line({**event, "seq": number, "payload": {"content": f"message {number}"}})
            for number in range(2, 100_000)
        )
    async with on_session(run.path) as session:
        timeline = session.timeline
        assert timeline.steps.count == 100_000
        drawn: list[int] = []
        original = timeline.render_row

        def counted(index: int, width: int, selected: bool) -> Any:
            drawn.append(index)
            return original(index, width, selected)

        timeline.render_row = counted  # type: ignore[method-assign]
        await session.press("G")
        assert "message 99999" in session.text
        assert len(drawn) <= 2 * timeline.size.height
        drawn.clear()
        await session.press("k")
        assert len(drawn) <= 2, "a move of one row draws two"
        drawn.clear()
        await session.press("g", "v", "v", "G")
        assert '{content: "message 99999"}' in session.text
        assert len(drawn) <= 6 * timeline.size.height
