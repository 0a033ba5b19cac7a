"""A short list to choose from, made for one moment: what to copy, what to export to."""

from __future__ import annotations

from collections.abc import Sequence

from promptetheus.tui.chooser import Choice, ChoiceList, Chooser, ChooserInput, matches


class Menu(Chooser):
    """Shows choices under a prompt; typing narrows them."""

    def __init__(self, prompt: str, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._prompt = prompt
        self._choices = choices

    def on_mount(self) -> None:
        """Say what the choice is about."""
        super().on_mount()
        self.query_one(ChooserInput).ask(self._prompt)

    def choices(self, words: str) -> Sequence[Choice]:
        """Those that hold all the words."""
        return [choice for choice in self._choices if not words or matches(words, choice.title)]


class StayingMenu(Chooser):
    """Stays open until `esc`, so that several of its lines can be turned on or off."""

    def show_again(self, place: int) -> None:
        """Show the lines as they are now, the cursor on one of them."""
        listed = self.query_one(ChoiceList)
        listed.show(self.choices(self.query_one(ChooserInput).value.strip()))
        listed.select(place)

    async def _run(self) -> None:
        listed = self.query_one(ChoiceList)
        chosen, place = listed.chosen, listed.cursor
        if chosen is not None and chosen.run is not None:
            chosen.run()
            self.show_again(place)
