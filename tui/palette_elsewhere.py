"""What cannot be done here or now and the reason: the palette shows it dimly, a key that does nothing says it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from promptetheus.tui.key_list import KeyAction
from promptetheus.tui.keymap import chosen_key, hidden_shortcuts, key_text, with_keys
from promptetheus.tui.views import ViewScreen


class OutOfReach(NamedTuple):
    """An action that cannot be used now."""

    id: str
    title: str
    note: str
    """Its key, and where it is to be had."""
    why: str
    """The reason in a sentence, with what to do."""


class _Where(NamedTuple):
    """The place of the actions whose ids begin alike."""

    words: str
    way: str
    """What leads there, for `with_keys`."""


_SESSION = _Where("in a session", "<app.session:2> leads there")
_PLACES: Mapping[str, _Where] = MappingProxyType(
    {
        "sessions": _Where("in the list of sessions", "<app.sessions:1> leads there"),
        "session": _SESSION,
        "timeline": _SESSION,
        "diff": _Where("in a diff", "<app.diff:3> leads there"),
        "failures": _Where("in the failures", "<app.failures:4> leads there"),
        "suspects": _Where("in the suspects", "<sessions.suspects:s> leads there from a session that failed"),
        "sql": _Where("in SQL", "<app.sql:5> leads there"),
        "delivery": _Where("in delivery", "<app.delivery:6> leads there"),
    }
)
"""By the first word of the id of an action."""


def in_other_views(
    view: ViewScreen, actions: Collection[KeyAction], here: Collection[str]
) -> Iterator[OutOfReach]:
    """The actions of the views that are not in front.

    Args:
        actions: All there are.
        here: Titles of what can be done here: a filter is a filter in every list.
    """
    told = set(here)
    for action in actions:
        where = _PLACES.get(action.id.partition(".")[0])
        title = action.sentence[:1].upper() + action.sentence[1:]
        usual = action.keys.partition(",")[0]
        # The way back from another view is nothing that anybody looks for here.
        if where is None or where is _PLACES.get(view.VIEW) or title in told or usual == "escape":
            continue
        told.add(title)
        key = chosen_key(view.app, action.id, usual)
        why = view.ELSEWHERE.get(usual, f"{key} does that {where.words}: {where.way}.")
        yield OutOfReach(action.id, title, f"{key} {where.words}", with_keys(why, view.app))


def where_it_works(view: ViewScreen, key: str, actions: Collection[KeyAction]) -> str:
    """What a key that is nothing in this view does in another one, and how to get there; "" where it is none's."""
    chosen: Mapping[str, str] = getattr(view.app, "chosen_keys", {})
    does: dict[str, str] = {}
    for action in actions:
        if key in (each.strip() for each in chosen.get(action.id, action.keys).split(",")):
            does.setdefault(action.id.partition(".")[0], action.sentence)
    for place, where in _PLACES.items():
        if place in does and where is not _PLACES.get(view.VIEW):
            what = f"{where.words[:1].upper()}{where.words[1:]}: {does[place][:1].lower()}{does[place][1:]}"
            return with_keys(f"{key_text(key)} does nothing here. {what}. {where.way}.", view.app)
    return ""


def not_now(view: ViewScreen) -> Iterator[OutOfReach]:
    """The actions of the view in front that it does not offer at the moment."""
    for shortcut in hidden_shortcuts(view):
        title = shortcut.sentence[:1].upper() + shortcut.sentence[1:]
        why = view.NOT_NOW.get(shortcut.action, "That cannot be done at the moment.")
        yield OutOfReach(shortcut.id, title, f"{shortcut.key_text} not now", with_keys(why, view.app))
