"""Screenshots, recordings and values too large for a line: files beside the sessions, named by hash."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import NamedTuple

MAX_ARTIFACT_BYTES = 256 << 20
"""Larger files are named in the event but not copied."""

PICTURE_EXTENSIONS = ("png", "jpg", "gif", "webp")


class Artifact(NamedTuple):
    """A stored file."""

    artifact_id: str
    """SHA-256 of the content, in hex."""
    storage_path: str
    """Path relative to the spool directory: `artifacts/<ab>/<sha256>.<extension>`."""
    size_bytes: int


def store_artifact(spool_dir: Path, data: bytes, extension: str) -> Artifact:
    """Keep `data` under its hash; the same content is stored once. Raises OSError when it cannot."""
    digest = hashlib.sha256(data).hexdigest()
    relative = f"artifacts/{digest[:2]}/{digest}.{extension}"
    target = spool_dir / relative
    if not target.is_file():
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = target.with_name(f".{digest}.{os.getpid()}.{os.urandom(4).hex()}")
        try:
            fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(fd, "wb") as file:
                file.write(data)
            os.replace(draft, target)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
    return Artifact(digest, relative, len(data))


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


def recording_extension(name: str) -> str:
    """The extension of a recording's file name where it is a short plain one, otherwise `bin`."""
    extension = os.path.splitext(name)[1][1:].lower()
    return extension if extension.isascii() and extension.isalnum() and len(extension) <= 5 else "bin"
