"""The terminal's own graphics: which terminals have them, what is sent, and that nothing else gets through."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path

import pytest
from PIL import Image
from rich.cells import cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from promptetheus.cause.picture_changes import Box
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.harmless import harmless_parts
from promptetheus.tui.pictures.film_strip import THUMB_ROWS, FilmStrip
from promptetheus.tui.pictures.kitty import (
    MOST_KEPT,
    MOST_ROWS,
    PLACEHOLDER,
    KittyPictures,
    Upload,
    placeholders,
    through_tmux,
)
from promptetheus.tui.pictures.picture import Marks, Window, draw_picture
from promptetheus.tui.pictures.picture_block import PictureBlock
from promptetheus.tui.pictures.picture_screen import PictureScreen
from promptetheus.tui.pictures.picture_strip import PictureStrip
from promptetheus.tui.pictures.picture_view import PictureView
from promptetheus.tui.pictures.picture_way import (
    HALF_BLOCKS,
    SHADES,
    Canvas,
    PictureWay,
    best_way,
    canvas_for,
    canvas_of,
    kitty_is_too_old,
    way_after,
)
from promptetheus.tui.pictures.sixel import sixel_lines
from tests.tui.session_recording import OnSession, SessionRecording, a_browser_run, on_session, png

CELL = (10, 20)
SIXEL = Canvas(PictureWay.SIXEL, CELL)
KITTY = Canvas(PictureWay.KITTY, CELL)


# Which way


@pytest.mark.parametrize(
    ("environment", "way"),
    [
        ({"TERM": "xterm-256color"}, PictureWay.HALF),
        ({"TERM": "xterm-kitty"}, PictureWay.KITTY),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, PictureWay.KITTY),
        ({"TERM": "xterm-ghostty"}, PictureWay.KITTY),
        ({"TERM": "foot"}, PictureWay.SIXEL),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, PictureWay.SIXEL),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "230805"}, PictureWay.SIXEL),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "210400"}, PictureWay.HALF),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "²"}, PictureWay.HALF),
        ({"TERM": "tmux-256color", "KITTY_WINDOW_ID": "1"}, PictureWay.HALF),
        ({"TERM": "xterm-kitty", "TMUX": "socket,1,0"}, PictureWay.HALF),
        ({"TERM": "screen", "STY": "1"}, PictureWay.HALF),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, PictureWay.SHADES),
        ({}, PictureWay.HALF),
    ],
)
def test_the_way_is_told_from_the_environment(environment: dict[str, str], way: PictureWay) -> None:
    assert best_way(environment, CELL) is way


def test_sixel_needs_the_size_of_a_cell() -> None:
    assert best_way({"TERM": "foot"}, (0, 0)) is PictureWay.HALF
    assert canvas_for(PictureWay.SIXEL, (0, 0)) == HALF_BLOCKS
    assert canvas_for(PictureWay.SIXEL, CELL) == SIXEL
    assert canvas_for(PictureWay.KITTY, (0, 0)).way is PictureWay.KITTY
    assert canvas_for(PictureWay.SHADES, CELL) == SHADES


@pytest.mark.parametrize(
    ("said", "too_old"),
    [
        ("kitty 0.26.5 created by Kovid Goyal", True),
        ("kitty 0.28.0 created by Kovid Goyal", False),
        ("kitty 0.41.1 created by Kovid Goyal", False),
        ("kitty 1.0", False),
        ("", False),
    ],
)
def test_a_kitty_that_is_too_old_for_pictures_as_text_is_told_by_its_version(
    said: str, too_old: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "kitty"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    assert kitty_is_too_old({"PATH": str(tmp_path)}) is too_old
    assert not kitty_is_too_old({"PATH": str(tmp_path), "SSH_CONNECTION": "x"}), "another machine's kitty"
    assert not kitty_is_too_old({"PATH": str(tmp_path / "nothing")})


# Kitty


def test_a_picture_is_sent_once_in_pieces_and_asks_for_no_answer() -> None:
    kitty = KittyPictures()
    upload = Upload(7, bytes(range(256)) * 40, 3, 2)
    sent = kitty.sequences(upload)
    messages = re.findall(r"\x1b_G([^;\x1b]*)(?:;([^\x1b]*))?\x1b\\", sent)
    *pieces, (place, nothing) = messages
    assert len(pieces) > 2
    assert all("q=2" in control for control, _ in messages)
    assert "i=7" in pieces[0][0]
    assert [("m=1" in control) for control, _ in pieces] == [True] * (len(pieces) - 1) + [False]
    assert base64.b64decode("".join(data for _, data in pieces)) == upload.png
    assert "a=p,U=1" in place and "i=7,c=3,r=2" in place and not nothing
    assert len(sent) == sum(len(control) + len(data) + 5 for control, data in messages) + len(pieces)
    assert kitty.sequences(upload) == ""


def test_through_tmux_each_sequence_goes_by_itself() -> None:
    sent = KittyPictures().sequences(Upload(7, bytes(5000), 3, 2))
    wrapped = re.findall(r"\x1bPtmux;((?:\x1b\x1b|[^\x1b])*)\x1b\\", through_tmux(sent))
    assert len(wrapped) == sent.count("\x1b_G") > 2
    assert "".join(wrapped).replace("\x1b\x1b", "\x1b") == sent
    assert through_tmux("") == ""


def test_the_ways_go_around_and_leave_out_what_cannot_be_had() -> None:
    way = PictureWay.HALF
    found = [way := way_after(way, CELL) for _ in range(4)]
    assert found == [PictureWay.KITTY, PictureWay.SIXEL, PictureWay.SHADES, PictureWay.HALF]
    assert way_after(PictureWay.KITTY, (0, 0)) is PictureWay.SHADES


def test_the_terminal_keeps_no_more_pictures_than_we_remember() -> None:
    kitty = KittyPictures()
    for number in range(1, MOST_KEPT + 3):
        last = kitty.sequences(Upload(number, b"x", 1, 1))
    assert "a=d,d=I,q=2,i=2" in last
    assert kitty.forget_all().count("a=d") == MOST_KEPT
    assert kitty.forget_all() == ""


@pytest.mark.parametrize("columns", [1, 129, 200])
def test_placeholders_take_a_cell_each(columns: int) -> None:
    rows = list(placeholders(Upload(0x123456, b"", columns, 3)))
    assert len(rows) == 3
    for row in rows:
        assert cell_len(row.text) == columns
        assert row.text.count(PLACEHOLDER) == columns
        assert row.style is not None and row.style.color is not None
        assert row.style.color.triplet == (0x12, 0x34, 0x56)


def test_a_picture_too_tall_for_the_protocol_is_made_smaller() -> None:
    picture = draw_picture(png(size=(20, 20_000)), 10, 1_000, canvas=KITTY)
    assert len(picture.strips) <= MOST_ROWS


def test_the_same_picture_has_the_same_name_and_another_view_of_it_another() -> None:
    data = png(size=(400, 300))
    first, again = (draw_picture(data, 20, 10, canvas=KITTY).upload for _ in range(2))
    marked = draw_picture(data, 20, 10, canvas=KITTY, marks=Marks(Box(1, 1, 50, 50))).upload
    closer = draw_picture(data, 20, 10, canvas=KITTY, window=Window(2.0)).upload
    assert first is not None and marked is not None and closer is not None
    assert first == again
    assert len({first.number, marked.number, closer.number}) == 3
    assert 0 < first.number < 1 << 24
    assert Image.open(io.BytesIO(first.png)).size == (200, 150)


# Sixel


def decoded(sequence: str) -> tuple[tuple[int, int], dict[tuple[int, int], int]]:
    """Size, and which colour each pixel got last: what a terminal would draw."""
    match = re.fullmatch(
        r'\x1bP0;1;0q"1;1;(\d+);(\d+)((?:#\d+;2;\d+;\d+;\d+)+)(.*)\x1b\\', sequence, re.DOTALL
    )
    assert match is not None
    pixels: dict[tuple[int, int], int] = {}
    for band, text in enumerate(match.group(4).split("-")):
        for one_pass in text.split("$"):
            colour, body = re.fullmatch(r"#(\d+)(.*)", one_pass).groups()  # type: ignore[union-attr]
            x = 0
            for count, character in re.findall(r"(?:!(\d+))?([?-~])", body):
                for _ in range(int(count or 1)):
                    for bit in range(6):
                        if (ord(character) - 63) >> bit & 1:
                            pixels[x, band * 6 + bit] = int(colour)
                    x += 1
            assert x == int(match.group(1))
    return (int(match.group(1)), int(match.group(2))), pixels


def test_every_pixel_of_a_line_is_drawn_once_and_none_below_it() -> None:
    image = Image.effect_noise((37, 45), 90).convert("RGB")
    lines = [decoded(sequence) for sequence in sixel_lines(image, 20)]
    assert [size for size, _ in lines] == [(37, 20), (37, 20), (37, 5)]
    for (width, height), pixels in lines:
        assert set(pixels) == {(x, y) for x in range(width) for y in range(height)}


def test_colours_come_out_as_they_went_in() -> None:
    image = Image.new("RGB", (4, 6), "#ff0000")
    image.paste("#0000ff", (2, 0, 4, 6))
    (sequence,) = sixel_lines(image, 20)
    colours = {
        int(index): tuple(map(int, rgb.split(";")))
        for index, rgb in re.findall(r"#(\d+);2;(\d+;\d+;\d+)", sequence)
    }
    _, pixels = decoded(sequence)
    assert colours[pixels[0, 0]] == (100, 0, 0)
    assert colours[pixels[3, 5]] == (0, 0, 100)


def test_a_sixel_line_is_as_wide_as_its_blanks_and_leaves_the_cursor_behind_it() -> None:
    picture = draw_picture(png(size=(100, 60)), 20, 10, canvas=SIXEL)
    assert len(picture.strips) == 3
    for strip in picture.strips:
        assert strip.cell_length == 10
        blank, graphics = strip
        assert blank.text == " " * 10 and graphics.control
        assert graphics.text.startswith("\x1b[10D\x1b7") and graphics.text.endswith("\x1b8\x1b[10C")
        assert isinstance(strip, PictureStrip)
        assert strip.as_text.text == "▀" * 10


# On screen


async def test_pictures_can_be_switched_from_the_palette_and_the_page_says_how_they_are_drawn(
    spool: Path,
) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        app = session.shown.app
        assert isinstance(app, PromptetheusApp)
        await session.press("g", "s", "s")
        assert "half blocks" in session.page
        await session.shown.press("ctrl+p")
        await session.shown.type("pictures in kitty")
        await session.shown.press("enter")
        await session.until(lambda: "kitty graphics" in session.page, what="drawn by kitty")
        assert PLACEHOLDER in session.page
        await session.until(lambda: PLACEHOLDER in session.text, what="on screen as it is")
        app.draw_pictures_in(PictureWay.SIXEL)
        await session.until_text("does not tell how large its cells are")
        await session.until(lambda: "half blocks" in session.page, what="half blocks again")


async def test_a_key_draws_picture_and_thumbnails_in_another_way(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.shown.press("f")
        await session.shown.until_text("half blocks")
        await session.shown.until_text("▀▀▀")
        assert PLACEHOLDER not in session.text
        await session.shown.press("w")
        await session.shown.until_text("kitty graphics")
        strip = session.shown.app.screen.query_one(FilmStrip)

        def thumbs() -> str:
            return "".join(part.text for line in range(THUMB_ROWS) for part in strip.render_line(line))

        await session.until(lambda: PLACEHOLDER in thumbs(), what="thumbnails by kitty")
        await session.shown.press("w", "w")
        await session.until(lambda: PLACEHOLDER not in thumbs() and "▀" in thumbs(), what="half blocks")


async def test_choosing_sixel_says_so_above_the_picture_and_puts_no_message_over_it(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promptetheus.tui.app.terminal_cell_px", lambda: SIXEL.cell_px)
    monkeypatch.setattr("promptetheus.tui.pictures.picture_view.terminal_cell_px", lambda: SIXEL.cell_px)
    async with on_session(a_browser_run(spool).path) as session:
        await session.shown.press("f")
        await session.shown.until_text("half blocks")
        await session.shown.press("w")
        await session.shown.until_text("Pictures in kitty graphics.")
        said = len([*app_of(session).said.newest_first()])
        await session.shown.press("w")
        await session.shown.until_text("sixel graphics, w for another way")
        assert len([*app_of(session).said.newest_first()]) == said


async def test_sixel_pictures_reach_the_screen_and_leave_it_when_something_is_in_front(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        app = session.shown.app
        assert isinstance(app, PromptetheusApp)
        app.canvas = SIXEL
        await session.press("g", "s", "s")
        await session.until(lambda: "sixel graphics" in session.page, what="drawn")
        await session.until(lambda: graphics(session.inspector), what="on screen")
        await session.shown.press("question_mark")
        await session.shown.until_text("Keys of this view")
        assert not graphics(session.inspector)
        await session.shown.press("escape")
        await session.until(lambda: graphics(session.inspector), what="back")


TALL, WIDE = (300, 900), (1400, 700)
"""Screenshots: as high as any pane and narrow enough to stand beside a message, and one that fills a screen."""


def a_screenshot(spool: Path, size: tuple[int, int] = TALL) -> Path:
    return SessionRecording(spool, "01SHOT").user("hi").picture(size=size).agent("there").end().path


@pytest.mark.parametrize("alone", [False, True], ids=["inspector", "a screen of its own"])
async def test_under_a_message_only_the_lines_it_lies_on_are_drawn_as_text(spool: Path, alone: bool) -> None:
    async with on_session(a_screenshot(spool, WIDE if alone else TALL), size=(100, 34)) as session:
        app = app_of(session)
        app.canvas = SIXEL
        await session.press("g", "s")
        await session.until(lambda: "sixel graphics" in session.page, what="drawn")
        if alone:
            block = next(line.opens for line in session.inspector.lines if line.opens is not None)
            assert isinstance(block, PictureBlock)
            await app.push_screen(PictureScreen("shot", block.shown))
        view = app.screen.query_one(PictureView) if alone else session.inspector
        await session.until(lambda: graphics(view), what="on screen")
        before = graphics(view)
        app.notify("over\nsome\nof\nit", timeout=60)
        await session.until(lambda: app.screen.query("Toast"), what="the message")
        toast = app.screen.query_one("Toast")
        await session.until(lambda: graphics(view) != before, what="it gives way")
        under = {y - view.content_region.y for y in toast.region.line_range}
        assert set(graphics(view)) == set(before) - under and set(before) & under
        blocks = view.render_line(max(set(before) & under)).text
        assert "▀▀▀" in blocks
        app.clear_notifications()
        await session.until(lambda: graphics(view) == before, what="back after the message")


async def test_beside_a_message_a_picture_stays_as_it_is(spool: Path) -> None:
    async with on_session(a_screenshot(spool), size=(200, 34)) as session:
        app = app_of(session)
        app.canvas = SIXEL
        await session.press("g", "s")
        await session.until(lambda: graphics(session.inspector), what="on screen")
        before = graphics(session.inspector)
        app.notify("right of it", timeout=60)
        await session.until(lambda: app.screen.query("Toast"), what="the message")
        toast = app.screen.query_one("Toast")
        await session.until(lambda: toast.region.width, what="its place")
        await session.shown.pilot.pause()
        assert {y - session.inspector.content_region.y for y in toast.region.line_range} & set(before)
        assert graphics(session.inspector) == before


async def test_when_a_page_is_scrolled_other_lines_come_to_lie_under_the_message(spool: Path) -> None:
    async with on_session(a_screenshot(spool), size=(100, 24)) as session:
        app, view = app_of(session), session.inspector
        app.canvas = SIXEL
        await session.press("g", "s")
        await session.until(lambda: graphics(view), what="on screen")
        app.notify("over\nit", timeout=60)
        before = graphics(view)
        await session.until(lambda: graphics(view) != before, what="it gives way")
        view.scroll_to(y=2, animate=False, force=True)
        toast = app.screen.query_one("Toast")
        under = {y - view.content_region.y for y in toast.region.line_range}
        await session.until(lambda: view.scroll_offset.y == 2, what="scrolled")
        await session.shown.pilot.pause()
        assert graphics(view) and not set(graphics(view)) & under


def app_of(session: OnSession) -> PromptetheusApp:
    app = session.shown.app
    assert isinstance(app, PromptetheusApp)
    return app


def graphics(view: Widget) -> list[int]:
    """The lines of a widget that send sequences of their own to the terminal."""
    lines = view.render_lines(Region(0, 0, *view.outer_size))
    return [y for y, strip in enumerate(lines) if any("\x1bP" in part.text for part in strip)]


async def test_text_from_a_spool_cannot_stand_for_a_picture(spool: Path) -> None:
    text = f"{PLACEHOLDER}\u0305\u0305 \x1b_Ga=d\x1b\\ \x1bPq#0~\x1b\\"
    run = SessionRecording(spool, "01FORGED").user(text).tool(text[:40], {"x": text}, text).end()
    async with on_session(run.path) as session:
        await session.press("j")
        assert PLACEHOLDER not in session.text
        assert "\x1b" not in session.text
        await session.press("j", "o")
        assert PLACEHOLDER not in session.text


def test_other_apps_draw_in_half_blocks() -> None:
    from textual.app import App

    assert canvas_of(App()) == HALF_BLOCKS


def test_segments_with_control_come_from_picture_strips_only() -> None:
    """The list draws whatever a subclass gives it; only a PictureStrip passes as it is."""
    forged = Strip([Segment("\x1b]0;owned\x07", None, [])])
    assert all(part.text.isprintable() for part in harmless_parts(forged))
