"""Time as events carry it: UTC, ISO 8601, microseconds, `Z`."""

from __future__ import annotations

import time
from datetime import UTC, datetime

_second = (0, "")
"""A second, as nanoseconds since 1970 and as the text that microseconds are put into. Made anew once a second."""


def now_timestamp() -> str:
    """The current time, e.g. `2026-11-22T07:04:12.339965Z`; no fraction when microseconds are 0."""
    global _second
    now = time.time_ns()
    begin, text = _second  # both at once: another thread may be a second ahead
    past = now - begin
    if not 0 <= past < 1_000_000_000:
        past = now % 1_000_000_000
        moment = datetime.fromtimestamp((now - past) // 1_000_000_000, UTC)
        text = f"{moment:%Y-%m-%dT%H:%M:%S}.%06dZ"
        _second = now - past, text
    microseconds = past // 1000
    return text % microseconds if microseconds else text[:19] + "Z"


def format_timestamp(epoch_s: float) -> str:
    """Seconds since 1970 in the format of `now_timestamp`. Raises as `datetime` does when out of range."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat().replace("+00:00", "Z")


def parse_timestamp(text: object) -> float | None:
    """Seconds since 1970, or None when the text is not ISO 8601. A time without a zone is read as UTC."""
    if not isinstance(text, str) or not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()
    except (ValueError, OverflowError, OSError):
        return None
