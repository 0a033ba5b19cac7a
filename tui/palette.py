"""`ctrl+p`: every action there is, by name, and every session to jump to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from textual.screen import Screen

from promptetheus.display import printable_line, short_id
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.chooser import Choice, Chooser, Run, matches
from promptetheus.tui.keymap import help_sections
from promptetheus.tui.palette_words import fitness, is_abbreviation, other_words

SESSIONS_SHOWN = 50
"""More than this nobody reads; the last line says how many more there are."""


class _Action(NamedTuple):
    """A line of the palette, and what else people call it."""

    choice: Choice
    others: str


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

    def choices(self, words: str) -> Sequence[Choice]:
        """Actions that the words fit, best first; then sessions that hold all the words."""
        known = list(self._actions())
        if words:
            scored = [(fitness(words, each.choice.title, each.others), each) for each in known]
            fitting = sorted((pair for pair in scored if pair[0]), key=lambda pair: -pair[0])
            # First letters are a guess, made only when no action holds the words themselves.
            known = [each for _, each in fitting] or [
                each for each in known if is_abbreviation(words, each.choice.title)
            ]
        actions = [each.choice for each in known]
        sessions = list(self._session_choices(words))
        return [*actions, *([Choice("")] if actions and sessions else []), *sessions]

    def _actions(self) -> Iterator[_Action]:
        """What the view and the program do first; how one moves in a list, which every hand knows, last."""
        named: set[str] = set()
        moving: list[_Action] = []
        for section in help_sections(self._below):
            for shortcut in section.shortcuts:
                title = shortcut.sentence[:1].upper() + shortcut.sentence[1:]
                if title not in named:
                    named.add(title)
                    run = partial(self.app.run_action, shortcut.action, shortcut.node)
                    action = _Action(Choice(title, shortcut.key_text, run), other_words(shortcut.id, title))
                    if shortcut.is_moving:
                        moving.append(action)
                    else:
                        yield action
        for title, command in self._commands:
            yield _Action(Choice(title, "", command), other_words("", title))
        yield from moving

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
