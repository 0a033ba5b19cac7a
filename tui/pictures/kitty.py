"""Kitty graphics: a picture is sent once; characters that stand for its parts put it on the screen like any text.

Protocol: https://sw.kovidgoyal.net/kitty/graphics-protocol/#unicode-placeholders
"""

from __future__ import annotations

import base64
from collections import OrderedDict
from collections.abc import Iterator
from typing import NamedTuple

from rich.color import Color
from rich.segment import Segment
from rich.style import Style

PLACEHOLDER = "\U0010eeee"
_ESCAPE = "\x1b"
_CHUNK = 4096
"""Characters of data in one sequence: the protocol's limit."""

MOST_KEPT = 64
"""Pictures the terminal keeps for us; the one not shown for longest makes room."""

# Numbers are told by combining marks; the protocol lists them (rowcolumn-diacritics.txt of kitty).
_MARKS = "".join(
    map(
        chr,
        (
            *(0x305, 0x30D, 0x30E, 0x310, 0x312, *range(0x33D, 0x340), 0x346, *range(0x34A, 0x34D)),
            *(
                *range(0x350, 0x353),
                0x357,
                0x35B,
                *range(0x363, 0x370),
                *range(0x483, 0x488),
                *range(0x592, 0x596),
            ),
            *(*range(0x597, 0x59A), *range(0x59C, 0x5A2), 0x5A8, 0x5A9, *range(0x5AB, 0x5AD), 0x5AF, 0x5C4),
            *(*range(0x610, 0x618), *range(0x657, 0x65C), *range(0x65D, 0x65F), *range(0x6D6, 0x6DD)),
            *(
                *range(0x6DF, 0x6E3),
                0x6E4,
                0x6E7,
                0x6E8,
                *range(0x6EB, 0x6ED),
                0x730,
                0x732,
                0x733,
                0x735,
                0x736,
            ),
            *(
                0x73A,
                0x73D,
                0x73F,
                0x740,
                0x741,
                0x743,
                0x745,
                0x747,
                0x749,
                0x74A,
                *range(0x7EB, 0x7F2),
                0x7F3,
            ),
            *(*range(0x816, 0x81A), *range(0x81B, 0x824), *range(0x825, 0x828), *range(0x829, 0x82E)),
        ),
    )
)

MOST_ROWS = len(_MARKS)
"""Of a picture. Columns beyond as many follow from the one to their left."""


class Upload(NamedTuple):
    """A picture on its way to the terminal."""

    number: int
    """Names it; below 2**24, because a colour carries it."""
    png: bytes
    columns: int
    rows: int


class KittyPictures:
    """Which pictures the terminal has."""

    def __init__(self) -> None:
        self._sent: OrderedDict[int, None] = OrderedDict()

    def sequences(self, upload: Upload) -> str:
        """What to write so that the terminal has a picture; "" when it has it already."""
        if upload.number in self._sent:
            self._sent.move_to_end(upload.number)
            return ""
        self._sent[upload.number] = None
        parts = list(_transmission(upload))
        while len(self._sent) > MOST_KEPT:
            parts.append(_forget(self._sent.popitem(last=False)[0]))
        return "".join(parts)

    def forget_all(self) -> str:
        """What to write so that the terminal lets go of all of them."""
        sent, self._sent = self._sent, OrderedDict()
        return "".join(_forget(number) for number in sent)


def placeholders(upload: Upload) -> Iterator[Segment]:
    """The picture as text, a segment a line."""
    number = upload.number
    style = Style(color=Color.from_rgb(number >> 16, number >> 8 & 255, number & 255))
    for row in range(upload.rows):
        marked = min(upload.columns, len(_MARKS))
        cells = "".join(f"{PLACEHOLDER}{_MARKS[row]}{_MARKS[column]}" for column in range(marked))
        yield Segment(cells + PLACEHOLDER * (upload.columns - marked), style)


def _transmission(upload: Upload) -> Iterator[str]:
    data = base64.b64encode(upload.png).decode("ascii")
    # q=2: no answers, which would be read as keys.
    for start in range(0, max(1, len(data)), _CHUNK):
        more = int(start + _CHUNK < len(data))
        control = f"a=t,f=100,q=2,i={upload.number},m={more}" if start == 0 else f"q=2,m={more}"
        yield f"\x1b_G{control};{data[start : start + _CHUNK]}\x1b\\"
    # U=1: shown only where the placeholders stand.
    yield f"\x1b_Ga=p,U=1,q=2,i={upload.number},c={upload.columns},r={upload.rows}\x1b\\"


def _forget(number: int) -> str:
    return f"\x1b_Ga=d,d=I,q=2,i={number}\x1b\\"


def through_tmux(sequences: str) -> str:
    """The same for the terminal around tmux, which hands it on where `allow-passthrough` is on.

    Each by itself: tmux drops what is longer than its input buffer.
    https://github.com/tmux/tmux/wiki/FAQ#what-is-the-passthrough-escape-sequence-and-how-do-i-use-it
    """
    each = (part + "\x1b\\" for part in sequences.split("\x1b\\")[:-1])
    return "".join(f"\x1bPtmux;{part.replace(_ESCAPE, _ESCAPE * 2)}\x1b\\" for part in each)
