"""What a spool without sessions shows: where it looks, the lines of code to add, and the key to the demo."""

from __future__ import annotations

from pathlib import Path

from rich.text import Text
from textual.widget import Widget

from promptetheus.tui.guard import Guarded
from promptetheus.tui.sessions.header import short_paths
from promptetheus.tui.theme import looks_of

EXAMPLE = (
    "import promptetheus as pt",
    "",
    '@pt.observe(agent="my-agent", user_goal="Book Tuesday at 2pm")',
    "def run_agent(request): ...",
)
"""The lines to add; a test runs them."""


class EmptyState(Guarded, Widget, can_focus=True):
    """Teaches. It takes the focus that the list has no use for, so that the footer's keys work."""

    BINDING_GROUP_TITLE = "No sessions yet"
    DEFAULT_CSS = """
    EmptyState { height: 1fr; padding: 1 4; }
    """

    def __init__(self, root: Path, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._root = root

    def show_root(self, root: Path) -> None:
        """Name another spool."""
        self._root = root
        self.refresh()

    def render(self) -> Text:
        """Draw the lesson."""
        looks = looks_of(self.app)
        here, spool = short_paths(self._root)
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append("Nothing recorded here yet\n\n", looks.strong)
        text.append("Watching ", looks.muted)
        text.append(f"{spool}", looks.text)
        text.append(f"  in {here}\n" if here else "\n", looks.muted)
        text.append("Sessions appear the moment an agent records its first event.\n\n", looks.muted)
        text.append("Add to your agent\n\n", looks.muted)
        for line in EXAMPLE:
            text.append(f"    {line}\n", looks.text)
        text.append("\nOr see how it looks first\n\n", looks.muted)
        text.append("    D", looks.accent)
        text.append("  load the demo: three agents, passing and failing", looks.text)
        return text
