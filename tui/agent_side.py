"""The person's side of working with a coding agent: it knows what is selected here, one sees what it read, and a key
hands it a session."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType

from promptetheus.display import age, counted, printable_line, short_id
from promptetheus.tui.clipboard import copy_text
from promptetheus.tui.fit import cut_middle
from promptetheus.tui.shell import Shell

if TYPE_CHECKING:
    from promptetheus.attention import Read

TELL_EVERY_S = 0.5
"""How often another selection is written down: a held arrow key must not write a file at each row."""

LOOK_EVERY_S = 2.0

FOLDER_CELLS = 30
"""Of the folder that evidence is written to, in the message: `12 files in …` on one line at 80 columns, too."""

_MOST_LISTED = 50


class AgentSide(Shell):
    """Mix-in of the app."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "a", "hand_to_agent", "to agent", show=False, id="app.hand_to_agent",
            tooltip="Hand the session to a coding agent: write the evidence, copy a prompt that names it",
        ),
    ]  # fmt: skip

    def watch_with_agent(self) -> None:
        """Begin: call once the first view is there."""
        self._told_selection: tuple[str, int | None, str] | None = None
        self._seen_until_s = time.time()
        self.set_interval(TELL_EVERY_S, self._tell_selection)
        self.set_interval(LOOK_EVERY_S, self._look_for_reads)

    def _tell_selection(self) -> None:
        views = self.views()
        if not views:  # the program is closing
            return
        front = views[-1]
        session_id, step = front.selected
        now = (session_id, step, front.VIEW)
        if now != self._told_selection and session_id:
            self._told_selection = now
            self._write_selection(*now)

    @work(group="selection", exclusive=True, exit_on_error=False)
    async def _write_selection(self, session_id: str, step: int | None, view: str) -> None:
        from promptetheus.attention import select

        await asyncio.to_thread(select, self.root, session_id, step, view)

    @work(group="reads", exclusive=True, exit_on_error=False)
    async def _look_for_reads(self) -> None:
        """One message for all that an agent read since the last look, not one each."""
        from promptetheus.attention import reads

        found = await asyncio.to_thread(reads, self.root)
        fresh = [read for read in found if read.at_s > self._seen_until_s]
        if not fresh:
            return
        self._seen_until_s = max(read.at_s for read in fresh)
        told = [read for read in fresh if read.session_id] or fresh
        more = f", and {len(told) - 1} more" if len(told) > 1 else ""
        self.notify(f"An agent read {what_was_read(told[-1])}{more}", timeout=4)

    async def action_hand_to_agent(self) -> None:
        """Write the evidence about the selected session, and copy a prompt that names it."""
        session_id, step = self.views()[-1].selected
        row = self.sessions_screen.table.sessions.by_id.get(session_id)
        if row is None:
            self.notify("Highlight a session first: its evidence is what an agent is handed.", timeout=4)
        else:
            self._hand_over(row.path, step)

    @work(group="hand over", exclusive=True, exit_on_error=False)
    async def _hand_over(self, path: Path, step: int | None) -> None:
        from promptetheus.mcp.bundle import write_bundle

        self.notify("Writing the evidence …", timeout=2)
        rows = list(self.sessions_screen.table.sessions.by_id.values())
        try:
            bundle = await asyncio.to_thread(write_bundle, self.root, path, rows, step=step)
        except OSError as error:
            why = error.strerror or error
            self.notify(f"The evidence could not be written: {why}.", severity="warning", timeout=6)
            return
        copy_text(self, bundle.prompt)
        # The prompt has the whole path: here a name of forty characters would only be broken over two lines.
        folder, here = bundle.directory.parent, Path.cwd()
        where = str(folder.relative_to(here) if folder.is_relative_to(here) else folder)
        self.notify(
            f"{counted(bundle.files, 'file')} in {cut_middle(printable_line(where, 300), FOLDER_CELLS)}\n"
            "Paste the prompt to your agent:\nit names them.",
            title="Handed over", timeout=8,
        )  # fmt: skip

    async def show_reads(self) -> None:
        """What coding agents were told, the latest first; enter goes there."""
        from promptetheus.attention import reads
        from promptetheus.tui.chooser import Choice
        from promptetheus.tui.menu import Menu

        found = await asyncio.to_thread(reads, self.root)
        now = self.clock()
        choices = [
            Choice(
                f"{read.tool}  {what_was_read(read)}",
                age(max(0.0, now - read.at_s)),
                partial(self._go_to_read, read),
            )
            for read in reversed(found[-_MOST_LISTED:])
        ]
        await self.open_screen(
            Menu("What coding agents read", choices or [Choice("No agent has read anything yet.")])
        )

    async def _go_to_read(self, read: Read) -> None:
        from promptetheus.tui.session.session_subject import StepOf

        row = self.sessions_screen.table.sessions.by_id.get(read.session_id)
        if row is None:
            self.notify("That was about no session in particular.", timeout=3)
        else:
            await self.go("session", StepOf(row.path, read.steps[0]) if read.steps else row.path)

    def agent_commands(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """For the palette."""
        yield "What coding agents read", self.show_reads


def what_was_read(read: Read) -> str:
    """`steps 3–5 of 01M8…C2F`; the name of the tool where it was about no session."""
    if not read.session_id:
        return printable_line(read.tool, 40)
    numbers = sorted(set(read.steps))
    if not numbers:
        return f"session {short_id(read.session_id)}"
    together = numbers == list(range(numbers[0], numbers[-1] + 1))
    text = (
        f"{numbers[0]}–{numbers[-1]}" if together and len(numbers) > 1 else ", ".join(map(str, numbers[:6]))
    )
    return f"step{'s' if len(numbers) > 1 else ''} {text} of {short_id(read.session_id)}"
