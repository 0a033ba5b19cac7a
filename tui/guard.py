"""Keeps a mistake of ours from ending the program: it becomes a message, and the widget it happened in goes on."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from textual.message import Message
from textual.message_pump import MessagePump
from textual.worker import Worker, WorkerState


@runtime_checkable
class ErrorReporter(Protocol):
    """An app that can show an error and go on."""

    def report_error(self, error: Exception) -> bool:
        """Show `error` to the person; False when there is no screen yet to show it on."""


class Guarded(MessagePump):
    """Mix-in, first in the list of bases, for the app, its screens and its widgets.

    Textual stops a widget's message loop at the first exception in a handler, for good; a screen that stopped takes
    no more keys. Here the loop goes on with the next message. In an app that reports no errors nothing changes.
    """

    async def _dispatch_message(self, message: Message) -> None:
        try:
            await super()._dispatch_message(message)
        except Exception as error:
            app = self.app
            if not isinstance(app, ErrorReporter) or not app.report_error(error):
                raise

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that failed says so: Textual tells nobody but the widget that began it."""
        worker, app = event.worker, self.app
        if event.state is not WorkerState.ERROR or worker.exit_on_error or not isinstance(app, ErrorReporter):
            return
        if isinstance(worker.error, Exception):
            app.report_error(worker.error)
