from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from promptetheus.artifacts import read_artifact
from tests.importers.foreign_runs import (
    ClaudeLines,
    bring,
    imported,
    of_type,
    only_session,
    payloads,
    sessions,
    types,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "11111111-aaaa.jsonl"


def png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (4, 3), "red").save(stream, "PNG")
    return stream.getvalue()


def image_block(data: bytes) -> dict[str, object]:
    source = {"type": "base64", "media_type": "image/png", "data": base64.b64encode(data).decode()}
    return {"type": "image", "source": source}


def test_a_session_becomes_messages_calls_and_results(spool: Path, file: Path) -> None:
    lines = ClaudeLines().asks("Fix the shop").says("Looking.").calls("t1", "Bash", command="ls")
    events = imported(spool, lines.answers("t1", "shop.py").says("Done.").write(file))
    assert types(events) == [
        "user_message", "llm_call", "agent_message", "llm_call", "tool_call", "tool_result", "llm_call",
        "agent_message",
    ]  # fmt: skip
    assert payloads(events, "tool_call") == [
        {"tool_name": "Bash", "arguments": {"command": "ls"}, "call_id": "t1"}
    ]
    assert payloads(events, "tool_result") == [{"call_id": "t1", "result": "shop.py", "error": None}]
    after = events[0]["payload"]["after"]
    assert (after["agent"], after["user_goal"], after["project_id"]) == (
        "claude-code",
        "Fix the shop",
        "shop",
    )
    assert events[0]["session_id"] == "claude-11111111-aaaa"
    assert events[-1]["payload"] == {"status": "completed", "error": None}


def test_times_are_those_of_the_lines(spool: Path, file: Path) -> None:
    events = imported(spool, ClaudeLines().asks("a").says("b").write(file))
    assert [event["timestamp"] for event in events] == [
        "2026-04-18T13:00:01Z",
        "2026-04-18T13:00:01Z",
        "2026-04-18T13:00:02Z",
        "2026-04-18T13:00:02Z",
        "2026-04-18T13:00:02Z",
    ]
    assert events[-1]["metadata"]["summary"]["duration_ms"] == 1000.0


def test_lines_without_times_make_a_session_without_times(spool: Path, file: Path) -> None:
    lines = ClaudeLines().asks("a").says("b")
    for record in lines.records:
        del record["timestamp"]
    events = imported(spool, lines.write(file))
    assert events[0]["metadata"]["imported"]["timed"] is False
    assert "duration_ms" not in events[-1]["metadata"]["summary"]


def test_the_tokens_of_a_message_are_counted_once_with_its_last_numbers(spool: Path, file: Path) -> None:
    lines = ClaudeLines().asks("a")
    usage = {"input_tokens": 6, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 200}
    lines.says("one", "msg_1", **usage, output_tokens=4).answers("x", "late answer")
    lines.says("two", "msg_1", **usage, output_tokens=184)
    events = imported(spool, lines.write(file))
    (call,) = of_type(events, "llm_call")
    assert call["payload"] == {
        "model": "claude-opus-4-7",
        "input_tokens": 1206,
        "output_tokens": 184,
        "cached_tokens": 1000,
    }
    assert call["metadata"]["cache_write_tokens"] == 200
    assert [payload["content"] for payload in payloads(events, "agent_message")] == ["one", "two"]


def test_thinking_is_kept_with_the_call_to_the_model_not_as_words_said(spool: Path, file: Path) -> None:
    lines = ClaudeLines().asks("a").model({"type": "thinking", "thinking": "Hmm.", "signature": "x"}, "m")
    events = imported(spool, lines.says("Yes.", "m").write(file))
    assert of_type(events, "llm_call")[0]["metadata"]["thinking"] == "Hmm."
    assert payloads(events, "agent_message") == [{"content": "Yes."}]


def test_an_error_of_a_tool_is_an_error(spool: Path, file: Path) -> None:
    lines = ClaudeLines().asks("a").calls("t1", "Bash").answers("t1", "exit 1", error=True)
    events = imported(spool, lines.write(file))
    assert payloads(events, "tool_result") == [{"call_id": "t1", "result": None, "error": "exit 1"}]


