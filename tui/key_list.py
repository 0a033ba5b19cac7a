"""Every action that keys are bound to, by id: for the file of keys and for `promptetheus tui --keys`."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode

import promptetheus.tui
from promptetheus.tui.keymap import with_keys


class KeyAction(NamedTuple):
    """One action."""

    id: str
    keys: str
    """Of the default preset, separated by commas."""
    sentence: str
    places: frozenset[str]
    """Names of the classes that have it, inherited or not: of two actions of one place only one can have a key."""


def key_actions() -> list[KeyAction]:
    """All actions in order of their ids. Imports every view, which takes a moment."""
    for module in pkgutil.walk_packages(promptetheus.tui.__path__, f"{promptetheus.tui.__name__}."):
        import_module(module.name)
    return known_actions()


def known_actions() -> list[KeyAction]:
    """The actions of the views that are imported already, in order of their ids."""
    found: dict[str, Binding] = {}
    places: dict[str, set[str]] = {}
    for cls in _classes(DOMNode):
        if cls.__module__.startswith("promptetheus."):
            for binding in (binding for base in cls.__mro__ for binding in _named_bindings(base)):
                name = binding.id or ""
                before = found.get(name)
                # A subclass that says more about the same action is the better description.
                if before is None or len(_sentence(binding)) > len(_sentence(before)):
                    found[name] = binding
                places.setdefault(name, set()).add(cls.__name__)
    return [
        KeyAction(each, binding.key, _sentence(binding), frozenset(places[each]))
        for each, binding in sorted(found.items())
    ]


def _named_bindings(cls: type) -> Iterator[Binding]:
    """Those with an id that a class of ours declares itself."""
    if cls.__module__.startswith("promptetheus."):
        for binding in cls.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding) and binding.id:
                yield binding


def _sentence(binding: Binding) -> str:
    return with_keys(binding.tooltip or binding.description)


def _classes(base: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for cls in base.__subclasses__():
        yield cls
        yield from _classes(cls)
