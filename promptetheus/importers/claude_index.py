"""The first reading of a Claude Code file: which lines belong to which session and which subagent.

Sessions and subagents are interleaved, the tokens of a message grow from line to line, and which call started a
subagent is only said in its result. So a file is read twice: here for its order, later for its events. What is
held meanwhile is a few numbers a line, not the lines.
"""

from __future__ import annotations

import hashlib
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from promptetheus.importers.claude_prompts import command_of, prompt_of, text_digest, texts
from promptetheus.importers.draft import MAX_GOAL_CHARACTERS, Tally
from promptetheus.importers.json_lines import lines, parse_line
from promptetheus.importers.json_stream import Progress
from promptetheus.importers.narrowing import items, mapping, moment, text, whole
from promptetheus.importers.preview import cut

MAX_THREAD_LINES = 1_000_000
"""Further lines of a thread are skipped and counted."""

MAX_SESSIONS = 10_000
"""Sessions in one file; lines of further ones are skipped and counted."""

MAIN = ""
"""Key of the thread of a session itself; subagents have their agent id or `root:` and the id of a message."""

_FACTS = {
    "cwd": "cwd",
    "gitBranch": "git_branch",
    "version": "version",
    "entrypoint": "entrypoint",
    "slug": "slug",
}


@dataclass(slots=True)
class Usage:
    """What one message of the model took. A message is several lines; later ones know more."""

    input: int | None = None
    """All input tokens, those read from and written to the cache among them."""
    cached: int | None = None
    cache_written: int | None = None
    output: int | None = None
    stop_reason: str = ""
    thinking: list[int] = field(default_factory=list)
    """Offsets of the lines that hold its reasoning."""

    def learn(self, message: dict[str, Any]) -> None:
        """Take a line of the message into account."""
        usage = mapping(message.get("usage"))
        cached = whole(usage.get("cache_read_input_tokens"))
        written = whole(usage.get("cache_creation_input_tokens"))
        fresh = whole(usage.get("input_tokens"))
        if fresh is not None:
            self.input = max(self.input or 0, fresh + (cached or 0) + (written or 0))
        self.cached = _larger(self.cached, cached)
        self.cache_written = _larger(self.cache_written, written)
        self.output = _larger(self.output, whole(usage.get("output_tokens")))
        self.stop_reason = text(message.get("stop_reason")) or self.stop_reason


@dataclass
class Thread:
    """One conversation: that of the session, or that of a subagent."""

    path: Path
    session: str
    key: str
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    usage: dict[str, Usage] = field(default_factory=dict)
    """By message id."""
    launches: dict[str, list[str]] = field(default_factory=dict)
    """Calls that may have started a subagent: their ids by what they say (`prompt:…`, `description:…`)."""
    agents: dict[str, str] = field(default_factory=dict)
    """Subagents that a result or a progress line names: id of the call by agent id."""
    prompt: str = ""
    """Digest of the first thing that was said to it."""
    goal: str = ""
    """The first thing a person asked for."""
    command: str = ""
    """The first slash command, for sessions in which nobody asked for anything in words."""
    facts: dict[str, str] = field(default_factory=dict)
    first_time: float | None = None
    last_time: float | None = None
    origin: str = ""
    """Digest of its first line that has an id, or of its first line when none has."""
    first_line: str = ""
    kept: Tally = field(default_factory=Tally)
    skipped: Tally = field(default_factory=Tally)
    content: Any = field(default_factory=hashlib.sha256)
    """Running digest of its lines."""
    seen: set[bytes] = field(default_factory=set)


@dataclass
class FileIndex:
    """What is in one file."""

    path: Path
    sessions: dict[str, dict[str, Thread]] = field(default_factory=dict)
    """Threads by key, by session."""
    skipped: Tally = field(default_factory=Tally)
    """Lines that belong to no session."""


def index_file(path: Path, file: IO[bytes], progress: Progress | None = None) -> FileIndex:
    """Read a file for its order. Lines that cannot be understood are counted; nothing raises but OSError."""
    reader = _Reader(path)
    for line in lines(file, progress):
        if line.data is None:
            reader.index.skipped.add("line that is too long")
            continue
        try:
            record = parse_line(line.data)
        except ValueError:
            reader.index.skipped.add("line that is not JSON")
            continue
        if isinstance(record, dict):
            reader.take(line.offset, line.data, record)
        else:
            reader.index.skipped.add("line that is no object")
    return reader.finish()


def line_digest(data: bytes) -> str:
    """The name of a line: the same wherever the line stands."""
    return hashlib.sha256(data).hexdigest()[:32]


