"""What is searched for, in two strengths: a quick look at raw bytes that misses nothing, and the exact test.

JSON writes the same text in several ways (a quote as `\\"`, an umlaut as itself or as `\\u00fc`): the bytes are
asked for a part of the needle that is written in one way only, and what they let through is parsed and tested.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from promptetheus.queries.pattern_literals import required_texts

_MAX_DEPTH = 200
_PLAIN = re.compile(r"[A-Za-z0-9 _.,;:!?@#$%*()\[\]{}^~|-]+")
"""Characters that every JSON encoder writes as themselves; some escape the slash, `<`, `&` or an apostrophe."""


class BadPattern(ValueError):
    """A regular expression that cannot be understood; the message says why."""


@dataclass(frozen=True, slots=True)
class Match:
    """Where in an event the text stands."""

    field: str
    """Path inside the event, e.g. `payload.arguments.query`."""
    text: str
    """The whole value there (or the name of the field)."""
    start: int
    end: int


class Needle:
    """A text or regular expression, with or without regard to case."""

    def __init__(self, text: str, *, regex: bool = False, case: bool = False) -> None:
        """Without `case`, ASCII letters match ASCII letters only: the long s is no s. Raises BadPattern."""
        if not text:
            raise BadPattern("there is nothing to search for")
        flags = 0 if case else re.IGNORECASE
        try:
            self._pattern = re.compile(text if regex else re.escape(text), flags)
            certain = required_texts(text, flags) if regex else _longest(_PLAIN.findall(text))
        except (re.error, RecursionError, OverflowError) as error:
            raise BadPattern(f"not a regular expression: {error}") from None
        self._case = case
        self._literal = text if case and not regex else None
        probes = dict.fromkeys(part if case else part.lower() for part in certain)
        self._probes = tuple(part.encode() for part in probes)
        """One of them is in every line that holds the needle; none when nothing is certain: every line is parsed."""

    def lines(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Start and end of lines that may hold it. `data` consists of whole lines."""
        if not self._probes:
            yield from _all_lines(data)
            return
        searched = data if self._case else data.lower()
        places = {probe: searched.find(probe) for probe in self._probes}
        while position := min((place for place in places.values() if place >= 0), default=-1) + 1:
            start = data.rfind(b"\n", 0, position - 1) + 1
            end = data.find(b"\n", position - 1)
            end = len(data) if end < 0 else end
            yield start, end
            for probe, place in places.items():
                if 0 <= place < end:
                    places[probe] = searched.find(probe, end)

    def match(self, event: dict[str, Any]) -> Match | None:
        """The first place in payload or metadata where it stands: values, names of fields, numbers."""
        for root in ("payload", "metadata"):
            value = event.get(root)
            if isinstance(value, dict | list | str):
                if root == "metadata" and isinstance(value, dict) and "summary" in value:
                    value = {name: item for name, item in value.items() if name != "summary"}
                for field, text in _texts(value, root):
                    span = self._find(text)
                    if span is not None:
                        return Match(field, text, *span)
        return None

    def _find(self, text: str) -> tuple[int, int] | None:
        if self._literal is not None:
            start = text.find(self._literal)
            return (start, start + len(self._literal)) if start >= 0 else None
        found = self._pattern.search(text)
        return found.span() if found is not None else None


def _texts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Every text in a JSON value with its path, in the order of the document; without recursion."""
    waiting: list[tuple[str, Any, int]] = [(path, value, 0)]
    while waiting:
        path, value, depth = waiting.pop()
        match value:
            case str():
                yield path, value
            case dict() if depth < _MAX_DEPTH:
                inner = [(f"{path}.{name}", item, depth + 1) for name, item in value.items()]
                waiting.extend(reversed(inner))
                for name in value:
                    yield f"{path}.{name}", name
            case list() if depth < _MAX_DEPTH:
                inner = [(f"{path}[{number}]", item, depth + 1) for number, item in enumerate(value)]
                waiting.extend(reversed(inner))
            case bool():
                yield path, "true" if value else "false"
            case int() | float():
                yield path, repr(value)
            case _:
                pass


def _all_lines(data: bytes) -> Iterator[tuple[int, int]]:
    start = 0
    while start < len(data):
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        if end > start:
            yield start, end
        start = end + 1


def _longest(texts: list[str]) -> tuple[str, ...]:
    return (max(texts, key=len),) if texts else ()
