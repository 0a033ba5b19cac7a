"""What the keys do, read from the bindings themselves: footer, help and palette all show this one list."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from textual._context import active_app
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import format_key
from textual.screen import Screen
from textual.widget import Widget

MOVING = "Moving in a list"
"""Over the keys of every list in the help."""

_NAMED_KEY = re.compile(r"<(\w+\.\w+):([\w+]+)>")

_KEY_WORDS = {
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "escape": "esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
    "space": "space",
    "enter": "enter",
    "tab": "tab",
    "backspace": "backspace",
    "delete": "del",
}


def key_text(key: str) -> str:
    """A key as people write it: `?`, `esc`, `ctrl+p`, `↑`, `G`."""
    modifiers, plus, name = key.rpartition("+")
    word = _KEY_WORDS.get(name) or format_key(name)
    return f"{modifiers}{plus}{word}"


def chosen_key(app: object, action_id: str, usual: str) -> str:
    """The first key of an action as people write it, whether it is the usual one or the person's own."""
    chosen: Mapping[str, str] = getattr(app, "chosen_keys", {})
    return key_text(chosen.get(action_id, usual).partition(",")[0].strip())


def with_keys(text: str, app: object = None) -> str:
    """A sentence of ours with the keys that are in force: `<app.quit:q> quits` names the action and its usual key.

    Args:
        text: Never what comes from a spool.
        app: The program; where nobody hands it over, the one that is at work in this task.
    """
    at_work = active_app.get(None) if app is None else app
    return _NAMED_KEY.sub(lambda found: chosen_key(at_work, found[1], found[2]), text)


def leaving_key(screen: Screen[Any]) -> str:
    """The key that leaves a screen, or first of all what it does: as people write it."""
    leaves = next((each for each in _own(screen) if each.key == "escape"), None)
    return key_text("escape") if leaves is None else chosen_key(screen.app, leaves.id or "", "escape")


class Shortcut(NamedTuple):
    """One action that keys are bound to."""

    keys: tuple[str, ...]
    """Names of the keys as Textual knows them, in the order of the bindings."""
    action: str
    """What `App.run_action` takes, seen from `node`."""
    label: str
    """Two or three words, as the footer shows them."""
    sentence: str
    """What it does, for help and palette; the label where the binding says no more."""
    node: DOMNode
    """Where the action lives."""
    shown: bool
    """Whether the footer may show it."""
    enabled: bool
    id: str
    """Of the action, as files of keys name it; empty for one without."""

    @property
    def is_moving(self) -> bool:
        """Whether it is one of the keys that every list has: up, down, to the end."""
        return self.id.startswith("list.") and self.id != "list.open"

    @property
    def key_text(self) -> str:
        """All its keys as people write them: `↑ k`."""
        return " ".join(key_text(key) for key in self.keys)


class Section(NamedTuple):
    """The shortcuts of one place on the screen, for the help."""

    title: str
    shortcuts: tuple[Shortcut, ...]


def footer_shortcuts(screen: Screen[Any]) -> list[Shortcut]:
    """The shortcuts that the footer may show where the focus is now, nearest first, one an action."""
    focused = screen.focused
    found = (
        (active.node, active.binding, active.enabled)
        for active in screen.active_bindings.values()
        if active.binding.show
        and active.binding.description
        and not (focused is not None and _is_typed_into(focused, active.binding.key))
    )
    return list(_merged(found))


def help_sections(screen: Screen[Any]) -> list[Section]:
    """Every shortcut of a screen: of the focused widget, the screen, its other widgets, the program."""
    focused = [] if screen.focused is None else list(screen.focused.ancestors_with_self)
    inside = [node for node in focused if node is not screen and node is not screen.app]
    others = [node for node in screen.walk_children() if node not in inside and _can_have_the_keys(node)]
    chosen: Mapping[str, str] = getattr(screen.app, "chosen_keys", {})
    sections: dict[str, list[Shortcut]] = {}
    moving: list[Shortcut] = []
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for node in (*inside, screen, *others, screen.app):
        usable = (
            binding
            for binding in _rebound(_own(node), chosen)
            if node.check_action(binding.action, ()) is not False
        )
        found = ((node, binding, True) for binding in usable)
        for shortcut in _merged(found):
            # Two widgets of one kind bring the same keys twice.
            identity = (shortcut.action, shortcut.keys)
            if identity not in seen:
                seen.add(identity)
                (moving if shortcut.is_moving else sections.setdefault(_title(node), [])).append(shortcut)
    if moving:
        sections[MOVING] = moving  # What every list has is known, or guessed: it comes last.
    return [Section(title, tuple(shortcuts)) for title, shortcuts in sections.items()]


def _can_have_the_keys(node: DOMNode) -> bool:
    """Whether the focus can be on it or on something in it: else its keys are nobody's."""
    return any(each.can_focus for each in node.walk_children(Widget, with_self=True))


def hidden_shortcuts(screen: Screen[Any]) -> Iterator[Shortcut]:
    """The shortcuts of a screen itself that it does not offer at the moment."""
    chosen: Mapping[str, str] = getattr(screen.app, "chosen_keys", {})
    bindings = _rebound(_own(screen), chosen)
    return _merged(
        (screen, each, False) for each in bindings if screen.check_action(each.action, ()) is False
    )


def _is_typed_into(widget: Widget, key: str) -> bool:
    """Whether a text field takes the key as a character; Textual itself does not know "slash" for one."""
    text = format_key(key)
    return widget.check_consume_key(key, text if len(text) == 1 and text.isascii() else None)


def _own(node: DOMNode) -> Iterator[Binding]:
    """The bindings that a node's classes declare; a key that a subclass binds again counts once."""
    taken: set[str] = set()
    for cls in type(node).__mro__:
        if not cls.__module__.startswith("promptetheus"):
            continue  # A text field's own editing keys are no news to anyone.
        for binding in Binding.make_bindings(cls.__dict__.get("BINDINGS", ())):
            if binding.key not in taken and binding.description and not binding.system:
                taken.add(binding.key)
                yield binding


def _rebound(bindings: Iterable[Binding], chosen: Mapping[str, str]) -> Iterator[Binding]:
    """The bindings with the keys that the person chose instead."""
    told: set[str] = set()
    for binding in bindings:
        keys = chosen.get(binding.id or "")
        if keys is None:
            yield binding
        elif binding.id not in told:
            told.add(binding.id or "")
            yield from (replace(binding, key=key.strip()) for key in keys.split(","))


def _merged(found: Iterable[tuple[DOMNode, Binding, bool]]) -> Iterator[Shortcut]:
    """One shortcut an action, with all its keys."""
    merged: dict[tuple[int, str], tuple[DOMNode, Binding, bool, list[str]]] = {}
    for node, binding, enabled in found:
        merged.setdefault((id(node), binding.action), (node, binding, enabled, []))[3].append(binding.key)
    for node, binding, enabled, keys in merged.values():
        sentence = with_keys(binding.tooltip or binding.description, node.app)
        yield Shortcut(
            tuple(keys),
            binding.action,
            binding.description,
            sentence,
            node,
            binding.show,
            enabled,
            binding.id or "",
        )


def _title(node: DOMNode) -> str:
    return node.BINDING_GROUP_TITLE or "Everywhere"
