"""SQL in a process of its own, for queries that a person or an agent types.

DuckDB's own limits do not cover a single value (`repeat('x', 2_000_000_000)` takes 2 GB and 40 s in which nothing
interrupts it): the system limits the memory of the whole process, and a process can be killed at any time.
"""

from __future__ import annotations

import io
import os
import pickle
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from promptetheus.queries.sql import MAX_ROWS, TIMEOUT_S, Result, SpoolDatabase, SqlError

MEMORY_BYTES = 1 << 30
"""What a query may take beyond what is loaded: DuckDB's own 512 MB and as much again for what it does not count."""

_GRACE_S = 1.0
"""DuckDB stops at the timeout by itself nearly always; after this long the process is killed."""

_LENGTH = struct.Struct("<Q")
_START = "from promptetheus.queries.isolated import serve; serve()"
_ALLOWED = {
    ("decimal", "Decimal"),
    ("uuid", "UUID"),
    ("uuid", "SafeUUID"),
    *(("datetime", name) for name in ("date", "datetime", "time", "timedelta", "timezone")),
}


class IsolatedDatabase:
    """`SpoolDatabase` in another process, which stays until `close`; the same results and errors.

    Safe to use from several threads; one query runs at a time.
    """

    def __init__(self, root: Path, *, memory_bytes: int = MEMORY_BYTES) -> None:
        self._root = root
        self._memory_bytes = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._busy = threading.Lock()
        self._stopped = threading.Event()

    def run(self, sql: str, *, max_rows: int = MAX_ROWS, timeout_s: float = TIMEOUT_S) -> Result:
        """Run one query. Raises SqlError, also when it takes too long or too much memory."""
        with self._busy:
            started = time.monotonic()
            self._stopped.clear()
            process = self._process = self._process or self._started()
            assert process.stdin is not None and process.stdout is not None
            try:
                _send(process.stdin, (sql, max_rows, timeout_s))
                reply = _receive(process.stdout, started + timeout_s + _GRACE_S)
            except TimeoutError:
                self._end()
                raise SqlError(_stopped_after(started)) from None
            except (EOFError, OSError):
                self._end()
                if self._stopped.is_set():
                    raise SqlError(_stopped_after(started)) from None
                allowed = f"{self._memory_bytes >> 20} MB"
                raise SqlError(
                    f"The query was ended, most likely because it needed more than {allowed}."
                ) from None
            except BaseException:  # a half-read answer must not be taken for that to the next query
                self._end()
                raise
            if isinstance(reply, str):
                raise SqlError(reply)
            return Result(*reply)

    def interrupt(self) -> None:
        """Stop the query that is running, from another thread; it raises SqlError there."""
        self._stopped.set()
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process. A later `run` starts another."""
        with self._busy:
            self._end()

    def _started(self) -> subprocess.Popen[bytes]:
        # -P: no module is taken from the working directory, which belongs to whoever wrote what lies there.
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        )
        assert process.stdin is not None
        _send(process.stdin, (str(self._root.absolute()), self._memory_bytes))
        return process

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                try:
                    if pipe is not None:
                        pipe.close()
                except OSError:  # what was not sent cannot be sent any more
                    pass


def run_isolated(root: Path, sql: str, *, max_rows: int = MAX_ROWS, timeout_s: float = TIMEOUT_S) -> Result:
    """`run_sql` in a process of its own. Raises SqlError."""
    database = IsolatedDatabase(root)
    try:
        return database.run(sql, max_rows=max_rows, timeout_s=timeout_s)
    finally:
        database.close()


def serve() -> None:
    """The other process: answers queries from standard input until it ends."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # whatever else is printed is no reply
    root, memory_bytes = _receive(requests)
    database = _BoundedDatabase(Path(root), memory_bytes)
    while True:
        try:
            sql, max_rows, timeout_s = _receive(requests)
        except EOFError:
            return
        try:
            found = database.run(sql, max_rows=max_rows, timeout_s=timeout_s)
            fields = (
                found.columns,
                found.types,
                found.rows,
                found.truncated,
                found.elapsed_ms,
                found.skipped,
            )
            reply: object = fields
        except SqlError as error:
            reply = str(error)
        except MemoryError:
            reply = f"The query needed more than the {memory_bytes >> 20} MB that it may have."
        _send(replies, reply)


class _BoundedDatabase(SpoolDatabase):
    """Limits the address space while the query of a stranger runs, not while the spool is loaded."""

    def __init__(self, root: Path, memory_bytes: int) -> None:
        super().__init__(root)
        self._memory_bytes = memory_bytes

    @contextmanager
    def bounded(self) -> Iterator[None]:
        """A limit on what is added to the address space meanwhile."""
        try:
            import resource

            with open("/proc/self/statm", "rb") as sizes:
                used = int(sizes.read().split()[0]) * resource.getpagesize()
        except (ImportError, OSError):  # a system without: the timeout remains
            yield
            return
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (used + self._memory_bytes, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)


def _stopped_after(started: float) -> str:
    return f"Stopped after {time.monotonic() - started:.1f} s. Ask for less, or allow more time."


def _send(pipe: IO[bytes], value: object) -> None:
    data = pickle.dumps(value)
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def _receive(pipe: IO[bytes], deadline: float | None = None) -> Any:
    """The next value. Raises EOFError when the other side is gone, TimeoutError after `deadline` (monotonic)."""
    (length,) = _LENGTH.unpack(_read(pipe, _LENGTH.size, deadline))
    return _Unpickler(io.BytesIO(_read(pipe, length, deadline))).load()


def _read(pipe: IO[bytes], length: int, deadline: float | None) -> bytes:
    pieces = []
    fd = pipe.fileno()
    while length:
        if deadline is not None:
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not select.select([fd], [], [], left_s)[0]:
                raise TimeoutError
        piece = os.read(fd, min(length, 1 << 20))
        if not piece:
            raise EOFError
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)


class _Unpickler(pickle.Unpickler):
    """Values only: no name that could run something."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _ALLOWED:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"{module}.{name} is not a value")
