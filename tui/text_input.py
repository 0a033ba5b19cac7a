"""One-line text fields. What is pasted into them is drawn too, so it passes the gate like all other text."""

from __future__ import annotations

from textual.suggester import Suggester
from textual.widgets import Input
from textual.widgets.input import Selection

from promptetheus.display import printable_line
from promptetheus.tui.guard import Guarded

LONGEST_INPUT = 1000
"""Characters; a whole document pasted by mistake must not be drawn at every key."""


class TextInput(Guarded, Input):
    """A text field of one line without a frame, whose cursor does not blink."""

    DEFAULT_CSS = """
    TextInput, TextInput:focus {
        border: none; height: 1; padding: 0; width: 1fr;
        background: transparent; background-tint: transparent; color: $foreground;
        & > .input--placeholder, & > .input--suggestion { color: $faint; }
    }
    """

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        suggester: Suggester | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            suggester=suggester,
            select_on_focus=False,
            compact=True,
            id=id,
        )
        self.cursor_blink = False

    def _watch_selection(self, selection: Selection) -> None:
        """Textual gives up what the person selected elsewhere, also while a field is only being made."""
        if self.is_mounted:
            super()._watch_selection(selection)

    def validate_value(self, value: str) -> str:
        """Whatever a clipboard held, the field never shows a control character."""
        return printable_line(value, LONGEST_INPUT)
