"""`ctrl+p`: every action there is, by name, and every session to jump to."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple

from textual import work
from textual.screen import Screen
from textual.widgets import Input

from promptetheus.display import printable_line, short_id
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.answering import until_rest
from promptetheus.tui.chooser import Choice, ChoiceList, Chooser, ChooserInput, Run
from promptetheus.tui.go_words import GoWords
from promptetheus.tui.key_list import KeyAction, key_actions
from promptetheus.tui.keymap import help_sections
from promptetheus.tui.palette_elsewhere import in_other_views, not_now
from promptetheus.tui.palette_words import fitness, is_abbreviation, other_words
from promptetheus.tui.shell import Shell
from promptetheus.tui.views import ViewScreen

SESSIONS_SHOWN = 50
"""More than this nobody reads; the last line says how many more there are."""

CALLED_SO = 100
"""Counts more than one word that fits."""

OUT_OF_REACH_SHOWN = 6
"""Of what cannot be done now, the best; more would push the sessions off the screen."""


class _Action(NamedTuple):
    """A line of the palette, and the id of its action; "" where it has none."""

    choice: Choice
    id: str


class PaletteScreen(Chooser):
    """Actions of the view below and of the program first, then what is done elsewhere, then sessions."""

    PROMPT: ClassVar[str] = "Do something, or go to a session"
    IS_TYPED = True

    def __init__(self, below: Screen[Any], commands: Iterable[tuple[str, Run]], shell: Shell) -> None:
        super().__init__()
        self._below = below
        self._commands = list(commands)
        self._sessions = shell.sessions_screen.sessions()
        self._open_session = shell.open_session
        self._go_words = GoWords(shell)
        self._everywhere: Sequence[KeyAction] = ()
        """Actions of all views, once they are known."""
        self._known_haystacks: Sequence[str] | None = None

    def on_mount(self) -> None:
        """Show what can be done here; what is done elsewhere comes from modules that may have to be read first."""
        super().on_mount()
        self._prepare()

    @work(group="prepare", exit_on_error=False)
    async def _prepare(self) -> None:
        await asyncio.to_thread(self._haystacks)
        await until_rest(self.app)
        self._everywhere = await asyncio.to_thread(key_actions)
        words = self.query_one(ChooserInput).value.strip()
        if words and self.is_running:
            self.query_one(ChoiceList).show_more(self.choices(words))

    def choices(self, words: str) -> Sequence[Choice]:
        """Actions that the words fit, best first; then sessions that hold all the words. What begins with a colon is
        read as where `:` goes to."""
        if words.startswith(":"):
            return self._go_words.leading(words)
        known = list(self._actions())
        here = {each.choice.title for each in known}
        if words:
            scored = [(_how_near(words, each.choice.title, each.id), each) for each in known]
            fitting = sorted((pair for pair in scored if pair[0]), key=lambda pair: -pair[0])
            # First letters are a guess, made only when no action holds the words themselves.
            known = [each for _, each in fitting] or [
                each for each in known if is_abbreviation(words, each.choice.title)
            ]
        step = self._go_words.step(words)
        leads_nowhere = any(each.is_out_of_reach for each in step)
        parts = (
            [] if leads_nowhere else step,
            [each.choice for each in known],
            list(self._out_of_reach(words, here)),
            list(self._session_choices(words)),
            step if leads_nowhere else [],
        )
        shown: list[Choice] = []
        for part in filter(None, parts):
            shown += [*([Choice("")] if shown else []), *part]
        return shown

    def _actions(self) -> Iterator[_Action]:
        """What the view and the program do first; how one moves in a list, which every hand knows, last."""
        named: set[str] = set()
        moving: list[_Action] = []
        for section in help_sections(self._below):
            for shortcut in section.shortcuts:
                if isinstance(shortcut.node, Input) and not shortcut.node.has_focus:
                    continue  # The keys of a field mean something while one types in it.
                title = shortcut.sentence[:1].upper() + shortcut.sentence[1:]
                if title not in named:
                    named.add(title)
                    run = partial(self.app.run_action, shortcut.action, shortcut.node)
                    action = _Action(Choice(title, shortcut.key_text, run), shortcut.id)
                    if shortcut.is_moving:
                        moving.append(action)
                    else:
                        yield action
        for title, command in self._commands:
            yield _Action(Choice(title, "", command), "")
        yield from moving

    def _out_of_reach(self, words: str, here: Collection[str]) -> Iterator[Choice]:
        """What the words fit and cannot be done now, so that nobody thinks it cannot be done at all."""
        below = self._below
        if not isinstance(below, ViewScreen):
            return
        known = [*not_now(below), *(in_other_views(below, self._everywhere, here) if words else ())]
        scored = [(_how_near(words, each.title, each.id), each) for each in known]
        fitting = sorted((pair for pair in scored if pair[0] or not words), key=lambda pair: -pair[0])
        if fitting:
            yield Choice("Not here")
        for _, each in fitting[:OUT_OF_REACH_SHOWN]:
            yield Choice(
                each.title, each.note, partial(self.app.notify, each.why, timeout=5), is_out_of_reach=True
            )

    def _haystacks(self) -> Sequence[str]:
        if self._known_haystacks is None:
            self._known_haystacks = [_haystack(row).casefold() for row in self._sessions]
        return self._known_haystacks

    def _session_choices(self, words: str) -> Iterator[Choice]:
        found = self._sessions
        if words:
            fitting = list(zip(self._sessions, self._haystacks(), strict=True))
            for (
                word
            ) in words.casefold().split():  # word by word: `all` for each session takes five times as long
                fitting = [pair for pair in fitting if word in pair[1]]
            found = [row for row, _ in fitting]
        if found:
            yield Choice("Sessions")
        for row in found[:SESSIONS_SHOWN]:
            title = f"{row.status.glyph} {row.status.word:<12} {row.agent or '–'}  {row.goal}"
            yield Choice(title, short_id(row.session_id), partial(self._open_session, row.path))
        if len(found) > SESSIONS_SHOWN:
            yield Choice(f"and {len(found) - SESSIONS_SHOWN} more: add a word")


def _how_near(words: str, title: str, action_id: str) -> int:
    """As `fitness`; what code calls just so, as the footer mostly does, is what most likely was meant."""
    is_called_so = words.casefold() == action_id.rpartition(".")[2]
    return fitness(words, title, other_words(action_id, title)) + (CALLED_SO if is_called_so else 0)


def _haystack(row: SessionRow) -> str:
    parts = (row.session_id, row.agent, row.goal, row.status.word, row.label, row.fingerprint, *row.tags)
    return printable_line(" ".join(parts), 1000)
