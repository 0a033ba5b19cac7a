"""The process that runs queries for `IsolatedDatabase`: it can be limited by the system, and killed."""

from __future__ import annotations

import os
import pickle
import queue
import shutil
import tempfile
import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from promptetheus.queries.isolated_pipe import receive, send, unpacked
from promptetheus.queries.open_query import Row
from promptetheus.queries.row_filter import RowFilter
from promptetheus.queries.sql import SpoolDatabase, SqlError

FIRST_ROWS = 100
BLOCK_ROWS = 1000
BLOCK_BYTES = 4 * 1024 * 1024
"""Rows of an open result are computed, kept and sent in blocks of at most so many (the first one is smaller, so that
it is there soon), or one row where that is larger."""

MAX_KEPT_ROWS = 1_000_000
MAX_KEPT_BYTES = 4 * 1024 * 1024 * 1024
"""An open result ends here; its blocks lie in a file without a name, not in memory."""

_EVERY_S = 0.1
_SLICE_S = 0.5
"""Who asks for a row far behind what is known hears after so long how far it is, and asks again."""

_NARROWED_SLICE_S = 0.1
"""The same of rows that a filter lets through: a person types the next letter meanwhile."""

Reply = tuple[str, Any]


class Kept:
    """The rows of an open result that were computed so far, in blocks in a temporary file."""

    def __init__(self, take: Callable[[int, int], tuple[list[Row], bool]], slice_s: float = _SLICE_S) -> None:
        """`take` gives the next rows (at most so many, about so many bytes) and whether there are more."""
        self._take = take
        self._slice_s = slice_s
        self._file = tempfile.TemporaryFile(prefix="promptetheus-sql-")  # noqa: SIM115 - closed by `close`
        self._blocks: list[tuple[int, int, int]] = []
        """Of each: its first row, and where in the file it lies: offset and length."""
        self.rows = 0
        self.complete = False
        """There are no further rows, or none are taken: see `truncated`."""
        self.truncated = False

    def read(self, start: int) -> list[Row]:
        """The rows from `start` to the end of their block, about a thousand; empty where none is known."""
        until = time.monotonic() + self._slice_s
        while start >= self.rows and not self.complete:
            self._compute()
            if time.monotonic() > until:
                break
        if not start < self.rows:
            return []
        place = bisect_right(self._blocks, start, key=lambda b: b[0]) - 1
        first, offset, length = self._blocks[place]
        self._file.seek(offset)
        block: list[Row] = unpacked(self._file.read(length))
        # Rows that are looked for come a few at a time: what follows goes along as far as a block has room.
        for begin, _, more in self._blocks[place + 1 :]:
            length += more
            if length > BLOCK_BYTES or begin - first >= BLOCK_ROWS:
                break
            block += unpacked(self._file.read(more))
        return block[start - first :]

    def close(self) -> None:
        """Remove the file."""
        self._file.close()

    def _compute(self) -> None:
        wanted = BLOCK_ROWS if self.rows else FIRST_ROWS
        rows, more = self._take(min(wanted, MAX_KEPT_ROWS - self.rows), BLOCK_BYTES)
        if rows:
            data = pickle.dumps(rows)
            offset = self._file.seek(0, os.SEEK_END)
            self._file.write(data)
            self._blocks.append((self.rows, offset, len(data)))
            self.rows += len(rows)
            self.truncated = more and (self.rows >= MAX_KEPT_ROWS or offset + len(data) >= MAX_KEPT_BYTES)
        self.complete = not more or self.truncated


class Narrowed:
    """Goes through the rows of an open result, once, and gives those that a filter lets through."""

    def __init__(self, kept: Kept, wanted: RowFilter) -> None:
        self._kept = kept
        self._wanted = wanted
        self._next = 0

    def take(self, rows: int, size: int) -> tuple[list[Row], bool]:
        """The fitting rows of the next block, at most so many, and whether there are rows to look at."""
        found: list[Row] = []
        block = self._kept.read(self._next)
        for row in block:
            if len(found) == rows:
                return found, True
            self._next += 1
            if self._wanted.matches(row):
                found.append(row)
        return found, bool(block) or not self._kept.complete


