"""`\\`: words that stand anywhere in what was recorded, in any session; enter goes to the step."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import work

from promptetheus.tui.chooser import Choice, ChoiceList, Chooser, ChooserInput
from promptetheus.tui.search_hits import Looking, lines_of
from promptetheus.tui.session.session_subject import StepOf
from promptetheus.tui.shell import Shell

SETTLES_S = 0.15
"""Nobody waits for what the first letters of a word find."""

SHOWN_EVERY_S = 0.1


class SearchScreen(Chooser):
    """Looks while one types, and shows the places as they are found.

    Args:
        shell: Whose sessions are looked through, the newest first; it keeps the words for the next time.
        words: What to look for at once.
    """

    PROMPT: ClassVar[str] = "Search all that was recorded"
    IS_TYPED = True

    def __init__(self, shell: Shell, words: str = "") -> None:
        super().__init__()
        self._shell = shell
        self._sessions = shell.sessions_screen.sessions()
        self._begins_with = words
        self._looking = Looking("", self._sessions)

    def on_mount(self) -> None:
        """Look for the words that it was opened with; typing takes their place."""
        super().on_mount()
        field = self.query_one(ChooserInput)
        field.value = self._begins_with
        field.select_all()

    def choices(self, words: str) -> Sequence[Choice]:
        """What was found so far; other words than before are looked for from now on."""
        if words != self._looking.typed:
            self._looking.stop()
            self._looking = Looking(words, self._sessions)
            self._shell.searched = words
            self._look(self._looking)
        return lines_of(self._looking, self._shell.clock(), self._show)

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look(self, looking: Looking) -> None:
        try:
            await asyncio.sleep(SETTLES_S)
            if looking.is_over:
                return
            at_work = asyncio.ensure_future(asyncio.to_thread(looking.run))
            while not at_work.done():
                await asyncio.wait({at_work}, timeout=SHOWN_EVERY_S)
                self._show_more()
            at_work.result()
        finally:
            looking.stop()

    def _show_more(self) -> None:
        listed = self.query_one(ChoiceList)
        lines = self.choices(self._looking.typed)
        if listed.chosen is None or listed.chosen.run is None:
            listed.show(lines)
        else:  # What is there stays where it is, and so does the cursor.
            listed.choices = lines
            listed.refresh_rows()

    async def _show(self, path: Path, step: int | None) -> None:
        await self._shell.go("session", path if step is None else StepOf(path, step))