@pytest.mark.parametrize(
    ("content", "result"),
    [
        ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        ([{"type": "tool_reference", "tool_name": "W"}], [{"type": "tool_reference", "tool_name": "W"}]),
        (None, None),
        ("", ""),
    ],
)
def test_answers_come_as_text_or_as_blocks(spool: Path, file: Path, content: object, result: object) -> None:
    lines = ClaudeLines().asks("a").calls("t1", "Read").answers("t1", content)
    assert payloads(imported(spool, lines.write(file)), "tool_result")[0]["result"] == result


def test_the_details_of_a_result_are_kept_and_cut(spool: Path, file: Path) -> None:
    details = {"filePath": "/a.py", "originalFile": "x" * 100_000}
    lines = ClaudeLines().asks("a").calls("t1", "Edit").answers("t1", "ok", details=details)
    (result,) = of_type(imported(spool, lines.write(file)), "tool_result")
    kept = result["metadata"]["tool_use_result"]
    assert kept["filePath"] == "/a.py"
    assert len(json.dumps(kept)) < 9_000


def test_pictures_become_screenshots(spool: Path, file: Path) -> None:
    lines = ClaudeLines().asks([{"type": "text", "text": "see"}, image_block(png())])
    lines.calls("t1", "Read").answers("t1", [{"type": "text", "text": "here"}, image_block(png())])
    events = imported(spool, lines.write(file))
    shots = of_type(events, "screenshot")
    assert [shot["metadata"].get("call_id") for shot in shots] == [None, "t1"]
    for shot in shots:
        assert read_artifact(spool, shot["payload"]["storage_path"]) == png()
        assert shot["payload"]["size_bytes"] == len(png())


def test_a_picture_that_is_no_base64_is_counted_not_lost_in_a_crash(spool: Path, file: Path) -> None:
    broken = {"type": "image", "source": {"type": "base64", "data": "%%%"}}
    (report,) = bring(spool, ClaudeLines().asks([broken, {"type": "text", "text": "x"}]).write(file))
    assert report.kept.counts == {"picture that is not in the file": 1}


def test_the_goal_is_what_a_person_asked_first(spool: Path, file: Path) -> None:
    lines = (
        ClaudeLines().asks("<command-name>/clear</command-name>").asks("Caveat: local commands", isMeta=True)
    )
    lines.asks(
        [{"type": "text", "text": "<ide_selection>x</ide_selection>"}, {"type": "text", "text": "Fix it"}]
    )
    events = imported(spool, lines.write(file))
    assert events[0]["payload"]["after"]["user_goal"] == "Fix it"
    marks = [event.get("metadata", {}).get("injected") for event in of_type(events, "user_message")]
    assert marks == [True, True, True]


def test_without_words_the_slash_command_is_the_goal(spool: Path, file: Path) -> None:
    said = "<command-name>/review</command-name><command-args>12</command-args>"
    events = imported(spool, ClaudeLines().asks(said).write(file))
    assert events[0]["payload"]["after"]["user_goal"] == "/review 12"


def test_what_the_harness_noted_is_told_or_kept(spool: Path, file: Path) -> None:
    lines = ClaudeLines().line("permission-mode", permissionMode="plan").asks("a")
    lines.line("permission-mode", permissionMode="plan").line("permission-mode", permissionMode="default")
    lines.line("system", subtype="compact_boundary", compactMetadata={"trigger": "auto", "preTokens": 9})
    lines.line("system", subtype="turn_duration", durationMs=1500)
    lines.line("system", content="limit reached, now using Sonnet", level="warning")
    lines.line("summary", summary="We fixed it")
    lines.line(
        "attachment", attachment={"type": "hook_blocking_error", "blockingError": {"blockingError": "no"}}
    )
    lines.line("attachment", attachment={"type": "hook_success", "stdout": "fine"})
    lines.line("file-history-snapshot", snapshot={"files": 1}).says("b")
    (report,) = bring(spool, lines.write(file))
    events = only_session(spool)
    changes = [(p["name"], p["before"], p["after"]) for p in payloads(events, "state_change")[1:]]
    assert changes == [
        ("permission_mode", None, "plan"),
        ("permission_mode", "plan", "default"),
        ("compaction", {"tokens": 9}, {"trigger": "auto", "preTokens": 9}),
        ("system", None, "limit reached, now using Sonnet"),
        ("summary", None, "We fixed it"),
    ]
    assert payloads(events, "metric") == [{"name": "turn_duration", "value": 1500.0, "unit": "ms"}]
    assert payloads(events, "error")[0]["message"] == "no"
    around = of_type(events, "llm_call")[0]["metadata"]["around"]
    assert [kept["kind"] for kept in around] == ["attachment hook_success", "file-history-snapshot"]
    assert around[0]["record"]["stdout"] == "fine"
    assert report.kept.counts == {
        "permission-mode": 1,
        "attachment hook_success": 1,
        "file-history-snapshot": 1,
    }


