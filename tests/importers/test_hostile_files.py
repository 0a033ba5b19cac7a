"""Whatever is in a file, an import ends with a report, and what it wrote is valid."""

from __future__ import annotations

import json
import os
import random
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.importers.detect import Format
from tests.importers.foreign_runs import (
    ClaudeLines,
    bring,
    sessions,
    tau2_file,
    tau2_message,
    tau_answer,
    tau_call,
    tau_record,
    write_json,
)

ODD: list[Any] = [
    None, True, 0, -1, 10**30, 1.5, "", "x", "\u0000\x1b[31m\u202e\ud800", [], [None], {}, {"": None}, [[[]]],
    {"type": {"type": "text"}}, {"id": [1]}, "9" * 5000,
]  # fmt: skip
"""Values that belong nowhere."""

RECORDS: dict[Format, Any] = {
    Format.TAU_BENCH: [
        tau_record(tau_call("book_flight", {"flight": "X"}), tau_answer("ok"), reward=0.0),
        tau_record(trial=1),
    ],
    Format.TAU2_BENCH: tau2_file(
        tau2_message("user", "Hi", usage={"prompt_tokens": 3, "completion_tokens": 1}, cost=0.1),
        tau2_message(
            "assistant",
            None,
            tool_calls=[{"id": "c", "name": "cancel", "arguments": {"id": 1}, "requestor": "assistant"}],
            usage={"prompt_tokens": 3, "completion_tokens": 1},
            raw_data={"model": "m", "choices": [{"finish_reason": "stop"}]},
            generation_time_seconds=1.0,
        ),
        {"role": "tool", "id": "c", "content": "ok", "error": False},
        reward_info={
            "reward": 0.0,
            "reward_basis": ["DB"],
            "db_check": {"db_match": False},
            "action_checks": [{"action": {"name": "cancel", "arguments": {"id": 2}}, "action_match": False}],
            "nl_assertions": [{"nl_assertion": "a", "met": False}],
            "communicate_checks": [{"info": "b", "met": False}],
            "env_assertions": [{"env_assertion": {"func_name": "f", "arguments": {}}, "met": False}],
        },
    ),
    Format.CLAUDE_CODE: [
        *ClaudeLines()
        .asks([{"type": "text", "text": "a"}, {"type": "image", "source": {"data": "eA=="}}])
        .records,
        *ClaudeLines().calls("t", "Agent", prompt="p", description="d").records,
        *ClaudeLines().answers("t", [{"type": "text", "text": "r"}], details={"agentId": "z"}).records,
        *ClaudeLines(agent="z").asks("p").says("b").records,
        *ClaudeLines().line("system", subtype="compact_boundary", compactMetadata={"preTokens": 1}).records,
        *ClaudeLines().line("attachment", attachment={"type": "hook_x_error", "stderr": "e"}).records,
        *ClaudeLines().line("progress", data={"agentId": "z"}, parentToolUseID="t").records,
        *ClaudeLines().line("permission-mode", permissionMode="plan").line("summary", summary="s").records,
    ],
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a value something else could stand."""
    found = [path]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        found.extend(places(item, (*path, key)))
    return found


def put(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    """The value with something else at a place."""
    if not path:
        return odd
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = put(value[path[0]], path[1:], odd)
    return changed


def write(path: Path, format: Format, value: Any) -> Path:
    """The value as a file of the format."""
    if format is Format.CLAUDE_CODE and isinstance(value, list):
        path.write_text("".join(json.dumps(line) + "\n" for line in value))
        return path
    return write_json(path, value)


@pytest.mark.parametrize("format", list(RECORDS))
def test_an_odd_value_anywhere_loses_no_more_than_its_record(format: Format) -> None:
    chance = random.Random(7)
    everywhere = places(RECORDS[format])
    with tempfile.TemporaryDirectory() as directory:
        for number, path in enumerate(everywhere):
            odd = chance.choice(ODD)
            spool = Path(directory, f"spool-{number}")
            file = write(Path(directory, "file.json"), format, put(RECORDS[format], path, odd))
            bring(spool, file, forced=format)
            if len(path) > 3 and format is Format.TAU_BENCH:
                assert sessions(spool), (path, odd)


@given(data=st.binary(max_size=300), format=st.sampled_from([*Format, None]))
def test_random_bytes_are_reported_not_a_crash(data: bytes, format: Format | None) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "file")
        file.write_bytes(data)
        (report,) = bring(Path(directory, "spool"), file, forced=format)
        assert report.problem or report.format
        assert report.sessions == []


@given(cut=st.integers(0, 5000), format=st.sampled_from(list(RECORDS)))
def test_a_torn_file_is_read_as_far_as_it_goes(cut: int, format: Format) -> None:
    with tempfile.TemporaryDirectory() as directory:
        file = write(Path(directory, "file"), format, RECORDS[format])
        file.write_bytes(file.read_bytes()[:cut])
        (report,) = bring(Path(directory, "spool"), file, forced=format)
        assert report.format == format.value


@pytest.mark.parametrize("format", [Format.TAU_BENCH, Format.CLAUDE_CODE])
def test_deep_nesting_is_cut_not_followed(spool: Path, tmp_path: Path, format: Format) -> None:
    deep = "[" * 900 + "]" * 900
    text = json.dumps(tau_record(tau_call("a", {"x": "DEEP"}), tau_answer("ok")))
    if format is Format.CLAUDE_CODE:
        text = "\n".join(
            json.dumps(line) for line in ClaudeLines().asks("a").calls("t", "Bash", x="DEEP").records
        )
    file = tmp_path / "file"
    file.write_text(("[%s]" if format is Format.TAU_BENCH else "%s") % text.replace('"DEEP"', deep))
    (report,) = bring(spool, file, forced=format)
    assert len(report.sessions) == 1


@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
        "1969-12-31T23:59:59Z",
        "2026",
        "24:00",
        5,
        {},
    ],
)
def test_times_in_which_no_agent_ran_are_no_times(spool: Path, tmp_path: Path, time: object) -> None:
    lines = ClaudeLines().asks("a").says("b")
    document = tau2_file(tau2_message("user", "x"), start_time=time, end_time=time)
    for record in (*lines.records, *document["simulations"][0]["messages"]):
        record["timestamp"] = time
    bring(spool, lines.write(tmp_path / "x.jsonl"), write_json(tmp_path / "y.json", document))
    for events in sessions(spool).values():
        started = events[0]["timestamp"]
        assert events[0]["metadata"]["imported"]["timed"] is (started == "2026-01-01T00:00:00Z")


def test_circles_of_parents_end(spool: Path, tmp_path: Path) -> None:
    lines = ClaudeLines().asks("a").says("b").says("c")
    side = ClaudeLines(agent="x").asks("d").says("e")
    for records in (lines.records, side.records):
        records[0]["parentUuid"] = records[-1]["uuid"]
    for record in side.records:
        del record["agentId"]
    lines.records.extend(side.records)
    (report,) = bring(spool, lines.write(tmp_path / "x.jsonl"))
    assert len(report.sessions) == 1


def test_thousands_of_sessions_and_kinds_stay_bounded(spool: Path, tmp_path: Path) -> None:
    lines = ClaudeLines().asks("a")
    for number in range(1000):
        lines.line(f"kind-{number}", data="x" * 100)
    (report,) = bring(spool, lines.says("b").write(tmp_path / "x.jsonl"))
    assert sum(report.kept.counts.values()) == 1000
    assert len(report.kept.counts) <= 201
    (events,) = sessions(spool).values()
    assert max(len(json.dumps(event)) for event in events) < 100_000


def test_links_in_a_directory_are_not_followed_and_pipes_not_waited_for(spool: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    secret = ClaudeLines("outside").asks("a").write(tmp_path / "secret.jsonl")
    (folder / "link.jsonl").symlink_to(secret)
    (folder / "loop").symlink_to(folder)
    os.mkfifo(folder / "pipe.jsonl")
    os.mkfifo(tmp_path / "pipe")
    reports = bring(spool, folder, tmp_path / "pipe")
    assert sessions(spool) == {}
    assert all("is not a regular file" in report.problem for report in reports)


def test_the_spool_inside_an_imported_directory_is_not_imported_into_itself(tmp_path: Path) -> None:
    spool = tmp_path / ".promptetheus" / "spool"
    ClaudeLines().asks("a").write(tmp_path / "x.jsonl")
    bring(spool, tmp_path)
    reports = bring(spool, tmp_path)
    assert [report.path.name for report in reports] == ["x.jsonl"]


def test_a_file_that_is_given_twice_is_read_once(spool: Path, tmp_path: Path) -> None:
    file = write_json(tmp_path / "a.json", [tau_record()])
    (tmp_path / "again.json").hardlink_to(file)
    assert len(bring(spool, file, tmp_path, file)) == 1
