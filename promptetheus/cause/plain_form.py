"""A value as one text that is equal for values that differ in noise only: what signatures are made of."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import islice
from typing import Any
from zlib import crc32

from promptetheus.cause.noise import DEFAULT_NOISE, Noise, Trail, onward

MAX_TEXT = 20_000
"""Characters of one string that are looked at rule by rule; the rest counts as it stands."""

MAX_DEPTH = 40
MAX_NODES = 20_000
"""Limits of one value; what lies deeper or beyond is compared as `…`, that is, not at all."""

IGNORED = "‹ignored›"
"""Stands for what a project's JSON path leaves out."""

_SHORT = 120
_MOST_TEXTS = 10_000
"""Texts of at most so many characters are remembered, and so many of them: a few megabytes."""

_EXACT = 1 << 53
_TRIGGER = re.compile(r"[0-9/]")
"""None of our patterns matches a text that has none of these."""


def plain_text(text: str, noise: Noise = DEFAULT_NOISE) -> str:
    """The text as it is compared: runs of white space are one space, noise is replaced by placeholders."""
    found = noise.texts.get(text)
    if found is None:
        found = _plain_text(text, noise)
        if len(text) <= _SHORT:
            if len(noise.texts) >= _MOST_TEXTS:
                noise.texts.clear()
            noise.texts[text] = found
    return found


def _plain_text(text: str, noise: Noise) -> str:
    rest = ""
    if len(text) > MAX_TEXT:
        rest = f"…{crc32(text[MAX_TEXT:].encode('utf-8', 'replace')):08x}"
        text = text[:MAX_TEXT]
    text = " ".join(text.split())
    if noise.has_own or _TRIGGER.search(text) is not None:
        for rule in noise.patterns:
            if rule.needs in text:
                assert rule.pattern is not None
                text = rule.pattern.sub(rule.placeholder, text)
    return text + rest


def plain(value: Any, noise: Noise = DEFAULT_NOISE, trails: tuple[Trail, ...] | None = None) -> str:
    """A JSON value as one text that is equal for values that differ in noise and the order of keys only.

    Args:
        trails: the JSON paths that lead on from here, for a value inside another; default the project's.
    """
    return _plain(value, noise, MAX_DEPTH, [MAX_NODES], noise.trails if trails is None else trails)


def _plain(value: Any, noise: Noise, depth: int, room: list[int], trails: tuple[Trail, ...]) -> str:
    room[0] -= 1
    if room[0] < 0 or depth < 0:
        return "…"
    kind = type(value)
    if kind is str:
        return f'"{plain_text(value, noise)}"'
    if kind is int or kind is float:
        return "‹n›" if noise.masks_numbers else plain_number(value, noise.number_digits)
    if value is None or kind is bool:
        return str(value)
    if kind is dict or isinstance(value, Mapping):
        members = _some(value.items(), room)
        if trails:
            pairs = [
                (name := str(key)[:MAX_TEXT], _member(name, item, noise, depth - 1, room, trails))
                for key, item in members
            ]
        else:
            pairs = [
                (str(key)[:MAX_TEXT], _plain(item, noise, depth - 1, room, trails)) for key, item in members
            ]
        pairs.sort()
        return "{" + ",".join([f"{name}:{item}" for name, item in pairs]) + "}"
    if isinstance(value, list | tuple):
        items = [
            _member(str(place), item, noise, depth - 1, room, trails)
            for place, item in enumerate(_some(value, room))
        ]
        return "[" + ",".join(items) + "]"
    return f'"{plain_text(str(value), noise)}"' if isinstance(value, str) else plain_text(str(value), noise)


def _member(key: str, item: Any, noise: Noise, depth: int, room: list[int], trails: tuple[Trail, ...]) -> str:
    if not trails:
        return _plain(item, noise, depth, room, trails)
    inside = onward(trails, key)
    return IGNORED if inside is None else _plain(item, noise, depth, room, inside)


def plain_number(number: int | float, digits: int = 12) -> str:
    """`5` and `5.0` are the same amount, `0.1 + 0.2` is `0.3`."""
    if digits == 12 and type(number) is int and -_EXACT < number < _EXACT:
        return str(number)
    try:
        return f"{float(number):.{digits}g}"
    except OverflowError:
        return "huge"


def _some(items: Collection[Any], room: list[int]) -> Iterable[Any]:
    """The items while there is room: a value with a million members costs what the limit allows."""
    return items if len(items) <= room[0] else islice(items, room[0] + 1)
