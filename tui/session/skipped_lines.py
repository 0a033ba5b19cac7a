"""What of a session's file could not be read as events, in words for people."""

from __future__ import annotations

from promptetheus.display import count
from promptetheus.queries.rows import Skipped


def skipped_text(skipped: Skipped) -> str:
    """`1 line cut off, 2 unreadable`; "" where every line was read."""
    sorts = (
        (skipped.torn, "cut off"),
        (skipped.garbage, "unreadable"),
        (skipped.foreign, "no event"),
        (skipped.oversized, "too long"),
    )
    said = [f"{count(number)} {words}" for number, words in sorts if number]
    if said:
        first = next(number for number, _ in sorts if number)
        said[0] = said[0].replace(" ", " line " if first == 1 else " lines ", 1)
    return ", ".join(said)
