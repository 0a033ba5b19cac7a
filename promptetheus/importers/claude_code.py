"""Claude Code sessions: JSON Lines of messages, with subagents inside, beside or below their session's file.

A session becomes one session, its subagents spans in it, each right after the call that started it. A file that
was imported before and has grown adds its new events to the same session (see `recording`). What no event stands
for (hooks, snapshots, queue operations …) is kept, cut, as `around` in the metadata of the next event.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptetheus.clock import format_timestamp, parse_timestamp
from promptetheus.encoding import encode_line
from promptetheus.importers.call_pairing import CallPairing
from promptetheus.importers.claude_files import SessionFiles
from promptetheus.importers.claude_index import MAIN, FileIndex, Thread, index_file, line_digest
from promptetheus.importers.claude_lines import Reading, line_events
from promptetheus.importers.detect import Format
from promptetheus.importers.draft import Draft, ImportedRun, Tally
from promptetheus.importers.json_lines import MAX_LINE_BYTES, parse_line
from promptetheus.importers.json_stream import Progress, UnreadableJson, keys, members
from promptetheus.importers.narrowing import mapping, text
from promptetheus.importers.preview import cut
from promptetheus.importers.regular_files import open_regular

_MAX_META_BYTES = 64 << 10
_HEAD_EVENTS = 10_000
_MAX_NESTING = 16
"""Subagents of subagents beyond this depth are told at the end."""


@dataclass
class _Agent:
    """A subagent of a session."""

    thread: Thread
    meta: dict[str, Any]
    call_id: str = ""
    """The call that started it, where that could be found."""

    @property
    def id(self) -> str:
        """The agent's id, or what stands for it in files that name none."""
        return self.thread.key

    @property
    def name(self) -> str:
        """What it is called: what it was to do, what kind it is, or its id."""
        return self.meta.get("description") or self.meta.get("agentType") or f"subagent {cut(self.id, 40)}"


@dataclass
class _Telling:
    """One session being told."""

    session_id: str
    main: Thread
    agents: list[_Agent]
    pairing: CallPairing = field(default_factory=CallPairing)
    begun: set[str] = field(default_factory=set)
    """Subagents that were told: each is told once, whoever names it."""
    started_by: dict[str, list[_Agent]] = field(default_factory=dict)
    """Subagents by the call that started them."""
    left_over: list[Any] = field(default_factory=list)
    """What was kept after the last event of the thread that was told last."""
    api_error: str = ""


def runs(files: SessionFiles, progress: Progress | None = None) -> Iterator[ImportedRun | str]:
    """The runs in the files of a session; what cannot be read is given as the words that say why."""
    with ExitStack() as stack:
        main = _indexed(files.main, stack, progress) if files.main is not None else None
        agent_indexes = []
        for path in files.agents:
            try:
                agent_indexes.append(_indexed(path, stack, progress))
            except OSError as error:
                yield f"subagent file {path.name} cannot be read: {error.strerror or error}"
        for index in [main] if main is not None else agent_indexes:
            yield from _sessions(index, agent_indexes if main is not None else [])
            if not index.sessions and index.skipped.counts:
                yield f"{sum(index.skipped.counts.values())} line(s) that belong to no session"


def _indexed(path: Path, stack: ExitStack, progress: Progress | None) -> FileIndex:
    """The index of a file; of an export with "loglines", that of a temporary copy as JSON Lines."""
    with open_regular(path) as file:
        is_export = any(where == "" and key == "loglines" for where, key in keys(file, _HEAD_EVENTS))
        file.seek(0)
        if not is_export:
            return index_file(path, file, progress)
        copy = tempfile.NamedTemporaryFile(suffix=".jsonl")  # noqa: SIM115 - the stack closes it
        stack.enter_context(copy)
        torn = False
        try:
            for member in members(file, arrays=("loglines",), progress=progress):
                copy.write(encode_line(member.value) if isinstance(member.value, dict) else b"null\n")
        except UnreadableJson:
            torn = True
        copy.seek(0)
        index = index_file(Path(copy.name), copy.file)
        index.path = path
        if torn:
            index.skipped.add("rest of a file that stops being JSON")
        return index


