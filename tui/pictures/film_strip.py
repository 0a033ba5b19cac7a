"""Small pictures side by side, of which one is chosen."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.segment import Segment
from textual import events, work
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from promptetheus.display import printable_line
from promptetheus.pictures import PictureError
from promptetheus.tui.fit import cut
from promptetheus.tui.guard import Guarded
from promptetheus.tui.offsets import offset_text
from promptetheus.tui.pictures.film import FilmFrame
from promptetheus.tui.pictures.kitty import Upload
from promptetheus.tui.pictures.picture_block import drawn
from promptetheus.tui.pictures.picture_way import HALF_BLOCKS, SHADES, Canvas, PictureWay, canvas_of
from promptetheus.tui.pictures.send_picture import send_picture
from promptetheus.tui.pictures.stored_picture import Shown
from promptetheus.tui.theme import looks_of

THUMB_CELLS = 18
THUMB_ROWS = 6
GAP = 2
_MOST_PITCH = 32
"""Cells from one picture to the next, at most: where all of them fit, what is said under each has the room."""


@dataclass(frozen=True, slots=True)
class Thumb:
    """A small picture that is drawn, or why it is not."""

    strips: Sequence[Strip]
    upload: Upload | None = None
    """What the terminal has to have for it."""
    problem: str = ""


class FilmStrip(Guarded, Widget, can_focus=False):
    """Draws the thumbnails that are on screen, in a thread, and keeps them."""

    ALLOW_SELECT = False
    DEFAULT_CSS = f"""
    FilmStrip {{ height: {THUMB_ROWS + 1}; padding: 0 1; }}
    """

    class Chosen(Message):
        """A frame was clicked."""

        def __init__(self, place: int, *, twice: bool) -> None:
            super().__init__()
            self.place = place
            self.twice = twice

    def __init__(self) -> None:
        super().__init__()
        self.film: Sequence[FilmFrame] = ()
        self.chosen = 0
        self._first = 0
        """The leftmost frame on screen."""
        self._thumbs: dict[tuple[Shown, Canvas], Thumb] = {}
        self._canvas = HALF_BLOCKS
        self._wanted = asyncio.Event()

    def on_mount(self) -> None:
        """Begin to wait for frames."""
        self._draw()

    def show(self, film: Sequence[FilmFrame], chosen: int) -> None:
        """Show frames, one of them chosen and on screen."""
        self.film, self.chosen = film, chosen
        room = self._room
        if chosen < self._first:
            self._first = chosen
        elif chosen >= self._first + room:
            self._first = chosen - room + 1
        self._first = max(0, min(self._first, len(film) - room))
        self._wanted.set()
        self.refresh()

    def on_resize(self) -> None:
        """Keep the chosen frame on screen."""
        self.show(self.film, self.chosen)

    def draw_again(self) -> None:
        """Draw once more where pictures are drawn in another way now."""
        if self._canvas != self._small_canvas():
            self._wanted.set()

    @property
    def _room(self) -> int:
        return max(1, (self.size.width + GAP) // (THUMB_CELLS + GAP))

    @property
    def _pitch(self) -> int:
        """Cells from the beginning of one picture to that of the next."""
        least = THUMB_CELLS + GAP
        longest = max((cell_len(_said(frame)) for frame in self.film[: self._room]), default=0)
        spread = (self.size.width + GAP) // max(1, len(self.film))
        return max(least, min(_MOST_PITCH, spread, longest + 1 + GAP))

    @property
    def in_sight(self) -> Sequence[FilmFrame]:
        """The frames on screen."""
        return self.film[self._first : self._first + self._room]

    @work(group="thumbs", exclusive=True, exit_on_error=False)
    async def _draw(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            canvas = self._canvas = self._small_canvas()
            for frame in list(self.in_sight):
                if self._wanted.is_set():
                    break  # Somebody went on: what is on screen now comes first.
                if frame.shown is None:
                    continue
                thumb = self._thumbs.get((frame.shown, canvas))
                if thumb is None:
                    thumb = await asyncio.to_thread(_thumb, frame.shown, canvas)
                    self._thumbs[frame.shown, canvas] = thumb
                if thumb.upload is not None:
                    send_picture(self.app, thumb.upload)
                self.refresh()

    def _small_canvas(self) -> Canvas:
        """Sixel would be sent again with every line of all of them: half blocks do for a hint."""
        if looks_of(self.app).failed.color is None:
            return SHADES
        canvas = canvas_of(self.app)
        return canvas if canvas.way is PictureWay.KITTY else HALF_BLOCKS

    def render_line(self, y: int) -> Strip:
        """A line of the pictures, or the line of what is said under them."""
        base, looks, width = self.rich_style, looks_of(self.app), self.size.width
        cells = self._pitch - GAP
        segments: list[Segment] = []
        for place, frame in enumerate(self.in_sight, self._first):
            if place > self._first:
                segments.append(Segment(" " * GAP, base))
            if y < THUMB_ROWS:
                segments += [*self._thumb_line(frame, y), Segment(" " * (cells - THUMB_CELLS), base)]
                continue
            style = looks.failed if frame.failed else looks.muted
            marker = "▌" if place == self.chosen else " "
            text = cut(_said(frame), cells - 1)
            style = looks.text + looks.cursor if place == self.chosen else style
            segments.append(
                Segment(marker, looks.accent + (looks.cursor if place == self.chosen else looks.text))
            )
            segments.append(Segment(text + " " * (cells - 1 - cell_len(text)), style))
        return Strip(segments).adjust_cell_length(width, base).apply_style(base)

    def _thumb_line(self, frame: FilmFrame, y: int) -> list[Segment]:
        looks = looks_of(self.app)
        blank = [Segment(" " * THUMB_CELLS, looks.text)]
        thumb = None if frame.shown is None else self._thumbs.get((frame.shown, self._canvas))
        if frame.shown is None or (thumb is not None and thumb.problem):
            said = cut(thumb.problem if thumb is not None else "not kept", THUMB_CELLS)
            return [Segment(said.ljust(THUMB_CELLS), looks.faint)] if y == THUMB_ROWS // 2 else blank
        if thumb is None:
            return [Segment("·".center(THUMB_CELLS), looks.faint)] if y == THUMB_ROWS // 2 else blank
        row = y - (THUMB_ROWS - len(thumb.strips))
        if not 0 <= row < len(thumb.strips):
            return blank
        strip = thumb.strips[row]
        left = (THUMB_CELLS - strip.cell_length) // 2
        right = THUMB_CELLS - strip.cell_length - left
        return [Segment(" " * left, looks.text), *strip, Segment(" " * right, looks.text)]

    def on_click(self, event: events.Click) -> None:
        """A click chooses, a double click goes there."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        place = self._first + offset.x // self._pitch
        if place < len(self.film):
            event.stop()
            self.post_message(self.Chosen(place, twice=event.chain == 2))


def _said(frame: FilmFrame) -> str:
    """What stands under a picture: when it was taken, and after what."""
    when = "" if frame.at_ms is None else f"{offset_text(frame.at_ms)} "
    return f"{when}{printable_line(frame.what, 60)}"


def _thumb(shown: Shown, canvas: Canvas) -> Thumb:
    try:
        picture = drawn(shown.spool, shown.path, THUMB_CELLS, THUMB_ROWS, canvas, member=shown.member)
    except PictureError as error:
        return Thumb((), problem=printable_line(str(error), 60))
    return Thumb(picture.strips, picture.upload)
