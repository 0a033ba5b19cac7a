"""A key that does nothing in a view says so, and why where there is a reason."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import events
from textual.screen import Screen
from textual.widgets import Input

from promptetheus.tui.keymap import key_text


class SaysUnused(Screen[None]):
    """Mix-in for views, before `ViewScreen`."""

    ELSEWHERE: ClassVar[dict[str, str]] = {}
    """By key: why it does nothing here although it does something in other views."""

    def on_key(self, event: events.Key) -> None:
        """Answer a key that nothing is bound to."""
        focused: Any = self.focused
        if event.key in self.active_bindings or isinstance(focused, Input) or not event.is_printable:
            return
        why = self.ELSEWHERE.get(
            event.key, f"{key_text(event.key)} does nothing here: ? lists the keys that do."
        )
        self.app.notify(why, timeout=3)
