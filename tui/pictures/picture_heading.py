"""What the line over a picture says: in a narrow terminal in shorter words, and the important ones stay."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.style import Style

from promptetheus.cause.picture_changes import PictureChange
from promptetheus.display import printable_line
from promptetheus.tui.fit import Pieces, cells_of, cut_middle, cut_pieces

_GAPS = (" " * 3, " " * 2)
"""Between parts; the narrow one before anything else gives way."""

_NAMES = (60, 24, 16)
"""Cells that what was done may take: its end, which tells targets apart, stays."""


class Part(NamedTuple):
    """One thing that is said."""

    forms: Sequence[str]
    """Printable, the longest first; "" as the last where it may be left out."""
    style: Style


def fitted(parts: Mapping[str, Part], gives_way: Sequence[str], room: int) -> Pieces:
    """The parts in at most `room` cells.

    Args:
        parts: By name, in the order in which they stand.
        gives_way: Names in the order in which parts take their next shorter form.
    """
    pieces: Pieces = []
    for forms in _shorter_and_shorter(parts, gives_way):
        said = [(parts[name].forms[form], parts[name].style) for name, form in forms.items()]
        for gap in _GAPS:
            shown = [(text, style) for text, style in said if text]
            pieces = [(gap + text if place else text, style) for place, (text, style) in enumerate(shown)]
            if cells_of(pieces) <= room:
                return pieces
    return cut_pieces(pieces, room)


def _shorter_and_shorter(parts: Mapping[str, Part], gives_way: Sequence[str]) -> Iterator[Mapping[str, int]]:
    """Which form of each part to take."""
    forms = dict.fromkeys(parts, 0)
    yield forms
    for name in gives_way:
        if name in forms and forms[name] + 1 < len(parts[name].forms):
            forms[name] += 1
            yield forms


def name_forms(what: str) -> tuple[str, ...]:
    """What was done, in several lengths: `click #slot-wednesday-2pm`, `click …dnesday-2pm`."""
    said = printable_line(what, 200)
    return tuple(cut_middle(said, width) for width in _NAMES)


def change_forms(change: PictureChange) -> tuple[str, ...]:
    """How two pictures differ, in several lengths."""
    said = printable_line(change.describe(), 200)
    if change.region is None:
        return said, ""
    share = "under 1%" if change.share < 0.01 else f"{change.share:.0%}"
    return said, f"{share} changed", ""
