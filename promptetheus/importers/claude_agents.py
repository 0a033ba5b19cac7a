"""The subagents of a Claude Code session: what they are called, and which call started each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptetheus.importers.claude_index import Thread
from promptetheus.importers.json_lines import parse_line
from promptetheus.importers.narrowing import mapping, text
from promptetheus.importers.preview import cut
from promptetheus.importers.regular_files import open_regular

_MAX_META_BYTES = 64 << 10


@dataclass
class Agent:
    """A subagent of a session."""

    thread: Thread
    meta: dict[str, str]
    """`agentType`, `description` and `worktreePath`, as far as they are known."""
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

    @property
    def begun(self) -> float:
        """When it said its first word, in seconds since 1970; 0 where the file has no times."""
        return self.thread.first_time or 0.0


def link(main: Thread, agents: Sequence[Agent]) -> None:
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
    for agent in sorted(agents, key=lambda agent: agent.begun):
        described = agent.meta.get("description", "")
        for said in (f"prompt:{agent.thread.prompt}", f"description:{described}"):
            for caller, call_id in launches.get(said, ()):
                if not agent.call_id and caller is not agent.thread and call_id not in taken:
                    agent.call_id = call_id
                    taken.add(call_id)


def read_meta(thread: Thread) -> dict[str, str]:
    """What the `.meta.json` beside a subagent's file says of it, strings only."""
    try:
        with open_regular(thread.path.with_suffix(".meta.json")) as file:
            found = mapping(parse_line(file.read(_MAX_META_BYTES)))
    except (OSError, ValueError):
        return {}
    return {key: cut(text(found.get(key)), 300) for key in ("agentType", "description", "worktreePath")}
