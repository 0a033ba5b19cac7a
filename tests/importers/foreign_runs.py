"""Runs as other tools write them, made by hand, and what became of them in a spool."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promptetheus.events import Event, validate_event
from promptetheus.importers.detect import Format
from promptetheus.importers.intake import import_paths
from promptetheus.importers.report import FileReport

BOOK = {"name": "book_flight", "kwargs": {"flight": "HAT136", "bags": 0}}


def tau_call(tool: str, arguments: object, call_id: str | None = "c1") -> dict[str, Any]:
    """A message of tau-bench that calls a tool; `arguments` that are no text become JSON text."""
    said = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call: dict[str, Any] = {"function": {"name": tool, "arguments": said}, "type": "function"}
    if call_id is not None:
        call["id"] = call_id
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def tau_answer(content: object, tool: str = "book_flight", call_id: str | None = "c1") -> dict[str, Any]:
    """A tool's answer in tau-bench."""
    answer: dict[str, Any] = {"role": "tool", "name": tool, "content": content}
    if call_id is not None:
        answer["tool_call_id"] = call_id
    return answer


def tau_record(
    *messages: Mapping[str, Any],
    reward: float = 1.0,
    task_id: int = 7,
    trial: int = 0,
    expected: list[dict[str, Any]] | None = None,
    instruction: str = "You want to fly on May 20.",
) -> dict[str, Any]:
    """A record of tau-bench around the messages."""
    actions = [BOOK] if expected is None else expected
    return {
        "task_id": task_id,
        "reward": reward,
        "info": {
            "task": {"user_id": "mia", "actions": actions, "instruction": instruction, "outputs": []},
            "source": "user",
            "user_cost": 0.25,
            "reward_info": {"reward": reward, "info": {"r_actions": reward}, "actions": actions},
        },
        "traj": [
            {"role": "system", "content": "# Airline Agent Policy"},
            {"role": "user", "content": "Hi"},
            *messages,
        ],
        "trial": trial,
    }


def tau2_message(role: str, content: str | None, second: int = 0, **fields: Any) -> dict[str, Any]:
    """A message of tau2-bench."""
    timestamp = f"2025-08-01T15:53:{27 + second:02}.500000"
    return {"role": role, "content": content, "tool_calls": None, "timestamp": timestamp, **fields}


