from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptetheus.cli import main
from tests.builders import a_passing_booking
from tests.importers.foreign_runs import ClaudeLines, tau_record, write_json


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["import", *map(str, words)])
    said = capsys.readouterr()
    return code, said.out, said.err


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write_json(tmp_path / "gpt-4o-airline.json", [tau_record(trial=0), tau_record(trial=1)])


def test_it_says_what_it_imported_and_what_to_do_next(
    capsys: pytest.CaptureFixture[str], spool: Path, results: Path
) -> None:
    code, out, err = run(capsys, results, "--spool", spool)
    assert code == 0
    assert out.splitlines() == [
        f"{results}: tau-bench, 2 session(s) imported, 10 event(s)",
        "  kept as metadata: system prompt ×2",
        f"Imported 10 event(s) to {spool}.",
    ]
    assert err == f"See them: promptetheus tui --spool {spool}\n"


def test_the_second_time_there_is_nothing_new(
    capsys: pytest.CaptureFixture[str], spool: Path, results: Path
) -> None:
    run(capsys, results, "--spool", spool)
    code, out, err = run(capsys, results, "--dir", spool)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"{results}: tau-bench, 2 session(s) already there, 0 event(s)",
        f"Nothing new: 2 session(s) were in {spool} already.",
    ]


def test_the_report_as_json(capsys: pytest.CaptureFixture[str], spool: Path, results: Path) -> None:
    code, out, _ = run(capsys, results, "/nowhere", "--spool", spool, "--json")
    report = json.loads(out)
    assert code == 1
    assert report["totals"] == {
        "imported": 2,
        "appended_to": 0,
        "already_there": 0,
        "events": 10,
        "problems": 1,
    }
    good, bad = report["files"]
    assert (good["format"], good["imported"], good["problem"]) == ("tau-bench", 2, None)
    assert good["kept_as_metadata"] == {"system prompt": 2}
    assert {session["outcome"] for session in good["sessions"]} == {"imported"}
    assert bad["problem"] == "No such file: /nowhere"


@pytest.mark.parametrize(
    ("content", "words", "code"),
    [
        ("# no json", "Could not parse {path} as JSON.", 1),
        ('[{"torn": ', "Could not parse {path} as JSON.", 1),
        ('{"a": 1}', "{path} is JSON, but of no format that can be imported.", 1),
        ("", "Could not parse {path} as JSON.", 1),
        ('{"session_id": "x", "events": [], "summary": {}}', "{path} has no events to import.", 0),
        ('{"simulations": [], "tasks": []}', "{path} has no events to import.", 0),
    ],
)
def test_a_file_with_nothing_for_us_is_named_in_one_line(
    capsys: pytest.CaptureFixture[str], spool: Path, tmp_path: Path, content: str, words: str, code: int
) -> None:
    path = tmp_path / "file.json"
    path.write_text(content)
    said = run(capsys, path, "--spool", spool)
    assert said[0] == code
    assert words.format(path=path) in said[1] + said[2]
    assert "Traceback" not in said[2]


def test_a_missing_file_does_not_stop_the_others(
    capsys: pytest.CaptureFixture[str], spool: Path, results: Path
) -> None:
    code, out, err = run(capsys, "/nowhere", results, "--spool", spool)
    assert code == 1
    assert "No such file: /nowhere" in err
    assert f"Imported 10 event(s) to {spool}." in out


def test_a_directory_is_walked_and_what_is_not_for_us_is_left_alone(
    capsys: pytest.CaptureFixture[str], spool: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "projects"
    ClaudeLines("one").asks("a").write(folder / "p" / "one.jsonl")
    ClaudeLines("two").asks("b").write(folder / "q" / "deep" / "two.jsonl")
    (folder / "package.json").write_text('{"name": "x"}')
    (folder / "picture.png").write_bytes(b"\x89PNG")
    code, out, err = run(capsys, folder, "--spool", spool)
    assert code == 0
    assert out.count("1 session(s) imported") == 2
    assert "1 JSON file(s) of other formats were left alone." in err


def test_a_directory_without_anything_says_so(
    capsys: pytest.CaptureFixture[str], spool: Path, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    assert run(capsys, tmp_path / "in", "--spool", spool)[:2] == (
        0,
        "Nothing to import: no file is of a format we know "
        "(tau-bench, tau2-bench, claude-code, who-and-when, promptetheus).\n",
    )


def test_records_that_were_left_out_are_named(
    capsys: pytest.CaptureFixture[str], spool: Path, tmp_path: Path
) -> None:
    path = write_json(tmp_path / "r.json", [tau_record(), {"traj": "\x1b[31mred"}])
    code, _, err = run(capsys, path, "--spool", spool)
    assert code == 0
    assert "  not imported: record 1: no object with a list of messages (traj)" in err


def test_hostile_names_do_not_reach_the_terminal_raw(
    capsys: pytest.CaptureFixture[str], spool: Path, tmp_path: Path
) -> None:
    lines = ClaudeLines().line("\x1b]0;owned\x07", data="x").asks("a")
    path = lines.write(tmp_path / "\x1b[31mred\u202e.jsonl")
    _, out, err = run(capsys, path, "--spool", spool)
    assert "1 session(s) imported" in out
    assert not set("\x1b\x07\u202e") & set(out + err)


def test_our_own_spool_files_can_be_imported(
    capsys: pytest.CaptureFixture[str], spool: Path, tmp_path: Path
) -> None:
    path = a_passing_booking().write(tmp_path / "old")
    assert run(capsys, path, "--spool", spool)[0] == 0
    assert main(["replay", "passing", "--spool", str(spool)]) == 0


def test_a_format_can_be_told(capsys: pytest.CaptureFixture[str], spool: Path, results: Path) -> None:
    code, out, _ = run(capsys, results, "--format", "tau2-bench", "--spool", spool)
    assert (code, out) == (0, f"{results} has no events to import.\n")


@pytest.mark.parametrize("words", [[], ["x", "--format", "vhs"], ["x", "--nope"]])
def test_a_command_that_is_not_understood_ends_with_2(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert run(capsys, *words)[0] == 2


def test_a_spool_that_cannot_be_written_is_one_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, results: Path
) -> None:
    (tmp_path / "file").write_text("")
    code, out, err = run(capsys, results, "--spool", tmp_path / "file" / "spool")
    assert (code, out) == (1, "")
    assert err.startswith(f"Cannot write to the spool {tmp_path}/file/spool: ")
