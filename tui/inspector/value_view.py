"""One value with the screen to itself: JSON to fold, text to scroll, a large value fetched from where it was kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from promptetheus.display import printable_line, size
from promptetheus.tui.inspector.embedded_json import embedded_json
from promptetheus.tui.inspector.json_view import JsonBlock
from promptetheus.tui.inspector.page import Frame, Line, more_text
from promptetheus.tui.inspector.stored_value import StoredValue, stored_value, whole_value
from promptetheus.tui.wrapping import wrap

PORTION_LINES = 2_000
"""Lines of a text laid out before anyone asked for more: some 20 ms, whatever the text."""


@dataclass(slots=True)
class ValueBlock:
    """Any JSON value in full."""

    value: Any
    title: str
    spool: Path

    def lines(self, frame: Frame) -> list[Line]:
        """Lay out; reads the value's artifact first where it has one."""
        stored = stored_value(self.value)
        value: Any = self.value
        found: list[Line] = []
        if stored is not None:
            value, problem = _fetched(stored, self.spool)
            if problem:
                found.append(Line(Text(printable_line(problem, frame.width), frame.looks.failed)))
        if isinstance(value, str) and embedded_json(value) is None:
            return found + _text_lines(value, frame, self.title)
        return found + JsonBlock(self.title or "value", value, path="value").lines(frame)


def _fetched(stored: StoredValue, spool: Path) -> tuple[str, str]:
    if not stored.storage_path:
        return stored.preview, "Only the beginning was kept when this was recorded."
    try:
        return whole_value(stored, spool), ""
    except (OSError, ValueError) as error:
        return stored.preview, f"Only the beginning can be shown: {error}"


def _text_lines(text: str, frame: Frame, title: str) -> list[Line]:
    looks = frame.looks
    wrapped = wrap(text, frame.width, PORTION_LINES * frame.folds.portions("text"))
    found = [Line(Text(line, looks.text), value=text, title=title) for line in wrapped.lines]
    if wrapped.rest:
        more = more_text(f"{size(wrapped.rest)} more", frame, opens=False)
        found.append(Line(more, more="text", value=text, title=title))
    return found
