"""What the program says: toasts that do not storm, and a key that shows what they said once they are gone."""

from __future__ import annotations

import os
import time
import traceback
from collections import deque
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.notifications import Notify, SeverityLevel
from textual.widgets._toast import ToastRack
from textual.worker import WorkerFailed

from promptetheus.display import printable, printable_line
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.message_log import MessageLog
from promptetheus.tui.shell import ERRORS_KEPT, Shell

SAME_ERROR_S = 60.0
"""An error that comes back within this time is not told again: one at every redraw would bury the screen."""

MOST_TOASTS = 4
"""At a time; the oldest makes room."""


class Messages(Shell):
    """Mix-in of the app."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "at", "messages", "messages", show=False, id="app.messages",
            tooltip="Messages: what was said, and what is not as it should be",
        ),
        Binding(
            "f8", "bug_report", "bug report", show=False, id="app.bug_report",
            tooltip="Copy a report of what went wrong in this program, without anything that was recorded",
        ),
    ]  # fmt: skip

    def __init__(self, *, ansi_color: bool | None) -> None:
        super().__init__(ansi_color=ansi_color)
        self.said = MessageLog()
        """Every message, also those whose toast is gone."""
        self._outlines: deque[str] = deque(maxlen=ERRORS_KEPT)
        """What may be told to anybody of the errors so far."""
        self._told: dict[str, float] = {}

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Show a message and keep it. Never as markup, whatever was asked: messages quote what is in the spool."""
        self._say(printable(message), printable_line(title, 200), severity, timeout)

    def _say(
        self, text: str, title: str, severity: SeverityLevel, timeout: float | None, detail: str = ""
    ) -> None:
        self.said.add(text, title, severity, time.time(), detail)
        super().notify(text, title=title, severity=severity, timeout=timeout, markup=False)

    def on_notify(self, event: Notify) -> None:
        """Make room for a toast: the same one starts anew instead of standing there twice."""
        new, shown = event.notification, list(self._notifications)
        again = [old for old in shown if (old.title, old.message) == (new.title, new.message)]
        others = [old for old in shown if old not in again]
        for old in again + others[: max(0, len(others) + 1 - MOST_TOASTS)]:
            self._unnotify(old, refresh=False)  # Textual shows the rack again when it adds the new one.

    def _refresh_notifications(self) -> None:
        """Show the toasts on the screen in front, and nowhere else: they stood behind a dialog once more, dimmed."""
        super()._refresh_notifications()
        for screen in self.screen_stack[:-1]:
            for rack in screen.query_children(ToastRack):
                rack.display = False

    async def action_messages(self) -> None:
        """Read what was said."""
        from promptetheus.tui.messages_screen import MessagesScreen

        await self.open_screen(MessagesScreen(self.said, self.root, self.sessions_screen.troubles()))

    # Errors

    def action_bug_report(self) -> None:
        """Copy what a report needs."""
        from promptetheus.tui.bug_report import bug_report

        view = self.views()[-1].VIEW if self.views() else "none"
        report = bug_report(self._outlines, (self.size.width, self.size.height), view, os.environ)
        self.copy_to_clipboard(report)
        said = "Versions, the terminal, and where it went wrong: nothing that was recorded."
        self.notify(said, title="Copied a report", timeout=5)

    def report_error(self, error: Exception) -> bool:
        """Show that something in here went wrong, keep its traceback, and go on; False before the first frame."""
        if not (self._running and self._dom_ready):
            return False
        from promptetheus.tui.bug_report import outline

        if isinstance(error, WorkerFailed) and isinstance(error.error, Exception):
            error = error.error
        told = "".join(traceback.format_exception(error))
        self.errors.append(told)
        self._outlines.append(outline(error))
        said = f"{type(error).__name__}: {error}"
        frames = traceback.extract_tb(error.__traceback__)
        place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
        now = time.monotonic()
        if now - self._told.get(said + place, -SAME_ERROR_S) < SAME_ERROR_S:
            return True
        self._told[said + place] = now
        self._say(
            f"{printable_line(said, 300)}\n{place}\n"
            + with_keys(
                "Nothing in the spool was touched. <app.bug_report:f8> copies a report for its makers.", self
            ),
            "Something went wrong in this program",
            "warning",
            10,
            detail=told,
        )
        return True

    def _handle_exception(self, error: Exception) -> None:
        """Textual ends the program here; once there is a screen to show it on, an error is a message instead."""
        if not self.report_error(error):
            super()._handle_exception(error)
