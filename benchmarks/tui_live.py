"""What is written while somebody looks: from an event to the screen, and thousands of events a second."""

from __future__ import annotations

import random
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping

import promptetheus as pt
from benchmarks.terminal import NothingHappened, Terminal
from benchmarks.terminal_screen import TerminalScreen
from benchmarks.tui_keys import DOWN, END, PAGE_UP, UP, moved_from
from benchmarks.tui_programs import REPOSITORY, Program, ours, shows_sessions
from benchmarks.tui_results import Result, Took, counted, middle, share, spread
from benchmarks.tui_start import SETTLE_S, Data, between

SEEN_MS = (50.0, 150.0)
"""From an event to the screen: p50 and p99."""

INPUT_MS = 50.0
RATE = 5_000
"""Events a second."""

_TICK = re.compile(r'agent_message +\{content: "tick (\d+)"')


def event_to_screen(data: Data, others: Callable[[str], Mapping[str, Program]], events: int) -> Result:
    """An agent writes now and then; each event is waited for. `others` run on the file of that name."""
    choose = random.Random(events)
    with pt.start(agent="booker", user_goal="live", spool_dir=data.spool) as session:
        session_id = session.session_id

        def write_and_see(terminal: Terminal, first: int, count: int) -> list[Took]:
            times = []
            for number in range(first, first + count):
                terminal.pass_time(choose.uniform(0.02, 0.15))
                written = terminal.now()
                session.agent_message(f"tick {number}")
                times.append(between(written, terminal.until_text(f"tick {number}")))
            return times

        session.agent_message("tick 0")
        with ours(data.spool, session_id, shows=shows_sessions).run() as terminal:
            terminal.until_text("tick 0")
            terminal.pass_time(SETTLE_S)
            times = write_and_see(terminal, 1, events)
        found = {}
        for place, (name, program) in enumerate(others(session_id).items(), 1):
            with program.run() as terminal:
                terminal.pass_time(SETTLE_S)
                terminal.press(END)
                terminal.rest()
                try:
                    seen = write_and_see(terminal, place * 10_000, events // 4)
                    found[name] = spread(seen)
                except NothingHappened:
                    found[name] = "not seen"
    (data.spool / f"{session_id}.jsonl").unlink()
    half, most = counted(middle(times)), counted(share(times, 99))
    met = half <= SEEN_MS[0] and most <= SEEN_MS[1]
    budget = f"p50 ≤ {SEEN_MS[0]:.0f}, p99 ≤ {SEEN_MS[1]:.0f} ms"
    return Result("event written to event on screen", spread(times), budget, met, found)


def live_tail(data: Data, seconds: float) -> list[Result]:
    """A busy agent is followed, keys are pressed meanwhile, and afterwards every row is looked for on the screen."""
    command = [sys.executable, "-m", "benchmarks.tui_live", str(data.spool), str(RATE), str(seconds)]
    writer = subprocess.Popen(
        command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdin is not None and writer.stdout is not None
    session_id = writer.stdout.readline().strip()
    try:
        with ours(data.spool, session_id, shows=shows_sessions).run() as terminal:
            terminal.until_text("following ●")
            while "agent_message" not in terminal.screen.text:  # Tree, waterfall, raw.
                terminal.press("v")
                terminal.rest()
            writer.stdin.write("go\n")
            writer.stdin.flush()
            terminal.until(lambda screen: re.search(r"tick \d{4}", screen.text))
            times = _keys_until(terminal, time.perf_counter() + seconds - 2)
            written, rate = writer.stdout.readline().split()
            terminal.press("G")
            terminal.until_text(f"tick {int(written) - 1}")
            terminal.rest()
            missing = _missing(terminal, int(written))
    finally:
        writer.kill()
        writer.wait()
        (data.spool / f"{session_id}.jsonl").unlink(missing_ok=True)
    rows = f"{int(written):,} events, {float(rate):,.0f} a second"
    return [
        Result(f"live tail: rows lost of {rows}", str(missing), "none", missing == 0),
        Result(
            "live tail: key to repaint meanwhile",
            spread(times),
            f"≤ {INPUT_MS:.0f} ms",
            counted(share(times, 99)) <= INPUT_MS,
        ),
    ]


def _keys_until(terminal: Terminal, end_s: float) -> list[Took]:
    """Leave the end, move, and follow again, as long as the agent writes."""
    choose = random.Random(7)
    times = []
    while time.perf_counter() < end_s:
        for key in (UP, PAGE_UP, DOWN, "G"):
            terminal.pass_time(choose.uniform(0.01, 0.1))
            answered = {UP: _yields, "G": _follows}.get(key) or moved_from(terminal.screen)
            pressed = terminal.press(key)
            times.append(between(pressed, terminal.until(answered)))
    return times


def _follows(screen: TerminalScreen) -> bool:
    return "following ●" in screen.text


def _yields(screen: TerminalScreen) -> bool:
    return "following ●" not in screen.text


def _missing(terminal: Terminal, written: int) -> int:
    """Page through all rows, last to first; how many never came on the screen."""
    seen: set[int] = set()
    while True:
        seen.update(int(number) for number in _TICK.findall(terminal.screen.text))
        answered = moved_from(terminal.screen)
        terminal.press(PAGE_UP)
        try:
            terminal.until(answered, 2.0)
        except NothingHappened:
            return written - len(seen)


def _write(spool: str, rate: int, seconds: float) -> None:
    """What the busy agent does: wait for a word, then write at a steady rate."""
    with pt.start(agent="booker", user_goal="busy", spool_dir=spool) as session:
        print(session.session_id, flush=True)
        session.agent_message("waiting")
        sys.stdin.readline()
        started, number = time.perf_counter(), 0
        while (passed := time.perf_counter() - started) < seconds:
            while number < passed * rate:
                session.agent_message(f"tick {number}")
                number += 1
            time.sleep(0.002)
        print(number, number / passed, flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    _write(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
