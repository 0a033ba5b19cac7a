from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from promptetheus.process import process_started, this_host
from promptetheus.queries import catalog as catalog_module
from promptetheus.queries import row_reader
from promptetheus.queries.catalog import Catalog
from promptetheus.queries.rows import SessionRow, Status
from tests.builders import START_S, a_failing_booking, a_passing_booking, a_session
from tests.queries.written import append, kill, line, start_agent, write_sealed, written_by


def rows_of(spool: Path) -> list[SessionRow]:
    catalog = Catalog(spool)
    catalog.refresh()
    return catalog.rows()


def row_of(spool: Path) -> SessionRow:
    (row,) = rows_of(spool)
    return row


def test_a_missing_directory_is_an_empty_catalog(spool: Path) -> None:
    catalog = Catalog(spool)
    assert list(catalog.scan()) == []
    assert not catalog.refresh()
    assert catalog.rows() == []
    assert catalog.problems() == []


def test_head_and_tail_say_the_same_as_reading_everything(spool: Path) -> None:
    session = a_failing_booking("a").event(
        "llm_call", {"model": "gpt-4o", "input_tokens": 10, "output_tokens": 2}
    )
    session.event("score", {"name": "helpful", "value": 0.5}).calls("pay", error="503").ends()
    write_sealed(spool, session)
    sealed = row_of(spool)
    session.write(spool)
    whole = row_of(spool)
    for name in SessionRow.__slots__:
        if name not in ("size_bytes", "mtime"):
            assert getattr(sealed, name) == getattr(whole, name), name
    assert sealed.status is Status.FAILED_GOAL
    assert sealed.agent == "calendar-agent"
    assert sealed.goal == "Book Tuesday at 2pm"
    assert sealed.tools == {"search_calendar": 1, "pay": 1}
    assert (sealed.input_tokens, sealed.output_tokens, sealed.tokens) == (10, 2, 12)
    assert sealed.scores == {"helpful": 0.5}
    assert sealed.errors == 1
    assert sealed.started == pytest.approx(START_S + 0.1)
    assert sealed.ended is not None
    assert sealed.duration_ms == pytest.approx((sealed.ended - START_S - 0.1) * 1000)


def test_only_head_and_tail_of_a_sealed_session_are_read(spool: Path) -> None:
    session = a_session("long")
    for _ in range(2000):
        session.says("word " * 50)
    path = write_sealed(spool, session.ends())
    size = path.stat().st_size
    read = 0
    real = os.pread

    def counting(fd: int, length: int, offset: int) -> bytes:
        nonlocal read
        data = real(fd, length, offset)
        read += len(data)
        return data

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "pread", counting)
        assert row_of(spool).events == 2002
    assert read < 20_000 < size


def test_long_first_and_last_lines_are_found(spool: Path) -> None:
    session = a_session("long", goal="g" * 100_000)
    session.says("x")
    session.event("session_end", {"status": "completed", "error": None, "notes": "n" * 100_000})
    write_sealed(spool, session)
    row = row_of(spool)
    assert row.status is Status.COMPLETED
    assert row.events == 3
    assert row.goal == "g" * 10_000  # a list needs no more


def test_a_summary_that_does_not_vouch_for_every_byte_is_not_believed(spool: Path) -> None:
    path = write_sealed(spool, a_passing_booking("a"), spool_bytes=17)
    data = path.read_bytes().replace(b'"failed_checks":0', b'"failed_checks":7')
    path.write_bytes(data)
    assert row_of(spool).status is Status.PASSED


def test_a_line_inserted_before_the_summary_is_counted(spool: Path) -> None:
    path = write_sealed(spool, a_passing_booking("a"))
    *before, last = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(before) + line("a", 90, "goal_check", passed=False) + last)
    assert row_of(spool).status is Status.FAILED_GOAL


@pytest.mark.parametrize(
    ("session", "status"),
    [
        (a_passing_booking("a"), Status.PASSED),
        (a_failing_booking("a"), Status.FAILED_GOAL),
        (a_session("a").says("hi").ends(), Status.COMPLETED),
        (a_session("a").ends("success"), Status.COMPLETED),
        (a_session("a").checks(True).ends("failed"), Status.FAILED),
        (a_session("a").checks(True).ends(error="ValueError: bad"), Status.FAILED),
        (a_session("a").checks(False).ends("failed", error="x"), Status.FAILED_GOAL),
    ],
    ids=lambda value: str(value) if isinstance(value, Status) else "",
)
def test_the_end_and_the_checks_decide_the_status(spool: Path, session: object, status: Status) -> None:
    from tests.builders import SessionBuilder

    assert isinstance(session, SessionBuilder)
    write_sealed(spool, session)
    assert row_of(spool).status is status
    session.write(spool)
    assert row_of(spool).status is status