def tau2_file(
    *messages: Mapping[str, Any], reward_info: Mapping[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """A result file of tau2-bench with one simulation; `fields` change that simulation."""
    simulation = {
        "id": "71fd3e8f-81c4-479f-b6c5-9486cb61dae6",
        "task_id": "13",
        "start_time": "2025-08-01T15:53:27.000000",
        "end_time": "2025-08-01T15:53:40.250000",
        "termination_reason": "user_stop",
        "agent_cost": 0.02,
        "user_cost": 0.01,
        "reward_info": reward_info,
        "messages": list(messages),
        "trial": 0,
        "seed": 300,
        **fields,
    }
    instructions = {
        "reason_for_call": "Change my flight.",
        "known_info": "You are James.",
        "unknown_info": None,
    }
    return {
        "timestamp": "2025-08-01T15:53:26",
        "info": {
            "agent_info": {"implementation": "llm_agent", "llm": "gpt-4.1"},
            "user_info": {"implementation": "user_simulator", "llm": "gpt-4.1"},
            "environment_info": {"domain_name": "airline", "policy": "# Airline Agent Policy"},
        },
        "tasks": [{"id": "13", "user_scenario": {"instructions": instructions}}],
        "simulations": [simulation],
    }


class ClaudeLines:
    """Lines of a Claude Code session, a second apart: `ClaudeLines("s").asks("hi").says("hello")`."""

    def __init__(self, session: str = "11111111-aaaa", *, agent: str = "", start: int = 0) -> None:
        self.session = session
        self.agent = agent
        self.records: list[dict[str, Any]] = []
        self._second = start
        self._parent: str | None = None

    def waits(self, seconds: int) -> ClaudeLines:
        """Nothing for a while."""
        self._second += seconds
        return self

    def line(self, kind: str, **fields: Any) -> ClaudeLines:
        """Any line of the session."""
        name = f"{self.agent or 'main'}-{len(self.records)}"
        self._second += 1
        self.records.append(
            {
                "type": kind,
                "uuid": name,
                "parentUuid": self._parent,
                "isSidechain": bool(self.agent),
                "sessionId": self.session,
                "timestamp": f"2026-04-18T13:{self._second // 60:02}:{self._second % 60:02}.000Z",
                "cwd": "/home/me/shop",
                "version": "2.1.0",
                **({"agentId": self.agent} if self.agent else {}),
                **fields,
            }
        )
        self._parent = name
        return self

    def asks(self, content: Any, **fields: Any) -> ClaudeLines:
        """A user's message."""
        return self.line("user", message={"role": "user", "content": content}, **fields)

    def model(self, block: Mapping[str, Any], message_id: str = "", **usage: int) -> ClaudeLines:
        """A line of the model with one block; lines of one message share its id."""
        message = {
            "role": "assistant",
            "id": message_id or f"msg-{self.agent}-{len(self.records)}",
            "model": "claude-opus-4-7",
            "content": [block],
            "usage": {"input_tokens": 5, "output_tokens": 2, **usage},
        }
        return self.line("assistant", message=message)

    def says(self, text: str, message_id: str = "", **usage: int) -> ClaudeLines:
        """Words of the model."""
        return self.model({"type": "text", "text": text}, message_id, **usage)

    def calls(self, call_id: str, tool: str, message_id: str = "", **arguments: Any) -> ClaudeLines:
        """A call."""
        block = {"type": "tool_use", "id": call_id, "name": tool, "input": arguments}
        return self.model(block, message_id)

    def answers(self, call_id: str, content: Any, *, error: bool = False, details: Any = None) -> ClaudeLines:
        """The answer to a call."""
        block: dict[str, Any] = {"type": "tool_result", "tool_use_id": call_id, "content": content}
        if error:
            block["is_error"] = True
        extra = {} if details is None else {"toolUseResult": details}
        return self.asks([block], **extra)

    def write(self, path: Path) -> Path:
        """Write the lines to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(record) + "\n" for record in self.records))
        return path


def write_json(path: Path, value: object) -> Path:
    """A JSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def bring(spool: Path, *paths: Path, forced: Format | None = None) -> list[FileReport]:
    """Import, and check what must hold whatever was imported: valid events, numbered, ended by their summary."""
    reports = list(import_paths(paths, spool, forced))
    for file in spool.glob("*.jsonl"):
        check_session(file)
    leftovers = [path for path in spool.iterdir() if path.name.startswith(".")]
    assert leftovers == []
    return reports


def check_session(file: Path) -> list[Event]:
    """The events of a session file that an import wrote."""
    events = [json.loads(line) for line in file.read_bytes().splitlines()]
    for number, event in enumerate(events):
        validate_event(event)
        assert event["seq"] == number
    assert file.stat().st_mode & 0o777 == 0o600
    assert events[0]["payload"]["name"] == "session_started"
    assert events[-1]["type"] == "session_end"
    last = file.read_bytes().splitlines(keepends=True)[-1]
    summary = events[-1]["metadata"]["summary"]
    assert summary["spool_bytes"] == file.stat().st_size - len(last)
    assert summary["events"] == len(events)
    assert len({event["idempotency_key"] for event in events}) == len(events)
    return events


def sessions(spool: Path) -> dict[str, list[Event]]:
    """All sessions of a spool."""
    return {path.stem: check_session(path) for path in sorted(spool.glob("*.jsonl"))}


def only_session(spool: Path) -> list[Event]:
    """The events of the one session in a spool."""
    (events,) = sessions(spool).values()
    return events


def imported(spool: Path, *paths: Path) -> list[Event]:
    """Import what makes one session, and give its events."""
    bring(spool, *paths)
    return only_session(spool)


def of_type(events: list[Event], kind: str) -> list[Event]:
    """The events of a type."""
    return [event for event in events if event["type"] == kind]


def payloads(events: list[Event], kind: str) -> list[dict[str, Any]]:
    """The payloads of a type."""
    return [event["payload"] for event in of_type(events, kind)]


def types(events: list[Event]) -> list[str]:
    """The types of all events between start and end."""
    return [event["type"] for event in events[1:-1]]
