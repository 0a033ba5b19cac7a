"""What `promptetheus tui` calls: finds what is to be shown, makes sure there is a terminal, and runs the program."""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

NO_TERMINAL = (
    "promptetheus tui needs a terminal: standard input and standard error must be one.\n"
    "Without one, `promptetheus sessions` lists what was recorded and `promptetheus replay ID` prints a session."
)


HANG_UP_GRACE_S = 2.0
"""How long an orderly end may take after the terminal was closed."""


class CannotShow(Exception):
    """What was asked for cannot be shown; the text says why and what to try."""


@dataclass(frozen=True, slots=True)
class Target:
    """What the program opens on."""

    root: Path
    """The spool."""
    session: Path | None
    """A session to open at once."""


def find_target(target: str | None, spool: Path, *, spool_given: bool) -> Target:
    """What a command-line argument names: a directory, a session file, an exported session, an id or its beginning.

    Raises:
        CannotShow: When it names nothing, or more than one session.
    """
    if target is None:
        return Target(spool, None)
    named = Path(target).expanduser()
    if named.is_dir():
        return Target(named, None)
    from promptetheus.queries.resolve import AmbiguousSession, SessionNotFound, resolve

    try:
        path = resolve(spool, target)
    except SessionNotFound as error:
        raise CannotShow(f"{error} Looked in {spool}; `promptetheus sessions` lists what is there.") from None
    except AmbiguousSession as error:
        raise CannotShow(f"{error} Type more of it.") from None
    # A spool file is shown among its neighbours; an exported session has none.
    beside = path.suffix == ".jsonl" and not spool_given
    return Target(path.parent if beside else spool, path)


def has_terminal() -> bool:
    """Whether there is a terminal to draw on (standard error) and to read keys from (standard input)."""
    return os.environ.get("TERM") != "dumb" and all(
        stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__)
    )


def show(target: Target, *, theme: str | None = None, filter_text: str = "") -> int:
    """Run the program until the person quits.

    Returns:
        The exit code: 0, or 1 when it could not go on.

    Raises:
        CannotShow: When there is no theme of that name.
    """
    # Measured: looking for garbage takes 20 to 40 ms of the 300 until the first rows are on screen, and finds none.
    gc.disable()
    from promptetheus.tui.app import PromptetheusApp, UnknownTheme
    from promptetheus.tui.views import Place

    try:
        app = PromptetheusApp(
            target.root,
            theme=theme,
            filter_text=filter_text,
            start=None if target.session is None else Place("session", target.session),
            when_read=_resume_collecting,
        )
    except UnknownTheme as error:
        raise CannotShow(str(error)) from None
    threading.Thread(target=_end_with_the_terminal, name="promptetheus-hang-up", daemon=True).start()
    app.run()
    return app.return_code or 0


def _end_with_the_terminal() -> None:
    """Wait until the terminal is closed, then end the process.

    Textual cannot: its thread for keys reads the dead terminal without a pause, its thread for output has ended,
    and an orderly exit waits for both. Waiting costs nothing: with no events asked for, `poll` reports hang-ups only.
    """
    assert sys.__stdin__ is not None
    poller = select.poll()
    poller.register(sys.__stdin__.fileno(), 0)
    poller.poll()
    time.sleep(HANG_UP_GRACE_S)
    os._exit(128 + signal.SIGHUP)


def _resume_collecting() -> None:
    gc.freeze()  # What is loaded by now stays until the end.
    gc.enable()
