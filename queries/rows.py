"""What the catalog says about a session: frozen rows that the terminal, the command line and MCP share."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import repeat
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from promptetheus.display import duration


class Status(StrEnum):
    """How a session stands; always shown as glyph and word, never by colour alone."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED_GOAL = "failed goal"
    FAILED = "failed"
    CRASHED = "crashed"
    COMPLETED = "completed"
    EMPTY = "empty"

    @property
    def glyph(self) -> str:
        """One cell wide."""
        return _GLYPHS[self]

    @property
    def word(self) -> str:
        """What people read; `failed` is shown as `error`, to stand apart from `failed goal`."""
        return "error" if self is Status.FAILED else self.value

    @property
    def is_failing(self) -> bool:
        """Whether a person would want to look at it: failed its goal, failed, or crashed."""
        return self in (Status.FAILED_GOAL, Status.FAILED, Status.CRASHED)


_GLYPHS = {
    Status.RUNNING: "●",
    Status.PASSED: "✓",
    Status.FAILED_GOAL: "✗",
    Status.FAILED: "!",
    Status.CRASHED: "∅",
    Status.COMPLETED: "·",
    Status.EMPTY: " ",
}


@dataclass(frozen=True, slots=True)
class Skipped:
    """Lines of a session file that are not events, by reason."""

    torn: int = 0
    """A last line whose end was never written (or has not been written yet)."""
    garbage: int = 0
    """Not JSON, or nested too deeply to read."""
    foreign: int = 0
    """JSON, but not an event."""
    oversized: int = 0
    """Longer than 32 MiB; passed over without being held in memory."""

    @property
    def total(self) -> int:
        return self.torn + self.garbage + self.foreign + self.oversized

    def describe(self) -> str:
        """`2 garbage, 1 torn`, or an empty string when nothing was skipped."""
        counts = (
            (self.garbage, "garbage"),
            (self.foreign, "foreign"),
            (self.oversized, "oversized"),
            (self.torn, "torn"),
        )
        return ", ".join(f"{count} {name}" for count, name in counts if count)


NOTHING_SKIPPED = Skipped()


@dataclass(frozen=True, slots=True)
class Usage:
    """What one session spent on one model."""

    calls: int
    input_tokens: int
    output_tokens: int
    cached_tokens: int


UNKNOWN: Any = object()
"""What `Rest.glance` says of a field that takes all the work."""


class Rest(Protocol):
    """What works out the fields of a row that are not known yet, from the file's directory and name.

    It must not raise. One object may serve many rows.
    """

    def glance(self, directory: str, name: str, field: str) -> Any:
        """One of `_CHEAP`, where that is a fraction of the work; UNKNOWN otherwise."""

    def row(self, directory: str, name: str) -> SessionRow:
        """All of it."""


_CHEAP = frozenset(("status", "skipped", "mended", "size_bytes", "imported"))
"""Fields that somebody asks for of all sessions at once: who counts them, and who hands their files to DuckDB."""


class _Deferred:
    """Fields that are worked out when somebody first asks for one of them.

    A list of 10,000 sessions shows fifty: working out all fields of all rows costs more than reading the files.
    """

    __slots__ = ("_directory", "_name", "_rest")

    if not TYPE_CHECKING:  # a type checker would believe that every name is a field

        def __getattr__(self, name: str) -> Any:
            # Called only for what has no value yet: the slot of a field, or a name that no row has.
            if name not in _FIELDS:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            if name == "path":  # who opens the files needs nothing else
                path = Path(self._directory, self._name)
                _PUT["path"](self, path)
                return path
            if name in _CHEAP:
                value = self._rest.glance(self._directory, self._name, name)
                if value is not UNKNOWN:
                    _PUT[name](self, value)
                    return value
            rest = self._rest.row(self._directory, self._name)
            for value, put in zip(_values(rest), _PUT.values(), strict=True):
                put(self, value)
            return getattr(rest, name)


