"""What `benchmarks/tui.py` measures with: a terminal of its own. Here it only has to work; nothing is timed."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.spools import write_spool
from benchmarks.terminal_screen import TerminalScreen
from benchmarks.tui_keys import DOWN, UP, walked
from benchmarks.tui_programs import ours, shows_sessions


def screen_after(*output: str) -> list[str]:
    """A screen of 10 × 3 after some output."""
    screen = TerminalScreen(10, 3)
    for part in output:
        screen.feed(part)
    return [line.rstrip() for line in screen.lines]


@pytest.mark.parametrize(
    ("output", "lines"),
    [
        ("one\r\ntwo", ["one", "two", ""]),
        ("\x1b[2;3Hhere", ["", "  here", ""]),
        ("\x1b[1;31mred\x1b[0m\x1b]0;title\x07 \x1b[?25l.", ["red .", "", ""]),
        ("first\r\n2\r\n3\r\n4", ["2", "3", "4"]),
        ("abcdef\x1b[1;3H\x1b[K", ["ab", "", ""]),
        ("日本\x1b[1;5Hx", ["日本x", "", ""]),
        ("a\r\nb\r\nc\x1b[2;3r\x1b[3;1H\nd", ["a", "c", "d"]),
        ("gone\x1b[2J\x1b[Hnew", ["new", "", ""]),
    ],
)
def test_a_screen_shows_what_a_terminal_would(output: str, lines: list[str]) -> None:
    assert screen_after(output) == lines


def test_a_sequence_may_come_in_two_parts() -> None:
    assert screen_after("a\x1b[2", ";2Hb") == ["a", " b", ""]


def test_keys_are_answered_and_timed_in_a_terminal_of_its_own(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    write_spool(spool, 15, 20)
    with ours(spool, shows=shows_sessions).run() as terminal:
        terminal.until_text("15 sessions")
        terminal.rest()
        times = walked(terminal, (DOWN, DOWN, UP), 6)
        memory_mb = terminal.memory_mb()
    assert len(times) >= 5
    assert all(took.wall_ms > 0 for took in times)
    assert memory_mb > 1
