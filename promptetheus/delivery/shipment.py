"""One session file on its way to the gateway: batches from the acknowledged offset on, artifacts first.

One process at a time ships a session: it holds an advisory lock on the session's file, which goes with the process
that held it. Writers never ask for it. Should two ship at once all the same (a file system without locks), the
gateway keeps each event once.
"""

from __future__ import annotations

import fcntl
import mimetypes
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import orjson

from promptetheus import process
from promptetheus.artifacts import CONTENT_TYPES, read_artifact
from promptetheus.delivery import dead_letters
from promptetheus.delivery.batches import MAX_EVENTS, Batch, Pending, read_batch
from promptetheus.delivery.client import Answer, Client
from promptetheus.delivery.record import DeliveryRecord, load, save
from promptetheus.delivery.wire import account, artifact_paths, batch_body, trace_of
from promptetheus.events import Event

CONTENT_REFUSED = frozenset({400, 409, 413, 415, 422})
"""Answers about what was sent. All others but 2xx are about the connection, the key or the gateway, and may be
another answer tomorrow: 401 after a key was rotated, 404 before a project was made, 429, 500."""

_NOT_OURS = 409
"""The session's id is taken by another project: no event of it will do better alone."""

MAX_ARTIFACT_BYTES = 64 << 20
"""A larger artifact stays here: it is held in memory while it is sent."""

_KNOWN_ARTIFACTS = 4096
_SETTLED_S = 5.0
"""A tail-sampled session is kept or dropped within moments of its last line."""


class Shipped(NamedTuple):
    """What came of one try."""

    delivered: int = 0
    refused: int = 0
    batches: int = 0
    is_done: bool = False
    """Whether nothing that can be sent is left at this moment."""
    failure: Answer | None = None
    """Why it stopped; None when it did not fail, but had nothing more or was told to stop."""
    is_claimed: bool = False
    """Whether another process is at work on this session."""


