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


def test_diff_of_two_prints_what_release_2_did_and_tells_where_they_part_beside_it(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    a_failing_booking().write(spool)
    a_passing_booking().write(spool)
    code, out, err = run(capsys, "diff", "passing", "failing", "--spool", spool)
    assert code == 2
    assert err.startswith("first divergence: step 4, message, other words")
    assert out == "! regressed goal_check passed before, now fails\n\nREGRESSED\n"
    code, out, _ = run(capsys, "diff", "passing", "failing", "--spool", spool, "--steps")
    assert code == 2
    assert "≈    4    4  agent     Booked [-Tuesday-]{+Wednesday+} 2pm\n" in out
    assert "failed checks      0  →      1  +1\n" in out


def test_suspects_of_a_task_with_one_group_only_name_a_wider_question(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    booking("bad", "Wednesday").write(spool)
    code, out, err = run(capsys, "suspects", "bad", "--spool", spool)
    assert (code, out) == (
        1,
        "Nothing to compare: 1 failing and 0 passing sessions. (sessions of the same agent and goal)\n",
    )
    assert err == "All tasks of its agent: promptetheus suspects --agent calendar-agent\n"


def test_commands_that_compare_take_several_spools_as_one(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The failing sessions are in one, the passing ones in the other."""
    failing, passing = tmp_path / "failing", tmp_path / "passing"
    booking("bad", "Wednesday").write(failing)
    booking("good", "Tuesday").write(passing)
    places = ("--spool", failing, "--spool", passing)
    assert run(capsys, "diff", "bad", *places)[1].startswith("Compared with good: ")
    assert "in 1 of 1 failing, 0 of 1 passing" in run(capsys, "suspects", "bad", *places)[1]
    assert (
        run(capsys, "failures", "--by", "deviation", *places)[1]
        .splitlines()[0]
        .endswith("wrong arguments: book_slot(day)")
    )
    listed = json.loads(run(capsys, "failures", "--json", *places)[1])
    fingerprint = listed["failures"][0]["fingerprint"]
    assert listed["spools"] == [str(failing), str(passing)]
    assert run(capsys, "verify", fingerprint, *places)[0] == 3
    assert run(capsys, "export", "good", *places)[0] == 0
    assert run(capsys, "redaction", "check", "good", *places)[0] == 0
    code, _, err = run(capsys, "export", "nope", *places)
    assert code == 1
    assert err.startswith(f"No spooled session nope in {failing}, {passing}.")


def test_notes_of_all_spools_are_shown_and_new_ones_are_kept_beside_the_first(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    booking("bad", "Wednesday").write(first)
    booking("worse", "Wednesday").write(second)
    both = ("--spool", first, "--spool", second)
    fingerprint = json.loads(run(capsys, "failures", "--json", *both)[1])["failures"][0]["fingerprint"]
    run(capsys, "failures", "--note", fingerprint, "of the second", "--spool", second)
    _, out, _ = run(capsys, "failures", "--note", fingerprint, "of both", "--json", *both)
    listed = run(capsys, "failures", *both)[1]
    assert "2 sessions" in listed and "of the second" in listed and "of both" in listed
    alone = run(capsys, "failures", "--spool", first)[1]
    assert "of both" in alone and "of the second" not in alone
    assert run(capsys, "failures", "--remove-note", json.loads(out)["id"], "--spool", second, *both)[0] == 0
    assert "of both" not in run(capsys, "failures", *both)[1]


@pytest.mark.parametrize("passed", [True, False])
def test_diff_of_sessions_that_are_not_comparable_claims_no_change_on_stdout(
    capsys: pytest.CaptureFixture[str], spool: Path, passed: bool
) -> None:
    of_calendar = a_session("one", agent="calendar", goal="Book Tuesday").calls(
        "create_event", {"day": "Tue"}
    )
    of_calendar.checks(True).ends().write(spool)
    of_coding = a_session("other", agent="coding", goal="Fix the test").calls("edit_file", {"path": "a.py"})
    of_coding.checks(passed).ends().write(spool)
    code, out, err = run(capsys, "diff", "one", "other", "--spool", spool)
    assert out == "not comparable: another agent and another goal, and no step in common\n"
    assert code == (0 if passed else 2)
    assert ("Exit code 2 all the same: the second session fails" in err) is not passed
    assert "ignored: " in err, "the rest of the banner stays beside it"
    code, out, _ = run(capsys, "diff", "one", "other", "--spool", spool, "--steps")
    assert "edit_file" in out and "regress" not in out.lower()


def test_a_label_that_was_cut_is_printed_with_a_mark(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    said = "the final database state differs from the expected one in three places"
    a_session("first").checks(False, said).ends().write(spool)
    fingerprint, *_ = run(capsys, "fingerprint", "first", "--spool", spool)[1].split()
    a_session("second").checks(False, f"again {said}").ends().write(spool)
    marked = "goal mismatch: the final database state differs from the expect…\n"
    assert run(capsys, "fingerprint", "first", "--spool", spool)[1].startswith(f"{fingerprint}  {marked}")
    other = run(capsys, "fingerprint", "second", "--spool", spool)[1].split()[0]
    for words in (["failures"], ["sessions", "--long"], ["verify", other, "--since", "2020-01-01"]):
        assert "differs from the expect…" in run(capsys, *words, "--spool", spool)[1], words
    stored = json.loads(run(capsys, "fingerprint", "first", "--spool", spool, "--json")[1])["label"]
    assert stored == marked.rstrip("…\n"), "what programs read stays as it was"


def test_diff_of_equal_sessions_says_so_and_nothing_else(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    booking("again", "Tuesday").write(recorded)
    code, out, _ = run(capsys, "diff", "good", "again", "--spool", recorded)
    assert (code, out) == (0, "No differences: the two sessions match.\n")


def test_diff_names_the_call_inside_and_not_the_decorated_agent_around_it(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    for name, day in (("good", "Tuesday"), ("bad", "Wednesday")):
        session = a_session(name)
        call_id = session.opens_call("run_agent", {"goal": "Book"})
        session.calls("search_slots", {"day": "Tuesday"}, result=["2pm"]).calls("book_slot", {"day": day})
        session.event("tool_result", {"call_id": call_id, "result": f"{day} 2pm", "error": None})
        session.checks(day == "Tuesday").ends().write(spool)
    _, _, err = run(capsys, "diff", "good", "bad", "--spool", spool)
    assert err.startswith("first divergence: step 3, book_slot, wrong arguments")


def test_diff_takes_rules_and_corrections_of_the_project(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    rules = recorded.parent / "rules.toml"
    rules.write_text('[effects]\nbook_slot = "read"\n')
    _, _, told = run(capsys, "diff", "good", "bad", "--spool", recorded)
    assert "effective divergence: none" in told
    rules.write_text("[[rule]]\nname = 'day'\njson_path = 'day'\n")
    _, _, told = run(capsys, "diff", "good", "bad", "--spool", recorded)
    assert "first divergence: none" in told
    assert "ignored: uuids, ids, times, durations, paths, parallel, day" in told
    _, _, told = run(capsys, "diff", "good", "bad", "--spool", recorded, "--no-ignore", "day")
    assert "first divergence: step 3, book_slot" in told
    rules.write_text("[ignore]\ncolours = true\n")
    _, _, told = run(capsys, "diff", "good", "bad", "--spool", recorded)
    assert "no noise rule is called 'colours'" in told


def test_diff_writes_a_page(capsys: pytest.CaptureFixture[str], recorded: Path, tmp_path: Path) -> None:
    page = tmp_path / "diff.html"
    code, _, err = run(capsys, "diff", "bad", "--spool", recorded, "--html", page)
    assert (code, f"Wrote {page}" in err) == (2, True)
    assert "book_slot" in page.read_text()
    code, _, err = run(capsys, "diff", "bad", "--spool", recorded, "--html", tmp_path)
    assert (code, "Could not write" in err) == (1, True)


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
    code, _, err = run(capsys, "diff", "bad", "--spool", recorded, "--no-ignore", "colour")
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


@pytest.mark.parametrize("option", ["--failing", "--passing"])
def test_a_filter_that_is_not_understood_is_an_error(
    capsys: pytest.CaptureFixture[str], recorded: Path, option: str
) -> None:
    filters = {"--failing": "status:failed", "--passing": "status:passed", option: "status:purple"}
    words = [word for pair in filters.items() for word in pair]
    code, out, err = run(capsys, "suspects", *words, "--spool", recorded)
    assert (code, out, "purple" in err) == (2, "", True)


def test_suspects_of_an_agent_and_of_a_fingerprint(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    code, out, _ = run(capsys, "suspects", "--agent", "calendar-agent", "--spool", recorded)
    assert (code, out.startswith("1 failing and 2 passing sessions")) == (0, True)
    _, out, _ = run(capsys, "failures", "--spool", recorded, "--json")
    fingerprint = json.loads(out)["failures"][0]["fingerprint"]
    code, out, _ = run(capsys, "suspects", "--fingerprint", fingerprint[:6], "--spool", recorded)
    assert (code, out.startswith("1 failing and 1 passing session")) == (0, True)
    assert run(capsys, "suspects", "--agent", "nobody", "--spool", recorded)[0] == 1
    assert run(capsys, "suspects", "bad", "--agent", "calendar-agent", "--spool", recorded)[0] == 2


def test_the_number_of_sessions_still_wanting_is_said_once(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    _, out, _ = run(capsys, "suspects", "bad", "--spool", recorded)
    assert out.count("more in the same proportion") == 1
    assert out.splitlines()[2].endswith("too few sessions to tell")


def test_rules_shows_guesses_with_their_reasons_and_takes_corrections(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    code, out, _ = run(capsys, "rules", "--spool", recorded)
    assert code == 0
    assert "write    book_slot      88%  its name says book" in out
    assert (
        run(capsys, "rules", "--spool", recorded, "--effect", "book_slot=read", "--ignore", "numbers")[0] == 0
    )
    _, out, _ = run(capsys, "rules", "--spool", recorded, "--json")
    data = json.loads(out)
    corrected = next(each for each in data["effects"] if each["tool"] == "book_slot")
    assert (corrected["effect"], corrected["corrected"]) == ("read", True)
    assert {rule["name"]: rule["on"] for rule in data["ignored"]}["numbers"] is True
    run(capsys, "rules", "--spool", recorded, "--effect", "book_slot=guess")
    _, out, _ = run(capsys, "rules", "--spool", recorded)
    assert "write    book_slot" in out


def test_a_correction_of_a_tool_that_nobody_called_is_kept_and_doubted(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    code, _, err = run(capsys, "rules", "--spool", recorded, "--effect", "bok_slot=write")
    assert code == 0
    assert "No session here has called bok_slot yet: is that its name?" in err
    _, _, err = run(capsys, "rules", "--spool", recorded, "--effect", "book_slot=write")
    assert "is that its name?" not in err


def test_rules_refuses_what_it_does_not_know(capsys: pytest.CaptureFixture[str], recorded: Path) -> None:
    assert run(capsys, "rules", "--spool", recorded, "--effect", "book_slot=maybe")[0] == 2
    assert run(capsys, "rules", "--spool", recorded, "--ignore", "colours")[0] == 2
    assert not (recorded.parent / "rules.toml").exists()
    (recorded.parent / "rules.toml").write_text("not [ toml")
    code, _, err = run(capsys, "rules", "--spool", recorded, "--ignore", "numbers")
    assert (code, "not changed" in err) == (1, True)
    assert (recorded.parent / "rules.toml").read_text() == "not [ toml"


def test_a_failure_is_shown_alone_with_its_sessions_and_notes(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    _, out, _ = run(capsys, "failures", "--spool", recorded, "--json")
    fingerprint = json.loads(out)["failures"][0]["fingerprint"]
    code, _, err = run(
        capsys, "failures", "--spool", recorded, "--note", fingerprint[:6], "wrong \x1b[31mtime zone"
    )
    assert (code, f"Noted about {fingerprint}" in err) == (0, True)
    code, out, _ = run(capsys, "failures", fingerprint[:6], "--spool", recorded)
    assert code == 0
    assert "wrong ␛[31mtime zone" in out
    assert "        bad  " in out
    _, out, _ = run(capsys, "failures", "--spool", recorded, "--json")
    note = json.loads(out)["failures"][0]["notes"][0]
    assert run(capsys, "failures", "--spool", recorded, "--remove-note", note["id"])[0] == 0
    assert run(capsys, "failures", "--spool", recorded, "--remove-note", note["id"])[0] == 1
    assert run(capsys, "failures", "--spool", recorded, "--note", "beef", "x")[0] == 1
    assert run(capsys, "failures", "--spool", recorded, "--note", fingerprint, " ")[0] == 2
    assert run(capsys, "failures", "beef", "--spool", recorded)[0] == 1
    assert run(capsys, "failures", "--limit", "0", "--spool", recorded)[0] == 2


def test_failures_by_deviation_report_those_without_a_passing_session_apart(
    capsys: pytest.CaptureFixture[str], recorded: Path
) -> None:
    a_session("lonely", goal="Nobody did this").checks(False).ends().write(recorded)
    code, out, _ = run(capsys, "failures", "--by", "deviation", "--spool", recorded)
    assert code == 0
    assert "wrong arguments: book_slot(day)\n      1 session  bad\n" in out
    assert out.endswith("nothing to hold them against: 1\n      lonely\n")
    _, out, _ = run(capsys, "failures", "--by", "deviation", "--spool", recorded, "--json")
    data = json.loads(out)
    assert (data["classes"][0]["sessions"], data["without_passing"]) == (["bad"], ["lonely"])


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


def test_a_failure_alone_says_what_its_label_has_no_room_for(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    said = "book_slot(day='Wednesday') was not the expected one: anya_4318 wanted Tuesday"
    a_session("bad").checks(False, said).ends().write(spool)
    _, out, _ = run(capsys, "failures", "--spool", spool)
    head = out.splitlines()[0]
    assert head.endswith("was not the expected one: any…") and "anya" not in out
    code, out, _ = run(capsys, "failures", head[:6], "--spool", spool)
    assert (code, out.splitlines()[1]) == (0, f"      Failed its goal: {said}.")
    told = json.loads(run(capsys, "failures", head[:6], "--spool", spool, "--json")[1])
    assert "…" not in told["label"], "data is as it was"
