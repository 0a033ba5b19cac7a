"""Taking things out of the list of sessions: what `y` copies, what `x` writes to a file."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from promptetheus.exporters.session_text import Form, session_text
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.clipboard import copy_text
from promptetheus.tui.file_writing import SESSION_FORMS, file_here, screen_as_svg, write_file
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.sessions.session_copies import ShownList, session_copies
from promptetheus.tui.sessions.session_table import SessionTable
from promptetheus.tui.views import ViewScreen


class TakingSessions(ViewScreen):
    """The keys that take something along."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "y", "copy", "copy", show=False, id="sessions.copy",
            tooltip="Copy: the id, the command that opens it, the SQL behind this list",
        ),
        Binding(
            "x", "export", "export", show=False, id="sessions.export",
            tooltip="Write the highlighted session to a file",
        ),
    ]  # fmt: skip

    root: Path
    table: SessionTable

    async def action_copy(self) -> None:
        """Ask what to copy."""
        from promptetheus.tui.chooser import Choice
        from promptetheus.tui.menu import Menu

        listed = self.table.sessions
        filtered = self.query_one(FilterBar).input.value.strip()
        ids = [row.session_id for row in listed.visible] if filtered else []
        list_shown = ShownList(filtered, ids, listed.order.key, listed.descending, listed.grouping)
        copies = session_copies(self.table.highlighted, list(self.table.marks), self.root, list_shown)
        choices = [Choice(title, note, partial(copy_text, self.app, text)) for title, note, text in copies]
        await self.shell.open_screen(Menu("Copy …", choices))

    async def action_export(self) -> None:
        """Ask for a format, then write the file."""
        from promptetheus.tui.chooser import Choice
        from promptetheus.tui.menu import Menu

        row = self.table.highlighted
        if row is None:
            self.app.notify("Highlight a session first: it is what is written.", timeout=3)
            return
        choices = [
            Choice(title, path.name, partial(self._export, row, form, path))
            for form, title in SESSION_FORMS.items()
            for path in (file_here("session", (row.session_id,), form),)
        ]
        picture = file_here("sessions", (), "svg")
        choices.append(Choice("SVG: a picture of this list", picture.name, partial(self._draw, picture)))
        await self.shell.open_screen(Menu("Write the session to a file here", choices))

    @work(group="export", exclusive=True, exit_on_error=False)
    async def _draw(self, path: Path) -> None:
        await write_file(self.app, path, screen_as_svg(self.app, self.crumb))

    @work(group="export", exclusive=True, exit_on_error=False)
    async def _export(self, row: SessionRow, form: Form, path: Path) -> None:
        await write_file(self.app, path, partial(_text_of, row, form))


def _text_of(row: SessionRow, form: Form) -> str:
    from promptetheus.queries.session_log import SessionLog

    log = SessionLog(row.path)
    while log.poll().more:
        pass
    return session_text(form, row.session_id, log.events(), row.path.parent)
