"""How long the comparison of sessions takes: diffs, suspects, failures of a large spool.

    nice -n -15 python -m benchmarks.cause_speed [--repeat 5]

Reading the files is in where files are named. Exit code 1 when a budget is missed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.scorecard import Scorecard
from promptetheus.cause.diff_report import DiffReport, SessionSide, diff_report
from promptetheus.cause.effects import infer_effects
from promptetheus.cause.noise import DEFAULT_NOISE
from promptetheus.cause.side_by_side_text import banner_lines, row_lines
from promptetheus.cause.signatures import make_run
from promptetheus.cause.suspects import find_suspects
from promptetheus.clock import format_timestamp
from promptetheus.exporters.diff_html import diff_html
from promptetheus.queries.diffs import effects_for, read_session, report_on
from promptetheus.queries.failure_list import list_failures
from promptetheus.queries.tasks import all_rows
from promptetheus.spool import session_file_name
from promptetheus.summary import SummaryCounter

Event = dict[str, Any]
START_S = 1_795_000_000.0


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeat", type=int, default=5, metavar="N", help="runs of each, default 5")
    card = Scorecard()
    speed(card, parser.parse_args().repeat)
    return 1 if card.missed else 0


def speed(card: Scorecard, repeat: int = 5) -> None:
    """Measure everything that has a budget."""
    card.section(
        "speed: processor time, median (and wall time, which other programs on the machine lengthen)"
    )
    measured = partial(_measured, card, repeat)
    for steps, budget_ms in ((5_000, 500), (50_000, 5_000)):
        one, other = long_session(steps, 0), long_session(steps, 25)
        measured(f"diff of two sessions of {steps:,} steps", budget_ms, partial(compared, one, other))
        measured("  the same, nothing in common", budget_ms, partial(compared, one, unlike(steps)))
    one, other = long_session(5_000, 0), long_session(5_000, 25)
    report = compared(one, other)
    measured("  its text with details of all rows", None, lambda: (banner_lines(report), row_lines(report)))
    measured("  its page", None, lambda: diff_html(report))
    sessions = [long_session(100, offset) for offset in range(500)]
    measured("suspects over 500 sessions of 100 steps", 2_000, lambda: suspected(sessions))
    with tempfile.TemporaryDirectory() as folder:
        spool = Path(folder) / "spool"
        spool.mkdir()
        for number, session in enumerate((one, other)):
            write(spool, f"long-{number}", session)
        measured("diff of two files of 5,000 steps, with reading", 500, lambda: from_files(spool))
        many = Path(folder) / "many" / "spool"
        many.mkdir(parents=True)
        for number in range(10_000):
            write(many, f"s{number:05}", failing_session(number))
        measured("10,000 fingerprints from the catalog", 1_000, lambda: listed(many))


def _measured(
    card: Scorecard, repeat: int, what: str, budget_ms: int | None, work: Callable[[], object]
) -> None:
    spent, took = [], []
    for _ in range(repeat):
        cpu, wall = time.process_time(), time.perf_counter()
        work()
        spent.append((time.process_time() - cpu) * 1000)
        took.append((time.perf_counter() - wall) * 1000)
    cpu_ms, wall_ms = statistics.median(spent), statistics.median(took)
    if budget_ms is None:
        card.note(f"{what:44} {cpu_ms:6.0f} ms   (wall {wall_ms:.0f} ms)")
    else:
        card.at_most(what, cpu_ms, budget_ms, f"(wall {wall_ms:.0f} ms)", "ms")


def compared(one: list[Event], other: list[Event]) -> DiffReport:
    effects = infer_effects([make_run(one[:200])])  # of the project: known before, see effects_for
    side = SessionSide("s", "agent", "goal", "passed", "✓", False, "", None)
    report = diff_report(side, one, side, other, noise=DEFAULT_NOISE, effects=effects)
    assert report.banner and report.differences
    return report


def suspected(sessions: list[list[Event]]) -> None:
    runs = [make_run(session) for session in sessions]
    find_suspects(runs[:250], runs[250:])


def from_files(spool: Path) -> None:
    left, right = (read_session(spool / f"long-{number}.jsonl") for number in (0, 1))
    effects = effects_for(spool, all_rows(spool), {}, left, right)
    assert report_on(left, right, noise=DEFAULT_NOISE, effects=effects).banner


def listed(spool: Path) -> None:
    assert len(list_failures(spool, all_rows(spool))) == 10_000


def long_session(steps: int, offset: int) -> list[Event]:
    """Calls with their results; one in fifty has another argument, elsewhere for another offset."""
    events: list[Event] = []
    for number in range(steps):
        other = (number + offset) % 50 == 0
        arguments = {"query": f"flights {number % 700}{' direct' if other else ''}", "limit": 20}
        answer = [{"flight": f"HAT{number % 300}", "seats": number % 9}]
        events += _call(len(events), "search", f"call_{number:08}", arguments, answer)
    return events


def unlike(steps: int) -> list[Event]:
    """Other arguments in every call: the worst case of an alignment."""
    events: list[Event] = []
    for number in range(steps):
        arguments = {"query": f"hotels {number * 7919 % 10_007}", "limit": number % 13}
        events += _call(len(events), "search", f"call_{number:08}", arguments, [number])
    return events


def failing_session(number: int) -> list[Event]:
    """A session with a fingerprint of its own."""
    letters = "".join(chr(ord("g") + int(digit)) for digit in str(number))
    after: dict[str, Any] = {
        "agent": "agent",
        "user_goal": f"goal {number % 40}",
        "project_id": None,
        "tags": [],
    }
    opening = {"name": "session_started", "before": None, "after": after}
    return [
        _event(0, "state_change", opening, number),
        *_call(1, "search", "c1", {"q": number}, [1]),
        _event(3, "goal_check", {"passed": False, "mismatches": [f"wrong {letters}"]}, number),
    ]


def _call(seq: int, tool: str, call_id: str, arguments: Any, result: Any) -> list[Event]:
    call = {"tool_name": tool, "arguments": arguments, "call_id": call_id}
    answer = {"call_id": call_id, "result": result, "error": None}
    return [_event(seq, "tool_call", call), _event(seq + 1, "tool_result", answer)]


def _event(seq: int, kind: str, payload: dict[str, Any], at: int = 0) -> Event:
    return {
        "type": kind,
        "seq": seq,
        "timestamp": format_timestamp(START_S + 60 * at + seq * 0.01),
        "payload": payload,
    }


def write(spool: Path, session_id: str, events: list[Event]) -> None:
    """A session file as the SDK writes it: its last line closes it and carries the summary."""
    counter = SummaryCounter()
    end = _event(len(events), "session_end", {"status": "completed", "error": None})
    lines = []
    for event in [*events, end]:
        event = {
            **event,
            "session_id": session_id,
            "idempotency_key": f"{session_id}:00000000:{event['seq']}",
        }
        counter.add(event)
        lines.append(event)
    before = b"".join(_encoded(event) for event in lines[:-1])
    lines[-1]["metadata"] = {"summary": {**counter.result(), "spool_bytes": len(before)}}
    (spool / session_file_name(session_id)).write_bytes(before + _encoded(lines[-1]))


def _encoded(event: Event) -> bytes:
    return json.dumps(event, sort_keys=True, separators=(",", ":")).encode() + b"\n"


if __name__ == "__main__":
    sys.exit(main())