@dataclass(frozen=True, slots=True)
class SessionRow(_Deferred):
    """One session as lists show it."""

    session_id: str
    """Unique within a spool: the id in the events, or the file's stem where the file is not named after it."""
    path: Path
    status: Status
    agent: str
    goal: str
    project: str
    environment: str
    tags: tuple[str, ...]
    started: float | None
    """Seconds since the epoch, of the first event."""
    ended: float | None
    """Seconds since the epoch, of `session_end`; None while it runs and after a crash."""
    duration_ms: float | None
    """Until the end, or until the last event where there is none."""
    events: int
    steps: int
    errors: int
    llm_calls: int
    tool_calls: int
    tools: Mapping[str, int]
    """Calls by tool name."""
    types: Mapping[str, int]
    """Events by type."""
    usage: Mapping[str, Usage]
    """Calls and tokens by model."""
    input_tokens: int | None
    output_tokens: int | None
    cost_usd: float | None
    """As recorded, else as priced by `Catalog.price_rows`; None when nothing could be priced (yet)."""
    unpriced_calls: int
    """LLM calls that `cost_usd` does not contain."""
    scores: Mapping[str, float | bool]
    failed_checks: int
    passed_checks: int
    fingerprint: str
    """Names the way of failing; empty when it did not fail."""
    label: str
    size_bytes: int
    mtime: float
    """Seconds since the epoch, of the file."""
    skipped: Skipped
    mended: int
    """Events that only a tolerant reader gets out of their lines: bad UTF-8, lone surrogates, a byte order mark."""
    metadata: Mapping[str, Any]
    """What the user gave when the session was opened."""
    error: str | None
    imported: Mapping[str, Any] | None
    """Where it came from, for an imported session."""

    @property
    def is_timed(self) -> bool:
        """Whether the times of its events are those of the run; imports from sources without times are not."""
        return self.imported is None or self.imported.get("timed") is not False

    @property
    def tokens(self) -> int | None:
        """Input and output together; None when neither was recorded."""
        if self.input_tokens is None and self.output_tokens is None:
            return None
        return (self.input_tokens or 0) + (self.output_tokens or 0)


_FIELDS = frozenset(SessionRow.__slots__)
_PUT = {field: getattr(SessionRow, field).__set__ for field in SessionRow.__slots__}
_values = attrgetter(*SessionRow.__slots__)
_put_rest = _Deferred._rest.__set__  # type: ignore[attr-defined]
_put_directory = _Deferred._directory.__set__  # type: ignore[attr-defined]
_put_name = _Deferred._name.__set__  # type: ignore[attr-defined]


CRASH_TELLS_FROM_MS = 100.0
"""Events of a crashed session that lie closer together than this say how it began, not how long it went on."""


def took_text(row: SessionRow, now_s: float) -> str:
    """How long a session took, or has been running for, in words.

    Of a crashed one only what is known: it went on for some time after its last event, `≥31s`; `–` where its events
    do not tell even that.
    """
    took = row.duration_ms
    if row.status is Status.RUNNING and row.started is not None:
        took = max(0.0, (now_s - row.started) * 1000)
    if row.status is not Status.CRASHED:
        return duration(took)
    return "–" if took is None or took < CRASH_TELLS_FROM_MS else f"≥{duration(took)}"


def path_text(row: SessionRow) -> str:
    """The absolute path of the file: ten times faster than by way of a `Path`, for who needs it of all sessions."""
    try:
        text = f"{row._directory}{os.sep}{row._name}"  # type: ignore[attr-defined]
    except AttributeError:
        text = str(row.path)
    return text if text.startswith(os.sep) else os.path.join(os.getcwd(), text)


def deferred_rows(
    directory: str,
    names: Sequence[str],
    ids: Iterable[str],
    starts: Iterable[float | None],
    rests: Iterable[Rest],
    statuses: Iterable[Status] | None = None,
) -> list[SessionRow]:
    """Rows of which only what lists are sorted by is known, column by column.

    Each column is filled in one call: a call per row takes three times as long.
    """
    rows = list(map(SessionRow.__new__, repeat(SessionRow, len(names))))
    _fill(_put_directory, rows, repeat(directory))
    _fill(_put_name, rows, names)
    _fill(_PUT["session_id"], rows, ids)
    _fill(_PUT["started"], rows, starts)
    _fill(_put_rest, rows, rests)
    if statuses is not None:
        _fill(_PUT["status"], rows, statuses)
    return rows


def _fill(put: Callable[[SessionRow, Any], None], rows: list[SessionRow], values: Iterable[object]) -> None:
    deque(map(put, rows, values), maxlen=0)


class Problem(NamedTuple):
    """A file in the spool that is no session, and why."""

    path: Path
    reason: str


class Change(NamedTuple):
    """What a refresh of the catalog found."""

    updated: list[SessionRow]
    """New and changed rows."""
    removed: list[str]
    """Ids of sessions that are gone."""

    def __bool__(self) -> bool:
        return bool(self.updated or self.removed)