class Shipment:
    """Ships sessions over one client, and remembers which artifacts it has sent."""

    def __init__(self, client: Client, api_url: str) -> None:
        self._client = client
        self._api_url = api_url
        self._sent_artifacts: OrderedDict[str, None] = OrderedDict()

    def ship(
        self,
        session_file: Path,
        *,
        is_settled: bool = False,
        stop: Callable[[], bool] = lambda: False,
        progress: Callable[[int], None] = lambda events: None,
    ) -> Shipped:
        """Send what is pending of a session, up to the first failure. Raises OSError when the session or its
        record cannot be read or written: nothing counts as acknowledged then that was not before.

        Args:
            is_settled: The caller knows that a tail-sampled session was decided on.
            stop: Asked between batches.
            progress: Told how many more events are done with.
        """
        with _claimed(session_file) as file:
            if file is None:
                return Shipped(is_claimed=True)
            if not is_settled and _is_undecided(file):
                return Shipped(is_done=True)
            record = load(session_file) or DeliveryRecord()
            if record.acknowledged_bytes > os.fstat(file.fileno()).st_size:
                record = DeliveryRecord()  # another file by the same name
            record.api_url = self._api_url
            return self._ship(session_file, file, record, stop, progress)

    def _ship(
        self,
        session_file: Path,
        file: BinaryIO,
        record: DeliveryRecord,
        stop: Callable[[], bool],
        progress: Callable[[int], None],
    ) -> Shipped:
        delivered = refused = batches = 0
        limit = MAX_EVENTS
        while not stop():
            batch = read_batch(file, record.acknowledged_bytes, limit)
            if batch.end == record.acknowledged_bytes:
                if batch.is_torn and _writer_is_gone(file):
                    record.acknowledged_bytes = os.fstat(file.fileno()).st_size
                    record.skipped_lines += 1
                    save(session_file, record)
                return Shipped(delivered, refused, batches, is_done=True)
            known = set(record.refused_keys)
            events = [pending for pending in batch.events if pending.key not in known]
            answer = self._send(session_file, file, record, events)
            if answer.status in CONTENT_REFUSED and answer.status != _NOT_OURS and len(events) > 1:
                limit = max(1, len(events) // 2)  # whose fault it is shows when each is sent alone
                continue
            number = self._settle(session_file, record, batch, events, answer)
            if number is None:
                return Shipped(delivered, refused, batches, failure=answer)
            if answer.is_ok and not record.last_error:
                limit = min(limit * 2, MAX_EVENTS)
            elif answer.is_ok:
                failure = Answer(answer.status, error=record.last_error)
                return Shipped(delivered, refused + number, batches, failure=failure)
            refused += number
            delivered += len(events) - number
            batches += 1
            progress(len(events))
        return Shipped(delivered, refused, batches)

    def _settle(
        self,
        session_file: Path,
        record: DeliveryRecord,
        batch: Batch,
        events: list[Pending],
        answer: Answer,
    ) -> int | None:
        """Write down what came of a batch. How many of its events were refused; None when it has to be sent
        again as a whole."""
        if answer.is_ok:
            accounting = account(answer.body, [pending.key for pending in events])
            refused = [(events[index].event, reason) for index, reason in accounting.refused]
            is_complete = accounting.is_complete or not events
        elif answer.status in CONTENT_REFUSED:
            refused = [(pending.event, f"http_{answer.status}") for pending in events]
            is_complete = True
        else:
            record.last_error, record.failed_at = answer.error, time.time()
            save(session_file, record)
            return None
        if refused:
            dead_letters.bury(session_file, refused)
        record.refused_events += len(refused)
        if is_complete:
            record.acknowledged_bytes = batch.end
            record.acknowledged_events += len(events) - len(refused)
            record.skipped_lines += batch.skipped
            record.refused_keys, record.last_error, record.failed_at = [], "", None
        else:
            record.refused_keys += [str(event["idempotency_key"]) for event, _ in refused]
            record.last_error = "the gateway's answer did not account for all events of a batch"
            record.failed_at = time.time()
        save(session_file, record)
        return len(refused)

    def _send(
        self, session_file: Path, file: BinaryIO, record: DeliveryRecord, events: list[Pending]
    ) -> Answer:
        if not events:
            return Answer(200)
        session_id = events[0].session_id

        def with_trace(send: Callable[[], Answer]) -> Answer:
            answer = send()
            if answer.status == 404:  # a gateway that wants to hear of a session before its events
                self._client.create_trace(trace_of(_first_event(file), session_id))
                answer = send()
            return answer

        for pending in events:
            for path in artifact_paths(pending.line):
                if path in self._sent_artifacts:
                    continue
                data = _artifact(session_file.parent, path)
                if data is None:
                    record.lost_artifacts += 1
                    continue
                answer = with_trace(lambda path=path, data=data: self._send_artifact(session_id, path, data))  # type: ignore[misc]
                if answer.is_ok:
                    self._remember(path)
                elif answer.status in CONTENT_REFUSED:
                    record.lost_artifacts += 1
                else:
                    return answer
        body = batch_body([pending.line for pending in events])
        return with_trace(lambda: self._client.send_events(session_id, body))

    def _send_artifact(self, session_id: str, path: str, data: bytes) -> Answer:
        stem, _, extension = path.rpartition("/")[2].partition(".")
        content_type = CONTENT_TYPES.get(extension) or mimetypes.guess_type(path)[0]
        return self._client.send_artifact(
            session_id,
            data,
            artifact_id=stem,
            content_type=content_type or "application/octet-stream",
            filename=f"{stem}.{extension}",
            kind="screenshot" if (content_type or "").startswith("image/") else "replay",
        )

    def _remember(self, path: str) -> None:
        self._sent_artifacts[path] = None
        if len(self._sent_artifacts) > _KNOWN_ARTIFACTS:
            self._sent_artifacts.popitem(last=False)


@contextmanager
def _claimed(session_file: Path) -> Iterator[BinaryIO | None]:
    """The file, with the claim to ship it; None while somebody else has it. Raises OSError."""
    fd = os.open(session_file, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(fd, "rb") as file:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        except OSError:  # a file system without locks
            pass
        yield file


def _first_event(file: BinaryIO) -> Event:
    found = read_batch(_rewound(file), 0, 1).events
    return found[0].event if found else {}


def _rewound(file: BinaryIO) -> BinaryIO:
    file.seek(0)
    return file


def _is_undecided(file: BinaryIO) -> bool:
    """Whether this is a tail-sampled session that may yet be dropped."""
    first = _first_event(file)
    metadata = first.get("metadata")
    if not isinstance(metadata, dict) or not metadata.get("tail_sample"):
        return False
    if process.is_alive(metadata.get("host"), metadata.get("pid"), metadata.get("process_started")) is False:
        return False
    return not (_has_ended(file) and time.time() - os.fstat(file.fileno()).st_mtime > _SETTLED_S)


def _has_ended(file: BinaryIO) -> bool:
    size = os.fstat(file.fileno()).st_size
    file.seek(max(0, size - (1 << 17)))
    try:
        last = orjson.loads(file.read().rstrip(b"\n").rpartition(b"\n")[2])
    except ValueError:
        return False
    return isinstance(last, dict) and last.get("type") == "session_end"


def _writer_is_gone(file: BinaryIO) -> bool:
    metadata = _first_event(file).get("metadata")
    writer = metadata if isinstance(metadata, dict) else {}
    return process.is_alive(writer.get("host"), writer.get("pid"), writer.get("process_started")) is False


def _artifact(spool: Path, path: str) -> bytes | None:
    try:
        return read_artifact(spool, path, MAX_ARTIFACT_BYTES)
    except (OSError, ValueError):
        return None
