"""The frames of a video, one a second, taken out by ffmpeg where it is installed.

The file is untrusted: ffmpeg gets its bytes through a pipe and may open nothing else (a playlist could name any
file), takes it for Matroska whatever it is, and is limited in time, memory, pixels and frames. No shell is involved.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from promptetheus.pictures import PictureError

MOST_SECONDS = 120
"""Of a longer video the first two minutes are shown."""

TIME_LIMIT_S = 20.0
_MOST_PIXELS = 4096 * 4096
_MOST_ALLOCATED_BYTES = 512 << 20
_MOST_BYTES = 128 << 20
_WIDEST_PX = 960
_PNG = b"\x89PNG\r\n\x1a\n"


def can_read_videos() -> bool:
    """Whether ffmpeg is at hand."""
    return _ffmpeg(os.environ.get("PATH", "")) is not None


def is_video(path: str) -> bool:
    """Whether a recording is a video that ffmpeg can be trusted with."""
    return path.lower().endswith(".webm")


def video_frames(data: bytes) -> tuple[bytes, ...]:
    """A picture a second, as PNG. Takes seconds: call it from a thread. Raises PictureError."""
    program = _ffmpeg(os.environ.get("PATH", ""))
    if program is None:
        raise PictureError("ffmpeg is not installed")
    words = [
        str(program), "-nostdin", "-hide_banner", "-v", "error", "-threads", "1",
        "-max_alloc", str(_MOST_ALLOCATED_BYTES), "-max_pixels", str(_MOST_PIXELS),
        "-protocol_whitelist", "pipe", "-f", "matroska", "-t", str(MOST_SECONDS), "-i", "pipe:0",
        "-an", "-sn", "-dn", "-vf", f"fps=1,scale='min({_WIDEST_PX},iw)':-2", "-frames:v", str(MOST_SECONDS),
        "-c:v", "png", "-f", "image2pipe", "pipe:1",
    ]  # fmt: skip
    try:
        done = subprocess.run(words, input=data, capture_output=True, timeout=TIME_LIMIT_S, check=False)
    except subprocess.TimeoutExpired:
        raise PictureError(f"ffmpeg took longer than {TIME_LIMIT_S:.0f} s") from None
    except OSError as error:
        raise PictureError(f"ffmpeg cannot be run ({error.strerror or type(error).__name__})") from None
    found = tuple(_pictures(done.stdout[:_MOST_BYTES]))
    if not found:
        raise PictureError("ffmpeg finds no picture in it")
    return found


@lru_cache(maxsize=8)
def _ffmpeg(path: str) -> Path | None:
    """Never one of the directory one happens to be in."""
    found = shutil.which("ffmpeg", path=path)
    return Path(found) if found is not None and os.path.isabs(found) else None


def _pictures(stream: bytes) -> Iterator[bytes]:
    """The PNG files that stand one after the other; one that is cut off is left out."""
    place = 0
    while stream.startswith(_PNG, place):
        end = place + len(_PNG)
        kind = b""
        while kind != b"IEND":
            kind = stream[end + 4 : end + 8]
            end += 12 + int.from_bytes(stream[end : end + 4], "big")
            if end > len(stream):
                return
        yield stream[place:end]
        place = end
