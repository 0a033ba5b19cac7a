"""Short facts under each other: labels in grey, values beside them, all aligned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rich.style import Style
from rich.text import Text

from promptetheus.display import plain_value, printable_line
from promptetheus.tui.inspector.page import Frame, Line, more_text, styled
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.wrapping import wrap

MAX_LABEL_CELLS = 24
PORTION_LINES = 6
"""Lines of one value before it asks to be opened in full."""


class Field(NamedTuple):
    """One fact."""

    label: str
    value: Any
    """Any JSON value; None leaves the whole fact out."""
    style: Style | None = None
    shown: str | None = None
    """What to show instead of the value itself, such as `312ms`."""


@dataclass(slots=True)
class Fields:
    """The facts that are known."""

    fields: Sequence[Field]

    def lines(self, frame: Frame) -> list[Line]:
        """One or a few lines a fact."""
        known = [field for field in self.fields if field.value is not None and field.value != ""]
        if not known:
            return []
        label_cells = min(MAX_LABEL_CELLS, max(len(field.label) for field in known))
        found: list[Line] = []
        for field in known:
            found.extend(_lines_of(field, label_cells, frame))
        return found


def _lines_of(field: Field, label_cells: int, frame: Frame) -> list[Line]:
    label = printable_line(field.label, label_cells).ljust(label_cells) + "  "
    room = max(8, frame.width - len(label))
    most = PORTION_LINES * frame.folds.portions(field.label) * (20 if frame.roomy else 1)
    if field.shown is not None:
        text = field.shown
    elif isinstance(field.value, str):
        text = field.value
    else:
        text = plain_value(field.value, room * most)
    wrapped = wrap(text, room, most)
    found = []
    for number, piece in enumerate(wrapped.lines):
        head = label if number == 0 else " " * len(label)
        line = styled((head, frame.looks.muted), (piece, field.style or frame.looks.text))
        found.append(Line(line, value=field.value, title=field.label))
    if wrapped.rest:
        line = more_text("more", frame, indent=len(label))
        found.append(Line(line, more=field.label, value=field.value, title=field.label))
    return found


@dataclass(slots=True)
class Sentences:
    """Plain sentences, each wrapped, each after a mark."""

    sentences: Sequence[str]
    mark: str = ""
    style: Style | None = None

    def lines(self, frame: Frame) -> list[Line]:
        """One or a few lines a sentence."""
        found: list[Line] = []
        room = frame.width - len(self.mark)
        for sentence in self.sentences:
            wrapped = wrap(sentence, room, 200 if frame.roomy else 12)
            for number, piece in enumerate(wrapped.lines):
                line = Text(
                    self.mark if number == 0 else " " * len(self.mark), self.style or frame.looks.text
                )
                line.append(piece)
                found.append(Line(line, value=sentence, title="text"))
            if wrapped.rest:
                more = Text(
                    " " * len(self.mark) + with_keys("… <session.open:o> opens all of it"), frame.looks.accent
                )
                found.append(Line(more, value=sentence, title="text"))
        return found
