"""Pictures in half blocks: two pixels a cell, in any terminal with colours, and shades of grey without them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from PIL import Image
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from promptetheus.pictures import decode

_SHADES = " ░▒▓█"


class Picture(NamedTuple):
    """A decoded picture, scaled to cells."""

    width_px: int
    """Of the original."""
    height_px: int
    format: str
    strips: list[Strip]


def draw_picture(
    data: bytes, columns: int, rows: int, *, ground: str = "#000000", colour: bool = True
) -> Picture:
    """Fit a picture into `columns` × `rows` cells, keeping its proportions. Raises PictureError.

    `ground` is the colour behind transparent parts. Takes tens of milliseconds: call it from a thread.
    """
    image, name, width, height = decode(data, (columns, rows * 2))
    flat = Image.new("RGB", image.size, ground)
    flat.paste(image, mask=image.getchannel("A"))
    strips = list(_half_blocks(flat)) if colour else list(_shades(flat))
    return Picture(width, height, name, strips)


def _half_blocks(image: Image.Image) -> Iterator[Strip]:
    """Two rows of pixels a line: the upper one in the foreground of `▀`, the lower one behind it."""
    width, height = image.size
    pixels = image.tobytes()
    for y in range(0, height, 2):
        segments: list[Segment] = []
        run, count = None, 0
        for x in range(width):
            top = (y * width + x) * 3
            bottom = top + width * 3
            lower = pixels[bottom : bottom + 3] if y + 1 < height else None
            cell = (pixels[top : top + 3], lower)
            if cell == run:
                count += 1
                continue
            if run is not None:
                segments.append(Segment("▀" * count, _cell_style(*run)))
            run, count = cell, 1
        if run is not None:
            segments.append(Segment("▀" * count, _cell_style(*run)))
        yield Strip(segments, width)


@lru_cache(maxsize=4096)
def _cell_style(upper: bytes, lower: bytes | None) -> Style:
    return Style(color=Color.from_rgb(*upper), bgcolor=None if lower is None else Color.from_rgb(*lower))


def _shades(image: Image.Image) -> Iterator[Strip]:
    """Brightness only, for terminals without colours."""
    width, height = image.size
    grey = image.convert("L").resize((width, max(1, height // 2)))
    values = grey.tobytes()
    for y in range(grey.height):
        row = values[y * width : (y + 1) * width]
        yield Strip([Segment("".join(_SHADES[value * len(_SHADES) // 256] for value in row))], width)
