from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from promptetheus import __version__
from promptetheus.cli import COMMANDS, main
from tests.builders import a_failing_booking, a_passing_booking, a_session


@pytest.fixture
def recorded(spool: Path) -> Path:
    """A spool with a failing and a passing booking."""
    a_failing_booking().write(spool)
    a_passing_booking().write(spool)
    return spool


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_sessions_lists_each_with_its_number_of_events(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    code, out, _ = run(capsys, "sessions", "--spool", recorded)
    assert code == 0
    assert sorted(out.splitlines()) == ["  failing: 9 event(s)", "  passing: 9 event(s)"]


def test_sessions_as_json_has_status_and_fingerprint(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    code, out, _ = run(capsys, "sessions", "--dir", recorded, "--json")
    rows = {row["session_id"]: row for row in json.loads(out)["sessions"]}
    assert code == 0
    assert rows["failing"]["status"] == "failed goal"
    assert rows["failing"]["fingerprint"] == "8ae0f41220d0"
    assert rows["passing"]["status"] == "passed"
    assert rows["passing"]["agent"] == "calendar-agent"


def test_sessions_can_be_filtered(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    _, out, _ = run(capsys, "sessions", "--spool", recorded, "--filter", "status:failed")
    assert out == "  failing: 9 event(s)\n"


def test_long_lists_say_what_people_ask_first(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    _, out, _ = run(capsys, "sessions", "--spool", recorded, "--long")
    assert "✗ failed goal" in out and "Book Tuesday at 2pm" in out and "8ae0f41220d0" in out


@pytest.mark.parametrize("command", ["sessions", "spool list"])
def test_a_spool_that_is_not_there_is_no_error(
    capsys: pytest.CaptureFixture[str], spool: Path, command: str
) -> None:
    code, out, _ = run(capsys, *command.split(), "--spool", spool)
    assert code == 0
    assert out.startswith(f"No spool directory at {spool} — ")


def test_an_empty_spool_says_so(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    spool.mkdir()
    assert run(capsys, "sessions", "--spool", spool)[1] == f"No sessions found in {spool}.\n"


def test_replay_prints_one_line_an_event(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    code, out, _ = run(capsys, "replay", "failing", "--spool", recorded)
    assert code == 0
    assert out.splitlines() == [
        "[0] state_change name='session_started'",
        "[1] user_message content='Book Tuesday at 2pm'",
        "[2] tool_call tool_name='search_calendar'",
        "[3] tool_result call_id='call-1'",
        "[4] state_change name='span_start'",
        "[5] state_change name='span_end'",
        "[6] agent_message content='Booked Wednesday 2pm'",
        "[7] goal_check passed=False",
        "[8] session_end status='completed'",
    ]


def test_replay_indents_what_is_inside_a_span(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    session = a_session("nested")
    session.event("state_change", {"name": "span_start", "span_name": "outer"}, span_id="a", parent_id=None)
    session.event("metric", {"name": "steps", "value": 12}, span_id="a", parent_id=None)
    session.event("state_change", {"name": "span_end", "span_name": "outer"}, span_id="a", parent_id=None)
    session.write(spool)
    _, out, _ = run(capsys, "replay", "nested", "--spool", spool)
    assert out.splitlines()[1:] == [
        "[1] state_change name='span_start'",
        "  [2] metric name='steps' value=12",
        "[3] state_change name='span_end'",
    ]


def test_replay_as_a_tree_puts_spans_after_what_is_outside(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    _, out, _ = run(capsys, "replay", "failing", "--tree", "--spool", recorded)
    assert out.splitlines()[-1] == "choose-slot span=span_1 duration_ms=5.0"


def test_the_beginning_of_an_id_is_enough(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    assert run(capsys, "fingerprint", "fail", "--spool", recorded)[0] == 0


def test_a_beginning_that_fits_several_names_them(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    a_session("01AB").write(spool)
    a_session("01AC").write(spool)
    code, out, err = run(capsys, "replay", "01A", "--spool", spool)
    assert (code, out) == (1, "")
    assert "01AB" in err and "01AC" in err


@pytest.mark.parametrize("command", ["replay", "fingerprint"])
def test_an_unknown_session_is_said_on_stderr(
    capsys: pytest.CaptureFixture[str], recorded: Path, command: str
) -> None:
    code, out, err = run(capsys, command, "nope", "--spool", recorded)
    assert (code, out) == (1, "")
    assert "Could not find a session or file for 'nope'." in err


def test_the_fingerprint_of_the_readme(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    assert run(capsys, "fingerprint", "failing", "--spool", recorded)[1] == (
        "8ae0f41220d0  goal mismatch: selected wednesday, not tuesday\n"
        "  - goal:selected wednesday, not tuesday\n"
    )
    assert run(capsys, "fingerprint", "passing", "--spool", recorded)[1] == (
        "No failure detected in this session.\n"
    )


def test_diff_tells_a_regression_by_its_exit_code(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    code, out, _ = run(capsys, "diff", "passing", "failing", "--spool", recorded)
    assert code == 2
    assert out == "! regressed goal_check passed before, now fails\n\nREGRESSED\n"
    code, out, _ = run(capsys, "diff", "failing", "passing", "--spool", recorded)
    assert (code, out.splitlines()[-1]) == (0, "changed, no regression")
    assert run(capsys, "diff", "failing", "failing", "--spool", recorded)[:2] == (
        0,
        "No differences: the two sessions match.\n",
    )
    assert run(capsys, "diff", "failing", "nope", "--spool", recorded)[0] == 1


def test_diff_as_json(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    _, out, _ = run(capsys, "diff", "passing", "failing", "--spool", recorded, "--json")
    assert json.loads(out)["regressed"] is True


def test_spool_list_counts_what_is_pending(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    code, out, _ = run(capsys, "spool", "list", "--spool", recorded)
    size = sum(path.stat().st_size for path in recorded.iterdir())
    assert code == 0
    assert out.splitlines() == [
        f"Spool: {recorded}",
        f"  pending : 18 event(s) across 2 session file(s), {size} bytes",
        "  dead    : 0 event(s) across 0 file(s), 0 bytes",
        "    failing: 9 pending",
        "    passing: 9 pending",
    ]


def test_an_export_can_be_read_again(
    capsys: pytest.CaptureFixture[str], recorded: Path, tmp_path: Path
) -> None:
    file = tmp_path / "session.json"
    code, out, _ = run(capsys, "export", "failing", "--spool", recorded, "--out", file)
    assert (code, out) == (0, f"Exported 9 event(s) to {file}.\n")
    document = json.loads(file.read_text())
    assert document["summary"]["count"] == 9
    assert document["summary"]["types"]["state_change"] == 3
    assert run(capsys, "fingerprint", file)[1].startswith("8ae0f41220d0")


def test_an_unknown_session_cannot_be_exported(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    code, _, err = run(capsys, "export", "nope", "--spool", recorded)
    assert code == 1
    assert f"No spooled session nope in {recorded}." in err


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "version")[:2] == (0, f"{__version__}\n")
    code, out, _ = run(capsys)
    assert code == 0
    assert all(f"  {name}" in out for name in COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_and_json(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, _ = run(capsys, name, "--help")
    assert code == 0
    assert f"usage: promptetheus {name}" in out
    assert "--json" in out or name == "tui"


def test_a_mistyped_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "sesions")
    assert (code, out) == (2, "")
    assert "Did you mean 'sessions'?" in err


def test_a_wrong_option_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "sessions", "--nonsense")[0] == 2


def test_nothing_in_a_spool_reaches_the_terminal_raw(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    attack = "\x1b]52;c;aGk=\x07\x9b2J\u202e\x00"
    session = (
        a_session("hostile", agent=attack, goal=attack)
        .asks(attack)
        .calls(attack, {attack: attack}, error=attack)
    )
    session.event("error", {"message": attack}).checks(False, attack).ends("failed", attack).write(spool)
    commands = [
        ["sessions"], ["sessions", "--long"], ["sessions", "--json"], ["replay", "hostile"],
        ["replay", "hostile", "--tree"], ["replay", "hostile", "--json"], ["fingerprint", "hostile"],
        ["fingerprint", "hostile", "--json"], ["export", "hostile"], ["spool", "list"],
        ["sql", "select * from events"], ["sql", "select * from events", "--json"],
    ]  # fmt: skip
    for command in commands:
        code, out, err = run(capsys, *command, "--spool", spool)
        assert code == 0, command
        assert not set(out + err) & set("\x1b\x07\x9b\u202e\x00"), command


def test_a_reader_that_goes_away_is_no_error(recorded: Path) -> None:
    for number in range(400):
        a_session(f"many-{number:04}").write(recorded)
    first_line = subprocess.run(
        f"{sys.executable} -m promptetheus.cli sessions --spool {recorded} | head -1",
        shell=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONWARNINGS": ""},
    )
    assert first_line.stdout.count("\n") == 1
    assert "Traceback" not in first_line.stderr and "BrokenPipe" not in first_line.stderr


@pytest.mark.parametrize("words", [["--help"], ["sessions"], ["sql", "--schema"]])
def test_a_full_disk_is_said_in_a_sentence(words: list[str], tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "promptetheus", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
    assert (done.returncode, done.stderr) == (1, "promptetheus: No space left on device\n")


def test_what_was_typed_is_quoted_only_as_far_as_a_line_has_room(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words in (["replay"], ["export"], ["verify"], ["search"]):
        assert main([*words, "x" * 100_000, "--spool", str(tmp_path)]) == 1
        assert len(capsys.readouterr().err) < 1_000


def test_a_file_without_one_event_is_no_session(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.txt").write_text("no\nevents\n")
    assert main(["replay", str(tmp_path / "notes.txt")]) == 1
    assert "notes.txt has no events: 2 line(s) could not be read, 2 garbage." in capsys.readouterr().err


@pytest.mark.parametrize("words", [["replay"], ["explain"], ["export"], ["evidence", "outline"]])
def test_a_session_that_cannot_be_read_is_said_in_a_sentence(
    words: list[str], spool: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spool.mkdir(parents=True)
    (spool / "looped.jsonl").symlink_to(spool / "looped.jsonl")
    a_session("whole").write(spool)
    (spool / "linked.jsonl").symlink_to(spool / "whole.jsonl")
    for name in ("looped", str(spool / "looped.jsonl"), "linked"):
        code, out, err = run(capsys, *words, name, "--spool", spool)
        assert (code, out) == (1, "") and err
