"""What the catalog keeps between processes: a shortcut, never a source."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from promptetheus.queries import catalog as catalog_module
from promptetheus.queries import catalog_cache
from promptetheus.queries.catalog import Catalog
from promptetheus.queries.catalog_cache import CatalogCache, cache_path, inspect
from promptetheus.queries.rows import SessionRow, Status
from tests.builders import a_failing_booking, a_passing_booking, a_session
from tests.queries.written import append, line, write_sealed, written_by


@pytest.fixture(autouse=True)
def every_session_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "_WORTH_BYTES", 1)


def unpriced(row: SessionRow) -> SessionRow:
    return row


def read(spool: Path) -> Catalog:
    catalog = Catalog(spool)
    list(catalog.scan())
    catalog.wait_until_kept()
    return catalog


def opened_by(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Session files that a scan opens."""
    opened: list[str] = []
    real = os.open

    def noting(path: str, flags: int, *rest: int, **more: int) -> int:
        if str(path).endswith(".jsonl"):
            opened.append(os.path.basename(path))
        return real(path, flags, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", noting)
        list(catalog.scan())
    return opened


def a_spool(spool: Path) -> Path:
    write_sealed(spool, a_failing_booking("failed"))
    write_sealed(spool, a_passing_booking("passed"))
    write_sealed(spool, a_passing_booking("run 7/8 ✓"))
    crashed = written_by(a_session("crashed").says("hi").calls("pay", error="503"), 1, 1.0, "another-host")
    old = time.time() - 3600
    os.utime(crashed.write(spool), (old, old))
    return spool


def test_a_second_process_reads_the_cache_and_no_session_file(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read(a_spool(spool)).rows()
    catalog = Catalog(spool)
    assert opened_by(catalog, monkeypatch) == []
    assert catalog.rows() == before
    assert {row.session_id: row.status for row in before} == {
        "failed": Status.FAILED_GOAL,
        "passed": Status.PASSED,
        "run 7/8 ✓": Status.PASSED,
        "crashed": Status.CRASHED,
    }


def test_rows_out_of_the_cache_have_every_field(spool: Path) -> None:
    plain = Catalog(a_spool(spool), cached=False)
    list(plain.scan())
    read(spool)
    cached = {row.session_id: row for row in read(spool).rows()}
    for row in plain.rows():
        for name in SessionRow.__slots__:
            assert getattr(cached[row.session_id], name) == getattr(row, name), name


def test_a_file_that_changed_is_read_again(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(a_spool(spool))
    append(spool / "passed.jsonl", line("passed", 50, "goal_check", passed=False))
    catalog = Catalog(spool)
    assert opened_by(catalog, monkeypatch) != []
    row = catalog.row("passed")
    assert row is not None
    assert row.status is Status.FAILED_GOAL


def test_a_file_of_the_same_size_and_time_but_another_inode_is_read_again(spool: Path) -> None:
    path = write_sealed(spool, a_passing_booking("a"))
    read(spool)
    found = path.stat()
    other = spool / "other"
    other.write_bytes(path.read_bytes().replace(b'"agent":"calendar-agent"', b'"agent":"calendar-tiger"'))
    os.utime(other, ns=(found.st_atime_ns, found.st_mtime_ns))
    os.replace(other, path)
    assert path.stat().st_size == found.st_size
    (row,) = read(spool).rows()
    assert row.agent == "calendar-tiger"


def test_a_running_session_is_not_kept(spool: Path) -> None:
    write_sealed(spool, a_passing_booking("done"))
    written_by(a_session("running"), 1, 1.0, "another-host").write(spool)
    read(spool)
    path = cache_path(spool)
    assert path is not None
    assert set(CatalogCache(path, unpriced).stamps) == {"done.jsonl"}


@pytest.mark.parametrize("damage", ["cut", "emptied", "flipped", "another version", "noise"])
def test_a_damaged_cache_is_not_believed_and_written_anew(spool: Path, damage: str) -> None:
    before = read(a_spool(spool)).rows()
    path = cache_path(spool)
    assert path is not None
    data = path.read_bytes()
    middle = len(catalog_cache._MAGIC) + 60
    broken = {
        "cut": data[:-10],
        "emptied": b"",
        "flipped": data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :],
        "another version": re.sub(rb"catalog \d+", b"catalog 0", data),
        "noise": os.urandom(5000),
    }
    path.write_bytes(broken[damage])
    assert inspect(spool).problem
    assert read(spool).rows() == before
    assert not inspect(spool).problem
    assert inspect(spool).sessions == 4


def test_where_a_digest_is_damaged_the_session_file_is_read(spool: Path) -> None:
    write_sealed(spool, a_failing_booking("a"))
    read(spool)
    path = cache_path(spool)
    assert path is not None
    data = path.read_bytes()
    path.write_bytes(data.replace(b"Book Tuesday", b"Cook Tuesday"))
    assert not inspect(spool).problem
    (row,) = read(spool).rows()
    assert row.goal == "Book Tuesday at 2pm"


def test_where_nothing_can_be_written_lists_work_without(spool: Path, tmp_path: Path) -> None:
    write_sealed(spool, a_passing_booking("a"))
    (tmp_path / "cache").write_text("a file is in the way")
    catalog = read(spool)
    assert len(catalog.rows()) == 1
    assert len(catalog.refresh([spool]).updated) == 0


def test_a_link_in_place_of_the_cache_directory_is_not_followed(spool: Path, tmp_path: Path) -> None:
    write_sealed(spool, a_passing_booking("a"))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "cache").symlink_to(tmp_path / "elsewhere")
    assert len(read(spool).rows()) == 1
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_directory_that_is_not_called_spool_gets_no_cache_beside_it(tmp_path: Path) -> None:
    write_sealed(tmp_path / "runs", a_passing_booking("a"))
    read(tmp_path / "runs")
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]
    assert inspect(tmp_path / "runs").path is None


