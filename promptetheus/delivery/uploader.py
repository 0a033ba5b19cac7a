"""The background thread that ships sessions while the agent runs: one a process and destination.

Recording does not wait for it and does not talk to it: it looks at the sizes of the files. A session costs the
agent the same with delivery as without, but for one call at its start and one at its end.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptetheus import guard
from promptetheus.delivery.destination import Destination
from promptetheus.delivery.pace import Pace
from promptetheus.delivery.record import DeliveryRecord, load, meant_for_delivery, pending_bytes, save
from promptetheus.settings import get_config

FLUSH_INTERVAL_S = 1.0
"""How often the files are looked at."""

LEFTOVERS_INTERVAL_S = 300.0
"""How often sessions of processes that have ended are looked for. The first time is at the start."""

MAX_WAITING_SESSIONS = 1000
"""So many ended sessions wait for a gateway that does not answer; further ones become leftovers."""

_TRIES_AT_EXIT = 2
"""So many failures in a row are enough to let the rest wait for the next process."""


@dataclass(slots=True)
class _Watched:
    path: Path
    has_ended: bool = False
    is_done: bool = False
    """Whether nothing was left to send when it was looked at last."""


class Uploader:
    """Ships the sessions of this process to one destination. Every method may be called from any thread; none
    raises, and only `flush` waits."""

    def __init__(self, target: Destination) -> None:
        self.target = target
        self.pace = Pace()
        self._watched: dict[Path, _Watched] = {}
        self._spools: dict[Path, float] = {}
        """Spool directories, and when their leftovers are due."""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_closed = False
        self._asked = False
        """Whether somebody wants the files looked at now."""
        self._rounds = 0
        self._counts = {
            "delivered_batches": 0,
            "delivered_events": 0,
            "dead_lettered_events": 0,
            "failures": 0,
        }

    def watch(self, session_file: Path) -> None:
        """Ship this session from now on. It is marked as meant for delivery, so that the next process goes on
        with it when this one dies."""
        try:
            if load(session_file) is None:
                save(session_file, DeliveryRecord(api_url=self.target.api_url))
        except OSError as error:
            guard.report("failed.delivery_record", "a session could not be marked for delivery", error)
        with self._changed:
            if self._is_closed:
                return
            self._watched.setdefault(session_file, _Watched(session_file)).has_ended = False
            self._spools.setdefault(session_file.parent, 0.0)
            self._start()

    def ended(self, session_file: Path) -> None:
        """The session wrote its last line: ship it now and forget it."""
        with self._changed:
            watched = self._watched.get(session_file)
            if watched is not None:
                watched.has_ended, watched.is_done = True, False
            self._forget_surplus()
            self._ask()

    def wake(self) -> None:
        """Look at the files now."""
        with self._changed:
            self._ask()

    def flush(self, timeout_s: float, session_files: Iterable[Path] | None = None) -> bool:
        """Wait until these sessions (None: all) are acknowledged as they stand now. False when that did not
        happen in time or the gateway cannot be reached; everything else stays pending."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            wanted = list(self._watched) if session_files is None else list(session_files)
            failures, rounds = self.pace.failures, self._rounds
            if self._thread is None or not self._thread.is_alive():
                return not self._pending(wanted)
            self._ask()
            while self._pending(wanted):
                left = deadline - time.monotonic()
                gave_up = self._rounds > rounds and (
                    self.pace.failures >= failures + _TRIES_AT_EXIT or self.pace.wait_s() > left
                )
                if left <= 0 or gave_up:
                    return False
                self._changed.wait(min(left, 0.05))
            return True

    def stats(self) -> dict[str, Any]:
        """Counts: `delivered_batches`, `delivered_events`, `dead_lettered_events`, `failures`, `sessions`, and the
        `circuit_state`."""
        with self._changed:
            return {**self._counts, "circuit_state": self.pace.state, "sessions": len(self._watched)}

    def close(self, timeout_s: float) -> None:
        """Flush, then end the thread. What is left stays pending."""
        deadline = time.monotonic() + timeout_s
        self.flush(timeout_s)
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))

    # ── the thread ───────────────────────────────────────────────────────────────────────────────────────

    def _start(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name="promptetheus-uploader", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is ending, or the host has too many threads
                self._thread = None

    def _ask(self) -> None:
        self._asked = True
        self._changed.notify_all()

    def _run(self) -> None:
        try:
            from promptetheus.delivery.client import Client  # takes 60 ms: here nobody waits for it
            from promptetheus.delivery.shipment import Shipment

            with Client(self.target) as client:
                shipment = Shipment(client, self.target.api_url)
                while self._wait():
                    self._round(shipment)
                    with self._changed:
                        self._rounds += 1
                        self._changed.notify_all()
        except Exception as error:
            guard.report("failed.delivery", "delivery stopped; sessions stay in the spool", error)

    def _wait(self) -> bool:
        """Sleep until there may be something to do; False when it is time to end."""
        with self._changed:
            if not self._asked and not self._is_closed:
                # Nobody writes when nothing is watched: then only a call of ours can change that.
                idle = not self._watched and not self._has_leftovers_due()
                self._changed.wait(None if idle else FLUSH_INTERVAL_S)
            while not self._is_closed and (wait := self.pace.wait_s()) > 0:
                self._changed.wait(wait)
            self._asked = False
            return not self._is_closed

    def _has_leftovers_due(self) -> bool:
        return any(due <= time.monotonic() for due in self._spools.values())

    def _round(self, shipment: Any) -> None:
        """Ship what is pending, until the first failure."""
        with self._changed:
            own = [
                watched for watched in self._watched.values() if not watched.is_done or not watched.has_ended
            ]
        for watched in own:
            watched.is_done = self._ship(shipment, watched.path, is_settled=watched.has_ended)
            if watched.is_done and watched.has_ended:
                with self._changed:
                    if watched.has_ended:
                        self._watched.pop(watched.path, None)
            if self.pace.failures or self._is_closed:
                return
        for path in self._leftovers():
            self._ship(shipment, path, is_settled=False)
            if self.pace.failures or self._is_closed or self._asked:
                return

    def _ship(self, shipment: Any, path: Path, *, is_settled: bool) -> bool:
        """Whether nothing is left to send of this session for now."""
        if not pending_bytes(path, load(path)):
            return True
        try:
            shipped = shipment.ship(path, is_settled=is_settled, stop=lambda: self._is_closed)
        except FileNotFoundError:
            return True
        except OSError as error:
            guard.report("failed.delivery", "a session could not be shipped", error)
            return False
        with self._changed:
            self._counts["delivered_batches"] += shipped.batches
            self._counts["delivered_events"] += shipped.delivered
            self._counts["dead_lettered_events"] += shipped.refused
        guard.count("delivered.events", shipped.delivered)
        if shipped.refused:
            guard.report(
                "dropped.refused", f"the gateway refused events; they are in {path.parent}/dead-letter"
            )
        if shipped.failure is not None:
            with self._changed:
                self._counts["failures"] += 1
                self.pace.failed(shipped.failure.retry_after_s)
            guard.report("failed.delivery", f"{self.target.api_url}: {shipped.failure.error}")
        elif shipped.delivered:
            self.pace.succeeded()
        return bool(shipped.is_done)

    def _leftovers(self) -> Iterator[Path]:
        """Sessions that were meant for delivery and are not watched by this process, where it is time to look."""
        now = time.monotonic()
        for spool, due in list(self._spools.items()):
            if due > now:
                continue
            for number, path in enumerate(meant_for_delivery(spool)):
                if path not in self._watched:
                    yield path
                if number % 50 == 49:
                    time.sleep(0.001)  # thousands of small files: the agent's threads come first
            self._spools[spool] = now + LEFTOVERS_INTERVAL_S

    def _pending(self, session_files: list[Path]) -> bool:
        return any(pending_bytes(path, load(path)) for path in session_files)

    def _forget_surplus(self) -> None:
        ended = [path for path, watched in self._watched.items() if watched.has_ended]
        for path in ended[: max(0, len(ended) - MAX_WAITING_SESSIONS)]:
            del self._watched[path]


_uploaders: dict[Destination, Uploader] = {}
_lock = threading.Lock()


def uploader_for(target: Destination) -> Uploader:
    """The uploader of this process for a destination."""
    with _lock:
        found = _uploaders.get(target)
        if found is None:
            found = _uploaders[target] = Uploader(target)
        return found


def stats() -> dict[str, dict[str, Any]]:
    """The `stats` of each uploader of this process, by URL."""
    return {target.api_url: uploader.stats() for target, uploader in list(_uploaders.items())}


@atexit.register
def close_all() -> None:
    """At the end of the process: ship what can be shipped within the setting `exit_timeout`, one deadline for all
    destinations together. A process that leaves by `os._exit` may call it before."""
    deadline = time.monotonic() + get_config().exit_timeout
    while _uploaders:
        _uploaders.popitem()[1].close(max(0.0, deadline - time.monotonic()))


def _forget_all() -> None:
    """In a forked child: threads and connections are the parent's."""
    global _lock
    _lock = threading.Lock()
    _uploaders.clear()


os.register_at_fork(after_in_child=_forget_all)
