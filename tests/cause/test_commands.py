from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptetheus.cli import main
from tests.builders import SessionBuilder, a_failing_booking, a_passing_booking, a_session


def booking(session_id: str, day: str) -> SessionBuilder:
    passed = day == "Tuesday"
    return (
        a_session(session_id)
        .asks("Book Tuesday")
        .calls("search_slots", {"day": "Tuesday"}, result=["2pm"])
        .calls("book_slot", {"day": day}, result="ok")
        .checks(passed, *([] if passed else ["selected Wednesday"]))
        .ends()
    )


@pytest.fixture
def recorded(spool: Path) -> Path:
    """A passing and a failing booking, and a passing session of another goal."""
    booking("good", "Tuesday").write(spool)
    booking("bad", "Wednesday").write(spool)
    a_session("other", goal="Something else").checks(True).ends().write(spool)
    return spool


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_diff_with_one_session_picks_the_passing_one_and_says_which_and_why(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    code, out, _ = run(capsys, "diff", "bad", "--spool", recorded)
    lines = out.splitlines()
    assert code == 2
    assert lines[0] == "Compared with good: a passing session of the same agent and goal, the only one."
    assert lines[1].startswith("first divergence: step 3, book_slot, wrong arguments, sure (2 of 2 steps")
    assert lines[2] == "effective divergence: step 3, book_slot, wrong arguments, sure"
    assert lines[-1] == "REGRESSED"


def test_diff_without_a_passing_session_says_so(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    booking("bad", "Wednesday").write(spool)
    code, out, err = run(capsys, "diff", "bad", "--spool", spool)
    assert (code, out) == (1, "")
    assert "No passing session" in err


def test_diff_of_two_stays_as_it_was_unless_steps_are_asked_for(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    a_failing_booking().write(spool)
    a_passing_booking().write(spool)
    code, out, _ = run(capsys, "diff", "passing", "failing", "--spool", spool)
    assert code == 2
    assert out == "! regressed goal_check passed before, now fails\n\nREGRESSED\n"
    code, out, _ = run(capsys, "diff", "passing", "failing", "--spool", spool, "--steps")
    assert code == 2
    assert out.startswith("first divergence: step 4, message, other words")
    assert "-    4  agent     Booked Tuesday 2pm\n+    4  agent     Booked Wednesday 2pm\n" in out
    assert out.endswith("REGRESSED\n")


def test_diff_as_json_has_both_divergences_and_the_rows_when_asked(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    _, out, _ = run(capsys, "diff", "bad", "--spool", recorded, "--json", "--steps")
    data = json.loads(out)
    assert (data["baseline"], data["candidate"], data["regressed"]) == ("good", "bad", True)
    assert data["effective_divergence"]["changes"] == [
        {"path": "day", "before": "Tuesday", "after": "Wednesday"}
    ]
    assert [row["change"] for row in data["steps"]] == ["same", "same", "arguments"]
    assert data["not_comparable"] is None
    _, out, _ = run(capsys, "diff", "good", "bad", "--spool", recorded, "--json")
    assert "steps" not in json.loads(out)


def test_diff_refuses_a_noise_rule_that_does_not_exist(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    code, _, err = run(capsys, "diff", "bad", "--spool", recorded, "--keep", "colour")
    assert code == 2
    assert "no noise rule is called 'colour'" in err


def test_suspects_of_a_task_name_what_the_failing_ones_do(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    for number in range(6):
        booking(f"good-{number}", "Tuesday").write(spool)
        booking(f"bad-{number}", "Wednesday").write(spool)
    code, out, _ = run(capsys, "suspects", "bad-0", "--spool", spool)
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("6 failing and 6 passing sessions: 1 of ")
    assert lines[1] == '1.00  argument    book_slot(day="Wednesday")'
    assert "in 6 of 6 failing, 0 of 6 passing" in lines[2]
    code, out, _ = run(
        capsys,
        "suspects",
        "--failing",
        "status:failed",
        "--passing",
        "status:passed",
        "--spool",
        spool,
        "--json",
    )
    data = json.loads(out)
    assert (code, len(data["failing"]), len(data["passing"])) == (0, 6, 6)
    assert data["suspects"][0]["text"] == 'book_slot(day="Wednesday")'


def test_suspects_need_a_session_or_two_groups(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    assert run(capsys, "suspects", "--spool", recorded)[0] == 2
    assert run(capsys, "suspects", "nobody", "--spool", recorded)[0] == 1
    code, out, _ = run(capsys, "suspects", "other", "--spool", recorded)
    assert code == 1
    assert out.startswith("Nothing to compare: 0 failing and 1 passing session")


def test_explain_tells_a_session_in_as_many_words_as_asked(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    code, out, _ = run(capsys, "explain", "bad", "--spool", recorded, "--short")
    assert (code, out) == (0, "Failed its goal: selected Wednesday.\n")
    code, out, _ = run(capsys, "explain", "bad", "--spool", recorded)
    assert (code, len(out.splitlines())) == (0, 7)
    assert "Likeliest first mistake: step 3, book_slot" in out
    code, out, _ = run(capsys, "explain", "bad", "--spool", recorded, "--bytes", 100)
    assert len(out.encode()) <= 101
    code, out, _ = run(capsys, "explain", "bad", "--spool", recorded, "--json")
    assert json.loads(out)["status"] == "failed goal"


def test_explain_has_exit_codes(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    assert run(capsys, "explain", "nobody", "--spool", recorded)[0] == 1
    assert run(capsys, "explain", "bad", "--spool", recorded, "--bytes", 3)[0] == 2


def test_explain_lists_what_looks_wrong_with_its_steps(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    a_session("stuck").asks("Pay").says("Paid, all set").checks(False, "not paid").ends().write(spool)
    code, out, _ = run(capsys, "explain", "stuck", "--spool", spool, "--anomalies")
    assert code == 0
    first, *rest = out.splitlines()
    assert first.startswith('success claimed against a failed check: the agent\'s last words say "all set"')
    assert first.endswith("(step 2)")
    assert rest[0].startswith("Likeliest first mistakes, a guess")
    assert rest[1].endswith("step 2: Paid, all set")
    _, out, _ = run(capsys, "explain", "stuck", "--spool", spool, "--json")
    assert json.loads(out)["anomalies"][0]["steps"] == [2]
    assert json.loads(out)["first_mistakes"][0]["step"] == 2
    a_session("calm").ends().write(spool)
    assert run(capsys, "explain", "calm", "--spool", spool, "--anomalies")[1] == (
        "Nothing looks wrong in this session.\n"
    )
