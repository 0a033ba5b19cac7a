"""Starting: until rows are on screen, with the sessions known and unknown, until one is open; and memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.terminal import Moment, NothingHappened, Terminal
from benchmarks.terminal_screen import TerminalScreen
from benchmarks.tui_programs import Program, data_table, empty_app, ours, shows_events, shows_sessions
from benchmarks.tui_results import Result, Took, counted, middle, ms

START_RATIO = 1.5
FIRST_ROWS_MS, ALL_ROWS_MS = 200.0, 5_000.0
OPEN_MS, DIFF_MS = 300.0, 500.0
MEMORY_MB = 250.0
COMPARED = "compare-"
"""How the ids of the two sessions begin that are compared."""

SETTLE_S = 3.0
"""How long a list that has just been read is left alone: prices, caches and other late work are done by then."""


class Data(NamedTuple):
    """What is measured on."""

    spool: Path
    sessions: int
    long: str
    """Id of the session of 100,000 events."""
    merged: Path
    """All lines of all sessions in one file, for programs that show files."""

    @property
    def long_file(self) -> Path:
        return self.spool / f"{self.long}.jsonl"


def since(terminal: Terminal, moment: Moment) -> Took:
    """From the program's start until then."""
    return Took((moment.at_s - terminal.started) * 1000, moment.cpu_s * 1000)


def between(start: Moment, end: Moment) -> Took:
    """From one moment to another."""
    return Took((end.at_s - start.at_s) * 1000, (end.cpu_s - start.cpu_s) * 1000)


def started(programs: Mapping[str, Program], rounds: int) -> dict[str, Took]:
    """How long each takes until it shows what it should; the programs one after another in each round."""
    times: dict[str, list[Took]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, program in programs.items():
            with program.run() as terminal:
                try:
                    times[name].append(since(terminal, terminal.until(program.shows)))
                except NothingHappened:
                    continue
    return {name: middle(found) for name, found in times.items() if found}


def warm_start(data: Data, others: Mapping[str, Program], rounds: int) -> Result:
    """Until rows are painted, of sessions that were read before."""
    few = {"ours": ours(data.spool, shows=shows_sessions), "empty": empty_app()}
    found = started(few, rounds)
    once = {"DataTable": data_table(data.spool), **others}
    found |= started(once, 1)
    ratio = counted(found["ours"]) / counted(found["empty"])
    return Result(
        "start to first rows, warm",
        f"{ms(found['ours'])} = {ratio:.2f}×",
        f"≤ {START_RATIO:g}× empty",
        ratio <= START_RATIO,
        {name: ms(took) for name, took in found.items() if name != "ours"},
    )


def cold_list(data: Data, rounds: int) -> list[Result]:
    """Rows of a spool that nobody has read yet: from the first frame on, and until all are there."""
    program = ours(data.spool, shows=shows_sessions)
    first: list[Took] = []
    whole: list[Took] = []
    for _ in range(rounds):
        for cache in data.spool.parent.glob("cache/*.catalog"):
            cache.unlink()
        with program.run() as terminal:
            frame = terminal.until_text("reading")
            first.append(between(frame, terminal.until(program.shows)))
            everything = terminal.until(
                lambda screen: f"{data.sessions} sessions" in screen.text.replace(",", "")
            )
            whole.append(since(terminal, everything))
            terminal.pass_time(SETTLE_S)  # The cache is written meanwhile.
    return [
        Result(
            "cold: first frame to first rows",
            ms(middle(first)),
            f"≤ {FIRST_ROWS_MS:.0f} ms",
            counted(middle(first)) <= FIRST_ROWS_MS,
        ),
        Result(
            "cold: start to all sessions",
            ms(middle(whole)),
            f"≤ {ALL_ROWS_MS:.0f} ms",
            counted(middle(whole)) <= ALL_ROWS_MS,
        ),
    ]


def opened(data: Data, others: Mapping[str, Program], rounds: int) -> Result:
    """From `enter` on a session of 100,000 events to its first screen; of others, from their start."""
    program = ours(data.spool, "--filter", data.long, shows=lambda screen: data.long[:6] in screen.text)
    times = []
    for _ in range(rounds):
        with program.run() as terminal:
            wait_for_list(terminal, data)
            pressed = terminal.press("\r")
            times.append(between(pressed, terminal.until(shows_steps)))
    found = started({"DataTable": data_table(data.spool, data.long), **others}, 1)
    return Result(
        "open a session of 100,000 events",
        ms(middle(times)),
        f"≤ {OPEN_MS:.0f} ms",
        counted(middle(times)) <= OPEN_MS,
        {name: f"{ms(took)} from start" for name, took in found.items()},
    )


def compared(data: Data, rounds: int) -> Result:
    """From `d` on two marked sessions of 5,000 steps to their rows side by side."""
    times = []
    for _ in range(rounds):
        with ours(data.spool, "--filter", COMPARED, shows=shows_sessions).run() as terminal:
            wait_for_list(terminal, data)
            for _ in range(2):
                terminal.press(" ")
                terminal.rest()
            pressed = terminal.press("d")
            times.append(between(pressed, terminal.until_text("first divergence")))
    return Result(
        "diff of two sessions of 5,000 steps",
        ms(middle(times)),
        f"≤ {DIFF_MS:.0f} ms",
        counted(middle(times)) <= DIFF_MS,
    )


def memory(data: Data, others: Mapping[str, Program]) -> list[Result]:
    """What is held once all sessions are listed, and with the long one open."""
    found = {}
    for name, program in {"empty": empty_app(), "DataTable": data_table(data.spool), **others}.items():
        with program.run() as terminal:
            terminal.until(program.shows)
            terminal.pass_time(SETTLE_S)
            found[name] = f"{terminal.memory_mb():.0f} MB"
    with ours(data.spool, shows=shows_sessions).run() as terminal:
        wait_for_list(terminal, data)
        listed = terminal.memory_mb()
    with ours(data.spool, "--filter", data.long, shows=shows_sessions).run() as terminal:
        wait_for_list(terminal, data)
        terminal.press("\r")
        terminal.until(shows_steps)
        terminal.pass_time(SETTLE_S)
        opened_mb = terminal.memory_mb()
    return [
        Result(
            "memory, all sessions listed", f"{mb:.0f} MB", f"≤ {MEMORY_MB:.0f} MB", mb <= MEMORY_MB, beside
        )
        if what == "list"
        else Result(
            "memory, with 100,000 events open", f"{mb:.0f} MB", f"≤ {MEMORY_MB:.0f} MB", mb <= MEMORY_MB
        )
        for what, mb, beside in (("list", listed, found), ("open", opened_mb, {}))
    ]


def wait_for_list(terminal: Terminal, data: Data) -> None:
    """Until all sessions are read and nothing more happens."""
    terminal.until(lambda screen: f"{data.sessions} sessions" in screen.text.replace(",", ""))
    terminal.pass_time(SETTLE_S)
    terminal.rest()


def shows_steps(screen: TerminalScreen) -> bool:
    """Whether the timeline of a generated session is on screen."""
    return "steps  tree" in screen.text and shows_events(screen)
