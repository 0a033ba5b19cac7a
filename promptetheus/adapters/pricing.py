"""What a call cost, without making the agent wait for the price list.

Loading the list takes a third of a second, so a thread does it while the first model is still answering. A call
that is answered sooner waits for it, once in a process.
"""

from __future__ import annotations

import functools
import threading
from typing import NamedTuple

from promptetheus import cost, guard, process
from promptetheus.adapters.usage import Usage

_LONGEST_WAIT_S = 2.0

_PROPORTIONAL_TOKENS = 100_000
"""Above this some models cost more per token; below it the price is tokens times rates (2 µs instead of 140)."""


class _Loading:
    def __init__(self) -> None:
        self.done = threading.Event()
        self.forks = process.forks
        self.thread = threading.Thread(target=self._load, name="promptetheus-prices", daemon=True)
        self.thread.start()

    def _load(self) -> None:
        try:
            cost.price("gpt-4o", 0, 0)
            self.done.set()
        except Exception as error:  # a broken installation: calls stay without a price
            guard.report("failed.prices", "the price list could not be loaded", error)


class _Rates(NamedTuple):
    call: float
    input_token: float
    output_token: float
    cached_token: float


_loading: _Loading | None = None
_lock = threading.Lock()


def load_prices() -> None:
    """Begin to load the price list, once in a process."""
    global _loading
    with _lock:
        if _loading is None:
            _loading = _Loading()


def cost_of(model: str, usage: Usage) -> float | None:
    """US dollars, None for a model that is not in the list, a call without token counts, or no list."""
    if not (usage.input_tokens or usage.output_tokens) or not _is_loaded():
        return None
    sent, received, cached = usage.input_tokens or 0, usage.output_tokens or 0, usage.cached_tokens or 0
    cached = min(cached, sent)
    if sent > _PROPORTIONAL_TOKENS:
        return cost.price(model, sent, received, cached)
    rates = _rates(model)
    if rates is None:
        return None
    return round(
        rates.call
        + (sent - cached) * rates.input_token
        + received * rates.output_token
        + cached * rates.cached_token,
        12,
    )


def _is_loaded() -> bool:
    load_prices()
    assert _loading is not None
    if not _loading.done.is_set() and _loading.forks == process.forks:  # in a fork the thread is gone
        _loading.thread.join(_LONGEST_WAIT_S)
    return _loading.done.is_set()


@functools.lru_cache(maxsize=1024)
def _rates(model: str) -> _Rates | None:
    nothing, sent = cost.price(model, 0, 0), cost.price(model, 1000, 0)
    received, cached = cost.price(model, 0, 1000), cost.price(model, 1000, 0, 1000)
    if nothing is None or sent is None or received is None or cached is None:
        return None
    return _Rates(nothing, *((price - nothing) / 1000 for price in (sent, received, cached)))
