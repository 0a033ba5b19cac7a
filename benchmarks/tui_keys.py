"""From a key to the frame that answers it, in every list of a spool of a million events."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import cycle, islice
from pathlib import Path

from benchmarks.terminal import NothingHappened, Terminal
from benchmarks.terminal_screen import TerminalScreen
from benchmarks.tui_programs import Program, data_table, ours, shows_events, shows_sessions
from benchmarks.tui_results import Result, Took, spread, within
from benchmarks.tui_start import COMPARED, SETTLE_S, Data, between, shows_steps, wait_for_list

REPAINT_MS = 33.0
UP, DOWN, PAGE_UP, PAGE_DOWN, HOME, END = "\x1b[A", "\x1b[B", "\x1b[5~", "\x1b[6~", "\x1b[H", "\x1b[F"
MARKER = "▌"
"""Stands before the highlighted row of our lists."""

LONG_WALK = (*[DOWN] * 8, *[PAGE_DOWN] * 4, *[UP] * 4, *[PAGE_UP] * 2, END, *[UP] * 3, HOME)
PAUSE_S = (0.005, 0.04)
"""Between an answer and the next key: keys come at any moment of what the program does by itself."""

FILTER = "status:failed agent:boo"
TYPING_S = (0.05, 0.2)
"""Between letters, as people type them."""


def sessions(data: Data, others: Mapping[str, Program], keys: int) -> Result:
    """In the list of sessions; others show them in their way, all keys the same."""
    program = ours(data.spool, shows=shows_sessions)
    with program.run() as terminal:
        wait_for_list(terminal, data)
        times = walked(terminal, LONG_WALK, keys)
    found = _walked_others({"DataTable": data_table(data.spool), **others}, keys // 2)
    return _result("key to repaint: sessions", times, found)


def typing_a_filter(data: Data, keys: int) -> Result:
    """In the field above the list of sessions, from a letter to the list that it leaves."""
    times: list[Took] = []
    choose = random.Random(keys)
    with ours(data.spool, shows=shows_sessions).run() as terminal:
        wait_for_list(terminal, data)
        while len(times) < keys:
            terminal.press("/")
            terminal.until_text("tab lists all")
            for length, letter in enumerate(FILTER, 1):
                terminal.pass_time(choose.uniform(*TYPING_S))
                typed = f"/ {FILTER[:length]}".rstrip()
                pressed = terminal.press(letter)
                times.append(between(pressed, terminal.until_text(typed)))
            terminal.press("\x15")  # ctrl+u: nothing is typed
            terminal.until_text("tab lists all")
            terminal.rest()
            terminal.press("\r")
            terminal.rest()
    return _result("key to repaint: typing a filter", times)


def timeline(data: Data, others: Mapping[str, Program], keys: int) -> Iterator[Result]:
    """In the session of 100,000 events, in each of its shapes."""
    found = _walked_others({"DataTable": data_table(data.spool, data.long), **others}, keys // 2)
    with ours(data.spool, data.long, shows=shows_events).run() as terminal:
        terminal.until(shows_steps)
        terminal.pass_time(2 * SETTLE_S)
        for shape in ("steps", "tree", "waterfall", "raw"):
            terminal.press(HOME)
            terminal.rest()
            times = walked(terminal, LONG_WALK, keys)
            yield _result(f"key to repaint: timeline, {shape}", times, found if shape == "raw" else {})
            terminal.press("v")
            terminal.pass_time(SETTLE_S)


def failures(data: Data, keys: int) -> Result:
    """In the list of failures."""
    with ours(data.spool, shows=shows_sessions).run() as terminal:
        wait_for_list(terminal, data)
        terminal.press("4")
        terminal.until_text("wrong ")
        terminal.pass_time(SETTLE_S)
        return _result("key to repaint: failures", walked(terminal, LONG_WALK, keys))


def sql(data: Data, keys: int) -> Result:
    """In a result of a million rows."""
    query = "select session_id, seq, type, payload from events"
    with ours(data.spool, "--sql", query, shows=shows_sessions).run() as terminal:
        terminal.until_text("row 1 of")
        terminal.press(END)  # However far that is: it is looked for once, before anything is timed.
        terminal.until(lambda screen: re.search(r"row [\d,]{7,} of", screen.text))
        terminal.pass_time(SETTLE_S)
        return _result("key to repaint: SQL, a million rows", walked(terminal, LONG_WALK, keys))


def diff(data: Data, keys: int) -> Result:
    """Between two sessions of 5,000 steps."""
    names = [f"{COMPARED}{number}" for number in range(2)]
    with ours(data.spool, "--diff", *names, shows=shows_sessions).run() as terminal:
        terminal.until_text("first divergence")
        terminal.pass_time(SETTLE_S)
        return _result("key to repaint: diff", walked(terminal, LONG_WALK, keys))


def while_reading(data: Data, keys: int) -> Result:
    """In the list while the other sessions are still being read and priced."""
    program = ours(data.spool, shows=shows_sessions)
    times: list[Took] = []
    while len(times) < keys:
        with program.run() as terminal:
            terminal.until(program.shows)
            times += walked(terminal, LONG_WALK, 40)
    return _result("key to repaint: sessions, right after start", times)


def walked(terminal: Terminal, walk: tuple[str, ...], keys: int, *, marked: bool = True) -> list[Took]:
    """Press keys one after another and time each.

    Args:
        marked: Whether the row that is highlighted is marked by a character; else the next frame is the answer.
    """
    choose = random.Random(keys)
    times: list[Took] = []
    lost = 0
    for key in islice(cycle(walk), keys):
        terminal.pass_time(choose.uniform(*PAUSE_S))
        answered = moved_from(terminal.screen) if marked else anything
        pressed = terminal.press(key)
        try:
            answer = terminal.until(answered, 2.0)
        except NothingHappened:
            lost += 1  # Nothing to answer, such as one row up from the first.
            if lost > keys // 5:
                raise
            continue
        times.append(between(pressed, answer))
    return times


def _walked_others(programs: Mapping[str, Program], keys: int) -> dict[str, str]:
    found = {}
    for name, program in programs.items():
        try:
            with program.run() as terminal:
                terminal.until(program.shows)
                terminal.pass_time(SETTLE_S)
                terminal.press(HOME)
                terminal.rest()
                found[name] = spread(walked(terminal, LONG_WALK, keys, marked=False))
        except NothingHappened:
            found[name] = "gave no answer"
    return found


def moved_from(screen: TerminalScreen) -> Callable[[TerminalScreen], bool]:
    """Whether another row is highlighted than is now, and on screen: a list that has yet to scroll shows none."""
    before = _place(screen)
    return lambda screen: _place(screen) not in (before, [])


def anything(_screen: TerminalScreen) -> bool:
    """Whatever comes next."""
    return True


def _place(screen: TerminalScreen) -> list[str]:
    """The highlighted rows and how they begin: what stands beside them may follow later."""
    return [f"{number} {line[:50]}" for number, line in enumerate(screen.lines) if MARKER in line[:50]]


def _result(what: str, times: list[Took], others: dict[str, str] | None = None) -> Result:
    return Result(what, spread(times), f"p99 ≤ {REPAINT_MS:.0f} ms", within(times, REPAINT_MS), others or {})


def merged_copy(spool: Path, target: Path) -> None:
    """All lines of all sessions in one file."""
    with open(target, "wb") as merged:
        for path in sorted(spool.glob("S*.jsonl")):
            merged.write(path.read_bytes())
