"""Searching several spools, with regular expressions that cannot hang whoever asks.

A pattern such as `(a+)+$` takes longer than the universe on a text that a stranger wrote, and Python's engine gives
nobody else a turn meanwhile. So patterns run in a process of its own: it sends hits as it finds them and a sign of
life ten times a second, which stops coming exactly while one text is being matched; then the process is ended. Plain
texts are searched here: that takes time in proportion to the bytes, and costs no process.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import astuple
from pathlib import Path
from typing import IO, Any

from promptetheus.queries.filter import Filter, parse_filter
from promptetheus.queries.isolated_pipe import receive, send, start
from promptetheus.queries.needle import Needle
from promptetheus.queries.roots import Roots, roots_of
from promptetheus.queries.search import Hit, Stopped, search, search_session
from promptetheus.queries.spools import Spools

PATIENCE_S = 5.0
"""How long one text may take before the pattern is given up."""

_EVERY_S = 0.1
_START = "from promptetheus.queries.bounded_search import serve; serve()"


class SearchGivenUp(Exception):
    """The pattern takes too long; the message says on which session, and what to do. Hits before it are good."""


def search_spools(
    roots: Roots,
    text: str,
    *,
    regex: bool = False,
    case: bool = False,
    only: Filter | None = None,
    stopped: Stopped = lambda: False,
    patience_s: float | None = None,
) -> Iterator[Hit]:
    """Every hit in the sessions of these spools, as it is found, spool by spool, newest file first.

    Args:
        text: a plain text, or a regular expression of Python's `re` with `regex`.
        case: whether upper and lower case differ.
        only: sessions that do not pass are left out.
        stopped: asked ten times a second or every few megabytes; True ends the search. Closing the iterator does too.
        patience_s: of a pattern on a single text; None: `PATIENCE_S`.

    Raises:
        BadPattern: before the first hit, when `text` is empty or no pattern.
        SearchGivenUp: see there.
    """
    needle = Needle(text, regex=regex, case=case)
    if regex:
        patience_s = PATIENCE_S if patience_s is None else patience_s
        return _search_apart(roots_of(roots), text, case, only, stopped, patience_s)
    return _search_here(roots, needle, only, stopped)


def _search_here(roots: Roots, needle: Needle, only: Filter | None, stopped: Stopped) -> Iterator[Hit]:
    for catalog in Spools(roots).catalogs:
        if stopped():
            return
        yield from search(catalog, needle, only=only, stopped=stopped)


def _search_apart(
    roots: tuple[Path, ...], text: str, case: bool, only: Filter | None, stopped: Stopped, patience_s: float
) -> Iterator[Hit]:
    process = start(_START)
    assert process.stdin is not None and process.stdout is not None
    session_id = ""
    begun = False
    try:
        asked = ([str(root) for root in roots], text, case, only.text if only else "")
        send(process.stdin, asked)
        while not stopped():
            # The first sign of life comes when Python has started, which takes long on a busy machine.
            patience = patience_s if begun else max(patience_s, 30.0)
            kind, value = receive(process.stdout, time.monotonic() + patience)
            begun = True
            match kind:
                case "hit":
                    yield Hit(value[0], Path(value[1]), *value[2:])
                case "session":
                    session_id = value
                case "done":
                    return
    except TimeoutError:
        raise SearchGivenUp(
            f"The pattern takes more than {patience_s:g} s on a text in session {session_id}: nested repetitions"
            " such as (a+)+ do that. Make it simpler, or leave that session out."
        ) from None
    except (EOFError, OSError):
        raise SearchGivenUp(f"The search ended unexpectedly at session {session_id}.") from None
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def serve() -> None:
    """The other process: one search, then the end."""
    question, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # whatever else is printed is no answer
    roots, text, case, filter_text = receive(question)
    out = _Answers(answers)
    threading.Thread(target=out.show_life, daemon=True).start()
    threading.Thread(target=_end_with, args=(question,), daemon=True).start()
    needle, only = Needle(text, regex=True, case=case), parse_filter(filter_text)
    for catalog in Spools([Path(root) for root in roots]).catalogs:
        for batch in catalog.scan():
            for row in batch:
                if only.matches(row):
                    out.send("session", row.session_id)
                    for hit in search_session(row, needle):
                        session_id, path, *rest = astuple(hit)
                        out.send("hit", (session_id, str(path), *rest))
    out.send("done", None)


class _Answers:
    """The pipe back, written to by two threads."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._lock = threading.Lock()

    def send(self, kind: str, value: Any) -> None:
        with self._lock:
            try:
                send(self._pipe, (kind, value))
            except OSError:  # nobody reads any more
                os._exit(0)

    def show_life(self) -> None:
        """Only while Python's lock goes round: a text that is being matched keeps it."""
        while True:
            time.sleep(_EVERY_S)
            self.send("alive", None)


def _end_with(question: IO[bytes]) -> None:
    """End when the other side does, even while a text is being matched for ever: it is killed there."""
    question.read()
    os._exit(0)
