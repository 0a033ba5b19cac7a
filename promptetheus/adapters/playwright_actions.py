"""Which calls of Playwright are recorded, and how they are told: action, target, what else is known.

What is typed is never told: it may be a password, and which field it goes into is known only by its selector.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from promptetheus.calls import text_of

_ON_ELEMENT = (
    "blur", "check", "clear", "click", "dblclick", "dispatch_event", "drag_to", "drop", "fill", "focus", "hover",
    "press", "press_sequentially", "scroll_into_view_if_needed", "select_option", "select_text", "set_checked",
    "set_input_files", "tap", "type", "uncheck",
)  # fmt: skip
_READING = (
    "all", "all_inner_texts", "all_text_contents", "aria_snapshot", "bounding_box", "content", "count",
    "element_handle", "eval_on_selector", "eval_on_selector_all", "evaluate", "evaluate_all", "evaluate_handle",
    "get_attribute", "inner_html", "inner_text", "input_value", "is_checked", "is_disabled", "is_editable",
    "is_enabled", "is_hidden", "is_visible", "query_selector", "query_selector_all", "screenshot", "text_content",
    "title", "wait_for", "wait_for_element_state", "wait_for_function", "wait_for_load_state", "wait_for_selector",
    "wait_for_url",
)  # fmt: skip
_ON_PAGE = (
    "bring_to_front",
    "close",
    "drag_and_drop",
    "go_back",
    "go_forward",
    "goto",
    "reload",
    "set_content",
)

ACTIONS: dict[str, tuple[str, ...]] = {
    "Page": (*_ON_ELEMENT, *_ON_PAGE),
    "Frame": (*_ON_ELEMENT, *_ON_PAGE),
    "Locator": _ON_ELEMENT,
    "ElementHandle": _ON_ELEMENT,
    "Keyboard": ("insert_text", "press", "type"),
    "Mouse": ("click", "dblclick", "wheel"),
    "Touchscreen": ("tap",),
    "FileChooser": ("set_files",),
    "Dialog": ("accept", "dismiss"),
}
"""Calls that do something, by class: recorded whenever they are made."""

READINGS: dict[str, tuple[str, ...]] = {
    "Page": _READING,
    "Frame": _READING,
    "Locator": _READING,
    "ElementHandle": _READING,
    "Keyboard": ("down", "up"),
    "Mouse": ("down", "move", "up"),
}
"""Calls that look, wait or are too many to tell each: recorded when they fail."""

NAMES = {"select_option": "select", "set_input_files": "upload", "set_files": "upload"}
"""What an action is called where it is not called like the method."""

_MAX_TARGET = 500

_BY_SELECTOR = frozenset({*_ON_ELEMENT, *_READING, "drag_and_drop"})
_NO_SELECTOR = frozenset({"content", "title", "evaluate", "evaluate_handle", "screenshot", "aria_snapshot"})
_ENGINES = (
    (re.compile(r"internal:(?:role)="), "role="),
    (re.compile(r"internal:(?:text|label)="), lambda found: found.group(0)[len("internal:") :]),
    (re.compile(r"internal:(?:attr|testid)="), ""),
    (re.compile(r"internal:has-text=((?:\"(?:[^\"\\]|\\.)*\"|/[^/]*/)[is]?)"), r":has-text(\1)"),
    (re.compile(r"internal:control=enter-frame"), "(frame)"),
    (re.compile(r'"[is](?=\]|\)| >>|$)'), '"'),
)
_USER_IN_URL = re.compile(r"(?<=://)[^/@\s]*@")
_SHOWN_SELECTOR = re.compile(r" selector=(['\"])(.*)\1>\Z", re.DOTALL)
_MODIFIED_OR_NAMED = re.compile(r"..+", re.DOTALL)
_TYPING = frozenset({"fill", "type", "press_sequentially", "insert_text", "press", "accept"})
_TYPED_IN_LOG = re.compile(r'(?m)\b(fill|type|press|insertText|insert_text|pressSequentially)\(".*"\)')
_VALUE_IN_LOG = re.compile(r'(?<= value=)("[^"]*"?|\S+)')
_LEAST_TYPED = 3


class Told(NamedTuple):
    """An action as it is recorded."""

    action: str
    target: str
    facts: dict[str, Any]
    """What else is known, for the metadata."""
    typed: str | None = None
    """What was typed, to keep it out of what is told of a failure."""


def told(
    owner: str,
    method: str,
    it: Any,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    *,
    capture: bool = False,
) -> Told:
    """How a call is told.

    Args:
        owner: the class of the object, e.g. `Locator`.
        it: the object itself, whose `repr` has the selector.
        capture: whether the options that are selected are told, too.
    """
    found = _told(owner, method, it, args, kwargs, capture)
    given = (*args, *kwargs.values())
    typed = [text for text in given if isinstance(text, str)] if method in _TYPING else []
    return found._replace(typed=typed[-1]) if typed else found


def told_failure(text: str, how: Told) -> str:
    """The text of a failure without what was typed: Playwright says it in the log of the call, and shows the
    elements with their values."""
    text = _VALUE_IN_LOG.sub('"…"', _TYPED_IN_LOG.sub(r"\1(…)", text))
    typed = how.typed
    return text if typed is None or len(typed) < _LEAST_TYPED else text.replace(typed, "…")


def _told(
    owner: str, method: str, it: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], capture: bool
) -> Told:
    name = NAMES.get(method, method)
    if owner in ("Page", "Frame") and method in _BY_SELECTOR - _NO_SELECTOR:
        selector = _argument(args, kwargs, 0, "source" if method == "drag_and_drop" else "selector")
        return Told(name, selector_of(selector), _facts(method, args[1:], kwargs, capture))
    if owner in ("Page", "Frame"):
        url = _argument(args, kwargs, 0, "url") if method in ("goto", "wait_for_url") else None
        return Told(name, "page" if url is None else address(url), {})
    if owner in ("Locator", "ElementHandle"):
        return Told(name, selector_of(it), _facts(method, args, kwargs, capture))
    if owner in ("Mouse", "Touchscreen"):
        points = [_argument(args, kwargs, n, key) for n, key in enumerate(("x", "y"))]
        if method == "wheel":
            points = [_argument(args, kwargs, n, key) for n, key in enumerate(("delta_x", "delta_y"))]
            return Told(name, "page", {"delta_x": points[0], "delta_y": points[1]})
        known = {key: point for key, point in zip(("x", "y"), points, strict=True) if point is not None}
        return Told(name, owner.lower(), known)
    if owner == "Dialog":
        return Told(f"dialog_{method}", _cut(text_of(getattr(it, "message", ""))) or "dialog", {})
    return Told(name, owner.lower(), _facts(method, args, kwargs, capture))


def address(url: object) -> str:
    """A URL without a name and password in it."""
    return _cut(_USER_IN_URL.sub("", text_of(url)))


def selector_of(found: object) -> str:
    """A selector as its author would write it, from the selector itself, or from the object that has it."""
    if isinstance(found, str):
        text = found
    else:
        text = repr(found)
        shown = _SHOWN_SELECTOR.search(text)
        text = shown.group(2) if shown else "element"
    for pattern, plain in _ENGINES:
        text = pattern.sub(plain, text)
    return _cut(text)


def _facts(method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], capture: bool) -> dict[str, Any]:
    """What is told of the arguments after the selector."""
    if method == "select_option" and capture:
        known = {name: kwargs.get(name) for name in ("index", "label")}
        known["value"] = _argument(args, kwargs, 0, "value")
        return {"selected": {name: value for name, value in known.items() if value is not None}}
    if method == "press":
        key = text_of(_argument(args, kwargs, 0, "key"))
        return {"key": key if _MODIFIED_OR_NAMED.match(key) else "(a character)"}
    if method in ("set_input_files", "set_files"):
        return {"files": _file_names(_argument(args, kwargs, 0, "files"))}
    if method in ("fill", "type", "press_sequentially", "insert_text"):
        typed = _argument(args, kwargs, 0, "value" if method == "fill" else "text")
        return {"characters": len(typed)} if isinstance(typed, str) else {}
    if method in ("drag_to", "drag_and_drop"):
        return {"to": selector_of(_argument(args, kwargs, 0, "target"))}
    if method == "dispatch_event":
        return {"event": text_of(_argument(args, kwargs, 0, "type"))}
    if method == "set_checked":
        return {"checked": bool(_argument(args, kwargs, 0, "checked"))}
    return {}


def _file_names(files: Any) -> list[str]:
    listed = files if isinstance(files, list | tuple) else [files]
    return [
        text_of(found.get("name", "")) if isinstance(found, Mapping) else text_of(found).rpartition("/")[2]
        for found in listed[:20]
    ]


def _argument(args: tuple[Any, ...], kwargs: Mapping[str, Any], place: int, name: str) -> Any:
    return args[place] if place < len(args) else kwargs.get(name)


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_TARGET else f"{text[: _MAX_TARGET - 1]}…"
