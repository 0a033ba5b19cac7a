"""What `promptetheus tui` calls: finds what is to be shown, makes sure there is a terminal, and runs the program."""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from promptetheus.tui.app import PromptetheusApp
    from promptetheus.tui.views import Place

SWITCH_S = 0.0005
"""How long a thread that reads or lays out computes on while the one that draws wants to: with Python's 5 ms a key
that is pressed meanwhile waits ten times as long, at every write to the terminal."""

HANG_UP_GRACE_S = 2.0
"""How long an orderly end may take after the terminal was closed."""


LISTED = 8
"""Of sessions whose ids begin alike, so many are listed."""

FIRST_BYTES = 256 << 10
"""Read of a file to see whether it holds events at all."""


class CannotShow(Exception):
    """What was asked for cannot be shown; the text says why and what to try."""


class WrongUse(CannotShow):
    """It cannot be asked for like this."""


class Target(NamedTuple):
    """What the program opens on."""

    root: Path
    """The spool."""
    session: Path | None
    """A session to open at once."""
    step: int | None = None
    """Index of the step to open it at; where the person wants to look first without one."""
    diff: tuple[Path, ...] = ()
    """One session to hold against the nearest that passed, or two, the baseline first."""

    @property
    def place(self) -> Place | None:
        """The view to open in front of the list of sessions."""
        from promptetheus.tui.session.session_subject import StepOf
        from promptetheus.tui.views import Place

        if self.diff:
            from promptetheus.tui.diff.reading import Sides

            return Place("diff", self.diff if len(self.diff) == 1 else Sides(*self.diff))
        if self.session is None:
            return None
        return Place("session", self.session if self.step is None else StepOf(self.session, self.step))


def find_target(target: str | None, spool: Path, *, spool_given: bool, step: int | None = None) -> Target:
    """What a command-line argument names: a directory, a session file, an exported session, an id or its beginning.

    Raises:
        CannotShow: When it names nothing, more than one session, or something that holds no sessions.
    """
    if spool_given and spool.exists() and not spool.is_dir():
        raise WrongUse(f"--spool takes a directory, and {spool} is a file: name a session without --spool.")
    if target == "-":
        raise WrongUse("it cannot show standard input, from which it reads keys: put the events into a file.")
    named = None if target is None else Path(target).expanduser()
    if target is None or named is None or named.is_dir():
        if step is not None:
            raise CannotShow("--step needs a session to open: name one.")
        return Target(spool if named is None else _spool_in(named), None)
    from promptetheus.queries.resolve import AmbiguousSession, SessionNotFound, resolve

    try:
        path = resolve(spool, target)
    except SessionNotFound as error:
        raise CannotShow(f"{error} Looked in {spool}; `promptetheus sessions` lists what is there.") from None
    except AmbiguousSession as error:
        candidates = error.candidates
        lines = [_summary(spool / f"{name}.jsonl") for name in candidates[:LISTED]]
        if len(candidates) > LISTED:
            lines.append(f"and {len(candidates) - LISTED} more")
        listed = "".join(f"\n  {line}" for line in lines)
        raise CannotShow(
            f"{target!r} is the beginning of {len(candidates)} sessions; add a few more characters:{listed}"
        ) from None
    _check_that_it_holds_events(path)
    # A spool file is shown among its neighbours; an exported session has none.
    beside = path.suffix == ".jsonl" and not spool_given
    return Target(path.parent if beside else spool, path, step)


def _spool_in(named: Path) -> Path:
    """The spool of the project whose directory it is; itself where it is none."""
    from promptetheus.spool import DEFAULT_SPOOL_DIR

    places = (named / DEFAULT_SPOOL_DIR, named / Path(DEFAULT_SPOOL_DIR).name)
    return next((place for place in places if place.is_dir()), named)


def _check_that_it_holds_events(path: Path) -> None:
    from promptetheus.queries.session_log import NotReadable, SessionLog

    log = SessionLog(path)
    try:
        log.poll(FIRST_BYTES)
    except NotReadable as error:
        raise CannotShow(f"{path} is no session: {error}.") from None
    except OSError as error:
        raise CannotShow(f"{path} cannot be read: {error.strerror or error}.") from None
    # One line may be torn, because its writer is at it; an empty file is a session that is about to begin.
    if not len(log) and log.skipped.total > log.skipped.torn:
        raise CannotShow(
            f"{path} is no session: none of its first {log.skipped.total} lines is an event. "
            "`promptetheus import` reads what other tools have recorded."
        )


