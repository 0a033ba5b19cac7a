from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from promptetheus.artifacts import read_artifact
from promptetheus.importers.intake import SpoolUnusableError, import_paths
from promptetheus.importers.placing import DRAFT_PREFIX, remove_leftovers
from promptetheus.importers.recording import Outcome
from promptetheus.process import is_alive
from tests.builders import a_session
from tests.importers.foreign_runs import (
    ClaudeLines,
    bring,
    imported,
    of_type,
    sessions,
    tau_answer,
    tau_call,
    tau_record,
    write_json,
)


def test_a_value_too_large_for_a_line_goes_to_an_artifact(spool: Path, tmp_path: Path) -> None:
    large = "x" * 2_000_000
    record = tau_record(tau_call("look", {}), tau_answer(large, "look"))
    events = imported(spool, write_json(tmp_path / "a.json", [record]))
    (result,) = of_type(events, "tool_result")
    kept = result["payload"]["result"]
    assert kept["truncated"] is True
    assert read_artifact(spool, kept["storage_path"]) == large.encode()


def test_a_system_prompt_too_large_for_a_line_goes_to_an_artifact(spool: Path, tmp_path: Path) -> None:
    record = tau_record()
    record["traj"][0]["content"] = "# Airline policy " + "y" * 2_000_000
    start = imported(spool, write_json(tmp_path / "a.json", [record]))[0]
    assert start["metadata"]["system_prompt"]["truncated"] is True
    assert start["metadata"]["session_metadata"]["task_id"] == 7


def test_a_run_that_fails_half_way_leaves_nothing(
    spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: object) -> None:
        raise OSError(errno.EIO, "input/output error")

    path = write_json(tmp_path / "a.json", [tau_record()])
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", full)
        (report,) = import_paths([path], spool)
    assert report.sessions == []
    assert "input/output error" in report.notes[0]
    assert list(spool.iterdir()) == []
    assert bring(spool, path)[0].outcomes() == {Outcome.IMPORTED: 1}


def test_a_full_disk_ends_the_import(spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    path = write_json(tmp_path / "a.json", [tau_record()])
    with pytest.raises(SpoolUnusableError, match="no space left"):
        list(import_paths([path], spool))
    assert list(spool.iterdir()) == []


def test_a_session_of_another_origin_under_the_same_name_is_left_alone(spool: Path, tmp_path: Path) -> None:
    own = a_session("claude-11111111-aaaa").asks("mine").ends().write(spool)
    before = own.read_bytes()
    path = ClaudeLines().asks("theirs").write(tmp_path / "x.jsonl")
    for outcome in (Outcome.IMPORTED, Outcome.ALREADY_THERE):
        (report,) = import_paths([path], spool)
        assert report.outcomes() == {outcome: 1}
    assert own.read_bytes() == before
    assert len(list(spool.glob("*.jsonl"))) == 2


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b", "x" * 5000, "\ud800", "~", "..", " "])
def test_no_name_of_a_session_leads_out_of_the_spool(spool: Path, tmp_path: Path, name: str) -> None:
    path = ClaudeLines(name).asks("a").write(tmp_path / "in" / "x.jsonl")
    bring(spool, path)
    (session,) = spool.glob("*.jsonl")
    assert session.parent == spool
    assert bring(spool, path)[0].outcomes() == {Outcome.ALREADY_THERE: 1}
    assert sorted(tmp_path.iterdir()) == [tmp_path / "in", spool]


def test_without_hard_links_files_still_get_their_place(
    spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unsupported(source: object, target: object) -> None:
        raise OSError(errno.EPERM, "operation not permitted")

    monkeypatch.setattr(os, "link", unsupported)
    path = write_json(tmp_path / "a.json", [tau_record()])
    assert bring(spool, path)[0].outcomes() == {Outcome.IMPORTED: 1}
    assert bring(spool, path)[0].outcomes() == {Outcome.ALREADY_THERE: 1}


def test_drafts_of_imports_that_died_are_removed_and_those_at_work_are_not(spool: Path) -> None:
    spool.mkdir()
    dead_pid = next(
        pid for pid in range(400_000, 4_000_000) if is_alive(os.uname().nodename, pid, None) is False
    )
    dead = spool / f"{DRAFT_PREFIX}{dead_pid}-00000000.tmp"
    alive = spool / f"{DRAFT_PREFIX}{os.getpid()}-00000000.tmp"
    dead.write_text("x")
    alive.write_text("x")
    assert remove_leftovers(spool) == 1
    assert list(spool.iterdir()) == [alive]


def test_several_imports_at_once_write_each_session_once(spool: Path, tmp_path: Path) -> None:
    write_json(tmp_path / "in" / "a.json", [tau_record(trial=trial) for trial in range(20)])
    lines = ClaudeLines().asks("a").says("b")
    lines.write(tmp_path / "in" / "c.jsonl")
    bring(spool, tmp_path / "in" / "c.jsonl")
    lines.asks("more").says("yes").write(tmp_path / "in" / "c.jsonl")
    counts: list[dict[Outcome, int]] = []

    def work() -> None:
        counts.extend(report.outcomes() for report in import_paths([tmp_path / "in"], spool))

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert len(sessions(spool)) == 21
    assert sum(count.get(Outcome.IMPORTED, 0) for count in counts) == 20
    assert sum(count.get(Outcome.APPENDED, 0) for count in counts) == 1
