"""The table of sessions: one line each, and what a person does to it."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from promptetheus.queries.rows import SessionRow
from promptetheus.tui.keymap import chosen_key
from promptetheus.tui.sessions.session_columns import (
    COLUMN,
)
from promptetheus.tui.sessions.session_groups import Group, Grouping
from promptetheus.tui.sessions.session_rows import SessionRows


class SessionTable(SessionRows):
    """The keys of the list of sessions."""

    BINDING_GROUP_TITLE = "List of sessions"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_row", "open", id="list.open", tooltip="Open the highlighted session"),
        Binding(
            "space", "mark", "mark", id="sessions.mark", tooltip="Mark the session, or take its mark away"
        ),
        Binding(
            "e", "next_failing(True)", "next failing", show=False, id="sessions.next_failing",
            tooltip="To the next session that failed",
        ),
        Binding(
            "E", "next_failing(False)", "previous failing", show=False, id="sessions.previous_failing",
            tooltip="To the previous session that failed",
        ),
        Binding("o", "next_order", "sort", show=False, id="sessions.order", tooltip="Sort by the next column"),
        Binding(
            "O", "turn_order", "turn round", show=False, id="sessions.turn", tooltip="Turn the order round"
        ),
        Binding(
            "v", "next_grouping", "group", show=False, id="sessions.group",
            tooltip="Group by agent, goal, way of failing, or not at all",
        ),
        Binding(
            "C", "columns", "columns", show=False, id="sessions.columns",
            tooltip="Choose the columns: which are shown, in which order, and how wide",
        ),
        Binding("left,h", "fold", "fold", show=False, id="sessions.fold", tooltip="Fold the group"),
        Binding("right,l", "unfold", "unfold", show=False, id="sessions.unfold", tooltip="Unfold the group"),
    ]  # fmt: skip

    def action_mark(self) -> None:
        """Mark the highlighted session, or take its mark away, and go one row down."""
        row = self.highlighted
        if row is None:
            return
        if self.marks.pop(row.session_id, None) is None:
            self.marks[row.session_id] = row.path
        self.refresh_row(self.cursor)
        self.select(self.cursor + 1)
        self.post_message(self.Arranged())

    def action_open_row(self) -> None:
        """Open the session; fold or unfold a group."""
        line = self._line(self.cursor)
        if isinstance(line, Group):
            self._set_folded(line, not line.folded)
        else:
            super().action_open_row()

    def action_next_failing(self, forward: bool) -> None:
        """To the next session that failed, or the previous one."""
        lines, here = self.sessions.lines, self.cursor
        places = range(here + 1, len(lines)) if forward else range(here - 1, -1, -1)
        for place in places:
            line = lines[place]
            if isinstance(line, SessionRow) and line.status.is_failing:
                self.select(place)
                return
        self.app.notify(f"No failing session {'below' if forward else 'above'} this one.", timeout=2)

    def action_next_grouping(self) -> None:
        """By agent, goal, way of failing, or not at all."""
        groupings = list(Grouping)
        self.group_by(groupings[(groupings.index(self.sessions.grouping) + 1) % len(groupings)])

    def group_by(self, grouping: Grouping) -> None:
        """Put sessions together, the cursor on the session it was on."""
        self.once_examined(partial(self._group_by, grouping))

    def _group_by(self, grouping: Grouping) -> None:
        row = self.highlighted
        self.sessions.group_by(grouping)
        self.pinned = self.pinned if row is None else row.session_id
        self._rearranged()
        self._show_cursor(center=True)

    def action_fold(self) -> None:
        """Fold the group, from its own line or from a session in it."""
        line = self._line(self.cursor)
        if isinstance(line, Group):
            self._set_folded(line, True)
        elif isinstance(line, SessionRow) and self.sessions.grouping is not Grouping.NONE:
            place = self.sessions.group_of(line)
            head = self.sessions.lines[place]
            self.select(place)
            if isinstance(head, Group):
                self._set_folded(head, True)
        else:
            makes = chosen_key(self.app, "sessions.group", "v")
            self.app.notify(f"There are no groups to fold: {makes} makes some.", timeout=2)

    def action_unfold(self) -> None:
        """Unfold the group; open a session."""
        line = self._line(self.cursor)
        if isinstance(line, Group):
            self._set_folded(line, False)
        else:
            self.action_open_row()

    def _set_folded(self, group: Group, folded: bool) -> None:
        if self.sessions.set_folded(group, folded):
            self._rearranged()

    def action_next_order(self) -> None:
        """Sort by the next column to the right that is on screen."""
        shown = [placed.column for placed in self.columns]
        place = shown.index(self.sessions.order) if self.sessions.order in shown else -1
        self.sort_by(shown[(place + 1) % len(shown)])

    def action_turn_order(self) -> None:
        """The same column, the other way round."""
        self.sort_by(self.sessions.order)

    def action_sort_by(self, key: str) -> None:
        """Sort by a column, named by its key."""
        self.sort_by(COLUMN[key])

    async def action_columns(self) -> None:
        """Ask which columns to show, and in which order."""
        from promptetheus.tui.sessions.columns_menu import ColumnsMenu

        def on_screen() -> dict[str, int]:
            return {placed.column.key: placed.width for placed in self.columns}

        menu = ColumnsMenu(self.chosen_columns, self.chosen_widths, on_screen, self.choose_columns)
        await self.app.push_screen(menu)
