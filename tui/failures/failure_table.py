"""The list of failures, the one seen last first; the cursor stays on its failure as others come and go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget

from promptetheus.queries.failure_list import ListedFailure
from promptetheus.tui.failures.failure_labels import FailureLabels
from promptetheus.tui.failures.failure_row import FailureColumns, columns_for, failure_row, titles
from promptetheus.tui.fit import cut
from promptetheus.tui.guard import Guarded
from promptetheus.tui.line_list import LineList
from promptetheus.tui.theme import looks_of


class FailureTable(LineList):
    """Shows what the screen read."""

    BINDING_GROUP_TITLE = "List of failures"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "open_row", "its sessions", id="list.open", tooltip="List the sessions that failed so"
        ),
    ]

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(id="failure-table")
        self.failures: Sequence[ListedFailure] = ()
        """Those that the filter lets through."""
        self.why_empty = ""
        """What stands in a list without lines."""
        self.pinned = ""
        """Fingerprint of the failure that the person went to; the cursor goes back to it when the filter lets it."""
        self._clock = clock
        self._wanted = ""
        self.labels = FailureLabels()

    def columns(self, width: int) -> FailureColumns:
        """The columns that `width` cells have room for."""
        return columns_for(width, self.labels.longest)

    def unread_in_sight(self) -> list[str]:
        """Fingerprints of those on screen that look like another one; see `tell`."""
        return self.labels.unread(self.failures[index] for index in self.visible_rows)

    def tell(self, said: Mapping[str, str]) -> None:
        """Show what else makes them different ways of failing, by fingerprint."""
        self.labels.tell(said)
        self.refresh_rows()

    def show(self, failures: Sequence[ListedFailure]) -> None:
        """Show these, with the cursor on the failure that it was on."""
        held = (
            self._wanted
            or self.pinned
            or (self.chosen.failure.fingerprint if self.chosen is not None else "")
        )
        self.failures = failures
        known = (n for n, each in enumerate(failures) if held and each.failure.fingerprint.startswith(held))
        place = next(known, None)
        self.refresh_rows()
        if place is not None:
            self._wanted = ""
            if place != self.cursor:
                super().select(place)
        # Another one may be under the cursor although the cursor did not move.
        self.post_message(self.CursorMoved(self, self.cursor))

    def select(self, index: int, *, center: bool = False) -> None:
        """Put the cursor on a row: from now on it stays on that failure."""
        super().select(index, center=center)
        self.pinned = "" if self.chosen is None else self.chosen.failure.fingerprint

    @property
    def hides_pinned(self) -> bool:
        """Whether the filter hides the failure that the person had gone to."""
        return bool(self.pinned) and all(each.failure.fingerprint != self.pinned for each in self.failures)

    def want(self, fingerprint: str) -> None:
        """Go to this failure, or the one that begins so, as soon as it is there."""
        self._wanted = fingerprint

    def forget_wanted(self) -> str:
        """What was wanted and never came; "" when it did."""
        wanted, self._wanted = self._wanted, ""
        return wanted

    @property
    def chosen(self) -> ListedFailure | None:
        """The failure under the cursor."""
        return self.failures[self.cursor] if self.cursor < len(self.failures) else None

    def tick(self) -> None:
        """Let ages on screen go on."""
        for row in self.visible_rows:
            self.refresh_row(row)

    def row_count(self) -> int:
        """A line each."""
        return len(self.failures)

    def render_row(self, index: int, width: int, selected: bool) -> Text:
        """Draw one."""
        listed = self.failures[index]
        label_in = partial(self.labels.in_cells, listed.failure)
        row = failure_row(listed, self.columns(width - 2), self.looks, self._clock(), label_in)
        return Text(" ").append_text(row)

    def render_empty(self, y: int, width: int) -> Text | None:
        """Say why there is nothing."""
        return Text(cut(f"   {self.why_empty}", width), self.looks.muted) if y == 1 else None


class FailureTitles(Guarded, Widget, can_focus=False):
    """The names of the columns over the list."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    FailureTitles { height: 2; }
    """

    def __init__(self, table: FailureTable) -> None:
        super().__init__()
        self._table = table

    def render(self) -> Text:
        """Over the columns, whose list keeps a cell for its marker, one for its scroll bar and one before that."""
        text = Text("  ")
        return text.append_text(titles(self._table.columns(self.size.width - 4), looks_of(self.app)))
