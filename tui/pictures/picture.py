"""Pictures as lines of a screen, in whichever way the terminal can show them, with marks over what matters."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from PIL import Image, ImageDraw
from rich.color import Color
from rich.segment import ControlType, Segment
from rich.style import Style
from textual.strip import Strip

from promptetheus.cause.picture_changes import Box
from promptetheus.pictures import decode
from promptetheus.tui.pictures.kitty import MOST_ROWS, Upload, placeholders
from promptetheus.tui.pictures.picture_strip import PictureStrip
from promptetheus.tui.pictures.picture_way import HALF_BLOCKS, Canvas, PictureWay
from promptetheus.tui.pictures.sixel import sixel_lines

_SHADES = " ░▒▓█"
_MARK = (255, 138, 61)
"""Ember orange, with a dark line around it so that it is seen on any ground."""

_AROUND = (20, 22, 26)


class Marks(NamedTuple):
    """What is drawn over a picture, in its own pixels."""

    box: Box | None = None
    """Around a region."""
    point: tuple[float, float] | None = None
    """Where somebody clicked."""


NO_MARKS = Marks()


class Window(NamedTuple):
    """The part of a picture to show: how much larger than fitting, and around which point (0 to 1)."""

    zoom: float = 1.0
    x: float = 0.5
    y: float = 0.5


WHOLE = Window()


class Picture(NamedTuple):
    """A picture, scaled to cells."""

    width_px: int
    """Of the original."""
    height_px: int
    format: str
    strips: list[Strip]
    upload: Upload | None = None
    """What the terminal must have before the strips are shown."""


def draw_picture(
    data: bytes,
    columns: int,
    rows: int,
    *,
    canvas: Canvas = HALF_BLOCKS,
    ground: str = "#000000",
    marks: Marks = NO_MARKS,
    window: Window = WHOLE,
) -> Picture:
    """Fit a picture into `columns` × `rows` cells, keeping its proportions. Raises PictureError.

    `ground` is the colour behind transparent parts. Takes tens of milliseconds: call it from a thread.
    """
    if canvas.way is PictureWay.KITTY:
        rows = min(rows, MOST_ROWS)
    elif canvas.way is PictureWay.SIXEL:
        # Something has to stand behind the graphics: a line that is cut right there loses them.
        columns = max(1, columns - 1)
    cell_width, cell_height = canvas.cell_px
    room = (columns * cell_width, rows * cell_height)
    found = decode(data, room if window.zoom <= 1.0 else None)
    image = found.image if window.zoom <= 1.0 else found.image.crop(_part(found.image.size, room, window))
    left, top, scale = 0.0, 0.0, found.image.width / found.width_px
    if window.zoom > 1.0:
        left, top, right, _ = _part(found.image.size, room, window)
        scale = min(room[0] / (right - left), room[1] / image.height)
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    flat = Image.new("RGB", image.size, ground)
    flat.paste(image, mask=image.getchannel("A"))
    _draw_marks(flat, marks, left, top, scale, canvas)
    strips, upload = _strips(flat, data, canvas, marks, window)
    return Picture(found.width_px, found.height_px, found.format, strips, upload)


def _part(size: tuple[int, int], room: tuple[int, int], window: Window) -> tuple[int, int, int, int]:
    """The pixels that fill the room at a zoom: at least one, and none outside the picture."""
    width, height = size
    fit = min(room[0] / width, room[1] / height, 1.0) * window.zoom
    part_width, part_height = (
        min(full, max(1, round(space / fit))) for full, space in zip(size, room, strict=True)
    )
    left = min(max(0, round(window.x * width - part_width / 2)), width - part_width)
    top = min(max(0, round(window.y * height - part_height / 2)), height - part_height)
    return left, top, left + part_width, top + part_height


def _draw_marks(
    image: Image.Image, marks: Marks, left: float, top: float, scale: float, canvas: Canvas
) -> None:
    draw = ImageDraw.Draw(image)
    thin = max(1, canvas.cell_px[0] // 4)
    if marks.box is not None:
        box = [(marks.box.left - left) * scale, (marks.box.top - top) * scale]
        box += [(marks.box.right - left) * scale, (marks.box.bottom - top) * scale]
        x0, y0, x1, y1 = (round(side) for side in box)
        if x1 >= 0 and y1 >= 0 and x0 < image.width and y0 < image.height:
            # Around the region and not on its edge; a pixel of a half block is large.
            outer = (
                max(0, x0 - thin),
                max(0, y0 - thin),
                min(image.width - 1, x1),
                min(image.height - 1, y1),
            )
            if outer[2] > outer[0] and outer[3] > outer[1]:
                draw.rectangle(outer, outline=_MARK, width=thin)
    if marks.point is not None:
        x, y = (marks.point[0] - left) * scale, (marks.point[1] - top) * scale
        # To be found at a glance, where pixels are fine, too.
        reach = max(2.0 * thin, 1.5 * canvas.cell_px[0])
        if -reach <= x <= image.width + reach and -reach <= y <= image.height + reach:
            for ring, colour in ((reach + thin, _AROUND), (reach, _MARK)):
                draw.ellipse((x - ring, y - ring, x + ring, y + ring), outline=colour, width=thin)


def _strips(
    image: Image.Image, data: bytes, canvas: Canvas, marks: Marks, window: Window
) -> tuple[list[Strip], Upload | None]:
    match canvas.way:
        case PictureWay.SHADES:
            return list(_shades(image)), None
        case PictureWay.SIXEL:
            return list(_sixels(image, canvas)), None
        case PictureWay.KITTY:
            upload = _upload(image, data, canvas, marks, window)
            return [PictureStrip([line], upload.columns) for line in placeholders(upload)], upload
        case _:
            return list(_half_blocks(image)), None


def _upload(image: Image.Image, data: bytes, canvas: Canvas, marks: Marks, window: Window) -> Upload:
    columns, rows = _cells(image, canvas)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    # The same picture at the same size has the same name, so the terminal gets it once.
    named = zlib.crc32(repr((zlib.crc32(data), len(data), columns, rows, marks, window)).encode())
    return Upload(named % 0xFFFFFF + 1, buffer.getvalue(), columns, rows)


def _cells(image: Image.Image, canvas: Canvas) -> tuple[int, int]:
    width, height = canvas.cell_px
    return max(1, -(-image.width // width)), max(1, -(-image.height // height))


def _sixels(image: Image.Image, canvas: Canvas) -> Iterator[Strip]:
    columns, rows = _cells(image, canvas)
    coarse = image.resize((columns, rows * 2), Image.Resampling.BOX)
    for sequence, blocks in zip(sixel_lines(image, canvas.cell_px[1]), _half_blocks(coarse), strict=True):
        # Blank cells first, then the picture over them: back to where they began, draw, and forward again.
        drawn = f"\x1b[{columns}D\x1b7{sequence}\x1b8\x1b[{columns}C"
        graphics = Segment(drawn, Style.null(), [(ControlType.CURSOR_FORWARD, 0)])
        yield PictureStrip([Segment(" " * columns), graphics], columns, instead=blocks)


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