def test_a_session_whose_writer_lives_is_running(spool: Path) -> None:
    pid = os.getpid()
    written_by(a_session("a").says("hi"), pid, process_started(pid), this_host()).write(spool)
    row = row_of(spool)
    assert row.status is Status.RUNNING
    assert row.ended is None


def test_a_session_whose_writer_is_gone_has_crashed(spool: Path) -> None:
    pid = os.getpid()
    started = process_started(pid)
    assert started is not None
    reused = written_by(a_session("reused").says("hi"), pid, started - 1000, this_host())
    reused.write(spool)
    assert row_of(spool).status is Status.CRASHED


def test_a_writer_that_cannot_be_looked_up_counts_as_running_for_a_minute(spool: Path) -> None:
    path = written_by(a_session("a"), 1, 1.0, "another-host").write(spool)
    assert row_of(spool).status is Status.RUNNING
    old = time.time() - 61
    os.utime(path, (old, old))
    assert row_of(spool).status is Status.CRASHED


def test_events_after_the_end_do_not_reopen_a_session_but_a_second_start_does(spool: Path) -> None:
    session = a_passing_booking("a").says("late")
    session.write(spool)
    assert row_of(spool).status is Status.PASSED
    pid = os.getpid()
    second = written_by(a_session("a"), pid, process_started(pid), this_host())
    append(spool / "a.jsonl", second.lines())
    assert row_of(spool).status is Status.RUNNING


def test_a_file_without_an_event_is_an_empty_session(spool: Path) -> None:
    spool.mkdir()
    (spool / "a.jsonl").touch()
    row = row_of(spool)
    assert (row.status, row.session_id, row.events) == (Status.EMPTY, "a", 0)


def test_a_copied_file_does_not_pass_for_the_session_it_was_copied_from(spool: Path) -> None:
    a_passing_booking("original").write(spool)
    (spool / "copy of it.jsonl").write_bytes((spool / "original.jsonl").read_bytes())
    assert sorted(row.session_id for row in rows_of(spool)) == ["copy of it", "original"]


def test_an_id_that_is_no_file_name_is_kept(spool: Path) -> None:
    a_passing_booking("run 7/8 ✓").write(spool)
    assert row_of(spool).session_id == "run 7/8 ✓"


