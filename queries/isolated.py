"""SQL in a process of its own, for queries that a person or an agent types.

DuckDB's own limits do not cover a single value (`repeat('x', 2_000_000_000)` takes 2 GB and 40 s in which nothing
interrupts it): the system limits the memory of the whole process, and a process can be killed at any time.

For an answer as a whole there is `run`; for a grid that somebody scrolls there is `open`:

    database = IsolatedDatabase(spool)                  # cheap; the process starts with the first query
    result = database.open("from events", progress=show)    # blocks: call it in a worker thread
    result.columns, result.types                        # DuckDB's names of the types
    result.rows(0, 50)                                  # the first rows are there already
    result.rows(500_000, 50)                            # [] while they are not known: ask again (or show `known`)
    result.known, result.complete, result.truncated     # rows known so far; all of them; cut at a million
    found = database.narrow(result, "booking status:failed")  # as `result`: the rows that fit
    database.interrupt()                                # from any thread: what runs raises SqlError
    database.close()

`SqlError.position` and `.length` say where in the text the mistake is; `Progress` says what is being done.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from promptetheus.queries.isolated_pipe import receive, send, start
from promptetheus.queries.open_result import Fetched, OpenResult
from promptetheus.queries.roots import Roots, roots_of
from promptetheus.queries.sql import MAX_ROWS, TIMEOUT_S, Result, SqlError

MEMORY_BYTES = 1 << 30
"""What a query may take beyond what is loaded: DuckDB's own 512 MB and as much again for what it does not count."""

_GRACE_S = 1.0
"""DuckDB stops at the timeout, and when it is told to, by itself nearly always; after this long it is killed."""

_GONE = "These rows are gone: another query has run since. Run this one again."

_START = "from promptetheus.queries.isolated_server import serve; serve()"


class Progress(NamedTuple):
    """How far a query is, some ten times a second."""

    phase: str
    """What is being done: `reading events`, `running the query` …"""
    fraction: float | None
    """How much of that is done, from 0 to 1; None where nobody knows."""
    elapsed_s: float
    """Since the query was asked."""


OnProgress = Callable[[Progress], None]
"""Called in the thread that waits for the answer."""