def serve() -> None:
    """Answer questions from standard input until it ends."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDWR), 1)  # whatever else is printed is no reply
    roots, memory_bytes, directory = receive(questions)
    tempfile.tempdir = directory
    _Server(_BoundedDatabase([Path(root) for root in roots], memory_bytes), answers).answer_all(questions)


class _Server:
    """Runs one query at a time, listens meanwhile, and says how far it is."""

    def __init__(self, database: _BoundedDatabase, answers: IO[bytes]) -> None:
        self._database = database
        self._answers = answers
        self._sending = threading.Lock()
        self._waiting: queue.SimpleQueue[tuple[int, str, Any]] = queue.SimpleQueue()
        self._number = self._cancelled = 0
        self._working = threading.Event()
        self._kept: Kept | None = None
        self._narrowed: Kept | None = None
        """Those of its rows that the filter lets through that was asked for last."""
        self._timeout_s = 0.0

    def answer_all(self, questions: IO[bytes]) -> None:
        for work in (self._listen, self._tell_progress):
            threading.Thread(target=work, args=(questions,), daemon=True).start()
        while True:
            self._number, what, details = self._waiting.get()
            self._working.set()
            reply = self._reply(what, details)
            self._working.clear()
            self._send(reply)

    def _listen(self, questions: IO[bytes]) -> None:
        """Take questions in, so that a query can be stopped; ends the process with the one that asks."""
        while True:
            try:
                number, what, details = receive(questions)
            except (EOFError, OSError):
                # Whoever asked may have been killed, and cannot remove it.
                shutil.rmtree(tempfile.gettempdir(), ignore_errors=True)
                os._exit(0)
            if what != "stop":
                self._waiting.put((number, what, details))
            else:
                self._cancelled = number
                if number == self._number:
                    self._database.interrupt()

    def _tell_progress(self, _: IO[bytes]) -> None:
        while True:
            self._working.wait()
            number = self._number
            threading.Event().wait(_EVERY_S)
            if self._working.is_set() and number == self._number:
                self._send(("progress", (self._database.phase, self._database.progress())))

    def _send(self, reply: Reply) -> None:
        with self._sending:
            try:
                send(self._answers, (self._number, *reply))
            except OSError:
                os._exit(0)

    def _reply(self, what: str, details: Any) -> Reply:
        try:
            if self._cancelled >= self._number:
                raise SqlError("Stopped before it began.")
            match what:
                case "run":
                    return "result", self._run(*details)
                case "open":
                    return "opened", self._open(*details)
                case "narrow":
                    return "rows", self._narrow(*details)
                case "narrowed rows":
                    return "rows", self._more_narrowed(*details)
                case _:
                    return "rows", self._more(*details)
        except SqlError as error:
            return "error", (str(error), error.position, error.length)
        except MemoryError:
            allowed = f"{self._database.memory_bytes >> 20} MB"
            return "error", (f"The query needed more than the {allowed} that it may have.", None, 0)
        except OSError as error:
            return "error", (f"The result cannot be kept: {error.strerror or error}.", None, 0)

    def _run(self, sql: str, max_rows: int, timeout_s: float) -> tuple[Any, ...]:
        self._forget()
        found = self._database.run(sql, max_rows=max_rows, timeout_s=timeout_s)
        return (
            found.columns, found.types, found.rows, found.truncated, found.elapsed_ms, found.skipped,
            found.shadowed,
        )  # fmt: skip

    def _open(self, sql: str, timeout_s: float) -> tuple[Any, ...]:
        """Columns, types and the first rows."""
        self._forget()
        query = self._database.open(sql, timeout_s=timeout_s)
        rows = self._more(0, timeout_s)
        return query.columns, query.types, rows, self._database.skipped, self._database.shadowed

    def _more(self, start: int, timeout_s: float) -> tuple[list[Row], int, bool, bool]:
        """Rows from `start` on, how many are known, whether that is all, and whether the limit cut them."""
        self._timeout_s = timeout_s
        kept = self._kept = self._kept or Kept(self._take_more)
        rows = kept.read(start)
        return rows, kept.rows, kept.complete, kept.truncated

    def _narrow(self, asked: tuple[str, tuple[str, ...]], timeout_s: float) -> tuple[Any, ...]:
        """The first of the rows of the open result that a filter lets through."""
        if self._narrowed is not None:
            self._narrowed.close()
        kept = self._kept = self._kept or Kept(self._take_more)
        self._narrowed = Kept(Narrowed(kept, RowFilter(*asked)).take, _NARROWED_SLICE_S)
        return self._more_narrowed(0, timeout_s)

    def _more_narrowed(self, start: int, timeout_s: float) -> tuple[Any, ...]:
        """As `_more`, of the rows that the filter lets through; and how many there are in all, as far as known."""
        self._timeout_s = timeout_s
        kept, whole = self._narrowed, self._kept
        assert kept is not None and whole is not None
        rows = kept.read(start)
        return (rows, kept.rows, kept.complete, whole.truncated), (
            whole.rows,
            whole.complete,
            whole.truncated,
        )

    def _take_more(self, rows: int, size: int) -> tuple[list[Row], bool]:
        self._database.phase = "fetching rows"
        return self._database.take_more(rows, size, timeout_s=self._timeout_s)

    def _forget(self) -> None:
        for kept in (self._kept, self._narrowed):
            if kept is not None:
                kept.close()
        self._kept = self._narrowed = None


class _BoundedDatabase(SpoolDatabase):
    """Limits the address space while the query of a stranger runs, not while the spool is loaded."""

    def __init__(self, roots: list[Path], memory_bytes: int) -> None:
        super().__init__(roots)
        self.memory_bytes = memory_bytes

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
        resource.setrlimit(resource.RLIMIT_AS, (used + self.memory_bytes, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_AS, before)
