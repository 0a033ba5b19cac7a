"""What became of a session, in one sentence, read from its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from promptetheus.cause.narrative import headline
from promptetheus.events import Event
from promptetheus.queries.session_log import SessionLog

READ_BYTES = 1 << 18
"""Read at a time, so that a sentence nobody waits for any more is given up quickly."""

AT_ONCE = 250
"""Events, within three milliseconds."""

_TELLING = frozenset({"tool_call", "tool_result", "error", "goal_check", "session_end"})


def _nobody_leaves() -> bool:
    return False


def outcome_sentence(path: Path, given_up: Callable[[], bool] = _nobody_leaves) -> str:
    """`Failed its goal: selected Wednesday, not Tuesday.` Where a label is cut, this is not.

    "" where the file cannot be read, or where `given_up`, which is asked again and again, says so.
    """
    log = SessionLog(path)
    try:
        more = True
        while more:
            if given_up():
                return ""
            more = log.poll(READ_BYTES).more
        said = headline(_telling(log, given_up), ordered=True)
        return "" if given_up() else said
    except OSError:
        return ""
    finally:
        log.close()


def _telling(log: SessionLog, given_up: Callable[[], bool]) -> Iterator[Event]:
    """The events that say how a session went, one at a time, or those up to where it was given up."""
    for number in range(len(log)):
        if not number % AT_ONCE and given_up():
            return
        if log.type_of(number) in _TELLING:
            yield log.event(number)
