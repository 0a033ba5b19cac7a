"""The filter line above a list: filters while one types, says how much it found, and stays as a chip."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import ClassVar

from rich.cells import cell_len
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static

from promptetheus.display import printable_line
from promptetheus.queries.filter import Filter, complete, completions, parse_filter
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.fit import Pieces, cut_pieces, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.text_input import TextInput
from promptetheus.tui.theme import looks_of

SHORTEST_INPUT = 24
"""Cells that the field keeps, however much there is to say beside it."""

PLACEHOLDER = "words, status:failed agent: tool: dur>2s cost>0.05 tag: -word"


class ValueSuggester(Suggester):
    """Completes the term at the end of a filter from the values that the rows have."""

    def __init__(self, rows: Callable[[], Iterable[SessionRow]]) -> None:
        # What completes a term changes with every session that arrives.
        super().__init__(use_cache=False, case_sensitive=True)
        self._rows = rows

    async def get_suggestion(self, value: str) -> str | None:
        """The whole filter with its last term completed; None when nothing fits."""
        for completion in completions(value, len(value), self._rows()):
            text, _ = complete(value, len(value), completion)
            text = printable_line(text)
            if text.startswith(value) and text != value:
                return text
        return None


class FilterInput(TextInput):
    """The field of the filter line."""

    BINDING_GROUP_TITLE = "Filter"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "clear", "clear", id="filter.clear", tooltip="Clear the filter and go back to the list"
        ),
        Binding(
            "enter", "leave", "to the list", id="filter.leave", tooltip="Keep the filter, go to the list"
        ),
        Binding("down", "leave", "to the list", show=False, id="filter.down"),
        Binding(
            "tab",
            "complete",
            "complete",
            id="filter.complete",
            tooltip="Complete the word from what is there",
        ),
    ]

    class Cleared(Message):
        """The person wants no filter."""

    class Left(Message):
        """The person is done typing and wants to go to the list."""

    def action_clear(self) -> None:
        """Clear the filter and go back to the list."""
        self.value = ""
        self.post_message(self.Cleared())

    def action_leave(self) -> None:
        """Keep the filter and go to the list."""
        self.post_message(self.Left())

    def action_complete(self) -> None:
        """Take the suggestion; without one go to the list, as tab does elsewhere."""
        before = self.value
        self.action_end()
        self.action_cursor_right()
        if self.value == before:
            self.action_leave()


class FilterBar(Guarded, Widget, can_focus=False):
    """Hidden while there is no filter and nobody types one."""

    DEFAULT_CSS = """
    FilterBar {
        height: 1; layout: horizontal; padding: 0 2; display: none;
        & > #filter-slash { width: 2; color: $accent; text-style: bold; }
        & > #filter-count { width: auto; padding: 0 0 0 2; }
        &.-shown { display: block; }
        &.-chip { background: $cursor-row-blurred; }
    }
    """

    class Changed(Message):
        """Another filter is wanted."""

        def __init__(self, wanted: Filter) -> None:
            super().__init__()
            self.wanted = wanted

    class Left(Message):
        """The keys should go to the list again."""

    def __init__(self, rows: Callable[[], Iterable[SessionRow]], text: str = "") -> None:
        super().__init__()
        self._initial = text
        self._suggester = ValueSuggester(rows)

    def compose(self) -> ComposeResult:
        """The slash, the field, and what it found."""
        yield Static("/", id="filter-slash", markup=False)
        yield FilterInput(
            self._initial, placeholder=PLACEHOLDER, suggester=self._suggester, id="filter-input"
        )
        yield Static("", id="filter-count", markup=False)

    def on_mount(self) -> None:
        """A filter that was there from the start shows as a chip."""
        self._settle()

    @property
    def input(self) -> FilterInput:
        """The field."""
        return self.query_one(FilterInput)

    @property
    def is_active(self) -> bool:
        """Whether a filter is in force."""
        return bool(self.input.value.strip())

    def open(self) -> None:
        """Let the person type."""
        self.add_class("-shown")
        self.remove_class("-chip")
        # At once: `focus()` would wait in a queue, and letters typed meanwhile would go to the list.
        self.screen.set_focus(self.input)

    def clear(self) -> None:
        """Show everything again."""
        self.input.value = ""
        self._settle()

    def show_text(self, text: str) -> None:
        """Filter by this, as if it had been typed."""
        self.input.value = text
        self._settle()

    def say(self, shown: int, total: int, hides: str, problems: tuple[str, ...], spent: str = "") -> None:
        """Say what the filter found.

        Args:
            hides: Short id of the chosen session when the filter hides it, else empty.
            problems: What the filter text says that is not understood.
            spent: What those that are shown spent together.
        """
        looks = looks_of(self.app)
        found: Pieces = [(f"{shown} of {total}", looks.text if shown else looks.warned)]
        hint: Pieces = [("   esc clears", looks.muted)]
        said = printable_line(problems[0], 200) if problems else f"hides {hides}" if hides else ""
        # What was typed comes first, then the numbers, then as much of the rest as there is room for.
        room = (
            self.size.width - max(SHORTEST_INPUT, cell_len(self.input.value) + 1) - 8 - cell_len(found[0][0])
        )
        if spent and room >= cell_len(spent) + 3 + cell_len(said):
            found += [(" · ", looks.faint), (spent, looks.muted)]
            room -= cell_len(spent) + 3
        if room >= cell_len(hint[0][0]) + cell_len(said):
            found += hint
        if said and room > 3:
            found = [*cut_pieces([(said, looks.warned)], room), ("   ", looks.text), *found]
        self.query_one("#filter-count", Static).update(joined(found))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self.post_message(self.Changed(parse_filter(event.value)))

    @on(FilterInput.Cleared)
    @on(FilterInput.Left)
    def _leave(self, event: Message) -> None:
        event.stop()
        self._settle()
        self.post_message(self.Left())

    def _settle(self) -> None:
        self.set_class(self.is_active, "-shown", "-chip")
