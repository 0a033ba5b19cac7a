"""Numbers that are missing or given twice."""

from __future__ import annotations

from pathlib import Path

from promptetheus.queries.sequence import Gap
from promptetheus.queries.session_log import SessionLog
from tests.queries.written import append, line


def polled(spool: Path, *seqs: int) -> SessionLog:
    spool.mkdir()
    path = spool / "a.jsonl"
    path.write_bytes(b"".join(line("a", seq) for seq in seqs))
    log = SessionLog(path)
    log.poll()
    return log


def test_a_session_whose_numbers_follow_each_other_has_neither(spool: Path) -> None:
    assert polled(spool, 0, 2, 1, 3).sequence == ((), ())


def test_an_empty_session_has_neither(spool: Path) -> None:
    assert polled(spool).sequence == ((), ())


def test_gaps_say_where_and_how_many(spool: Path) -> None:
    log = polled(spool, 2, 3, 7, 8, 9, 11)
    assert log.sequence.gaps == (Gap(0, 2), Gap(2, 3), Gap(5, 1))
    assert log.sequence.missing == 6


def test_a_number_that_was_given_twice_marks_the_later_event(spool: Path) -> None:
    log = polled(spool, 0, 1, 2, 1, 1, 3)
    assert log.sequence.duplicates == (2, 3)
    assert [log.seq_of(number) for number in log.sequence.duplicates] == [1, 1]


def test_events_without_a_number_are_no_duplicates_and_close_no_gap(spool: Path) -> None:
    log = polled(spool, 0, 1)
    append(log.path, b'{"type":"metric","session_id":"a"}\n' * 2 + line("a", 3))
    log.poll()
    assert log.sequence == ((Gap(4, 1),), ())


def test_what_arrives_late_closes_the_gap(spool: Path) -> None:
    log = polled(spool, 0, 3)
    assert log.sequence.gaps == (Gap(1, 2),)
    append(log.path, line("a", 1) + line("a", 2))
    log.poll()
    assert log.sequence == ((), ())
