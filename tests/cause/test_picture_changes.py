from __future__ import annotations

import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from promptetheus.artifacts import store_artifact
from promptetheus.cause.picture_changes import Box, PictureKind, picture_changes
from promptetheus.cause.row_details import PicturePair
from promptetheus.pictures import PictureError, decode, small_copy
from promptetheus.queries.diffs import compare_pictures


def a_page(width: int = 640, height: int = 400, *, mark: Box | None = None, kind: str = "PNG") -> bytes:
    image = Image.new("RGB", (width, height), "#f4f4f4")
    draw = ImageDraw.Draw(image)
    for line in range(20, min(height, 400), 30):
        draw.rectangle((20, line, 20 + (line * 7) % 500, line + 12), fill="#333366")
    if mark is not None:
        draw.rectangle((mark.left, mark.top, mark.right - 1, mark.bottom - 1), fill="#cc2200")
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def a_bomb() -> bytes:
    """A PNG of 60,000 × 60,000 pixels in a few bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def test_equal_files_are_the_same_picture_and_are_not_decoded() -> None:
    assert picture_changes(b"no picture", b"no picture").kind is PictureKind.SAME


def test_a_changed_region_is_boxed_in_pixels_of_the_picture() -> None:
    found = picture_changes(a_page(), a_page(mark=Box(400, 300, 460, 340)))
    assert (found.kind, found.region) == (PictureKind.REGION, Box(400, 300, 460, 340))
    assert (
        found.describe()
        == "changed in a region: 60×40 pixels at 400, 300; less than 1 % of the picture differs"
    )


def test_the_box_is_in_pixels_of_the_original_when_that_is_larger_than_what_is_compared() -> None:
    found = picture_changes(a_page(2560, 1600), a_page(2560, 1600, mark=Box(800, 600, 1000, 700)))
    assert found.region is not None
    assert all(abs(one - other) <= 4 for one, other in zip(found.region, (800, 600, 1000, 700), strict=True))


def test_another_compression_is_the_same_to_the_eye() -> None:
    file = io.BytesIO()
    Image.open(io.BytesIO(a_page())).save(file, "JPEG", quality=95)
    assert picture_changes(a_page(), file.getvalue()).kind is PictureKind.ALIKE


def test_another_picture_has_no_region() -> None:
    found = picture_changes(a_page(), a_page(mark=Box(0, 0, 640, 390)))
    assert (found.kind, found.region) == (PictureKind.OTHER, None)


def test_a_longer_page_is_changed_where_the_other_ends() -> None:
    found = picture_changes(a_page(height=400), a_page(height=500))
    assert found.region is not None
    assert found.region.bottom == 500


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n" + b"\0" * 99, a_bomb(), b"<svg/>"])
def test_what_is_no_picture_is_said_and_not_raised(data: bytes) -> None:
    found = picture_changes(a_page(), data)
    assert found.kind is PictureKind.UNREADABLE
    assert "cannot be compared" in found.describe()
    with pytest.raises(PictureError):
        decode(data)


@given(st.binary(max_size=200), st.integers(0, 300))
def test_damaged_pictures_never_raise(noise: bytes, place: int) -> None:
    data = a_page(64, 40)
    picture_changes(data, data[:place] + noise + data[place + len(noise) :])


def test_an_embedded_copy_is_small_and_a_picture_of_its_own() -> None:
    size, data = small_copy(a_page(2560, 1600, kind="JPEG"), (800, 1200))
    assert size == (2560, 1600)
    assert Image.open(io.BytesIO(data)).size == (800, 500)


def test_pictures_of_two_spools_are_read_by_their_names_and_nothing_else_is(tmp_path: Path) -> None:
    left, right = tmp_path / "left", tmp_path / "right"
    one = store_artifact(left, a_page(), "png").storage_path
    other = store_artifact(right, a_page(mark=Box(10, 10, 40, 40)), "png").storage_path
    assert compare_pictures(left, right, PicturePair(one, other)).kind is PictureKind.REGION
    assert compare_pictures(left, right, PicturePair(one, None)).kind is PictureKind.LEFT_ONLY
    gone = compare_pictures(left, right, PicturePair(one, "artifacts/00/gone.png"))
    assert (gone.kind, gone.reason) == (PictureKind.UNREADABLE, "a file is gone from the spool")
    (tmp_path / "secret.png").write_bytes(a_page())
    outside = compare_pictures(left, right, PicturePair(one, "../secret.png"))
    assert outside.reason == "the path leads outside the spool's artifacts"


def test_pillow_is_loaded_when_the_first_picture_is_looked_at() -> None:
    code = "import sys, promptetheus.queries.diffs, promptetheus.exporters.diff_html; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
