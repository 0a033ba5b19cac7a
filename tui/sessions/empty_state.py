"""What a spool without sessions shows: where it looks, the lines of code to add, and the key to the demo."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from shutil import disk_usage

from rich.text import Text
from textual.widget import Widget

from promptetheus.display import printable_line
from promptetheus.queries.listing import why_unreadable
from promptetheus.queries.rows import Problem
from promptetheus.tui.guard import Guarded
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.sessions.header import short_paths
from promptetheus.tui.theme import looks_of

EXAMPLE = (
    "import promptetheus as pt",
    "",
    '@pt.observe(agent="my-agent", user_goal="Book Tuesday at 2pm")',
    "def run_agent(request): ...",
)
"""The lines to add; a test runs them."""


def why_empty(root: Path, problems: Sequence[Problem]) -> tuple[str, ...]:
    """What keeps sessions from being shown, or from being recorded, in sentences; none where nothing does."""
    unreadable = why_unreadable(root)
    if unreadable:
        return (f"The spool cannot be read: {unreadable}.", "Look at its owner and mode: ls -ld says them.")
    if problems:
        files = (
            "1 file here is no session"
            if len(problems) == 1
            else f"None of {len(problems)} files here is a session"
        )
        return (
            f"{files}.",
            f"{problems[0].path.name}: {problems[0].reason}",
            with_keys("<app.messages:at> lists them all."),
        )
    where = next((place for place in (root, *root.parents) if place.is_dir()), None)
    if where is not None and not disk_usage(where).free:
        return ("The disk is full: no agent can record anything here.", "Sessions appear once there is room.")
    if where is not None and not os.access(where, os.W_OK):
        return (f"You may not write to {where}: agents that run as you cannot record here.",)
    return ()


class EmptyState(Guarded, Widget, can_focus=True):
    """Teaches. It takes the focus that the list has no use for, so that the footer's keys work."""

    BINDING_GROUP_TITLE = "No sessions yet"
    DEFAULT_CSS = """
    EmptyState { height: 1fr; padding: 1 4; }
    """

    def __init__(self, root: Path, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._root = root
        self._why: tuple[str, ...] = ()

    def say_why(self, why: tuple[str, ...]) -> None:
        """Say what is wrong, where something is."""
        if why != self._why:
            self._why = why
            self.refresh()

    def show_root(self, root: Path) -> None:
        """Name another spool."""
        self._root = root
        self.refresh()

    def render(self) -> Text:
        """Draw the lesson."""
        looks = looks_of(self.app)
        here, spool = short_paths(self._root)
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(
            "No session can be shown\n\n" if self._why else "Nothing recorded here yet\n\n", looks.strong
        )
        for said in self._why:
            text.append(f"{printable_line(said, 400)}\n", looks.warned)
        if self._why:
            text.append("\n")
        text.append("Watching ", looks.muted)
        text.append(f"{spool}", looks.text)
        text.append(f"  in {here}\n" if here else "\n", looks.muted)
        text.append("Sessions appear the moment an agent records its first event.\n\n", looks.muted)
        text.append("Add to your agent\n\n", looks.muted)
        for line in EXAMPLE:
            text.append(f"    {line}\n", looks.text)
        text.append("\nOr see how it looks first\n\n", looks.muted)
        text.append(with_keys("    <sessions.demo:D>"), looks.accent)
        text.append("  load the demo: three agents, passing and failing", looks.text)
        return text
