"""The list that every view is made of: cursor, mouse, paging, following, and drawing only what is on screen."""

from __future__ import annotations

from functools import partial

import pytest
from rich.text import Text
from textual.app import App, ComposeResult
from textual.geometry import Offset
from textual.message import Message

from promptetheus.tui.line_list import LineList
from promptetheus.tui.theme import COLOURLESS_THEME, our_themes
from tests.tui.conftest import OnScreen, on_screen


class Numbers(LineList):
    """Rows `row 0`, `row 1`, …"""

    def __init__(self, count: int) -> None:
        super().__init__(id="numbers")
        self.count = count
        self.drawn: list[int] = []
        self.broken: set[int] = set()

    def row_count(self) -> int:
        return self.count

    def render_row(self, index: int, width: int, selected: bool) -> Text:
        self.drawn.append(index)
        if index in self.broken:
            raise ValueError("[/bad] markup \x1b[31m")
        return Text(f"row {index}" + "!" * (width if index == 3 else 0))

    def render_empty(self, y: int, width: int) -> Text | None:
        return Text("nothing here") if y == 0 else None

    def grow(self, by: int) -> None:
        self.count += by
        self.refresh_rows(self.count - by)


class ListApp(App[None]):
    """One list, and the messages it sent."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.numbers = Numbers(count)
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        yield self.numbers

    def on_mount(self) -> None:
        self.numbers.refresh_rows()
        self.numbers.focus()

    def on_line_list_opened(self, event: LineList.Opened) -> None:
        self.heard.append(event)

    def on_line_list_cursor_moved(self, event: LineList.CursorMoved) -> None:
        self.heard.append(event)

    def opened(self) -> list[int]:
        return [event.index for event in self.heard if isinstance(event, LineList.Opened)]


def app_has(app: App[None], size: tuple[int, int]) -> bool:
    return app.size == size


def shown_rows(shown: OnScreen) -> list[str]:
    return [line[1:].strip(" ▁▂▃▄▅▆▇█") for line in shown.lines]


@pytest.mark.parametrize(
    ("keys", "cursor"),
    [
        (["down", "down"], 2),
        (["j", "j", "k"], 1),
        (["pagedown"], 9),
        (["pagedown", "pageup"], 0),
        (["G"], 99),
        (["end"], 99),
        (["G", "g"], 0),
        (["G", "home"], 0),
        (["up"], 0),
        (["G", "down"], 99),
    ],
)
async def test_keys_move_the_cursor_and_stop_at_the_ends(keys: list[str], cursor: int) -> None:
    app = ListApp(100)
    async with on_screen(app, (40, 10)) as shown:
        await shown.press(*keys)
        assert app.numbers.cursor == cursor
        assert any(line.startswith("▌") and f"row {cursor}" in line for line in shown.lines)


async def test_a_million_rows_draw_no_more_than_the_screen() -> None:
    app = ListApp(1_000_000)
    async with on_screen(app, (40, 10)) as shown:
        await shown.press("G")
        assert f"row {999_999}" in shown.text
        await shown.press("pageup", "g")
        assert "row 0" in shown.text
        assert len(app.numbers.drawn) < 100


async def test_scrolling_back_over_drawn_rows_draws_nothing_again() -> None:
    app = ListApp(1_000)
    async with on_screen(app, (40, 10)) as shown:
        await shown.press("pagedown", "pagedown")
        app.numbers.drawn.clear()
        await shown.press("pageup")
        assert len(app.numbers.drawn) <= 2, "only the row that the cursor left and the one it reached"


async def test_a_row_longer_than_the_list_is_cut_at_its_width() -> None:
    app = ListApp(10)
    async with on_screen(app, (40, 10)) as shown:
        assert len(shown.lines[3]) <= 40


async def test_a_row_that_cannot_be_drawn_says_so_and_the_others_are_shown() -> None:
    app = ListApp(10)
    app.numbers.broken = {2}
    async with on_screen(app, (90, 10)) as shown:
        assert "could not be drawn: ValueError: [/bad] markup ␛[31m" in shown.lines[2]
        assert "row 1" in shown.lines[1] and "row 3" in shown.lines[3]
        await shown.press("j", "j", "j")
        assert app.numbers.cursor == 3


async def test_a_row_that_forgot_the_gate_is_made_harmless() -> None:
    class Careless(Numbers):
        def render_row(self, index: int, width: int, selected: bool) -> Text:
            return Text("\x1b]0;owned\x07 \u202eexe")

    app = ListApp(3)
    app.numbers = Careless(3)
    async with on_screen(app, (60, 10)) as shown:
        assert "␛]0;owned \\u202eexe" in shown.text


async def test_an_empty_list_says_so_and_keys_do_nothing() -> None:
    app = ListApp(0)
    async with on_screen(app, (40, 10)) as shown:
        assert "nothing here" in shown.text
        await shown.press("j", "G", "enter", "pagedown")
        assert app.numbers.cursor == 0
        assert not app.opened()


async def test_enter_opens_the_row_under_the_cursor() -> None:
    app = ListApp(10)
    async with on_screen(app, (40, 10)) as shown:
        await shown.press("j", "enter")
        assert app.opened() == [1]


async def test_a_click_highlights_and_a_double_click_opens() -> None:
    app = ListApp(100)
    async with on_screen(app, (40, 10)) as shown:
        await shown.press("pagedown", "pagedown")
        top = app.numbers.visible_rows[0]
        await shown.pilot.click(Numbers, offset=Offset(5, 4))
        assert (app.numbers.cursor, app.opened()) == (top + 4, [])
        await shown.pilot.double_click(Numbers, offset=Offset(5, 2))
        assert (app.numbers.cursor, app.opened()) == (top + 2, [top + 2])


async def test_a_click_below_the_last_row_does_nothing() -> None:
    app = ListApp(3)
    async with on_screen(app, (40, 10)) as shown:
        await shown.pilot.click(Numbers, offset=Offset(5, 8))
        assert app.numbers.cursor == 0


async def test_the_wheel_scrolls_and_leaves_the_cursor_where_it_is() -> None:
    app = ListApp(100)
    async with on_screen(app, (40, 10)) as shown:
        app.numbers.scroll_to(y=50, animate=False)
        await shown.pilot.pause()
        assert "row 50" in shown.lines[0]
        assert app.numbers.cursor == 0
        await shown.press("j")
        assert "row 1" in shown.text, "a key brings the cursor back on screen"


async def test_only_the_latest_of_a_flood_of_moves_is_told() -> None:
    app = ListApp(1_000)
    async with on_screen(app, (40, 10)) as shown:
        for _ in range(500):
            app.numbers.action_cursor_down()
        await shown.until(lambda: app.heard and getattr(app.heard[-1], "index", 0) == 500)
        assert len(app.heard) < 50


async def test_following_sticks_to_the_end_while_rows_arrive() -> None:
    app = ListApp(100)
    async with on_screen(app, (40, 10)) as shown:
        app.numbers.can_follow = True
        await shown.press("G")
        assert app.numbers.following
        app.numbers.grow(7)
        await shown.pilot.pause()
        assert app.numbers.cursor == 106
        assert "row 106" in shown.lines[9]


@pytest.mark.parametrize("yields", ["k", "pageup", "g"])
async def test_following_yields_to_a_key_and_counts_what_arrives_below(yields: str) -> None:
    app = ListApp(100)
    async with on_screen(app, (40, 10)) as shown:
        app.numbers.can_follow = True
        await shown.press("G", yields)
        assert not app.numbers.following
        cursor = app.numbers.cursor
        app.numbers.grow(37)
        await shown.pilot.pause()
        assert (app.numbers.cursor, app.numbers.unseen) == (cursor, 37)
        await shown.press("end")
        assert (app.numbers.following, app.numbers.unseen, app.numbers.cursor) == (True, 0, 136)


async def test_following_yields_to_the_wheel() -> None:
    app = ListApp(100)
    async with on_screen(app, (40, 10)) as shown:
        app.numbers.can_follow = True
        await shown.press("G")
        app.numbers.scroll_relative(y=-5, animate=False)
        await shown.pilot.pause()
        assert not app.numbers.following
        app.numbers.grow(1)
        await shown.pilot.pause()
        assert "row 100" not in shown.text


async def test_unseen_rows_count_down_as_they_come_on_screen() -> None:
    app = ListApp(100)
    async with on_screen(app, (40, 10)) as shown:
        app.numbers.can_follow = True
        await shown.press("G", "k")
        app.numbers.grow(20)
        await shown.pilot.pause()
        before = app.numbers.unseen
        app.numbers.scroll_relative(y=8, animate=False)
        await shown.pilot.pause()
        assert before == 20
        assert app.numbers.unseen == 12


async def test_without_more_to_come_the_last_row_is_just_the_last_row() -> None:
    app = ListApp(100)
    async with on_screen(app, (40, 10)) as shown:
        await shown.press("G")
        assert not app.numbers.following


async def test_rows_that_go_away_take_the_cursor_to_the_last_that_is_left() -> None:
    app = ListApp(100)
    async with on_screen(app, (40, 10)) as shown:
        await shown.press("G")
        app.numbers.count = 4
        app.numbers.refresh_rows()
        await shown.pilot.pause()
        assert app.numbers.cursor == 3
        assert shown_rows(shown)[0] == "row 0"


@pytest.mark.parametrize("start", ["G", "pagedown"])
async def test_a_resize_keeps_the_cursor_on_screen(start: str) -> None:
    app = ListApp(100)
    async with on_screen(app, (40, 20)) as shown:
        await shown.press(start)
        cursor = app.numbers.cursor
        for size in ((40, 5), (20, 12), (80, 3)):
            await shown.pilot.resize_terminal(*size)
            await shown.until(partial(app_has, app, size))
            await shown.until_text(f"row {cursor}")


async def test_a_changed_row_is_drawn_again_and_no_other() -> None:
    app = ListApp(50)
    async with on_screen(app, (40, 10)) as shown:
        app.numbers.drawn.clear()
        app.numbers.refresh_row(4)
        app.numbers.refresh_row(40)
        await shown.pilot.pause()
        assert app.numbers.drawn == [4]


async def test_without_colours_the_cursor_is_still_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = ListApp(5)
    async with on_screen(app, (40, 10)) as shown:
        await shown.press("j")
        assert shown.lines[1].startswith("▌row 1")


async def test_in_sixteen_colours_the_cursor_is_one_bar_and_not_blocks_of_colour() -> None:
    class Coloured(ListApp):
        def on_mount(self) -> None:
            for theme in our_themes():
                self.register_theme(theme)
            self.theme = COLOURLESS_THEME
            self.numbers.render_row = lambda *_: Text.assemble(("! error", "red"), "  ", ("3h ago", "dim"))  # type: ignore[method-assign]
            super().on_mount()

    app = Coloured(3)
    async with on_screen(app, (40, 10)):
        styles = [segment.style for segment in app.numbers.render_line(0)]
        assert styles and all(style is not None and style.reverse and not style.dim for style in styles)
        assert {style.color.name for style in styles if style and style.color} == {"default"}
        assert any(
            segment.style and segment.style.color and segment.style.color.name == "red"
            for segment in app.numbers.render_line(1)
        )


@pytest.mark.parametrize("scrolled_to", [0, 2, 60])
async def test_rows_reach_the_screen_as_textual_would_bring_them_there(scrolled_to: int) -> None:
    app = ListApp(80)
    async with app.run_test(size=(30, 12)) as pilot:
        numbers = app.numbers
        numbers.select(scrolled_to)
        await pilot.pause()
        whole = numbers.region.reset_offset
        ours, theirs = numbers.render_lines(whole), super(LineList, numbers).render_lines(whole)
        assert [line.cell_length for line in ours] == [whole.width] * whole.height
        width = numbers.row_width
        for mine, other in zip(ours, theirs, strict=True):
            assert list(mine.crop(0, width).simplify()) == list(other.crop(0, width).simplify())
        part = numbers.render_lines(whole.shrink((1, 2, 3, 4)))
        assert [line.text for line in part] == [line.text[4:-2] for line in ours[1:-3]]
