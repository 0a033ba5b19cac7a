"""`@`: what is not as it should be now, and what the program said before; searchable, enter reads one in full."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import work

from promptetheus.display import age, printable_line
from promptetheus.queries.rows import Status
from promptetheus.tui.chooser import Choice, ChoiceList, Chooser, ChooserInput, matches
from promptetheus.tui.delivery.troubles import delivery_troubles
from promptetheus.tui.inspector.fields import Sentences
from promptetheus.tui.inspector.full_view import FullView
from promptetheus.tui.inspector.page import Block, Gap, Heading, Page
from promptetheus.tui.inspector.traceback_view import TracebackBlock
from promptetheus.tui.message_log import MessageLog, Said, Trouble

_GLYPHS = {"information": "·", "warning": "!", "error": "✗"}

_STATUSES = tuple(f"{status.glyph} " for status in Status if status.is_failing)
"""How the news of a session that failed begin."""


class MessagesScreen(Chooser):
    """Troubles first, then messages, the newest first.

    Args:
        said: The messages.
        spool: Whose deliveries are looked at, in a thread.
        troubles: What is known to be wrong already.
    """

    PROMPT: ClassVar[str] = "Messages: type to search, enter reads one in full"

    def __init__(self, said: MessageLog, spool: Path, troubles: Sequence[Trouble]) -> None:
        super().__init__()
        self._said = list(said.newest_first())
        self._spool = spool
        self._troubles = list(troubles)
        self._now_s = time.time()

    def on_mount(self) -> None:
        """Show what is at hand, then what takes reading files."""
        super().on_mount()
        self._look_at_deliveries()

    @work(group="troubles", exit_on_error=False)
    async def _look_at_deliveries(self) -> None:
        found = await asyncio.to_thread(delivery_troubles, self._spool)
        if found and self.is_running:
            self._troubles += found
            self.query_one(ChoiceList).show(self.choices(self.query_one(ChooserInput).value.strip()))

    def choices(self, words: str) -> Sequence[Choice]:
        """Those that hold all the words."""
        wrong = [self._trouble(each) for each in self._troubles]
        told = [self._message(each) for each in self._said]
        sections: list[Choice] = []
        for title, found in (("Not as it should be", wrong), ("Messages, the newest first", told)):
            fitting = [choice for choice in found if not words or matches(words, choice.title)]
            if fitting:
                sections += [*([Choice("")] if sections else []), Choice(title), *fitting]
        return sections or ([] if words else [Choice("Nothing was said yet, and nothing is wrong.")])

    async def _run(self) -> None:
        """Read one in front of the list, to which `esc` leads back."""
        chosen = self.query_one(ChoiceList).chosen
        if chosen is not None and chosen.run is not None:
            self.app.call_later(chosen.run)

    def _trouble(self, trouble: Trouble) -> Choice:
        said = Said(trouble.text, trouble.about, "warning", trouble.at_s or 0.0)
        when = "" if trouble.at_s is None else self._ago(trouble.at_s)
        return Choice(f"! {_one_line(said)}", when, partial(self._read, said))

    def _message(self, said: Said) -> Choice:
        times = f"×{said.times}  " if said.times > 1 else ""
        line = _one_line(said)
        title = line if line.startswith(_STATUSES) else f"{_GLYPHS[said.severity]} {line}"
        return Choice(title, times + self._ago(said.at_s), partial(self._read, said))

    def _ago(self, at_s: float) -> str:
        return age(max(0.0, self._now_s - at_s))

    async def _read(self, said: Said) -> None:
        blocks: list[Block] = [Sentences(said.text.split("\n"))]
        if said.detail:
            blocks += [Gap(), Heading("traceback"), TracebackBlock(said.detail)]
        await self.app.push_screen(FullView(said.title or "Message", lambda: Page(blocks), self._spool))


def _one_line(said: Said) -> str:
    text = printable_line(said.text.replace("\n", "  "), 300)
    return f"{said.title}: {text}" if said.title else text
