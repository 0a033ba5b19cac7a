from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptetheus.cli import main
from tests.builders import a_failing_booking, a_passing_booking, a_session


@pytest.fixture
def recorded(spool: Path) -> Path:
    a_failing_booking().write(spool)
    a_passing_booking().write(spool)
    return spool


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["search", *(str(word) for word in words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_hit_is_one_line_with_session_step_and_snippet(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    code, out, err = run(capsys, "booked wednesday", "--spool", recorded)
    assert (code, err) == (0, "")
    assert out == "failing  step 4  agent  content: Booked Wednesday 2pm\n"


def test_nothing_found_is_told_on_stderr_and_by_the_exit_code(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    code, out, err = run(capsys, "no such text", "--spool", recorded)
    assert (code, out) == (1, "")
    assert err == f"'no such text' is not in {recorded}.\n"


def test_a_filter_chooses_the_sessions(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    _, out, _ = run(capsys, "booked", "--filter", "status:passed", "--spool", recorded)
    assert out.splitlines() == ["passing  step 4  agent  content: Booked Tuesday 2pm"]


def test_a_limit_is_never_silent(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    code, out, err = run(capsys, "tuesday", "--limit", 2, "--spool", recorded)
    assert code == 0
    assert len(out.splitlines()) == 2
    assert err == "There are more than 2 hits; --limit all shows all.\n"


def test_hits_as_json(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    code, out, _ = run(capsys, "Booked (Wed|Thu)", "--regex", "--case", "--json", "--spool", recorded)
    found = json.loads(out)
    (hit,) = found["hits"]
    assert code == 0
    assert found["truncated"] is False
    assert (hit["session_id"], hit["field"], hit["kind"]) == ("failing", "payload.content", "agent")
    assert hit["snippet"][hit["start"] : hit["end"]] == "Booked Wed"


def test_several_spools_are_searched(
    capsys: pytest.CaptureFixture[str], recorded: Path, tmp_path: Path
) -> None:
    a_session("other").says("Booked a table").write(tmp_path / "more")
    _, out, _ = run(capsys, "booked", "--spool", recorded, "--spool", tmp_path / "more")
    assert {text.split()[0] for text in out.splitlines()} == {"failing", "passing", "other"}


def test_a_bad_pattern_is_a_usage_error(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    code, _, err = run(capsys, "(", "--regex", "--spool", recorded)
    assert code == 2
    assert "not a regular expression" in err


def test_what_was_recorded_does_not_reach_the_terminal_raw(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    a_session("a").event(
        "tool_call", {"tool_name": "t", "arguments": {"x\x1b[2J": "needle \x1b]52;c;x\x07"}}
    ).write(spool)
    _, out, _ = run(capsys, "needle", "--spool", spool)
    assert "needle" in out
    assert "\x1b" not in out and "\x07" not in out
