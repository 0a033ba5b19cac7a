"""From a session's first line, its summary and its file to the row that lists show.

Summaries come from disk: every value is checked before it enters a row, so that nothing above has to.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from promptetheus.clock import parse_timestamp
from promptetheus.events import Event
from promptetheus.fingerprint import is_failed_status
from promptetheus.process import is_alive
from promptetheus.queries.rows import NOTHING_SKIPPED, SessionRow, Skipped, Status, Usage
from promptetheus.spool import session_file_stem

RECENT_S = 60.0
"""A session whose writer cannot be looked up counts as running this long after its last line."""

_MAX_TEXT = 10_000
_NONE: Mapping[str, Any] = {}


class Writer(NamedTuple):
    """Who writes a session, as its `session_started` line says."""

    host: object = None
    pid: object = None
    started: object = None

    def is_alive(self, mtime: float) -> bool:
        """Whether it still runs; where that cannot be known, whether the file changed within a minute."""
        known = is_alive(self.host, self.pid, self.started)
        return time.time() - mtime < RECENT_S if known is None else known


def writer_of(started: Event) -> Writer:
    """The writer named in a `session_started` event (or an unknown one)."""
    metadata = _mapping(started.get("metadata"))
    return Writer(metadata.get("host"), metadata.get("pid"), metadata.get("process_started"))


def is_session_start(event: Event) -> bool:
    """Whether this event opens a session (or a second run of it)."""
    return event["type"] == "state_change" and _mapping(event.get("payload")).get("name") == "session_started"


def build_row(
    path: Path,
    size_bytes: int,
    mtime: float,
    first: Event,
    summary: Mapping[str, Any],
    *,
    last_time: object,
    ended: bool,
    writer_lives: bool,
    skipped: Skipped = NOTHING_SKIPPED,
    mended: int = 0,
) -> SessionRow:
    """The row of a session with at least one event.

    Args:
        first: its `session_started` event, or the first event where there is none.
        summary: as `SummaryCounter.result` gives it or the last line carries it.
        last_time: the timestamp of the last event.
        ended: whether `session_end` closed it.
    """
    after = _mapping(_mapping(first.get("payload")).get("after"))
    metadata = _mapping(first.get("metadata"))
    types = _counts(summary.get("types"))
    usage = _usage(summary.get("usage"))
    tokens_in = sum(used.input_tokens for used in usage.values())
    tokens_out = sum(used.output_tokens for used in usage.values())
    llm_calls = types.get("llm_call", 0)
    cost = _number(summary.get("cost_usd"))
    last_s = parse_timestamp(last_time)
    error = summary.get("error")
    imported = metadata.get("imported")
    failed_checks, passed_checks = _count(summary.get("failed_checks")), _count(summary.get("passed_checks"))
    return SessionRow(
        session_id=session_id_of(path.name, first),
        path=path,
        status=status_of(summary, ended, writer_lives),
        agent=_text(after.get("agent")),
        goal=_text(after.get("user_goal")),
        project=_text(after.get("project_id")),
        environment=_text(after.get("environment")),
        tags=_texts(summary.get("tags")),
        started=parse_timestamp(first.get("timestamp")),
        ended=last_s if ended else None,
        duration_ms=_number(summary.get("duration_ms")),
        events=_count(summary.get("events")),
        steps=_count(summary.get("steps")),
        errors=_count(summary.get("errors")),
        llm_calls=llm_calls,
        tool_calls=types.get("tool_call", 0),
        tools=_counts(summary.get("tools")),
        types=types,
        usage=usage,
        input_tokens=tokens_in if tokens_in or tokens_out else None,
        output_tokens=tokens_out if tokens_in or tokens_out else None,
        cost_usd=cost,
        unpriced_calls=llm_calls if cost is None else min(_count(summary.get("unpriced_calls")), llm_calls),
        scores=_scores(summary.get("scores")),
        failed_checks=failed_checks,
        passed_checks=passed_checks,
        fingerprint=_text(summary.get("fingerprint")),
        label=_text(summary.get("label")),
        size_bytes=size_bytes,
        mtime=mtime,
        skipped=skipped,
        mended=mended,
        metadata=_mapping(summary.get("metadata")),
        error=_text(error) if error is not None else None,
        imported=imported if isinstance(imported, dict) else None,
    )


def empty_row(path: Path, found: os.stat_result, skipped: Skipped = NOTHING_SKIPPED) -> SessionRow:
    """The row of a file in which no event stands yet."""
    return SessionRow(
        session_id=path.stem, path=path, status=Status.EMPTY, agent="", goal="", project="", environment="",
        tags=(), started=None, ended=None, duration_ms=None, events=0, steps=0, errors=0, llm_calls=0,
        tool_calls=0, tools=_NONE, types=_NONE, usage=_NONE, input_tokens=None, output_tokens=None,
        cost_usd=None, unpriced_calls=0, scores=_NONE, failed_checks=0, passed_checks=0, fingerprint="",
        label="", size_bytes=found.st_size, mtime=found.st_mtime, skipped=skipped, mended=0, metadata=_NONE,
        error=None, imported=None,
    )  # fmt: skip


def session_id_of(name: str, event: Event) -> str:
    """The id in the event where the file is named after it, otherwise the file's stem.

    So a copied or forged file never passes for another session of the same spool.
    """
    claimed = event.get("session_id")
    if not isinstance(claimed, str):
        return _stem(name)
    # Said first because it is nearly always so, and a list has ten thousand rows.
    if name == claimed + ".jsonl" or name == session_file_stem(claimed) + ".jsonl":
        return claimed
    return claimed if name.endswith(".json") else _stem(name)


def status_of(summary: Mapping[str, Any], ended: bool, writer_lives: bool) -> Status:
    """How a session with events stands."""
    if not ended:
        return Status.RUNNING if writer_lives else Status.CRASHED
    if _count(summary.get("failed_checks")):
        return Status.FAILED_GOAL
    if summary.get("error") or is_failed_status(summary.get("status")):
        return Status.FAILED
    return Status.PASSED if _count(summary.get("passed_checks")) else Status.COMPLETED


def _stem(name: str) -> str:
    return os.path.splitext(name)[0]


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else _NONE


def _text(value: object) -> str:
    return value[:_MAX_TEXT] if isinstance(value, str) else ""


def _texts(value: object) -> tuple[str, ...]:
    return tuple([item for item in value if isinstance(item, str)]) if isinstance(value, list) else ()


def _count(value: object) -> int:
    return value if type(value) is int and value >= 0 else 0


def _number(value: object) -> float | None:
    if (type(value) is float and math.isfinite(value)) or type(value) is int:
        try:
            return float(value)
        except OverflowError:
            return None
    return None


def _counts(value: object) -> Mapping[str, int]:
    if not isinstance(value, dict):
        return _NONE
    return {name: count for name, count in value.items() if type(count) is int and count > 0}


def _usage(value: object) -> Mapping[str, Usage]:
    if not isinstance(value, dict):
        return _NONE
    return {
        model: Usage(
            _count(used.get("calls")),
            _count(used.get("input")),
            _count(used.get("output")),
            _count(used.get("cached")),
        )
        for model, used in value.items()
        if isinstance(used, dict)
    }


def _scores(value: object) -> Mapping[str, float | bool]:
    if not isinstance(value, dict):
        return _NONE
    found: dict[str, float | bool] = {}
    for name, score in value.items():
        number = score if isinstance(score, bool) else _number(score)
        if number is not None:
            found[name] = number
    return found
