"""The saved filters of a project: use one, save the present one, rename, forget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType

from promptetheus.display import printable_line
from promptetheus.queries.filter import parse_filter
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.chooser import Choice, ChoiceList, Chooser, matches
from promptetheus.tui.keymap import chosen_key, with_keys


class SavedFilters(Chooser):
    """Each with what it lets through now.

    Args:
        filters: By name, as they are now.
        sessions: Counted for each filter.
        so_far: Whether there are more sessions to read.
        present: The filter of the sessions now; "" for none.
        use: Shows the sessions of a filter.
        save: Asks for a name for the present filter.
        rename: Asks for another name.
        forget: Lets go of one.
    """

    BINDING_GROUP_TITLE = "Saved filters"
    PROMPT = (
        "<filters.save:ctrl+s> saves it, <filters.rename:ctrl+r> renames, <filters.forget:ctrl+x> forgets"
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "save", id="filters.save", tooltip="Save the present filter under a name"),
        Binding("ctrl+r", "rename", "rename", id="filters.rename", tooltip="Give it another name"),
        # The field would cut what is selected in it.
        Binding("ctrl+x", "forget", "forget", priority=True, id="filters.forget", tooltip="Forget it"),
    ]

    def __init__(
        self,
        filters: Mapping[str, str],
        sessions: Sequence[SessionRow],
        present: str,
        *,
        so_far: bool = False,
        use: Callable[[str], object],
        save: Callable[[], object],
        rename: Callable[[str], object],
        forget: Callable[[str], object],
    ) -> None:
        super().__init__()
        self._filters = filters
        self._present = present
        self._so_far = so_far
        self._use, self._save, self._rename, self._forget = use, save, rename, forget
        self._matching = {text: _count(text, sessions) for text in set(filters.values())}
        self._names: list[str] = []

    def choices(self, words: str) -> Sequence[Choice]:
        """Those whose name or filter holds the words."""
        self._names = [
            name for name, text in self._filters.items() if not words or matches(words, f"{name} {text}")
        ]
        found = [
            Choice(
                f"{printable_line(name, 60)}   {printable_line(self._filters[name], 120)}",
                f"{self._matching.get(self._filters[name], 0):,}{'+' * self._so_far}",
                partial(self._use, self._filters[name]),
            )
            for name in self._names
        ]
        none = with_keys(
            "None yet: <sessions.filter:slash> sets a filter, <filters.save:ctrl+s> here saves it."
        )
        return found or ([] if words else [Choice(none)])

    @property
    def _chosen_name(self) -> str:
        place = self.query_one(ChoiceList).cursor
        return self._names[place] if place < len(self._names) else ""

    def action_save(self) -> None:
        """Ask for a name for the present filter; stay where there is none, for a name may be on its way."""
        if self._present:
            self.app.call_later(self._save)
            self.dismiss()
        else:
            self.action_search()
            self.app.notify(nothing_to_save(self.app), timeout=4)

    def action_rename(self) -> None:
        """Ask for another name for the highlighted one."""
        if self._chosen_name:
            self.app.call_later(self._rename, self._chosen_name)
            self.dismiss()
        else:
            self.app.notify("There is no saved filter to rename.", timeout=3)

    def action_forget(self) -> None:
        """Forget the highlighted one."""
        if not self._chosen_name:
            self.app.notify("There is no saved filter to forget.", timeout=3)
            return
        self._forget(self._chosen_name)
        self.query_one(ChoiceList).show(self.choices(""))


def nothing_to_save(app: App[Any]) -> str:
    """What a person hears who saves a filter where none is set."""
    return f"There is no filter to save: {chosen_key(app, 'sessions.filter', 'slash')} sets one."


def _count(text: str, sessions: Sequence[SessionRow]) -> int:
    wanted = parse_filter(text)
    return sum(map(wanted.matches, sessions))
