"""Below a filter that is being typed: what may stand there, to be taken with a key or the mouse."""

from __future__ import annotations

import asyncio
from typing import Any

from rich.cells import cell_len
from rich.text import Text
from textual import events, work
from textual.message import Message
from textual.screen import Screen
from textual.widget import Widget

from promptetheus.display import printable_line
from promptetheus.queries.filter_completion import (
    Candidate,
    Occurring,
    candidates,
    complete,
    completed_field,
)
from promptetheus.queries.filter_listed import Listed
from promptetheus.queries.filter_terms import term_at
from promptetheus.tui.chooser import Choice, ChoiceList
from promptetheus.tui.fit import aligned, joined
from promptetheus.tui.theme import looks_of

MOST_ROWS = 8
"""Offers in sight; the others scroll."""

COUNT_AGAIN_S = 1.0
"""How old the numbers may be: sessions are read, and recorded, while one types."""

_WIDEST = 78
"""Cells that offers may take of a wide screen."""


def _nothing_more() -> None:
    """What an offer does is done by whoever takes it; a choice that can be made has something to run."""


class FilterOffers(ChoiceList):
    """A short list over the view, at the term that is being typed. The field keeps the keys."""

    DEFAULT_CSS = """
    FilterOffers {
        overlay: screen; position: absolute; display: none; height: 1; background: $surface;
        border-left: outer $accent; padding: 0 1 0 0;
        scrollbar-background: $surface; scrollbar-background-hover: $surface; scrollbar-background-active: $surface;
        &.-open { display: block; }
    }
    """

    class Taken(Message):
        """The filter is to read so."""

        def __init__(self, text: str, cursor: int) -> None:
            super().__init__()
            self.text = text
            self.cursor = cursor

    class Likeliest(Message):
        """What the field may show in grey behind what is typed."""

        def __init__(self, value: str, text: str) -> None:
            super().__init__()
            self.value = value
            self.text = text

    def __init__(self, listed: Listed) -> None:
        super().__init__()
        self._listed = listed
        self._counted: dict[str, Occurring] = {}
        """Values by field, as they were counted last since the person began to type."""
        self._counting = ""
        """The field whose values are counted now, and again as long as it is completed."""
        self._typed = ("", 0)
        self._passed_over: str | None = None
        """The filter for which the offers were closed."""
        self._is_moved = False
        self._titles = 0
        """Cells of the longest offer."""
        self._left = 0
        """The column in which they begin."""

    def on_mount(self) -> None:
        """Move with the height of the line above."""
        self.screen.screen_layout_refresh_signal.subscribe(self, self._stand_below_the_line)

    @property
    def is_open(self) -> bool:
        """Whether offers are in sight."""
        return self.has_class("-open")

    @property
    def is_chosen(self) -> bool:
        """Whether the person went to one of them: only then enter takes it, and not what nobody looked at."""
        return self._is_moved

    @property
    def shows_cursor(self) -> bool:
        """Only once there is a choice."""
        return self._is_moved

    def begin(self) -> None:
        """The person begins to type: what was counted before may have changed."""
        self._counted.clear()
        self._counting = ""
        self._passed_over = None

    def close(self) -> None:
        """Offer nothing until something else is typed."""
        self._passed_over = self._typed[0]
        self._counting = ""
        self.remove_class("-open")
        self.workers.cancel_node(self)

    def move(self, step: int) -> None:
        """To the first one, then from one to the next."""
        if self._is_moved:
            super().move(step)
        else:
            self._is_moved = True
            self.refresh_row(self.cursor)

    def offer(self, text: str, cursor: int) -> None:
        """Offer what fits at the cursor, at once or as soon as it is counted."""
        self._typed = text, cursor
        if text == self._passed_over:
            return
        field = completed_field(text, cursor, self._listed)
        if not field or field in self._counted:
            self._show()
        if field and field != self._counting:
            self._count(field)

    def insist(self, text: str, cursor: int) -> bool:
        """Offer what fits now, all fields where nothing is typed yet; whether there is anything."""
        self._typed = text, cursor
        field = completed_field(text, cursor, self._listed)
        if field and field not in self._counted:
            occurring = Occurring(self._listed, field)
            while occurring.count():
                pass
            self._counted[field] = occurring
        self._show(everything=True)
        if field and field != self._counting:
            self._count(field)
        return self.is_open

    @work(exclusive=True, exit_on_error=False)
    async def _count(self, field: str) -> None:
        """In portions: no key waits for ten thousand sessions to be looked at."""
        self._counting = field
        while True:
            occurring = Occurring(self._listed, field)
            while occurring.count():
                await asyncio.sleep(0)
            before = self._counted.get(field)
            self._counted[field] = occurring
            if completed_field(*self._typed, self._listed) != field or self._typed[0] == self._passed_over:
                self._counting = ""
                return
            if before is None:
                self._show()
            elif (before.counts, before.numbers) != (occurring.counts, occurring.numbers):
                self._show(again=True)
            await asyncio.sleep(COUNT_AGAIN_S)

    def _show(self, *, everything: bool = False, again: bool = False) -> None:
        """Offer what fits; `again` where only what is listed changed: then a choice that was made stays made."""
        text, cursor = self._typed
        self._passed_over = None
        chosen = self.choices[self.cursor].title if again and self._is_moved and self.is_open else None
        field = completed_field(text, cursor, self._listed)
        found = candidates(text, cursor, self._listed, self._counted.get(field), everything=everything)
        self._say_likeliest(found)
        choices = [
            Choice(each.text, each.note if each.count is None else f"{each.count:,}", _nothing_more)
            for each in found
        ]
        place = next((place for place, each in enumerate(choices) if each.title == chosen), None)
        self._is_moved = place is not None
        self.set_class(bool(choices), "-open")
        if choices:
            self._stand_at(choices, term_at(text, cursor).start)
            self.show(choices)
        if place is not None:
            self.select(place)

    def render_row(self, index: int, width: int, selected: bool) -> Text:
        """Draw one offer: the term, what it means or how often it occurs."""
        looks, choice = looks_of(self.app), self.choices[index]
        titles = min(self._titles, width - 4)
        is_number = choice.note[:1].isdigit()
        return joined(
            [
                (" ", looks.text),
                *aligned([(printable_line(choice.title, 400), looks.text)], titles),
                ("  ", looks.text),
                *aligned([(choice.note, looks.muted)], width - titles - 4, right=is_number),
            ]
        )

    def _say_likeliest(self, found: list[Candidate]) -> None:
        text, cursor = self._typed
        if found and cursor == len(text):
            likeliest = printable_line(complete(text, cursor, found[0].text)[0])
            if likeliest.startswith(text):
                self.post_message(self.Likeliest(text, likeliest))

    def _stand_at(self, choices: list[Choice], start: int) -> None:
        """Where the term begins, as wide as what is offered and no higher than leaves the list in sight."""
        screen = self.screen.size
        rows = min(len(choices), MOST_ROWS, max(2, screen.height // 3))
        self._titles = max(cell_len(each.title) for each in choices)
        lines = (self._titles + cell_len(each.note) + 2 for each in choices)
        # The lines of the list behind can still be told by what is beside.
        width = min(max(lines) + 6, _WIDEST, screen.width * 3 // 4)
        self.styles.width, self.styles.height = width, rows
        self._left = min(start + 1, max(0, screen.width - width - 3))
        self._stand_below_the_line()

    def _stand_below_the_line(self, _screen: Screen[Any] | None = None) -> None:
        """Below the field, and below what the filter line says is wrong with what is typed, which may come later."""
        line = self.parent
        if self.is_open and isinstance(line, Widget):
            self.styles.offset = self._left, max(1, line.size.height)

    def take(self) -> tuple[str, int] | None:
        """Close, and say how the filter reads with what is chosen, and where its cursor is then."""
        chosen = self.choices[self.cursor] if self.is_open and self.cursor < len(self.choices) else None
        if chosen is None or chosen.run is None:
            return None
        text, cursor = complete(*self._typed, chosen.title)
        text = printable_line(text)
        self.close()
        # A value stands there whole; behind a field its values are offered in turn.
        self._passed_over = None if text[cursor - 1 : cursor] in (":", ">", ".") else text
        return text, cursor

    def on_click(self, event: events.Click) -> None:
        """A click takes what it is on."""
        offset = event.get_content_offset(self)
        event.stop()
        place = -1 if offset is None else self.scroll_offset.y + offset.y
        if 0 <= place < len(self.choices):
            self.select(place)
            taken = self.take()
            if taken is not None:
                self.post_message(self.Taken(*taken))
