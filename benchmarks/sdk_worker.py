"""A recorder in a process of its own: `sdk.py` starts it as `python benchmarks/sdk_worker.py NAME DIRECTORY`."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from recorders import RECORDERS, Record

SMALL: dict[str, Any] = {
    "query": "afternoon slots for two people",
    "limit": 10,
    "calendar": "work",
    "tz": "UTC",
}
LARGE: dict[str, Any] = {
    "query": "afternoon slots",
    "documents": [
        {"id": f"doc-{number}", "score": 0.5, "content": "The quick brown fox jumps over the lazy dog. " * 21}
        for number in range(10)
    ],
}
SIZES = {"300 B": (SMALL, 1000), "10 KB": (LARGE, 300)}
"""Name to arguments of the call and calls a round."""


def work(name: str, directory: Path) -> None:
    """Take commands on stdin, one JSON a line, and answer on stdout."""
    try:
        record = RECORDERS[name](directory)
    except ImportError as error:
        print(json.dumps({"missing": str(error)}), flush=True)
        return
    print(json.dumps({}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        answer = COMMANDS[command.pop("do")](record, **command)
        print(json.dumps(answer), flush=True)


def timed(record: Record, size: str, beside: str = "") -> dict[str, float]:
    """One round: microseconds a call, median and 99th percentile."""
    arguments, calls = SIZES[size]
    _account.calls += calls
    if beside == "threads":
        return _from_threads(record, arguments, calls)
    if beside == "asyncio":
        return _in_a_loop(record, arguments, calls)
    stop = threading.Event()
    if beside == "cpu":
        calls = 100
        threading.Thread(target=_spin, args=(stop,), daemon=True).start()
    pause_s = 0.002 if beside == "cpu" else 0.0
    taken = _take(record, arguments, calls, pause_s)
    stop.set()
    return _summed_up(taken)


def _take(record: Record, arguments: dict[str, Any], calls: int, pause_s: float = 0.0) -> list[int]:
    clock = time.perf_counter_ns
    taken = []
    for number in range(calls):
        if pause_s:
            time.sleep(pause_s)
        begin = clock()
        record(number, arguments)
        taken.append(clock() - begin)
    return taken


def _from_threads(record: Record, arguments: dict[str, Any], calls: int) -> dict[str, float]:
    taken: list[int] = []
    threads = [
        threading.Thread(target=lambda: taken.extend(_take(record, arguments, calls // 4))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _summed_up(taken)


def _in_a_loop(record: Record, arguments: dict[str, Any], calls: int) -> dict[str, float]:
    import asyncio

    async def agent() -> list[int]:
        taken = []
        for _ in range(calls // 8):
            taken += _take(record, arguments, 1)
            await asyncio.sleep(0)
        return taken

    async def main() -> list[int]:
        return [ns for taken in await asyncio.gather(*(agent() for _ in range(8))) for ns in taken]

    return _summed_up(asyncio.run(main()))


def _spin(stop: threading.Event) -> None:
    number = 0
    while not stop.is_set():
        number += 1


def _summed_up(taken: list[int]) -> dict[str, float]:
    taken.sort()
    return {
        "p50": taken[len(taken) // 2] / 1000,
        "p99": taken[int(len(taken) * 0.99)] / 1000,
        "mean": sum(taken) / len(taken) / 1000,
    }


def die(record: Record, calls: int, pause_s: float) -> None:
    """Record, and be killed right after the last call has returned."""
    for number in range(calls):
        record(number, SMALL)
        if pause_s:
            time.sleep(pause_s)
    os.kill(os.getpid(), signal.SIGKILL)


def grow(record: Record, calls: int) -> dict[str, float]:
    """Resident MiB after so many more calls."""
    for number in range(calls):
        record(number, SMALL)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {"mib": pages * os.sysconf("SC_PAGE_SIZE") / 2**20}


class _Account:
    """Processor time of the whole process since the last look: what threads of a recorder do later counts, too."""

    def __init__(self) -> None:
        self.calls = 0
        self._since_s = time.process_time()

    def settle(self, record: Record) -> dict[str, float]:
        """Processor microseconds a call since the last settlement."""
        now = time.process_time()
        spent_us = (now - self._since_s) * 1e6 / max(1, self.calls)
        self.calls, self._since_s = 0, now
        return {"cpu": spent_us}


_account = _Account()

COMMANDS: dict[str, Callable[..., Any]] = {
    "time": timed, "die": die, "grow": grow, "settle": _account.settle,
}  # fmt: skip


if __name__ == "__main__":
    work(sys.argv[1], Path(sys.argv[2]))
