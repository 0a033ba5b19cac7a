"""The spool stays below its cap; what matters most stays longest."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus import retention
from promptetheus.retention import Pruned, prune, state
from promptetheus.settings import Config, override_config
from tests.sdk.spooled import a_session

PAD = "x" * 2_000


def record(spool: Path, name: str, age_s: float, **kwargs: Any) -> Path:
    """A session of about 2.8 kB that ended `age_s` seconds ago."""
    with a_session(spool, session_id=name) as session:
        session.user_message(PAD)
        session.goal_check(kwargs.get("passed", True))
        if "picture" in kwargs:
            session.screenshot(kwargs["picture"])
    path = spool / f"{name}.jsonl"
    then = path.stat().st_mtime - age_s
    os.utime(path, (then, then))
    return path


def names(spool: Path) -> set[str]:
    return {path.stem for path in spool.glob("*.jsonl")}


def test_passed_sessions_go_before_failed_ones_and_old_before_new(spool: Path) -> None:
    record(spool, "old-passed", 300)
    record(spool, "old-failed", 400, passed=False)
    record(spool, "new-passed", 100)
    size = sum(path.stat().st_size for path in spool.glob("*.jsonl"))
    assert prune(spool, size, keep_undelivered=False) == Pruned(0, 0, 0)
    assert prune(spool, size - 1, keep_undelivered=False).sessions == 1
    assert names(spool) == {"old-failed", "new-passed"}
    prune(spool, 3_000, keep_undelivered=False)
    assert names(spool) == set() or names(spool) == {"old-failed"}


def test_delivered_sessions_go_first_and_undelivered_ones_stay_while_an_api_is_configured(
    spool: Path,
) -> None:
    record(spool, "pending", 300)
    delivered = record(spool, "delivered", 100, passed=False)
    record(spool, "partly", 200)
    (spool / "delivered.delivery.json").write_text(
        json.dumps({"acknowledged_bytes": delivered.stat().st_size})
    )
    (spool / "partly.delivery.json").write_text(json.dumps({"acknowledged_bytes": 10}))
    assert prune(spool, 100, keep_undelivered=True).sessions == 1
    assert names(spool) == {"pending", "partly"}
    assert not (spool / "delivered.delivery.json").exists()


def test_a_running_session_is_never_taken(spool: Path) -> None:
    record(spool, "ended", 100)
    with a_session(spool, session_id="running") as session:
        session.user_message(PAD)
        prune(spool, 1, keep_undelivered=False)
        assert names(spool) == {"running"}


def test_a_crashed_session_can_be_taken_and_what_is_no_session_stays(spool: Path) -> None:
    spool.mkdir()
    first = {"metadata": {"pid": 2**22 + 1, "host": os.uname().nodename}, "type": "state_change"}
    (spool / "crashed.jsonl").write_text(json.dumps(first) + "\n" + PAD)
    (spool / "foreign.jsonl").write_text("not ours\n" * 500)
    (spool / "notes.txt").write_text(PAD)
    prune(spool, 1, keep_undelivered=False)
    assert names(spool) == {"foreign"}
    assert (spool / "notes.txt").exists()


def test_pictures_go_when_no_session_that_is_left_can_name_them(spool: Path) -> None:
    record(spool, "old", 300, picture=b"\x89PNG\r\n\x1a\nold" + bytes(5_000))
    (old,) = list((spool / "artifacts").rglob("*.png"))
    os.utime(old, (1, 1))
    record(spool, "new", 0, passed=False, picture=b"\x89PNG\r\n\x1a\nnew" + bytes(5_000))
    found = prune(spool, 12_000, keep_undelivered=False)
    assert (found.sessions, found.artifacts) == (1, 1)
    assert not old.exists()
    assert len(list((spool / "artifacts").rglob("*.png"))) == 1


def test_what_was_pruned_is_counted_for_everybody(spool: Path) -> None:
    for number in range(4):
        record(spool, f"s{number}", 100 - number)
    prune(spool, 9_000, keep_undelivered=False)
    prune(spool, 4_000, keep_undelivered=False)
    found = state(spool)
    assert found["pruned_sessions"] == 4 - len(names(spool)) > 1
    assert found["pruned_bytes"] > 2_000
    assert pt.stats()["pruned"]["sessions"] == found["pruned_sessions"]


def test_no_cap_means_no_pruning(spool: Path) -> None:
    record(spool, "s", 100)
    assert prune(spool, 0, keep_undelivered=False) == Pruned(0, 0, 0)
    assert names(spool) == {"s"}


def test_ending_a_session_prunes_at_times(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record(spool, "old", 1_000)
    monkeypatch.setattr(retention, "_looked_s", {})
    with override_config(Config(spool_max_bytes=4_500)):
        record(spool, "new", 0, passed=False)
        assert names(spool) == {"new"}
        record(spool, "next", 0)
        assert names(spool) == {"new", "next"}  # it was looked at a moment ago


def test_a_spool_that_cannot_be_looked_at_is_no_problem_of_the_agent(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_looked_s", {})
    monkeypatch.setattr(os, "scandir", lambda path: (_ for _ in ()).throw(PermissionError(path)))
    with a_session(spool):
        pass
    assert pt.stats()["failed"] == {"retention": 1}
