"""What every program of a terminal does: `ctrl+c` copies or leaves, `ctrl+z` stops, and what is copied reaches the
other clipboards."""

from __future__ import annotations

import os
import time

from textual import work

from promptetheus.tui.keymap import chosen_key
from promptetheus.tui.shell import Shell

INTERRUPTED_TWICE_S = 2.0
"""A second `ctrl+c` within this time is meant."""


class TerminalKeys(Shell):
    """Mix-in of the app."""

    _interrupted_s = float("-inf")
    """When `ctrl+c` was pressed last, by `time.monotonic()`."""

    def copy_to_clipboard(self, text: str) -> None:
        """Through the terminal (OSC 52), and the programs of tmux and the desktop where there are some."""
        super().copy_to_clipboard(text)
        if not self.is_headless:
            self._fill_other_clipboards(text)

    @work(group="clipboard", exclusive=True, thread=True, exit_on_error=False)
    def _fill_other_clipboards(self, text: str) -> None:
        from promptetheus.tui.system_clipboard import fill

        fill(text, os.environ)

    def action_suspend_process(self) -> None:
        """Stop, as other programs of a terminal do, until the shell says `fg`."""
        if self._driver is not None and self._driver.can_suspend:
            super().action_suspend_process()
        else:
            self.notify("It cannot go into the background here: there is no shell behind it.", timeout=4)

    def action_help_quit(self) -> None:
        """`ctrl+c` leaves most programs; here it copies what is selected, and leaves when pressed twice."""
        now = time.monotonic()
        if now - self._interrupted_s < INTERRUPTED_TWICE_S:
            self.exit()
        else:
            self._interrupted_s = now
            quits = chosen_key(self, "app.quit", "q")
            self.notify(f"ctrl+c again quits, as {quits} does.", timeout=INTERRUPTED_TWICE_S)
