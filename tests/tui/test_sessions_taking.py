"""Taking a session out of the list with `x`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from promptetheus.importers.intake import import_paths
from promptetheus.notes import Notes, Subject
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.menu import Menu
from tests.tui.conftest import on_screen
from tests.tui.recorded import a_failing

MakeApp = Callable[..., PromptetheusApp]


@pytest.mark.parametrize("form", ["html", "markdown", "json"])
async def test_x_writes_the_highlighted_session_with_its_notes(
    sessions_app: MakeApp, spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    a_failing(spool, "01M8FAILED", ago=60)
    Notes(spool).add(Subject("01M8FAILED", 1), "the slot was wrong")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("1 session")
        await shown.until_text("live ●")
        await shown.press("x")
        await shown.until(lambda: isinstance(shown.app.screen, Menu), what="the formats")
        await shown.type(form)
        await shown.press("enter")
        await shown.until_text("Wrote session-01M8FAILED.")
    (file,) = elsewhere.iterdir()
    assert "the slot was wrong" in file.read_text()
    if form == "json":
        assert json.loads(file.read_text())["session_id"] == "01M8FAILED"
        other = tmp_path / "other" / "spool"
        (report,) = import_paths([file], other)
        assert not report.problem and report.adopted_notes == 1
        assert (other / "01M8FAILED.jsonl").read_bytes() == (spool / "01M8FAILED.jsonl").read_bytes()


async def test_x_without_a_session_says_what_is_missing(sessions_app: MakeApp, spool: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("Nothing recorded here yet")
        await shown.press("x")
        await shown.until_text("Highlight a session first")


async def test_x_draws_the_list_as_a_picture(
    sessions_app: MakeApp, spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_failing(spool, "01M8FAILED", ago=60)
    monkeypatch.chdir(tmp_path)
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("1 session")
        await shown.press("x")
        await shown.until(lambda: isinstance(shown.app.screen, Menu), what="the formats")
        await shown.type("svg")
        await shown.press("enter")
        await shown.until_text("Wrote sessions.svg")
    assert "booking-agent" in (tmp_path / "sessions.svg").read_text()
