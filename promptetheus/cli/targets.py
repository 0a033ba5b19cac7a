"""From what a person typed (an id, the beginning of one, a file) to a session."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from promptetheus.cli.output import quoted, say
from promptetheus.display import printable_line

if TYPE_CHECKING:
    from promptetheus.queries.roots import Roots
    from promptetheus.queries.session_log import SessionLog


def open_session(spools: Roots, target: str, *, missing: str = "") -> SessionLog | None:
    """The session read whole, or None after telling the person why there is none (`missing`: in which words)."""
    from promptetheus.queries.resolve import AmbiguousSession, SessionNotFound, resolve
    from promptetheus.queries.roots import roots_of
    from promptetheus.queries.session_log import SessionLog

    try:
        log = SessionLog(resolve(spools, target))
        while log.poll().more:
            pass
    except SessionNotFound:
        say(missing or f"Could not find a session or file for {quoted(target)}.")
        there = [f" --spool {shlex.quote(str(spool))}" for spool in roots_of(spools) if spool.is_dir()]
        if there:
            say(f"See: promptetheus sessions{''.join(there)}")
        return None
    except AmbiguousSession as error:
        say(f"{quoted(target)} is the beginning of several sessions; add a few more characters:")
        for session_id in error.candidates[:10]:
            say(f"  {printable_line(session_id)}")
        if len(error.candidates) > 10:
            say(f"  and {len(error.candidates) - 10} more")
        return None
    except OSError as error:
        say(f"Could not read {quoted(target)}: {error.strerror or error}.")
        return None
    skipped = log.skipped
    if skipped.total:
        name = printable_line(log.path.name)
        if not len(log):
            say(f"{name} has no events: {skipped.total} line(s) could not be read, {skipped.describe()}.")
            return None
        say(f"{skipped.total} line(s) of {name} could not be read and are left out: {skipped.describe()}.")
    return log
