"""What it costs an agent to record a tool call, side by side with others, and what a kill leaves of it.

    python benchmarks/sdk.py                      everything, a few minutes
    python benchmarks/sdk.py --part cost --rounds 9

Each recorder runs in a process of its own; the rounds of all are interleaved and the median over rounds counts,
so that a machine that is busy for a while is busy for all. Trust the ratios. A recorder whose library is not
installed is skipped and named.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import sdk_worker
from recorders import IMPORTS, RECORDERS, lines_in

PARTS = ("cost", "contention", "idle", "imports", "survival", "memory")


class Worker:
    """A recorder in its process."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self._process = subprocess.Popen(
            [sys.executable, sdk_worker.__file__, name, str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.missing = self._answer().get("missing")

    def ask(self, do: str, **command: Any) -> dict[str, Any]:
        """Send a command and wait for its answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **command}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def stop(self) -> None:
        """End the process and those it started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        return json.loads(line) if line else {"missing": "ended"}


def start_workers(place: Path, names: list[str]) -> list[Worker]:
    """The recorders whose libraries are installed."""
    workers = []
    for number, name in enumerate(names):
        directory = place / str(number)
        directory.mkdir(parents=True, exist_ok=True)
        worker = Worker(name, directory)
        if worker.missing:
            print(f"skipped: {name} ({worker.missing})")
            worker.stop()
        else:
            workers.append(worker)
    return workers


def compare(workers: list[Worker], rounds: int, **command: Any) -> dict[str, dict[str, float]]:
    """Medians over interleaved rounds; the first round warms up and does not count."""
    answers: dict[str, list[dict[str, float]]] = {worker.name: [] for worker in workers}
    for number in range(rounds + 1):
        for worker in workers:
            answer = worker.ask("time", **command)
            if number:
                answers[worker.name].append(answer)
            else:
                worker.ask("settle")
    time.sleep(1.0)  # what recorders do in the background belongs to their account
    return {
        worker.name: {
            **{
                key: statistics.median(row[key] for row in answers[worker.name])
                for key in answers[worker.name][0]
            },
            **worker.ask("settle"),
        }
        for worker in workers
    }


def print_comparison(title: str, found: dict[str, dict[str, float]]) -> None:
    """A table: microseconds, processor time of all threads, and the median as a multiple of the first row's."""
    print(
        f"\n{title:34} {'p50 µs':>9} {'p99 µs':>9} {'mean µs':>9} {'CPU µs':>9} {'× floor':>8} {'p99/p50':>8}"
    )
    first = next(iter(found.values()))["p50"]
    for name, row in found.items():
        print(
            f"{name:34} {row['p50']:9.2f} {row['p99']:9.1f} {row['mean']:9.2f} {row['cpu']:9.1f} "
            f"{row['p50'] / first:8.2f} "
            f"{row['p99'] / row['p50']:8.1f}"
        )


def measure_cost(place: Path, rounds: int) -> None:
    """Every recorder, both sizes."""
    workers = start_workers(place, list(RECORDERS))
    for size in sdk_worker.SIZES:
        print_comparison(f"one tool call of {size}", compare(workers, rounds, size=size))
    for worker in workers:
        worker.stop()


def measure_contention(place: Path, rounds: int) -> None:
    """Ours and the floor beside a busy thread, from eight threads, and in an event loop."""
    workers = start_workers(place, list(RECORDERS)[:3])
    for beside, title in (
        ("cpu", "paced, beside a CPU-bound thread"),
        ("threads", "from 8 threads at once"),
        ("asyncio", "8 tasks in an event loop"),
    ):
        print_comparison(title, compare(workers, rounds, size="300 B", beside=beside))
    for worker in workers:
        worker.stop()


def measure_idle() -> None:
    """`@pt.tool` on a function while no session is active."""
    import promptetheus as pt

    def plain(day: str) -> str:
        return day

    tool = pt.tool(plain)
    rounds = []
    for _ in range(9):
        taken = []
        for function in (plain, tool):
            begin = time.perf_counter_ns()
            for _ in range(20_000):
                function("Tue")
            taken.append((time.perf_counter_ns() - begin) / 20_000)
        rounds.append(taken[1] - taken[0])
    print(f"\n@pt.tool without a session: {statistics.median(rounds):.0f} ns more than the function alone")


def measure_imports(rounds: int) -> None:
    """Milliseconds of processor time and MiB above bare Python. (`ru_maxrss` would be that of the parent.)"""
    script = (
        "import time, re; print(time.process_time() * 1000,"
        " int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) / 1024)"
    )
    cases = {"bare": "pass", **IMPORTS}
    # A shell may set it; compiling at each start makes imports three times slower.
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    found: dict[str, list[list[float]]] = {name: [] for name in cases}
    with tempfile.TemporaryDirectory() as place:
        for _ in range(rounds + 1):
            for name, code in list(cases.items()):
                done = subprocess.run(
                    [sys.executable, "-c", f"{code}\n{script}"],
                    cwd=place,
                    env=environment,
                    capture_output=True,
                    text=True,
                )
                if done.returncode:
                    print(f"skipped: {name} (not installed)")
                    del cases[name]
                    continue
                found[name].append([float(number) for number in done.stdout.split()[-2:]])
    print(f"\n{'import, above bare Python':34} {'ms':>7} {'MiB':>7}")
    medians = {
        name: [statistics.median(column) for column in zip(*rows[1:], strict=True)]
        for name, rows in found.items()
        if name in cases
    }
    for name, (ms, mib) in medians.items():
        if name != "bare":
            print(f"{name:34} {ms - medians['bare'][0]:7.1f} {mib - medians['bare'][1]:7.1f}")


def measure_survival(place: Path, tries: int) -> None:
    """How many acknowledged calls can be read after SIGKILL: in a burst of 1,000, and 5 ms apart."""
    print(
        f"\n{'after SIGKILL':34} {'burst':>8} {'paced':>8}   worst of {tries} tries for ours, of 1 for others"
    )
    for name in RECORDERS:
        shares = []
        for calls, pause_s in ((1000, 0.0), (100, 0.005)):
            worst = 1.0
            for attempt in range(tries if name.startswith("promptetheus") and not pause_s else 1):
                directory = place / f"{list(RECORDERS).index(name)}-{calls}-{attempt}"
                directory.mkdir(parents=True)
                worker = Worker(name, directory)
                if worker.missing:
                    worker.stop()
                    break
                worker.ask("die", calls=calls, pause_s=pause_s)
                worker.stop()
                worst = min(worst, lines_in(directory) / calls)
            else:
                shares.append(min(worst, 1.0))
        if len(shares) == 2:
            print(f"{name:34} {shares[0]:8.0%} {shares[1]:8.0%}")
        else:
            print(f"skipped: {name}")


def measure_memory(place: Path, events: int) -> None:
    """Resident memory of ours while it records many events in one session."""
    (worker,) = start_workers(place, ["promptetheus"])
    sizes = [worker.ask("grow", calls=events // 10)["mib"] for _ in range(10)]
    worker.stop()
    print(f"\nresident MiB at each tenth of {events:,} events: {', '.join(f'{size:.1f}' for size in sizes)}")


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", action="append", choices=PARTS, help="only this; may be given again")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds (default 7)")
    parser.add_argument("--tries", type=int, default=100, help="kills of our process (default 100)")
    parser.add_argument("--events", type=int, default=1_000_000, help="events for the memory part")
    arguments = parser.parse_args()
    parts = arguments.part or PARTS
    with tempfile.TemporaryDirectory(prefix="promptetheus-benchmark-") as folder:
        place = Path(folder)
        if "cost" in parts:
            measure_cost(place / "cost", arguments.rounds)
        if "contention" in parts:
            measure_contention(place / "contention", arguments.rounds)
        if "idle" in parts:
            measure_idle()
        if "imports" in parts:
            measure_imports(arguments.rounds)
        if "survival" in parts:
            measure_survival(place / "survival", arguments.tries)
        if "memory" in parts:
            measure_memory(place / "memory", arguments.events)


if __name__ == "__main__":
    main()
