"""The preview below the list: the highlighted session's failure in one sentence, and its last steps."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual.cache import LRUCache
from textual.widget import Widget

from promptetheus.cause.steps import StepKind
from promptetheus.display import count, printable_line, short_id
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.tui.fit import Pieces, cut_pieces, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.sessions.session_cells import cost_text, scores_text
from promptetheus.tui.theme import Looks, looks_of

if TYPE_CHECKING:
    from promptetheus.queries.session_log import SessionLog

LAST_STEPS = 12
"""Steps read for a preview: as many as the tallest one shows."""

READ_BYTES = 1 << 20
"""Bytes read at a time, so that a preview nobody looks at any more is given up quickly."""

_PREVIEWS_KEPT = 64


@dataclass(frozen=True, slots=True)
class PreviewStep:
    """One step as the preview shows it."""

    number: int
    kind: StepKind
    text: str
    ok: bool | None


@dataclass(frozen=True, slots=True)
class Preview:
    """What is read from a session's file for its preview."""

    headline: str
    """What happened in one sentence."""
    steps: tuple[PreviewStep, ...]
    """The last ones."""
    difference: tuple[str, ...] = ()
    """Where it parts from a session that passed, in up to two lines; worked out later than the rest."""


class PreviewReader:
    """Reads previews in threads, one at a time; the log of the last session is kept, so a live one is read once."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._path: Path | None = None
        self._log: SessionLog | None = None

    def read(self, row: SessionRow, given_up: Callable[[], bool]) -> Preview | None:
        """Read a session's preview from its file; None when it was given up on the way."""
        # These modules are not needed before the first frame.
        from promptetheus.cause.describe import describe
        from promptetheus.cause.narrative import headline
        from promptetheus.queries.session_log import SessionLog

        with self._turn:
            if given_up():
                return None
            if self._log is None or self._path != row.path:
                self._path, self._log = row.path, SessionLog(row.path)
            log = self._log
            while log.poll(READ_BYTES).more:
                if given_up():
                    return None
            last = [step for step in log.steps[-LAST_STEPS:] if step.kind is not StepKind.END]
            steps = tuple(
                PreviewStep(step.index, step.kind, describe(step, log.event), step.ok) for step in last
            )
            # A session that still runs has no outcome to put in words.
            said = row.goal if row.status is Status.RUNNING else headline(log.events())
            if row.status is Status.CRASHED:
                said = f"Crashed. {said}"
            return Preview(said, steps)


_State = tuple[Path, int, float, Status]


def _state(row: SessionRow) -> _State:
    """What a preview depends on. A writer that dies changes no file, but what is to be said of its session."""
    return row.path, row.size_bytes, row.mtime, row.status


class PreviewPane(Guarded, Widget, can_focus=False):
    """Draws a preview; the owner reads it in a worker and hands it over."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    PreviewPane { height: 6; padding: 0 2; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.row: SessionRow | None = None
        self._preview: Preview | None = None
        self._problem = ""
        self._known: LRUCache[_State, Preview] = LRUCache(_PREVIEWS_KEPT)
        """Previews by the state of the session that they show."""

    def show_row(self, row: SessionRow | None) -> bool:
        """Turn to another session; True when its preview has to be read first.

        Until it is read the last preview of the same session stays, so that a growing session does not flicker.
        """
        same = row is not None and self.row is not None and row.path == self.row.path
        self.row = row
        self._problem = ""
        known = None if row is None else self._known.get(_state(row))
        if known is not None or not same:
            self._preview = known
        self.refresh()
        return row is not None and known is None

    def knows(self, row: SessionRow) -> bool:
        """Whether the preview of a session as it stands now has been read."""
        return self._known.get(_state(row)) is not None

    def is_about(self, row: SessionRow) -> bool:
        """Whether that session is the one shown."""
        return self.row is not None and self.row.path == row.path

    def is_not_about(self, row: SessionRow) -> bool:
        """Whether the person has gone on to another session."""
        return not self.is_about(row)

    def show_preview(self, row: SessionRow, preview: Preview) -> None:
        """Take in what was read, and show it if that session is still the one."""
        state = _state(row)
        self._known.discard(state)  # this cache keeps what it has
        self._known[state] = preview
        if self.is_about(row):
            self._preview = preview
            self.refresh()

    def show_difference(self, row: SessionRow, difference: tuple[str, ...]) -> None:
        """Add where a failing session parts from one that passed."""
        known = self._known.get(_state(row))
        if known is not None:
            self.show_preview(row, replace(known, difference=difference))

    def show_problem(self, row: SessionRow, problem: str) -> None:
        """Say why a session could not be read."""
        if self.is_about(row):
            self._problem = problem
            self.refresh()

    def render(self) -> Text:
        """Draw what fits: the headline, a line of facts, and the last steps."""
        width, height = self.size
        looks = looks_of(self.app)
        row = self.row
        if row is None or not width:
            return Text("")
        if self._problem:
            return Text(
                printable_line(f"could not be read: {self._problem}", width), looks.failed, no_wrap=True
            )
        lines = [joined(cut_pieces(self._headline(row, looks), width))]
        if self._preview is not None:
            lines += [
                joined(cut_pieces([(said, looks.text if first else looks.muted)], width))
                for first, said in zip((True, False), self._preview.difference, strict=False)
            ]
        lines.append(joined(cut_pieces(_facts(row, looks), width)))
        if self._preview is not None:
            shown = self._preview.steps[-max(0, height - len(lines)) :] if height > len(lines) else ()
            lines += [joined(cut_pieces(_step_line(step, looks), width)) for step in shown]
        return Text("\n").join(lines[:height])

    def _headline(self, row: SessionRow, looks: Looks) -> Pieces:
        said = self._preview.headline if self._preview is not None else row.label or row.error or row.goal
        return [
            (printable_line(said, 1000), looks.status(row.status) if row.status.is_failing else looks.strong)
        ]


def _facts(row: SessionRow, looks: Looks) -> Pieces:
    """One quiet line with what a narrow list has no column for."""
    facts = [short_id(row.session_id)]
    if row.status is Status.RUNNING:
        facts.append("running")
    if row.events:
        facts.append(f"{count(row.events)} {'event' if row.events == 1 else 'events'}")
    if row.tokens is not None:
        facts.append(f"{count(row.tokens)} tokens")
    if row.cost_usd is not None:
        facts.append(cost_text(row))
    if row.unpriced_calls:
        calls = "LLM call" if row.unpriced_calls == 1 else "LLM calls"
        facts.append(f"{count(row.unpriced_calls)} {calls} without a known price")
    if row.scores:
        facts.append(scores_text(row))
    if row.tags:
        facts.append("tagged " + ", ".join(row.tags))
    if row.skipped.total:
        facts.append(f"skipped {row.skipped.describe()}")
    return [(printable_line("  ·  ".join(facts), 1000), looks.muted)]


def _step_line(step: PreviewStep, looks: Looks) -> Pieces:
    mark = "✗ " if step.ok is False else ""
    return [
        (f"{step.number:>4}  ", looks.faint),
        (f"{step.kind.value:<10}", looks.kind(step.kind, step.ok)),
        (mark, looks.failed),
        (printable_line(step.text, 1000), looks.text),
    ]