def test_unchanged_files_are_not_opened_again(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        write_sealed(spool, a_passing_booking(f"s{number}"))
    catalog = Catalog(spool)
    assert len(catalog.refresh().updated) == 5
    opened: list[object] = []
    real = os.open

    def counting(path: str | os.PathLike[str], flags: int, *rest: int, **more: int) -> int:
        if path != spool:
            opened.append(path)
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", counting)
    assert not catalog.refresh()
    assert opened == []
    append(spool / "s3.jsonl", line("s3", 50))
    assert [row.session_id for row in catalog.refresh().updated] == ["s3"]
    assert set(opened) == {"s3.jsonl", str(spool / "s3.jsonl")}


def test_refreshing_named_files_looks_at_those_only(spool: Path) -> None:
    for name in ("a", "b", "c"):
        a_session(name).write(spool)
    catalog = Catalog(spool)
    catalog.refresh()
    append(spool / "a.jsonl", line("a", 1))
    append(spool / "b.jsonl", line("b", 1))
    (spool / "c.jsonl").unlink()
    change = catalog.refresh({spool / "a.jsonl", spool / "c.jsonl", spool / "notes.txt"})
    assert [row.session_id for row in change.updated] == ["a"]
    assert change.removed == ["c"]
    change = catalog.refresh({spool})
    assert [row.session_id for row in change.updated] == ["b"]


def test_a_growing_session_is_read_on_from_where_it_was_left(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid = os.getpid()
    session = written_by(a_session("a"), pid, process_started(pid), this_host())
    for _ in range(1000):
        session.says("word " * 20)
    path = session.write(spool)
    catalog = Catalog(spool)
    catalog.refresh()
    read = 0
    real = os.pread

    def counting(fd: int, length: int, offset: int) -> bytes:
        nonlocal read
        data = real(fd, length, offset)
        read += len(data)
        return data

    monkeypatch.setattr(os, "pread", counting)
    for seq in range(1001, 1011):
        append(path, line("a", seq, "error", message="boom"))
        (row,) = catalog.refresh([path]).updated
        assert (row.events, row.errors) == (seq + 1, seq - 1000)
    assert read < 100_000 < path.stat().st_size


def test_a_running_session_that_is_rewritten_is_read_anew(spool: Path) -> None:
    pid = os.getpid()
    alive = (pid, process_started(pid), this_host())
    path = written_by(a_session("a").says("one").says("two"), *alive).write(spool)
    catalog = Catalog(spool)
    catalog.refresh()
    longer = written_by(a_session("a", agent="other-agent", goal="something else"), *alive)
    for _ in range(20):
        longer.says("three")
    path.write_bytes(longer.lines())  # the same inode, and longer than before
    (row,) = catalog.refresh().updated
    assert (row.agent, row.events) == ("other-agent", 21)


def test_a_refresh_notices_that_a_writer_died_although_its_file_did_not_change(spool: Path) -> None:
    agent = start_agent(
        "session = pt.start(agent='a', user_goal='g', spool_dir=spool, transport='spool').__enter__()\n"
        "session.agent_message('hi')\nprint('ready', flush=True)\nsys.stdin.read()\ntime.sleep(60)",
        spool,
    )
    assert agent.stdout is not None
    assert agent.stdout.readline() == "ready\n"
    catalog = Catalog(spool)
    (row,) = catalog.refresh().updated
    assert (row.status, row.agent, row.events) == (Status.RUNNING, "a", 2)
    kill(agent)
    (row,) = catalog.refresh([]).updated
    assert (row.status, row.events) == (Status.CRASHED, 2)


def test_scan_gives_the_newest_files_first_and_all_of_them(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog_module, "_PATIENCE_S", 3600)
    for number in range(200):
        path = a_session(f"s{number:03}").write(spool)
        os.utime(path, (START_S + number, START_S + number))
    batches = list(Catalog(spool).scan())
    assert len(batches[0]) == 64
    assert [row.session_id for batch in batches for row in batch] == [
        f"s{n:03}" for n in reversed(range(200))
    ]


def test_scan_reads_a_long_unfinished_session_last(spool: Path) -> None:
    long = a_session("long")
    for _ in range(30):
        long.says("word " * 20_000)
    path = long.write(spool)
    sealed = write_sealed(spool, a_session("sealed").says("x" * 3_000_000).ends())
    for number in range(5):
        a_session(f"s{number}").write(spool)
    os.utime(path, (START_S + 10**8, START_S + 10**8))
    os.utime(sealed, (START_S + 10**7, START_S + 10**7))
    order = [row.session_id for batch in Catalog(spool).scan() for row in batch]
    assert order[-1] == "long"
    assert "sealed" in order[:-1]


def test_sessions_deleted_before_a_scan_are_gone_after_it(spool: Path) -> None:
    path = a_session("a").write(spool)
    catalog = Catalog(spool)
    catalog.refresh()
    path.unlink()
    assert list(catalog.scan()) == []
    assert catalog.rows() == []


def test_costs_are_priced_only_where_nobody_recorded_them(spool: Path) -> None:
    call = {"model": "gpt-4o", "input_tokens": 1_000_000, "output_tokens": 0}
    recorded, unknown = a_session("recorded"), a_session("unknown")
    write_sealed(spool, a_session("priced").event("llm_call", call).ends())
    write_sealed(spool, recorded.event("llm_call", {**call, "cost_usd": 9.0}).ends())
    write_sealed(spool, unknown.event("llm_call", {**call, "model": "no-such-model-9"}).ends())
    catalog = Catalog(spool)
    before = {row.session_id: row for row in catalog.refresh().updated}
    assert before["priced"].cost_usd is None
    assert before["priced"].unpriced_calls == 1
    assert [row.session_id for row in catalog.price_rows()] == ["priced"]
    after = {row.session_id: row for row in catalog.rows()}
    assert after["priced"].cost_usd == pytest.approx(2.5, rel=0.5)
    assert after["priced"].unpriced_calls == 0
    assert (after["recorded"].cost_usd, after["recorded"].unpriced_calls) == (9.0, 0)
    assert (after["unknown"].cost_usd, after["unknown"].unpriced_calls) == (None, 1)
    assert not catalog.refresh()


@pytest.mark.parametrize("is_sealed", [True, False])
def test_calls_without_a_cost_are_counted_beside_those_with_one(spool: Path, is_sealed: bool) -> None:
    call = {"model": "gpt-4o", "input_tokens": 1_000_000, "output_tokens": 0}
    session = a_session("mixed")
    for cost in ({"cost_usd": 1.5}, {}, {"cost_usd": 0.5}, {}, {}):
        session.event("llm_call", {**call, **cost})
    write_sealed(spool, session.ends()) if is_sealed else session.write(spool)
    catalog = Catalog(spool)
    catalog.refresh()
    catalog.price_rows()
    [row] = catalog.rows()
    assert (row.cost_usd, row.llm_calls, row.unpriced_calls) == (2.0, 5, 3)


def test_rows_of_real_writers_are_sealed(spool: Path) -> None:
    import promptetheus as pt

    @pt.observe(agent="a", user_goal="g", spool_dir=str(spool), transport="local", tags=["t"])
    def agent() -> None:
        session = pt.current()
        session.llm_call("gpt-4o", input_tokens=3, output_tokens=4)
        session.goal_check(True)

    agent()
    (path,) = spool.glob("*.jsonl")
    reading = row_reader.read_file(path)
    assert isinstance(reading.found, SessionRow)
    assert reading.tally is None
    assert (reading.found.status, reading.found.tokens, reading.found.tags) == (Status.PASSED, 7, ("t",))
