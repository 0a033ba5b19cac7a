"""Draws the booking site as a browser would show it: a 1280×800 PNG of what `BookingSite.elements` says."""

from __future__ import annotations

import io
import threading
from collections.abc import Sequence
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from promptetheus.demo.booking_site import HEIGHT, WIDTH, Box, Element, Kind

SCALE = 2  # drawn at twice the size and reduced: Pillow draws round corners and lines without smoothing

PAPER, INK, DIM, LINE = "#f4f6f8", "#1c2733", "#6b7885", "#d3dae1"
WHITE, ACCENT, ACCENT_SOFT = "#ffffff", "#0f766e", "#d5efec"
AMBER, AMBER_INK, GREEN, OFF, OFF_INK = "#fbbf24", "#4a3203", "#16a34a", "#e8ecf0", "#a4aeb8"

_cache_lock = threading.Lock()
_pictures: dict[tuple[Element, ...], bytes] = {}


def draw(elements: Sequence[Element]) -> bytes:
    """A PNG of the page. The same elements give the same bytes, drawn once in a process."""
    key = tuple(elements)
    with _cache_lock:  # the runs share most pages, and drawing is the only heavy work of the whole demo
        if key not in _pictures:
            _pictures[key] = _png(key)
        return _pictures[key]


def _png(elements: Sequence[Element]) -> bytes:
    canvas = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), PAPER)
    brush = _Brush(ImageDraw.Draw(canvas))
    for element in elements:
        brush.element(element)
    out = io.BytesIO()
    canvas.reduce(SCALE).save(out, "PNG", compress_level=6)
    return out.getvalue()


@lru_cache(maxsize=32)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * SCALE)


class _Brush:
    """Draws single elements; all measures are page pixels."""

    def __init__(self, pen: ImageDraw.ImageDraw) -> None:
        self.pen = pen

    def element(self, element: Element) -> None:
        box, text = element.box, element.text
        match element.kind:
            case Kind.BRAND:
                self.plate(box, INK, radius=0)
                self.plate(Box(64, 22, 28, 28), ACCENT, radius=14)
                self.text(Box(108, box.y, 400, box.height), text, 24, WHITE, bold=True)
            case Kind.NAV:
                self.text(box, text, 16, OFF)
            case Kind.STAGE:
                self.plate(box, ACCENT if element.on else OFF, radius=18)
                self.text(box, text, 16, WHITE if element.on else DIM, centred=True, bold=element.on)
            case Kind.BANNER:
                self.plate(box, AMBER, radius=8)
                self.text(Box(box.x + 60, box.y, box.width, box.height), text, 18, AMBER_INK, bold=True)
                self.sign(Box(box.x + 18, box.y + 12, 30, 28))
            case Kind.HEADING:
                self.text(box, text, 34, INK, bold=True)
            case Kind.TEXT:
                self.text(box, text, 20, INK)
            case Kind.LABEL:
                self.text(box, text, 15, DIM)
            case Kind.FIELD:
                self.plate(box, WHITE, edge=ACCENT if element.on else LINE, radius=8, width=2)
                self.text(Box(box.x + 16, box.y, box.width, box.height), text, 19, INK)
            case Kind.BUTTON:
                self.plate(box, OFF if element.off else ACCENT, radius=8)
                self.text(box, text, 19, OFF_INK if element.off else WHITE, centred=True, bold=True)
            case Kind.CHIP:
                self.plate(box, ACCENT_SOFT if element.on else WHITE, edge=ACCENT, radius=18, width=2)
                self.text(box, text, 16, ACCENT, centred=True)
            case Kind.CARD:
                self.plate(Box(box.x + 3, box.y + 5, box.width, box.height), LINE, radius=14)
                self.plate(box, WHITE, edge=LINE, radius=14)
            case Kind.DAY:
                self.plate(box, INK, radius=8)
                self.text(box, text, 19, WHITE, centred=True, bold=True)
            case Kind.SLOT:
                fill = ACCENT if element.on else OFF if element.off else WHITE
                self.plate(box, fill, edge=LINE if element.off else ACCENT, radius=8, width=2)
                ink = WHITE if element.on else OFF_INK if element.off else ACCENT
                self.text(box, text, 19, ink, centred=True, bold=element.on)
            case Kind.TICK:
                self.tick(box)

    def plate(self, box: Box, fill: str, *, edge: str | None = None, radius: int = 8, width: int = 1) -> None:
        self.pen.rounded_rectangle(
            _scaled(box), radius * SCALE, fill=fill, outline=edge, width=width * SCALE if edge else 0
        )

    def text(
        self, box: Box, text: str, size: int, ink: str, *, centred: bool = False, bold: bool = False
    ) -> None:
        x = box.x + box.width / 2 if centred else box.x
        self.pen.text(
            (x * SCALE, (box.y + box.height / 2) * SCALE),
            text,
            font=_font(size),
            fill=ink,
            anchor="mm" if centred else "lm",
            # The built-in font has one weight; a thin outline in the same colour reads as bold.
            stroke_width=1 if bold else 0,
            stroke_fill=ink,
        )

    def sign(self, box: Box) -> None:
        """A warning triangle with its exclamation mark."""
        left, top, right, bottom = _scaled(box)
        self.pen.polygon([((left + right) // 2, top), (right, bottom), (left, bottom)], fill=AMBER_INK)
        self.text(Box(box.x, box.y + 6, box.width, box.height - 6), "!", 18, AMBER, centred=True, bold=True)

    def tick(self, box: Box) -> None:
        self.pen.ellipse(_scaled(box), fill=GREEN)
        stroke = [(0.27, 0.52), (0.44, 0.69), (0.75, 0.34)]
        points = [((box.x + x * box.width) * SCALE, (box.y + y * box.height) * SCALE) for x, y in stroke]
        self.pen.line(points, fill=WHITE, width=12 * SCALE, joint="curve")


def _scaled(box: Box) -> tuple[int, int, int, int]:
    return (
        box.x * SCALE,
        box.y * SCALE,
        (box.x + box.width) * SCALE,
        (box.y + box.height) * SCALE,
    )
