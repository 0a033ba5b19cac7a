"""A picture with room to itself: zoom, pan, before and after, where somebody clicked."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from promptetheus.cause.picture_changes import PictureChange
from promptetheus.display import printable_line
from promptetheus.pictures import PictureError
from promptetheus.tui.guard import Guarded
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.pictures.graphics_in_sight import GraphicsInSight
from promptetheus.tui.pictures.picture import Marks, Picture, Window
from promptetheus.tui.pictures.picture_block import change_between, drawn, marks_on
from promptetheus.tui.pictures.picture_strip import PictureStrip, sparing_graphics
from promptetheus.tui.pictures.picture_way import (
    SHADES,
    Canvas,
    ChoosesWay,
    PictureWay,
    canvas_of,
    terminal_cell_px,
    way_after,
)
from promptetheus.tui.pictures.send_picture import send_picture
from promptetheus.tui.pictures.stored_picture import Shown
from promptetheus.tui.theme import looks_of

ZOOM_STEP = 1.5
MOST_ZOOM = 16.0
PAN_STEP = 0.25
"""Of what is on screen."""


class PictureView(Guarded, Widget, can_focus=True):
    """Draws one picture in a thread, as large as there is room."""

    BINDING_GROUP_TITLE = "Picture"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("z,plus,equals_sign", "zoom(1)", "zoom in", id="picture.zoom_in", tooltip="Zoom in"),
        Binding("Z", "zoom(-1)", "zoom out", show=False, id="picture.zoom_out", tooltip="Zoom out"),
        Binding("0", "fit", "fit", show=False, id="picture.fit", tooltip="The whole picture again"),
        Binding(
            "b", "flip", "before/after", id="picture.flip",
            tooltip="The screenshot before, and back; what changed is boxed",
        ),
        Binding("c", "marks", "marks", show=False, id="picture.marks", tooltip="Show or hide click and box"),
        Binding(
            "w", "way", "drawn as", id="picture.way",
            tooltip="Draw pictures in another way: half blocks, kitty, sixel, shades",
        ),
        Binding("H,shift+left", "pan(-1,0)", "pan left", show=False, id="picture.left"),
        Binding("L,shift+right", "pan(1,0)", "pan right", show=False, id="picture.right"),
        Binding("K,shift+up", "pan(0,-1)", "pan up", show=False, id="picture.up"),
        Binding("J,shift+down", "pan(0,1)", "pan down", show=False, id="picture.down"),
    ]  # fmt: skip

    class Drawn(Message):
        """What is on screen changed: a caption has to follow."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.shown: Shown | None = None
        self.picture: Picture | None = None
        self.change: PictureChange | None = None
        """How the one before differs; None where there is none, or nobody asked."""
        self.window = Window()
        self.flipped = False
        """Whether the picture before is on screen."""
        self.says_way = False
        """Whether the line above says how to go on to the next way of drawing."""
        self.with_marks = True
        self._asked = False
        """Whether the difference was asked for."""
        self._problem = ""
        self._wanted = asyncio.Event()
        self._busy = False
        self._sight = GraphicsInSight(self, self.refresh)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Those of every widget, none of which must take graphics for text."""
        return sparing_graphics(super().get_line_filters())

    def on_mount(self) -> None:
        """Begin to wait for pictures."""
        self._draw()
        self._sight.begin()

    def show(self, shown: Shown, *, before: bool = False) -> None:
        """Turn to another picture, at the same zoom; to the one before it, with what changed, when that is wanted."""
        if shown != self.shown:
            self.shown, self.flipped, self.change = shown, before, None
            self._asked = self._asked or before
            self.draw_again()

    def draw_again(self) -> None:
        """Draw once more: something about it is different."""
        self._wanted.set()

    def screen_changed(self) -> None:
        """Something lies over the screen, or no longer does."""
        self.refresh()

    def on_resize(self) -> None:
        """Fit into the new room."""
        self.draw_again()

    @property
    def is_settled(self) -> bool:
        """Whether the screen shows what was last asked for."""
        return not self._wanted.is_set() and not self._busy

    @work(group="picture", exclusive=True, exit_on_error=False)
    async def _draw(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if self.shown is None or not self.size.width or not self.size.height:
                continue
            self._busy = True
            try:
                self.picture, self.change = await asyncio.to_thread(
                    _make, self.shown, self._state(), self.size.width, self.size.height
                )
                self._problem = ""
            except PictureError as error:
                self.picture, self._problem = None, str(error)
            self._busy = False
            if self.picture is not None and self.picture.upload is not None:
                send_picture(self.app, self.picture.upload)
            self.refresh()
            self.post_message(self.Drawn())

    def _state(self) -> _State:
        colours = looks_of(self.app).failed.color is not None
        canvas = canvas_of(self.app) if colours else SHADES
        return _State(canvas, self.window, self.flipped, self.with_marks, self._asked)

    def render_line(self, y: int) -> Strip:
        """A line of the picture, in the middle of the room."""
        width, base = self.size.width, self.rich_style
        looks = looks_of(self.app)
        if self._problem and y == self.size.height // 2:
            text = Text(f"no picture: {printable_line(self._problem, 300)}", looks.failed)
            text.truncate(width, overflow="ellipsis")
            return Strip(text.render(self.app.console)).adjust_cell_length(width, base).apply_style(base)
        strips = self.picture.strips if self.picture is not None else []
        row = y - max(0, (self.size.height - len(strips)) // 2)
        if not 0 <= row < len(strips):
            return Strip.blank(width, base)
        strip = strips[row]
        left = max(0, (width - strip.cell_length) // 2)
        if isinstance(strip, PictureStrip) and not self._sight.allows(y, left, strip.cell_length):
            strip = strip.as_text
        return Strip([*Strip.blank(left, base), *strip]).adjust_cell_length(width, base)

    # Keys

    def action_zoom(self, direction: int) -> None:
        """Closer, or farther away, around the middle of what is on screen."""
        zoom = max(1.0, min(MOST_ZOOM, self.window.zoom * ZOOM_STEP**direction))
        if zoom == self.window.zoom == MOST_ZOOM:
            self.app.notify("This is as close as it gets.", timeout=2)
            return
        self._look(Window() if zoom < ZOOM_STEP**0.5 else self.window._replace(zoom=zoom))

    def action_fit(self) -> None:
        """The whole picture."""
        self._look(Window())

    def action_pan(self, x: int, y: int) -> None:
        """Look at another part."""
        if self.window.zoom == 1.0:
            self._say_whole()
            return
        step = PAN_STEP / self.window.zoom
        self._look(
            self.window._replace(
                x=max(0.0, min(1.0, self.window.x + x * step)), y=max(0.0, min(1.0, self.window.y + y * step))
            )
        )

    def _look(self, window: Window) -> None:
        if window != self.window:
            self.window = window
            self.draw_again()
        elif window.zoom == 1.0:
            self._say_whole()
        else:
            self.app.notify("The picture ends here.", timeout=2)

    def _say_whole(self) -> None:
        said = with_keys("All of the picture is on screen: <picture.zoom_in:z> zooms in.", self.app)
        self.app.notify(said, timeout=2)

    def action_flip(self) -> None:
        """The picture before, and back."""
        if self.shown is None or not self.shown.before:
            self.app.notify("There is no screenshot before this one.", timeout=2)
            return
        self.flipped = not self.flipped
        self._asked = True
        self.draw_again()

    def action_way(self) -> None:
        """Draw in the next way: what a terminal can is guessed, and a person sees it."""
        if isinstance(self.app, ChoosesWay):
            way = way_after(canvas_of(self.app).way, terminal_cell_px())
            self.app.choose_way(way)
            if way is PictureWay.SIXEL:  # a message would lie over the very picture it is about
                self.says_way = True
                return
            self.app.notify(
                with_keys(f"Pictures in {way.value}. <picture.way:w> goes on to the next way."), timeout=3
            )

    def action_marks(self) -> None:
        """Show or hide what is drawn over the picture."""
        self.with_marks = not self.with_marks
        self.app.notify(f"Clicks and changes are {'marked' if self.with_marks else 'not marked'}.", timeout=2)
        self.draw_again()


@dataclass(frozen=True, slots=True)
class _State:
    """What a drawing depends on beside the picture."""

    canvas: Canvas
    window: Window
    flipped: bool
    with_marks: bool
    asked: bool


def _make(shown: Shown, state: _State, columns: int, rows: int) -> tuple[Picture, PictureChange | None]:
    change = None
    if shown.before and (state.asked or shown.point is not None):
        change = change_between(shown.spool, shown.before, shown.path)
    marks = Marks()
    if state.with_marks:
        marks = marks_on(shown, change, asked=state.asked, before=state.flipped)
    which = replace(shown, path=shown.before) if state.flipped else shown
    picture = drawn(
        which.spool, which.path, columns, rows, state.canvas, marks, state.window, member=which.member
    )
    return picture, change
