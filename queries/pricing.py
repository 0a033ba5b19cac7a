"""What sessions cost where nobody recorded it, from the price library; unknown models stay unpriced, never 0."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from promptetheus.queries.rows import SessionRow, Usage

_LONG_CALL_TOKENS = 100_000
"""Above this some models cost more per token; below it prices are proportional."""

_SAMPLE_TOKENS = 1000


class _Rate(NamedTuple):
    """US dollars, for calls of ordinary length."""

    call: float
    input_token: float
    output_token: float
    cached_token: float


class Pricer:
    """Prices rows. Asks the price library a few times per model, not once per session."""

    def __init__(self) -> None:
        self._rates: dict[str, _Rate | None] = {}

    def priced(self, row: SessionRow) -> SessionRow:
        """The row with its cost, or the same object where there is nothing to add.

        A recorded cost is never touched, also where it lacks some calls: which tokens were theirs is not known.
        Calls without tokens or of unknown models stay in `unpriced_calls`.
        """
        if row.cost_usd is not None or not row.unpriced_calls or not row.usage:
            return row
        total: float | None = None
        unpriced = row.llm_calls
        for model, usage in row.usage.items():
            price = self._price(model, usage)
            if price is not None:
                total = (total or 0.0) + price
                unpriced -= usage.calls
        if total is None:
            return row
        return replace(row, cost_usd=total, unpriced_calls=max(0, unpriced))

    def _price(self, model: str, usage: Usage) -> float | None:
        if not usage.input_tokens and not usage.output_tokens:
            return None
        calls = max(1, usage.calls)
        if usage.input_tokens / calls > _LONG_CALL_TOKENS:
            return _price_long_calls(model, usage, calls)
        if model not in self._rates:
            self._rates[model] = _rate(model)
        rate = self._rates[model]
        if rate is None:
            return None
        cached = min(usage.cached_tokens, usage.input_tokens)
        return (
            calls * rate.call
            + (usage.input_tokens - cached) * rate.input_token
            + usage.output_tokens * rate.output_token
            + cached * rate.cached_token
        )


def _rate(model: str) -> _Rate | None:
    from promptetheus.cost import price

    nothing = price(model, 0, 0)
    sent = price(model, _SAMPLE_TOKENS, 0)
    received = price(model, 0, _SAMPLE_TOKENS)
    cached = price(model, _SAMPLE_TOKENS, 0, _SAMPLE_TOKENS)
    if nothing is None or sent is None or received is None or cached is None:
        return None
    return _Rate(nothing, *((cost - nothing) / _SAMPLE_TOKENS for cost in (sent, received, cached)))


def _price_long_calls(model: str, usage: Usage, calls: int) -> float | None:
    """Only the sum of the calls is known: the average one is priced and multiplied."""
    from promptetheus.cost import price

    one = price(
        model,
        round(usage.input_tokens / calls),
        round(usage.output_tokens / calls),
        round(usage.cached_tokens / calls),
    )
    return None if one is None else one * calls
