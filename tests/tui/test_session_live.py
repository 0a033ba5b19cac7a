"""The Session view while its session runs: growth, clocks, endings, and files that change under us."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.text import Text

from promptetheus.encoding import encode_line
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.session import log_tail
from promptetheus.tui.session.session_subject import StepOf
from promptetheus.tui.views import Place
from tests.tui.conftest import on_screen
from tests.tui.recorded import NOW, a_failing, a_passing, a_running
from tests.tui.session_recording import SessionRecording, on_session, started


async def test_events_appear_as_they_are_written(spool: Path) -> None:
    run = a_running(spool, "01RUNS")
    async with on_session(run.path) as session:
        for number in range(3):
            run.tool(f"tool{number}", {}, number)
            await session.until_text(f"tool{number}() → {number}")
        assert session.step == "tool tool2", "it follows"


async def test_growth_below_does_not_move_the_cursor_of_a_reader(spool: Path) -> None:
    run = a_running(spool, "01RUNS")
    for number in range(60):
        run.tool(f"tool{number}", {}, number)
    async with on_session(run.path, (120, 20)) as session:
        await session.press("g", "j", "j", "j")
        held, top = session.step, session.timeline.scroll_offset.y
        for number in range(37):
            run.tool(f"late{number}", {}, number)
        await session.until_text("▼ 37 new")
        assert (session.step, session.timeline.scroll_offset.y) == (held, top)
        await session.press("G")
        assert session.step == "tool late36"
        assert "following ●" in session.text


async def test_a_click_on_the_hint_follows(spool: Path) -> None:
    run = a_running(spool, "01RUNS")
    for number in range(30):
        run.tool(f"tool{number}", {}, number)
    async with on_session(run.path, (120, 20)) as session:
        await session.press("g")
        run.tool("late", {}, 1)
        await session.until_text("▼ 1 new")
        y = next(y for y, line in enumerate(session.lines) if "▼ 1 new" in line)
        await session.shown.pilot.click(offset=(session.lines[y].index("▼"), y))
        await session.until(lambda: session.timeline.following)


async def test_a_running_step_shows_its_time_ticking_and_turns_amber_when_it_stalls(spool: Path) -> None:
    run = SessionRecording(spool, "01RUNS").call("slow")
    clock = started(run, 7.2)
    async with on_session(run.path, clock=lambda: clock) as session:
        assert any("● slow()" in line and "7.2s" in line for line in session.lines)
        clock = started(run, 31.0)
        session.timeline.tick()
        await session.until_text("31.0s")
        strip = session.timeline.render_line(session.timeline.cursor)
        styles = [segment.style for segment in strip if "31.0s" in segment.text]
        assert styles and styles[0] is not None
        assert styles[0].color == session.timeline.looks.warned.color


async def test_header_and_page_of_a_running_session_go_by_the_clock_of_its_rows(spool: Path) -> None:
    run = SessionRecording(spool, "01RUNS").call("slow")
    clock = started(run, 7.2)
    async with on_session(run.path, clock=lambda: clock) as session:
        clock = started(run, 31.0)
        await session.until(lambda: "running 31.0s" in session.page, what="the page's clock goes on")
        assert "32.0s" in session.lines[0], "the session began a second before its call"
        assert "step 1 of 1 · 1.00  " in session.text, "nobody knows yet of how long"
        head = session.inspector.lines[0].content
        assert isinstance(head, Text)
        amber = session.timeline.looks.warned
        assert any(
            span.style == amber for span in head.spans if "running" in head.plain[span.start : span.end]
        )
        assert "No result yet: nothing has happened for over" in session.page


async def test_a_step_that_is_not_there_is_said_to_be_missing(spool: Path) -> None:
    path = a_passing(spool, "01PASS").path
    app = PromptetheusApp(spool, clock=lambda: NOW, start=Place("session", StepOf(path, 999)))
    async with on_screen(app) as shown:
        await shown.until_text("There is no step 999: the session has 5 steps.")


async def test_a_long_span_in_which_something_happens_is_not_stalled(spool: Path) -> None:
    run = SessionRecording(spool, "01RUNS").open_span("long")
    for _ in range(60):
        run.user("still there")
    clock = started(run, 1.0)
    async with on_session(run.path, clock=lambda: clock) as session:
        await session.press("g", "j")
        line = next(line for line in session.lines if "● long" in line)
        assert "1m 1s" in line
        strip = session.timeline.render_line(1)
        styles = [segment.style for segment in strip if "1m 1s" in segment.text]
        assert styles and styles[0] is not None
        assert styles[0].color == session.timeline.looks.running.color


async def test_a_result_that_arrives_completes_its_call_and_the_page_that_shows_it(spool: Path) -> None:
    run = SessionRecording(spool, "01RUNS").call("slow")
    async with on_session(run.path) as session:
        assert "No result yet" in session.page
        run.add("tool_result", {"call_id": "open-1", "result": "at last", "error": None})
        await session.until(lambda: "at last" in session.page)
        assert "No result yet." not in session.page


async def test_the_end_of_the_session_is_told_and_ends_following(spool: Path) -> None:
    run = a_running(spool, "01RUNS")
    async with on_session(run.path) as session:
        run.check(False, "wrong day").end()
        await session.until_text("The session ended: ✗ failed goal")
        assert not session.timeline.following
        assert "✗ failed goal" in session.lines[0]


async def test_what_a_session_writes_last_is_followed_too(spool: Path) -> None:
    run = a_running(spool, "01RUNS")
    async with on_session(run.path, (120, 20)) as session:
        for number in range(60):
            run.tool(f"tool{number}", {}, number)
        await session.until(lambda: session.step == "tool tool59")
        run.tool("last", {}, 1).check(False, "wrong day").end()
        await session.until_text("The session ended: ✗ failed goal")
        assert session.step == "end completed"
        assert session.timeline.scroll_offset.y == session.timeline.max_scroll_y


async def test_a_file_that_is_replaced_is_read_again_and_says_so(spool: Path) -> None:
    path = a_failing(spool, "01FAIL").path
    async with on_session(path) as session:
        other = a_passing(spool / "elsewhere", "01FAIL").path
        os.replace(other, path)
        await session.until_text("✓ passed")
        await session.until(lambda: session.timeline.steps.count == 7)
        assert "The file was replaced or cut" in session.text
        await session.press("g", "t")
        assert "Tuesday 3pm" in session.page


async def test_a_file_that_is_cut_is_read_again(spool: Path) -> None:
    path = a_failing(spool, "01FAIL").path
    async with on_session(path) as session:
        first = path.read_bytes().splitlines(keepends=True)[0]
        path.write_bytes(first)
        await session.until(lambda: session.timeline.steps.count == 1)
        assert session.step == "start"


async def test_a_file_that_is_gone_is_said_to_be_and_what_was_read_stays(spool: Path) -> None:
    path = a_failing(spool, "01FAIL").path
    async with on_session(path) as session:
        path.unlink()
        await session.until_text("The file was deleted at ")
        assert "✗ failed goal  ⊘ gone" in session.lines[0], "how it went is still known"
        await session.press("g", "t")
        assert "Wednesday 2pm" in session.page
        a_failing(spool, "01FAIL")
        await session.until(lambda: "deleted" not in session.text and "gone" not in session.text)


async def test_a_running_session_whose_file_is_deleted_is_neither_live_nor_followed(spool: Path) -> None:
    run = a_running(spool, "01RUNS")
    lines = run.path.read_bytes()
    async with on_session(run.path) as session:
        assert "following ●" in session.text
        steps = session.timeline.steps.count
        run.path.unlink()
        await session.until_text("⊘ gone")
        assert not any(word in session.text for word in ("live ●", "following ●", "● running"))
        assert not session.timeline.running and session.timeline.steps.count == steps
        await session.press("F")
        assert "The session cannot be read on" in session.text
        run.path.write_bytes(lines)
        await session.until(lambda: "● running" in session.lines[0] and "gone" not in session.text)
        assert session.timeline.running and session.timeline.steps.count == steps
        await session.until_text("following ●")


async def test_a_reader_stays_where_they_are_when_the_file_comes_back(spool: Path) -> None:
    path = a_failing(spool, "01FAIL").path
    async with on_session(path) as session:
        await session.press("g", "j", "j")
        held, lines = session.step, path.read_bytes()
        path.unlink()
        await session.until_text("⊘ gone")
        path.write_bytes(lines)
        await session.until(lambda: "gone" not in session.text)
        assert session.step == held


async def test_a_file_that_is_cut_to_nothing_shows_nothing_of_what_was_in_it(spool: Path) -> None:
    run = a_running(spool, "01RUNS")
    lines = run.path.read_bytes()
    async with on_session(run.path) as session:
        os.truncate(run.path, 0)
        await session.until_text("The file was cut to nothing at ")
        assert "⊘ emptied" in session.lines[0]
        assert "live ●" not in session.text and "following ●" not in session.text
        await session.until(lambda: not session.inspector.lines)
        assert not session.timeline.row_count()
        assert "›  ›" not in session.lines[0], "whose session it was is not known any more"
        run.path.unlink()
        await session.until_text("There is no such file: it was deleted")
        run.path.write_bytes(lines)
        await session.until(lambda: "● running" in session.lines[0] and "emptied" not in session.text)
        await session.until(lambda: session.timeline.row_count() and session.inspector.lines)


async def test_a_file_that_something_else_took_the_place_of_leaves_what_was_read(spool: Path) -> None:
    path = a_failing(spool, "01FAIL").path
    async with on_session(path) as session:
        path.unlink()
        path.mkdir()
        await session.until_text("a directory, not a file. What was read stays.")
        assert "⊘ unreadable" in session.lines[0]
        await session.press("g", "t")
        assert "Wednesday 2pm" in session.page


async def test_a_full_disk_is_told_while_the_session_runs(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = True
    monkeypatch.setattr(log_tail, "is_disk_full", lambda path: full)
    run = a_running(spool, "01RUNS")
    async with on_session(run.path) as session:
        assert "The disk is full" in session.text
        assert "● running  ⊘ disk full" in session.lines[0] and "following ●" in session.text
        full = False
        run.tool("written again", {}, 1)
        await session.until(lambda: "disk" not in session.text)


async def test_a_session_that_is_not_there_says_so_and_appears_when_it_is_written(spool: Path) -> None:
    spool.mkdir()
    async with on_session(spool / "01LATE.jsonl", wait=False) as session:
        await session.until_text("There is no such file")
        a_passing(spool, "01LATE")
        await session.until_text("✓ passed")


async def test_a_spool_that_is_deleted_ends_nothing(spool: Path) -> None:
    path = a_failing(spool, "01FAIL").path
    async with on_session(path) as session:
        shutil.rmtree(spool)
        await session.until_text("The spool was deleted at ")
        await session.press("j", "k", "v")
        assert session.timeline.row_count()


async def test_a_killed_writer_is_seen_although_its_file_does_not_change(spool: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as writer:
        run = SessionRecording(spool, "01RUNS", pid=writer.pid).call("slow")
        async with on_session(run.path) as session:
            assert "● running" in session.lines[0]
            writer.kill()
            writer.wait()
            await session.until_text("The session ended: ∅ crashed")
            assert "following ●" not in session.text and "live ●" not in session.text


async def test_garbage_and_torn_lines_are_skipped_counted_and_shown(spool: Path) -> None:
    path = a_failing(spool, "01FAIL").path
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], b"\x00\xffgarbage\n", b"[1, 2]\n", *lines[3:], b'{"type":"us']))
    async with on_session(path) as session:
        assert "1 line cut off, 1 unreadable, 1 no event" in session.text
        assert session.timeline.steps.count == 7


async def test_an_event_with_an_earlier_sequence_number_takes_its_place(spool: Path) -> None:
    run = a_running(spool, "01RUNS").user("second")
    async with on_session(run.path) as session:
        late = {
            "type": "user_message",
            "session_id": "01RUNS",
            "timestamp": "2026-01-01T00:00:00Z",
            "seq": 0,
            "idempotency_key": "x",
            "payload": {"content": "the late one"},
        }
        with run.path.open("ab") as file:
            file.write(encode_line(late))
        await session.until_text("the late one")
        assert session.timeline.steps.count == 4


async def test_a_live_filter_takes_in_what_arrives(spool: Path) -> None:
    run = SessionRecording(spool, "01RUNS").user("hello")
    async with on_session(run.path) as session:
        await session.press("slash")
        await session.shown.type("special")
        await session.until_text("0 of 2")
        run.tool("ordinary", {}, 1).tool("special", {}, 2).call("slow")
        await session.until_text("1 of 5")
        assert "special() → 2" in session.text and "ordinary" not in session.text
        run.add("tool_result", {"call_id": "open-6", "result": "special too", "error": None})
        await session.until_text("2 of 5")


async def test_five_thousand_events_at_once_are_shown_without_losing_one(spool: Path) -> None:
    run = a_running(spool, "01RUNS")
    async with on_session(run.path) as session:
        line = run.path.read_bytes().splitlines(keepends=True)[1]
        lines = [line.replace(b'"seq":1,', b'"seq":%d,' % number) for number in range(2, 5_002)]
        with run.path.open("ab") as file:
            file.writelines(lines)
        await session.until(lambda: session.timeline.steps.count == 5_002)
        assert session.timeline.cursor == 5_001


async def test_no_clock_runs_for_a_session_that_has_ended(spool: Path) -> None:
    run = SessionRecording(spool, "01DEAD", pid=4_000_000).call("slow")
    async with on_session(run.path, clock=lambda: NOW + 1_000) as session:
        assert "no end" in session.text
        assert "●" not in session.lines[3]
