"""A search through all that was recorded: a thread looks session by session, the screen reads what it has found."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from promptetheus.display import age, counted, printable_line, short_id
from promptetheus.queries.filter import Filter, parse_filter
from promptetheus.queries.filter_terms import Term, typed_terms, understand, unquoted
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.search import Hit, Needle, search_session
from promptetheus.tui.chooser import Choice
from promptetheus.tui.kind_words import KIND_CELLS, word_of_kind

MOST_PLACES = 200
"""More than these nobody reads: another word finds fewer."""

MOST_IN_A_SESSION = 5
"""One session that is full of a word must not hide the others."""

_BEFORE = 20
"""Characters before what was found that are shown, so that it is in sight on a narrow screen."""

_SPEAKING = frozenset({"payload.content", "payload.message"})
"""Fields whose names say nothing beside the kind of the step."""

_WHAT_IT_DOES = (
    "Anywhere in messages, arguments, results and errors.",
    "Terms such as status:failed choose the sessions.",
)

Open = Callable[[Path, int | None], object]
"""Shows a session, at a step where one is known."""


class InSession(NamedTuple):
    """Where the words stand in one session."""

    row: SessionRow
    hits: tuple[Hit, ...]
    more: bool
    """Whether there are more of them."""


def words_in(typed: str) -> tuple[Filter, str]:
    """What chooses the sessions, such as `status:failed`, and what is looked for in them: all the rest."""
    chooses: list[str] = []
    rest: list[str] = []
    for term in typed_terms(typed):
        understood = understand(term)
        is_term = isinstance(understood, Term) and bool(understood.field)
        (chooses if is_term else rest).append(term.text)
    return parse_filter(" ".join(chooses)), " ".join(map(unquoted, rest))


class Looking:
    """One search.

    Args:
        typed: The words, and terms of the filter that choose sessions.
        sessions: In the order in which they are looked through.
    """

    def __init__(self, typed: str, sessions: Sequence[SessionRow]) -> None:
        self.typed = typed
        self._only, self.words = words_in(typed)
        self._sessions = sessions
        self.found: list[InSession] = []
        """What there is so far; only ever longer."""
        self.places = 0
        self.looked = 0
        """Sessions looked through so far."""
        self.is_over = not self.words
        self.is_full = False
        """Whether it ended because there are more places than anybody reads."""
        self._stopped = threading.Event()

    def run(self) -> None:
        """Look, in a thread: seconds where gigabytes were recorded."""
        needle = Needle(self.words)
        for row in self._sessions:
            if self._stopped.is_set() or self.is_full:
                break
            if self._only.matches(row):
                self._look_into(row, needle)
                self.looked += 1
        self.is_over = True

    def stop(self) -> None:
        """End it soon."""
        self._stopped.set()

    def _look_into(self, row: SessionRow, needle: Needle) -> None:
        hits = tuple(islice(search_session(row, needle, stopped=self._stopped.is_set), MOST_IN_A_SESSION + 1))
        if hits:
            shown = hits[:MOST_IN_A_SESSION]
            self.found.append(InSession(row, shown, len(hits) > len(shown)))
            self.places += len(shown)
            self.is_full = self.places >= MOST_PLACES


def lines_of(looking: Looking, now_s: float, show: Open) -> list[Choice]:
    """How it stands, then the places under their sessions. While it goes on, lines are only added at the end."""
    if not looking.words:
        return [Choice(line) for line in _WHAT_IT_DOES]
    lines = [Choice(_how_it_stands(looking))]
    for found in list(looking.found):
        lines += [Choice(""), Choice(_heading(found.row, now_s))]
        lines += [
            Choice(_place(hit), "", partial(show, hit.path, hit.step), found=looking.words)
            for hit in found.hits
        ]
        if found.more:
            lines.append(Choice("    and more in this session"))
    return lines


def _how_it_stands(looking: Looking) -> str:
    sessions = counted(looking.looked, "session")
    if not looking.is_over:
        return f"looking … {counted(looking.places, 'place')} so far, {sessions} looked through"
    if not looking.places:
        return f"That stands nowhere in {sessions}."
    least = "at least " if any(found.more for found in looking.found) else ""
    found = f"{least}{counted(looking.places, 'place')} in {counted(len(looking.found), 'session')}"
    return (
        f"{found}, the newest first: there are more, another word finds fewer" if looking.is_full else found
    )


def _heading(row: SessionRow, now_s: float) -> str:
    when = "" if row.started is None else age(max(0.0, now_s - row.started))
    parts = (f"{row.status.glyph} {row.status.word}", short_id(row.session_id), when, row.agent, row.goal)
    return "  ".join(printable_line(part, 200) for part in parts if part)


def _place(hit: Hit) -> str:
    where = "" if hit.step is None else f"step {hit.step}"
    what = word_of_kind(hit.kind) if hit.kind else hit.type
    field = "" if hit.field in _SPEAKING else f"{hit.field.removeprefix('payload.')}: "
    return printable_line(f"{where:<9} {what:<{KIND_CELLS}}  {field}{''.join(_around(hit))}", 400)


def _around(hit: Hit) -> Iterator[str]:
    begins = max(0, hit.start - _BEFORE)
    if begins:
        yield "…"
    yield hit.snippet[begins:]
