"""A value as one text that is equal for values that differ in noise only: what signatures are made of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from zlib import crc32

from promptetheus.noise import DEFAULT_NOISE, Noise, Trail, onward

MAX_TEXT = 20_000
"""Characters of one string that are looked at rule by rule; the rest counts as it stands."""

MAX_DEPTH = 40
MAX_NODES = 20_000
"""Limits of one value; what lies deeper or beyond is compared as `…`, that is, not at all."""

IGNORED = "‹ignored›"
"""Stands for what a project's JSON path leaves out."""

_TRIGGER = re.compile(r"[0-9/]")


def plain_text(text: str, noise: Noise = DEFAULT_NOISE) -> str:
    """The text as it is compared: runs of white space are one space, noise is replaced by placeholders."""
    rest = ""
    if len(text) > MAX_TEXT:
        rest = f"…{crc32(text[MAX_TEXT:].encode('utf-8', 'replace')):08x}"
        text = text[:MAX_TEXT]
    text = " ".join(text.split())
    usual = _TRIGGER.search(text) is not None
    for rule in noise.patterns:
        if rule.needs in text and (usual or rule.own):
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
    if kind is str or isinstance(value, str):
        return f'"{plain_text(value, noise)}"'
    if kind is dict or isinstance(value, Mapping):
        pairs = [
            (str(key)[:MAX_TEXT], _member(str(key), item, noise, depth - 1, room, trails))
            for key, item in _some(value.items(), room)
        ]
        pairs.sort()
        return "{" + ",".join([f"{key}:{item}" for key, item in pairs]) + "}"
    if value is None or kind is bool:
        return str(value)
    if isinstance(value, int | float):
        return "‹n›" if noise.masks_numbers else plain_number(value, noise.number_digits)
    if isinstance(value, list | tuple):
        return (
            "["
            + ",".join(
                [
                    _member(str(place), item, noise, depth - 1, room, trails)
                    for place, item in enumerate(_some(value, room))
                ]
            )
            + "]"
        )
    return plain_text(str(value), noise)


def _member(key: str, item: Any, noise: Noise, depth: int, room: list[int], trails: tuple[Trail, ...]) -> str:
    if not trails:
        return _plain(item, noise, depth, room, ())
    inside = onward(trails, key)
    return IGNORED if inside is None else _plain(item, noise, depth, room, inside)


def plain_number(number: int | float, digits: int = 12) -> str:
    """`5` and `5.0` are the same amount, `0.1 + 0.2` is `0.3`."""
    if digits == 12 and isinstance(number, int) and abs(number) < 1 << 53:
        return str(number)
    try:
        return f"{float(number):.{digits}g}"
    except OverflowError:
        return "huge"


def _some(items: Iterable[Any], room: list[int]) -> Iterable[Any]:
    """The items while there is room: a value with a million members costs what the limit allows."""
    for item in items:
        if room[0] < 0:
            return
        yield item
