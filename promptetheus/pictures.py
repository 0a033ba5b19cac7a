"""Decoding pictures that nobody vouches for: four formats, no bombs, first frame only.

The bytes come from a spool and are hostile. Pillow is loaded when the first picture is looked at.
"""

from __future__ import annotations

import io
import threading
import warnings
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
"""What may be decoded, by content and not by name."""

MAX_PIXELS = 40_000_000
"""A full-page screenshot of 1280×30000 passes; what a bomb inflates to does not."""

MAX_FILE_BYTES = 64 << 20

_WARNINGS_LOCK = threading.Lock()
"""`warnings.catch_warnings` changes state of the whole process: one decoder at a time."""


class PictureError(Exception):
    """Why a picture is not shown, as a person reads it."""


class Decoded(NamedTuple):
    """A picture in memory."""

    image: Image
    """RGBA, scaled to fit where a size was asked for."""
    format: str
    width_px: int
    """Of the original."""
    height_px: int


def decode(data: bytes, fit: tuple[float, float] | None = None) -> Decoded:
    """Decode a picture, scaled down to fit into (width, height) pixels with its proportions kept.

    Takes tens of milliseconds: call it from a thread. Raises PictureError.
    """
    from PIL import Image, UnidentifiedImageError

    if not data:
        raise PictureError("the file is empty")
    try:
        return _decoded(data, fit)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(f"more than {MAX_PIXELS // 1_000_000} million pixels") from None
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(f"it is no {', '.join(FORMATS[:-1])} or {FORMATS[-1]}") from None
    except Exception:
        # A decoder fed with hostile bytes may raise anything.
        raise PictureError("it is broken or cut off") from None


def _decoded(data: bytes, fit: tuple[float, float] | None) -> Decoded:
    from PIL import Image

    with _WARNINGS_LOCK, warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    with image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise PictureError(f"{width}×{height}: more than {MAX_PIXELS // 1_000_000} million pixels")
        if not width or not height:
            raise PictureError("the picture has no pixels")
        if fit is None:
            return Decoded(image.convert("RGBA"), image.format or "", width, height)
        scale = min(fit[0] / width, fit[1] / height, 1.0)
        target = (max(1, round(width * scale)), max(1, round(height * scale)))
        image.draft("RGB", target)  # JPEG: decode no larger than needed
        small = image.convert("RGBA").resize(target, Image.Resampling.LANCZOS, reducing_gap=2.0)
        return Decoded(small, image.format or "", width, height)


def small_copy(data: bytes, fit: tuple[float, float]) -> tuple[tuple[int, int], bytes]:
    """The size of the original, and the picture as a PNG that fits into (width, height) pixels.

    What is embedded elsewhere is what was decoded here, without metadata, not the bytes of the spool. Raises
    PictureError.
    """
    found, file = decode(data, fit), io.BytesIO()
    found.image.convert("RGB").quantize(128).save(file, "PNG", optimize=True)
    return (found.width_px, found.height_px), file.getvalue()
