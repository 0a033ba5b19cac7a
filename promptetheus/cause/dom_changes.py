"""What changed on a page between two DOM snapshots, or differs between the pages of two runs, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptetheus.display import count, plain_value
from promptetheus.events import as_mapping

MOST_SENTENCES = 12
"""Changes said one by one; of more, the number is said."""

FEW_LINES = 4
"""Lines of text that came or went and are named one by one."""

MAX_TEXT = 200_000
"""Characters of visible text that are compared."""


@dataclass(frozen=True, slots=True)
class _Words:
    """How a difference is told."""

    address: str
    address_new: str
    selected: str
    selected_new: str
    selected_gone: str
    warning_new: str
    warning_gone: str
    text_new: str
    text_gone: str
    together: bool
    """Whether lines of text are told in one sentence, not one each."""


_THEN_NOW = _Words(
    address="The page went from {old} to {new}.",
    address_new="The page is {new} now.",
    selected="{name} changed from {old} to {new}.",
    selected_new="{name} was set to {new}.",
    selected_gone="{name} is no longer set (was {old}).",
    warning_new="A warning appeared: {text}",
    warning_gone="A warning went away: {text}",
    text_new="New on the page",
    text_gone="Gone from the page",
    together=False,
)
_LEFT_RIGHT = _Words(
    address="The page is {old} on the left, {new} on the right.",
    address_new="The page is {new} on the right.",
    selected="{name} is {old} on the left, {new} on the right.",
    selected_new="{name} is set on the right only, to {new}.",
    selected_gone="{name} is set on the left only, to {old}.",
    warning_new="Only the right page warns: {text}",
    warning_gone="Only the left page warns: {text}",
    text_new="Only on the right page",
    text_gone="Only on the left page",
    together=True,
)


def dom_changes(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[str]:
    """Sentences on what `after` (a `dom_snapshot` payload) has that `before` had not, most telling first.

    Empty without a snapshot before it; one sentence when nothing changed.
    """
    if before is None:
        return []
    return _told(before, after, _THEN_NOW) or ["Nothing changed since the snapshot before."]


def page_differences(left: Mapping[str, Any], right: Mapping[str, Any]) -> list[str]:
    """Sentences on how the pages of two runs differ, most telling first; empty when they do not."""
    return _told(left, right, _LEFT_RIGHT)


def _told(before: Mapping[str, Any], after: Mapping[str, Any], words: _Words) -> list[str]:
    old, new = as_mapping(before.get("selected_values")), as_mapping(after.get("selected_values"))
    found = [
        *_address(before, after, words),
        *_selected(old, new, words),
        *_warnings(_texts(before.get("warnings")), _texts(after.get("warnings")), words),
        *_visible(before.get("visible_text"), after.get("visible_text"), words),
    ]
    if len(found) > MOST_SENTENCES:
        found[MOST_SENTENCES:] = [f"… and {count(len(found) - MOST_SENTENCES)} more changes."]
    return found


def _address(before: Mapping[str, Any], after: Mapping[str, Any], words: _Words) -> list[str]:
    old, new = before.get("url"), after.get("url")
    if old == new or not new:
        return []
    return [(words.address if old else words.address_new).format(old=_say(old), new=_say(new))]


def _selected(old: Mapping[str, Any], new: Mapping[str, Any], words: _Words) -> list[str]:
    found = []
    for name, value in new.items():
        if name not in old:
            found.append(words.selected_new.format(name=_say(name), new=_quote(value)))
        elif old[name] != value:
            found.append(words.selected.format(name=_say(name), old=_quote(old[name]), new=_quote(value)))
    found.extend(
        words.selected_gone.format(name=_say(name), old=_quote(old[name])) for name in old if name not in new
    )
    return found


def _warnings(old: list[str], new: list[str], words: _Words) -> list[str]:
    known, now = set(old), set(new)
    appeared = [words.warning_new.format(text=_say(text)) for text in new if text not in known]
    return [*appeared, *(words.warning_gone.format(text=_say(text)) for text in old if text not in now)]


def _visible(old: object, new: object, words: _Words) -> list[str]:
    if not isinstance(old, str) or not isinstance(new, str):
        return []
    before = Counter(line.strip() for line in old[:MAX_TEXT].split("\n"))
    after = Counter(line.strip() for line in new[:MAX_TEXT].split("\n"))
    appeared = [line for line in (after - before) if line]
    vanished = [line for line in (before - after) if line]
    return [
        *_lines(words.text_new, appeared, words.together),
        *_lines(words.text_gone, vanished, words.together),
    ]


def _lines(what: str, lines: list[str], together: bool) -> list[str]:
    """Few lines one by one, where that is wanted; another page altogether is told in one sentence."""
    if not lines:
        return []
    if not together and len(lines) <= FEW_LINES:
        return [f"{what}: {_quote(line)}." for line in lines]
    named = ", ".join(f"“{plain_value(line, 80 if together else 40)}”" for line in lines[:FEW_LINES])
    rest = len(lines) - FEW_LINES
    more = f" and {count(rest)} more line{'s' * (rest != 1)}" if rest > 0 else ""
    return [f"{what}: {named}{more}."]


def _say(value: object) -> str:
    return plain_value(value, 120)


def _quote(value: object) -> str:
    return f"“{plain_value(value, 120)}”"


def _texts(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
