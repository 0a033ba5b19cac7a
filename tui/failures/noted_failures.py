"""Notes on failures: written, changed and taken away where the failure is highlighted."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from functools import partial

from textual.worker import Worker

from promptetheus.display import value
from promptetheus.notes import Note, Notes, Subject
from promptetheus.queries.failure_list import ListedFailure
from promptetheus.tui.ask_words import AskWords
from promptetheus.tui.chooser import Choice
from promptetheus.tui.failures.failure_row import shown_label
from promptetheus.tui.filtered_list import FilteredListScreen
from promptetheus.tui.menu import Menu


class NotedFailures(FilteredListScreen):
    """What the key for `note` does; a subclass binds it, in the order of its own keys."""

    @abstractmethod
    def chosen_or_say(self) -> ListedFailure | None:
        """The failure under the cursor; without one, say why there is none."""

    @abstractmethod
    def look(self) -> Worker[None]:
        """Read the failures anew where something has changed."""

    async def action_note(self) -> None:
        """Write a note, or choose which to change or take away."""
        chosen = self.chosen_or_say()
        if chosen is None:
            return
        if not chosen.notes:
            await self._ask(chosen, None)
            return
        ask, named = partial(self._ask, chosen), [(note, value(note.text, 60)) for note in chosen.notes]
        choices = [
            Choice("Write another note", "", partial(ask, None)),
            *(Choice(f"Change: {words}", "", partial(ask, note)) for note, words in named),
            *(Choice(f"Take away: {words}", "", partial(self._forget, note)) for note, words in named),
        ]
        await self.shell.open_screen(Menu("Notes …", choices))

    async def _ask(self, listed: ListedFailure, note: Note | None) -> None:
        failure = listed.failure
        question = f"A note about {failure.fingerprint[:6]} {shown_label(failure)}"
        words = "" if note is None else note.text
        await self.shell.open_screen(
            AskWords(question, words, partial(self._keep, failure.fingerprint, note))
        )

    async def _keep(self, fingerprint: str, note: Note | None, words: str) -> None:
        notes = Notes(self.shell.root)
        if not words.strip():
            self.app.notify("A note needs words: nothing was written.", timeout=3)
            return
        try:
            if note is None:
                await asyncio.to_thread(notes.add, Subject(fingerprint=fingerprint), words)
            else:
                await asyncio.to_thread(notes.edit, note, words)
        except OSError as error:
            self._say_not_written(error)
        self.look()

    async def _forget(self, note: Note) -> None:
        try:
            await asyncio.to_thread(Notes(self.shell.root).remove, note.note_id)
        except OSError as error:
            self._say_not_written(error)
        self.look()

    def _say_not_written(self, error: OSError) -> None:
        said = error.strerror or type(error).__name__
        self.app.notify(f"The notes could not be written: {said}.", severity="warning", timeout=5)
