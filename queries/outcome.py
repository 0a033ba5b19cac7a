"""What became of a session, in a sentence or as its fingerprint has it, read from its file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from promptetheus.cause.narrative import headline
from promptetheus.events import Event
from promptetheus.fingerprint import failure_fingerprint, told_in_full
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
    return _said_of(path, partial(headline, ordered=True), given_up)


def failure_in_full(path: Path, given_up: Callable[[], bool] = _nobody_leaves) -> str:
    """All that the session's fingerprint is made of, in words: of sessions with another one it is different, also
    where the label is the same. "" as for `outcome_sentence`."""
    return _said_of(path, lambda events: told_in_full(failure_fingerprint(events)), given_up)


def _said_of(path: Path, say: Callable[[Iterator[Event]], str], given_up: Callable[[], bool]) -> str:
    log = SessionLog(path)
    try:
        more = True
        while more:
            if given_up():
                return ""
            more = log.poll(READ_BYTES).more
        said = say(_telling(log, given_up))
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
