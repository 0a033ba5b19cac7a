from __future__ import annotations

import json
from pathlib import Path

from promptetheus.cause.effects import Effect, judge
from promptetheus.queries.diffs import effects_for, read_session
from promptetheus.queries.project_effects import evidence_of
from promptetheus.queries.tasks import all_rows
from tests.builders import a_session


def cache_of(spool: Path) -> list[Path]:
    return list((spool.parent / "cache").glob("*.effects"))


def record(spool: Path, count: int) -> None:
    """Sessions in which the answer to a question changes after `handle`, whose name says nothing."""
    for number in range(count):
        session = a_session(f"s{number}").calls("status", {"of": 1}, result="open")
        session.calls("handle", {"of": 1}, result="ok").calls("status", {"of": 1}, result="closed")
        session.checks(True).ends().write(spool)


def test_effects_are_told_from_all_sessions_of_the_agents_and_not_from_two(spool: Path) -> None:
    record(spool, 4)
    one = a_session("one").calls("handle", {"of": 1}, result="ok").checks(True).ends().write(spool)
    other = a_session("other").calls("handle", {"of": 2}, result="ok").checks(False).ends().write(spool)
    left, right = read_session(one), read_session(other)
    effects = effects_for(spool, all_rows(spool), {}, left, right)
    assert effects["handle"].effect is Effect.WRITE
    assert "answers changed after it 4×" in effects["handle"].reason
    assert effects_for(spool, [], {}, left, right)["handle"].effect is Effect.READ
    assert (
        effects_for(spool, all_rows(spool), {"handle": "read"}, left, right)["handle"].effect is Effect.READ
    )


def test_sessions_outside_the_spool_count_too(spool: Path, tmp_path: Path) -> None:
    record(spool, 1)
    elsewhere = a_session("far", agent="another").calls("cancel_it", {}).ends().write(tmp_path / "elsewhere")
    inside = read_session(spool / "s0.jsonl")
    effects = effects_for(spool, all_rows(spool), {}, inside, read_session(elsewhere))
    assert {"handle", "status", "cancel_it"} <= effects.keys()


def test_evidence_is_kept_and_believed_only_while_the_session_is_as_it_was(spool: Path) -> None:
    record(spool, 2)
    first = judge(evidence_of(spool, all_rows(spool)))
    (cache,) = cache_of(spool)
    data = json.loads(cache.read_text())
    data["sessions"]["s0.jsonl"][1] = {
        "invented": [None] + [1] * (len(data["sessions"]["s0.jsonl"][1]["handle"]) - 1)
    }
    cache.write_text(json.dumps(data))
    assert "invented" in judge(evidence_of(spool, all_rows(spool)))
    a_session("s0").calls("grown", {}).checks(True).ends().write(spool)
    found = judge(evidence_of(spool, all_rows(spool)))
    assert "invented" not in found and "grown" in found
    assert first["handle"].effect is Effect.WRITE


def test_a_damaged_cache_is_written_anew(spool: Path) -> None:
    record(spool, 2)
    whole = judge(evidence_of(spool, all_rows(spool)))
    (cache,) = cache_of(spool)
    for damage in (
        b"",
        b"[]",
        b'{"version":1}',
        b'{"version":1,"sessions":{"s0.jsonl":[[1,2],{}]}}',
        b"\xff",
    ):
        cache.write_bytes(damage)
        assert judge(evidence_of(spool, all_rows(spool))) == whole
    assert b"handle" in cache.read_bytes()


def test_a_directory_that_is_no_spool_gets_no_cache(tmp_path: Path) -> None:
    record(tmp_path / "runs", 1)
    assert "handle" in judge(evidence_of(tmp_path / "runs", all_rows(tmp_path / "runs")))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["runs"]
