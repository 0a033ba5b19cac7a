"""The list of columns: which are shown, in which order, how wide. The list of sessions behind follows at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from promptetheus.tui.chooser import Choice, ChoiceList, ChooserInput, matches
from promptetheus.tui.menu import StayingMenu
from promptetheus.tui.sessions.session_columns import COLUMNS, LEAST_WIDTH


class ColumnsMenu(StayingMenu):
    """Chosen columns first, in their order; then the others.

    Args:
        chosen: Keys of the columns that the person chose; none for as many as fit.
        widths: Cells that the person chose for columns, by key.
        on_screen: Says which columns are on screen now, and how wide each is.
        changed: Told of the choice after each change.
    """

    BINDING_GROUP_TITLE = "Columns"
    PROMPT = "enter shows or hides, <columns.right:ctrl+down> moves, <columns.wider:ctrl+right> widens"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+up,shift+up", "move_column(-1)", "to the left", id="columns.left"),
        Binding("ctrl+down,shift+down", "move_column(1)", "to the right", id="columns.right"),
        # The field would go from word to word.
        Binding("ctrl+left,shift+left", "widen(-1)", "narrower", priority=True, id="columns.narrower"),
        Binding("ctrl+right,shift+right", "widen(1)", "wider", priority=True, id="columns.wider"),
    ]

    def __init__(
        self,
        chosen: Sequence[str],
        widths: Mapping[str, int],
        on_screen: Callable[[], Mapping[str, int]],
        changed: Callable[[tuple[str, ...], Mapping[str, int]], object],
    ) -> None:
        super().__init__()
        self._chosen = tuple(chosen)
        self._widths = dict(widths)
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
            if key in on_screen:
                note = f"{on_screen[key]} wide" + (", as you chose" if key in self._widths else "")
            else:
                note = "no room for it here" if key in shown else ""
            found.append(
                Choice(f"{'✓' if key in shown else '·'} {name[key]}", note, partial(self._turn, key))
            )
        found.append(Choice("  As many as fit, the usual ones first, as wide as suits", "", self._forget))
        return [each for each in found if not words or matches(words, each.title)]

    def _choose(self, keys: tuple[str, ...]) -> None:
        self._chosen = keys
        self._changed(keys, self._widths)

    def _forget(self) -> None:
        self._widths.clear()
        self._choose(())

    def action_widen(self, by: int) -> None:
        """Make the highlighted column wider, or narrower."""
        listed, on_screen = self.query_one(ChoiceList), self._on_screen()
        name = "" if listed.chosen is None else listed.chosen.title[2:]
        key = next((column.key for column in COLUMNS if column.name == name), "")
        if key not in on_screen:
            self.app.notify("Only a column that is on screen can be made wider or narrower.", timeout=3)
            return
        self._widths[key] = max(LEAST_WIDTH, on_screen[key] + by)
        self._choose(self._chosen)
        self.show_again(listed.cursor)

    def _turn(self, key: str) -> None:
        shown = self._shown
        if shown == (key,):
            self.app.notify("This is the only column: show another one first.", timeout=3)
        elif key in shown:
            self._choose(tuple(each for each in shown if each != key))
        else:
            # In its usual place: at the end there may be no room for it, and nothing would be seen of the choice.
            usual = [column.key for column in COLUMNS]
            behind = (n for n, each in enumerate(shown) if usual.index(each) > usual.index(key))
            place = next(behind, len(shown))
            self._choose((*shown[:place], key, *shown[place:]))

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
