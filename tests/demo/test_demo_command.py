"""`promptetheus demo`, as a person or a script runs it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from promptetheus.cli import main
from promptetheus.demo.record import PROGRAMME

COMMAND = [sys.executable, "-c", "import sys; from promptetheus.cli import main; sys.exit(main())"]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_writes_to_its_own_directory_only(here: Path) -> None:
    assert main(["demo", "--no-tui", "--fast"]) == 0
    assert [path.name for path in here.iterdir()] == [".promptetheus"]
    assert [path.name for path in (here / ".promptetheus").iterdir()] == ["demo"]
    assert len(list((here / ".promptetheus/demo/spool").glob("*.jsonl"))) == len(PROGRAMME)


@pytest.mark.parametrize("option", ["--spool", "--dir"])
def test_it_writes_where_it_is_told(option: str, here: Path) -> None:
    assert main(["demo", "--no-tui", "--fast", option, "else where"]) == 0
    assert [path.name for path in here.iterdir()] == ["else where"]


def test_the_talk_goes_to_stderr_and_what_to_do_next_to_stdout(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["demo", "--no-tui", "--fast"])
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1 + len(PROGRAMME)
    assert "✗ failed goal" in printed.err and "✗ failed goal" not in printed.out
    assert "promptetheus tui --spool .promptetheus/demo/spool" in printed.out


def test_the_commands_it_tells_to_try_work_as_they_are_printed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["demo", "--no-tui", "--fast", "--spool", "else where"])
    commands = re.findall(r"^  promptetheus (.*)$", capsys.readouterr().out, re.MULTILINE)
    printed = {}
    for words in map(shlex.split, commands):
        if words[0] != "tui":
            code = main(words)
            printed[words[0]] = capsys.readouterr().out
            assert code == (2 if words[0] == "diff" else 0), words
    assert list(printed) == ["sessions", "replay", "fingerprint", "diff", "sql"]
    assert printed["sessions"].count("event(s)") == len(PROGRAMME)
    assert printed["fingerprint"].startswith("8ae0f41220d0  goal mismatch: selected wednesday, not tuesday\n")
    assert "regressed goal_check" in printed["diff"]
    assert "failed goal" in printed["sql"]


def test_as_json_it_prints_the_sessions_and_nothing_else(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["demo", "--json", "--fast"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["spool"] == ".promptetheus/demo/spool"
    assert len(found["sessions"]) == len(PROGRAMME)
    first = found["sessions"][0]
    assert (first["agent"], first["status"], first["fingerprint"]) == ("calendar-agent", "passed", None)


def test_without_a_terminal_it_says_what_to_do_next_and_ends(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "demo", "--fast"], cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "What to look at next" in done.stdout


def test_a_second_demo_replaces_the_first(here: Path) -> None:
    spool = here / ".promptetheus/demo/spool"
    main(["demo", "--no-tui", "--fast"])
    first = {path.name for path in spool.glob("*.jsonl")}
    main(["demo", "--no-tui", "--fast"])
    second = {path.name for path in spool.glob("*.jsonl")}
    assert len(second) == len(PROGRAMME) and not first & second


def test_sessions_of_the_user_in_the_same_directory_stay(here: Path) -> None:
    spool = here / ".promptetheus/spool"
    spool.mkdir(parents=True)
    (spool / "mine.jsonl").write_text('{"type":"user_message"}\n')
    for _ in range(2):
        assert main(["demo", "--no-tui", "--fast", "--spool", str(spool)]) == 0
    assert (spool / "mine.jsonl").exists()
    assert len(list(spool.glob("*.jsonl"))) == len(PROGRAMME) + 1


def test_a_place_that_cannot_be_written_is_told_without_a_traceback(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "file").write_text("")
    assert main(["demo", "--no-tui", "--fast", "--spool", "file/spool"]) == 1
    printed = capsys.readouterr()
    assert "Cannot record in file/spool: Not a directory" in printed.err
    assert printed.out == ""


def test_other_files_in_its_own_directory_stay_too(here: Path) -> None:
    spool = here / ".promptetheus/demo/spool"
    spool.mkdir(parents=True)
    (spool / "README").write_text("notes")
    os.symlink(here, spool / "link")
    for _ in range(2):
        assert main(["demo", "--no-tui", "--fast"]) == 0
    assert (spool / "README").read_text() == "notes" and (spool / "link").is_symlink()
