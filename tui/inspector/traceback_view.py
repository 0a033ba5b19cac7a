"""A traceback as a person reads it: the error first in weight, their own frames before those of libraries."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rich.text import Text

from promptetheus.display import counted, printable_line
from promptetheus.tui.inspector.page import Frame, Line, more_text, styled
from promptetheus.tui.theme import Looks
from promptetheus.tui.wrapping import wrap_styled

PORTION_LINES = 40
MAX_LINE = 4_000
"""Characters of one line that are shown; `o` opens all of them."""

MAX_CHARACTERS = 200_000
"""Of a longer traceback only the end is read: that is where the error stands."""

_PYTHON_FRAME = re.compile(r'^(\s*)File "([^"\n]{1,1000})", line (\d+)(?:, in (.{1,400}))?$')
_NODE_FRAME = re.compile(r"^(\s+)at (.{1,1000})$")
_ERROR_LINE = re.compile(r"^[A-Za-z_][\w.]{0,200}(?:: |$)")
_LIBRARY = re.compile(r"site-packages|dist-packages|/lib/python3|<frozen |node_modules|node:internal")
_CARETS = re.compile(r"^\s*[~^]+\s*$")


@dataclass(slots=True)
class TracebackBlock:
    """The end of a traceback; what stands before it is one key away."""

    text: str
    path: str = "traceback"

    def lines(self, frame: Frame) -> list[Line]:
        """The last lines, each coloured by what it is."""
        text = self.text[-MAX_CHARACTERS:]
        raw = text.rstrip("\n").split("\n")
        portion = PORTION_LINES * (10 if frame.roomy else 1) * frame.folds.portions(self.path)
        hidden = max(0, len(raw) - portion)
        found: list[Line] = []
        if hidden or len(self.text) > MAX_CHARACTERS:
            note = more_text(f"{counted(hidden, 'line')} before" if hidden else "more before", frame)
            found.append(self._line(note, more=self.path))
        in_library = any(_LIBRARY.search(line) for line in raw[:hidden][-2:])
        for line in raw[hidden:]:
            if _PYTHON_FRAME.match(line[:2_000]):
                in_library = bool(_LIBRARY.search(line))
            elif line[:1].strip():
                in_library = False
            shown = fitted(printable_line(line, MAX_LINE).expandtabs(4), frame.width)
            drawn = highlighted_line(shown, frame.looks, in_library)
            found.extend(self._line(piece) for piece in wrap_styled(drawn, frame.width))
        return found

    def _line(self, text: Text, more: str = "") -> Line:
        # What is too long to be looked through opens as plain text, of which everything can be seen.
        opens = self if len(self.text) <= MAX_CHARACTERS else None
        return Line(text, more=more, value=self.text, title="traceback", opens=opens)


def fitted(line: str, width: int) -> str:
    """A line that names a file, with the front of its path left out where it would not fit the width."""
    frame = _PYTHON_FRAME.match(line) if len(line) > width else None
    if frame is None:
        return line
    path = frame[2]
    parts = path.split("/")
    for kept in range(len(parts) - 1, 0, -1):
        shorter = line.replace(path, "…/" + "/".join(parts[-kept:]), 1)
        if len(shorter) <= width:
            return shorter
    return line.replace(path, f"…/{parts[-1]}", 1) if len(parts) > 1 else line


def highlighted_line(line: str, looks: Looks, in_library: bool = False) -> Text:
    """One printable line of a traceback in the styles of its parts."""
    frame = _PYTHON_FRAME.match(line)
    if frame is not None:
        indent, file, number, function = frame.groups()
        text = styled((f'{indent}File "', looks.faint if in_library else looks.muted))
        text.append(file, looks.faint if in_library else looks.text)
        text.append('", line ', looks.faint if in_library else looks.muted)
        text.append(number, looks.faint if in_library else looks.accent)
        if function is not None:
            text.append(", in ", looks.faint if in_library else looks.muted)
            text.append(function, looks.muted if in_library else looks.strong)
        return text
    if _NODE_FRAME.match(line):
        return Text(line, looks.faint if _LIBRARY.search(line) else looks.text)
    if _CARETS.match(line):
        return Text(line, looks.failed)
    if line.startswith(("Traceback (", "During handling", "The above exception")):
        return Text(line, looks.muted)
    error = _ERROR_LINE.match(line)
    if error is not None:
        text = Text(line, looks.failed)
        name = line.partition(":")[0]
        text.stylize("bold", 0, len(name))
        return text
    return Text(line, looks.faint if in_library else looks.text)
