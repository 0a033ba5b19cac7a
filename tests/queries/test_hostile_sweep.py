"""One spool with everything that nobody would write on purpose: every reader ends and stays small."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from promptetheus.queries.catalog import Catalog
from promptetheus.queries.checkup import examine
from promptetheus.queries.lines import MAX_LINE_BYTES, may_have_oversized_line
from promptetheus.queries.needle import Needle
from promptetheus.queries.rows import Skipped, Status
from promptetheus.queries.search import search
from promptetheus.queries.session_log import SessionLog
from tests.builders import a_passing_booking, a_session
from tests.queries.written import line, write_sealed

MEMORY_MB = 250


def a_hostile_spool(spool: Path) -> None:
    write_sealed(spool, a_passing_booking("good").says("quince"))
    nested = b"[" * 100_000 + b"]" * 100_000
    for name, data in {
        "torn": line("torn", 0, content="quince") + line("torn", 1)[:40],
        "garbage": b"\xff\xfe\x00quince\n" * 50 + line("garbage", 0, content="quince"),
        "foreign": b'{"type":"user","quince":1}\n[1]\n42\n',
        "deep": b'{"type":"metric","session_id":"deep","payload":{"x":"quince","y":%b}}\n' % nested,
        "latin": line("latin", 0, content="quince").replace(b"quince", b"quince \xe9"),
        "empty": b"",
    }.items():
        (spool / f"{name}.jsonl").write_bytes(data)
    os.mkfifo(spool / "pipe.jsonl")
    (spool / "directory.jsonl").mkdir()
    (spool / "away.jsonl").symlink_to("/etc/passwd")
    (spool / "loop.jsonl").symlink_to("loop.jsonl")
    (spool / "zero.jsonl").symlink_to("/dev/zero")
    for number in range(2000):
        (spool / f"junk-{number}.jsonl").write_bytes(b"quince\n")
    huge(spool / "huge.jsonl", 100)


def huge(path: Path, megabytes: int) -> None:
    """An event whose line has so many megabytes, written without holding it."""
    with path.open("wb") as file:
        file.write(b'{"idempotency_key":"huge:0:0","payload":{"content":"quince')
        for _ in range(megabytes):
            file.write(b"x" * 2**20)
        file.write(
            b'"},"seq":0,"session_id":"huge","timestamp":"2026-11-18T10:00:00Z","type":"agent_message"}\n'
        )


def test_search_finds_what_can_be_read_and_ends(spool: Path) -> None:
    a_hostile_spool(spool)
    found = {hit.session_id for hit in search(Catalog(spool), Needle("quince"))}
    assert found == {"good", "torn", "garbage", "latin"}


def test_doctor_counts_everything_and_ends(spool: Path) -> None:
    a_hostile_spool(spool)
    found = examine(spool)
    assert found.sessions == 6
    assert found.skipped == Skipped(torn=1, garbage=50, oversized=1)
    reasons = {problem.path.stem: problem.reason for problem in found.problems}
    assert len(reasons) == 2000 + 7
    assert reasons["pipe"] == "a named pipe, not a file"
    assert reasons["zero"] == "a symbolic link, not a file"
    assert reasons["foreign"] == "holds no events: 3 foreign"


# VmHWM and not ru_maxrss: the latter begins with what the process that started this one held.
PROGRAM = """
import json, re, sys
from promptetheus.cli import main
code = main(sys.argv[1:])
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1])
print(json.dumps([code, peak // 1024]), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words", [("sessions", "--json"), ("search", "quince", "--json"), ("doctor", "--json")]
)
def test_commands_over_a_hostile_spool_stay_small(spool: Path, words: tuple[str, ...]) -> None:
    a_hostile_spool(spool)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *words, "--spool", str(spool)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert json.loads(done.stdout)
    _code, memory_mb = json.loads(done.stderr.splitlines()[-1])
    assert memory_mb < MEMORY_MB


def test_a_session_of_nothing_but_an_oversized_line_is_listed(spool: Path) -> None:
    spool.mkdir()
    huge(spool / "huge.jsonl", 40)
    (row,) = Catalog(spool).refresh().updated
    assert (row.session_id, row.status, row.events, row.skipped) == (
        "huge",
        Status.EMPTY,
        0,
        Skipped(oversized=1),
    )


def test_a_sealed_session_with_an_oversized_line_is_listed_and_the_line_is_counted(spool: Path) -> None:
    write_sealed(spool, a_session("a").says("x" * (50 * 2**20)).says("b").ends())
    (row,) = Catalog(spool).refresh().updated
    assert (row.session_id, row.status, row.events) == ("a", Status.COMPLETED, 3)
    assert row.skipped == Skipped(oversized=1)


@pytest.mark.parametrize("before", [0, 1, MAX_LINE_BYTES // 2 - 1, MAX_LINE_BYTES // 2])
def test_a_probe_finds_oversized_lines_wherever_they_begin(before: int) -> None:
    data = b"y" * before + b"\n" + b"x" * MAX_LINE_BYTES + b"\nz\n"
    assert may_have_oversized_line(lambda length, offset: data[offset : offset + length], len(data))


def test_a_probe_of_ordinary_lines_reads_next_to_nothing() -> None:
    size = 40 * MAX_LINE_BYTES
    asked: list[int] = []

    def pread(length: int, offset: int) -> bytes:
        asked.append(length)
        return b"line\n" * (length // 5)

    assert not may_have_oversized_line(pread, size)
    assert sum(asked) < size / 500


def test_readers_of_a_file_that_grows_without_end_come_to_an_end(spool: Path) -> None:
    spool.mkdir()
    path = spool / "a.jsonl"
    path.write_bytes(line("a", 0, content="quince"))
    stop = threading.Event()

    def grow() -> None:
        seq = 1
        with path.open("ab") as file:
            while not stop.is_set() and seq < 500_000:
                file.write(b"".join(line("a", number) for number in range(seq, seq + 50)))
                file.flush()
                seq += 50

    writer = threading.Thread(target=grow)
    writer.start()
    try:
        log = SessionLog(path)
        log.poll()
        assert len(log) >= 1
        assert len(list(search(Catalog(spool), Needle("quince")))) == 1
        assert examine(spool).events >= 1
    finally:
        stop.set()
        writer.join()
