"""Which session files changed, within milliseconds; by polling where the system has no watches left."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Literal, Protocol

SUFFIX = ".jsonl"

GATHER_MS = 4
"""Changes that come faster than this are told together: a reader that looks at each write of a busy agent would
need a processor of its own."""

HEARTBEAT_MS = 200
"""How often the directory itself is looked at while nothing changes."""

QUIET_S = 1.0
"""This long after a burst everything is looked at once more."""

_APPEARS_S = 0.2
_POLL_S = 0.25
_POLL_SHARE = 10
"""A poll of 10,000 files takes 28 ms: the pause after one is at least this many times as long."""

Mode = Literal["waiting", "native", "polling"]


class StopEvent(Protocol):
    """Anything with `is_set`, such as `asyncio.Event`; looked at several times a second."""

    def is_set(self) -> bool: ...


class Watcher:
    """Watches the session files of one spool.

    `mode` tells how: waiting for the directory to appear, by native watches, or polling; `reason` why it polls.
    """

    def __init__(self, root: Path, *, force_polling: bool = False) -> None:
        self.root = root
        self.mode: Mode = "waiting"
        self.reason = ""
        self._force_polling = force_polling

    async def changes(self, stop: StopEvent) -> AsyncGenerator[set[Path], None]:
        """Sets of changed, new or deleted session files, until `stop` is set.

        A set that holds the root itself means that anything may have changed: when watching begins, when the
        directory was replaced, and once after each burst, in case the system dropped a notice.
        """
        while not stop.is_set():
            self.mode = "waiting"
            try:
                directory = _Directory(self.root)
            except OSError:
                await asyncio.sleep(_APPEARS_S)
                continue
            try:
                async with aclosing(self._watch(stop, directory)) as watching:
                    async for found in watching:
                        yield found
            finally:
                directory.close()

    async def _watch(self, stop: StopEvent, directory: _Directory) -> AsyncGenerator[set[Path], None]:
        """Changes in this directory until it is another one."""
        if self._force_polling:
            self.reason = "asked to"
        else:
            try:
                async with aclosing(self._native(stop, directory)) as watching:
                    async for found in watching:
                        yield found
                return
            except (OSError, RuntimeError) as error:
                # No watches or instances left (fs.inotify.max_user_*), or no inotify at all.
                self.reason = str(error) or type(error).__name__
        async with aclosing(self._polling(stop, directory)) as polling:
            async for found in polling:
                yield found

    async def _native(self, stop: StopEvent, directory: _Directory) -> AsyncGenerator[set[Path], None]:
        notices = _Notices(self.root, stop)
        unsettled_since: float | None = 0.0
        try:
            while (names := await notices.next()) is not None:
                self.mode, self.reason = "native", ""
                if names:
                    unsettled_since = time.monotonic()
                    yield {self.root / name for name in names}
                elif not directory.is_still_there():
                    yield {self.root}
                    return
                elif unsettled_since is not None and time.monotonic() - unsettled_since > QUIET_S:
                    unsettled_since = None
                    yield {self.root}
        finally:
            notices.end()

    async def _polling(self, stop: StopEvent, directory: _Directory) -> AsyncGenerator[set[Path], None]:
        self.mode = "polling"
        before = await asyncio.to_thread(_snapshot, self.root)
        yield {self.root}
        while not stop.is_set():
            started = time.monotonic()
            now = await asyncio.to_thread(_snapshot, self.root)
            took_s = time.monotonic() - started
            found = {self.root / name for name, state in now.items() if before.get(name) != state}
            found |= {self.root / name for name in before if name not in now}
            before = now
            if found:
                yield found
            if not directory.is_still_there():
                yield {self.root}
                return
            await asyncio.sleep(max(_POLL_S, took_s * _POLL_SHARE))


async def changes(root: Path, *, stop: StopEvent) -> AsyncGenerator[set[Path], None]:
    """`Watcher.changes` for those who need not know how it watches."""
    async with aclosing(Watcher(root).changes(stop)) as watching:
        async for found in watching:
            yield found


class _Notices:
    """Runs the native watch in a thread of its own; what nobody has fetched yet is gathered, not queued."""

    def __init__(self, root: Path, stop: StopEvent) -> None:
        self._root = root
        self._stop = stop
        self._ended = False
        self._loop = asyncio.get_running_loop()
        self._fetchable = asyncio.Event()
        self._lock = threading.Lock()
        self._names: set[str] | None = None
        self._outcome: list[Exception | None] = []
        """How the watch ended, once it has."""
        threading.Thread(target=self._run, name="promptetheus-watch", daemon=True).start()

    async def next(self) -> set[str] | None:
        """Names of changed files, an empty set now and then, None at the end. Raises what the watch raised."""
        while True:
            await self._fetchable.wait()
            with self._lock:
                names, self._names = self._names, None
                if not self._outcome:
                    self._fetchable.clear()
                if names is not None:
                    return names
                outcome = self._outcome[:1]
            # Told twice of names that were fetched at the first telling: there is nothing yet.
            for failure in outcome:
                if failure is not None:
                    raise failure
                return None

    def end(self) -> None:
        """Let the thread finish (within a heartbeat); nobody waits for it."""
        self._ended = True

    def is_set(self) -> bool:
        """The watch's stop event."""
        return self._ended or self._stop.is_set()

    def _run(self) -> None:
        try:
            for found in _watched(self._root, self):
                with self._lock:
                    self._names = (self._names or set()) | found
                self._tell()
            self._outcome.append(None)
        except Exception as error:  # handed to whoever awaits
            self._outcome.append(error)
        self._tell()

    def _tell(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._fetchable.set)
        except RuntimeError:  # the loop is closed: nobody listens any more
            self._ended = True


def _watched(root: Path, stop: StopEvent) -> Iterator[set[str]]:
    """Names of changed session files, an empty set now and then. Raises what watching raises."""
    if sys.platform == "linux":
        from promptetheus.queries.inotify import watched

        for names in watched(root, stop.is_set, gather_s=GATHER_MS / 1000, heartbeat_s=HEARTBEAT_MS / 1000):
            found = {name for name in names if not name or name.endswith(SUFFIX)}
            if found or not names:
                yield found
        return
    from watchfiles import watch

    for changed in watch(
        root,
        watch_filter=lambda _change, path: path.endswith(SUFFIX),
        debounce=5 * GATHER_MS,
        step=GATHER_MS,
        stop_event=stop,
        rust_timeout=HEARTBEAT_MS,
        yield_on_timeout=True,
        recursive=False,
        ignore_permission_denied=True,
    ):
        yield {os.path.basename(path) for _change, path in changed}


class _Directory:
    """The directory that is watched. While it is held open, no new one can get its inode."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._fd = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        held = os.fstat(self._fd)
        self._identity = (held.st_dev, held.st_ino)

    def is_still_there(self) -> bool:
        """Whether the path still leads to this directory."""
        try:
            found = os.stat(self._root)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    def close(self) -> None:
        os.close(self._fd)


def _snapshot(root: Path) -> dict[str, tuple[int, int, int]]:
    files = {}
    try:
        with os.scandir(root) as entries:
            for entry in entries:
                if entry.name.endswith(SUFFIX):
                    try:
                        found = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    files[entry.name] = (found.st_size, found.st_mtime_ns, found.st_ino)
    except OSError:
        pass
    return files
