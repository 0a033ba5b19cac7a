"""The events of a Claude Code session in the order in which they are told: its own lines as they stand in the
file, each subagent as a span after the call that started it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptetheus.clock import format_timestamp
from promptetheus.importers.call_pairing import CallPairing
from promptetheus.importers.claude_agents import Agent
from promptetheus.importers.claude_index import Thread, line_digest
from promptetheus.importers.claude_lines import Reading, line_events
from promptetheus.importers.draft import Draft
from promptetheus.importers.json_lines import MAX_LINE_BYTES, parse_line
from promptetheus.importers.narrowing import mapping, moment
from promptetheus.importers.preview import cut
from promptetheus.importers.regular_files import open_regular

_MAX_NESTING = 16
"""Subagents of subagents beyond this depth are told at the end."""


@dataclass
class Story:
    """One session, told once."""

    session_id: str
    main: Thread
    agents: list[Agent]
    pairing: CallPairing = field(default_factory=CallPairing)
    begun: set[str] = field(default_factory=set)
    """Subagents that were told: each is told once, whoever names it."""
    started_by: dict[str, list[Agent]] = field(default_factory=dict)
    """Subagents by the call that started them."""
    left_over: list[Any] = field(default_factory=list)
    """What was kept after the last event of the thread that was told last."""
    api_error: str = ""

    def events(self, content: str, ended: str | None) -> Iterator[Draft]:
        """The events up to the `session_end`, whose key is made of the digest of the whole `content`."""
        for agent in self.agents:
            if agent.call_id:
                self.started_by.setdefault(agent.call_id, []).append(agent)
        loose = sorted((agent for agent in self.agents if not agent.call_id), key=lambda agent: agent.begun)
        for draft in self._thread(self.main, ()):
            spoken = moment(draft.timestamp)
            while loose and spoken is not None and loose[0].begun <= spoken:
                yield from self._agent(loose.pop(0), ())
            yield draft
        metadata = {"around": self.left_over} if self.left_over else {}
        error = self.api_error or None
        for agent in self.agents:  # those whose call is not in the file, is too deep, or stands in a circle
            yield from self._agent(agent, ())
        payload = {"status": "failed" if error else "completed", "error": error}
        yield Draft("session_end", payload, f"end:{content}", ended, metadata)

    def _thread(self, thread: Thread, spans: tuple[str, ...]) -> Iterator[Draft]:
        """The events of a thread, those of the subagents it started after the call that started them.

        `spans` are the spans it is in, the innermost last.
        """
        span_id, parent_id = _innermost(spans)
        repeated: dict[str, int] = {}
        with _lines_of(thread.path) as line_at:
            reading = Reading(thread, self.pairing, lambda offset: _record(line_at(offset)))
            for offset in thread.offsets:
                data = line_at(offset)
                digest = line_digest(data)
                repeated[digest] = repeated.get(digest, 0) + 1
                if repeated[digest] > 1:
                    digest = f"{digest}#{repeated[digest]}"
                for draft in line_events(_record(data), digest, reading):
                    draft.span_id, draft.parent_id = span_id, parent_id
                    yield draft
                    if draft.type == "tool_call" and len(spans) < _MAX_NESTING:
                        for agent in self.started_by.get(draft.payload["call_id"], ()):
                            yield from self._agent(agent, spans)
        self.left_over = reading.around
        if thread is self.main:
            self.api_error = reading.api_error

    def _agent(self, agent: Agent, spans: tuple[str, ...]) -> Iterator[Draft]:
        """A subagent as a span inside `spans`."""
        if agent.id in self.begun:
            return
        self.begun.add(agent.id)
        thread = agent.thread
        digest = hashlib.sha256(f"{self.session_id}/{agent.id}".encode("utf-8", "replace")).hexdigest()
        inside = (*spans, f"span_{digest[:32]}")
        span_id, parent_id = _innermost(inside)
        marks = {
            "agent_id": cut(agent.id, 200),
            "agent_type": agent.meta.get("agentType"),
            "description": agent.meta.get("description"),
            "worktree": agent.meta.get("worktreePath"),
            "call_id": agent.call_id,
            "goal": cut(thread.goal, 500),
        }
        metadata: dict[str, Any] = {key: item for key, item in marks.items() if item}
        first, last = thread.first_time, thread.last_time
        begun = format_timestamp(first) if first is not None else None
        payload: dict[str, Any] = {"name": "span_start", "span_name": agent.name}
        yield Draft("state_change", payload, f"agent:{agent.id}:start", begun, metadata, span_id, parent_id)
        yield from self._thread(thread, inside)
        metadata = {"around": self.left_over} if self.left_over else {}
        payload = {"name": "span_end", "span_name": agent.name}
        ended = format_timestamp(last) if last is not None else None
        if first is not None and last is not None:
            payload["duration_ms"] = round((last - first) * 1000)
        key = f"agent:{agent.id}:end:{len(thread.offsets)}"
        yield Draft("state_change", payload, key, ended, metadata, span_id, parent_id)


def _innermost(spans: tuple[str, ...]) -> tuple[str | None, str | None]:
    """The span that events belong to and the one around it."""
    return (spans[-1] if spans else None), (spans[-2] if len(spans) > 1 else None)


@contextmanager
def _lines_of(path: Path) -> Iterator[Callable[[int], bytes]]:
    """A function that gives the line at an offset of the file."""
    with open_regular(path) as file:

        def line_at(offset: int) -> bytes:
            file.seek(offset)
            return file.readline(MAX_LINE_BYTES + 1).strip()

        yield line_at


def _record(data: bytes) -> dict[str, Any]:
    """The record of a line; empty when the file changed under us."""
    try:
        return mapping(parse_line(data))
    except ValueError:
        return {}
