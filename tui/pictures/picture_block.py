"""A screenshot on a page: as large as its pane, with where somebody clicked, and what it changed from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rich.text import Text

from promptetheus.cause.picture_changes import PictureChange, picture_changes
from promptetheus.display import printable_line, size
from promptetheus.pictures import PictureError
from promptetheus.tui.inspector.page import BEFORE, Frame, Line, styled
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.pictures.picture import NO_MARKS, WHOLE, Marks, Picture, Window, draw_picture
from promptetheus.tui.pictures.picture_way import SHADES, Canvas
from promptetheus.tui.pictures.stored_picture import Shown, read_frame, read_picture
from promptetheus.tui.wrapping import wrap_styled

LEAST_ROWS = 5
"""Smaller and nothing can be made out."""

SMALL_PANE_ROWS = 20
"""In a pane of fewer rows a picture gets them all, and what stands over it makes room."""

_HEAD_ROWS = 3
"""What a step's page begins with: two lines, and an empty one."""


@dataclass(slots=True)
class PictureBlock:
    """A screenshot under a line with its measures; `b` turns it to the one before it."""

    spool: Path
    storage_path: str
    size_bytes: Any = None
    before: str = ""
    """Path of the screenshot before this one; "" for none."""
    point: tuple[float, float] | None = None
    """Where the action that led to it clicked."""
    member: str = ""
    """Its name inside the recording that `storage_path` names; "" for a picture of its own."""

    @property
    def shown(self) -> Shown:
        """The same picture, for a screen of its own."""
        return Shown(self.spool, self.storage_path, self.before, self.point, self.member)

    def lines(self, frame: Frame) -> list[Line]:
        """As large as the pane allows without scrolling, in a small pane with it."""
        looks = frame.looks
        shows_before = bool(self.before) and frame.folds.is_open(BEFORE, False)
        path = self.before if shows_before else self.storage_path
        change = None
        told: list[Text] = []
        try:
            asked = BEFORE in frame.folds.opened
            if self.before:
                change = change_between(self.spool, self.before, self.storage_path)
                told = wrap_styled(_change_text(change, shows_before, frame), frame.width)
            over = (1 if frame.height < SMALL_PANE_ROWS else _HEAD_ROWS) + max(1, len(told))
            rows = max(LEAST_ROWS, frame.height - over)
            marks = marks_on(self.shown, change, asked=asked, before=shows_before)
            picture = drawn(
                self.spool, path, frame.width, rows, canvas_for_colours(frame), marks, WHOLE, self.member
            )
        except PictureError as error:
            text = Text(f"no picture: {printable_line(str(error), 400)}", looks.failed)
            return [Line(piece, value=path, title="path") for piece in wrap_styled(text, frame.width)]
        caption = wrap_styled(self._caption(picture, frame), frame.width)
        found = [Line(piece, value=path, title="path") for piece in caption]
        found[0].upload = picture.upload
        found += [Line(piece, flips=True) for piece in told]
        found[-1].begins_picture = True
        # `o` draws it again, with the whole screen to itself.
        found += [Line(strip, value=path, title="picture", opens=self) for strip in picture.strips]
        return found

    def _caption(self, picture: Picture, frame: Frame) -> Text:
        kept = f"  {size(self.size_bytes)}" if isinstance(self.size_bytes, int) else ""
        text = styled(
            (f"{picture.width_px}×{picture.height_px}", frame.looks.strong),
            (f"  {picture.format}{kept}  {frame.canvas.way.value}", frame.looks.muted),
        )
        return text


def _change_text(change: PictureChange, shows_before: bool, frame: Frame) -> Text:
    """Which of the two is shown, and how they differ."""
    looks = frame.looks
    shown, other = ("before", "after") if shows_before else ("after", "before")
    text = styled(
        (shown, looks.warned if shows_before else looks.muted),
        (with_keys("   <session.flip:b> "), looks.accent),
        (other, looks.muted),
        (f"   {change.describe()}", looks.muted),
    )
    return text


def marks_on(shown: Shown, change: PictureChange | None, *, asked: bool, before: bool) -> Marks:
    """What to draw over a picture, or over the one before it.

    The click is marked where the page still had what was clicked; on the page that it led to, what it changed. The
    difference is boxed on both once somebody asked for it.
    """
    click_led_here = shown.point is not None and bool(shown.before)
    region = change.region if change is not None and (asked or (click_led_here and not before)) else None
    return Marks(region, shown.point if before or not shown.before else None)


def canvas_for_colours(frame: Frame) -> Canvas:
    """The way to draw, or shades in a theme without colours: brightness has to do there."""
    return frame.canvas if frame.looks.failed.color is not None else SHADES


@lru_cache(maxsize=64)
def drawn(
    spool: Path,
    path: str,
    columns: int,
    rows: int,
    canvas: Canvas,
    marks: Marks = NO_MARKS,
    window: Window = WHOLE,
    member: str = "",
) -> Picture:
    """A picture from a spool, drawn. Artifacts are named by their content, so what was drawn once stays right.

    Takes tens of milliseconds the first time: call it from a thread. Raises PictureError.
    """
    data = read_picture(spool, path) if not member else read_frame(spool, path, member)
    return draw_picture(data, columns, rows, canvas=canvas, marks=marks, window=window)


@lru_cache(maxsize=256)
def change_between(spool: Path, before: str, after: str) -> PictureChange:
    """How two pictures of a spool differ. Call it from a thread. Raises PictureError."""
    return picture_changes(read_picture(spool, before), read_picture(spool, after))
