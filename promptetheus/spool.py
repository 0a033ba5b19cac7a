"""Appending to the spool: one whole line a write, no buffer and no thread in between.

<spool>/<session>.jsonl              every event of a session, append only
<spool>/<session>.delivery.json      what the API has acknowledged; absent: nothing was sent
<spool>/dead-letter/<session>.jsonl  events the API refused for good
<spool>/artifacts/<ab>/<sha256>.png  screenshots, recordings and values too large for a line
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import stat
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

from promptetheus import held_write

DEFAULT_SPOOL_DIR = ".promptetheus/spool"

LINE_LIMIT_BYTES = 1 << 20
"""A line is at most this long; larger values go to an artifact and the event carries a reference."""

MAX_OPEN_FILES = 64
"""So many session files are kept open by a process; the one opened first is closed and opens again when its
session goes on. File descriptors belong to the host."""

_SAFE_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,199}")
_UNSAFE_CHARACTERS = re.compile(r"[^A-Za-z0-9_-]+")
_CHECK_INTERVAL_S = 1.0
"""How often a writer looks whether its file was deleted or its descriptor given to another file."""

_SEQ = re.compile(rb'"seq":(\d{1,18}),"session_id"')
_TAIL_BYTES = 1 << 16

_opened: weakref.WeakValueDictionary[int, SpoolFile] = weakref.WeakValueDictionary()
_opening = itertools.count()


def session_file_stem(session_id: str) -> str:
    """A file name for a session id, without suffix: safe in any directory, and no two ids share one.

    Ids of letters, digits, `_`, `-` and `.` (not leading) stand as they are; all others are sanitised and get
    `~` and 12 hex digits of their SHA-256. `~` cannot occur in the first kind.
    """
    if _SAFE_ID.fullmatch(session_id):
        return session_id
    from hashlib import sha256  # For a name that is no file name: rare, and it takes a while to import.

    digest = sha256(session_id.encode("utf-8", "surrogatepass")).hexdigest()[:12]
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
        self.lock = threading.RLock()
        """Held while a line is written or the file closed: a descriptor that is closed under a writer may
        already be another file of the host. Reentrant, because a signal handler may record, too."""
        self.base_bytes = 0
        """Size of the file when it was opened: more than 0 when another writer was here before."""
        self.written_bytes = 0
        """Bytes appended through this object."""
        self.was_replaced = False
        """Whether the file was deleted or cut under us, so that earlier lines of ours are gone."""
        self.opening_line: bytes | None = None
        """Written first into a file that takes the place of one that was deleted: it, too, says whose it is."""
        self.last_error: OSError | None = None
        self._fd: int | None = None
        self._identity: tuple[int, int] | None = None
        self._write: Callable[[int, bytes], int] = os.write
        self._number = -1
        self._torn = False
        self._check_at_s = 0.0

    def append(self, line: bytes) -> bool:
        """Append one line that ends in a newline. True once the kernel has it: SIGKILL cannot take it back."""
        with self.lock:
            return self.put(line)

    def put(self, line: bytes) -> bool:
        """`append` for a caller that holds the lock."""
        try:
            fd = self._fd
            if fd is None or monotonic() > self._check_at_s:
                return self._put_checked(line)
            done = self._write(fd, line)
            self.written_bytes += done
            return done == len(line) or self._put_again(fd, line)
        except OSError as error:
            self.last_error = error
            if error.errno == errno.EBADF:  # the host closed all descriptors: ours, too
                self._fd = None
        except ValueError as error:  # a NUL in the directory's name
            self.last_error = OSError(errno.EINVAL, str(error))
        self._check_at_s = 0.0
        return False

    def open(self) -> int:
        """Open the file now and return the `seq` to go on with: 0, or one more than the last in the file.

        Raises OSError when it cannot be opened.
        """
        with self.lock:
            fd = self._descriptor()
            self._check_at_s = 0.0  # the first line is noted, and a torn last one of another writer closed
            if not self.base_bytes:
                return 0
            start = max(0, self.base_bytes - _TAIL_BYTES)
            known = _SEQ.findall(os.pread(fd, self.base_bytes - start, start))
            return max((int(seq) for seq in known), default=-1) + 1

    def sync(self) -> None:
        """Ask the disk to keep what was written (about 200 µs). Failure is not an error: the line stands."""
        if self._fd is not None:
            try:
                os.fsync(self._fd)
            except OSError as error:
                self.last_error = error

    def duplicate(self) -> int | None:
        """A descriptor of the same file that stays open when this one is closed; None when there is none."""
        with self.lock:
            try:
                return None if self._fd is None else os.dup(self._fd)
            except OSError:
                return None

    def close(self) -> None:
        """Close the file; a later `append` opens it again."""
        with self.lock:
            fd, self._fd = self._fd, None
            if fd is not None and self._is_ours(fd):
                try:
                    os.close(fd)
                except OSError:
                    pass

    def start_over(self) -> None:
        """Delete the file; a later `append` begins a new one. Raises OSError when it cannot."""
        with self.lock:
            self.close()
            os.unlink(self.path)
            self._identity, self.opening_line = None, None
            self.base_bytes = self.written_bytes = 0

    def after_fork(self) -> None:
        """In a child: a lock and a descriptor of its own. Another thread may have held the lock at the fork."""
        self.lock = threading.RLock()
        self.close()

    def own_bytes(self) -> int | None:
        """Bytes in the file so far if they are all ours, else None: a summary would not be the whole.

        Asked at the end of a session, and so looks whether the file is still there: if not, the end opens a new one.
        """
        with self.lock:
            if self._fd is not None and self._is_ours(self._fd) and os.fstat(self._fd).st_nlink == 0:
                self.close()
                self.was_replaced = True
        return self.written_bytes if self.base_bytes == 0 and not self.was_replaced else None

    def _put_checked(self, line: bytes) -> bool:
        """`put` when it is time to look whether the file is still ours, and how long a write takes."""
        fd = self._descriptor()
        if self.opening_line is None:
            self.opening_line = line
        if self._torn:
            return self._put_again(fd, line)
        began = monotonic()
        done = self._write(fd, line)
        if self._write is os.write:
            if held_write.noticed_wait(monotonic() - began):
                self._write = held_write.write
        elif not held_write.is_held():
            self._write = os.write
        self.written_bytes += done
        return done == len(line) or self._put_again(fd, line)

    def _put_again(self, fd: int, line: bytes) -> bool:
        """After a short write (a full disk gives one first): the fragment is closed with a newline and the
        line written again. Writing only its rest could glue it to the line of another process."""
        self._torn = True
        done = os.write(fd, b"\n" + line)
        self.written_bytes += done
        self._torn = done != len(line) + 1
        if self._torn:
            self.last_error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._check_at_s = 0.0
        return not self._torn

    def _descriptor(self) -> int:
        self._check_at_s = monotonic() + _CHECK_INTERVAL_S
        if self._fd is not None:
            if not self._is_ours(self._fd):
                self._fd = None  # closed by the host, the number perhaps in use for something else
            elif os.fstat(self._fd).st_nlink == 0:  # deleted under us: go on in a new file
                self.close()
        if self._fd is None:
            self._fd = self._open()
        return self._fd

    def _is_ours(self, fd: int) -> bool:
        try:
            found = os.fstat(fd)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def _open(self) -> int:
        make_private_directory(self.directory)
        _close_oldest(self)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        fd = os.open(self.path, flags, 0o600)
        found = os.fstat(fd)
        if not stat.S_ISREG(found.st_mode):
            os.close(fd)
            raise OSError(errno.EINVAL, "not a regular file", str(self.path))
        identity, size = (found.st_dev, found.st_ino), found.st_size
        expected = self.base_bytes + self.written_bytes
        if self._identity is None:
            self.base_bytes = size
        elif identity != self._identity or size < expected:
            self.was_replaced = True
            self.base_bytes, self.written_bytes = size, 0
        elif size > expected:  # somebody wrote while ours was closed
            self.base_bytes = size - self.written_bytes
        self._identity = identity
        self._torn = _is_torn(fd)
        if self.was_replaced and size == 0 and self.opening_line is not None:
            self.written_bytes = os.write(fd, self.opening_line)
            self._torn = self.written_bytes != len(self.opening_line)
        _opened.pop(self._number, None)
        self._number = next(_opening)
        _opened[self._number] = self
        return fd

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # interpreter shutdown
            pass


def make_private_directory(directory: Path) -> None:
    """Create a directory and its missing parents, for the owner alone. Raises OSError when it cannot."""
    if os.path.isdir(directory):
        return
    parent = directory.parent
    if parent != directory:
        make_private_directory(parent)
    try:
        os.mkdir(directory, 0o700)
    except FileExistsError:
        if not os.path.isdir(directory):
            raise


def _is_torn(fd: int) -> bool:
    """Whether the file ends inside a line: a writer died there, and ours starts on a fresh one. What looks torn
    may be a line that another process is writing at this moment: it is whole a moment later."""
    for wait_s in (0.001, 0.004, 0.0):
        size = os.fstat(fd).st_size
        if size == 0 or os.pread(fd, 1, size - 1) == b"\n":
            return False
        sleep(wait_s)
    return True


def _close_oldest(opening: SpoolFile) -> None:
    """Make room for one more open file. One that is being written to at this moment is left alone."""
    # The references are copied in one step; going through items() fails when another thread opens a file meanwhile.
    in_order = sorted(_opened.valuerefs(), key=lambda reference: reference.key)
    files = [file for reference in in_order if (file := reference()) is not None and file._fd is not None]
    if len(files) < MAX_OPEN_FILES:
        return
    for file in files:
        if file is not opening and file.lock.acquire(blocking=False):
            try:
                file.close()
                return
            finally:
                file.lock.release()