def _sessions(index: FileIndex, agent_indexes: Sequence[FileIndex]) -> Iterator[ImportedRun]:
    """The sessions of a file, each with its subagents; subagents without a session as sessions of their own."""
    rest = index.skipped
    for other in agent_indexes:
        rest.merge(other.skipped)
    for session, threads in index.sessions.items():
        main = threads.get(MAIN)
        elsewhere = [t for other in agent_indexes for t in other.sessions.get(session, {}).values()]
        sides = {thread.key: thread for key, thread in threads.items() if key != MAIN}
        for thread in elsewhere:
            if thread.key in sides:
                thread.skipped.add("subagent that is in two files")
            sides[thread.key] = thread
        agents = [_Agent(thread, _meta(thread)) for thread in sides.values()]
        if main is not None:
            run = _run(session, main, agents, index.path.name)
            run.skipped.merge(rest)
            yield run
        else:
            for agent in agents:
                run = _run(session, agent.thread, [], index.path.name, agent)
                run.skipped.merge(rest)
                rest = Tally()
                yield run
        rest = Tally()


def _run(
    session: str, main: Thread, agents: list[_Agent], source: str, alone: _Agent | None = None
) -> ImportedRun:
    """The run of a session, or of a subagent that stands alone."""
    threads = [main, *sorted((agent.thread for agent in agents), key=lambda thread: thread.key)]
    content = hashlib.sha256(b"".join(thread.content.digest() for thread in threads)).hexdigest()
    firsts = [thread.first_time for thread in threads if thread.first_time is not None]
    lasts = [thread.last_time for thread in threads if thread.last_time is not None]
    metadata: dict[str, Any] = {"source": "claude-code", "claude_session_id": cut(session, 200), **main.facts}
    session_id = f"claude-{_plain(session)}"
    tags = ["claude-code"]
    if alone is not None:
        session_id += f"-agent-{_plain(alone.id)}"
        tags.append("subagent")
        metadata |= {"agent_id": cut(alone.id, 200), "subagent": alone.name}
    if agents:
        metadata["subagents"] = len(agents)
    kept, skipped = Tally(), Tally()
    for thread in threads:  # events are told later, and count in the same tallies
        kept.merge(thread.kept)
        skipped.merge(thread.skipped)
        thread.kept, thread.skipped = kept, skipped
    _link(main, agents)
    ended = format_timestamp(max(lasts)) if lasts else None
    return ImportedRun(
        session_id=session_id,
        format=Format.CLAUDE_CODE,
        source=source,
        sha256=content,
        record=cut(session, 200),
        origin=main.origin,
        agent="claude-code",
        user_goal=main.goal or main.command or "(no prompt in the file)",
        project_id=_project(main.facts.get("cwd", "")),
        tags=tags,
        metadata=metadata,
        timed=bool(firsts),
        started=format_timestamp(min(firsts)) if firsts else None,
        events=lambda: _events(_Telling(session_id, main, agents), content, ended),
        kept=kept,
        skipped=skipped,
    )


def _link(main: Thread, agents: list[_Agent]) -> None:
    """Find the call that started each subagent: by the id that a result names, else by its prompt, else by its
    description. Of several calls that say the same, the first goes to the subagent that began first."""
    callers = [main, *(agent.thread for agent in agents)]
    named: dict[str, str] = {}
    launches: dict[str, list[tuple[Thread, str]]] = {}
    for caller in callers:
        for agent_id, call_id in caller.agents.items():
            if agent_id != caller.key:
                named.setdefault(agent_id, call_id)
        for said, call_ids in caller.launches.items():
            launches.setdefault(said, []).extend((caller, call_id) for call_id in call_ids)
    taken = set()
    for agent in agents:
        agent.call_id = named.get(agent.id, "")
        taken.add(agent.call_id)
    for agent in sorted(agents, key=_begun):
        described = text(agent.meta.get("description"))
        for said in (f"prompt:{agent.thread.prompt}", f"description:{described}"):
            for caller, call_id in launches.get(said, ()):
                if not agent.call_id and caller is not agent.thread and call_id not in taken:
                    agent.call_id = call_id
                    taken.add(call_id)


