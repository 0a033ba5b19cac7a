"""Spools to measure with: sessions as the SDK leaves them, the same for the same numbers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from promptetheus.clock import format_timestamp
from promptetheus.encoding import encode_line
from promptetheus.summary import SummaryCounter

START_S = 1_795_000_000.0
"""When generated sessions begin: 2026-11-18, in seconds since 1970."""

NEEDLE = "quince-marmalade"
"""Stands in one event of every thousandth session; for searching."""

_TOOLS = ("search_calendar", "read_file", "run_tests", "get_user", "update_order", "fetch_page")
_MODELS = ("gpt-4o", "claude-sonnet-4-5", "gpt-4o-mini")
_SENTENCE = (
    "the customer asked for a window seat on the early train and the agent looked up every connection "
    "between both cities before it answered with a list of three that fit the budget and the time"
)
_WORDS = _SENTENCE.split()


def write_spool(root: Path, sessions: int, events: int) -> int:
    """Write `sessions` sealed sessions of `events` events each; returns the number of bytes."""
    root.mkdir(parents=True, exist_ok=True)
    return sum(
        write_session(root, f"S{number:08d}", events, seed=number, needle=number % 1000 == 500)
        for number in range(sessions)
    )


def write_session(root: Path, session_id: str, events: int, *, seed: int = 0, needle: bool = False) -> int:
    """Write one session of exactly `events` events, the last one with its summary; returns its bytes."""
    counter = SummaryCounter()
    lines: list[bytes] = []
    size = 0
    with open(root / f"{session_id}.jsonl", "wb") as file:
        for event in _events(session_id, events, random.Random(seed), needle):
            counter.add(event)
            if event["type"] == "session_end":
                event["metadata"] = {"summary": {**counter.result(), "spool_bytes": size}}
            lines.append(encode_line(event))
            size += len(lines[-1])
            if len(lines) == 1000:
                file.write(b"".join(lines))
                lines.clear()
        file.write(b"".join(lines))
    return size


def _events(session_id: str, count: int, choose: random.Random, needle: bool) -> Iterator[dict[str, Any]]:
    now = START_S + choose.random() * 250_000
    passed = choose.random() < 0.8
    span, call = "", ""
    for seq in range(count):
        now += choose.random() * 0.2
        fields: dict[str, Any] = {}
        if seq == 0:
            after = {"agent": choose.choice(("booker", "coder", "shopper")), "user_goal": _text(choose, 8)}
            payload: dict[str, Any] = {"name": "session_started", "before": None, "after": after}
            kind = "state_change"
            fields["metadata"] = {"host": "bench", "pid": 4242, "process_started": START_S}
        elif seq == count - 1:
            kind, payload = "session_end", {"status": "completed", "error": None}
        elif seq == count - 2:
            kind, payload = "goal_check", {"passed": passed, "mismatches": [] if passed else ["wrong day"]}
        else:
            kind, payload, span, call = _ordinary(seq, span, call, choose)
            if needle and seq == count // 2:
                kind, payload = (
                    "agent_message",
                    {"content": f"{_text(choose, 10)} {NEEDLE} {_text(choose, 9)}"},
                )
        if span:
            fields["span_id"] = span
        yield {
            "type": kind,
            "session_id": session_id,
            "timestamp": format_timestamp(now),
            "seq": seq,
            "idempotency_key": f"{session_id}:0badcafe:{seq}",
            "payload": payload,
            **fields,
        }


def _ordinary(seq: int, span: str, call: str, choose: random.Random) -> tuple[str, dict[str, Any], str, str]:
    """A turn of ten events: a span around a message, two calls with results, an LLM call and its answer."""
    tool = _TOOLS[seq // 2 % len(_TOOLS)]
    match seq % 10:
        case 1:
            span = f"span_{choose.getrandbits(64):016x}"
            return "state_change", {"name": "span_start", "span_name": f"turn {seq // 10}"}, span, call
        case 2:
            return "user_message", {"content": _text(choose, 25)}, span, call
        case 3 | 5:
            call = f"{choose.getrandbits(64):016x}"
            arguments = {"query": _text(choose, 4), "limit": choose.randrange(50)}
            return "tool_call", {"tool_name": tool, "call_id": call, "arguments": arguments}, span, call
        case 4 | 6:
            result = [{"id": choose.randrange(10**6), "title": _text(choose, 6)} for _ in range(3)]
            return "tool_result", {"call_id": call, "result": result, "error": None}, span, call
        case 7:
            tokens = {"input_tokens": choose.randrange(4000), "output_tokens": choose.randrange(600)}
            payload = {"model": choose.choice(_MODELS), "latency_ms": choose.random() * 3000, **tokens}
            return "llm_call", payload, span, call
        case 8:
            return "agent_message", {"content": _text(choose, 30)}, span, call
        case 9:
            done = {
                "name": "span_end",
                "span_name": f"turn {seq // 10}",
                "duration_ms": choose.random() * 900,
            }
            return "state_change", done, span, call
        case _:
            return "metric", {"name": "progress", "value": seq, "unit": "steps"}, "", call


def _text(choose: random.Random, words: int) -> str:
    return " ".join(choose.choices(_WORDS, k=words))
