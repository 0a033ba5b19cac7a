"""A new demo replaces the old one and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

import promptetheus as pt
from promptetheus.demo import calendar_agent
from promptetheus.demo.agent_process import AgentProcess
from promptetheus.demo.coding_agent import Mood
from promptetheus.demo.own_spool import MARKER, prepare
from promptetheus.demo.pace import Pace
from promptetheus.demo.take import Take


def recorded(spool: Path, token: str) -> Path:
    take = Take(spool, token, calendar_agent.Mood.RIGHT, Pace("seed", speed=0.0))
    calendar_agent.play(take)
    return spool / f"{take.session_id}.jsonl"


def test_the_sessions_of_an_earlier_demo_are_removed(tmp_path: Path) -> None:
    token = prepare(tmp_path)
    earlier = recorded(tmp_path, token)
    acknowledged = earlier.with_suffix(".delivery.json")
    acknowledged.write_text("{}")
    assert prepare(tmp_path) == token
    assert not earlier.exists() and not acknowledged.exists()


def test_everything_else_in_the_directory_stays(tmp_path: Path) -> None:
    token = prepare(tmp_path)
    with pt.start(agent="mine", user_goal="keep me", spool_dir=tmp_path, metadata={"demo": "x"}) as mine:
        mine.user_message(f'"demo":"{token}"')
    kept = [tmp_path / name for name in ("notes.txt", "torn.jsonl", "binary.jsonl")]
    kept[0].write_text(token)
    kept[1].write_text(f'{{"metadata":{{"session_metadata":{{"demo":"{token}"')
    kept[2].write_bytes(b"\x00\xff" + token.encode())
    (tmp_path / "sub").mkdir()
    inner = recorded(tmp_path / "sub", token)
    prepare(tmp_path)
    for path in (*kept, inner, tmp_path / f"{mine.session_id}.jsonl"):
        assert path.exists()


def test_a_link_is_removed_and_what_it_leads_to_is_not(tmp_path: Path) -> None:
    spool, elsewhere = tmp_path / "spool", tmp_path / "elsewhere"
    token = prepare(spool)
    target = recorded(elsewhere, token)
    (spool / target.name).symlink_to(target)
    prepare(spool)
    assert target.exists()


def test_sessions_of_another_demo_copied_in_stay(tmp_path: Path) -> None:
    prepare(tmp_path)
    stranger = recorded(tmp_path, "00ff00ff00ff00ff")
    prepare(tmp_path)
    assert stranger.exists()


@pytest.mark.parametrize("content", [b"", b"to do: buy milk\n", b"\xff\xfe", b"x" * 5000])
def test_a_marker_that_is_not_ours_is_left_alone(content: bytes, tmp_path: Path) -> None:
    (tmp_path / MARKER).write_bytes(content)
    first = prepare(tmp_path)
    session = recorded(tmp_path, first)
    assert prepare(tmp_path) != first
    assert session.exists()
    assert (tmp_path / MARKER).read_bytes() == content


def test_a_run_that_is_still_going_on_is_not_taken_away(tmp_path: Path) -> None:
    token = prepare(tmp_path)
    with AgentProcess(tmp_path, token, Mood.LOOPS, speed=5.0) as agent:
        live = tmp_path / f"{agent.session_id()}.jsonl"
        prepare(tmp_path)
        assert live.exists()
    prepare(tmp_path)
    assert not live.exists()


def test_the_directory_is_made_for_the_user_alone(tmp_path: Path) -> None:
    spool = tmp_path / "a" / "spool"
    prepare(spool)
    assert spool.stat().st_mode & 0o777 == 0o700
    assert (spool / MARKER).stat().st_mode & 0o777 == 0o600


def test_a_place_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError):
        prepare(tmp_path / "file" / "spool")
