"""Under the Delivery list: the session under the cursor in a sentence, which a narrow list has no room for."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget

from promptetheus.tui.fit import cut
from promptetheus.tui.guard import Guarded
from promptetheus.tui.theme import looks_of
from promptetheus.tui.wrapping import wrap

_LINES = 2


class ChosenLine(Guarded, Widget, can_focus=False):
    """How the session under the cursor stands."""

    DEFAULT_CSS = f"""
    ChosenLine {{ height: {_LINES + 1}; padding: 0 2; border-top: solid $rule; }}
    """

    def __init__(self) -> None:
        super().__init__()
        self._said = ""

    def show(self, said: str) -> None:
        """Say something else; `said` is printable."""
        if said != self._said:
            self._said = said
            self.refresh()

    def render(self) -> Text:
        """As much as there is room for, what is cut marked."""
        width = self.size.width
        lines = wrap(self._said, width, _LINES + 1).lines
        if len(lines) > _LINES:
            lines = [*lines[: _LINES - 1], cut(f"{lines[_LINES - 1]} …", width)]
        return Text("\n".join(lines), looks_of(self.app).muted)
