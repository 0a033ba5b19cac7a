"""Claude Code sessions: JSON Lines of messages, with subagents inside, beside or below their session's file.

A session becomes one session, its subagents spans in it, each right after the call that started it. A file that
was imported before and has grown adds its new events to the same session (see `recording`). What no event stands
for (hooks, snapshots, queue operations …) is kept, cut, as `around` in the metadata of the next event.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from promptetheus.clock import format_timestamp
from promptetheus.encoding import encode_line
from promptetheus.importers.claude_agents import Agent, link, read_meta
from promptetheus.importers.claude_files import SessionFiles
from promptetheus.importers.claude_index import MAIN, FileIndex, Thread, index_file
from promptetheus.importers.claude_story import Story
from promptetheus.importers.detect import Format
from promptetheus.importers.draft import ImportedRun, Tally
from promptetheus.importers.json_stream import Progress, UnreadableJson, keys, members
from promptetheus.importers.preview import cut
from promptetheus.importers.regular_files import open_regular

_HEAD_EVENTS = 10_000


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
        agents = [Agent(thread, read_meta(thread)) for thread in sides.values()]
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
    session: str, main: Thread, agents: list[Agent], source: str, alone: Agent | None = None
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
    link(main, agents)
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
        events=lambda: Story(session_id, main, agents).events(content, ended),
        kept=kept,
        skipped=skipped,
    )


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
