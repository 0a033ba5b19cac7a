"""How fast the terminal debugger is, measured in a real terminal, beside others on the same data.

    python -m benchmarks.tui                        # everything: about ten minutes on two quiet cores
    python -m benchmarks.tui --only keys --keep DIR
    python -m benchmarks.tui --toolong VENV/bin/tl  # lnav is found on the path

A pty is opened and answered as a terminal would; a time ends when the last byte of the frame has been read that
shows what was asked for. Others: an empty Textual app and a stock DataTable with the same rows, Toolong and lnav
on the file of the session, or on one file of all events (they show files, not sessions). Data is generated under
a temporary directory and deleted afterwards: 10,000 sessions of 100 events, one of
100,000, two of 5,000 steps, and 200 that failed each in its own way.
Exit code 1 when a budget is missed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import tui_keys, tui_live, tui_start
from benchmarks.cause_speed import failing_session, long_session, write
from benchmarks.spools import write_session, write_spool
from benchmarks.tui_programs import Program, lnav, toolong
from benchmarks.tui_results import Result, is_busy, print_heading, print_result
from benchmarks.tui_start import COMPARED, Data
from promptetheus.queries.catalog import Catalog

LONG = "long-100000"
RECORDED = "01"
"""How the ids begin that the SDK gives: what an earlier run recorded while it measured, and was killed."""

DIFF_STEPS = 5_000
FAILURES = 200
"""Ways of failing, with a session each."""


def main() -> int:
    """Generate, measure, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keys", type=int, default=300, help="keys pressed in each list")
    parser.add_argument("--only", default="", help="measurements whose name contains this")
    parser.add_argument("--toolong", default="tl", help="Toolong's program")
    parser.add_argument("--lnav", default="lnav")
    parser.add_argument(
        "--keep", type=Path, help="a directory for the data, which is not deleted but used again"
    )
    arguments = parser.parse_args()
    directory = arguments.keep or Path(tempfile.mkdtemp(prefix="promptetheus-benchmark-"))
    try:
        data = _generated(directory, arguments.sessions)
        missed = 0
        load, processors = os.getloadavg()[0], os.cpu_count()
        print(f"load average {load:.1f} on {processors} processors; {_speed()}")
        if is_busy():
            print("Others use the machine: budgets are held against processor time.")
        print_heading()
        for name, measure in _measurements(data, arguments).items():
            if arguments.only in name:
                for result in measure():
                    print_result(result)
                    missed += result.met is False
        print(f"load average {os.getloadavg()[0]:.1f}, {_speed()} at the end; {missed} budgets missed")
        return 1 if missed else 0
    finally:
        if not arguments.keep:
            shutil.rmtree(directory, ignore_errors=True)


def _speed() -> str:
    """How fast the machine is at this moment: some take half as long again from one minute to the next."""
    took = min(timeit.repeat(lambda: sum(range(1_000_000)), number=1, repeat=15))
    return f"adding up a million numbers takes {took * 1000:.1f} ms"


def _generated(directory: Path, sessions: int) -> Data:
    spool = directory / "many" / "spool"
    data = Data(spool, sessions + FAILURES + 3, LONG, directory / "merged.jsonl")
    if not data.merged.exists():
        write_spool(spool, sessions, 100)
        write_session(spool, LONG, 100_000)
        for number in range(2):
            write(spool, f"{COMPARED}{number}", long_session(DIFF_STEPS, 25 * number))
        for number in range(FAILURES):
            write(spool, f"failing-{number:03}", failing_session(number))
        _date(spool)
        tui_keys.merged_copy(spool, data.merged)
    for left in spool.glob(f"{RECORDED}*.jsonl"):
        left.unlink()
    return data


def _date(spool: Path) -> None:
    """Give each file the time of its last line, as if it had been written then."""
    for batch in Catalog(spool, cached=False).scan():
        for row in batch:
            os.utime(row.path, (row.ended or 0.0, row.ended or 0.0))


def _measurements(data: Data, arguments: argparse.Namespace) -> dict[str, Callable[[], Iterator[Result]]]:
    rounds, keys = arguments.rounds, arguments.keys

    def others(file: Path) -> dict[str, Program]:
        found = {"Toolong": toolong(arguments.toolong, file), "lnav": lnav(arguments.lnav, file)}
        return {name: program for name, program in found.items() if program is not None}

    def start() -> Iterator[Result]:
        yield tui_start.warm_start(data, others(data.merged), rounds)

    def cold() -> Iterator[Result]:
        yield from tui_start.cold_list(data, max(1, rounds // 2))

    def opening() -> Iterator[Result]:
        yield tui_start.opened(data, others(data.long_file), rounds)

    def comparing() -> Iterator[Result]:
        yield tui_start.compared(data, rounds)

    def walking() -> Iterator[Result]:
        yield tui_keys.while_reading(data, keys)
        yield tui_keys.sessions(data, others(data.merged), keys)
        yield tui_keys.typing_a_filter(data, keys)
        yield from tui_keys.timeline(data, others(data.long_file), keys)
        yield tui_keys.failures(data, keys)
        yield tui_keys.sql(data, keys)
        yield tui_keys.diff(data, keys)

    def live() -> Iterator[Result]:
        yield tui_live.event_to_screen(data, lambda name: others(data.spool / f"{name}.jsonl"), keys)
        yield from tui_live.live_tail(data, 10.0)

    def memory() -> Iterator[Result]:
        yield from tui_start.memory(data, others(data.merged))

    return {
        "start": start, "cold": cold, "open": opening, "diff": comparing,
        "keys": walking, "live": live, "memory": memory,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