class IsolatedDatabase:
    """`SpoolDatabase` in another process, which stays until `close`; the same results and errors.

    Safe to use from several threads; one query runs at a time.
    """

    def __init__(self, roots: Roots, *, memory_bytes: int = MEMORY_BYTES) -> None:
        """One spool directory, or several."""
        self._roots = roots_of(roots)
        self._memory_bytes = memory_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._directory = ""
        """Everything temporary of the process lies in it."""
        self._busy = threading.Lock()
        self._sending = threading.Lock()
        self._stopped = threading.Event()
        self._asked = 0
        """Number of the question asked last."""
        self._answered = 0
        self._token = 0
        """Number of the question whose result is open."""
        self._narrowed = 0
        """Number of the question that narrowed it last."""

    def run(
        self,
        sql: str,
        *,
        max_rows: int = MAX_ROWS,
        timeout_s: float = TIMEOUT_S,
        progress: OnProgress | None = None,
    ) -> Result:
        """Run one query. Raises SqlError, also when it takes too long or too much memory."""
        with self._busy:
            self._token = 0
            return Result(*self._ask("run", (sql, max_rows, timeout_s), timeout_s, progress))

    def open(
        self, sql: str, *, timeout_s: float = TIMEOUT_S, progress: OnProgress | None = None
    ) -> OpenResult:
        """Begin one query; back when the first rows are there. Raises SqlError."""
        with self._busy:
            started = time.monotonic()
            self._token = 0
            opened = self._ask("open", (sql, timeout_s), timeout_s, progress)
            self._token = self._asked
            fetch = partial(self._more, self._token)
            return OpenResult(opened, fetch, (time.monotonic() - started) * 1000, token=self._token)

    def narrow(self, result: OpenResult, text: str, *, timeout_s: float = TIMEOUT_S) -> OpenResult:
        """The rows of an open result that a filter lets through, see `row_filter`.

        Back within a fraction of a second where the rows are there already: what was found until then is known, the
        rest is looked for as it is asked for. `result` stays good, and learns how many rows it has. The next `narrow`
        ends this one. Raises SqlError.
        """
        with self._busy:
            first = self._ask_narrowed(result, "narrow", (text, result.columns), timeout_s)
            number = self._narrowed = self._asked
        opened = (result.columns, result.types, first, result.skipped, result.shadowed)
        fetch = partial(self._more_narrowed, result, number)
        return OpenResult(opened, fetch, result.elapsed_ms, token=result.token)

    def interrupt(self) -> None:
        """Stop the query that is running, from another thread; it raises SqlError there. What is loaded stays."""
        self._stopped.set()
        process, number = self._process, self._asked
        if process is None or process.stdin is None or number == self._answered:
            return
        try:
            with self._sending:
                send(process.stdin, (number, "stop", None))
        except (OSError, ValueError):  # it is ending anyhow
            pass
        timer = threading.Timer(_GRACE_S, self._kill, (process, number))
        timer.daemon = True
        timer.start()

    def close(self) -> None:
        """End the process. A later `run` starts another."""
        with self._busy:
            self._end()

    def _more(self, token: int, start: int, timeout_s: float) -> Fetched:
        with self._busy:
            if token != self._token or self._process is None:
                raise SqlError(_GONE)
            try:
                found: Fetched = self._ask("rows", (start, timeout_s), timeout_s, None)
                return found
            except SqlError:
                self._token = 0
                raise

    def _more_narrowed(self, result: OpenResult, number: int, start: int, timeout_s: float) -> Fetched:
        with self._busy:
            if number != self._narrowed:
                raise SqlError("These rows are gone: another filter is in force since.")
            return self._ask_narrowed(result, "narrowed rows", start, timeout_s)

    def _ask_narrowed(self, result: OpenResult, what: str, about: object, timeout_s: float) -> Fetched:
        if result.token != self._token or self._process is None:
            raise SqlError(_GONE)
        found: Fetched
        try:
            found, whole = self._ask(what, (about, timeout_s), timeout_s, None)
        except SqlError:
            self._token = 0
            raise
        result.learn(*whole)
        return found

    def _ask(self, what: str, details: object, timeout_s: float, progress: OnProgress | None) -> Any:
        started = time.monotonic()
        self._stopped.clear()
        process = self._process = self._process or self._started()
        assert process.stdin is not None and process.stdout is not None
        try:
            with self._sending:
                self._asked += 1
                send(process.stdin, (self._asked, what, details))
            while True:
                number, kind, reply = receive(process.stdout, started + timeout_s + _GRACE_S)
                if number != self._asked:
                    continue
                if kind != "progress":
                    break
                if progress is not None:
                    phase, fraction = reply
                    progress(Progress(phase, fraction, time.monotonic() - started))
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
        finally:
            self._answered = self._asked
        if kind == "error":
            raise SqlError(*reply)
        return reply

    def _started(self) -> subprocess.Popen[bytes]:
        process = start(_START)
        assert process.stdin is not None
        # Ours to remove: a process that is killed leaves behind what it made.
        self._directory = tempfile.mkdtemp(prefix="promptetheus-sql-")
        roots = [str(root.absolute()) for root in self._roots]
        send(process.stdin, (roots, self._memory_bytes, self._directory))
        return process

    def _kill(self, process: subprocess.Popen[bytes], number: int) -> None:
        """What did not stop when it was told to."""
        if self._asked == number != self._answered and self._process is process:
            process.kill()

    def _end(self) -> None:
        process, self._process = self._process, None
        self._token = 0
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                try:
                    if pipe is not None:
                        pipe.close()
                except OSError:  # what was not sent cannot be sent any more
                    pass
            shutil.rmtree(self._directory, ignore_errors=True)


def _stopped_after(started: float) -> str:
    return f"Stopped after {time.monotonic() - started:.1f} s. Ask for less, or allow more time."
