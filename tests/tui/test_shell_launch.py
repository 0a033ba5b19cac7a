"""`promptetheus tui`: what its argument may name, and what it says when it cannot show it."""

from __future__ import annotations

import gc
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from promptetheus.cli import main
from promptetheus.queries.session_log import SessionLog
from promptetheus.tui import launch
from promptetheus.tui.launch import CannotShow, Target, find_target
from promptetheus.tui.session.session_subject import StepOf
from tests.tui.recorded import a_failing, a_passing


@pytest.fixture
def recorded(spool: Path) -> Path:
    """A spool with two sessions."""
    a_failing(spool, "01M8110FAILED")
    a_passing(spool, "01M80Z0PASSED")
    return spool


def test_without_an_argument_the_whole_spool_is_shown(recorded: Path) -> None:
    assert find_target(None, recorded, spool_given=True) == Target(recorded, None)


@pytest.mark.parametrize("name", ["01M8110FAILED", "01M811", "01m811"])
def test_a_session_is_found_by_its_id_or_the_beginning_of_it(recorded: Path, name: str) -> None:
    assert find_target(name, recorded, spool_given=True) == Target(recorded, recorded / "01M8110FAILED.jsonl")


def test_a_directory_is_a_spool(recorded: Path, tmp_path: Path) -> None:
    assert find_target(str(recorded), tmp_path / "other", spool_given=False) == Target(recorded, None)


@pytest.mark.parametrize("named", [".", ".promptetheus", ".promptetheus/spool"])
def test_the_directory_of_a_project_stands_for_its_spool(tmp_path: Path, named: str) -> None:
    spool = tmp_path / ".promptetheus" / "spool"
    a_failing(spool, "01M8110FAILED")
    (tmp_path / "results.jsonl").write_text("{}\n")
    assert find_target(str(tmp_path / named), tmp_path / "other", spool_given=False) == Target(spool, None)


def test_a_session_file_is_shown_among_its_neighbours(recorded: Path, tmp_path: Path) -> None:
    file = recorded / "01M8110FAILED.jsonl"
    assert find_target(str(file), tmp_path / "other", spool_given=False) == Target(recorded, file)
    assert find_target(str(file), tmp_path / "other", spool_given=True) == Target(tmp_path / "other", file)


def test_an_exported_session_is_shown_over_the_spool(recorded: Path, tmp_path: Path) -> None:
    exported = tmp_path / "session.json"
    events = [json.loads(line) for line in (recorded / "01M8110FAILED.jsonl").read_text().splitlines()]
    exported.write_text(json.dumps({"events": events}))
    assert find_target(str(exported), recorded, spool_given=False) == Target(recorded, exported)


def test_a_session_can_be_opened_at_a_step(recorded: Path) -> None:
    path = next(recorded.glob("*.jsonl"))
    place = find_target(path.stem, recorded, spool_given=True, step=3).place
    assert place is not None and place.view == "session"
    assert place.subject == StepOf(path, 3)


def test_a_step_without_a_session_is_an_error_that_says_so(recorded: Path) -> None:
    for target in (None, str(recorded)):
        with pytest.raises(CannotShow, match="--step needs a session"):
            find_target(target, recorded, spool_given=True, step=3)


def test_a_name_that_means_nothing_says_where_it_looked(recorded: Path) -> None:
    with pytest.raises(CannotShow, match=r"nothing-like-it.*promptetheus sessions"):
        find_target("nothing-like-it", recorded, spool_given=True)


def test_a_beginning_of_several_sessions_says_which_is_which(recorded: Path) -> None:
    with pytest.raises(CannotShow, match="add a few more characters") as raised:
        find_target("01M8", recorded, spool_given=True)
    _, passed, failed = str(raised.value).splitlines()
    assert "01M80Z0PASSED  ✓ passed  booking-agent" in passed
    assert "01M8110FAILED  ✗ failed goal  booking-agent" in failed


