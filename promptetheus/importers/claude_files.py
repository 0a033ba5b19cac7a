"""Which files make up a Claude Code session: its own, and those of its subagents in the two places they are kept.

<session>.jsonl, <session>/subagents/agent-<id>.jsonl with agent-<id>.meta.json
<session>.jsonl, agent-<id>.jsonl beside it
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from promptetheus.importers.json_lines import lines, parse_line
from promptetheus.importers.narrowing import text
from promptetheus.importers.regular_files import open_regular

_LINES_LOOKED_AT = 20
_MAX_COMPANIONS = 5_000


class Identity(NamedTuple):
    """What the head of a file says of it."""

    session: str
    """The first session it names; "" when it names none there."""
    agent: str
    """The subagent whose file it is; "" for the file of a session."""


@dataclass
class SessionFiles:
    """The files of one session."""

    main: Path | None
    """None for subagents whose session is not to be found."""
    agents: list[Path] = field(default_factory=list)


def group(files: Sequence[Path]) -> list[SessionFiles]:
    """Put subagent files with their sessions, looking for the one or the other in the usual places on disk too.

    In a directory whose names say nothing, a subagent's file goes to the session file that names the session and,
    where several do, the agent.
    """
    heads = {path: identity(path) for path in files}
    groups: dict[Path, SessionFiles] = {}
    agents = [path for path in files if heads[path].agent]
    for path in files:
        if not heads[path].agent:
            groups[path] = SessionFiles(path)
    orphans: list[SessionFiles] = []
    for path in agents:
        parent = _usual_parent(path, heads[path]) or _named_parent(path, heads)
        if parent is None:
            orphans.append(SessionFiles(None, [path]))
        else:
            groups.setdefault(parent, SessionFiles(parent)).agents.append(path)
    beside = _Beside()
    for found in groups.values():
        if found.main is not None:
            known = {path.resolve() for path in found.agents}
            found.agents.extend(path for path in beside.of(found.main) if path.resolve() not in known)
            found.agents.sort()
    return [*groups.values(), *orphans]


def identity(path: Path) -> Identity:
    """What the first lines of a file say: the session, and the agent when they are a subagent's."""
    try:
        with open_regular(path) as file:
            for number, line in enumerate(lines(file)):
                if number >= _LINES_LOOKED_AT:
                    break
                try:
                    record = parse_line(line.data or b"")
                except ValueError:
                    continue
                if isinstance(record, dict) and text(record.get("sessionId")):
                    agent = text(record.get("agentId")) if record.get("isSidechain") is True else ""
                    return Identity(text(record.get("sessionId")), agent)
    except OSError:
        pass
    return Identity("", "")


def _usual_parent(path: Path, head: Identity) -> Path | None:
    """The session's file where Claude Code keeps it."""
    if path.parent.name == "subagents":
        candidate = path.parent.parent.with_name(path.parent.parent.name + ".jsonl")
        if _is_plain_file(candidate):
            return candidate
    if not head.session or "/" in head.session or "\0" in head.session or len(head.session) > 200:
        return None
    candidate = path.with_name(head.session + ".jsonl")
    return candidate if candidate != path and _is_plain_file(candidate) else None


def _named_parent(path: Path, heads: dict[Path, Identity]) -> Path | None:
    """A session's file of another name in the same directory, among the files given."""
    head = heads[path]
    candidates = [
        other
        for other, its in heads.items()
        if other.parent == path.parent and not its.agent and its.session == head.session
    ]
    if len(candidates) > 1:
        candidates = [other for other in candidates if _mentions(other, head.agent)] or candidates
    return candidates[0] if candidates else None


def _mentions(path: Path, agent: str) -> bool:
    needle = agent.encode("utf-8", "replace")
    try:
        with open_regular(path) as file:
            return any(needle in (line.data or b"") for line in lines(file))
    except OSError:
        return False


class _Beside:
    """Subagent files on disk, each directory looked through once."""

    def __init__(self) -> None:
        self._flat: dict[Path, dict[str, list[Path]]] = {}

    def of(self, main: Path) -> list[Path]:
        """The subagent files of a session's file."""
        nested = [path for path in _agent_files(main.with_suffix("") / "subagents") if identity(path).agent]
        return nested + self._in(main.parent).get(main.stem, [])

    def _in(self, directory: Path) -> dict[str, list[Path]]:
        if directory not in self._flat:
            by_session: dict[str, list[Path]] = {}
            for path in _agent_files(directory):
                head = identity(path)
                if head.agent:
                    by_session.setdefault(head.session, []).append(path)
            self._flat[directory] = by_session
        return self._flat[directory]


def _agent_files(directory: Path) -> Iterator[Path]:
    try:
        names = sorted(path for path in directory.glob("agent-*.jsonl") if _is_plain_file(path))
    except OSError:
        return
    yield from names[:_MAX_COMPANIONS]


def _is_plain_file(path: Path) -> bool:
    try:
        return path.is_file() and not path.is_symlink()
    except (OSError, ValueError):
        return False
