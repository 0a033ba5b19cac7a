"""A gateway's project as a spool on this machine, for everything that reads spools.

What is new is appended; a session to which the gateway got something late is fetched again as a whole and takes the
place of the old file at once. Artifacts come before the lines that name them. Sessions that the gateway deleted go.
One process at a time writes a mirror; it holds a lock on the directory.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from promptetheus.artifacts import store_artifact
from promptetheus.delivery.client import Client
from promptetheus.delivery.destination import Destination
from promptetheus.delivery.mirror_index import MirroredSession, MirrorIndex, NotAMirror, load, read, save
from promptetheus.delivery.pace import Pace
from promptetheus.delivery.remote_project import (
    CannotRead,
    EventPage,
    GatewayAway,
    ProjectReader,
    RemoteProject,
    RemoteSession,
)
from promptetheus.delivery.wire import artifact_paths
from promptetheus.settings import DEFAULT_SPOOL_MAX_BYTES
from promptetheus.spool import make_private_directory, session_file_name, session_file_stem

MAX_SESSIONS = 20_000
"""So many of the newest are looked at."""

REFRESH_S = 2.0
_NEWEST = 200
"""Sessions that a quick look takes in."""

_QUICK_LOOKS = 15
"""So many, and then one at all sessions: an old one may have grown, or be gone."""

_SAVE_S = 1.0


class InUse(Exception):
    """Another process writes this mirror, which can be read meanwhile."""

    def __init__(self, spool: Path) -> None:
        super().__init__(f"{spool} is being written by another process")
        self.spool = spool


class Round(NamedTuple):
    """What a look at the gateway brought."""

    listed: int
    """Sessions that were looked at."""
    sessions: int
    """Of these had something new."""
    events: int
    """That were fetched, those of a session that was fetched again included."""
    artifacts: int
    lost_artifacts: int
    """Named by an event, and the gateway does not have them as named."""
    removed: int
    """Sessions that the gateway has no longer."""
    is_full: bool
    """Whether the cap was reached: older sessions may be missing."""


def mirror_directory(api_url: str, project_id: str) -> Path:
    """Where the mirror of a project is kept: below $XDG_CACHE_HOME, or ~/.cache. Raises CannotRead."""
    return _mirrors_of(api_url) / session_file_stem(project_id) / "spool"


def mirrored_before(api_url: str, project: str, into: Path | None = None) -> RemoteProject | None:
    """The project of this id or name of which there is a mirror: one in `into`, or below the user's cache."""
    spools = [into] if into is not None else sorted(_mirrors_of(api_url).glob("*/spool"))
    found = []
    for spool in spools:
        try:
            index = read(spool)
        except (NotAMirror, OSError):
            continue
        if index is not None and index.api_url == api_url:
            found.append(RemoteProject(index.project_id, index.name))
    by_id = [known for known in found if known.project_id == project]
    matching = by_id or [known for known in found if known.name == project]
    return matching[0] if len(matching) == 1 else None


def _mirrors_of(api_url: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path(os.path.expanduser("~")) / ".cache")
    if not cache.is_absolute():
        raise CannotRead("there is no home directory to keep the mirror in: set XDG_CACHE_HOME")
    return cache / "promptetheus" / "mirrors" / session_file_stem(api_url)


