"""What is told of a session besides its row: how it failed, and what goes when it is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from promptetheus.cause.narrative import headline
from promptetheus.events import Event
from promptetheus.fingerprint import SignalCollector, failure_fingerprint, in_order
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.state import Gateway

_READ_AT_ONCE = 5000

MAX_ANALYSED_EVENTS = 100_000
"""Of a longer session the first so many are looked at."""


def all_events(gateway: Gateway, tenant: Tenant, session_id: str) -> list[Event]:
    """The events of a session by seq, at most `MAX_ANALYSED_EVENTS`."""
    found: list[Event] = []
    after: tuple[int, int] | None = None
    while len(found) < MAX_ANALYSED_EVENTS:
        page = gateway.events.events(tenant, session_id, after, _READ_AT_ONCE)
        found += [event for _, event in page]
        if len(page) < _READ_AT_ONCE:
            break
        after = page[-1][0]
    return found[:MAX_ANALYSED_EVENTS]


def analysis_of(gateway: Gateway, tenant: Tenant, session_id: str) -> dict[str, Any] | None:
    """Fingerprint, label, evidence and the step to look at first; None for a session that did not fail."""
    return analysed(all_events(gateway, tenant, session_id), session_id)


def analysed(events: list[Event], session_id: str) -> dict[str, Any] | None:
    """The analysis of these events: only what they show, nothing guessed."""
    failure = failure_fingerprint(events)
    if not failure.is_failure:
        return None
    evidence = list(failing_seqs(events))
    return {
        "trace_id": session_id,
        "session_id": session_id,
        "fingerprint": failure.fingerprint,
        "labels": [failure.label],
        "signals": list(failure.signals),
        "critical_step_seq": evidence[0] if evidence else None,
        "evidence_refs": evidence,
        "root_cause": headline(events),
        "verified": False,
    }


def failing_seqs(events: list[Event]) -> Iterator[int]:
    """The `seq` of each event that by itself is a failure, in order."""
    tools: dict[str, str] = {}
    for event in in_order(events):
        collector = SignalCollector(tools)
        collector.add(event)
        seq = event.get("seq")
        if collector.result().is_failure and type(seq) is int:
            yield seq


def delete_session(gateway: Gateway, tenant: Tenant, session_id: str) -> int:
    """Delete a session: the bytes of artifacts that only it has, then its notes, then its events; how many artifacts.

    In this order: what remains after a failure in between is found and deleted by the next try.
    """
    gone = gateway.records.own_artifacts(tenant, session_id)
    for record in gone:
        gateway.blobs.delete(tenant, record.storage_path)
    gateway.records.forget_session(tenant, session_id)
    gateway.events.delete(tenant, session_id)
    gateway.metrics.add("sessions_deleted_total")
    return len(gone)
