"""Taking things out of a session: what `y` copies, what goes to a pager or an editor, what `x` writes to a file."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from promptetheus.cause.describe import describe
from promptetheus.display import printable_line, value
from promptetheus.exporters.markdown_export import step_markdown, value_text
from promptetheus.exporters.session_text import Form, session_text
from promptetheus.tui.chooser import Choice
from promptetheus.tui.clipboard import copy_text
from promptetheus.tui.file_writing import SESSION_FORMS, file_here
from promptetheus.tui.inspector.page import NOTHING
from promptetheus.tui.menu import Menu
from promptetheus.tui.session.session_reading import ReadingScreen
from promptetheus.tui.taking import AtHand, Export, TakingScreen

Text = Callable[[], str | None]
"""Makes the text once it is asked for."""


class TakingSession(ReadingScreen, TakingScreen):
    """The keys that take something along."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "y", "copy", "copy", show=False, id="session.copy",
            tooltip="Copy: the value, its path, the step, the session's id, the command that shows this",
        ),
        Binding(
            "Y", "copy_at_once", "copy at once", show=False, id="session.copy_at_once",
            tooltip="Copy the step, or in the inspector the value, without asking",
        ),
        Binding("x", "export", "export", show=False, id="session.export", tooltip="Write the session to a file"),
    ]  # fmt: skip
    NOTHING_YET = "There is no step to show."
    EXPORT_PROMPT = "Write the session to a file here"

    @property
    def session_id(self) -> str:
        """The session's id; its file's name until it is read."""
        return self.row.session_id if self.row is not None else self.path.stem

    @property
    def selected(self) -> tuple[str, int | None]:
        """The session, and the step under the cursor."""
        step = self.timeline.current_step
        return self.session_id, None if step is None else step.index

    # Copying

    async def action_copy(self) -> None:
        """Ask what to copy; the first is what is at hand."""
        choices = [Choice(title, note, partial(self._copy, text)) for title, note, text in self._copies()]
        await self.shell.open_screen(Menu("Copy …", choices))

    def action_copy_at_once(self) -> None:
        """Copy what is at hand."""
        self._copy(self._copies()[0][2])

    def _copy(self, text: Text) -> None:
        copy_text(self.app, text())

    def _copies(self) -> list[tuple[str, str, Text]]:
        """What there is to copy: what it is called, a hint of it, and the text itself."""
        found: list[tuple[str, str, Text]] = []
        step, line = self.timeline.current_step, self.inspector.current
        if self.inspector.has_focus and line is not None:
            if line.value is not NOTHING:
                found.append(("The value", value(line.value, 40), partial(value_text, line.value)))
                if line.title:
                    path = line.title
                    found.append(("Its JSON path", printable_line(path, 40), lambda: path))
            else:
                found.append(("The line", "", self.inspector.copied_text))
        if step is not None:
            found.append(("The step as Markdown", f"step {step.index}", self.step_text))
            found.append(("The step's events as JSON", "", partial(self._events_text, tuple(step.events))))
        command = self._command()
        identifier, sql = self.session_id, self._sql()
        found += [
            ("The session's id", printable_line(identifier, 40), lambda: identifier),
            ("The command that shows this", "promptetheus tui …", lambda: command),
            ("The SQL behind this", "select … from steps", lambda: sql),
            ("The session's file", self.path.name, partial(str, self.path.absolute())),
        ]
        return found

    def step_text(self) -> str | None:
        """The highlighted step as Markdown."""
        step, log = self.timeline.current_step, self.tail.log
        if step is None:
            return None
        return step_markdown(step, [log.event(number) for number in step.events], describe(step, log.event))

    def _events_text(self, numbers: tuple[int, ...]) -> str:
        return "\n".join(value_text(dict(self.tail.log.event(number))) for number in numbers)

    def _command(self) -> str:
        step = self.timeline.current_step
        words = ["promptetheus", "tui", self.session_id]
        if self.path.suffix != ".jsonl":
            words[2] = str(self.path)
        words += ["--step", str(step.index)] if step is not None else []
        return shlex.join([*words, "--spool", str(self.path.parent)])

    def _sql(self) -> str:
        step = self.timeline.current_step
        one = f" and step = {step.index}" if step is not None else ""
        quoted = self.session_id.replace("'", "''")
        return f"select * from steps where session_id = '{quoted}'{one} order by step"

    # Handing over, and exporting

    def at_hand(self) -> AtHand | None:
        """The step as Markdown."""
        text, step = self.step_text(), self.timeline.current_step
        return None if text is None or step is None else AtHand(f"step-{step.index}.md", text)

    def exports(self) -> Sequence[Export]:
        """The whole session."""
        forms: list[tuple[str, str, Callable[[], str] | None]] = [
            *((form, title, partial(self._text, form)) for form, title in SESSION_FORMS.items()),
            ("svg", "SVG: a picture of this screen", None),
        ]
        return [
            Export(title, file_here("session", (self.session_id,), form), text) for form, title, text in forms
        ]

    def _text(self, form: Form) -> str:
        return session_text(form, self.session_id, self.tail.log.events(), self.path.parent)
