"""What sessions cost where nobody recorded it, from the price library; unknown models stay unpriced, never 0."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from promptetheus.queries.kept_prices import Rate, keep_prices, read_prices
from promptetheus.queries.rows import SessionRow, Usage

_LONG_CALL_TOKENS = 100_000
"""Above this some models cost more per token; below it prices are proportional."""

_SAMPLE_TOKENS = 1000


class Pricer:
    """Prices rows. Asks the price library a few times per model, not once per session.

    Args:
        spool: Where to remember prices, and what was remembered; None does neither.
    """

    def __init__(self, spool: Path | None = None) -> None:
        self._spool = spool
        self._known: dict[str, Rate | None] | None = None
        self._learned = False

    @property
    def _rates(self) -> dict[str, Rate | None]:
        if self._known is None:
            self._known = {} if self._spool is None else read_prices(self._spool)
        return self._known

    @property
    def knows_prices(self) -> bool:
        """Whether any are known without the price library."""
        return bool(self._rates)

    def priced_at_once(self, row: SessionRow) -> SessionRow:
        """As `priced`, where nobody has to ask the price library; else the row as it is."""
        if all(model in self._rates and not _is_long(usage) for model, usage in row.usage.items()):
            return self.priced(row)
        return row

    def keep(self) -> None:
        """Remember what the price library said."""
        if self._learned and self._spool is not None:
            self._learned = False
            keep_prices(self._spool, self._rates)

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
        if _is_long(usage):
            return _price_long_calls(model, usage, calls)
        if model not in self._rates:
            self._rates[model] = _rate(model)
            self._learned = True
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


def _is_long(usage: Usage) -> bool:
    return usage.input_tokens / max(1, usage.calls) > _LONG_CALL_TOKENS


def _rate(model: str) -> Rate | None:
    from promptetheus.cost import price

    nothing = price(model, 0, 0)
    sent = price(model, _SAMPLE_TOKENS, 0)
    received = price(model, 0, _SAMPLE_TOKENS)
    cached = price(model, _SAMPLE_TOKENS, 0, _SAMPLE_TOKENS)
    if nothing is None or sent is None or received is None or cached is None:
        return None
    return Rate(nothing, *((cost - nothing) / _SAMPLE_TOKENS for cost in (sent, received, cached)))


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
