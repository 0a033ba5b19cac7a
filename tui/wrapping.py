"""Text of any length as screen lines of bounded number: what is not shown is never looked at."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import NamedTuple

from rich.cells import cell_len, chop_cells
from rich.text import Text

from promptetheus.display import printable

TAB_CELLS = 4


class Wrapped(NamedTuple):
    """The beginning of a text, cut into lines."""

    lines: list[str]
    """Printable, each at most as wide as asked for."""
    rest: int
    """Characters of the text that are not among the lines."""


def wrap(text: str, width: int, most_lines: int) -> Wrapped:
    """The first `most_lines` lines of `text` at `width` cells, broken between words where there are some.

    The cost is bounded by `width * most_lines`, not by the length of the text.
    """
    width = max(1, width)
    window = text[: width * most_lines + 1]
    lines: list[str] = []
    taken = 0
    for line in window.split("\n"):
        room = most_lines - len(lines)
        if not room:
            break
        pieces = wrap_line(printable(line).expandtabs(TAB_CELLS), width)
        lines.extend(pieces[:room])
        if len(pieces) > room:
            # Marks for control characters are longer than what they stand for, hence the proportion.
            taken += len(line) * room // len(pieces)
            break
        taken += len(line) + 1
    return Wrapped(lines, max(0, len(text) - taken))


def wrap_line(line: str, width: int) -> list[str]:
    """One printable line without newlines, cut into pieces of at most `width` cells; `[""]` when it is empty."""
    return [line[start:end] for start, end in _spans(line, width)]


def wrap_styled(line: Text, width: int) -> list[Text]:
    """A styled printable line, cut like `wrap_line` cuts it."""
    return [line[start:end] for start, end in _spans(line.plain, width)]


def _spans(line: str, width: int) -> list[tuple[int, int]]:
    """Where the pieces of a line begin and end; the space at which it is broken belongs to none."""
    if len(line) <= width and (line.isascii() or cell_len(line) <= width):
        return [(0, len(line))]
    if not line.isascii() and cell_len(line) != len(line):
        ends = list(accumulate(len(piece) for piece in chop_cells(line, width)))
        return list(pairwise([0, *ends]))
    pieces: list[tuple[int, int]] = []
    start, end = 0, len(line)
    while end - start > width:
        # A break right after the indent would leave a line of nothing but space.
        space = line.rfind(" ", start + 1, start + width + 1)
        if space > start and line[start:space].strip():
            pieces.append((start, space))
            start = space + 1
        else:
            pieces.append((start, start + width))
            start += width
    pieces.append((start, end))
    return pieces
