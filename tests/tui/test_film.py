"""Screenshots: the filmstrip, one picture with the screen to itself, before and after, and recordings."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image
from rich.style import Style
from textual.geometry import Offset

from promptetheus.artifacts import store_artifact
from promptetheus.cause.picture_changes import Box, PictureChange, PictureKind
from promptetheus.pictures import PictureError
from promptetheus.queries.diffs import read_session
from promptetheus.queries.session_log import SessionLog
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.crumb_line import CrumbLine
from promptetheus.tui.inspector.full_view import FullView
from promptetheus.tui.open_outside import artifact_file, viewer
from promptetheus.tui.pictures.film import film_of, nearest_frame
from promptetheus.tui.pictures.film_strip import GAP, THUMB_CELLS, FilmStrip
from promptetheus.tui.pictures.picture import Marks, Window, draw_picture
from promptetheus.tui.pictures.picture_block import PictureBlock, marks_on
from promptetheus.tui.pictures.picture_heading import Part, fitted
from promptetheus.tui.pictures.picture_screen import FilmScreen, MomentScreen, PictureScreen
from promptetheus.tui.pictures.picture_view import MOST_ZOOM, PictureView
from promptetheus.tui.pictures.stored_picture import MOST_FRAMES, Shown, frames, read_frame
from promptetheus.tui.pictures.wrong_click import page_before_wrong_click
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from tests.tui.conftest import on_screen
from tests.tui.recorded import NOW
from tests.tui.session_recording import OnSession, SessionRecording, a_browser_run, on_session, png
from tests.tui.test_session_hostile import EVERYTHING, what_a_terminal_would_obey

ORANGE = (255, 138, 61)


def picture_with(box: tuple[int, int, int, int] | None, size: tuple[int, int] = (320, 200)) -> bytes:
    """A grey page with a blue region."""
    image = Image.new("RGB", size, "#808080")
    if box is not None:
        image.paste("#0000ff", box)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


class Browsing(SessionRecording):
    """A recording of clicks with the page after each."""

    def shot(self, data: bytes) -> Browsing:
        kept = store_artifact(self.path.parent, data, "png")
        self.add("screenshot", {"storage_path": kept.storage_path, "size_bytes": kept.size_bytes})
        return self

    def click(self, target: str, data: bytes, at: tuple[float, float] = (100, 50)) -> Browsing:
        payload = {"action": "click", "target": target, "url": "https://x.example"}
        self.add("browser_action", payload, metadata={"x": at[0], "y": at[1]})
        return self.shot(data)


def three_clicks(spool: Path) -> Browsing:
    run = Browsing(spool, "01CLICKS")
    run.user("click around")
    run.click("#one", picture_with(None))
    run.click("#two", picture_with((40, 20, 80, 60)))
    run.tool("think", {}, "hard")
    run.click("#three", picture_with((40, 20, 80, 60)))
    run.end()
    return run


@asynccontextmanager
async def film_open(session: OnSession) -> AsyncIterator[FilmScreen]:
    await session.shown.press("f")
    film = session.shown.app.screen
    assert isinstance(film, FilmScreen)
    await session.until(lambda: film.film, what="the film is read")
    await settled(session, film.view)
    yield film


async def settled(session: OnSession, view: PictureView) -> None:
    await session.until(lambda: view.is_settled and view.picture is not None, what="the picture is drawn")
    await session.shown.pilot.pause()


# The filmstrip


async def test_f_shows_all_screenshots_and_the_one_of_the_moment_large(spool: Path) -> None:
    async with on_session(three_clicks(spool).path) as session:
        await session.press("g", "s", "s")
        assert session.step == "action click"
        async with film_open(session) as film:
            assert [frame.what for frame in film.film] == ["click #one", "click #two", "click #three"]
            assert film.chosen == 1
            assert "2 of 3" in session.shown.lines[0] and "click #two" in session.shown.lines[0]
            assert session.text.count("▀▀▀▀") > 10


async def test_arrows_choose_another_and_enter_goes_to_that_moment(spool: Path) -> None:
    async with on_session(three_clicks(spool).path) as session:
        async with film_open(session) as film:
            await session.shown.press("right", "right", "right")
            assert film.chosen == 2, "there are only three"
            await session.shown.press("g", "l")
            assert film.chosen == 1
            await session.shown.press("G", "left", "left", "left")
            assert film.chosen == 0
            await session.shown.press("right", "enter")
        assert session.shown.app.screen is session.screen
        step = session.timeline.current_step
        assert step is not None and step.index == film.film[1].step


async def test_escape_leaves_the_film_where_the_cursor_was(spool: Path) -> None:
    async with on_session(three_clicks(spool).path) as session:
        async with film_open(session):
            await session.shown.press("G", "escape")
        assert session.shown.app.screen is session.screen
        assert session.step == "start"


async def test_a_click_chooses_and_a_double_click_goes_there(spool: Path) -> None:
    async with on_session(three_clicks(spool).path) as session:
        async with film_open(session) as film:
            second = Offset(1 + THUMB_CELLS + GAP + 3, 3)
            await session.shown.pilot.click(FilmStrip, offset=second)
            await session.until(lambda: film.chosen == 1)
            await session.shown.pilot.click(FilmStrip, offset=second, times=2)
            await session.until(lambda: session.shown.app.screen is session.screen)
        await session.until(lambda: session.step == "action click")


async def test_more_screenshots_than_fit_scroll_under_the_chosen_one(spool: Path) -> None:
    run = Browsing(spool, "01MANY")
    for number in range(30):
        run.click(f"#b{number}", picture_with((number, number, number + 40, number + 40)))
    async with on_session(run.end().path, (80, 24)) as session, film_open(session) as film:
        strip = film.query_one(FilmStrip)
        await session.shown.press("G")
        assert film.film[29] in strip.in_sight and len(strip.in_sight) == 4
        await session.shown.press("g")
        assert film.film[0] in strip.in_sight


async def test_what_stands_under_few_pictures_has_the_room_there_is(spool: Path) -> None:
    run = Browsing(spool, "01LONG")
    for number in range(3):
        run.click(f"#choose-dentist-{number}", picture_with((number * 20, 0, 40, 40)))
    async with on_session(run.end().path, (200, 50)) as session, film_open(session) as film:
        whole = [f"{number * 2 + 1}.00 click #choose-dentist-{number}" for number in range(3)]
        await session.until(lambda: any(all(each in line for each in whole) for line in session.shown.lines))
        third = Offset(session.shown.line_with(whole[2]).index(whole[2]), 3)
        await session.shown.press("g")
        await session.shown.pilot.click(FilmStrip, offset=third)
        await session.until(lambda: film.chosen == 2)


async def test_the_first_line_leads_back_as_in_every_view(spool: Path) -> None:
    async with on_session(three_clicks(spool).path) as session:
        async with film_open(session) as film:
            assert session.shown.lines[0].strip().startswith("sessions › 01CLICKS › film   ")
            start = session.shown.lines[0].index("01CLICKS")
            await session.shown.pilot.click(CrumbLine, offset=Offset(start, 0))
            await session.until(lambda: session.shown.app.screen is session.screen)
            assert not film.is_attached
        await session.press("o")
        await session.until(lambda: isinstance(session.shown.app.screen, FullView))
        await session.shown.until(lambda: "sessions › 01CLICKS › step " in session.shown.lines[0])
        await session.shown.pilot.click(CrumbLine, offset=Offset(3, 0))
        await session.until(lambda: isinstance(session.shown.app.screen, SessionsScreen))


async def test_without_a_screenshot_f_says_so(spool: Path) -> None:
    async with on_session(SessionRecording(spool, "01NONE").user("hi").end().path) as session:
        await session.press("f")
        assert "There is no screenshot in this session." in session.text
        await session.press("end", "b")
        assert "There is no screenshot in this session." in session.text, "no other key is said to show one"


async def test_a_screenshot_that_was_not_kept_or_is_broken_is_said_in_its_place(spool: Path) -> None:
    run = Browsing(spool, "01BROKEN")
    run.add("screenshot", {"source": "elsewhere.png"})
    run.add("screenshot", {"storage_path": "artifacts/../../etc/passwd"})
    run.shot(b"GIF89a and then nothing")
    async with on_session(run.end().path) as session:
        await session.shown.press("f")
        await session.shown.until_text("not kept")
        await session.shown.press("G")
        await session.shown.until_text("no picture: it is no PNG, JPEG, WEBP or GIF")
        await session.shown.press("b")
        assert session.shown.app.screen.is_current


async def test_a_screenshot_that_is_cut_off_says_so(spool: Path) -> None:
    run = Browsing(spool, "01CUT").shot(picture_with(None)[:-40])
    async with on_session(run.end().path) as session:
        await session.press("g", "s")
        assert "no picture: it is broken or cut off" in session.page


async def test_nothing_hostile_reaches_the_film(spool: Path) -> None:
    run = Browsing(spool, "01EVIL", agent=EVERYTHING)
    payload = {"action": EVERYTHING, "target": EVERYTHING, "url": EVERYTHING}
    run.add("browser_action", payload, metadata={"x": 1e300, "y": float("-1e300")})
    run.shot(png())
    run.add("browser_action", payload, metadata={"x": "1", "y": None})
    run.add("screenshot", {"storage_path": EVERYTHING[:900]})
    async with on_session(run.end().path) as session, film_open(session):
        for key in ("right", "b", "z", "enter"):
            await session.shown.press(key)
            assert what_a_terminal_would_obey(session.shown.app) == set()


def test_the_frame_of_a_step_is_the_last_one_before_it(spool: Path) -> None:
    log = SessionLog(three_clicks(spool).path)
    log.poll()
    shots = [step.index for step in log.steps if step.kind.value == "action"]
    film = film_of(log, log.steps, shots)
    assert [nearest_frame(film, step) for step in (0, shots[0], shots[1], shots[1] + 1, 99)] == [
        0,
        0,
        1,
        1,
        2,
    ]
    assert [frame.shown is not None and bool(frame.shown.before) for frame in film] == [False, True, True]


# Before and after, zoom


async def test_b_flips_to_the_picture_before_and_boxes_what_changed(spool: Path) -> None:
    async with on_session(three_clicks(spool).path) as session, film_open(session) as film:
        await session.shown.press("g")
        await settled(session, film.view)
        await session.shown.press("b")
        await session.shown.until_text("There is no screenshot before this one")
        await session.shown.press("right")
        await session.until(lambda: film.view.shown == film.film[1].shown)
        await settled(session, film.view)
        await session.shown.press("b")
        await session.shown.until(lambda: "click #two   before" in session.shown.lines[0])
        assert "before   2% changed   320×200" in session.shown.lines[0]
        await session.shown.press("b")
        await session.shown.until(lambda: "click #two   after" in session.shown.lines[0])
        assert "2% changed" in session.shown.lines[0]
        await session.shown.press("right")
        await session.shown.until_text("the same picture")


async def test_b_flips_the_picture_in_the_inspector_too(spool: Path) -> None:
    async with on_session(three_clicks(spool).path) as session:
        await session.press("b")
        assert "No screenshot here has one before it" in session.text
        await session.press("g", "s", "s")
        assert "after   b before   changed in a region" in session.page
        await session.press("b")
        assert "before   b after   changed in a region" in session.page
        await session.press("b")
        assert "after   b before   changed in a region" in session.page


async def test_zoom_and_pan_and_fit(spool: Path) -> None:
    async with on_session(three_clicks(spool).path) as session, film_open(session) as film:
        view = film.view
        await session.shown.press("L")
        await session.shown.until_text("All of the picture is on screen")
        await session.shown.press("z", "z", "L", "J")
        assert view.window.zoom == pytest.approx(2.25)
        assert view.window.x > 0.5 and view.window.y > 0.5
        await session.shown.until_text("×2.2")
        await session.shown.press("H", "K")
        assert view.window.x == pytest.approx(0.5)
        await session.shown.press("z", "0")
        assert view.window == Window()
        await session.shown.press("z", "Z")
        assert view.window == Window()


async def test_a_key_that_cannot_move_the_picture_further_says_so(spool: Path) -> None:
    for key, said in (
        ("0", "All of the picture is on screen: z zooms in."),
        ("Z", "All of the picture is on"),
    ):
        async with on_session(three_clicks(spool).path) as session, film_open(session):
            await session.shown.press(key)
            await session.shown.until_text(said)
    async with on_session(three_clicks(spool).path) as session, film_open(session) as film:
        await session.shown.press(*"zzzzzzz")
        assert film.view.window.zoom == MOST_ZOOM
        await session.shown.press("z")
        await session.shown.until_text("This is as close as it gets.")
        await session.shown.press(*"LLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLLL")
        await session.shown.until_text("The picture ends here.")


async def test_o_on_a_picture_gives_it_the_screen(spool: Path) -> None:
    async with on_session(three_clicks(spool).path) as session:
        await session.press("g", "s", "s", "tab")
        line = next(place for place, line in enumerate(session.inspector.lines) if line.title == "picture")
        session.inspector.select(line)
        await session.shown.press("o")
        screen = session.shown.app.screen
        assert isinstance(screen, PictureScreen)
        await settled(session, screen.view)
        assert "› step" in session.shown.lines[0] and "320×200" in session.shown.lines[0]
        await session.shown.press("c", "b", "escape")
        assert session.shown.app.screen is session.screen


def colours(strips: Sequence[object]) -> set[tuple[int, int, int]]:
    found = set()
    for strip in strips:
        for part in strip:  # type: ignore[attr-defined]
            for colour in (part.style.color, part.style.bgcolor):
                if colour is not None and colour.triplet is not None:
                    found.add(tuple(colour.triplet))
    return found


def test_where_somebody_clicked_is_marked_and_can_be_left_out() -> None:
    data = picture_with(None)
    assert ORANGE in colours(draw_picture(data, 40, 20, marks=Marks(point=(100, 50))).strips)
    assert ORANGE not in colours(draw_picture(data, 40, 20).strips)


@pytest.mark.parametrize("point", [(-5.0, 10.0), (1e6, 1e6), (319.0, 199.0), (0.0, 0.0), (float("nan"), 1.0)])
def test_a_click_anywhere_is_no_trouble(point: tuple[float, float]) -> None:
    assert draw_picture(picture_with(None), 40, 20, marks=Marks(point=point)).strips


@pytest.mark.parametrize("zoom", [1.0, 1.5, 4.0, 16.0])
@pytest.mark.parametrize("at", [(0.0, 0.0), (1.0, 1.0), (0.5, 0.5)])
def test_any_zoom_fills_the_room_and_no_more(zoom: float, at: tuple[float, float]) -> None:
    picture = draw_picture(picture_with(None), 40, 10, window=Window(zoom, *at))
    assert len(picture.strips) <= 10
    assert all(strip.cell_length <= 40 for strip in picture.strips)


# The desktop's viewer


@pytest.mark.parametrize(
    "path", ["artifacts/../../x.png", "artifacts/nothing.png", "/etc/passwd", "artifacts/\0.png", "artifacts"]
)
def test_only_artifacts_of_the_spool_are_opened(spool: Path, path: str) -> None:
    (spool / "artifacts").mkdir(parents=True)
    (spool.parent / "x.png").write_bytes(b"")
    with pytest.raises(ValueError, match=r"gone|outside"):
        artifact_file(spool, path)


def test_what_is_no_picture_and_no_recording_is_not_opened(spool: Path) -> None:
    kept = store_artifact(spool, b"#!/bin/sh", "desktop")
    with pytest.raises(ValueError, match="no picture and no recording"):
        artifact_file(spool, kept.storage_path)
    assert artifact_file(spool, store_artifact(spool, b"x", "webm").storage_path).exists()


def test_the_viewer_is_the_desktops() -> None:
    assert viewer({"DISPLAY": ":0"}, "linux") == ["xdg-open"]
    assert viewer({"WAYLAND_DISPLAY": "w"}, "linux") == ["xdg-open"]
    assert viewer({}, "darwin") == ["open"]
    assert viewer({}, "linux") is None


async def test_without_a_desktop_the_file_is_named(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    async with on_session(three_clicks(spool).path) as session:
        await session.press("g", "O")
        assert "no picture and no recording to open" in session.text
        await session.press("s", "O")
        await session.shown.until_text("There is no desktop here. The file:")


# Recordings


def a_trace(pictures: int, *, times: bool = True) -> bytes:
    """A browser's recording, as Playwright writes it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        lines = []
        for number in range(pictures):
            name = f"page@1-{number}.jpeg"
            archive.writestr(f"resources/{name}", png(size=(40 + number, 30)))
            if times:
                at = 5_000.0 + number * 250
                lines.append(json.dumps({"type": "screencast-frame", "sha1": name, "timestamp": at}))
        archive.writestr(
            "0-trace.trace", "\n".join([*lines, '{"type":"other"}', "not json screencast-frame"])
        )
    return buffer.getvalue()


