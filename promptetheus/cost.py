"""What a model call cost, from a kept price list (genai-prices, offline). Unknown models are unpriced, never 0."""

from __future__ import annotations

import functools


@functools.lru_cache(maxsize=4096)
def price(model: str, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float | None:
    """US dollars for a call; None when the model is not in the price list.

    Names with a provider in front (`openai/gpt-4o`, `bedrock:anthropic.claude…`) are tried with and without it.
    The first use loads the price list (about a quarter of a second).
    """
    for name in dict.fromkeys((model, model.rpartition("/")[2], model.rpartition(":")[2])):
        found = _lookup(name, input_tokens, output_tokens, cached_tokens)
        if found is not None:
            return found
    return None


def _lookup(model: str, input_tokens: int, output_tokens: int, cached_tokens: int) -> float | None:
    from genai_prices import Usage, calc_price

    try:
        usage = Usage(
            input_tokens=input_tokens,
            output_tokens=output_tokens,
            cache_read_tokens=cached_tokens or None,
        )
        return float(calc_price(usage, model).total_price)
    except (LookupError, ValueError):
        return None
