"""How fast the spool is read, beside what others need for the same files, in one run.

    python -m benchmarks.reading            # everything: about four minutes on two quiet cores
    python -m benchmarks.reading --sessions 1000 --rounds 1

Every measurement runs in a process of its own, the measurements of a round one after another, and the median of the
rounds counts: what else the machine does falls on all alike. Trust the ratios, not the milliseconds. Data is
generated under a temporary directory and deleted afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.reading_tasks import TASKS
from benchmarks.reading_timing import NotInstalled
from benchmarks.spools import write_session, write_spool

LONG = {"long": 100_000, "longest": 337_000}


class Target(NamedTuple):
    """A line of the table."""

    what: str
    task: str
    limit_ms: float | None
    beside: str = ""
    """The task that it is compared with."""
    ratio: float | None = None
    """At most so many times as long as that, `allowance_ms` more."""
    allowance_ms: float = 0.0


TARGETS = (
    Target("scandir + stat of all files", "scandir_stat", None),
    Target("list, warm cache, fresh process", "list_cached", 60, "scandir_stat", 2.0),
    Target("the same with Python's start, imports", "list_command", None, "python_starts"),
    Target("list, no cache", "list_uncached", 200, "scandir_stat"),
    Target("refresh after one file changed", "refresh_one", 50, "scandir_stat", 2.0),
    Target("all fields of all rows, cached", "list_all_fields", None),
    Target("list by DuckDB read_json", "list_duckdb", None, "list_uncached"),
    Target("list by a plain loop over all lines", "list_plain_loop", None, "list_uncached"),
    Target("open a session of 100 events", "open_100", 5),
    Target("first screen of 100,000 events", "open_long", 150),
    Target("first screen of 337,000 events", "open_longest", 400),
    Target("a random page of 337,000 events", "random_page", 5),
    Target("span tree of 100,000 events", "span_tree", 1000),
    Target("group by, DuckDB's own scan", "group_duckdb", None),
    Target("group by, our views", "group_views", None, "group_duckdb", 1.2),
    Target("group by, our views, asked again", "group_again", None, "group_duckdb", 0.1),
    Target("group by, DuckDB, as a command", "group_duckdb_command", None),
    Target("group by, ours, as a command", "group_command", None, "group_duckdb_command", 1.2),
    Target("group by, polars", "group_polars", None, "group_duckdb"),
    Target("group by, jq (a tenth of the files)", "group_jq", None, "group_duckdb"),
    Target("search, ripgrep", "search_ripgrep", None),
    Target("search, grep", "search_grep", None),
    Target("search, ours, exact case", "search_case", None, "search_ripgrep", 2.0, 300.0),
    Target("search, ours, any case", "search_any_case", None, "search_ripgrep", 2.0, 300.0),
    Target("search, plain loop", "search_plain_loop", None, "search_ripgrep"),
    Target("write to visible, p50", "visible_p50", 10),
    Target("write to visible, p99", "visible_p99", 30),
)
MEMORY_LIMIT_MB = 250.0
INSTEAD = {"search_ripgrep": "search_grep"}
"""What a measurement is compared with where the tool it should be compared with is not installed."""

ONCE = {"group_jq", "list_duckdb", "list_plain_loop"}
"""Slow ones are measured in the first round only."""


class Measurement(NamedTuple):
    """What one process found."""

    wall_ms: float
    cpu_ms: float
    memory_mb: float


def main() -> None:
    """Generate, measure, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="tasks whose name contains this")
    parser.add_argument("--polars", default=sys.executable, help="a Python that has polars")
    parser.add_argument(
        "--keep", type=Path, help="a directory for the data, which is not deleted but used again"
    )
    parser.add_argument("--task", help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.task:
        print(json.dumps(_measured(arguments.task, arguments.data)))
        return
    # Where bytecode is not written every start compiles what it imports, which nobody's program does.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["POLARS_PYTHON"] = arguments.polars
    directory = arguments.keep or Path(tempfile.mkdtemp(prefix="promptetheus-benchmark-"))
    try:
        if not (directory / "many").exists():
            _generate(directory, arguments.sessions, arguments.events)
        _print_table(_rounds(directory, arguments.rounds, arguments.only))
    finally:
        if not arguments.keep:
            shutil.rmtree(directory, ignore_errors=True)


def _generate(directory: Path, sessions: int, events: int) -> None:
    started = time.monotonic()
    size = write_spool(directory / "many" / "spool", sessions, events)
    for name, count in LONG.items():
        (directory / name).mkdir()
        size += write_session(directory / name, name, count)
    print(f"{sessions} sessions of {events} events and {len(LONG)} long ones: ", end="")
    print(f"{size / 1e6:.0f} MB, written in {time.monotonic() - started:.0f} s\n", flush=True)


def _rounds(directory: Path, rounds: int, only: str) -> dict[str, Measurement]:
    found: dict[str, list[Measurement]] = {}
    for number in range(rounds):
        for name in TASKS:
            if only in name and not (number and name in ONCE):
                measured = _in_own_process(name, directory)
                if measured is not None:
                    for key, item in measured.items():
                        found.setdefault(key, []).append(item)
    return {
        name: Measurement(*(statistics.median(column) for column in zip(*items, strict=True)))
        for name, items in found.items()
    }


def _in_own_process(name: str, directory: Path) -> dict[str, Measurement] | None:
    """None, with the reason printed, where it cannot be measured."""
    command = [sys.executable, "-m", "benchmarks.reading", "--task", name, "--data", str(directory)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent.parent)
    if done.returncode:
        print(f"{name} failed: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    found = json.loads(done.stdout.splitlines()[-1])
    if isinstance(found, str):
        print(f"{name} skipped, not installed: {found}", file=sys.stderr)
        return None
    return {key: Measurement(*item) for key, item in found.items()}


def _measured(name: str, directory: Path) -> dict[str, Measurement] | str:
    """What was measured, or what is missing for it."""
    import resource

    try:
        found = TASKS[name](directory)
    except NotInstalled as missing:
        return str(missing)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {key: Measurement(wall_ms, cpu_ms, memory_mb) for key, (wall_ms, cpu_ms) in found.items()}


def _print_table(found: dict[str, Measurement]) -> None:
    load, processors = os.getloadavg()[0], os.cpu_count() or 1
    busy = load > processors
    print(f"load average {load:.1f} on {processors} processors")
    if busy:
        print(
            "Others use the machine: targets are compared with processor time, where a program waits for nothing."
        )
    print(f"{'':38}{'ms':>9}{'CPU ms':>9}{'MB':>6}  target")
    for target in TARGETS:
        item = found.get(target.task)
        if item is None:
            print(f"{target.what:38}{'–':>9}{'–':>9}{'–':>6}  not measured")
            continue
        numbers = f"{item.wall_ms:9.1f}{item.cpu_ms:9.1f}{item.memory_mb:6.0f}"
        print(f"{target.what:38}{numbers}  {'; '.join(_verdicts(target, item, found, busy))}")


def _verdicts(target: Target, item: Measurement, found: dict[str, Measurement], busy: bool) -> list[str]:
    def ms(measured: Measurement) -> float:
        return measured.cpu_ms if busy and measured.cpu_ms else measured.wall_ms

    verdicts = []
    if target.limit_ms is not None:
        verdicts.append(_verdict(f"≤ {target.limit_ms:g} ms", ms(item) <= target.limit_ms))
    beside = target.beside if target.beside in found else INSTEAD.get(target.beside, "")
    other = found.get(beside)
    if other is not None:
        times = f"{max(0.0, ms(item) - target.allowance_ms) / ms(other):.2g}× {beside}"
        if target.ratio is None:
            verdicts.append(times)
        else:
            allowed = ms(other) * target.ratio + target.allowance_ms
            verdicts.append(_verdict(f"{times}, ≤ {target.ratio:g}×", ms(item) <= allowed))
    if item.memory_mb > MEMORY_LIMIT_MB and (target.limit_ms or target.ratio):
        verdicts.append(_verdict(f"≤ {MEMORY_LIMIT_MB:g} MB", False))
    return verdicts


def _verdict(text: str, met: bool) -> str:
    return f"{text}: {'met' if met else 'MISSED'}"


if __name__ == "__main__":
    main()
