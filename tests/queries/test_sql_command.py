from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from promptetheus.cli import main
from promptetheus.queries.views import VIEW_NAMES
from tests.builders import a_failing_booking, a_session
from tests.queries.written import append


@pytest.fixture
def recorded(spool: Path) -> Path:
    a_failing_booking("a").write(spool)
    return spool


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["sql", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_without_a_query_the_views_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    for name in VIEW_NAMES:
        assert f"{name}: " in out
    assert "result_seq" in out
    assert run(capsys, "--schema")[1] == out
    found = json.loads(run(capsys, "--json")[1])
    assert set(found["views"]) == set(VIEW_NAMES)
    assert {"name": "tool", "type": "VARCHAR", "description": "name of the tool"} in (
        found["views"]["tool_calls"]["columns"]
    )
    assert found["macros"]["share"]["call"] == "share(condition)"


def test_the_schema_of_one_view_or_macro_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--schema", "Scores")
    assert code == 0
    assert out.startswith("scores: one row a score.\n  session_id  varchar    the session\n")
    assert "tool_calls" not in out
    assert run(capsys, "--schema", "arg")[1].startswith("arg(value, path)\n")
    code, out, err = run(capsys, "--schema", "nope")
    assert (code, out) == (2, "")
    assert "no view or macro called 'nope'" in err and "tool_calls" in err and "latency" in err


def test_a_mistake_is_pointed_at(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = run(capsys, "select agent,\n  nothing from sessions", "--spool", recorded)
    assert code == 1
    assert err.splitlines()[-2:] == ["    nothing from sessions", "    ^^^^^^^"]
    _, _, err = run(capsys, "select * from tool_cals", "--spool", recorded)
    assert "There is no view called tool_cals. Did you mean tool_calls?" in err
    assert err.splitlines()[-1].strip() == "^^^^^^^^^"


def test_several_spools_are_asked_at_once(
    recorded: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other"
    a_session("a", agent="copy").write(other)
    a_session("b").write(other)
    query = "select session_id, agent, (select count(*) from events e where e.session_id = s.session_id) as n"
    code, out, err = run(
        capsys, f"{query} from sessions s order by 1", "--csv", "--spool", recorded, "--spool", other
    )
    assert code == 0
    assert out.splitlines() == ["session_id,agent,n", "a,calendar-agent,9", "b,calendar-agent,1"]
    assert "1 session is in two of the spools" in err


def test_a_result_of_many_rows_comes_out_whole(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "select range as n, 'row ' || range as s from range(30_000)"
    code, out, err = run(capsys, query, "--csv", "--max-rows", 25_000, "--spool", recorded)
    lines = out.splitlines()
    assert (code, len(lines), lines[0], lines[-1]) == (0, 25_001, "n,s", "24999,row 24999")
    assert err == "Only the first 25,000 rows; there are more. --max-rows N shows more of them.\n"
    code, out, err = run(capsys, query, "--json", "--max-rows", 30_000, "--spool", recorded)
    assert (code, len(json.loads(out)), err) == (0, 30_000, "")
    assert json.loads(run(capsys, "from range(0)", "--json", "--spool", recorded)[1]) == []


def test_a_table_aligns_numbers_right_and_words_left(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    query = "select * from (values ('x', 5, null), ('日本', 100, true)) t(name, n, flag)"
    code, out, err = run(capsys, query, "--spool", recorded)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "name    n  flag",
        "────  ───  ────",
        "x       5  –",
        "日本  100  true",
    ]


def test_json_holds_whole_values(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    query = "select tool, arguments, ts, 1.50 as d, 1 as d from tool_calls"
    code, out, _ = run(capsys, query, "--spool", recorded, "--json")
    (found,) = json.loads(out)
    assert code == 0
    assert found["tool"] == "search_calendar"
    assert found["arguments"] == {"day": "Tuesday"}
    assert found["ts"].startswith("2026-11-18T") and found["ts"].endswith("Z")
    assert (found["d"], found["d_2"]) == (1.5, 1)


def test_csv_has_a_header_and_raw_values(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(
        capsys, "select 'a,\"b\nc' as x, null as y, true as z, [1, 2] as l", "--spool", recorded, "--csv"
    )
    assert code == 0
    assert list(csv.reader(io.StringIO(out))) == [["x", "y", "z", "l"], ['a,"b\nc', "", "true", "[1, 2]"]]


def test_nothing_in_a_table_is_obeyed_by_a_terminal(
    recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    attack = "\x1b]52;c;aGk=\x07\x9b2J\u202eabc\x00\n\r"
    a_session("evil", agent=attack, goal="[/nope]").write(recorded)
    for words in (
        ['select agent, goal, 1 as "\x1b[2J" from sessions'],
        ["select agent from sessions", "--json"],
    ):
        _, out, err = run(capsys, *words, "--spool", recorded)
        for character in "\x1b\x07\x9b\u202e\x00\r":
            assert character not in out + err
        assert "nope" in out or "--json" in words
    _, out, err = run(capsys, f"select {attack}", "--spool", recorded)
    assert "\x1b" not in out + err


def test_what_is_left_out_is_said_on_stderr(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    append(recorded / "a.jsonl", b"garbage\n")
    for form in ([], ["--json"], ["--csv"]):
        code, out, err = run(capsys, "from range(10) t(n)", "--max-rows", 3, "--spool", recorded, *form)
        assert code == 0
        assert "Only the first 3 rows" in err
        assert "1 line of the spool is no event and was skipped" in err
        assert "Only" not in out


def test_a_query_that_fails_says_so_and_exits_1(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "select nothing from events", "--spool", recorded)
    assert (code, out) == (1, "")
    assert "nothing" in err
    code, _, err = run(capsys, "copy events to 'x'", "--spool", recorded)
    assert code == 1
    assert "Only queries run here" in err


def test_a_query_that_takes_too_long_says_so(recorded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    endless = "select count(*) from range(10000000) a, range(10000000) b"
    code, _, err = run(capsys, endless, "--timeout", 0.3, "--spool", recorded)
    assert code == 1
    assert "Stopped after" in err


@pytest.mark.parametrize(
    "words",
    [["x", "--max-rows", "0"], ["x", "--timeout", "0"], ["x", "--timeout", "nan"], ["x", "--json", "--csv"]],
)
def test_options_that_make_no_sense_are_refused(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert run(capsys, *words)[0] == 2


def test_a_missing_spool_has_empty_views(spool: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "select count(*) as n from events", "--spool", spool)
    assert code == 0
    assert out.split() == ["n", "─", "0"]
    assert "No spool directory" in err


def test_the_query_can_come_from_standard_input(
    recorded: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("select count(*) as n from sessions;\n"))
    code, out, _ = run(capsys, "-", "--spool", recorded)
    assert code == 0
    assert out.split() == ["n", "─", "1"]
