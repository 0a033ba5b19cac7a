"""A session's lines in the spool."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import orjson

from promptetheus import guard
from promptetheus.artifacts import MAX_ARTIFACT_BYTES, store_artifact
from promptetheus.encoding import encode_line
from promptetheus.events import Event
from promptetheus.retention import is_due, prune
from promptetheus.sampling import Judge
from promptetheus.settings import get_config
from promptetheus.spool import SpoolFile

_count_recorded = guard.recorded.add


class SpoolSink:
    """Lines in the spool file of the session."""

    is_spool = True

    def __init__(self, spool_dir: Path, session_id: str) -> None:
        self._directory = spool_dir
        self._file = SpoolFile(spool_dir, session_id)
        self.lock = self._file.lock
        """Held by the recorder from the number of an event to its line."""
        self._lost = 0

    def start(self) -> int:
        """The `seq` that the session goes on with: 0 unless its file has events already."""
        try:
            return self._file.open()
        except (OSError, ValueError):  # the first line will say so
            return 0

    def announce(self, trace: dict[str, Any]) -> None:
        """Nothing: the first line opens the session."""

    def write(self, line: bytes) -> bool:
        """Append the line, under the lock; what cannot be written is counted and reported."""
        if self._file.put(line):
            _count_recorded()
            return True
        self._lost += 1
        guard.report("dropped.unwritable", f"cannot write to {self._file.path}: {self._file.last_error}")
        return False

    def store(self, data: bytes | BinaryIO, extension: str, what: str = "") -> Mapping[str, Any] | None:
        """Keep a picture or recording; None when it is too large or cannot be written."""
        if isinstance(data, bytes) and len(data) > MAX_ARTIFACT_BYTES:
            guard.report(
                "dropped.artifact", f"a value of {len(data)} bytes is larger than an artifact may be"
            )
            return None
        try:
            kept = store_artifact(self._directory, data, extension)
        except (OSError, ValueError) as error:
            guard.report("dropped.artifact", "an artifact could not be kept", error)
            return None
        return {"artifact_id": kept.artifact_id, "storage_path": kept.storage_path}

    def own_bytes(self) -> int | None:
        """Bytes in the file so far if they are all ours and none of ours is missing."""
        own = self._file.own_bytes()
        if self._file.was_replaced:
            guard.report(
                "failed.deleted",
                f"{self._file.path} was deleted or cut during its session: what was in it is gone",
            )
        return None if self._lost else own

    @property
    def lost_events(self) -> int:
        """Events that could not be written."""
        return self._lost

    def sync(self) -> None:
        """Ask the disk to keep what was written. In an event loop that waiting is done by a thread of its
        executor: a busy disk may take a second."""
        loop = _running_loop()
        if loop is None:
            self._file.sync()
            return
        fd = self._file.duplicate()
        if fd is not None:
            try:
                loop.run_in_executor(None, _sync_and_close, fd)
            except RuntimeError:  # the executor has shut down
                _sync_and_close(fd)

    def flush(self, timeout: float | None) -> None:
        """Nothing: every line was written when its call returned."""

    def decide(self, judge: Judge) -> None:
        """Keep the ended session, or take its file away again. A file that others wrote to, too, is kept."""
        with self.lock:
            size = self._file.own_bytes()
            try:
                if size is None or size != self._file.path.stat().st_size:
                    return
            except OSError:
                return
            spooled = _SpooledEvents(self._file.path)
            verdict = judge(spooled)
            if verdict.keep:
                return
            guard.count("dropped.tail_sampled", len(spooled))
            kept = verdict.skeleton(spooled.first, spooled.last, len(spooled))
            self._file.start_over()
            for event in kept:
                self._file.append(encode_line(event))

    def after_fork(self) -> None:
        """A lock and a descriptor of the child's own."""
        self._file.after_fork()
        self.lock = self._file.lock

    def close(self) -> None:
        """Close the file; a later event opens it again."""
        self._file.close()

    def prune(self) -> None:
        """Keep the spool below its cap, at times; in an event loop by a thread of its executor."""
        if not is_due(self._directory):
            return
        loop = _running_loop()
        try:
            if loop is None:
                _prune(self._directory)
            else:
                loop.run_in_executor(None, _prune, self._directory)
        except RuntimeError:  # the executor has shut down
            pass


class _SpooledEvents:
    """The events of a spool file, read again at each iteration and never all in memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with open(path, "rb") as file:
            self._number = sum(1 for _ in file)

    def __len__(self) -> int:
        return self._number

    def __iter__(self) -> Iterator[Event]:
        with open(self._path, "rb") as file:
            for line in file:
                try:
                    yield orjson.loads(line)
                except ValueError:  # a line that was torn by a full disk
                    continue

    @property
    def first(self) -> Event:
        return next(iter(self), {})

    @property
    def last(self) -> Event:
        return next(iter(deque(self, maxlen=1)), {})


def _running_loop() -> Any:
    asyncio = sys.modules.get("asyncio")
    if asyncio is None:
        return None
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _sync_and_close(fd: int) -> None:
    try:
        os.fsync(fd)
    except OSError:
        pass
    finally:
        os.close(fd)


def _prune(directory: Path) -> None:
    config = get_config()
    try:
        prune(directory, config.spool_max_bytes, keep_undelivered=config.api_key is not None)
    except Exception as error:  # a directory that went away, a disk that is full
        guard.report("failed.retention", "the spool could not be pruned", error)