def test_the_cache_is_private_and_alone(spool: Path) -> None:
    read(a_spool(spool))
    path = cache_path(spool)
    assert path is not None
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_few_sessions_are_read_faster_than_a_cache_is_written(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    read(a_spool(spool))
    path = cache_path(spool)
    assert path is not None
    assert not path.exists()


def test_the_cache_is_bounded_and_keeps_the_newest(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        path = write_sealed(spool, a_passing_booking(f"s{number:02}"))
        os.utime(path, (number, number))
    monkeypatch.setattr(catalog_cache, "MAX_CACHE_BYTES", 12_000)
    read(spool)
    where = cache_path(spool)
    assert where is not None
    kept = set(CatalogCache(where, unpriced).stamps)
    assert 3 < len(kept) < 20
    assert "s19.jsonl" in kept
    assert "s00.jsonl" not in kept
    assert where.stat().st_size <= 12_000
    assert len(read(spool).rows()) == 20


def test_drafts_of_killed_processes_are_removed(spool: Path) -> None:
    path = cache_path(spool)
    assert path is not None
    path.parent.mkdir()
    old, new = path.parent / "x.old.draft", path.parent / "x.new.draft"
    old.touch()
    new.touch()
    os.utime(old, (1, 1))
    read(a_spool(spool))
    assert not old.exists()
    assert new.exists()


def test_many_processes_read_and_write_one_cache(spool: Path) -> None:
    """Each sees all sessions, whoever wrote the cache last."""
    for number in range(30):
        write_sealed(spool, a_passing_booking(f"s{number:02}"))
    code = (
        "import sys\nfrom pathlib import Path\nfrom promptetheus.queries import catalog\n"
        "catalog._WORTH_BYTES = 1\n"
        "for turn in range(20):\n"
        "    found = catalog.Catalog(Path(sys.argv[1]))\n"
        "    found._uncached_bytes = 10\n"  # writes although it read nothing new
        "    list(found.scan())\n"
        "    found.wait_until_kept()\n"
        "    assert [row.goal for row in found.rows()] == ['Book Tuesday at 2pm'] * 30\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, str(spool)]) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert inspect(spool).sessions == 30


def test_a_crashed_session_is_counted_once(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = a_session("crashed")
    for _ in range(500):
        session.says("word " * 20)
    path = written_by(session.calls("pay", error="503"), 1, 1.0, "another-host").write(spool)
    old = time.time() - 3600
    os.utime(path, (old, old))
    (before,) = read(spool).rows()
    catalog = Catalog(spool)
    assert opened_by(catalog, monkeypatch) == []
    (row,) = catalog.rows()
    assert (row.status, row.events, row.errors) == (Status.CRASHED, 503, 1)
    assert row == before


def test_a_session_whose_file_is_gone_is_gone(spool: Path) -> None:
    read(a_spool(spool))
    (spool / "passed.jsonl").unlink()
    assert "passed" not in {row.session_id for row in read(spool).rows()}


def test_a_row_is_worked_out_when_somebody_asks(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read(a_spool(spool))
    catalog = Catalog(spool)
    list(catalog.scan())
    reads: list[int] = []
    real = os.pread

    def noting(fd: int, length: int, offset: int) -> bytes:
        reads.append(length)
        return real(fd, length, offset)

    monkeypatch.setattr(os, "pread", noting)
    rows = catalog.rows()
    assert [row.status for row in rows] and reads == []
    assert rows[0].goal
    assert len(reads) == 1
    assert rows[0].tools is rows[0].tools
    assert len(reads) == 1
    with pytest.raises(AttributeError, match="no_such_field"):
        _ = rows[0].no_such_field  # type: ignore[attr-defined]


def test_what_was_given_out_before_the_scan_is_given_out_again_by_it(spool: Path) -> None:
    read(a_spool(spool))
    catalog = Catalog(spool)
    first = catalog.glance(2)
    assert len(first) == 2
    scanned = {row.session_id: row for batch in catalog.scan() for row in batch}
    assert all(scanned[row.session_id] is row for row in first)
    assert len(scanned) == 4


def test_a_glance_at_a_few_says_the_same_of_them_as_a_look_at_all(spool: Path) -> None:
    read(a_spool(spool))
    newest = Catalog(spool).glance(1)
    everything = [row for batch in Catalog(spool).scan() for row in batch]
    assert [row for row in everything if row.session_id == newest[0].session_id] == newest
    assert Catalog(spool).glance(100) == [row for row in everything if row.status is not Status.RUNNING]


def test_a_file_that_changed_since_is_not_glanced_at(spool: Path) -> None:
    read(a_spool(spool))
    append(spool / "passed.jsonl", line("passed", 99))
    assert "passed" not in {row.session_id for row in Catalog(spool).glance(10)}