def test_what_stands_after_the_last_event_is_kept_with_the_end(spool: Path, file: Path) -> None:
    events = imported(spool, ClaudeLines().asks("a").line("last-prompt", lastPrompt="a").write(file))
    assert events[-1]["metadata"]["around"][0]["kind"] == "last-prompt"


def test_a_session_that_ends_in_an_error_of_the_api_failed(spool: Path, file: Path) -> None:
    content = [{"type": "text", "text": "API Error: 529 overloaded"}]
    message = {"role": "assistant", "id": "x", "model": "<synthetic>", "content": content}
    lines = ClaudeLines().asks("a").line("assistant", message=message, isApiErrorMessage=True)
    events = imported(spool, lines.write(file))
    assert of_type(events, "llm_call") == []
    assert payloads(events, "error")[0]["message"] == "API Error: 529 overloaded"
    assert events[-1]["payload"] == {"status": "failed", "error": "API Error: 529 overloaded"}


def test_old_files_say_what_a_message_cost_and_took(spool: Path, file: Path) -> None:
    lines = ClaudeLines().asks("a").says("b")
    lines.records[-1].update(costUSD=0.125, durationMs=2500)
    (call,) = of_type(imported(spool, lines.write(file)), "llm_call")
    assert call["payload"]["latency_ms"] == 2500
    assert call["metadata"]["cost_usd"] == 0.125


def test_a_file_with_several_sessions_makes_several(spool: Path, file: Path) -> None:
    one, two = ClaudeLines("s-one").asks("a").says("b"), ClaudeLines("s-two", start=60).asks("c")
    one.records[1:1] = two.records
    bring(spool, one.write(file))
    goals = {name: events[0]["payload"]["after"]["user_goal"] for name, events in sessions(spool).items()}
    assert goals == {"claude-s-one": "a", "claude-s-two": "c"}


def test_two_files_with_one_session_name_and_other_beginnings_are_two_sessions(
    spool: Path, tmp_path: Path
) -> None:
    first = ClaudeLines("same").asks("a").write(tmp_path / "x.jsonl")
    second = ClaudeLines("same").asks("b").write(tmp_path / "y.jsonl")
    bring(spool, first, second)
    bring(spool, second, first)
    assert len(sessions(spool)) == 2


def test_a_line_that_is_repeated_is_told_once(spool: Path, file: Path) -> None:
    lines = ClaudeLines().asks("a").says("b")
    lines.records.append(dict(lines.records[0]))
    (report,) = bring(spool, lines.write(file))
    assert len(of_type(only_session(spool), "user_message")) == 1
    assert report.skipped.counts == {"repeated line": 1}


def test_a_session_exported_with_loglines_is_read(spool: Path, tmp_path: Path) -> None:
    records = ClaudeLines().asks("a").calls("t", "Bash").answers("t", "ok").records
    for record in records:
        del record["sessionId"], record["uuid"]
    path = tmp_path / "session.json"
    path.write_text(json.dumps({"loglines": records}, indent=2))
    events = imported(spool, path)
    assert payloads(events, "tool_result")[0]["result"] == "ok"
    bring(spool, path)
    assert len(sessions(spool)) == 1


def test_a_summary_before_the_first_message_belongs_to_the_session(spool: Path, file: Path) -> None:
    lines = ClaudeLines().asks("a")
    lines.records.insert(0, {"type": "summary", "summary": "Earlier", "leafUuid": "z"})
    events = imported(spool, lines.write(file))
    assert types(events) == ["state_change", "user_message"]
    assert events[0]["payload"]["after"]["user_goal"] == "a"
