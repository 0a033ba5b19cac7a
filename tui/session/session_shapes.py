"""The shapes of a session: which one is shown, which one it begins in, and how much time the waterfall shows."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from promptetheus.tui.keymap import with_keys
from promptetheus.tui.session.session_header import SessionHeader
from promptetheus.tui.session.session_playing import PlayingScreen
from promptetheus.tui.session.shape import Shape


class ShapedScreen(PlayingScreen):
    """The keys that show the session in another way."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("z", "zoom(1)", "zoom in", show=False, id="session.zoom_in", tooltip="Waterfall: less time"),
        Binding(
            "Z", "zoom(-1)", "zoom out", show=False, id="session.zoom_out", tooltip="Waterfall: more time"
        ),
    ]
    _next_shape: Shape | None = None  # What is about to be shown: keys come faster than a tree is built.
    _first_shape: Shape | None = None  # What to begin in, once enough is read.

    def begin_in(self, shape: Shape) -> None:
        """Begin in a shape, as soon as enough is read to draw it."""
        self._first_shape = shape
        self.show_first_shape(self.loaded)

    def show_first_shape(self, all_read: bool) -> None:
        """Begin as was asked for, if that can be done by now; in steps, where it cannot be done at all.

        Args:
            all_read: Whether the whole file has been read.
        """
        shape, steps = self._first_shape, self.timeline.steps
        can_be = {Shape.WATERFALL: self.timeline.has_times, Shape.TREE: all_read}
        if shape is not None and steps.count and (all_read or can_be.get(shape, True)):
            self._first_shape = None
            if shape is not self.timeline.shape and can_be.get(shape, True):
                self._show_shape(shape)

    def action_next_shape(self) -> None:
        """Steps, tree, waterfall, raw, and around."""
        shapes = list(Shape)
        self._next_shape = shapes[(shapes.index(self._next_shape or self.timeline.shape) + 1) % len(shapes)]
        self._first_shape = None
        self._show_shape(self._next_shape)

    @on(SessionHeader.ShapeWanted)
    def _shape_wanted(self, event: SessionHeader.ShapeWanted) -> None:
        self._first_shape = None
        self._show_shape(event.shape)

    @work(group="shape", exclusive=True, exit_on_error=False)
    async def _show_shape(self, shape: Shape) -> None:
        if shape is Shape.WATERFALL and not self.timeline.has_times:
            why = "all steps have one time" if self.timeline.steps.timed else "this session has no times"
            self.say(f"There is no waterfall: {why}.", news=True)
            if self.timeline.shape is not Shape.TREE:
                self._next_shape = None
                return
            shape = Shape.RAW
        if shape is Shape.TREE and self.timeline.tree_is_far:
            self.say("Building the tree …", news=True)
            await asyncio.to_thread(self.timeline.prepare_tree)
        self.timeline.show_shape(shape)
        self._next_shape = None

    def action_zoom(self, levels: int) -> None:
        """Show less time around the highlighted step, or more."""
        if self.timeline.shape is not Shape.WATERFALL:
            self.say(with_keys("Only the waterfall zooms: <session.shape:v> changes the shape."))
        elif not self.timeline.zoom_by(levels):
            self.say("All of the time is on screen: z zooms in." if levels < 0 else "No closer than this.")