class _Reader:
    """Sorts lines into threads."""

    def __init__(self, path: Path) -> None:
        self.index = FileIndex(path)
        self._session = ""
        self._early: list[tuple[int, bytes, dict[str, Any]]] = []
        self._roots: dict[str, str] = {}
        """Thread key by message id, for sidechain lines that do not name their agent."""

    def take(self, offset: int, data: bytes, record: dict[str, Any]) -> None:
        """Sort one line."""
        named = text(record.get("sessionId"))
        if named:
            self._session = named
        elif not self._session:  # a summary at the top of the file: it belongs to the session that follows
            if len(self._early) < 1000:
                self._early.append((offset, data, record))
            else:
                self.index.skipped.add("line without a session")
            return
        early, self._early = self._early, []
        for entry in early:
            self._add(*entry)
        self._add(offset, data, record)

    def finish(self) -> FileIndex:
        """The index, lines of a file that never names a session as one session of its own."""
        if self._early:
            self._session = "unnamed-" + line_digest(self._early[0][1])[:16]
            for entry in self._early:
                self._add(*entry)
        for threads in self.index.sessions.values():
            for thread in threads.values():
                thread.origin = thread.origin or thread.first_line
                thread.seen.clear()
        return self.index

    def _add(self, offset: int, data: bytes, record: dict[str, Any]) -> None:
        thread = self._thread(record)
        if thread is None or len(thread.offsets) >= MAX_THREAD_LINES:
            self.index.skipped.add("line beyond the limits")
            return
        thread.first_line = thread.first_line or line_digest(data)
        if record.get("uuid"):
            digest = hashlib.sha256(data).digest()[:16]
            if digest in thread.seen:
                thread.skipped.add("repeated line")
                return
            thread.seen.add(digest)
            thread.origin = thread.origin or line_digest(data)
        thread.offsets.append(offset)
        thread.content.update(data)
        thread.content.update(b"\n")
        spoken = moment(record.get("timestamp"))
        if spoken is not None:
            first, last = thread.first_time, thread.last_time
            thread.first_time = spoken if first is None else min(first, spoken)
            thread.last_time = spoken if last is None else max(last, spoken)
        for name, fact in _FACTS.items():
            if fact not in thread.facts and text(record.get(name)):
                thread.facts[fact] = text(record.get(name))[:500]
        _learn(thread, offset, record)

    def _thread(self, record: dict[str, Any]) -> Thread | None:
        sessions = self.index.sessions
        if self._session not in sessions and len(sessions) >= MAX_SESSIONS:
            return None
        key = self._key(record) if record.get("isSidechain") is True else MAIN
        threads = sessions.setdefault(self._session, {})
        if key not in threads:
            threads[key] = Thread(self.index.path, self._session, key)
        return threads[key]

    def _key(self, record: dict[str, Any]) -> str:
        """The subagent a sidechain line belongs to. Parents are only looked for among earlier lines, so that a
        circle of parents ends."""
        agent = text(record.get("agentId"))
        if agent:
            return agent
        own, parent = text(record.get("uuid")), text(record.get("parentUuid"))
        key = self._roots.get(parent) or f"root:{own}"
        if own:
            self._roots[own] = key
        return key


def _learn(thread: Thread, offset: int, record: dict[str, Any]) -> None:
    """What the later reading must know beforehand."""
    kind, message = record.get("type"), mapping(record.get("message"))
    if kind == "assistant":
        message_id = text(message.get("id")) or text(record.get("uuid"))
        usage = thread.usage.setdefault(message_id, Usage())
        usage.learn(message)
        for block in map(mapping, items(message.get("content"))):
            if block.get("type") == "thinking":
                usage.thinking.append(offset)
            elif block.get("type") == "tool_use":
                _learn_launch(thread, block)
    elif kind == "user":
        if not thread.prompt and texts(message):
            thread.prompt = text_digest(texts(message)[0])
        if not thread.goal:
            thread.goal = cut(prompt_of(record), MAX_GOAL_CHARACTERS)
            thread.command = thread.command or command_of(record)
        agent = text(mapping(record.get("toolUseResult")).get("agentId"))
        for block in map(mapping, items(message.get("content"))):
            if agent and block.get("type") == "tool_result":
                thread.agents.setdefault(agent, text(block.get("tool_use_id")))
    elif kind == "progress":
        agent = text(mapping(record.get("data")).get("agentId"))
        if agent and text(record.get("parentToolUseID")):
            thread.agents.setdefault(agent, text(record.get("parentToolUseID")))


def _learn_launch(thread: Thread, block: dict[str, Any]) -> None:
    told = mapping(block.get("input"))
    call_id = text(block.get("id"))
    if call_id and text(told.get("prompt")):
        prompt, description = text_digest(text(told.get("prompt"))), text(told.get("description"))
        thread.launches.setdefault(f"prompt:{prompt}", []).append(call_id)
        if description:
            thread.launches.setdefault(f"description:{description[:300]}", []).append(call_id)


def _larger(known: int | None, found: int | None) -> int | None:
    if known is None or found is None:
        return found if known is None else known
    return max(known, found)
