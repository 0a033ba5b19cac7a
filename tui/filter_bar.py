"""The filter line above a list: filters while one types, says how much it found, and stays as a chip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.suggester import SuggestionReady
from textual.widget import Widget
from textual.widgets import Input, Static

from promptetheus.display import printable_line
from promptetheus.queries.filter import Filter, parse_filter
from promptetheus.queries.filter_listed import Listed, ListedRows, ListedSessions, ListedSteps, ListedWords
from promptetheus.tui.answering import until_rest
from promptetheus.tui.fit import Pieces, cells_of, cut_pieces, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.keymap import leaving_key, with_keys
from promptetheus.tui.text_input import TextInput
from promptetheus.tui.theme import looks_of
from promptetheus.tui.wrapping import wrap_line

if TYPE_CHECKING:
    from promptetheus.tui.filter_offers import FilterOffers

SHORTEST_INPUT = 24
"""Cells that the field keeps, however much there is to say beside it."""

BUILD_AFTER_S = 0.5
"""A field that nobody asked for is made when the view has been on screen for so long, and no keys are pressed: it
takes as long as a frame."""

LOOKED_AT = 500
"""Of so many sessions one sees whether they have tasks."""

MOST_LINES_BELOW = 4
"""That a wrong filter may take to say what it could be."""

_OF_TASKS = "words, status:failed agent: task: tool: dur>2s -word   <filter.complete:tab> lists all"
PLACEHOLDERS: Mapping[type, str] = {
    ListedSessions: "words, status:failed agent: tool: dur>2s -word   <filter.complete:tab> lists all",
    ListedSteps: "words, tool: type:error status:failed dur>2s -word   <filter.complete:tab> lists all",
    ListedRows: "words of any column, column:value column>limit -word",
    ListedWords: "words, -word for those without it",
}
"""What a field without a filter shows, by what it narrows."""


class FilterInput(TextInput):
    """The field of the filter line. Its keys go to the candidates below it while they are shown."""

    BINDING_GROUP_TITLE = "Filter"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "clear", "clear", id="filter.clear",
            tooltip="Close what is offered; clear the filter and go back to the list",
        ),
        Binding(
            "enter", "leave", "to the list", id="filter.leave",
            tooltip="Keep the filter, go to the list; take what is chosen of what is offered",
        ),
        Binding(
            "tab", "complete", "complete", id="filter.complete",
            tooltip="Take what is offered; list all fields where nothing is typed yet",
        ),
        Binding(
            "down,ctrl+n", "down", "next offer", show=False, id="filter.down",
            tooltip="To the next offer, or the list",
        ),
        Binding("up,ctrl+p", "up", "previous offer", show=False, id="filter.up", tooltip="To the offer before"),
    ]  # fmt: skip

    class Cleared(Message):
        """The person wants no filter."""

    class Left(Message):
        """The person is done typing and wants to go to the list."""

    def __init__(self, text: str, placeholder: str, offers: FilterOffers) -> None:
        super().__init__(text, placeholder=placeholder, id="filter-input")
        self._offers = offers

    def action_clear(self) -> None:
        """Close what is offered; else clear the filter and go back to the list."""
        if self._offers.is_open:
            self._offers.close()
            return
        self.value = ""
        self.post_message(self.Cleared())

    def action_leave(self) -> None:
        """Take what was chosen; else keep the filter and go to the list."""
        if self._offers.is_open and self._offers.is_chosen:
            self._take()
        else:
            self._offers.close()
            self.post_message(self.Left())

    def action_complete(self) -> None:
        """Take what is offered first, or was chosen; where nothing is, go to the list, as tab does elsewhere."""
        if self._offers.is_open:
            self._take()
        elif not self._offers.insist(self.value, self.cursor_position):
            self.action_leave()

    def action_down(self) -> None:
        """To the next offer, or the list."""
        if self._offers.is_open:
            self._offers.move(1)
        else:
            self.action_leave()

    def action_up(self) -> None:
        """To the offer before."""
        if self._offers.is_open:
            self._offers.move(-1)

    def _take(self) -> None:
        # At once: a letter typed right behind the key must find what was taken.
        taken = self._offers.take()
        if taken is not None:
            self.put(*taken)

    def put(self, text: str, cursor: int) -> None:
        """Show another text, the cursor at a place in it."""
        self.value = text
        self.cursor_position = cursor


class FilterBar(Guarded, Widget, can_focus=False):
    """Hidden while there is no filter and nobody types one."""

    DEFAULT_CSS = """
    FilterBar {
        height: 1; layout: horizontal; padding: 0 2; display: none;
        & > #filter-slash { width: 2; color: $accent; text-style: bold; }
        & > #filter-count { width: auto; padding: 0 0 0 2; }
        & > #filter-problem { display: none; dock: bottom; padding: 0 4; color: $warned; }
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

    def __init__(self, listed: Listed, text: str = "") -> None:
        super().__init__()
        self._initial = text
        self._listed = listed
        self._placeholder = next(said for kind, said in PLACEHOLDERS.items() if isinstance(listed, kind))
        if listed.own:
            self._placeholder = " ".join([*(f"{name}:" for name in listed.own), self._placeholder])
        self._found = Static("", id="filter-count", markup=False)
        self._problem = Static("", id="filter-problem", markup=False)
        self._is_built = False
        self._clears = 0
        """Cells at the end of the line that say how to clear the filter."""

    @cached_property
    def _offers(self) -> FilterOffers:
        # With it come the modules that complete: not for the first frame.
        from promptetheus.tui.filter_offers import FilterOffers

        return FilterOffers(self._listed)

    @cached_property
    def input(self) -> FilterInput:
        """The field."""
        return FilterInput(self._initial, with_keys(self._placeholder), self._offers)

    def compose(self) -> ComposeResult:
        """Nothing, unless there is a filter from the start: most often there is none, and the first frame of the view
        comes sooner."""
        if self._initial:
            yield from self._parts()

    def _parts(self) -> Iterator[Widget]:
        """The slash, the field, what it found, and below it what may be typed."""
        self._is_built = True
        yield Static("/", id="filter-slash", markup=False)
        yield self.input
        yield self._found
        yield self._problem
        yield self._offers

    def on_mount(self) -> None:
        """A filter that was there from the start shows as a chip."""
        if self._initial:
            self._settle()
        else:
            self.set_timer(BUILD_AFTER_S, self._build_at_rest)

    @work(exclusive=True, exit_on_error=False)
    async def _build_at_rest(self) -> None:
        await until_rest(self.app)
        self._build()

    def _build(self) -> None:
        if not self._is_built and self.is_attached:
            self.mount_all(self._parts())

    @property
    def is_active(self) -> bool:
        """Whether a filter is in force."""
        return bool((self.input.value if self._is_built else self._initial).strip())

    def open(self) -> None:
        """Let the person type."""
        self._build()
        self.add_class("-shown")
        self.remove_class("-chip")
        self.input.placeholder = self._prompt()
        self._offers.begin()
        # At once: `focus()` would wait in a queue, and letters typed meanwhile would go to the list.
        self.screen.set_focus(self.input)

    def _prompt(self) -> str:
        """What an empty field shows. That sessions can be found by their task is said where they have one."""
        has_tasks = "task" in self._listed.fields and any(
            map(any, islice(self._listed.values("task"), LOOKED_AT))
        )
        return with_keys(_OF_TASKS if has_tasks else self._placeholder, self.app)

    def clear(self) -> None:
        """Show everything again."""
        if self._is_built:
            self.input.value = ""
        self._settle()

    def show_text(self, text: str) -> None:
        """Filter by this, as if it had been typed."""
        self._build()
        self.input.value = text
        self._settle()

    def say(
        self,
        shown: int,
        total: int,
        hides: str = "",
        problems: tuple[str, ...] = (),
        spent: str = "",
        *,
        of: str = "",
        so_far: bool = False,
    ) -> None:
        """Say what the filter found.

        Args:
            of: What is counted, where that is not what the view is called after.
            so_far: Whether there is more to look at.
            hides: Short name of what the person had chosen when the filter hides it, as it was recorded; else empty.
            problems: What the filter text says that is not understood.
            spent: What those that are shown spent together.
        """
        if not self._is_built:
            return
        looks = looks_of(self.app)
        numbers = f"{shown:,}{'+' * so_far} of {total:,}"
        found: Pieces = [
            (f"{numbers} {of}".rstrip(), looks.text if shown else looks.muted if so_far else looks.warned)
        ]
        clears = with_keys("<filter.clear:escape>") if self.input.has_focus else leaving_key(self.screen)
        hint: Pieces = [("   ", looks.muted), (f"{clears} clears", looks.muted)]
        problems = problems or self._problems()
        said = printable_line(problems[0] if problems else f"hides {hides}" if hides else "", 400)
        # What was typed comes first, then the numbers, then as much of the rest as there is room for.
        room = (
            self.size.width - max(SHORTEST_INPUT, cell_len(self.input.value) + 1) - 8 - cell_len(found[0][0])
        )
        if self._say_below(said if cell_len(said) + 3 > room else ""):
            said = ""
        if spent and room >= cell_len(spent) + 3 + cell_len(said):
            found += [(" · ", looks.faint), (spent, looks.muted)]
            room -= cell_len(spent) + 3
        says_how = room >= cells_of(hint) + cell_len(said)
        self._clears = cell_len(hint[-1][0]) if says_how else 0
        if says_how:
            found += hint
        if said and room > 3:
            found = [*cut_pieces([(said, looks.warned)], room), ("   ", looks.text), *found]
        self._found.update(joined(found))

    def _problems(self) -> tuple[str, ...]:
        """What the filter says that makes no sense in this list."""
        from promptetheus.queries.filter_completion import problems_in

        return problems_in(self.input.value, self._listed)

    def _say_below(self, said: str) -> bool:
        """Say what has no room beside the field on lines of its own; what a field takes is not to be cut off."""
        lines = wrap_line(said, max(20, self.size.width - 8))[:MOST_LINES_BELOW] if said else []
        below = self._problem
        below.display = bool(lines)
        below.styles.height = len(lines)
        self.styles.height = 1 + len(lines)
        below.update(Text("\n".join(lines), no_wrap=True))
        return bool(lines)

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        if not self.is_active:
            self._say_below("")
        self.post_message(self.Changed(parse_filter(event.value)))
        if self.input.has_focus:
            self._offers.offer(event.value, self.input.cursor_position)

    def on_filter_offers_taken(self, event: FilterOffers.Taken) -> None:
        """An offer goes into the field."""
        event.stop()
        self.input.put(event.text, event.cursor)

    def on_filter_offers_likeliest(self, event: FilterOffers.Likeliest) -> None:
        """The likeliest one shows behind what is typed."""
        event.stop()
        self.input.post_message(SuggestionReady(event.value, event.text))

    def on_descendant_blur(self) -> None:
        """Whoever is done typing needs no offers."""
        self._offers.close()

    def on_click(self, event: events.Click) -> None:
        """A click on the words that say how to clear the filter does so; on the rest of a chip, it can be changed."""
        end = self._found.region.right
        if end - self._clears <= event.screen_x < end and event.screen_y == self._found.region.y:
            self.clear()
            self.post_message(self.Left())
        elif self.has_class("-chip"):
            self.open()

    @on(FilterInput.Cleared)
    @on(FilterInput.Left)
    def _leave(self, event: Message) -> None:
        event.stop()
        self._settle()
        self.post_message(self.Left())

    def _settle(self) -> None:
        self.set_class(self.is_active, "-shown", "-chip")
