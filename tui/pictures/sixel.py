"""Sixel graphics: a picture as escape sequences, a text line at a time, so that each line can be drawn alone.

Format: DEC, "VT330/VT340 Programmer Reference Manual, Volume 2: Graphics Programming", 1988.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from PIL import Image

COLOURS = 96
"""More look hardly better and take longer to send: every colour of a line is a pass over it."""

_BAND = 6
"""Pixels that one sixel character holds, one above the other."""

_TO_CHARACTERS = bytes(63 + value if value < 64 else 63 for value in range(256))
_RUNS = re.compile(rb"(.)\1{3,}", re.DOTALL)


def sixel_lines(image: Image.Image, cell_height: int) -> Iterator[str]:
    """One sequence for every `cell_height` rows of pixels. Each stands alone: it brings its own colours."""
    reduced = image.convert("RGB").quantize(COLOURS, method=Image.Quantize.FASTOCTREE)
    palette = reduced.getpalette() or []
    width, height = reduced.size
    pixels = reduced.tobytes()
    for top in range(0, height, cell_height):
        rows = [pixels[y * width : (y + 1) * width] for y in range(top, min(top + cell_height, height))]
        used = sorted(set(b"".join(rows)))
        colours = "".join(_colour(index, palette) for index in used)
        bands = "-".join(_band(rows[first : first + _BAND]) for first in range(0, len(rows), _BAND))
        # Background pixels stay as they are (1), and the size is told so that no terminal fills up to its edge.
        yield f'\x1bP0;1;0q"1;1;{width};{len(rows)}{colours}{bands}\x1b\\'


def _colour(index: int, palette: list[int]) -> str:
    red, green, blue = (round(part * 100 / 255) for part in palette[index * 3 : index * 3 + 3])
    return f"#{index};2;{red};{green};{blue}"


def _band(rows: list[bytes]) -> str:
    """Up to six rows of pixels: for each colour the pixels that have it, drawn over each other."""
    passes = []
    for colour in sorted(set(b"".join(rows))):
        bits = 0
        for place, row in enumerate(rows):
            if colour in row:
                # One big number a row: a bit for each pixel of this colour, a byte apart.
                mask = bytearray(256)
                mask[colour] = 1 << place
                bits |= int.from_bytes(row.translate(bytes(mask)), "big")
        characters = bits.to_bytes(len(rows[0]), "big").translate(_TO_CHARACTERS)
        packed = _RUNS.sub(lambda run: b"!%d%s" % (len(run.group()), run.group(1)), characters)
        passes.append(f"#{colour}" + packed.decode("ascii"))
    return "$".join(passes)
