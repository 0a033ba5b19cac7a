"""`?`: every key of the view below, searchable; read from the bindings, so it is never out of date."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

from rich.cells import cell_len
from textual.screen import Screen

from promptetheus.tui.chooser import Choice, Chooser, Run, matches
from promptetheus.tui.keymap import Shortcut, help_sections
from promptetheus.tui.views import ViewScreen
from promptetheus.tui.wrapping import wrap_line

MOST_CELLS = 90
"""Of the whole, however wide the terminal is; 94 of 100 where it is narrower: as `app.tcss` has it."""

AROUND_CELLS = 10
"""Border, padding, the gap before the keys, the scroll bar."""

LEAST_CELLS = 20
"""For what a key does, however narrow the terminal is."""


class HelpScreen(Chooser):
    """Lists the shortcuts of `below`; enter does what the highlighted one does."""

    PROMPT: ClassVar[str] = "Keys of this view: type to search, enter does it"

    def __init__(self, below: Screen[Any]) -> None:
        super().__init__()
        self._sections = help_sections(below)
        self._marks = below.MARKS if isinstance(below, ViewScreen) else ()

    def choices(self, words: str) -> Sequence[Choice]:
        """The matching shortcuts under the titles of their places."""
        found: list[Choice] = []
        for section in self._sections:
            fitting = [
                line
                for shortcut in section.shortcuts
                if matches(words, f"{shortcut.sentence} {shortcut.label} {shortcut.key_text} {section.title}")
                for line in self._lines(shortcut)
            ]
            if fitting:
                if found:
                    found.append(Choice(""))
                found += [Choice(section.title), *fitting]
        return found + self._legend(words, gap=bool(found))

    def _lines(self, shortcut: Shortcut) -> Iterator[Choice]:
        """What it does, all of it: what has no room beside the key goes on below."""
        sentence = f"{shortcut.sentence[:1].upper()}{shortcut.sentence[1:]}"
        run = partial(self.app.run_action, shortcut.action, shortcut.node)
        return self._whole(sentence, shortcut.key_text, run)

    def _whole(self, text: str, keys: str, run: Run) -> Iterator[Choice]:
        room = min(MOST_CELLS, self.app.size.width * 94 // 100) - AROUND_CELLS - cell_len(keys)
        first, *rest = wrap_line(text, max(LEAST_CELLS, room))
        yield Choice(first, keys, run)
        yield from (Choice(f"   {line}") for line in rest)

    def _legend(self, words: str, *, gap: bool) -> list[Choice]:
        """What the marks of the view mean; enter on one only closes this."""
        fitting = [
            line
            for mark, meaning in self._marks
            if matches(words, f"{mark} {meaning} marks signs legend")
            for line in self._whole(f"{mark}  {meaning}", "", lambda: None)
        ]
        return [Choice("")] * (gap and bool(fitting)) + [Choice("Marks")] * bool(fitting) + fitting
