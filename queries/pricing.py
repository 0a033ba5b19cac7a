"""What sessions cost where nobody recorded it, from the price library; unknown models stay unpriced, never 0."""

from __future__ import annotations

from dataclasses import replace

from promptetheus.queries.rows import SessionRow, Usage

_LONG_CALL_TOKENS = 100_000
"""Below every threshold at which a model's price per token rises."""


class Pricer:
    """Prices rows; remembers what it priced by model and tokens."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, Usage], float | None] = {}

    def priced(self, row: SessionRow) -> SessionRow:
        """The row with its cost, or the same object where there is nothing to add.

        A recorded cost is never touched. Calls without tokens or of unknown models stay in `unpriced_calls`.
        """
        if not row.unpriced_calls or not row.usage:
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
        key = (model, usage)
        if key not in self._known:
            self._known[key] = _price(model, usage)
        return self._known[key]


def _price(model: str, usage: Usage) -> float | None:
    from promptetheus.cost import price

    # Some models cost more per token in a long call. Only the sum of the calls is known: above what one call can
    # hold at the base price, the average call is priced and multiplied.
    calls = max(1, usage.calls) if usage.input_tokens > _LONG_CALL_TOKENS else 1
    one = price(
        model,
        round(usage.input_tokens / calls),
        round(usage.output_tokens / calls),
        round(usage.cached_tokens / calls),
    )
    return None if one is None else one * calls