def _begun(agent: _Agent) -> float:
    return agent.thread.first_time or 0.0


def _events(telling: _Telling, content: str, ended: str | None) -> Iterator[Draft]:
    for agent in telling.agents:
        if agent.call_id:
            telling.started_by.setdefault(agent.call_id, []).append(agent)
    loose = sorted((agent for agent in telling.agents if not agent.call_id), key=_begun)
    for draft in _thread_events(telling, telling.main, ()):
        moment = parse_timestamp(draft.timestamp)
        while loose and moment is not None and _begun(loose[0]) <= moment:
            yield from _agent_events(telling, loose.pop(0), ())
        yield draft
    metadata = {"around": telling.left_over} if telling.left_over else {}
    error = telling.api_error or None
    for agent in telling.agents:  # those whose call is not in the file, is too deep, or stands in a circle
        yield from _agent_events(telling, agent, ())
    payload = {"status": "failed" if error else "completed", "error": error}
    yield Draft("session_end", payload, f"end:{content}", ended, metadata)


def _thread_events(telling: _Telling, thread: Thread, spans: tuple[str, ...]) -> Iterator[Draft]:
    """The events of a thread, those of the subagents it started after the call that started them.

    `spans` are the spans it is in, the innermost last.
    """
    span_id, parent_id = _innermost(spans)
    repeated: dict[str, int] = {}
    with _lines_of(thread.path) as line_at:
        reading = Reading(thread, telling.pairing, lambda offset: _record(line_at(offset)))
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
                    for agent in telling.started_by.get(draft.payload["call_id"], ()):
                        yield from _agent_events(telling, agent, spans)
    telling.left_over = reading.around
    if thread is telling.main:
        telling.api_error = reading.api_error


def _agent_events(telling: _Telling, agent: _Agent, spans: tuple[str, ...]) -> Iterator[Draft]:
    """A subagent as a span inside `spans`."""
    if agent.id in telling.begun:
        return
    telling.begun.add(agent.id)
    thread = agent.thread
    digest = hashlib.sha256(f"{telling.session_id}/{agent.id}".encode("utf-8", "replace")).hexdigest()
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
    yield from _thread_events(telling, thread, inside)
    metadata = {"around": telling.left_over} if telling.left_over else {}
    payload = {"name": "span_end", "span_name": agent.name}
    ended = format_timestamp(last) if last is not None else None
    if first is not None and last is not None:
        payload["duration_ms"] = round((last - first) * 1000)
    key = f"agent:{agent.id}:end:{len(thread.offsets)}"
    yield Draft("state_change", payload, key, ended, metadata, span_id, parent_id)


def _innermost(spans: tuple[str, ...]) -> tuple[str | None, str | None]:
    """The span that events belong to and the one around it."""
    return (spans[-1] if spans else None), (spans[-2] if len(spans) > 1 else None)


def _meta(thread: Thread) -> dict[str, str]:
    """What the `.meta.json` beside a subagent's file says of it, strings only."""
    try:
        with open_regular(thread.path.with_suffix(".meta.json")) as file:
            found = mapping(parse_line(file.read(_MAX_META_BYTES)))
    except (OSError, ValueError):
        return {}
    return {key: cut(text(found.get(key)), 300) for key in ("agentType", "description", "worktreePath")}


@contextmanager
def _lines_of(path: Path) -> Iterator[Any]:
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


def _plain(identity: str) -> str:
    """An id that can stand in ours, or its digest."""
    if (
        0 < len(identity) <= 64
        and identity.isascii()
        and identity.replace("-", "").replace("_", "").isalnum()
    ):
        return identity
    return hashlib.sha256(identity.encode("utf-8", "replace")).hexdigest()[:20]


def _project(cwd: str) -> str:
    """The name of the directory that a session ran in, for paths of either kind."""
    return cwd.replace("\\", "/").rstrip("/").rpartition("/")[2] or "claude-code"
