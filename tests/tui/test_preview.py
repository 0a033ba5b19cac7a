"""What the preview of a session says, and what reading it leaves behind."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from promptetheus.cause.narrative import headline
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.session_log import SessionLog
from promptetheus.tui.sessions.preview import PreviewReader
from tests.tui.recorded import Recording, a_broken, a_failing, a_passing

_MADE: dict[str, Callable[[Recording], object]] = {
    "a handled error": lambda run: run.add("error", {"message": "late", "handled": True}).check(True).end(),
    "an error after a handled one": lambda run: (
        run.add("error", {"message": "late", "handled": True}).add("error", {"message": "lost"}).end()
    ),
    "a failed call": lambda run: run.tool("book", {}, error="503").tool("book", {}, "booked").end("failed"),
    "a failed check, then a passed one": lambda run: run.check(False, "Wednesday").check(True).end(),
    "nothing checked": lambda run: run.agent("done").end(),
}


def _preview(path: Path) -> tuple[SessionRow, str]:
    row = SessionLog(path).row()
    preview = PreviewReader().read(row, lambda: False)
    assert preview is not None
    return row, preview.headline


@pytest.mark.parametrize("make", [a_passing, a_failing, a_broken])
def test_the_headline_is_the_one_that_all_events_give(
    spool: Path, make: Callable[[Path, str], Recording]
) -> None:
    path = make(spool, "01MADE").path
    log = SessionLog(path)
    log.poll()
    assert _preview(path)[1] == headline(log.events())


@pytest.mark.parametrize("what", _MADE)
def test_the_headline_is_the_one_that_all_events_give_also_after(what: str, spool: Path) -> None:
    run = Recording(spool, "01MADE").user("Book Tuesday at 2pm")
    _MADE[what](run)
    log = SessionLog(run.path)
    log.poll()
    assert _preview(run.path)[1] == headline(log.events())


def test_a_long_session_is_never_held_as_a_whole(spool: Path) -> None:
    run = Recording(spool, "01LONG")
    for number in range(1_500):
        run.tool("search_calendar", {"day": number}, "free " * 2_000)
    run.check(False, "selected Wednesday").end()
    row = SessionLog(run.path).row()
    reader = PreviewReader()
    tracemalloc.start()
    try:
        preview = reader.read(row, lambda: False)
        held, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert preview is not None and "selected Wednesday" in preview.headline
    assert row.size_bytes > 12 << 20
    assert most < row.size_bytes / 2, "the file is read by and by"
    assert held < 300_000, "an ended session grows no more: its log is given back"