def a_recorded_run(spool: Path, data: bytes, extension: str) -> SessionRecording:
    run = SessionRecording(spool, "01RECORDED")
    kept = store_artifact(spool, data, extension)
    run.add(
        "replay_artifact",
        {
            "artifact_type": "trace",
            "storage_path": kept.storage_path,
            "size_bytes": kept.size_bytes,
            "event_time_map": {"3": 1_200, "x": "odd"},
        },
    )
    run.end()
    return run


async def test_the_frames_of_a_trace_are_listed_and_enter_shows_one(spool: Path) -> None:
    async with on_session(a_recorded_run(spool, a_trace(25), "zip").path) as session:
        await session.press("j")
        assert "frames  25, enter shows one" in session.page
        assert "    2      0.25  page@1-1.jpeg" in session.page
        assert "5 more frames" in session.page
        assert "    1.20  event 3" in session.page
        await session.press("tab")
        line = next(place for place, line in enumerate(session.inspector.lines) if line.title == "frame 2")
        session.inspector.select(line)
        await session.shown.press("enter")
        screen = session.shown.app.screen
        assert isinstance(screen, PictureScreen)
        await settled(session, screen.view)
        assert "41×30" in session.shown.lines[0]


async def test_a_video_says_how_it_can_be_played(
    spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with on_session(a_recorded_run(spool, b"\x1aE\xdf\xa3 video", "webm").path) as session:
        await session.press("j")
        assert "A terminal cannot play it: O opens it" in session.page


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 nothing more", a_trace(3)[:-30]])
async def test_a_recording_that_cannot_be_read_says_so(spool: Path, data: bytes) -> None:
    async with on_session(a_recorded_run(spool, data, "zip").path) as session:
        await session.press("j")
        assert "no frames: not an archive that can be read" in session.page


def test_frames_without_times_stand_by_their_names(spool: Path) -> None:
    kept = store_artifact(spool, a_trace(3, times=False), "zip")
    assert [frame.at_ms for frame in frames(spool, kept.storage_path)] == [None] * 3


def test_an_archive_that_inflates_without_end_is_refused(spool: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("resources/bomb.png", bytes(80 << 20))
        archive.writestr("0.trace", bytes(20 << 20))
    kept = store_artifact(spool, buffer.getvalue(), "zip")
    with pytest.raises(PictureError, match="more than 64 MB"):
        read_frame(spool, kept.storage_path, "resources/bomb.png")
    with pytest.raises(PictureError, match="more than 16 MB"):
        frames(spool, kept.storage_path)
    with pytest.raises(PictureError, match="no such frame"):
        read_frame(spool, kept.storage_path, "../../etc/passwd")


def test_only_so_many_frames_are_listed(spool: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(MOST_FRAMES + 10):
            archive.writestr(f"{number}.png", b"")
    kept = store_artifact(spool, buffer.getvalue(), "zip")
    assert len(frames(spool, kept.storage_path)) == MOST_FRAMES


def test_the_frames_of_published_traces_are_found(spool: Path, real_data: Path) -> None:
    for path in sorted(real_data.glob("playwright/**/trace-1.37.zip")):
        kept = store_artifact(spool, path.read_bytes(), "zip")
        found = frames(spool, kept.storage_path)
        assert len(found) == 2 and found[0].at_ms == 0.0
        assert draw_picture(read_frame(spool, kept.storage_path, found[1].member), 20, 10).format == "JPEG"


async def test_a_browser_run_of_every_sort_can_be_filmed(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path, (60, 20)) as session, film_open(session) as film:
        assert len(film.film) == 2


# The page before the wrong click, from the list of sessions


def a_run(spool: Path, name: str, target: str, *, passed: bool, ago: float) -> Path:
    run = Browsing(spool, name, ago=ago)
    run.user("book it")
    run.click("#open", picture_with(None))
    run.click("#day", picture_with((40, 20, 80, 60)))
    run.click(target, picture_with((90, 20, 130, 60)))
    run.click("#confirm", picture_with((140, 20, 180, 60)))
    run.check(passed, "" if passed else "another day")
    run.end()
    return run.path


async def test_b_in_the_list_shows_the_page_before_the_wrong_click(spool: Path) -> None:
    a_run(spool, "01M8PASSED", "#tuesday", passed=True, ago=90)
    a_run(spool, "01M8FAILED", "#wednesday", passed=False, ago=60)
    async with on_screen(PromptetheusApp(spool, clock=lambda: NOW)) as shown:
        await shown.until_text("2 sessions")
        await shown.until_text("✗ failed goal")
        await shown.press("b")
        await shown.until(lambda: isinstance(shown.app.screen, MomentScreen), what="the picture")
        await shown.until_text("click #wednesday   before   differs from 01M8PASSED, which passed")
        screen = shown.app.screen
        assert isinstance(screen, MomentScreen) and screen.view.flipped
        await shown.press("b")
        await shown.until_text("click #wednesday  after")
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, SessionScreen), what="the session")
        await shown.until(lambda: "#wednesday" in shown.line_with("▌"), what="at that step")


async def test_b_in_the_list_without_screenshots_says_so(spool: Path) -> None:
    SessionRecording(spool, "01M8PLAIN").user("hello").end()
    async with on_screen(PromptetheusApp(spool, clock=lambda: NOW)) as shown:
        await shown.until_text("1 session")
        await shown.press("b")
        await shown.until_text("no two screenshots")


def test_without_a_passing_session_it_is_the_last_action(spool: Path) -> None:
    path = a_run(spool, "01M8FAILED", "#wednesday", passed=False, ago=60)
    found = page_before_wrong_click(read_session(path).row, [])
    assert found is not None and found.frame.what == "click #confirm"
    assert "last action" in found.why[0]


# What the line over a picture says


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (56, "2 of 3  click #confirm-booking  after"),
        (80, "2 of 3   click #confirm-booking   after"),
        (100, "2 of 3   step 2   click #confirm-booking   after   2% changed"),
        (120, "2 of 3   step 2 · 3.00   click #confirm-booking   after   2% changed   320×200"),
    ],
)
async def test_the_line_over_the_film_says_in_shorter_words_what_has_no_room(
    spool: Path, columns: int, said: str
) -> None:
    run = Browsing(spool, "01M8CLICKSAAAA").click("#one", picture_with(None))
    run.click("#confirm-booking", picture_with((40, 20, 80, 60))).click("#three", picture_with(None))
    async with on_session(run.end().path, (columns, 30)) as session:
        await session.press("g", "s", "s")
        async with film_open(session) as film:
            await session.until(lambda: film.view.change is not None, what="compared")
            await session.shown.pilot.pause()
            assert session.shown.lines[0].endswith(f"film   {said}"), session.shown.lines[0]


