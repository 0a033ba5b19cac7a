"""Screenshots, recordings and values too large for a line: files beside the sessions, named by hash."""

from __future__ import annotations

import hashlib
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO, NamedTuple

from promptetheus.spool import make_private_directory

MAX_ARTIFACT_BYTES = 256 << 20
"""Larger files are named in the event but not copied."""

CONTENT_TYPES = {
    "png": "image/png", "jpg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
    "webm": "video/webm", "mp4": "video/mp4", "wav": "audio/wav", "mp3": "audio/mpeg", "ogg": "audio/ogg",
    "txt": "text/plain; charset=utf-8", "json": "application/json",
}  # fmt: skip
"""Media types by extension of an artifact; others are `application/octet-stream`."""

_CHUNK_BYTES = 1 << 20


class Artifact(NamedTuple):
    """A stored file."""

    artifact_id: str
    """SHA-256 of the content, in hex."""
    storage_path: str
    """Path relative to the spool directory: `artifacts/<ab>/<sha256>.<extension>`."""
    size_bytes: int


def store_artifact(spool_dir: Path, data: bytes | BinaryIO, extension: str) -> Artifact:
    """Keep `data`, or what an open file has, under its hash; the same content is stored once.

    A file is copied piece by piece. What is there already counts as used now: retention goes by that time.
    Raises OSError when it cannot.
    """
    folder = spool_dir / "artifacts"
    make_private_directory(folder)
    if isinstance(data, bytes):
        digest, size = hashlib.sha256(data).hexdigest(), len(data)
        if _is_kept(target := _target(folder, digest, extension)):
            return Artifact(digest, _relative(digest, extension), size)
        data = io.BytesIO(data)
    draft = folder / f".draft.{os.getpid()}.{os.urandom(4).hex()}"
    try:
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        hashed, size = hashlib.sha256(), 0
        with open(fd, "wb") as file:
            while chunk := data.read(_CHUNK_BYTES):
                hashed.update(chunk)
                size += file.write(chunk)
        digest = hashed.hexdigest()
        target = _target(folder, digest, extension)
        if _is_kept(target):
            draft.unlink()
        else:
            make_private_directory(target.parent)
            os.replace(draft, target)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    return Artifact(digest, _relative(digest, extension), size)


def open_source(path: str | os.PathLike[str]) -> BinaryIO:
    """Open the file that an agent named, to keep a copy. ValueError for what is no regular file or too large
    (a pipe would block, a device would never end); OSError when it cannot be read."""
    file = open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb")  # noqa: SIM115 - the caller's
    found = os.fstat(file.fileno())
    if not stat.S_ISREG(found.st_mode) or found.st_size > MAX_ARTIFACT_BYTES:
        file.close()
        raise ValueError("not a regular file, or too large")
    return file


def read_artifact(spool_dir: Path, storage_path: str, limit_bytes: int = MAX_ARTIFACT_BYTES) -> bytes:
    """The content of an artifact named by an event.

    The name is untrusted: ValueError when it leads outside `artifacts/` (also through a symlink), names no
    regular file or one larger than `limit_bytes`; OSError when it cannot be read.
    """
    root = (spool_dir / "artifacts").resolve()
    try:
        path = (spool_dir / storage_path).resolve(strict=True)
    except (ValueError, RuntimeError) as error:  # a NUL in the name, a loop of links
        raise ValueError("not an artifact of this spool") from error
    if not path.is_relative_to(root):
        raise ValueError("the path leads outside the spool's artifacts")
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise ValueError("not a regular file")
        if found.st_size > limit_bytes:
            raise ValueError(f"larger than {limit_bytes} bytes")
        return file.read(limit_bytes)


def picture_extension(head: bytes) -> str:
    """The file extension for a picture by its first bytes; `bin` when it is none we know."""
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith(b"\xff\xd8\xff"):
        return "jpg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    return "bin"


def recording_extension(head: bytes, name: str = "") -> str:
    """The extension of a recording by its first bytes, else that of its file name where it is a short plain
    one, otherwise `bin`."""
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "webm"
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "wav"
    if head.startswith(b"OggS"):
        return "ogg"
    if head.startswith((b"ID3", b"\xff\xfb")):
        return "mp3"
    extension = os.path.splitext(name)[1][1:].lower()
    return extension if extension.isascii() and extension.isalnum() and len(extension) <= 5 else "bin"


def _relative(digest: str, extension: str) -> str:
    return f"artifacts/{digest[:2]}/{digest}.{extension}"


def _target(folder: Path, digest: str, extension: str) -> Path:
    return folder / digest[:2] / f"{digest}.{extension}"


def _is_kept(target: Path) -> bool:
    try:
        os.utime(target)
        return target.is_file()
    except OSError:
        return False
