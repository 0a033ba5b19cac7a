"""How busy a session was from its beginning to its end: a handful of numbers, for a strip in a list.

Small files are read whole; of large ones the time is looked up at a few places, so that the cost does not grow with
the file: much written between two moments means that much happened.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from promptetheus.clock import parse_timestamp
from promptetheus.queries.source import open_regular

READ_WHOLE_BYTES = 128 << 10
_SAMPLES = 24
_SAMPLE_BYTES = 4 << 10

_TIME = re.compile(rb'"timestamp":"([^"\\]{10,40})"')
_TROUBLE = re.compile(rb'"type":"error"|"passed":false|"error":"')
"""Keys are sorted and nothing is spaced in the lines we write; a foreign line at worst shows no trouble."""


class Activity(NamedTuple):
    """Shares of the busiest stretch, from 0 to 1, and whether something failed in each."""

    levels: tuple[float, ...]
    trouble: tuple[bool, ...]


def activity(path: Path, cells: int) -> Activity | None:
    """The activity of a session in `cells` equal stretches of its time; None where there is nothing to tell.

    Without times, or with all in one moment, there is nothing to tell. Never raises on what a file holds.
    """
    try:
        fd, found = open_regular(path)
    except OSError:
        return None
    try:
        moments = _all(fd) if found.st_size <= READ_WHOLE_BYTES else _sampled(fd, found.st_size)
    except OSError:
        return None
    finally:
        os.close(fd)
    return _in_stretches(moments, cells)


class _Moment(NamedTuple):
    at_s: float
    weight: float
    """How much happened since the moment before."""
    trouble: bool


def _all(fd: int) -> list[_Moment]:
    moments = []
    for line in os.pread(fd, READ_WHOLE_BYTES, 0).splitlines():
        at_s = _time_in(line)
        if at_s is not None:
            moments.append(_Moment(at_s, 1.0, _TROUBLE.search(line) is not None))
    return moments


def _sampled(fd: int, size: int) -> list[_Moment]:
    """Moments at evenly spaced places of the file; the bytes between two stand for what happened."""
    moments: list[_Moment] = []
    for number in range(_SAMPLES + 1):
        offset = max(0, (size - _SAMPLE_BYTES) * number // _SAMPLES)
        block = os.pread(fd, _SAMPLE_BYTES, offset)
        at_s = _time_in(block)
        if at_s is not None:
            moments.append(_Moment(at_s, 1.0 if moments else 0.0, _TROUBLE.search(block) is not None))
    return moments


def _time_in(text: bytes) -> float | None:
    found = _TIME.search(text)
    return None if found is None else parse_timestamp(found.group(1).decode("ascii", "replace"))


def _in_stretches(moments: list[_Moment], cells: int) -> Activity | None:
    if len(moments) < 2:
        return None
    moments.sort()
    first, last = moments[0].at_s, moments[-1].at_s
    if last <= first:
        return None
    weights, trouble = [0.0] * cells, [False] * cells
    for moment in moments:
        cell = min(cells - 1, int((moment.at_s - first) / (last - first) * cells))
        weights[cell] += moment.weight
        trouble[cell] = trouble[cell] or moment.trouble
    most = max(weights)
    return Activity(tuple(weight / most for weight in weights), tuple(trouble)) if most else None