def test_a_session_that_cannot_be_read_is_listed_all_the_same(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(log: SessionLog) -> object:
        raise PermissionError(13, "Permission denied", str(log.path))

    monkeypatch.setattr(SessionLog, "row", refuse)
    with pytest.raises(CannotShow, match="01M8110FAILED  cannot be read: Permission denied"):
        find_target("01M8", recorded, spool_given=True)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("notes.jsonl", '{"a": 1}\nplain text\n', "none of its first 2 lines is an event"),
        ("passwd", "root:x:0:0\nnobody:x:1:1\n", "none of its first 2 lines is an event"),
        ("other.json", '{"a": 1}', "JSON without a list of events"),
        ("broken.json", "{broken", "not JSON"),
    ],
)
def test_a_file_that_is_no_session_is_not_shown_as_an_empty_one(
    recorded: Path, tmp_path: Path, name: str, content: str, why: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(CannotShow, match=why):
        find_target(str(tmp_path / name), recorded, spool_given=False)


@pytest.mark.parametrize("content", ["", '{"event_id": "e1", "sess'])
def test_a_session_that_has_just_begun_is_shown(recorded: Path, content: str) -> None:
    begun = recorded / "01M9BEGUN.jsonl"
    begun.write_text(content)
    assert find_target("01M9", recorded, spool_given=True).session == begun


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["-"], "cannot show standard input"),
        (["01M811", "01M80Z"], "2 are named"),
        (["--spool", __file__], "takes a directory"),
        (["--diff", "a", "b", "c"], "one session or two"),
    ],
)
def test_what_cannot_be_asked_for_is_wrong_use(
    recorded: Path, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    spool = [] if "--spool" in words else ["--spool", str(recorded)]
    assert main(["tui", *words, *spool]) == 2
    assert said in capsys.readouterr().err


def run_without_a_terminal(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "promptetheus.cli", "tui", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_without_a_terminal_it_says_what_to_do_instead(recorded: Path) -> None:
    done = run_without_a_terminal("--spool", str(recorded))
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr and "promptetheus sessions" in done.stderr
    assert done.stdout == ""


def test_an_unknown_session_is_an_error_before_anything_else(recorded: Path) -> None:
    done = run_without_a_terminal("no-such-session", "--dir", str(recorded))
    assert done.returncode == 1
    assert "no-such-session" in done.stderr
    assert done.stdout == ""


def test_a_hostile_argument_is_printed_harmlessly(recorded: Path) -> None:
    done = run_without_a_terminal("\x1b]0;pwned\x07", "--spool", str(recorded))
    assert done.returncode == 1
    assert "\x1b" not in done.stderr and "\x07" not in done.stderr


def test_an_unknown_theme_is_an_error_that_lists_the_themes(
    recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(launch, "has_terminal", lambda: True)
    assert main(["tui", "--spool", str(recorded), "--theme", "no-such-theme"]) == 2
    said = capsys.readouterr().err
    assert "no-such-theme" in said and "promptetheus-light" in said
    gc.enable()


def test_a_terminal_without_any_abilities_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    master, terminal = pty.openpty()
    stream = os.fdopen(terminal, "w")
    try:
        monkeypatch.setattr(sys, "__stdin__", stream)
        monkeypatch.setattr(sys, "__stderr__", stream)
        assert launch.has_terminal()
        monkeypatch.setenv("TERM", "dumb")
        assert not launch.has_terminal()
        monkeypatch.setenv("TERM", "xterm-256color")
        monkeypatch.setattr(sys, "__stderr__", None)
        assert not launch.has_terminal()
    finally:
        stream.close()
        os.close(master)


def test_nothing_heavy_is_loaded_before_the_first_frame(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from promptetheus.tui.app import PromptetheusApp\n"
        "PromptetheusApp(pathlib.Path('spool'))\n"
        "print(*sorted(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(done.stdout.split())
    heavy = {
        "duckdb",
        "PIL",
        "genai_prices",
        "httpx",
        "pydantic",
        "watchfiles",
        "rapidfuzz",
        "ijson",
        "anyio",
    }
    assert loaded & heavy == set()
    later = {
        "session.session_screen", "help_screen", "palette", "pictures.picture", "inspector.markdown_view",
        "session.timeline", "inspector.inspector",
    }  # fmt: skip
    assert {f"promptetheus.tui.{module}" for module in later} & loaded == set()
    assert "promptetheus.queries.live" not in loaded


def test_a_dumb_terminal_is_named_as_what_it_is() -> None:
    assert "TERM=dumb" in launch.no_terminal({"TERM": "dumb"})
    assert "TERM=dumb" not in launch.no_terminal({"TERM": "xterm"})
