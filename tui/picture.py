"""Pictures in half blocks: two pixels a cell, in any terminal with colours, and shades of grey without them.

The bytes come from a spool and are hostile: four formats only, no bombs, first frame only.
"""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from PIL import Image
from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
"""What may be decoded, by content and not by name."""

MAX_PIXELS = 40_000_000
"""A full-page screenshot of 1280×30000 passes; what a bomb inflates to does not."""

MAX_FILE_BYTES = 64 << 20

_SHADES = " ░▒▓█"
_WARNINGS_LOCK = threading.Lock()
"""`warnings.catch_warnings` changes state of the whole process: one decoder at a time."""


class PictureError(Exception):
    """Why a picture is not shown, as a person reads it."""


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
    if not data:
        raise PictureError("the file is empty")
    try:
        image, name, size = _decode(data, columns, rows * 2)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(f"more than {MAX_PIXELS // 1_000_000} million pixels") from None
    except PictureError:
        raise
    except Exception as error:
        # A decoder fed with hostile bytes may raise anything.
        raise PictureError(f"not a picture that can be read ({type(error).__name__})") from None
    flat = Image.new("RGB", image.size, ground)
    flat.paste(image, mask=image.getchannel("A"))
    strips = list(_half_blocks(flat)) if colour else list(_shades(flat))
    return Picture(*size, name, strips)


def _decode(data: bytes, columns: int, lines: int) -> tuple[Image.Image, str, tuple[int, int]]:
    with _WARNINGS_LOCK, warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    with image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise PictureError(f"{width}×{height}: more than {MAX_PIXELS // 1_000_000} million pixels")
        if not width or not height:
            raise PictureError("the picture has no pixels")
        scale = min(columns / width, lines / height, 1.0)
        target = (max(1, round(width * scale)), max(1, round(height * scale)))
        image.draft("RGB", target)  # JPEG: decode no larger than needed
        small = image.convert("RGBA").resize(target, Image.Resampling.LANCZOS, reducing_gap=2.0)
        return small, image.format or "", (width, height)


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
