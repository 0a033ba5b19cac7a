"""The first line of the Session view: where one is, how the session went, and which shape of it is shown."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.cells import cell_len
from textual import events
from textual.message import Message

from promptetheus.display import count, money, printable_line, short_id
from promptetheus.queries.rows import SessionRow, took_text
from promptetheus.tui.crumbs import ARROW, Crumbs
from promptetheus.tui.fit import Pieces, cells_of
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.line_widget import LineWidget
from promptetheus.tui.session.log_tail import is_live
from promptetheus.tui.session.shape import Shape
from promptetheus.tui.session.trouble import Trouble
from promptetheus.tui.theme import Looks, looks_of

ALL_SHAPES_FROM_WIDTH = 100
_WHOLE_NAMES_FROM_ROOM = 61
_GAP = "  "


class SessionHeader(LineWidget, can_focus=False):
    """`sessions › booking-agent › 01M8113M…C2F  ✗ failed goal   4.2s   14 steps   steps tree raw`."""

    DEFAULT_CSS = """
    SessionHeader { height: 1; padding: 0 2; }
    """

    class ShapeWanted(Message):
        """The name of a shape was clicked."""

        def __init__(self, shape: Shape) -> None:
            super().__init__()
            self.shape = shape

    def __init__(self, name: str, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._file = name
        self._clock = clock
        self._row: SessionRow | None = None
        self._trouble: Trouble | None = None
        self._shape = Shape.STEPS
        self._crumbs = Crumbs()
        self._shapes: list[tuple[range, Shape]] = []

    def show_crumbs(self, names: list[str]) -> None:
        """Name the views underneath, the list of sessions first."""
        self._crumbs.name(names)
        self.refresh()

    def show_row(self, row: SessionRow) -> None:
        """Show how the session stands."""
        if row != self._row:
            self._row = row
            self.refresh()

    def show_trouble(self, trouble: Trouble | None) -> None:
        """Show what is wrong with the session's file; None when nothing is."""
        if trouble != self._trouble:
            self._trouble = trouble
            self.refresh()

    def show_shape(self, shape: Shape) -> None:
        """Mark the shape that is shown."""
        self._shape = shape
        self.refresh()

    def pieces(self, width: int) -> Pieces:
        """What fits: place, status and shapes always, numbers as far as there is room."""
        looks = looks_of(self.app)
        shapes = self._shape_pieces(looks, width)
        room = width - cells_of(shapes) - 2
        left = self._place(looks, room)
        for piece in self._numbers(looks):
            if cells_of([*left, *piece]) > room:
                break
            left += piece
        space = max(1, width - cells_of(left) - cells_of(shapes))
        self._note_shapes(width - cells_of(shapes))
        return [*left, (" " * space, looks.text), *shapes]

    def _place(self, looks: Looks, room: int) -> Pieces:
        crumbs = self._crumbs.draw(looks, whole=room >= _WHOLE_NAMES_FROM_ROOM)
        row = self._row
        status = self._status(looks)
        if row is None:
            return [*crumbs, (printable_line(self._file, 60), looks.text), ("  ", looks.text), *status]
        name = short_id(row.session_id)
        fixed = cells_of(crumbs) + cell_len(ARROW) + cell_len(name) + 2 + cells_of(status)
        crumbs += self._crumbs.draw_agent(row.agent, cells_of(crumbs), room - fixed, looks)
        return [*crumbs, (name, looks.text), ("  ", looks.text), *status]

    def _status(self, looks: Looks) -> Pieces:
        """How the session stands; what became of its file says more than that it was running."""
        row, trouble = self._row, self._trouble
        pieces: Pieces = []
        if row is not None and not (is_live(row) and trouble is not None and trouble.is_over):
            pieces.append((f"{row.status.glyph} {row.status.word}", looks.status(row.status)))
        if trouble is not None:
            pieces += [("  ", looks.text)] if pieces else []
            pieces.append((f"⊘ {trouble.word}", looks.warned))
        return pieces

    def _numbers(self, looks: Looks) -> list[Pieces]:
        row = self._row
        if row is None:
            return [] if self._trouble is not None else [[("   reading …", looks.muted)]]
        found = [
            took_text(row, self._clock()).replace("–", ""),
            f"{count(row.steps)} {'step' if row.steps == 1 else 'steps'}",
            f"{row.errors} {'error' if row.errors == 1 else 'errors'}" if row.errors else "",
            "" if not row.tokens else f"{count(row.tokens)} tok",
            # Nothing until the price is known; a + where some calls have none.
            "" if row.cost_usd is None else money(row.cost_usd) + ("+" if row.unpriced_calls else ""),
        ]
        return [
            [("   ", looks.text), (text, looks.failed if "error" in text else looks.muted)]
            for text in found
            if text
        ]

    def _shape_pieces(self, looks: Looks, width: int) -> Pieces:
        """The names of the shapes; where it is narrow only the one that is shown, and the key for the next."""
        pieces: Pieces = []
        if width < ALL_SHAPES_FROM_WIDTH:
            return [(with_keys("<session.shape:v> "), looks.muted), (self._shape.value, looks.accent)]
        for shape in Shape:
            if pieces:
                pieces.append((_GAP, looks.text))
            # The active one is bold and bright, the others grey: weight tells it without colours.
            pieces.append((shape.value, looks.accent if shape is self._shape else looks.muted))
        return pieces

    def _note_shapes(self, start: int) -> None:
        shapes = list(Shape)
        if self.size.width < ALL_SHAPES_FROM_WIDTH:
            following = shapes[(shapes.index(self._shape) + 1) % len(shapes)]
            self._shapes = [(range(start, self.size.width), following)]
            return
        self._shapes = []
        for shape in shapes:
            self._shapes.append((range(start, start + len(shape.value)), shape))
            start += len(shape.value) + len(_GAP)

    def on_click(self, event: events.Click) -> None:
        """A crumb leads there, a shape's name shows it."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        crumb = self._crumbs.wanted_at(offset.x)
        if crumb is not None:
            self.post_message(crumb)
        for cells, shape in self._shapes:
            if offset.x in cells:
                self.post_message(self.ShapeWanted(shape))
