"""The fields of the filter language: what they look at in a session, and in which units people write numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from promptetheus.queries.rows import SessionRow

_UNTYPABLE = re.compile(r'[\s:<>=!"]')
_NUMBER = re.compile(r"(-?(?:\d+(?:\.\d*)?|\.\d+))([a-zµ%$]*)", re.IGNORECASE)


class TextField(NamedTuple):
    """A field that holds words: `agent:browser` contains, `agent:=browser` is exactly."""

    help: str
    values: Callable[[SessionRow], Iterable[str]]
    whole: bool = False
    """`task:7` means all of it: neither 17 nor 70."""


class NumberField(NamedTuple):
    """A field that holds a number: `dur>2s`."""

    help: str
    value: Callable[[SessionRow], float | None]
    unit: str = ""
    """`ms` for lengths of time (a bare number means seconds), `B` for sizes."""


META = "meta"
"""`meta.NAME`: a text field for each name in the metadata of the sessions."""

_TASK_NAMES = ("task_id", "task")
"""What metadata calls the task that a session was set."""


def _in_metadata(row: SessionRow, *names: str) -> Iterator[str]:
    for name in names:
        found: Any = row.metadata.get(name)
        if isinstance(found, bool):
            yield str(found).lower()
        elif isinstance(found, str | int | float):
            yield str(found)


def task_id(row: SessionRow) -> str:
    """The id of the task that a session was set; empty where its metadata name none."""
    return next(_in_metadata(row, *_TASK_NAMES), "")


TEXT_FIELDS: dict[str, TextField] = {
    "status": TextField(
        "running, passed, failed, failed goal, crashed, completed, empty, failing", lambda r: (r.status,)
    ),
    "agent": TextField("the agent's name", lambda r: (r.agent,)),
    "goal": TextField("what the user wanted", lambda r: (r.goal,)),
    "task": TextField(
        "the task's id in the session's metadata, all of it",
        lambda r: _in_metadata(r, *_TASK_NAMES),
        whole=True,
    ),
    "tool": TextField("a tool that was called", lambda r: r.tools),
    "model": TextField("a model that was called", lambda r: r.usage),
    "fp": TextField(
        "the fingerprint of the failure, or words of its label", lambda r: (r.fingerprint, r.label)
    ),
    "type": TextField("an event type that occurs", lambda r: r.types),
    "tag": TextField("a tag", lambda r: r.tags),
    "project": TextField("the project", lambda r: (r.project,)),
    "env": TextField("the environment", lambda r: (r.environment,)),
    "id": TextField("the session id", lambda r: (r.session_id,)),
    "error": TextField("what is said of an error: `error:timeout`", lambda r: (r.error or "", r.label)),
}
NUMBER_FIELDS: dict[str, NumberField] = {
    "dur": NumberField("how long it took: 2s, 150ms, 1m, 1.5h", lambda r: r.duration_ms, "ms"),
    "tokens": NumberField("input and output tokens: 4k", lambda r: r.tokens),
    "in": NumberField("input tokens", lambda r: r.input_tokens),
    "out": NumberField("output tokens", lambda r: r.output_tokens),
    "cost": NumberField("US dollars: 0.05", lambda r: r.cost_usd),
    "events": NumberField("number of events", lambda r: r.events),
    "steps": NumberField("number of steps", lambda r: r.steps),
    "errors": NumberField("number of errors", lambda r: r.errors),
    "calls": NumberField("number of tool calls", lambda r: r.tool_calls),
    "llm": NumberField("number of LLM calls", lambda r: r.llm_calls),
    "size": NumberField("size of its file: 2MB", lambda r: r.size_bytes, "B"),
}
_ALIASES = {
    "fingerprint": "fp",
    "label": "fp",
    "environment": "env",
    "session": "id",
    "duration": "dur",
    "took": "dur",
    "tok": "tokens",
    "token": "tokens",
    "err": "errors",
    "tools": "tool",
    "tags": "tag",
    "kind": "type",
    "user_goal": "goal",
    "task_id": "task",
    "metadata": META,
}
SCORE = "score"
"""`score.NAME`: a number field for each score there is."""

_UNITS = {
    "": {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "%": 0.01, "$": 1.0},
    "ms": {
        "": 1e3,
        "ms": 1.0,
        "s": 1e3,
        "m": 6e4,
        "min": 6e4,
        "h": 3.6e6,
        "d": 8.64e7,
        "us": 1e-3,
        "µs": 1e-3,
    },
    "B": {"": 1.0, "b": 1.0, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9},
}


def fields() -> Iterator[tuple[str, str]]:
    """Each field and what it means, for help."""
    for name, text_field in TEXT_FIELDS.items():
        yield f"{name}:", text_field.help
    for name, number_field in NUMBER_FIELDS.items():
        yield f"{name}>", number_field.help
    yield f"{SCORE}.NAME>", "the value of a score; passed counts as 1"
    yield f"{META}.NAME:", "a value of the session's metadata"


def canonical(field: str) -> str:
    """The name of a field, whatever people call it; case matters only in the names of scores and of metadata."""
    name, dot, rest = field.partition(".")
    name = _ALIASES.get(name.casefold(), name.casefold())
    return f"{name}{dot}{rest}"


def text_field(name: str) -> TextField | None:
    """The text field of a canonical name; None for a number and for what is no field."""
    if name.startswith(META + ".") and len(name) > len(META) + 1:
        return TextField("", lambda r: _in_metadata(r, name[len(META) + 1 :]))
    return TEXT_FIELDS.get(name)


def number_of(field: str, row: SessionRow) -> float | None:
    """What a number field, by its canonical name, says of a session; None where it says nothing."""
    known = NUMBER_FIELDS.get(field)
    if known is not None:
        return known.value(row)
    score = row.scores.get(field[len(SCORE) + 1 :])
    return None if score is None else float(score)


def named_fields(prefix: str, rows: Iterable[SessionRow]) -> set[str]:
    """The fields that occur in `rows` of those that are named as `score.helpful>` and `meta.trial:` are."""
    found: set[str] = set()
    for row in rows:
        names = row.scores if prefix == SCORE else row.metadata
        found.update(name for name in names if not _UNTYPABLE.search(name))
    return {f"{prefix}.{name}{'>' if prefix == SCORE else ':'}" for name in found}


def number_in(text: str, unit: str) -> float | None:
    """`4k`, `2s` or `1.5MB` in the unit of the field; None when it is no number or no unit of that kind."""
    found = _NUMBER.fullmatch(text.replace("_", "").lstrip("$"))
    if found is None:
        return None
    factor = _UNITS[unit].get(found[2].casefold())
    return None if factor is None else float(found[1]) * factor
