"""What there is to say about one failure: its name in full, how it stands, what was noted, its newest sessions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptetheus.cause.failures import Life
from promptetheus.display import age, counted, printable_line, short_id
from promptetheus.fingerprint import marked_label
from promptetheus.queries.failure_list import ListedFailure
from promptetheus.queries.filter_fields import task_id
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.failures.failure_row import shown_label, tasks_line
from promptetheus.tui.fit import Pieces, cut, cut_pieces, joined, named_in
from promptetheus.tui.inspector.page import Block, Frame, Line, Page, more_text
from promptetheus.tui.wrapping import wrap, wrap_line

SHOWN_SESSIONS = 8
_NOTE_LINES = 6
_SAID_LINES = 3
_BELOW_SAID = 4
"""Lines that a long sentence leaves to the rest where the pane has them."""

_AGENT_CELLS = 32
"""Of a session's line; a longer name is cut in its middle."""


@dataclass(slots=True)
class FailureBlock:
    """A failure."""

    listed: ListedFailure
    sessions: Sequence[SessionRow]
    """The newest that failed so, the newest first."""
    now_s: float
    said: str = ""
    """What the newest of them says in full; "" where the label leaves nothing out, or nobody has read it."""

    def lines(self, frame: Frame) -> list[Line]:
        """Name, sentence, notes, sessions."""
        looks, failure = frame.looks, self.listed.failure
        found = self._name(frame)
        found += [
            Line(joined([(piece, looks.muted)]), value=failure.fingerprint)
            for piece in wrap(self._standing(), frame.width, 2).lines
        ]
        found += self._tasks(frame)
        for note in self.listed.notes:
            head = f"✎ {age(self.now_s - note.written_s)}  "
            for number, piece in enumerate(wrap(note.text, frame.width - len(head), _NOTE_LINES).lines):
                pieces: Pieces = [
                    (head if not number else " " * len(head), looks.accent),
                    (piece, looks.text),
                ]
                found.append(Line(joined(cut_pieces(pieces, frame.width)), value=note.text, title="note"))
        for row in self.sessions[:SHOWN_SESSIONS]:
            pieces = [
                (f"{row.status.glyph} {short_id(row.session_id)}", looks.status(row.status)),
                (f"  {age(None if row.started is None else self.now_s - row.started):<9}", looks.muted),
                (
                    f"  {named_in([printable_line(row.agent or 'unnamed agent', 80)], _AGENT_CELLS)}",
                    looks.muted,
                ),
                (f"  {printable_line(task_id(row), 40)}".rstrip(), looks.accent),
                (f"  {printable_line(row.goal, 200)}", looks.text),
            ]
            found.append(Line(joined(cut_pieces(pieces, frame.width)), value=row.session_id, title="session"))
        return found

    def _name(self, frame: Frame) -> list[Line]:
        """Its label, and what the newest session says in full; not what the label is only the beginning of."""
        looks, label = frame.looks, self.listed.failure.label
        is_cut = bool(self.said) and marked_label(label).endswith("…")
        found = [
            Line(joined([(piece, looks.strong)]), value=label, title="label")
            for piece in ([] if is_cut else wrap_line(shown_label(self.listed.failure), frame.width)[:3])
        ]
        if self.said:
            most = max(_SAID_LINES, frame.height - _BELOW_SAID) * frame.folds.portions("said")
            lines, rest = wrap(self.said, frame.width, most)
            style = looks.strong if is_cut else looks.text
            found += [
                Line(joined([(piece, style)]), value=self.said, title="how it failed") for piece in lines
            ]
            if rest:
                more = more_text("more", frame)
                found.append(Line(more, more="said", value=self.said, title="how it failed"))
        return found

    def _tasks(self, frame: Frame) -> list[Line]:
        """What they were to do, on up to two lines: the labels of ways of failing often read the same."""
        said = tasks_line(self.listed.tasks)
        several = len(self.listed.tasks) > 1
        title = "tasks" if several else "task"
        head = "" if several else "task  "
        room = max(1, frame.width - len(head))
        lines, rest = wrap(said, room, 2)
        if rest:
            lines[-1] = cut(f"{lines[-1]} …", room)
        return [
            Line(
                joined([(" " * len(head) if number else head, frame.looks.muted), (piece, frame.looks.text)]),
                value=said,
                title=title,
            )
            for number, piece in enumerate(lines)
        ]

    def _standing(self) -> str:
        failure = self.listed.failure
        times = counted(failure.sessions, "session")
        since = f"its tasks ran {counted(failure.since, 'time')} since"
        match failure.life:
            case Life.GONE:
                said = f"{failure.state}: {since}, too often to be chance"
            case Life.BACK:
                said = "back: it had stayed away longer than chance explains"
            case Life.NEW:
                said = "new: first seen less than a day before the newest session"
            case _:
                said = "recurring"
        if failure.since and failure.life is not Life.GONE:
            said += f", {since}"
        return f"{failure.fingerprint}  ·  {times}  ·  {said}"


def failure_page(listed: ListedFailure, sessions: Sequence[SessionRow], now_s: float, said: str = "") -> Page:
    """The page for the pane below the list; `said` as in `FailureBlock`."""
    blocks: list[Block] = [FailureBlock(listed, sessions, now_s, said)]
    return Page(blocks)
