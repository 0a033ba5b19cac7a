"""Which failures are news, and how to tell of them without a storm: one message for all that came together."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from promptetheus.display import printable_line
from promptetheus.fingerprint import marked_label
from promptetheus.queries.rows import SessionRow, Status

TOGETHER_S = 0.5
"""Failures within this time are told in one message."""

QUIET_S = 10.0
"""After a message, the next one waits this long; what fails meanwhile is told in it."""

FRESH_S = 60.0
"""A file that was last written longer ago than this was copied here, not recorded just now."""

_TOLD = 3
"""Sessions named in one message; the others are counted."""


class News(NamedTuple):
    """One message to the person."""

    title: str
    text: str


class FailureNews:
    """Collects sessions that newly fail."""

    def __init__(
        self, *, clock: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._pending: dict[str, SessionRow] = {}
        self._told = -QUIET_S
        self._announced = False

    def take(self, updated: Iterable[SessionRow], known: Mapping[str, SessionRow]) -> float | None:
        """Look at changed rows beside what was known of them.

        Returns:
            Seconds after which to call `tell`; None when there is nothing new, or a call is already due.
        """
        for row in updated:
            before = known.get(row.session_id)
            if before is not None and before.status.is_failing:
                continue
            fresh = row.imported is None and self._clock() - row.mtime < FRESH_S
            # A session seen running is news however it ends; one never seen before only if it was just written.
            if row.status.is_failing and (before is not None or fresh):
                self._pending[row.session_id] = row
        if not self._pending or self._announced:
            return None
        self._announced = True
        return max(TOGETHER_S, self._told + QUIET_S - self._monotonic())

    def tell(self) -> News | None:
        """One message about everything since the last one; None when there is nothing to tell."""
        rows, self._pending = list(self._pending.values()), {}
        self._announced = False
        if not rows:
            return None
        self._told = self._monotonic()
        if len(rows) == 1:
            row = rows[0]
            return News(f"{row.status.glyph} {row.status.word}  {_who(row)}", _what(row))
        alike = Counter((f"{row.status.glyph} {_who(row)}", _what(row)) for row in rows)
        told = list(alike.items())[:_TOLD]
        lines = [f"{who}{f' ×{times}' if times > 1 else ''}: {what}" for (who, what), times in told]
        if rest := len(rows) - sum(times for _, times in told):
            lines.append(f"and {rest} more")
        return News(f"{len(rows)} sessions failed", "\n".join(lines))


def _who(row: SessionRow) -> str:
    return printable_line(row.agent or "a session", 40)


def _what(row: SessionRow) -> str:
    said = unnamed_exception(row) or marked_label(row.label) or row.error or row.goal or row.session_id
    return printable_line(said, 120)


def unnamed_exception(row: SessionRow) -> str:
    """The exception that ended a session, as `TypeError: …`; "" where none did, or the label names it already."""
    if row.status is not Status.FAILED or not row.error:
        return ""
    raised = row.error.rstrip().rpartition("\n")[2].strip()
    return "" if raised.partition(":")[0] in row.label else raised
