"""Every action that keys are bound to, by id: for the file of keys and for `promptetheus tui --keys`."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from importlib import import_module
from typing import NamedTuple

from textual.binding import Binding
from textual.dom import DOMNode

import promptetheus.tui


class KeyAction(NamedTuple):
    """One action."""

    id: str
    keys: str
    """Of the default preset, separated by commas."""
    sentence: str


def key_actions() -> list[KeyAction]:
    """All actions in order of their ids. Imports every view, which takes a moment."""
    for module in pkgutil.walk_packages(promptetheus.tui.__path__, f"{promptetheus.tui.__name__}."):
        import_module(module.name)
    found: dict[str, KeyAction] = {}
    for cls in _classes(DOMNode):
        for binding in cls.__dict__.get("BINDINGS", ()) if cls.__module__.startswith("promptetheus.") else ():
            if isinstance(binding, Binding) and binding.id:
                sentence = binding.tooltip or binding.description
                before = found.get(binding.id)
                # A subclass that says more about the same action is the better description.
                if before is None or len(sentence) > len(before.sentence):
                    found[binding.id] = KeyAction(binding.id, binding.key, sentence)
    return sorted(found.values())


def _classes(base: type[DOMNode]) -> Iterator[type[DOMNode]]:
    for cls in base.__subclasses__():
        yield cls
        yield from _classes(cls)
