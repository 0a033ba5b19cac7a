"""What every program of a terminal does: `ctrl+c` copies or leaves, `ctrl+z` stops, and what is copied reaches the
other clipboards."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType

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

    def go_on_where_it_stopped(self) -> None:
        """Be as before after `kill -STOP` and `kill -CONT`, too.

        Textual begins anew whenever it goes on, also where nothing could be ended first: two threads shared the keys
        then, and the terminal was left raw in the end. tmux sends `CONT` to everything that stops in it.
        """
        begin_anew = signal.getsignal(signal.SIGCONT)
        if callable(begin_anew):
            handler = partial(self._go_on, begin_anew)
            # In the loop: a signal may come while the terminal is written to. Not in other threads, as in tests.
            with suppress(NotImplementedError, RuntimeError, ValueError):
                asyncio.get_running_loop().add_signal_handler(signal.SIGCONT, handler)

    def _go_on(self, begin_anew: Callable[[int, FrameType | None], object]) -> None:
        driver = self._driver
        reader = getattr(driver, "_key_thread", None)
        if driver is not None and reader is not None and reader.is_alive():
            driver.suspend_application_mode()
        begin_anew(signal.SIGCONT, None)
        self.refresh()

    def action_help_quit(self) -> None:
        """`ctrl+c` leaves most programs; here it copies what is selected, and leaves when pressed twice."""
        now = time.monotonic()
        if now - self._interrupted_s < INTERRUPTED_TWICE_S:
            self.exit()
        else:
            self._interrupted_s = now
            quits = chosen_key(self, "app.quit", "q")
            self.notify(f"ctrl+c again quits, as {quits} does.", timeout=INTERRUPTED_TWICE_S)
