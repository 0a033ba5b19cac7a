"""A report for the makers of the program says where it went wrong, and nothing that was recorded."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.bug_report import bug_report, outline
from promptetheus.tui.remembered import read_layout
from tests.tui.conftest import on_screen
from tests.tui.recorded import a_passing, a_running

MakeApp = Callable[..., PromptetheusApp]

SECRET = "the customer lives in Elm Street"


def gone_wrong() -> ValueError:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(f"{SECRET}\n  File somewhere, line 3") from error
    except ValueError as error:
        return error


def test_it_names_files_lines_and_kinds_of_errors_and_quotes_nothing() -> None:
    told = outline(gone_wrong())
    assert [line for line in told.split("\n") if not line.startswith("  ")] == [
        "ValueError",
        "after",
        "KeyError",
    ]
    assert "tests/tui/test_bug_report.py:" in told and " in gone_wrong" in told
    assert "Elm" not in told and "somewhere" not in told
    assert str(Path(__file__).resolve().parents[3]) not in told


def test_it_says_which_program_runs_in_which_terminal() -> None:
    told = bug_report(["ValueError"], (120, 40), "session", {"TERM": "xterm", "OPENAI_API_KEY": SECRET})
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in told
    assert "textual " in told and "120×40 cells, view session" in told and "TERM=xterm" in told
    assert "ValueError" in told and "Elm" not in told
    assert "Nothing went wrong" in bug_report([], (80, 24), "sessions", {})


async def test_a_key_copies_it(sessions_app: MakeApp, spool: Path) -> None:
    a_passing(spool, "passing")
    app = sessions_app()
    async with on_screen(app) as shown:
        await shown.until_text("1 session")
        assert app.report_error(gone_wrong())
        await shown.until_text("f8 copies a report")
        await shown.press("f8")
        await shown.until_text("Copied a report")
        assert "gone_wrong" in app.clipboard and "Elm" not in app.clipboard
        app.errors.clear()


async def test_the_bell_rings_when_a_session_fails_for_who_asked_for_it(
    sessions_app: MakeApp, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rung: list[str] = []
    run = a_running(spool, "01RUNS")
    app = sessions_app(layout=read_layout(spool))
    monkeypatch.setattr(app, "bell", lambda: rung.append("ring"))
    async with on_screen(app) as shown:
        await shown.until_text("1 session")
        await shown.press("ctrl+p")
        await shown.type("bell")
        await shown.press("enter")
        await shown.until_text("as it did just now")
        assert rung == ["ring"]
        run.check(False, "no seats left").end()
        await shown.until(lambda: len(rung) == 2, what="a session failed")
        app.exit()
    assert read_layout(spool).bell
