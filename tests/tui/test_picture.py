"""Pictures in half blocks: what is drawn, and what is refused."""

from __future__ import annotations

import io
import struct
import threading
import warnings
import zlib

import pytest
from PIL import Image

from promptetheus.pictures import MAX_PIXELS, PictureError
from promptetheus.tui.pictures.picture import draw_picture
from promptetheus.tui.pictures.picture_way import SHADES
from tests.tui.session_recording import png


def saved(image: Image.Image, name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def a_bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that says it has so many pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\x00" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def test_two_rows_of_pixels_make_one_line() -> None:
    image = Image.new("RGB", (2, 2), "#ff0000")
    image.putpixel((0, 1), (0, 0, 255))
    picture = draw_picture(saved(image, "PNG"), 10, 10)
    assert (picture.width_px, picture.height_px, picture.format) == (2, 2, "PNG")
    assert [strip.text for strip in picture.strips] == ["▀▀"]
    first, second = picture.strips[0]
    assert first.style is not None and second.style is not None
    assert first.style.color is not None and first.style.color.triplet == (255, 0, 0)
    assert first.style.bgcolor is not None and first.style.bgcolor.triplet == (0, 0, 255)
    assert second.style.bgcolor is not None and second.style.bgcolor.triplet == (255, 0, 0)


@pytest.mark.parametrize(("size", "columns", "rows"), [((1280, 800), 60, 40), ((800, 1280), 60, 10)])
def test_proportions_are_kept_within_the_room_there_is(
    size: tuple[int, int], columns: int, rows: int
) -> None:
    picture = draw_picture(png(size=size), columns, rows)
    width, height = picture.strips[0].cell_length, len(picture.strips) * 2
    assert width <= columns and height <= rows * 2
    assert abs(width / height - size[0] / size[1]) < 0.35


@pytest.mark.parametrize("name", ["PNG", "JPEG", "WEBP", "GIF"])
def test_the_four_formats_of_screenshots_are_drawn(name: str) -> None:
    picture = draw_picture(saved(Image.new("RGB", (40, 40), "#208040"), name), 20, 10)
    assert picture.format == name
    assert len(picture.strips) == 10


def test_transparent_parts_show_the_ground() -> None:
    picture = draw_picture(saved(Image.new("RGBA", (2, 2), (0, 0, 0, 0)), "PNG"), 4, 4, ground="#102030")
    style = next(iter(picture.strips[0])).style
    assert style is not None and style.color is not None
    assert style.color.triplet == (16, 32, 48)


def test_without_colours_brightness_is_drawn() -> None:
    image = Image.new("L", (4, 4), 0)
    image.paste(255, (2, 0, 4, 4))
    picture = draw_picture(saved(image, "PNG"), 4, 2, canvas=SHADES)
    assert picture.strips[0].text == "  ██"
    assert all(segment.style is None for strip in picture.strips for segment in strip)


def test_of_a_moving_picture_the_first_frame_is_drawn() -> None:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("#ff0000", "#00ff00")]
    data = saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    style = next(iter(draw_picture(data, 4, 4).strips[0])).style
    assert style is not None and style.color is not None and style.color.triplet is not None
    assert style.color.triplet.red > 200


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b"\x1b]0;owned\x07", "no PNG, JPEG, WEBP or GIF"),
        (b"%PDF-1.7 ...", "no PNG, JPEG, WEBP or GIF"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, "no PNG, JPEG, WEBP or GIF"),
        (png()[:60], "broken or cut off"),
        (saved(Image.new("RGB", (4, 4)), "BMP"), "no PNG, JPEG, WEBP or GIF"),
        (saved(Image.new("RGB", (4, 4)), "TIFF"), "no PNG, JPEG, WEBP or GIF"),
        (saved(Image.new("RGB", (4, 4)), "PPM"), "no PNG, JPEG, WEBP or GIF"),
    ],
    ids=["empty", "escape sequence", "PDF", "no header", "cut off", "BMP", "TIFF", "PPM"],
)
def test_what_is_no_picture_is_refused_with_a_reason(data: bytes, says: str) -> None:
    with pytest.raises(PictureError, match=says):
        draw_picture(data, 20, 10)


@pytest.mark.parametrize("size", [(20_000, 20_000), (10_000, 10_000), (7_000, 7_000), (2_000_000, 21)])
def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_decoded(size: tuple[int, int]) -> None:
    assert size[0] * size[1] > MAX_PIXELS
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(PictureError, match="million pixels"):
            draw_picture(a_bomb(*size), 20, 10)


def test_drawing_in_several_threads_at_once_changes_no_warning_filters() -> None:
    before = list(warnings.filters)
    data = png(size=(400, 300))
    threads = [threading.Thread(target=draw_picture, args=(data, 40, 20)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(warnings.filters) == before
