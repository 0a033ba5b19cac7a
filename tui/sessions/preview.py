"""The preview below the list: the highlighted session's failure in one sentence, and its last steps."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text
from textual.cache import LRUCache
from textual.strip import Strip
from textual.widget import Widget

from promptetheus.cause.steps import Step, StepKind
from promptetheus.display import printable_line
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.tui.guard import Guarded
from promptetheus.tui.kind_words import kind_word
from promptetheus.tui.plain_prose import step_text
from promptetheus.tui.sessions.preview_lines import Preview, PreviewStep, preview_lines
from promptetheus.tui.text_selection import SelectsText
from promptetheus.tui.theme import looks_of

if TYPE_CHECKING:
    from promptetheus.events import Event
    from promptetheus.queries.session_log import SessionLog

LAST_STEPS = 40
"""Steps read for a preview: as many as the tallest one shows."""

AT_ONCE = 250
"""Steps, within three milliseconds."""

_TELLING = frozenset({StepKind.CHECK, StepKind.ERROR, StepKind.END})
"""Steps that say how a session went, beside those that failed."""

READ_BYTES = 1 << 18
"""Bytes read at a time, so that a preview nobody looks at any more is given up quickly."""

_PREVIEWS_KEPT = 64


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
            more = True
            while more:
                if given_up():
                    return None
                more = log.poll(READ_BYTES).more
                built = log.steps  # Portion by portion: those of a long session take a while.
            last = [step for step in built[-LAST_STEPS:] if step.kind is not StepKind.END]
            steps = tuple(_shown(step, describe(step, log.event)) for step in last)
            # A session that still runs has no outcome to put in words.
            said = row.goal
            if row.status is not Status.RUNNING:
                said = headline(_telling(log, built, given_up), ordered=True)
                if given_up():
                    return None
                # It grows no more; the steps of a long one are worth megabytes, and its preview is kept.
                log.close()
                self._log = None
            if row.status is Status.CRASHED:
                said = f"Crashed. {said}"
            return Preview(said, steps)


def _telling(log: SessionLog, steps: Sequence[Step], given_up: Callable[[], bool]) -> Iterator[Event]:
    """The events that a headline is made from, one at a time, or those up to where it was given up."""
    for place, step in enumerate(steps):
        if not place % AT_ONCE and given_up():
            return
        if step.kind in _TELLING or step.ok is False:
            for number in step.events:
                yield log.event(number)


_State = tuple[Path, int, float, Status]


def _state(row: SessionRow) -> _State:
    """What a preview depends on. A writer that dies changes no file, but what is to be said of its session."""
    return row.path, row.size_bytes, row.mtime, row.status


class PreviewPane(SelectsText, Guarded, Widget, can_focus=False):
    """Draws a preview; the owner reads it in a worker and hands it over."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    PreviewPane { height: 6; padding: 0 2; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.row: SessionRow | None = None
        self.priced = False
        """Whether the list of prices has been read."""
        self._preview: Preview | None = None
        self._problem = ""
        self._known: LRUCache[_State, Preview] = LRUCache(_PREVIEWS_KEPT)
        """Previews by the state of the session that they show."""

    def show_row(self, row: SessionRow | None) -> bool:
        """Turn to another session; True when its preview has to be read first.

        Until it is read the last preview of the same session stays, so that a growing session does not flicker.
        """
        same = row is not None and self.row is not None and row.path == self.row.path
        shown = self.row, self._preview, self._problem
        known = None if row is None else self._known.get(_state(row))
        self.row, self._problem = row, ""
        if known is not None or not same:
            self._preview = known
        if shown != (row, self._preview, ""):
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
            self.show_preview(row, known._replace(difference=difference))

    def show_problem(self, row: SessionRow, problem: str) -> None:
        """Say why a session could not be read."""
        if self.is_about(row):
            self._problem = problem
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line, with what is selected of it."""
        return self.with_selection(super().render_line(y), y)

    def content_line(self, line: int) -> Strip | None:
        """A line without what is selected."""
        return super().render_line(line) if line < self.size.height else None

    def render(self) -> Text:
        """Draw what fits."""
        width, height = self.size
        looks = looks_of(self.app)
        row = self.row
        if row is None or not width:
            return Text("")
        if self._problem:
            return Text(
                printable_line(f"could not be read: {self._problem}", width), looks.failed, no_wrap=True
            )
        return Text("\n").join(preview_lines(row, self._preview, width, height, looks, priced=self.priced))


def _shown(step: Step, text: str) -> PreviewStep:
    return PreviewStep(step.index, step.kind, kind_word(step), step_text(step, text), step.ok)
