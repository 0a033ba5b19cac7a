"""What the program said, kept after its toasts are gone: bounded, and one entry for what is said again and again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from textual.notifications import SeverityLevel

MOST_KEPT = 300
"""Different messages; the one said longest ago goes first."""


class Trouble(NamedTuple):
    """Something that is not as it should be for as long as it is listed, and that no toast tells of."""

    about: str
    """Two or three words."""
    text: str
    at_s: float | None = None
    """When it was noticed, in seconds since the epoch; None where nobody knows."""


@dataclass(slots=True)
class Said:
    """One message."""

    text: str
    title: str
    severity: SeverityLevel
    at_s: float
    """When it was said last, in seconds since the epoch."""
    times: int = 1
    detail: str = ""
    """What only those want to read who look closer: the traceback of a mistake of ours."""


class MessageLog:
    """The messages, newest last. What is said again moves to the end and is counted."""

    def __init__(self, most: int = MOST_KEPT) -> None:
        self._most = most
        self._said: dict[tuple[str, str, str], Said] = {}

    def add(self, text: str, title: str, severity: SeverityLevel, now_s: float, detail: str = "") -> None:
        """Keep a message."""
        known = self._said.pop((title, text, severity), None)
        said = Said(text, title, severity, now_s, 1, detail)
        if known is not None:
            said.times, said.detail = known.times + 1, detail or known.detail
        self._said[title, text, severity] = said
        if len(self._said) > self._most:
            del self._said[next(iter(self._said))]

    def __len__(self) -> int:
        return len(self._said)

    def newest_first(self) -> Iterator[Said]:
        """For the list that a person reads."""
        return reversed(self._said.values())
