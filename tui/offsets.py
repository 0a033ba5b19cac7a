"""Moments of a session as people write them: `0.71`, `2:14.3`, `1:02:05`."""

from __future__ import annotations

import math

from promptetheus.clock import format_timestamp, parse_timestamp


def offset_text(ms: float) -> str:
    """Time since a session began: seconds below a hundred, then minutes, then hours."""
    seconds = ms / 1000
    if seconds < 99.995:
        return f"{seconds:.2f}"
    if seconds < 3599.95:
        tenths = round(seconds * 10)
        return f"{tenths // 600}:{tenths % 600 // 10:02}.{tenths % 10}"
    whole = round(seconds)
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"


def moment_text(timestamp: object) -> str | None:
    """When something was, to the second: `2026-11-22 07:04:12 UTC`; None where it is no time.

    Numbers are taken for seconds or milliseconds since 1970 where they fall into the years 2001 to 2096.
    """
    seconds = parse_timestamp(timestamp)
    if seconds is None and isinstance(timestamp, int | float):
        seconds = next((each for each in (timestamp, timestamp / 1000) if 1e9 <= each < 4e9), None)
    if seconds is None:
        return None
    return format_timestamp(math.floor(seconds)).replace("T", " ").replace("Z", " UTC")