class Mirror:
    """The mirror of one project, while it is written.

    Args:
        max_bytes: Nothing further is fetched once it has so many; the newest sessions come first.
        away: Why nothing newer than what is here could be asked for when it was opened.
    """

    def __init__(
        self,
        spool: Path,
        reader: ProjectReader,
        index: MirrorIndex,
        max_bytes: int = DEFAULT_SPOOL_MAX_BYTES,
        away: GatewayAway | None = None,
    ) -> None:
        self.spool = spool
        self.away = away
        self._reader = reader
        self._index = index
        self._max_bytes = max_bytes
        self._size = index.size_bytes
        self._saved_s = time.monotonic()
        self._events = self._artifacts = self._lost = 0

    def refresh(
        self,
        *,
        is_quick: bool = False,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[int, int], None] = lambda sessions, events: None,
    ) -> Round:
        """Fetch what is new. Raises CannotRead and OSError; what was fetched until then stays.

        Args:
            is_quick: Look at the newest sessions only.
            stop: Asked between sessions and pages.
            progress: Told how many sessions and events came so far.
        """
        self._events = self._artifacts = self._lost = changed = removed = 0
        listed: set[str] = set()
        limit = _NEWEST if is_quick else MAX_SESSIONS
        try:
            for remote in itertools.islice(self._reader.sessions(self._index.project_id), limit):
                if stop():
                    break
                listed.add(remote.session_id)
                if self._is_known(remote) or self._is_full:
                    continue
                self._bring(remote, stop)
                changed += 1
                progress(changed, self._events)
            else:
                if len(listed) < limit:
                    removed = self._remove([name for name in self._index.sessions if name not in listed])
        finally:
            if changed or removed:
                self._save()
        return Round(len(listed), changed, self._events, self._artifacts, self._lost, removed, self._is_full)

    @property
    def _is_full(self) -> bool:
        return self._size >= self._max_bytes

    def _is_known(self, remote: RemoteSession) -> bool:
        held = self._index.sessions.get(remote.session_id)
        return held is not None and (held.listed_events, held.listed_change) == (
            remote.events,
            remote.changed,
        )

    def _bring(self, remote: RemoteSession, stop: Callable[[], bool]) -> None:
        path = self.spool / session_file_name(remote.session_id)
        held = self._index.sessions.setdefault(remote.session_id, MirroredSession())
        for page in self._pages(remote.session_id, held.last_seq, stop):
            self._append(path, held, page)
        if held.events + held.missing < remote.events and not stop() and not self._is_full:
            held = self._bring_again(path, remote, stop)
        if stop() or self._is_full:
            return
        held.listed_events, held.listed_change = remote.events, remote.changed
        if remote.changed_s is not None and path.exists():
            # Whether the writer on another machine still runs is told by when its session last grew.
            os.utime(path, (remote.changed_s, remote.changed_s))
        if time.monotonic() - self._saved_s > _SAVE_S:
            self._save()

    def _pages(self, session_id: str, after_seq: int, stop: Callable[[], bool]) -> Iterator[EventPage]:
        cursor: str | None = None
        while not stop() and not self._is_full:
            page = self._reader.events(self._index.project_id, session_id, after_seq=after_seq, cursor=cursor)
            if not page.lines:
                return
            yield page
            cursor = page.cursor
            if cursor is None:
                return

    def _append(self, path: Path, held: MirroredSession, page: EventPage) -> None:
        self._bring_artifacts(page)
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(fd, "wb") as file:
            if os.fstat(fd).st_size != held.size_bytes:
                os.ftruncate(fd, held.size_bytes)  # what a round that was cut off left
            file.seek(held.size_bytes)
            written = file.write(b"".join(page.lines))
        held.size_bytes += written
        held.events += len(page.lines)
        held.last_seq = max(held.last_seq, page.last_seq)
        self._size += written
        self._events += len(page.lines)

    def _bring_again(self, path: Path, remote: RemoteSession, stop: Callable[[], bool]) -> MirroredSession:
        """The whole session anew: something came to the gateway with a `seq` below the ones that are here."""
        old = self._index.sessions[remote.session_id]
        new = MirroredSession()
        draft = path.with_name(f".{path.name}.again")
        try:
            for page in self._pages(remote.session_id, -1, stop):
                self._append(draft, new, page)
            if stop() or self._is_full or new.events <= old.events:
                new = old
            else:
                self._index.sessions[remote.session_id] = (
                    MirroredSession()
                )  # should this be cut off in between
                self._save()
                os.replace(draft, path)
                self._index.sessions[remote.session_id] = new
        finally:
            draft.unlink(missing_ok=True)
            self._size = self._index.size_bytes
        new.missing = max(0, remote.events - new.events)
        return new

    def _bring_artifacts(self, page: EventPage) -> None:
        for path in dict.fromkeys(name for line in page.lines for name in artifact_paths(line)):
            if (self.spool / path).exists() or self._is_full:
                continue
            digest, _, extension = path.rpartition("/")[2].partition(".")
            data = self._reader.artifact(self._index.project_id, digest)
            if data is None:
                self._lost += 1
                continue
            store_artifact(self.spool, data, extension)
            self._artifacts += 1
            self._index.artifact_bytes += len(data)
            self._size += len(data)

    def _remove(self, gone: list[str]) -> int:
        for name in gone:
            (self.spool / session_file_name(name)).unlink(missing_ok=True)
            self._size -= self._index.sessions.pop(name).size_bytes
        return len(gone)

    def _save(self) -> None:
        save(self.spool, self._index)
        self._saved_s = time.monotonic()


@contextmanager
def opened(
    target: Destination, project: str, into: Path | None = None, max_bytes: int = DEFAULT_SPOOL_MAX_BYTES
) -> Iterator[Mirror]:
    """The mirror of the project of this id or name, for writing while the block runs. A gateway that is away does
    not hinder a mirror that was made before: `away` says so.

    Args:
        into: The directory; None: the project's own below the user's cache.

    Raises:
        CannotRead: When the gateway cannot be read and there is no mirror yet, or the key sees no such project.
        InUse: When another process writes it.
        NotAMirror: When the directory holds something else.
        OSError: When it cannot be written.
    """
    with Client(target) as client:
        reader = ProjectReader(client, target.api_url)
        away = None
        try:
            found = reader.find(project)
        except GatewayAway as error:
            before = mirrored_before(target.api_url, project, into)
            if before is None:
                raise
            found, away = before, error
        spool = into or mirror_directory(target.api_url, found.project_id)
        make_private_directory(spool)
        with _claimed(spool):
            index = load(spool, target.api_url, found.project_id)
            index.name = found.name
            save(spool, index)
            yield Mirror(spool, reader, index, max_bytes, away)


def keep_fresh(mirror: Mirror, stop: threading.Event, told: Callable[[str], None]) -> None:
    """Refresh every other second until told to stop, with longer pauses while the gateway cannot be read.

    Args:
        told: Called after each look: with what went wrong, or with an empty text.
    """
    pace = Pace()
    for number in itertools.count():
        try:
            mirror.refresh(is_quick=number % (_QUICK_LOOKS + 1) != 0, stop=stop.is_set)
        except (CannotRead, OSError) as error:
            pace.failed()
            told(str(error))
        else:
            pace.succeeded()
            told("")
        if stop.wait(max(REFRESH_S, pace.wait_s())):
            return


@contextmanager
def _claimed(spool: Path) -> Iterator[None]:
    fd = os.open(spool, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(spool) from None
        except OSError:  # a file system without locks
            pass
        yield
    finally:
        os.close(fd)
