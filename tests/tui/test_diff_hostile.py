"""Text made to attack the terminal or the program, in the Diff, the Failures and the Suspects view."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from promptetheus.encoding import encode_line
from promptetheus.notes import Notes, Subject
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.failures.failures_screen import FailuresScreen
from promptetheus.tui.failures.suspects_screen import SuspectsScreen
from promptetheus.tui.inspector.page_view import PageView
from promptetheus.tui.views import Place
from tests.tui.compared import diff_of
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import NOW, Recording
from tests.tui.test_session_hostile import ATTACKS, EVERYTHING, a_hostile_run, what_a_terminal_would_obey
from tests.tui.test_terminal_hostile import ATTACKS as OF_TERMINALS
from tests.tui.test_terminal_hostile import (
    KINDS,
    MARKUP,
    WIDE,
    Wire,
    add_a_hostile_step,
    assert_harmless,
    on_a_wire,
)

LEFT, RIGHT = "left\x1b]0;PWNED\x07\u202e", "right\x1b[2J\x9b31m\u200b"
"""Ids of sessions."""


def a_second_hostile_run(spool: Path, first: Path) -> Path:
    """The same run with another id and a word more in every text, so that every step differs."""
    text = first.read_text()
    path = spool / "01EVIM.jsonl"
    path.write_text(
        text.replace("01EVIL", "01EVIM").replace("red\\u001b", "green\\u001b").replace("owned", "pwned")
    )
    return path


def failing_and_passing(spool: Path) -> None:
    """Sessions of one hostile task: two that fail, two that pass."""
    for number, attack in enumerate([*ATTACKS[:4], *ATTACKS[:4]]):
        fails = number < 4
        run = Recording(spool, f"01E{number}", agent=EVERYTHING, goal=EVERYTHING, ago=500 - number)
        run.tool(EVERYTHING[:200], {attack: attack if fails else "calm"}, attack)
        run.check(not fails, *([EVERYTHING, attack] if fails else [])).end()


def with_a_summary_of_its_own(path: Path, **claimed: Any) -> None:
    """Make the last line of a session claim this: a summary is believed when it knows the size of what is before."""
    *before, last = path.read_bytes().splitlines(keepends=True)
    end = json.loads(last)
    end["metadata"]["summary"] |= claimed
    path.write_bytes(b"".join(before) + encode_line(end))


def hostile_on_both_sides(spool: Path) -> int:
    """Two sessions of one task that failed in ways of their own, with attacks in every kind of step; how many."""
    names = list(OF_TERMINALS)
    for side, session_id in enumerate((LEFT, RIGHT)):
        bad = f"{OF_TERMINALS['osc-0-title']} {MARKUP} {WIDE}"
        run = Recording(spool, session_id, agent=bad, goal=bad, ago=200 - side, tags=(bad,))
        for step in range(len(names)):
            attack = OF_TERMINALS[names[(step * 5) % len(names)]]
            add_a_hostile_step(run, step, f"MARK{step:03} {'one' if side else 'two'} {attack} {MARKUP}")
        run.tool("long", {"text": attack + "A" * 900_000 + str(side)}, WIDE * 2_000 + str(side))
        run.check(False, bad).end()
    with_a_summary_of_its_own(run.path, fingerprint=bad, label=bad)
    return len(names)


def pressed(wire: Wire, *keys: str) -> None:
    """Press keys one by one, and read what comes of each."""
    for key in keys:
        wire.press(key)
        wire.quiet()


async def look(shown: OnScreen, pane: PageView) -> None:
    """Whatever is on screen must be text."""
    await shown.pilot.pause()
    await shown.until(lambda: pane.is_settled)
    await shown.pilot.pause()
    assert what_a_terminal_would_obey(shown.app) == set()
    assert "could not be drawn" not in shown.text


@pytest.mark.parametrize("size", [(120, 40), (60, 24)])
async def test_nothing_hostile_reaches_the_screen_in_any_row_of_a_diff(
    spool: Path, size: tuple[int, int]
) -> None:
    first = a_hostile_run(spool).path
    async with diff_of(spool, first, a_second_hostile_run(spool, first), size=size) as diff:
        await diff.press("z")
        pane = diff.screen.query_one("#diff-details", PageView)
        assert diff.table.report is not None and diff.table.report.differences
        for row in range(diff.table.row_count()):
            diff.table.select(row)
            await look(diff.shown, pane)


async def test_nothing_hostile_reaches_the_screen_side_by_side_filtered_or_copied(spool: Path) -> None:
    first = a_hostile_run(spool).path
    async with diff_of(spool, first, a_second_hostile_run(spool, first)) as diff:
        app = diff.shown.app
        await diff.press("f", "enter")
        await diff.shown.until(lambda: len(app.screen_stack) == 3)
        pane = app.screen.query_one("#full", PageView)
        for _ in range(6):
            await look(diff.shown, pane)
            await diff.press("pagedown")
            await look(diff.shown, pane)
            await diff.press("n")
        await diff.press("escape", "y")
        await diff.shown.until(lambda: len(app.screen_stack) == 3)
        assert what_a_terminal_would_obey(app) == set()
        await diff.press("enter")
        await diff.shown.until(lambda: app.clipboard)
        assert all(character.isprintable() or character in "\n\t" for character in app.clipboard)
        await diff.press("v", "slash")
        await diff.shown.type("owned")
        await diff.shown.pilot.pause()
        assert what_a_terminal_would_obey(app) == set()


async def test_nothing_hostile_reaches_the_screen_in_failures_and_suspects(spool: Path) -> None:
    failing_and_passing(spool)
    app = PromptetheusApp(spool, clock=lambda: NOW, start=Place("failures"))
    async with on_screen(app, (140, 40)) as shown:
        screen = shown.app.screen
        assert isinstance(screen, FailuresScreen)
        await shown.until(lambda: screen.table.row_count() > 0)
        chosen = screen.table.chosen
        assert chosen is not None
        Notes(spool).add(Subject(fingerprint=chosen.failure.fingerprint), EVERYTHING)
        await shown.until_text("✎")
        for row in range(screen.table.row_count()):
            screen.table.select(row)
            await look(shown, screen.query_one("#failure-details", PageView))
        await shown.press("n")
        await shown.pilot.pause()
        assert what_a_terminal_would_obey(app) == set()
        await shown.press("escape", "s")
        await shown.until(lambda: isinstance(app.screen, SuspectsScreen) and app.screen.found is not None)
        suspects = app.screen
        assert isinstance(suspects, SuspectsScreen)
        for row in range(suspects.table.row_count()):
            suspects.table.select(row)
            await look(shown, suspects.query_one("#suspect-details", PageView))


async def test_a_fingerprint_that_somebody_made_up_is_shown_and_named_harmlessly(
    spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made_up = f"../../{EVERYTHING}"
    failing = Recording(spool, "01E0").tool("get", {}).check(False, "wrong").end().path
    with_a_summary_of_its_own(failing, fingerprint=made_up, label=made_up)
    Recording(spool, "01E1").tool("get", {}).check(True).end()
    app = PromptetheusApp(spool, clock=lambda: NOW, start=Place("failures"))
    async with on_screen(app, (140, 40)) as shown:
        screen = shown.app.screen
        assert isinstance(screen, FailuresScreen)
        await shown.until(lambda: screen.table.row_count() > 0)
        chosen = screen.table.chosen
        assert chosen is not None and chosen.failure.fingerprint.startswith("../../\x1b[31m")
        await look(shown, screen.query_one("#failure-details", PageView))
        for keys in (("y",), ("x",), ("n",)):
            await shown.press(*keys)
            await shown.pilot.pause()
            assert what_a_terminal_would_obey(app) == set()
            await shown.press("escape")
        await shown.press("s")
        await shown.until(lambda: isinstance(app.screen, SuspectsScreen) and app.screen.found is not None)
        suspects = app.screen
        assert isinstance(suspects, SuspectsScreen)
        await look(shown, suspects.query_one("#suspect-details", PageView))
        assert all(export.path.parent == tmp_path for export in suspects.exports())
        await shown.press("o")
        await shown.until_text("of 2")
        assert what_a_terminal_would_obey(app) == set()


@pytest.mark.terminal
def test_nothing_hostile_is_sent_to_the_terminal_by_a_diff(spool: Path) -> None:
    steps = hostile_on_both_sides(spool)
    with on_a_wire("--diff", LEFT, RIGHT, "--spool", str(spool)) as wire:
        wire.until("MARK")
        pressed(wire, "z", "g")
        for _ in range(steps + 5):
            pressed(wire, "j")
        for step in range(0, steps, KINDS):
            assert f"MARK{step:03}".encode() in wire.sent
        pressed(
            wire,
            "\r",
            "n",
            "n",
            "\x1b",
            "i",
            "\x1b",
            "v",
            "y",
            "\x1b",
            "x",
            "\x1b",
            "w",
            "G",
            "\r",
            "j",
            "\x1b",
        )
        assert len(wire.sent) < 3_000_000
        assert_harmless(wire.sent)


@pytest.mark.terminal
def test_nothing_hostile_is_sent_to_the_terminal_by_failures_and_suspects(spool: Path) -> None:
    failing_and_passing(spool)
    hostile_on_both_sides(spool)
    with on_a_wire("--spool", str(spool)) as wire:
        wire.until("10 sessions")
        wire.press("4")
        wire.until("ways of failing")
        pressed(wire, "j", "j", "j", "j", "g", "y", "\x1b", "x", "\x1b", "n", "\x1b")
        wire.press("s")
        wire.until(" failing and ")
        pressed(wire, *"jjjjjjjj", "\r", "\x1b", "y", "\x1b", "x", "\x1b", "/[MARK", "\x1b", "d")
        assert_harmless(wire.sent)


async def test_markup_in_what_is_compared_does_nothing_when_clicked(spool: Path) -> None:
    paths = []
    for session_id, word in (("01A", "one"), ("01B", "two")):
        paths.append(Recording(spool, session_id).agent(f"{word} [@click=app.quit]CLICKME[/]").end().path)
    async with diff_of(spool, *paths) as diff:
        for y, line in enumerate(diff.shown.lines):
            if "CLICKME" in line:
                await diff.shown.pilot.click(offset=(line.index("CLICKME") + 2, y))
        assert diff.shown.app.is_running and diff.shown.app.return_code is None


async def test_a_megabyte_in_a_line_costs_a_row_no_more_than_its_width(spool: Path) -> None:
    paths = []
    for session_id, word in (("01A", "one"), ("01B", "two")):
        run = Recording(spool, session_id).tool("get", {"text": f"{word} " * 250_000}, "x" * 1_000_000)
        paths.append(run.agent("done").end().path)
    async with diff_of(spool, *paths) as diff:
        assert "get(" in diff.here
        report = diff.table.report
        assert report is not None
        assert len(diff.here) <= 120
        await diff.press("enter")
        await diff.shown.until(lambda: len(diff.shown.app.screen_stack) == 3)
        await look(diff.shown, diff.shown.app.screen.query_one("#full", PageView))