def _summary(path: Path) -> str:
    """One line by which a person tells sessions apart."""
    from promptetheus.display import age, printable_line
    from promptetheus.queries.session_log import SessionLog

    try:
        row = SessionLog(path).row()
    except OSError as error:
        return printable_line(f"{path.stem}  cannot be read: {error.strerror or error}", 118)
    when = "" if row.started is None else age(time.time() - row.started)
    words = [row.session_id, f"{row.status.glyph} {row.status.word}", row.agent, when, row.goal]
    return printable_line("  ".join(word for word in words if word), 118)


def find_diff(named: Sequence[str], spool: Path, *, spool_given: bool) -> Target:
    """The sessions to compare, by id, beginning or file.

    Raises:
        CannotShow: When one of them is none, or there are more than two.
    """
    if len(named) > 2:
        raise WrongUse("--diff takes one session or two, the baseline first.")
    found = [find_target(each, spool, spool_given=spool_given) for each in named]
    paths = tuple(each.session for each in found if each.session is not None)
    if len(paths) < len(found):
        raise CannotShow("--diff takes sessions, not directories: name the directory with --spool.")
    if len(set(paths)) < len(paths):
        raise CannotShow("That is the same session twice: there is nothing to compare.")
    return Target(found[-1].root, None, diff=paths)


def no_terminal(environ: Mapping[str, str]) -> str:
    """Why the program cannot draw here, and what does without."""
    if environ.get("TERM") == "dumb":
        why = (
            "promptetheus tui needs a terminal that can place text, and TERM=dumb says that this one cannot."
        )
    else:
        why = "promptetheus tui needs a terminal: standard input and standard error must be one."
    return (
        f"{why}\nWithout one, `promptetheus sessions` lists what was recorded and "
        "`promptetheus replay ID` prints a session."
    )


def has_terminal() -> bool:
    """Whether there is a terminal to draw on (standard error) and to read keys from (standard input);
    or a browser that takes the place of one (`--web`)."""
    if os.environ.get("TEXTUAL_DRIVER", "").startswith("textual.drivers.web_driver"):
        return True
    return os.environ.get("TERM") != "dumb" and all(
        stream is not None and stream.isatty() for stream in (sys.__stdin__, sys.__stderr__)
    )


def is_in_screen(environ: Mapping[str, str]) -> bool:
    """Whether GNU screen is between us and the terminal. Once a program asks for the mouse, it keeps `esc` to itself
    until another key comes (seen with 4.9): there the mouse is left to the terminal."""
    return bool(environ.get("STY"))


def show(
    target: Target,
    *,
    theme: str | None = None,
    filter_text: str = "",
    place: Place | None = None,
    fresh: bool = False,
    why_stale: Callable[[], str] = lambda: "",
) -> int:
    """Run the program until the person quits. `place` is a view to open at once, instead of the target's session;
    `fresh` leaves aside how the program was left the last time, and remembers nothing; `why_stale` says what keeps
    the spool from being up to date, where somebody else fills it.

    Returns:
        The exit code: 0, or 1 when it could not go on.

    Raises:
        CannotShow: When there is no theme of that name.
    """
    # Measured: looking for garbage takes 20 to 40 ms of the 300 until the first rows are on screen, and finds none.
    gc.disable()
    sys.setswitchinterval(SWITCH_S)
    from promptetheus.tui.app import PromptetheusApp, UnknownTheme
    from promptetheus.tui.garbage import GarbageAtRest
    from promptetheus.tui.key_file import read_keys
    from promptetheus.tui.remembered import read_layout

    try:
        app = PromptetheusApp(
            target.root,
            theme=theme,
            filter_text=filter_text,
            start=place or target.place,
            layout=None if fresh else read_layout(target.root),
            keys=read_keys(target.root),
            garbage=GarbageAtRest(),
            why_stale=why_stale,
        )
    except UnknownTheme as error:
        raise CannotShow(str(error)) from None
    if sys.__stdin__ is not None and sys.__stdin__.isatty():
        threading.Thread(target=_end_with_the_terminal, name="promptetheus-hang-up", daemon=True).start()
    _write_what_the_terminal_shows(app)
    app.run(mouse=not is_in_screen(os.environ))
    return app.return_code or 0


def _write_what_the_terminal_shows(app: PromptetheusApp) -> None:
    """Signs of ASCII in place of ours where the terminal has another encoding, or a font of few signs."""
    encoding = getattr(sys.__stderr__, "encoding", None) or "utf-8"
    if encoding == "utf-8" and os.environ.get("TERM") != "linux":
        return  # Nearly all terminals: nothing is imported for them.
    from promptetheus.tui.plain_glyphs import glyphs_for, plain_driver

    glyphs = glyphs_for(os.environ, encoding)
    if glyphs is not None:
        app.driver_class = plain_driver(app.driver_class, glyphs)


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
