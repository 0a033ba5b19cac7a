"""A screenshot that somebody asked for is on screen, however small that is."""

from __future__ import annotations

from pathlib import Path

from promptetheus.tui.inspector.inspector import Inspector
from promptetheus.tui.pictures.picture_block import PictureBlock
from tests.tui.session_recording import on_session
from tests.tui.test_film import three_clicks


async def test_a_picture_that_was_jumped_to_is_in_sight_on_a_small_screen(spool: Path) -> None:
    async with on_session(three_clicks(spool).path, (80, 24)) as session:
        inspector, steps = session.inspector, session.timeline.size.height
        await session.press("g", "s", "s")
        assert _picture_rows_in_sight(inspector) >= 8
        assert session.timeline.size.height < steps, "the steps make room"
        await session.press("b")
        assert "before   b after" in session.page
        assert _picture_rows_in_sight(inspector) >= 8
        await session.press("down")
        assert session.timeline.size.height == steps, "and have it back on another step"


async def test_b_waits_for_the_page_that_is_on_its_way(spool: Path) -> None:
    async with on_session(three_clicks(spool).path) as session:
        await session.press("g")
        await session.shown.pilot.press("s", "s", "b")
        await session.until(lambda: "before   b after" in session.page)


def _picture_rows_in_sight(inspector: Inspector) -> int:
    """How many rows of a picture the pane shows; 0 unless it is all of it."""
    rows = [place for place, line in enumerate(inspector.lines) if isinstance(line.opens, PictureBlock)]
    first = int(inspector.scroll_offset.y)
    seen = [row for row in rows if first <= row < first + inspector.size.height]
    return len(seen) if seen == rows else 0
