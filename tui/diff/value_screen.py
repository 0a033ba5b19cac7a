"""One row of a comparison with the screen to itself: values by path, words and pages in columns, pictures boxed."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from promptetheus.cause.diff_report import DiffReport
from promptetheus.display import printable_line
from promptetheus.tui.crumb_line import CrumbLine
from promptetheus.tui.diff.page import row_page, title_of
from promptetheus.tui.diff.reading import Compared
from promptetheus.tui.inspector.full_view import FullView
from promptetheus.tui.inspector.page import Block, Page
from promptetheus.tui.inspector.page_view import PageView
from promptetheus.tui.pictures.picture_block import PictureBlock


class DiffValueScreen(FullView):
    """Goes from difference to difference without going back.

    Args:
        moved: Told of each row it goes to, so that the list behind follows.
    """

    BINDING_GROUP_TITLE = "Side by side"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "n", "next_difference(True)", "next difference", id="diff_value.next", tooltip="To the next difference"
        ),
        Binding(
            "N", "next_difference(False)", "previous", show=False, id="diff_value.previous",
            tooltip="To the difference before",
        ),
        Binding(
            "o", "open_picture", "large picture", show=False, id="diff_value.picture",
            tooltip="The picture of this line with the screen to itself; <picture.flip:b> flips it",
        ),
    ]  # fmt: skip

    def __init__(self, compared: Compared, row: int, moved: Callable[[int], object]) -> None:
        super().__init__(
            _title(compared.report, row), partial(row_page, compared, row, whole=True), compared.right.spool
        )
        self._compared = compared
        self._row = row
        self._moved = moved

    @on(PageView.OpenWanted)
    def _open_value(self, event: PageView.OpenWanted) -> None:
        event.prevent_default()
        event.stop()
        if isinstance(event.block, PictureBlock):
            self._open_large(event.title, event.block)
        elif event.block is not None:
            block: Block = event.block
            self.app.push_screen(FullView(event.title, lambda: Page([block]), self._compared.right.spool))

    def action_next_difference(self, forwards: bool) -> None:
        """The row of the next difference, or of the one before."""
        found = self._compared.report.next_difference(self._row, forwards=forwards)
        if found is None:
            where = "after" if forwards else "before"
            self.app.notify(f"There is no difference {where} this one.", timeout=3)
            return
        self._row = found
        self._moved(found)
        self._view.show(partial(row_page, self._compared, found, whole=True))
        self.query_one(CrumbLine).retitle(_title(self._compared.report, found))

    def action_open_picture(self) -> None:
        """The picture of this line, large."""
        lines = [self._view.current, *self._view.lines]
        block = next(
            (each.opens for each in lines if each is not None and isinstance(each.opens, PictureBlock)), None
        )
        if isinstance(block, PictureBlock):
            self._open_large("picture", block)
        else:
            self.app.notify("There are no two pictures here to show large.", timeout=3)

    def _open_large(self, title: str, block: PictureBlock) -> None:
        from promptetheus.tui.pictures.picture_screen import PictureScreen

        self.app.push_screen(PictureScreen(title, block.shown))


def _title(report: DiffReport, row: int) -> str:
    """`tool search_calendar   difference 2 of 5`, printable."""
    place = (
        f"difference {report.differences.index(row) + 1} of {len(report.differences)}"
        if row in report.differences
        else "equal"
    )
    return printable_line(f"{printable_line(title_of(report, row), 120)}   {place}", 200)
