"""What an agent or a team of AutoGen is made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

_DEEPEST = 12


class Parts(NamedTuple):
    """The parts that are watched, each once."""

    agents: list[Any]
    teams: list[Any]
    clients: list[Any]


def parts_of(runner: Any, agent_class: type, team_class: type, client_class: type) -> Parts:
    """Everything in a runner, itself among it: members of teams, agents in tools, clients of models.

    They are found where they are kept: in the attributes of the objects of AutoGen that the runner is made of.
    """
    found = Parts([], [], [])
    seen: set[int] = set()

    def visit(thing: Any, depth: int) -> None:
        if id(thing) in seen or depth > _DEEPEST:
            return
        seen.add(id(thing))
        if isinstance(thing, client_class):
            found.clients.append(thing)
        elif isinstance(thing, team_class):
            found.teams.append(thing)
        elif isinstance(thing, agent_class):
            found.agents.append(thing)
        for inner in _inside(thing):
            visit(inner, depth + 1)

    visit(runner, 0)
    return found


def _inside(thing: Any) -> Iterable[Any]:
    if isinstance(thing, Mapping):
        return list(thing.values())
    if isinstance(thing, list | tuple | set | frozenset):
        return list(thing)
    is_theirs = any(base.__module__.startswith("autogen") for base in type(thing).__mro__)
    return list(getattr(thing, "__dict__", {}).values()) if is_theirs else ()
