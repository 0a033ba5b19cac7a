"""Shipping what is pending at once, in the foreground: `promptetheus spool replay`, `retry` and `import --upload`."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from promptetheus.delivery import dead_letters
from promptetheus.delivery.batches import MAX_EVENTS
from promptetheus.delivery.client import Answer, Client
from promptetheus.delivery.destination import Destination
from promptetheus.delivery.pace import Pace
from promptetheus.delivery.shipment import CONTENT_REFUSED, Shipment
from promptetheus.delivery.wire import account, batch_body, trace_of
from promptetheus.encoding import encode_line
from promptetheus.events import Event

TRIES = 4
"""So many failures in a row, and the gateway counts as unreachable."""

MAX_WAIT_S = 10.0
"""A gateway that asks for a longer pause is left alone: a person is waiting."""


@dataclass(slots=True)
class Replayed:
    """What came of it."""

    delivered: int = 0
    refused: int = 0
    claimed: int = 0
    """Sessions that another process is shipping."""
    failure: str = ""
    """Why it stopped; empty when everything was tried."""


def replay(
    session_files: Iterable[Path],
    target: Destination,
    *,
    progress: Callable[[Path, int], None] = lambda path, events: None,
    pause: Callable[[float], None] = time.sleep,
) -> Replayed:
    """Ship these sessions. Stops when the gateway cannot be reached; what is left stays pending.

    Args:
        progress: Told of each batch: the session and how many more of its events are done with.
        pause: Waits for some seconds between tries.
    """
    done = Replayed()
    pace = Pace(threshold=TRIES)
    with Client(target) as client:
        shipment = Shipment(client, target.api_url)
        for path in session_files:
            while True:
                try:
                    shipped = shipment.ship(path, progress=lambda events, path=path: progress(path, events))  # type: ignore[misc]
                except FileNotFoundError:
                    break
                except OSError as error:
                    done.failure = f"{path}: {error}"
                    return done
                done.delivered += shipped.delivered
                done.refused += shipped.refused
                done.claimed += shipped.is_claimed
                if shipped.failure is None:
                    break
                if shipped.delivered:
                    pace.succeeded()
                if not _may_try_again(pace, shipped.failure):
                    done.failure = shipped.failure.error
                    return done
                pause(pace.wait_s())
    return done


def retry_dead_letters(
    files: Iterable[Path],
    target: Destination,
    *,
    progress: Callable[[Path, int], None] = lambda path, events: None,
) -> Replayed:
    """Send refused events again. Those that are taken now leave the dead letters, the others stay with the
    reason of this time."""
    done = Replayed()
    with Client(target) as client:
        for path in files:
            try:
                waiting, read_bytes = dead_letters.read(path)
                kept, failure = _send_again(client, waiting, lambda events, path=path: progress(path, events))  # type: ignore[misc]
                dead_letters.replace(path, kept, read_bytes)
            except OSError as error:
                done.failure = f"{path}: {error}"
                return done
            done.delivered += len(waiting) - len(kept)
            done.refused += len(kept)
            if failure:
                done.failure = failure
                return done
    return done


def _send_again(
    client: Client, waiting: list[tuple[Event, str]], progress: Callable[[int], None]
) -> tuple[list[tuple[Event, str]], str]:
    """What stays a dead letter, and why it stopped early if it did."""
    kept: list[tuple[Event, str]] = []
    limit = MAX_EVENTS
    while waiting:
        batch = _of_one_session(waiting[:limit])
        session_id = _session_of(batch[0])
        body = batch_body([encode_line(event) for event, _ in batch])
        answer = client.send_events(session_id, body)
        if answer.status == 404:
            client.create_trace(trace_of({}, session_id))
            answer = client.send_events(session_id, body)
        if answer.status in CONTENT_REFUSED and len(batch) > 1:
            limit = len(batch) // 2
            continue
        if answer.is_ok:
            accounting = account(answer.body, [str(event.get("idempotency_key")) for event, _ in batch])
            reasons = {refusal.place: refusal.reason for refusal in accounting.refused}
            kept += [
                (event, reasons.get(place, reason))
                for place, (event, reason) in enumerate(batch)
                if place in reasons or not accounting.is_complete
            ]
        elif answer.status in CONTENT_REFUSED:
            kept += [(event, f"http_{answer.status}") for event, _ in batch]
        else:
            return kept + waiting, answer.error
        waiting = waiting[len(batch) :]
        limit = min(limit * 2, MAX_EVENTS)
        progress(len(batch))
    return kept, ""


def _of_one_session(entries: list[tuple[Event, str]]) -> list[tuple[Event, str]]:
    """The first entries, as long as they are of the same session."""
    session_id = _session_of(entries[0])
    return list(itertools.takewhile(lambda entry: _session_of(entry) == session_id, entries))


def _session_of(entry: tuple[Event, str]) -> str:
    return str(entry[0].get("session_id") or "unknown-session")


def _may_try_again(pace: Pace, failure: Answer) -> bool:
    """Whether waiting may help: a key that is wrong stays wrong."""
    pace.failed(failure.retry_after_s)
    is_final = failure.status in (401, 403) or 300 <= failure.status < 400
    return not is_final and pace.failures < TRIES and pace.wait_s() <= MAX_WAIT_S
