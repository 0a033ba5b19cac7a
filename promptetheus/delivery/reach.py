"""Whether a gateway answers, takes the key, and has the same time: for `doctor`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from promptetheus.delivery.client import Client
from promptetheus.delivery.destination import Destination

TIMEOUT_S = 3.0
MAX_SKEW_S = 30.0
"""Clocks that differ by more put events of several machines in a wrong order."""


@dataclass(frozen=True, slots=True)
class Reach:
    """What a gateway answered."""

    health_url: str
    health_status: int
    """HTTP status of its health page; 0 when it did not answer."""
    error: str
    """Why it is not healthy; empty when it is."""
    is_key_taken: bool | None
    """Whether it takes the key; None when that could not be found out."""
    key_error: str
    clock_skew_s: float | None
    """By how much its clock is ahead of ours; None when it does not say. Its time is in whole seconds."""
    latency_ms: float | None


def reach(target: Destination) -> Reach:
    """Ask the gateway; takes at most some seconds."""
    with Client(target._replace(timeout_s=min(TIMEOUT_S, target.timeout_s))) as client:
        began = time.monotonic()
        health = client.get("/health")
        latency_ms = (time.monotonic() - began) * 1000
        url = f"{target.api_url}/health"
        if not health.is_ok:
            return Reach(url, health.status, health.error, None, "", None, None)
        skew = _skew(health.date, time.time())
        sessions = client.get("/api/sessions?limit=1")
    refused = sessions.status in (401, 403)
    taken = True if sessions.is_ok else False if refused else None
    return Reach(url, health.status, "", taken, "" if sessions.is_ok else sessions.error, skew, latency_ms)


def _skew(date: str, now_s: float) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - now_s
    except (TypeError, ValueError):
        return None
