"""How long an event takes from the write of one process to the eyes of another. See `reading.py`."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.reading_timing import Times

_WRITES = 150


def visible(data: Path) -> Times:
    """From the write of another process to the event in a reader that watches."""
    root = data / "live" / "spool"
    root.mkdir(parents=True, exist_ok=True)
    late = asyncio.run(_latencies(root))
    late.sort()
    return {
        "visible_p50": (late[len(late) // 2], 0.0),
        "visible_p99": (late[min(len(late) - 1, len(late) * 99 // 100)], 0.0),
    }


async def _latencies(root: Path) -> list[float]:
    from promptetheus.queries.live import Watcher
    from promptetheus.queries.session_log import SessionLog

    path = root / "live.jsonl"
    path.unlink(missing_ok=True)
    path.touch()
    stop = asyncio.Event()
    code = (
        "import sys, time\nfrom promptetheus.encoding import encode_line\n"
        "sys.stdin.readline()\n"
        f"for seq in range({_WRITES}):\n"
        "    with open(sys.argv[1], 'ab', 0) as file:\n"
        "        file.write(encode_line({'type': 'metric', 'session_id': 'live', 'seq': seq,\n"
        "            'timestamp': '2026-11-22T10:00:00Z', 'idempotency_key': f'live:0:{seq}',\n"
        "            'payload': {'name': 'at', 'value': time.time()}}))\n"
        "    time.sleep(0.03)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE)
    assert writer.stdin is not None
    log = SessionLog(path)
    late: list[float] = []
    started = False
    async for _ in Watcher(root).changes(stop):
        if not started:
            started = True
            writer.stdin.write(b"go\n")
            writer.stdin.flush()
            continue
        added = log.poll().added
        now = time.time()
        late += [
            (now - log.event(number)["payload"]["value"]) * 1000
            for number in range(len(log) - added, len(log))
        ]
        if len(late) >= _WRITES:
            stop.set()
            break
    writer.stdin.close()
    writer.wait()
    return late
