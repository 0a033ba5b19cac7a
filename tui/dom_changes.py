"""What changed on a page between two DOM snapshots, in words. Pure: no widgets, no files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from promptetheus.display import count, plain_value

MOST_SENTENCES = 12
"""Changes said one by one; of more, the number is said."""

FEW_LINES = 4
"""Lines of text that came or went and are named one by one."""

MAX_TEXT = 200_000
"""Characters of visible text that are compared."""


def dom_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    """Sentences on what `after` (a `dom_snapshot` payload) has that `before` had not, most telling first.

    Empty without a snapshot before it; one sentence when nothing changed.
    """
    if before is None:
        return []
    found = [
        *_address(before, after),
        *_selected(_mapping(before.get("selected_values")), _mapping(after.get("selected_values"))),
        *_warnings(_texts(before.get("warnings")), _texts(after.get("warnings"))),
        *_visible(before.get("visible_text"), after.get("visible_text")),
    ]
    if not found:
        return ["Nothing changed since the snapshot before."]
    if len(found) > MOST_SENTENCES:
        found[MOST_SENTENCES:] = [f"… and {count(len(found) - MOST_SENTENCES)} more changes."]
    return found


def _address(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    old, new = before.get("url"), after.get("url")
    if old == new or not new:
        return []
    return [f"The page went from {_say(old)} to {_say(new)}." if old else f"The page is {_say(new)} now."]


def _selected(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    found = []
    for name, value in new.items():
        if name not in old:
            found.append(f"{_say(name)} was set to {_quote(value)}.")
        elif old[name] != value:
            found.append(f"{_say(name)} changed from {_quote(old[name])} to {_quote(value)}.")
    found.extend(
        f"{_say(name)} is no longer set (was {_quote(old[name])})." for name in old if name not in new
    )
    return found


def _warnings(old: list[str], new: list[str]) -> list[str]:
    appeared = [f"A warning appeared: {_say(text)}" for text in new if text not in old]
    return [*appeared, *(f"A warning went away: {_say(text)}" for text in old if text not in new)]


def _visible(old: object, new: object) -> list[str]:
    if not isinstance(old, str) or not isinstance(new, str):
        return []
    before = Counter(line.strip() for line in old[:MAX_TEXT].split("\n"))
    after = Counter(line.strip() for line in new[:MAX_TEXT].split("\n"))
    appeared = [line for line in (after - before) if line]
    vanished = [line for line in (before - after) if line]
    return [
        *_lines("New on the page", appeared),
        *_lines("Gone from the page", vanished),
    ]


def _lines(what: str, lines: list[str]) -> list[str]:
    """One sentence a line where there are few; another page altogether is told in one."""
    if len(lines) <= FEW_LINES:
        return [f"{what}: {_quote(line)}." for line in lines]
    named = ", ".join(f"“{plain_value(line, 40)}”" for line in lines[:FEW_LINES])
    return [f"{what}: {named} and {count(len(lines) - FEW_LINES)} more lines."]


def _say(value: object) -> str:
    return plain_value(value, 120)


def _quote(value: object) -> str:
    return f"“{plain_value(value, 120)}”"


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
