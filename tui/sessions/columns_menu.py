"""The list of columns: which are shown, and in which order. The list of sessions behind follows at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from promptetheus.tui.chooser import Choice, ChoiceList, ChooserInput, matches
from promptetheus.tui.menu import StayingMenu
from promptetheus.tui.sessions.session_columns import COLUMNS


class ColumnsMenu(StayingMenu):
    """Chosen columns first, in their order; then the others.

    Args:
        chosen: Keys of the columns that the person chose; none for as many as fit.
        on_screen: Says which columns are on screen now.
        changed: Told of the choice after each change.
    """

    BINDING_GROUP_TITLE = "Columns"
    PROMPT = "enter shows or hides a column, ctrl+↑ ctrl+↓ move it, esc closes"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+up,shift+up", "move_column(-1)", "to the left", id="columns.left"),
        Binding("ctrl+down,shift+down", "move_column(1)", "to the right", id="columns.right"),
    ]

    def __init__(
        self,
        chosen: Sequence[str],
        on_screen: Callable[[], Sequence[str]],
        changed: Callable[[tuple[str, ...]], object],
    ) -> None:
        super().__init__()
        self._chosen = tuple(chosen)
        self._on_screen = on_screen
        self._changed = changed

    @property
    def _shown(self) -> tuple[str, ...]:
        return self._chosen or tuple(self._on_screen())

    def choices(self, words: str) -> Sequence[Choice]:
        """Each column with whether it is shown; then the way back."""
        shown, on_screen = self._shown, self._on_screen()
        name = {column.key: column.name for column in COLUMNS}
        found = []
        for key in (*shown, *(key for key in name if key not in shown)):
            note = "no room for it here" if key in shown and key not in on_screen else ""
            found.append(
                Choice(f"{'✓' if key in shown else '·'} {name[key]}", note, partial(self._turn, key))
            )
        found.append(Choice("  As many as fit, the usual ones first", "", partial(self._choose, ())))
        return [each for each in found if not words or matches(words, each.title)]

    def _choose(self, keys: tuple[str, ...]) -> None:
        self._chosen = keys
        self._changed(keys)

    def _turn(self, key: str) -> None:
        shown = self._shown
        if shown == (key,):
            self.app.notify("This is the only column: show another one first.", timeout=3)
        elif key in shown:
            self._choose(tuple(each for each in shown if each != key))
        else:
            self._choose((*shown, key))

    def action_move_column(self, by: int) -> None:
        """Move the highlighted column one place, the cursor with it."""
        if self.query_one(ChooserInput).value.strip():
            self.app.notify("Columns move in the whole list: take the words away first.", timeout=3)
            return
        listed, shown = self.query_one(ChoiceList), list(self._shown)
        here, there = listed.cursor, listed.cursor + by
        if max(here, there) >= len(shown) or there < 0:
            self.app.notify("There is no place to move it to: only shown columns have an order.", timeout=3)
            return
        shown.insert(there, shown.pop(here))
        self._choose(tuple(shown))
        self.show_again(there)
