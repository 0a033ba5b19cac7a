"""How long the tools for coding agents take on a large spool: `python benchmarks/agent_evidence.py`.

The official client asks the server over stdio, as Codex or Claude Code do. Printed are the first answer of each tool,
the p50 and p99 of those after it in milliseconds (the server remembers what it has read), and the bytes of an answer.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

import anyio
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client

sys.path.insert(0, str(Path(__file__).resolve().parent))

from spools import write_session, write_spool

BUDGET_MS = 300
LARGE = "large"


async def measure(spool: Path, rounds: int) -> None:
    session, other = sorted(path.stem for path in spool.glob("*.jsonl") if path.stem != LARGE)[:2]
    asked: list[tuple[str, dict[str, object]]] = [
        ("situation", {}),
        ("find", {"query": "status:failed"}),
        ("find", {"query": "needle", "kind": "step", "limit": 3}),
        ("outline", {"session": session}),
        ("step", {"session": session, "steps": [3]}),
        ("compare", {"a": session, "b": other}),
        ("outline", {"session": LARGE}),
        ("step", {"session": LARGE, "steps": [5000]}),
        ("query", {"sql": "select status, count(*) from sessions group by 1"}),
    ]
    command = StdioServerParameters(
        command=sys.executable, args=["-m", "promptetheus", "mcp", "--spool", str(spool)]
    )
    async with Client(stdio_client(command)) as client:
        for tool, arguments in asked:
            taken, size = [], 0
            for _ in range(rounds):
                began = time.perf_counter()
                result = await client.call_tool(tool, arguments)
                taken.append((time.perf_counter() - began) * 1000)
                size = len(str(getattr(result.content[0], "text", "")).encode())
            first = taken[0]
            taken = sorted(taken[1:])
            p99 = taken[min(len(taken) - 1, round(len(taken) * 0.99))]
            mark = "met" if p99 <= BUDGET_MS else "MISSED"
            name = f"{tool} {' '.join(str(value)[:24] for value in arguments.values())}"
            middle = statistics.median(taken)
            print(
                f"{name:44} first {first:6.0f}  p50 {middle:7.0f}  p99 {p99:7.0f} ms  {mark:7} {size:6} bytes"
            )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--keep", type=Path, help="a spool made before, or where to keep it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        spool = options.keep or Path(folder, "spool")
        if not spool.is_dir():
            write_spool(spool, options.sessions, 100)
            write_session(spool, LARGE, 100_000)
        anyio.run(measure, spool, options.rounds)


if __name__ == "__main__":
    main()
