"""What a call of a model costs, remembered beside the spool: reading the price list takes a quarter of a second, and
nearly always says what it said the last time.

A file that may be deleted at any time. It is believed as long as the price library is the one that it was made with.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from promptetheus import __version__
from promptetheus.queries.catalog_cache import CacheUnusable, cache_path, replace_file
from promptetheus.queries.source import Source

NAME = "models.prices"
"""JSON, in which no session is to be looked for."""

MOST_MODELS = 2_000
LONGEST_NAME = 200
"""Characters; a longer name is no model's, and is looked for in the price list each time."""

_MOST_BYTES = 1 << 20


class Rate(NamedTuple):
    """US dollars, for calls of ordinary length."""

    call: float
    input_token: float
    output_token: float
    cached_token: float


def read_prices(spool: Path) -> dict[str, Rate | None]:
    """What is remembered, by model; None for one that the price list does not have. Empty where nothing is."""
    path = _path(spool)
    if path is None:
        return {}
    try:
        source = Source(path)
        data = source.pread(_MOST_BYTES, 0) if source.size <= _MOST_BYTES else b""
        found = orjson.loads(data)
        if found["made_with"] != _price_list():
            return {}
        return {model: None if rate is None else _rate(rate) for model, rate in found["prices"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # none there, or damaged
        return {}


def keep_prices(spool: Path, prices: Mapping[str, Rate | None]) -> None:
    """Remember them. Where that cannot be, the price list is read again the next time."""
    path, made_with = _path(spool), _price_list()
    if path is None or not made_with:
        return
    # Another reader of the spool may have learned others meanwhile.
    known = {**read_prices(spool), **prices}
    kept = {model: rate for model, rate in known.items() if len(model) <= LONGEST_NAME}
    newest = dict(list(kept.items())[-MOST_MODELS:])
    try:
        data = orjson.dumps({"made_with": made_with, "prices": newest}, default=list)
        replace_file(path, [data])
    except (CacheUnusable, TypeError, ValueError):  # a full or read-only disk; a name that is no UTF-8
        return


def _path(spool: Path) -> Path | None:
    beside = cache_path(spool)
    return None if beside is None else beside.with_name(NAME)


def _price_list() -> str:
    """Which price list there is, without reading it; "" where that cannot be told."""
    found = find_spec("genai_prices")
    if found is None or found.origin is None:
        return ""
    try:
        data = os.stat(os.path.join(os.path.dirname(found.origin), "data.py"))
    except OSError:
        return ""
    return f"{__version__} {data.st_size} {data.st_mtime_ns}"


def _rate(numbers: Any) -> Rate:
    """Raises ValueError or TypeError where these are no prices."""
    rate = Rate(*map(float, numbers))
    if not all(math.isfinite(number) and number >= 0 for number in rate):
        raise ValueError("no price")
    return rate