def test_a_part_gives_way_by_taking_its_shorter_forms_and_the_rest_is_cut_with_a_mark() -> None:
    parts = {
        "one": Part(("the first of them", "first", ""), Style.null()),
        "two": Part(("the second", "2nd"), Style.null()),
    }

    def said(room: int) -> str:
        return "".join(text for text, _ in fitted(parts, ("two", "one", "one"), room))

    assert said(30) == "the first of them   the second"
    assert said(29) == "the first of them  the second"
    assert said(28) == "the first of them   2nd"
    assert said(11) == "first   2nd"
    assert said(9) == "2nd"
    assert said(2) == "2…"


def test_the_click_is_marked_before_it_and_what_it_changed_after_it(tmp_path: Path) -> None:
    click = Shown(tmp_path, "after.png", "before.png", (10.0, 20.0))
    box = Box(1, 2, 3, 4)
    change = PictureChange(next(iter(PictureKind)), region=box)
    assert marks_on(click, change, asked=False, before=True) == Marks(None, (10.0, 20.0))
    assert marks_on(click, change, asked=False, before=False) == Marks(box, None)
    assert marks_on(click, change, asked=True, before=True) == Marks(box, (10.0, 20.0))
    alone = Shown(tmp_path, "after.png", "", (10.0, 20.0))
    assert marks_on(alone, None, asked=False, before=False) == Marks(None, (10.0, 20.0)), "there is no other"


async def test_jumping_to_a_screenshot_in_a_low_terminal_shows_the_picture(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path, (80, 24)) as session:
        await session.press("g", "s", "s")
        shows = session.inspector

        def is_in_sight() -> bool:
            places = range(len(shows.lines))
            drawn = {place for place in places if isinstance(shows.lines[place].opens, PictureBlock)}
            first = {place for place in places if shows.lines[place].begins_picture}
            seen = range(shows.scroll_offset.y, shows.scroll_offset.y + shows.size.height)
            return bool(first) and first | drawn <= set(seen)

        await session.until(is_in_sight, what="all of the picture is in sight")
