"""`?`: every key of the view below, searchable; read from the bindings, so it is never out of date."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from textual.screen import Screen

from promptetheus.tui.chooser import Choice, Chooser, matches
from promptetheus.tui.keymap import help_sections
from promptetheus.tui.views import ViewScreen


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
                Choice(
                    _sentence(shortcut.sentence),
                    shortcut.key_text,
                    partial(self.app.run_action, shortcut.action, shortcut.node),
                )
                for shortcut in section.shortcuts
                if matches(words, f"{shortcut.sentence} {shortcut.label} {shortcut.key_text} {section.title}")
            ]
            if fitting:
                if found:
                    found.append(Choice(""))
                found += [Choice(section.title), *fitting]
        return found + self._legend(words, gap=bool(found))

    def _legend(self, words: str, *, gap: bool) -> list[Choice]:
        """What the marks of the view mean; enter on one only closes this."""
        fitting = [
            Choice(f"{mark}  {meaning}", run=lambda: None)
            for mark, meaning in self._marks
            if matches(words, f"{mark} {meaning} marks signs legend")
        ]
        return [Choice("")] * (gap and bool(fitting)) + [Choice("Marks")] * bool(fitting) + fitting


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
