"""What may differ between two runs of the same thing without meaning anything: visible, switchable rules.

Every rule is a row of `NOISE_RULES`. Ids that a program drew, machine clocks and temporary folders are ignored
by default; a date, a place or an amount that somebody chose never is. All patterns are linear in their input.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

MAX_TEXT = 20_000
"""Characters of one string that are looked at rule by rule; the rest counts as it stands."""

MAX_DEPTH = 40
MAX_NODES = 20_000
"""Limits of one value; what lies deeper or beyond is compared as `…`, that is, not at all."""

PARALLEL_ORDER = "parallel"
"""The rule that is no pattern: calls that ran at the same time may come in any order."""


@dataclass(frozen=True, slots=True)
class NoiseRule:
    """Texts that are replaced before two values are compared."""

    name: str
    pattern: re.Pattern[str]
    placeholder: str
    meaning: str
    """For people: what is ignored."""
    on: bool = True
    """Whether it applies unless somebody says otherwise."""
    needs: str = ""
    """A character without which the pattern cannot match: most texts are passed over at that."""


NOISE_RULES: tuple[NoiseRule, ...] = (
    NoiseRule(
        "uuids",
        re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"),
        "‹uuid›",
        "UUIDs",
        needs="-",
    ),
    NoiseRule(
        "ids",
        re.compile(
            r"\b(?:call|toolu|chatcmpl|msg|req|resp|run|trace|span|sess)[_-][A-Za-z0-9]{8,64}\b"
            r"|\b0x[0-9a-fA-F]{4,16}\b"
            r"|\b01[0-9A-HJKMNP-TV-Z]{24}\b"
            r"|\b(?=[0-9]{0,64}[a-f])(?=[a-f]{0,64}[0-9])[0-9a-f]{12,64}\b"
        ),
        "‹id›",
        "call ids, addresses, ULIDs and long hexadecimal ids",
    ),
    NoiseRule(
        "times",
        # A time that somebody chose ends on a whole minute; a clock that was read does so once in sixty.
        re.compile(
            r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:(?!00(?!\d|\.\d))\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"
        ),
        "‹time›",
        "timestamps that are not on a whole minute",
        needs=":",
    ),
    NoiseRule(
        "durations",
        re.compile(r"\b\d{1,12}(?:\.\d{1,9})?\s?(?:ms|µs|ns)\b|\b\d{1,12}\.\d{1,9}\s?(?:s|sec|seconds)\b"),
        "‹duration›",
        "durations in milliseconds or fractions of a second",
        needs="s",
    ),
    NoiseRule(
        "paths",
        re.compile(
            r"(?:/private)?/(?:tmp|var/folders|var/tmp)/[\w.+\-]{1,255}|/(?:home|Users)/[\w.\-]{1,64}"
        ),
        "‹folder›",
        "temporary folders and home directories",
        needs="/",
    ),
    NoiseRule("numbers", re.compile(r"\d{1,64}(?:\.\d{1,64})?"), "‹n›", "all numbers", on=False),
)

_TRIGGER = re.compile(r"[0-9/]")
_KNOWN = frozenset(rule.name for rule in NOISE_RULES)


@dataclass(frozen=True, slots=True)
class Noise:
    """The rules in force for a comparison."""

    rules: tuple[NoiseRule, ...]
    parallel: bool = True
    """Whether the order of calls that ran at the same time is ignored."""

    @property
    def names(self) -> tuple[str, ...]:
        """What is ignored, for the line that says so."""
        return (*(rule.name for rule in self.rules), *((PARALLEL_ORDER,) if self.parallel else ()))

    @property
    def masks_numbers(self) -> bool:
        """Whether JSON numbers are ignored like those in text."""
        return any(rule.name == "numbers" for rule in self.rules)


def noise_rules(
    off: Iterable[str] = (), on: Iterable[str] = (), extra: Iterable[tuple[str, str]] = ()
) -> Noise:
    """The default rules without `off`, with `on`, and with a project's own (name, regular expression) pairs.

    Raises:
        ValueError: for a name that no rule has, or a pattern that is no regular expression.
    """
    off, on = set(off), set(on)
    unknown = (off | on) - {*_KNOWN, PARALLEL_ORDER}
    if unknown:
        known = ", ".join((*sorted(_KNOWN), PARALLEL_ORDER))
        raise ValueError(f"no noise rule is called {', '.join(sorted(unknown))!r}; there are {known}")
    rules = [rule for rule in NOISE_RULES if (rule.on or rule.name in on) and rule.name not in off]
    for name, pattern in extra:
        try:
            rules.append(NoiseRule(name, re.compile(pattern), f"‹{name}›", f"what matches {pattern}"))
        except re.error as error:
            raise ValueError(f"noise rule {name!r}: {error}") from error
    return Noise(tuple(rules), PARALLEL_ORDER not in off)


DEFAULT_NOISE = noise_rules()
NO_NOISE = Noise((), parallel=False)


def plain_text(text: str, noise: Noise = DEFAULT_NOISE) -> str:
    """The text as it is compared: runs of white space are one space, noise is replaced by placeholders."""
    rest = ""
    if len(text) > MAX_TEXT:
        rest = f"…{crc32(text[MAX_TEXT:].encode('utf-8', 'replace')):08x}"
        text = text[:MAX_TEXT]
    text = " ".join(text.split())
    usual = _TRIGGER.search(text) is not None
    for rule in noise.rules:
        if rule.needs in text and (usual or rule.name not in _KNOWN):
            text = rule.pattern.sub(rule.placeholder, text)
    return text + rest


def plain(value: Any, noise: Noise = DEFAULT_NOISE) -> str:
    """A JSON value as one text that is equal for values that differ in noise and the order of keys only."""
    room = [MAX_NODES]
    return _plain(value, noise, MAX_DEPTH, room)


def _plain(value: Any, noise: Noise, depth: int, room: list[int]) -> str:
    room[0] -= 1
    if room[0] < 0 or depth < 0:
        return "…"
    if isinstance(value, str):
        return f'"{plain_text(value, noise)}"'
    if value is None or isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return "‹n›" if noise.masks_numbers else plain_number(value)
    if isinstance(value, Mapping):
        pairs = [
            (str(key)[:MAX_TEXT], _plain(item, noise, depth - 1, room))
            for key, item in _some(value.items(), room)
        ]
        return "{" + ",".join(f"{key}:{item}" for key, item in sorted(pairs)) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(_plain(item, noise, depth - 1, room) for item in _some(value, room)) + "]"
    return plain_text(str(value), noise)


def plain_number(number: int | float) -> str:
    """`5` and `5.0` are the same amount, `0.1 + 0.2` is `0.3`."""
    if isinstance(number, int) and abs(number) < 1 << 53:
        return str(number)
    try:
        return f"{float(number):.12g}"
    except OverflowError:
        return "huge"


def _some(items: Iterable[Any], room: list[int]) -> Iterable[Any]:
    """The items while there is room: a value with a million members costs what the limit allows."""
    for item in items:
        if room[0] < 0:
            return
        yield item
