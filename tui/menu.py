"""A short list to choose from, made for one moment: what to copy, what to export to."""

from __future__ import annotations

from collections.abc import Sequence

from promptetheus.tui.chooser import Choice, Chooser, ChooserInput, matches


class Menu(Chooser):
    """Shows choices under a prompt; typing narrows them."""

    def __init__(self, prompt: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._prompt = prompt
        self._choices = choices

    def on_mount(self) -> None:
        """Say what the choice is about."""
        super().on_mount()
        self.query_one(ChooserInput).placeholder = self._prompt

    def choices(self, words: str) -> Sequence[Choice]:
        """Those that hold all the words."""
        return [choice for choice in self._choices if not words or matches(words, choice.title)]
