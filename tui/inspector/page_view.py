"""A scrolling pane that shows a page: a cursor over its lines, folds that open, long values that open in full."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import work
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.message import Message
from textual.strip import Strip
from textual.worker import Worker, WorkerState

from promptetheus.exporters.markdown_export import value_text
from promptetheus.tui.inspector.page import BEFORE, NOTHING, Block, Folds, Frame, Line, Page, drawing_failure
from promptetheus.tui.inspector.value_view import ValueBlock
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.line_list import LineList
from promptetheus.tui.pictures.graphics_in_sight import GraphicsInSight
from promptetheus.tui.pictures.picture_block import PictureBlock
from promptetheus.tui.pictures.picture_strip import PictureStrip, sparing_graphics
from promptetheus.tui.pictures.picture_way import canvas_of
from promptetheus.tui.pictures.send_picture import send_picture
from promptetheus.tui.theme import Looks

PagePlan = Callable[[], Page]
"""Makes a page; called in a thread, so it may read files."""

_LAY_OUT = "lay out"


class PageView(LineList):
    """Lays pages out in a thread, one at a time, and only ever the latest that was asked for."""

    BINDING_GROUP_TITLE = "Inspector"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "fold", "fold", show=False, id="page.fold", tooltip="Fold this value"),
        Binding("right,l", "unfold", "unfold", show=False, id="page.unfold", tooltip="Unfold this value"),
    ]

    class OpenWanted(Message):
        """The person asked to see something in full."""

        def __init__(self, title: str, block: Block | None) -> None:
            super().__init__()
            self.title = title
            self.block = block
            """What to show; None where the line has no value of its own: the whole page then."""

    class StepWanted(Message):
        """The person asked to go to a step that this page speaks of."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class LeaveWanted(Message):
        """The person asked to go back to the left of this pane."""

    class Drawn(Message):
        """A page is on the screen."""

    def __init__(self, spool: Path, *, roomy: bool = False, id: str | None = None) -> None:
        super().__init__(id=id)
        self.spool = spool
        self.lines: list[Line] = []
        self._roomy = roomy
        self._folds = Folds()
        self._plan: PagePlan | None = None
        self._wanted = asyncio.Event()
        self._is_new = True
        """Whether the page to come is another one, to be read from its top."""
        self._busy = False
        """Whether a page is being laid out."""
        self._laid_out_with: Looks | None = None
        self._to_picture = False
        """Whether the page to come is shown with its picture in sight."""
        self._at_picture = False
        """Whether the page was brought to its picture, so that it stays there when the pane changes its size."""
        self._sight = GraphicsInSight(self, self.screen_changed)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Those of every widget, none of which must take graphics for text."""
        return sparing_graphics(super().get_line_filters())

    def on_mount(self) -> None:
        """Begin to wait for pages."""
        self._lay_out()
        self._sight.begin()

    def show(self, plan: PagePlan, *, keep_place: bool = False) -> None:
        """Show another page, or with `keep_place` the same one with news in it: folds and cursor stay."""
        self._plan = plan
        if not keep_place:
            self._folds = Folds()
            self._is_new = True
        self._wanted.set()

    def on_resize(self) -> None:
        """Lay out for the new width."""
        super().on_resize()
        self._to_picture |= self._at_picture and not self._is_new
        self._again()

    def notify_style_update(self) -> None:
        """Colours are part of the layout: another theme needs another one."""
        super().notify_style_update()
        if self._laid_out_with is not None and self._laid_out_with is not self.looks:
            self._again()

    def draw_again(self) -> None:
        """Lay out once more, because pictures are drawn in another way now."""
        self._again()

    def screen_changed(self) -> None:
        """Something lies over the page, or no longer does: what the terminal draws itself comes and goes with it."""
        if any(isinstance(line.content, PictureStrip) for line in self.lines):
            self.refresh_rows()

    def _again(self) -> None:
        self._wanted.set()

    @work(group=_LAY_OUT, exclusive=True, exit_on_error=False)
    async def _lay_out(self) -> None:
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            plan, folds = self._plan, self._folds
            if plan is None or self.row_width < 4:
                continue
            canvas = canvas_of(self.app)
            # A cell for the cursor's bar, and one that keeps the words from the scroll bar.
            frame = Frame(self.row_width - 2, self.size.height, self.looks, folds, self._roomy, canvas)
            self._laid_out_with = frame.looks
            self._busy = True
            lines = await asyncio.to_thread(_lines, plan, frame)
            self._busy = False
            if self._wanted.is_set() and self._plan is not plan:
                continue  # Somebody went on while this was laid out.
            for upload in [line.upload for line in lines if line.upload is not None]:
                send_picture(self.app, upload)
            before, self.lines = self.lines, lines
            if self._is_new:
                self._is_new = self._at_picture = False
                self.cursor = 0
                self.scroll_to(y=0, animate=False, force=True)
            if len(before) == len(lines):
                for index, (was, line) in enumerate(zip(before, lines, strict=True)):
                    if not _same(was.content, line.content):
                        self.refresh_row(index)
            else:
                self.refresh_rows()
            if self._to_picture:
                self._to_picture, self._at_picture = False, True
                self._scroll_to_picture()
            self.post_message(self.Drawn())

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Go on with the next page after a mistake in showing one, which is told besides."""
        if event.state is WorkerState.ERROR and event.worker.group == _LAY_OUT:
            self._busy = False
            self._lay_out()

    def look_at_picture(self) -> None:
        """Show the page to come with its picture in sight, where it does not fit above the edge."""
        self._to_picture = True

    def _scroll_to_picture(self) -> None:
        first = next((place for place, line in enumerate(self.lines) if line.begins_picture), None)
        if first is None:
            return
        end = first + 1
        while end < len(self.lines) and isinstance(self.lines[end].opens, PictureBlock):
            end += 1
        height = self.size.height
        top = min(first + 1, end - height)  # all of it, and of what is above it what there is room for
        if end - first - 1 > height:
            top = first + 1
        if top > self.scroll_offset.y:
            self.scroll_to(y=top, animate=False, force=True)

    # Lines

    def row_count(self) -> int:
        """Lines of the page."""
        return len(self.lines)

    def render_row(self, index: int, width: int, selected: bool) -> Text | Strip:
        """A line as it was laid out, of a picture only what may be seen of it."""
        content = self.lines[index].content
        if isinstance(content, PictureStrip):
            # Behind the cell of the cursor's bar.
            may_show = self._sight.allows(index - self.scroll_offset.y, 1, content.cell_length)
            return content if may_show else content.as_text
        return content

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Below a message that stays where it is, other lines of a picture come to lie."""
        super().watch_scroll_y(old_value, new_value)
        if self._sight.is_partly_covered and round(old_value) != round(new_value):
            self.screen_changed()

    @property
    def shows_cursor(self) -> bool:
        """Only with the focus: a reader's eye must not be drawn to a line that no key acts on."""
        return self.has_focus

    @property
    def is_settled(self) -> bool:
        """Whether the screen shows what was last asked for."""
        return not self._wanted.is_set() and not self._busy

    @property
    def current(self) -> Line | None:
        """The line under the cursor."""
        return self.lines[self.cursor] if self.lines else None

    # Keys

    def flip(self) -> bool:
        """Show the pictures as they were before, or as they are; False when there is none to flip."""
        if not any(line.flips for line in self.lines):
            return False
        self._folds.opened[BEFORE] = not self._folds.is_open(BEFORE, False)
        self.look_at_picture()
        self._again()
        return True

    def action_open_row(self) -> None:
        """Fold or unfold, show more, or open in full: whatever the line is there for."""
        line = self.current
        if line is None:
            return
        if line.more:
            self._folds.show_more(line.more)
            self._again()
        elif line.goes_to is not None:
            self.post_message(self.StepWanted(line.goes_to))
        elif line.fold:
            self._set_open(line, not line.is_open)
        else:
            self.open_in_full()

    def action_fold(self) -> None:
        """Fold the value of this line; where nothing folds, leave to the left."""
        line = self.current
        if line is not None and line.fold and line.is_open:
            self._set_open(line, False)
        else:
            self.post_message(self.LeaveWanted())

    def action_unfold(self) -> None:
        """Unfold the value of this line."""
        line = self.current
        if line is not None and line.fold and not line.is_open:
            self._set_open(line, True)
        elif line is not None and line.more:
            self._folds.show_more(line.more)
            self._again()
        else:
            self.app.notify(
                with_keys("Nothing unfolds on this line: <session.open:o> opens the value in full."),
                timeout=2,
            )

    def _set_open(self, line: Line, is_open: bool) -> None:
        self._folds.opened[line.fold] = is_open
        self._again()

    def open_in_full(self) -> None:
        """Open the value of this line with the screen to itself."""
        line = self.current
        if line is None or (line.value is NOTHING and line.opens is None):
            self.post_message(self.OpenWanted("", None))
        else:
            block = ValueBlock(line.value, line.title, self.spool) if line.opens is None else line.opens
            self.post_message(self.OpenWanted(line.title, block))

    def copied_text(self) -> str | None:
        """What `y` takes along: the value of this line, else the line; None on an empty one."""
        line = self.current
        if line is None:
            return None
        if line.value is not NOTHING:
            return value_text(line.value)
        return (line.content.plain if isinstance(line.content, Text) else line.content.text).strip() or None


def _same(one: Text | Strip, other: Text | Strip) -> bool:
    """Whether two lines look the same. A page that changes in one line is not drawn again as a whole."""
    if isinstance(one, Text) and isinstance(other, Text):
        return one == other and one.style == other.style
    return one is other


def _lines(plan: PagePlan, frame: Frame) -> list[Line]:
    try:
        return plan().lines(frame)
    except Exception as error:
        return [Line(drawing_failure(error, frame))]
