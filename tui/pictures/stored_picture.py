"""Pictures as they are kept in a spool: files of their own, and the frames inside a browser's recording.

Every name here comes from a spool and is untrusted, and so is what an archive says of itself.
"""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from promptetheus.artifacts import read_artifact
from promptetheus.pictures import MAX_FILE_BYTES, PictureError
from promptetheus.tui.pictures.video_frames import can_read_videos, is_video, video_frames

MOST_FRAMES = 2_000
_MAX_ARCHIVE_BYTES = 256 << 20
_MAX_LISTING_BYTES = 16 << 20
"""Of a trace's own list of events; what lies beyond names no frames here."""

_NO_SUCH_FRAME = "there is no such frame in the recording"
_PICTURES = (".jpeg", ".jpg", ".png", ".webp")


@dataclass(frozen=True, slots=True)
class Shown:
    """One screenshot with what is known about it."""

    spool: Path
    path: str
    before: str = ""
    """Path of the screenshot before it; "" for none."""
    point: tuple[float, float] | None = None
    """Where somebody clicked to get there."""
    member: str = ""
    """Its name inside a recording that is an archive."""


class Frame(NamedTuple):
    """A frame of a recording."""

    member: str
    """Its name in the archive."""
    at_ms: float | None
    """Since the first frame; None where the recording does not say."""


def read_picture(spool: Path, path: str) -> bytes:
    """The bytes of a picture. Raises PictureError with the reason as a person reads it."""
    return _read(spool, path, MAX_FILE_BYTES)


def read_frame(spool: Path, path: str, member: str) -> bytes:
    """The bytes of a frame of a recording. Raises PictureError."""
    if is_video(path):
        found = _video(spool, path)
        if member not in found:
            raise PictureError(_NO_SUCH_FRAME)
        return found[member]
    with _archive(spool, path) as archive:
        return _member(archive, member, MAX_FILE_BYTES)


@lru_cache(maxsize=32)
def frames(spool: Path, path: str) -> tuple[Frame, ...]:
    """The frames of a Playwright trace, in order, at most 2,000; of a video, one a second. Raises PictureError."""
    if is_video(path):
        return tuple(Frame(member, at * 1000.0) for at, member in enumerate(_video(spool, path)))
    with _archive(spool, path) as archive:
        names = [name for name in archive.namelist() if name.lower().endswith(_PICTURES)][:MOST_FRAMES]
        times = _times(archive)
    moments = {name: times.get(name.rpartition("/")[2]) for name in names}
    first = min((moment for moment in moments.values() if moment is not None), default=0.0)
    found = [Frame(name, None if at is None else at - first) for name, at in moments.items()]
    return tuple(sorted(found, key=lambda frame: (frame.at_ms is None, frame.at_ms or 0.0, frame.member)))


def holds_frames(path: str) -> bool:
    """Whether a recording may hold frames that can be read here."""
    return path.lower().endswith(".zip") or (is_video(path) and can_read_videos())


@lru_cache(maxsize=2)
def _video(spool: Path, path: str) -> dict[str, bytes]:
    """The frames of a video by their names."""
    found = video_frames(_read(spool, path, _MAX_ARCHIVE_BYTES))
    return {f"second-{second:03}.png": data for second, data in enumerate(found)}


def _times(archive: zipfile.ZipFile) -> dict[str, float]:
    """When each frame was taken, in milliseconds, from the trace's events."""
    found: dict[str, float] = {}
    for name in archive.namelist():
        if not name.endswith(".trace"):
            continue
        for line in _member(archive, name, _MAX_LISTING_BYTES).splitlines():
            if b"screencast-frame" not in line:
                continue
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict) and event.get("type") == "screencast-frame":
                frame, at = event.get("sha1"), event.get("timestamp")
                if isinstance(frame, str) and isinstance(at, int | float) and abs(at) < 1e15:
                    found[frame] = float(at)
    return found


def _archive(spool: Path, path: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(io.BytesIO(_read(spool, path, _MAX_ARCHIVE_BYTES)))
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise PictureError(f"not an archive that can be read ({type(error).__name__})") from None


def _member(archive: zipfile.ZipFile, name: str, limit: int) -> bytes:
    """What an archive holds under a name, at most `limit` bytes: what it says of the size may be a lie."""
    try:
        with archive.open(name) as file:
            data = file.read(limit + 1)
    except KeyError:
        raise PictureError(_NO_SUCH_FRAME) from None
    except Exception as error:
        # Broken or hostile archives make their readers raise anything.
        raise PictureError(f"the recording cannot be read ({type(error).__name__})") from None
    if len(data) > limit:
        raise PictureError(f"more than {limit >> 20} MB when unpacked")
    return data


def _read(spool: Path, path: str, limit: int) -> bytes:
    try:
        return read_artifact(spool, path, limit)
    except FileNotFoundError:
        raise PictureError("its file is gone from the spool") from None
    except OSError as error:
        raise PictureError(f"its file cannot be read ({error.strerror or type(error).__name__})") from None
    except ValueError as error:
        raise PictureError(str(error)) from None
