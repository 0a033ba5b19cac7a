"""The list of columns: which are shown, in which order, how wide. The list of sessions behind follows at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from promptetheus.tui.chooser import Choice, ChoiceList, ChooserInput, matches
from promptetheus.tui.menu import StayingMenu
from promptetheus.tui.sessions.session_columns import COLUMN, COLUMNS, LEAST_WIDTH


class ColumnsMenu(StayingMenu):
    """Chosen columns first, in their order; then the others. What is hidden keeps its row while the list is open: the
    same key brings it back, to where it was.

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
        self._rows = self._chosen
        """Keys of the upper rows: the columns that are shown, and those that were hidden here."""
        self._widths = dict(widths)
        self._on_screen = on_screen
        self._changed = changed

    @property
    def _shown(self) -> tuple[str, ...]:
        return self._chosen or tuple(self._on_screen())

    @property
    def _upper(self) -> tuple[str, ...]:
        return self._rows if self._chosen else self._shown

    def choices(self, words: str) -> Sequence[Choice]:
        """Each column with whether it is shown; then the way back."""
        shown, upper, on_screen = self._shown, self._upper, self._on_screen()
        name = {column.key: column.name for column in COLUMNS}
        found = []
        for key in (*upper, *(key for key in name if key not in upper)):
            if key in on_screen:
                note = f"{on_screen[key]} wide" + (", as you chose" if key in self._widths else "")
            else:
                note = "no room for it here" if key in shown else ""
            found.append(
                Choice(f"{'✓' if key in shown else '·'} {name[key]}", note, partial(self._turn, key))
            )
        found.append(Choice("  As many as fit, the usual ones first, as wide as suits", "", self._forget))
        return [each for each in found if not words or matches(words, each.title)]

    async def _run(self) -> None:
        """As elsewhere; the cursor goes along with a column that gets a place among those that are shown."""
        key = self._key
        await super()._run()
        if key:
            self._go_to(key)

    @property
    def _key(self) -> str:
        """The column under the cursor; "" where that is none."""
        chosen = self.query_one(ChoiceList).chosen
        name = "" if chosen is None else chosen.title[2:]
        return next((column.key for column in COLUMNS if column.name == name), "")

    def _go_to(self, key: str) -> None:
        listed = self.query_one(ChoiceList)
        name = COLUMN[key].name
        places = (place for place, each in enumerate(listed.choices) if each.title[2:] == name)
        listed.select(next(places, listed.cursor))

    def _choose(self, keys: Sequence[str], rows: Sequence[str]) -> None:
        self._chosen, self._rows = tuple(keys), tuple(rows)
        self._changed(self._chosen, self._widths)

    def _forget(self) -> None:
        self._widths.clear()
        self._choose((), ())

    def action_widen(self, by: int) -> None:
        """Make the highlighted column wider, or narrower."""
        key, on_screen = self._key, self._on_screen()
        if key not in on_screen:
            self.app.notify("Only a column that is on screen can be made wider or narrower.", timeout=3)
            return
        self._widths[key] = max(LEAST_WIDTH, on_screen[key] + by)
        self._choose(self._chosen, self._rows)
        self.show_again(self.query_one(ChoiceList).cursor)

    def _turn(self, key: str) -> None:
        shown, rows = self._shown, self._upper
        if shown == (key,):
            self.app.notify("This is the only column: show another one first.", timeout=3)
            return
        if key not in rows:
            # In its usual place: at the end there may be no room for it, and nothing would be seen of the choice.
            usual = [column.key for column in COLUMNS]
            behind = (n for n, each in enumerate(rows) if usual.index(each) > usual.index(key))
            place = next(behind, len(rows))
            rows = (*rows[:place], key, *rows[place:])
        self._choose([each for each in rows if (each in shown) != (each == key)], rows)

    def action_move_column(self, by: int) -> None:
        """Move the highlighted column past the next one that is shown, the cursor with it."""
        if self.query_one(ChooserInput).value.strip():
            self.app.notify("Columns move in the whole list: take the words away first.", timeout=3)
            return
        key, shown, rows = self._key, self._shown, list(self._upper)
        here = shown.index(key) if key in shown else -1
        if here < 0 or not 0 <= here + by < len(shown):
            self.app.notify("There is no place to move it to: only shown columns have an order.", timeout=3)
            return
        there = rows.index(shown[here + by])
        rows.remove(key)
        rows.insert(there, key)
        self._choose([each for each in rows if each in shown], rows)
        self.show_again(there)
