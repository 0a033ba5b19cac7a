"""Appending to the spool: one whole line a write, no lock, no buffer, no thread in between.

<spool>/<session>.jsonl              every event of a session, append only
<spool>/<session>.delivery.json      what the API has acknowledged; absent: nothing was sent
<spool>/dead-letter/<session>.jsonl  events the API refused for good
<spool>/artifacts/<ab>/<sha256>.png  screenshots, recordings and values too large for a line
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path

DEFAULT_SPOOL_DIR = ".promptetheus/spool"

LINE_LIMIT_BYTES = 1 << 20
"""A line is at most this long; larger values go to an artifact and the event carries a reference."""

_SAFE_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")
_UNSAFE_CHARACTERS = re.compile(r"[^A-Za-z0-9_-]+")
_CHECK_INTERVAL_S = 1.0
"""How often a writer looks whether its file was deleted or replaced under it."""


def session_file_stem(session_id: str) -> str:
    """A file name for a session id, without suffix: safe in any directory, and no two ids share one.

    Ids of letters, digits, `_`, `-` and `.` (not leading) stand as they are; all others are sanitised and get
    `~` and 12 hex digits of their SHA-256. `~` cannot occur in the first kind.
    """
    if _SAFE_ID.fullmatch(session_id):
        return session_id
    digest = hashlib.sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    readable = _UNSAFE_CHARACTERS.sub("_", session_id[:80]).strip("_")
    return f"{readable or 'session'}~{digest}"


def session_file_name(session_id: str) -> str:
    """The name of the spool file of a session, e.g. `01M8113MSKZ0YB84HZ534HZC2F.jsonl`."""
    return session_file_stem(session_id) + ".jsonl"


class SpoolFile:
    """The spool file of one session, opened for appending at its first line.

    Safe to share between threads and across `fork`. Nothing here raises OSError to the caller of `append`:
    it returns False and keeps the reason.
    """

    def __init__(self, directory: Path, session_id: str) -> None:
        self.directory = directory
        self.path = directory / session_file_name(session_id)
        self.base_bytes = 0
        """Size of the file when it was opened: more than 0 when another writer was here before."""
        self.written_bytes = 0
        """Bytes appended through this object."""
        self.last_error: OSError | None = None
        self._fd: int | None = None
        self._torn = False
        self._checked_s = 0.0

    def append(self, line: bytes) -> bool:
        """Append one line that ends in a newline. True once the kernel has it: SIGKILL cannot take it back."""
        try:
            fd = self._descriptor()
            data = b"\n" + line if self._torn else line
            done = os.write(fd, data)
            if done != len(data):  # a full disk gives a short write first
                self._torn = True
                done += os.write(fd, data[done:])
            self._torn = done != len(data)
            self.written_bytes += done
            return not self._torn
        except OSError as error:
            self.last_error = error
            return False

    def sync(self) -> None:
        """Ask the disk to keep what was written (about 200 µs). Failure is not an error: the line stands."""
        if self._fd is not None:
            try:
                os.fsync(self._fd)
            except OSError as error:
                self.last_error = error

    def close(self) -> None:
        """Close the file; a later `append` opens it again."""
        fd, self._fd = self._fd, None
        if fd is not None:
            try:
                os.close(fd)
            except OSError:
                pass

    def _descriptor(self) -> int:
        now = time.monotonic()
        if self._fd is not None and now - self._checked_s > _CHECK_INTERVAL_S:
            self._checked_s = now
            if os.fstat(self._fd).st_nlink == 0:  # deleted under us: go on in a new file
                self.close()
        if self._fd is None:
            self._fd = self._open()
            self._checked_s = now
        return self._fd

    def _open(self) -> int:
        os.makedirs(self.directory, mode=0o700, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self.path, flags, 0o600)
        size = os.fstat(fd).st_size
        self.base_bytes = size
        self.written_bytes = 0
        # A writer that died in the middle of a line left it open: ours starts on a fresh one.
        self._torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
        return fd
