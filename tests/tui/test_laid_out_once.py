"""A screen opens with one layout in the classes of its size, and is laid out again only for another size."""

from __future__ import annotations

import pytest
from rich.text import Text
from textual.app import App, ComposeResult
from textual.geometry import Size
from textual.screen import Screen
from textual.widgets import Static

from promptetheus.tui.laid_out_once import LaidOutOnce
from promptetheus.tui.line_list import LineList
from tests.tui.conftest import screen_text

LOW, HIGH = (0, "-low"), (20, "-high")


class Counting(Screen[None]):
    """Notes of each layout its size, its classes, and how high the text in it is."""

    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [LOW, HIGH]  # noqa: RUF012 (declared so by Textual)

    def __init__(self) -> None:
        super().__init__()
        self.layouts: list[tuple[Size, frozenset[str], int]] = []

    def compose(self) -> ComposeResult:
        yield Static("text")

    def _refresh_layout(self, size: Size | None = None, scroll: bool = False) -> None:
        super()._refresh_layout(size, scroll)
        found = self.classes & {LOW[1], HIGH[1]}
        self.layouts.append((self.size, frozenset(found), self.query_one(Static).size.height))


class Once(LaidOutOnce, Counting):
    pass


class Shows(App[None]):
    CSS = "Static { height: 1; } Screen.-high Static { height: 3; }"

    def __init__(self, screen: Counting) -> None:
        super().__init__()
        self.first = screen

    def get_default_screen(self) -> Counting:
        return self.first


async def layouts_of(screen: Counting, height: int) -> list[tuple[Size, frozenset[str], int]]:
    async with Shows(screen).run_test(size=(40, height)) as pilot:
        await pilot.pause(0.1)
        return [*screen.layouts]


@pytest.mark.parametrize(("height", "name", "text_height"), [(10, "-low", 1), (30, "-high", 3)])
async def test_the_first_layout_has_the_classes_of_its_size(height: int, name: str, text_height: int) -> None:
    ours, textuals = await layouts_of(Once(), height), await layouts_of(Counting(), height)
    assert {each[1:] for each in ours} == {(frozenset({name}), text_height)}
    assert ours[-1] == textuals[-1]
    assert len(ours) == 1 < len(textuals)


class Rows(LineList):
    def row_count(self) -> int:
        return 100

    def render_row(self, index: int, width: int, selected: bool) -> Text:
        return Text(f"row {index}")


class Listing(Once):
    def compose(self) -> ComposeResult:
        yield Static("text")
        rows = Rows()
        yield rows
        rows.refresh_rows()
        rows.expect_scrolling()


async def test_a_list_that_scrolls_is_laid_out_once_with_its_scroll_bar() -> None:
    screen = Listing()
    async with Shows(screen).run_test(size=(40, 20)) as pilot:
        await pilot.pause(0.1)
        assert len(screen.layouts) == 1
        rows = screen.query_one(Rows)
        assert rows.show_vertical_scrollbar and rows.vertical_scrollbar.size.height == rows.size.height
        rows.action_cursor_last()
        await pilot.pause(0.1)
        assert rows.visible_rows.stop == 100


async def test_what_changes_after_the_first_frame_is_laid_out_and_painted() -> None:
    screen = Once()
    async with Shows(screen).run_test(size=(40, 10)) as pilot:
        await pilot.pause(0.1)
        await screen.mount(Static("more"))
        screen.query_one(Static).update("other")
        await pilot.pause(0.1)
        assert [widget.region.y for widget in screen.query(Static)] == [0, 1]
        assert screen_text(pilot.app).splitlines()[:2] == ["other", "more"]


async def test_another_size_is_laid_out_with_its_classes() -> None:
    screen = Once()
    async with Shows(screen).run_test(size=(40, 10)) as pilot:
        await pilot.resize_terminal(60, 30)
        await pilot.pause(0.1)
        assert screen.layouts[-1] == (Size(60, 30), frozenset({"-high"}), 3)
        await pilot.resize_terminal(60, 10)
        await pilot.pause(0.1)
        assert screen.layouts[-1] == (Size(60, 10), frozenset({"-low"}), 1)


async def test_a_screen_that_opens_while_nothing_is_painted_is_painted_afterwards() -> None:
    painted: list[bool] = []

    class Painting(Once):
        def _compositor_refresh(self) -> None:
            if not self.app._batch_count:
                painted.append(self.size.region in self._compositor._dirty_regions)
            super()._compositor_refresh()

    screen = Painting()
    async with Shows(Counting()).run_test(size=(40, 10)) as pilot:
        with pilot.app.batch_update():
            await pilot.app.push_screen(screen)
            await pilot.pause(0.1)
            assert screen.size and not painted and not screen._laid_out_s
        await pilot.pause(0.2)
        assert any(painted)


async def test_a_screen_that_comes_back_is_painted_whole() -> None:
    painted: list[bool] = []

    class Painting(Once):
        def _compositor_refresh(self) -> None:
            if self.app.screen is self:
                painted.append(self.size.region in self._compositor._dirty_regions)
            super()._compositor_refresh()

    screen = Painting()
    async with Shows(screen).run_test(size=(40, 10)) as pilot:
        await pilot.app.push_screen(Screen[None]())
        await pilot.pause(0.1)
        painted.clear()
        pilot.app.pop_screen()
        await pilot.pause(0.2)
        assert painted
        assert any(painted)


async def test_a_screen_whose_terminal_changed_while_it_was_behind_fits_it_when_it_comes_back() -> None:
    screen = Once()
    async with Shows(screen).run_test(size=(40, 10)) as pilot:
        await pilot.app.push_screen(Screen[None]())
        await pilot.resize_terminal(60, 30)
        await pilot.pause(0.1)
        pilot.app.pop_screen()
        await pilot.pause(0.2)
        assert screen.size == Size(60, 30)
