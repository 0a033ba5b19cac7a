"""Opens a screen with one layout and one frame. Textual takes three of each and shows them: it lays out, then for the
size that it has just laid out for, then for the classes that go with that size."""

from __future__ import annotations

from textual import events, messages
from textual._time import get_time
from textual.geometry import Size
from textual.screen import Screen


class LaidOutOnce(Screen[None]):
    """Mix-in for screens."""

    _laid_out_s = 0.0
    """When it was laid out first, by Textual's clock."""

    async def _compose(self) -> None:
        """What is made gets the styles that go with the size of the terminal."""
        size = self.app.size
        across = self.HORIZONTAL_BREAKPOINTS or self.app.HORIZONTAL_BREAKPOINTS or []
        down = self.VERTICAL_BREAKPOINTS or self.app.VERTICAL_BREAKPOINTS or []
        wanted = self._get_breakpoint_classes(size.width, across)
        wanted |= self._get_breakpoint_classes(size.height, down)
        self.update_classes({name: name in wanted for _, name in [*across, *down]}, animate=False)
        await super()._compose()

    def _screen_resized(self, size: Size) -> None:
        """Lay out for another size; Textual says it also of the one that is laid out."""
        if size != self._size:
            super()._screen_resized(size)

    def _on_screen_resume(self, event: events.ScreenResume) -> None:
        """Lay out and paint, the first time once, in the styles that were found a moment ago."""
        event.prevent_default()  # Else Textual calls the one that is overridden as well.
        is_new = not self._size
        if is_new:
            event.refresh_styles = False
        super()._on_screen_resume(event)
        # In a batch, Textual drops the frame: then it is left alone.
        if is_new and self._size and self.app.screen is self and not self.app._batch_count:
            self._laid_out_s = get_time()
            # What asks for more was asked to when it was made, or given its size, and has been painted in it.
            for widget in (self, *self._compositor.full_map):
                widget._layout_required = widget._repaint_required = False
                widget._dirty_regions.clear()
                widget._repaint_regions.clear()

    async def _on_layout(self, message: messages.Layout) -> None:
        """Leave out what was asked for before."""
        if message.time < self._laid_out_s:
            message.stop()
            message.prevent_default()
