"""What a stranger meets in the commands that read: limits, filters, crashes, failed calls, names with newlines."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import orjson
import pytest

from promptetheus.cli import main
from tests.builders import SessionBuilder, a_failing_booking, a_passing_booking, a_session

DEAD_PID = 2**22 + 5
"""Larger than any process id there is."""


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def crashed(session: SessionBuilder) -> SessionBuilder:
    """The session, written by a process that is no more."""
    session.events[0]["metadata"] = {"host": socket.gethostname(), "pid": DEAD_PID, "process_started": 1.0}
    return session


@pytest.fixture
def recorded(spool: Path) -> Path:
    a_failing_booking().write(spool)
    a_passing_booking().write(spool)
    return spool


@pytest.mark.parametrize("command", [["sessions"], ["search", "x"]])
@pytest.mark.parametrize("limit", ["-1", "0", "many", "1.5", ""])
def test_a_limit_that_makes_no_sense_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], recorded: Path, command: list[str], limit: str
) -> None:
    code, out, err = run(capsys, *command, "--spool", recorded, f"--limit={limit}")
    assert (code, out) == (2, "")
    assert f"{limit!r} is neither a number from 1 nor the word all" in err


@pytest.mark.parametrize("command", [["sessions"], ["search", "x"]])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dur>abc", "abc is not a number"),
        ("foo:bar", "foo is not a field. There are status, agent"),
        ("agnt:x", "did you mean agent?"),
        ("status:bogus", "no status is called bogus"),
        ("cost>", "nothing stands behind it"),
    ],
)
def test_a_filter_that_is_not_understood_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], recorded: Path, command: list[str], text: str, said: str
) -> None:
    code, out, err = run(capsys, *command, "--spool", recorded, "--filter", text)
    assert (code, out) == (2, "")
    assert said in err


def test_the_filter_language_is_in_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("sessions", "search"):
        out = " ".join(run(capsys, command, "--help")[1].split())
        assert "status:failed failed goal and error" in out
        assert "The screen says `error` where JSON and SQL say `failed`" in out


def test_a_filter_that_fits_nothing_is_told_apart_from_an_empty_spool(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    words = ("sessions", "--spool", recorded)
    assert run(capsys, *words, "--filter", "agent:nobody")[1] == (
        f"None of 2 sessions in {recorded} fits the filter.\n"
    )
    found = json.loads(run(capsys, *words, "--json", "--limit", 1)[1])
    assert (len(found["sessions"]), found["total"]) == (1, 2)
    assert found["next_cursor"]


def test_the_fingerprint_of_a_crashed_session_says_what_was_open(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    session = crashed(a_session("a")).asks("go")
    session.event("state_change", {"name": "span_start", "span_name": "plan"}, span_id="s")
    session.opens_call("run\nshell", {"command": "pytest"})
    session.write(spool)
    code, out, _ = run(capsys, "fingerprint", "a", "--spool", spool)
    assert code == 0
    assert out.splitlines() == [
        "Crashed: its process ended without closing the session.",
        "  open then: step 2  span      plan",
        '  open then: step 3  tool      run⏎shell(command="pytest") …',
    ]
    found = json.loads(run(capsys, "fingerprint", "a", "--spool", spool, "--json")[1])
    assert (found["status"], found["crashed"], found["label"]) == ("crashed", True, "crashed")
    assert [step["step"] for step in found["open"]] == [2, 3]


def test_the_list_says_of_a_crashed_session_how_long_it_took_at_least_or_nothing(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    crashed(a_session("a")).event("user_message", {"content": "go"}, after_s=0.0003).write(spool)
    _, out, _ = run(capsys, "sessions", "--long", "--spool", spool)
    assert "      –  1 step  " in out and "0ms" not in out
    crashed(a_session("a")).event("user_message", {"content": "go"}, after_s=31.0).write(spool)
    _, out, _ = run(capsys, "sessions", "--long", "--spool", spool)
    assert "      ≥31.0s  1 step  " in out


def test_a_crash_with_a_failure_before_it_tells_both(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    crashed(a_session("a")).checks(False, "selected Wednesday, not Tuesday").write(spool)
    _, out, _ = run(capsys, "fingerprint", "a", "--spool", spool)
    assert out.splitlines() == [
        "8ae0f41220d0  goal mismatch: selected wednesday, not tuesday",
        "  - goal:selected wednesday, not tuesday",
        "It also crashed: its process ended without closing the session.",
        "  last step: step 1  check     selected Wednesday, not Tuesday",
    ]


def test_a_running_session_has_no_failure_so_far(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    a_session("a").asks("go").write(spool)
    _, out, _ = run(capsys, "fingerprint", "a", "--spool", spool)
    assert out == "No failure detected so far: this session is still running.\n"


def test_names_with_a_newline_stay_on_their_line(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    session = a_session("a").calls("two\nlines", {"x": 1}, error="boom")
    session.span("span\nname", "id\nof it").event("kind\nof event", {}).ends()
    session.write(spool)
    for words in (["fingerprint", "a"], ["replay", "a"], ["replay", "a", "--tree"], ["explain", "a"]):
        _, out, _ = run(capsys, *words, "--spool", spool)
        assert not [
            text for text in out.splitlines() if text.startswith(("lines", "name", "of it", "of event"))
        ]


def test_replay_shows_what_went_wrong_and_leaves_other_lines_as_they_were(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    session = a_session("a").calls("x", error="503 upstream").calls("y", result=1, error="")
    session.event("tool_result", {"call_id": "c", "status": "failed"}).ends("failed", "gave up")
    session.write(spool)
    for form in ([], ["--tree"]):
        lines = run(capsys, "replay", "a", "--spool", spool, *form)[1].splitlines()
        assert lines[2] == "[2] tool_result call_id='call-1' error='503 upstream'"
        assert lines[4:] == [
            "[4] tool_result call_id='call-2'",
            "[5] tool_result call_id='c' status='failed'",
            "[6] session_end status='failed' error='gave up'",
        ]


def test_a_session_is_found_in_any_of_several_spools(
    capsys: pytest.CaptureFixture[str], recorded: Path, tmp_path: Path
) -> None:
    a_session("elsewhere").write(tmp_path / "other")
    words = ("--spool", recorded, "--spool", tmp_path / "other")
    assert run(capsys, "replay", "else", *words)[0] == 0
    assert run(capsys, "fingerprint", "failing", *words)[1].startswith("8ae0f41220d0")
    code, _, err = run(capsys, "replay", "nope", *words)
    assert code == 1
    assert f"See: promptetheus sessions --spool {recorded} --spool {tmp_path / 'other'}" in err


def test_what_is_not_in_the_file_is_told_where_it_is_missing(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    session = a_session("a").asks("one").says("two").says("three").says("four")
    session.events[3:5] = [{**session.events[1], "idempotency_key": "a:11111111:1"}]
    session.event("session_end", {"status": "completed"})
    session.events[-1]["seq"] = 6
    path = session.write(spool)
    path.write_bytes(path.read_bytes() + b"garbage\n")
    code, out, err = run(capsys, "replay", "a", "--spool", spool)
    assert (code, out.splitlines()) == (
        0,
        [
            "[0] state_change name='session_started'",
            "[1] user_message content='one'",
            "[1] user_message content='one'",
            "[2] agent_message content='two'",
            "… 3 not here",
            "[6] session_end status='completed'",
        ],
    )
    assert err.splitlines() == [
        "1 line(s) of a.jsonl could not be read and are left out: 1 garbage.",
        "3 events are not in the file: not recorded (sampling), lost, or not readable.",
        "1 event has the number of an earlier one: several processes wrote the session.",
    ]
    found = json.loads(run(capsys, "replay", "a", "--spool", spool, "--json")[1])
    assert (found["missing_before"], found["duplicates"]) == ({"4": 3}, [2])
    _, out, _ = run(capsys, "explain", "a", "--anomalies", "--spool", spool)
    assert out.splitlines()[0] == err.splitlines()[1]
    assert json.loads(run(capsys, "explain", "a", "--spool", spool, "--json")[1])["missing_events"] == 3


def test_a_session_without_events_is_told_apart_from_one_without_failure(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    spool.mkdir()
    (spool / "a.jsonl").touch()
    _, out, _ = run(capsys, "fingerprint", "a", "--spool", spool)
    assert out == "No failure detected: this session has no events.\n"


def test_a_comparison_says_that_lines_of_a_session_could_not_be_read(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    path = recorded / "passing.jsonl"
    path.write_bytes(path.read_bytes() + b"garbage\n")
    _, _, err = run(capsys, "diff", "passing", "failing", "--spool", recorded)
    assert err.startswith("1 line(s) of passing.jsonl could not be read and are left out: 1 garbage.")


def test_hits_come_as_lines_of_json(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    code, out, err = run(capsys, "search", "tuesday", "--jsonl", "--limit", 3, "--spool", recorded)
    assert code == 0
    hits = [json.loads(text) for text in out.splitlines()]
    assert len(hits) == 3
    assert {"session_id", "step", "field", "snippet", "start", "end"} <= set(hits[0])
    assert err == "There are more than 3 hits; --limit all shows all.\n"


def test_a_pattern_that_never_ends_is_given_up_and_said(
    capsys: pytest.CaptureFixture[str], spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from promptetheus.queries import bounded_search

    monkeypatch.setattr(bounded_search, "PATIENCE_S", 1.0)
    a_session("a").says("a" * 60 + "!").write(spool)
    code, out, err = run(
        capsys, "search", "(a+)+$", "--regex", "--json", "--filter", "agent:calendar", "--spool", spool
    )
    assert code == 1
    assert "nested repetitions" in json.loads(out)["given_up"]
    assert "takes more than 1 s on a text in session a" in err


def test_an_import_that_finds_no_events_says_why(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, spool: Path
) -> None:
    source = tmp_path / "hand.jsonl"
    event = {"type": "user_message", "session_id": "x", "payload": {"content": "hi"}}
    source.write_text(json.dumps(event) + "\n" + json.dumps(event) + "\nnot json\n")
    code, out, _ = run(capsys, "import", source, "--spool", spool)
    assert code == 0
    lines = out.splitlines()
    assert lines[0] == f"{source} has no events to import."
    assert lines[1].startswith("  skipped ×2: event that is not valid: ")
    assert "skipped ×1: line that is not JSON" in out


def test_the_demo_names_the_spool_it_records_into(capsys: pytest.CaptureFixture[str]) -> None:
    assert ".promptetheus/demo/spool" in run(capsys, "demo", "--help")[1]


def test_a_large_document_is_printed_whole(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    session = a_session("a")
    for number in range(4000):
        session.says(f"word {number}")
    session.write(spool)
    events = json.loads(run(capsys, "replay", "a", "--json", "--spool", spool)[1])["events"]
    assert (len(events), events[-1]["payload"]["content"]) == (4001, "word 3999")
    hits = json.loads(run(capsys, "search", "word", "--limit", "all", "--json", "--spool", spool)[1])
    assert len(hits["hits"]) == 4000 and not hits["truncated"]


def test_hostile_values_are_valid_json_on_screen_and_in_a_file(
    capsys: pytest.CaptureFixture[str], spool: Path, tmp_path: Path
) -> None:
    path = a_session("a").write(spool)
    line = path.read_bytes().rstrip().replace(b'"seq":0', b'"seq":1')
    deep = b"[" * 800 + b"1" + b"]" * 800
    for value in (deep, b"NaN", b'"\\ud800"'):
        with path.open("ab") as file:
            file.write(line.replace(b'"before":null', b'"before":' + value) + b"\n")
    out = tmp_path / "a.json"
    assert run(capsys, "export", "a", "--out", out, "--spool", spool)[0] == 0
    for text in (run(capsys, "export", "a", "--spool", spool)[1], out.read_text(encoding="utf-8")):
        found = orjson.loads(text)
        assert [event["payload"]["before"] for event in found["events"]][2:] == [None, "\ufffd"]


def test_a_chain_of_spans_a_thousand_times_deeper_than_python_recurses_is_read(
    capsys: pytest.CaptureFixture[str], spool: Path, tmp_path: Path
) -> None:
    session = a_session("a")
    for number in range(100_000):
        parent = f"s{number - 1}" if number else None
        marker = {"name": "span_start", "span_name": "n"}
        session.event("state_change", marker, span_id=f"s{number}", parent_id=parent)
    session.write(spool)
    out = run(capsys, "replay", "a", "--tree", "--spool", spool)[1].splitlines()
    assert len(out) == 100_001
    assert out[-1].strip() == "n span=s99999"
    for words in (["explain", "a"], ["fingerprint", "a"], ["export", "a", "--out", tmp_path / "x.json"]):
        assert run(capsys, *words, "--spool", spool)[0] == 0
