"""`ctrl+p`: every action there is, by name, and every session to jump to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from textual.fuzzy import FuzzySearch
from textual.screen import Screen

from promptetheus.display import printable_line, short_id
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.chooser import Choice, Chooser, Run, matches
from promptetheus.tui.keymap import help_sections

SESSIONS_SHOWN = 50
"""More than this nobody reads; the last line says how many more there are."""


class PaletteScreen(Chooser):
    """Actions of the view below and of the program first, then sessions."""

    PROMPT: ClassVar[str] = "Do something, or go to a session"
    IS_TYPED = True

    def __init__(
        self,
        below: Screen[Any],
        commands: Iterable[tuple[str, Run]],
        sessions: Sequence[SessionRow],
        open_session: Callable[[Path], object],
    ) -> None:
        super().__init__()
        self._below = below
        self._commands = list(commands)
        self._sessions = sessions
        self._open_session = open_session
        self._fuzzy = FuzzySearch()

    def choices(self, words: str) -> Sequence[Choice]:
        """Actions whose name fits the words, best first; then sessions that hold all the words."""
        actions = list(self._actions())
        if words:
            # Letters scattered over a name are a guess, made only when no name holds the words themselves.
            actions = [action for action in actions if matches(words, action.title)] or actions
            scored = [(self._fuzzy.match(words, action.title)[0], action) for action in actions]
            actions = [action for score, action in sorted(scored, key=lambda pair: -pair[0]) if score > 0]
        sessions = list(self._session_choices(words))
        return [*actions, *([Choice("")] if actions and sessions else []), *sessions]

    def _actions(self) -> Iterator[Choice]:
        named: set[str] = set()
        for section in help_sections(self._below):
            for shortcut in section.shortcuts:
                title = shortcut.sentence[:1].upper() + shortcut.sentence[1:]
                if title not in named:
                    named.add(title)
                    run = partial(self.app.run_action, shortcut.action, shortcut.node)
                    yield Choice(title, shortcut.key_text, run)
        for title, command in self._commands:
            yield Choice(title, "", command)

    def _session_choices(self, words: str) -> Iterator[Choice]:
        found = [row for row in self._sessions if not words or matches(words, _haystack(row))]
        if found:
            yield Choice("Sessions")
        for row in found[:SESSIONS_SHOWN]:
            title = f"{row.status.glyph} {row.status.word:<12} {row.agent or '–'}  {row.goal}"
            yield Choice(title, short_id(row.session_id), partial(self._open_session, row.path))
        if len(found) > SESSIONS_SHOWN:
            yield Choice(f"and {len(found) - SESSIONS_SHOWN} more: add a word")


def _haystack(row: SessionRow) -> str:
    parts = (row.session_id, row.agent, row.goal, row.status.word, row.label, row.fingerprint, *row.tags)
    return printable_line(" ".join(parts), 1000)
