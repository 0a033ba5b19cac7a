"""What model calls cost, from a kept price list (genai-prices, offline). Unknown models are unpriced, never 0
in a sum without being named."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


@functools.lru_cache(maxsize=4096)
def price(model: str, input_tokens: int, output_tokens: int, cached_tokens: int = 0) -> float | None:
    """US dollars for a call; None when the model is not in the price list.

    Names with a provider in front (`openai/gpt-4o`, `bedrock:anthropic.claude…`) are tried with and without it.
    Reasoning tokens are output tokens, as providers bill them. The first use loads the price list (about a
    quarter of a second).
    """
    for name in dict.fromkeys((model, model.rpartition("/")[2], model.rpartition(":")[2])):
        found = _lookup(name, input_tokens, output_tokens, cached_tokens)
        if found is not None:
            return found
    return None


class ModelPrice(NamedTuple):
    """US dollars for 1,000 tokens."""

    input_per_1k: float
    output_per_1k: float


class SessionCost(NamedTuple):
    """What the model calls of a session cost together."""

    total_usd: float
    input_tokens: int
    output_tokens: int
    llm_calls: int
    priced_calls: int
    unknown_models: tuple[str, ...]
    """Models without a price, sorted: their calls are not in the total."""


class BudgetStatus(NamedTuple):
    """Where a budget stands."""

    spent_usd: float
    limit_usd: float
    exceeded: bool
    """Whether more was spent than the limit."""
    remaining_usd: float
    fraction: float
    """Spent of the limit; 0 when the limit is 0."""


class Budget:
    """A limit in US dollars. One that is no positive number is 0."""

    def __init__(self, limit: float) -> None:
        self.limit_usd = _amount(limit)

    def check(self, spent: SessionCost | float) -> BudgetStatus:
        """Where the budget stands after spending so much."""
        used = _amount(spent.total_usd if isinstance(spent, SessionCost) else spent)
        limit = self.limit_usd
        fraction = used / limit if limit else 0.0
        return BudgetStatus(used, limit, used > limit, max(0.0, limit - used), fraction)

    def exceeded(self, spent: SessionCost | float) -> bool:
        """Whether that is more than the limit."""
        return self.check(spent).exceeded


class _KnownPrices(Mapping[str, ModelPrice]):
    """The price list as the mapping that release 2.0.1 had; models are looked up when asked for."""

    _COMMON = (
        "gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano", "gpt-5", "gpt-5-mini", "o3", "o3-mini",
        "o4-mini", "claude-3-5-haiku-latest", "claude-3-7-sonnet-latest", "claude-sonnet-4-0", "claude-opus-4-0",
        "gemini-2.5-pro", "gemini-2.5-flash",
    )  # fmt: skip

    def __getitem__(self, model: str) -> ModelPrice:
        found = _per_thousand(model)
        if found is None:
            raise KeyError(model)
        return found

    def __iter__(self) -> Any:
        return (model for model in self._COMMON if _per_thousand(model) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


DEFAULT_MODEL_PRICES: Mapping[str, ModelPrice] = _KnownPrices()
"""Prices by model. Iterating gives the common ones; any model of the price list can be asked for."""


def resolve_price(model: object, prices: Mapping[str, ModelPrice] | None = None) -> ModelPrice | None:
    """The price of a model, None when it has none. `prices` of your own replace the list: there the name counts
    exactly, then the longest key that it begins with, in lower case."""
    if not isinstance(model, str) or not model:
        return None
    if prices is None:
        return _per_thousand(model)
    name = model.lower()
    if name in prices:
        return ModelPrice(*prices[name])
    keys = [key for key in prices if name.startswith(key.lower())]
    return ModelPrice(*prices[max(keys, key=len)]) if keys else None


def estimate_cost(
    model: object,
    input_tokens: object = 0,
    output_tokens: object = 0,
    prices: Mapping[str, ModelPrice] | None = None,
    *,
    cached_tokens: object = 0,
) -> float:
    """US dollars for a call; 0.0 for a model without a price. Counts that are no numbers are 0."""
    used, made, cached = _count(input_tokens), _count(output_tokens), _count(cached_tokens)
    if prices is None:
        return (price(model, used, made, cached) or 0.0) if isinstance(model, str) and model else 0.0
    found = resolve_price(model, prices)
    return used / 1000 * found.input_per_1k + made / 1000 * found.output_per_1k if found else 0.0


def estimate_tokens(text: object, model: str | None = None) -> int:
    """Tokens of a text: counted with tiktoken where it is installed, otherwise a quarter of its characters."""
    if not isinstance(text, str) or not text:
        return 0
    try:
        tiktoken = importlib.import_module("tiktoken")  # no dependency of ours: used where it is
        try:
            encoding = tiktoken.encoding_for_model(model or "gpt-4o")
        except KeyError:
            encoding = tiktoken.get_encoding("cl100k_base")
        return len(encoding.encode(text, disallowed_special=()))
    except Exception:  # not installed, or its tables cannot be loaded without a network
        return max(1, int(len(text) / 4 + 0.999))


def annotate_cost(event: Mapping[str, Any], prices: Mapping[str, ModelPrice] | None = None) -> dict[str, Any]:
    """A copy of an event with `cost_usd` in its payload. Token counts that are missing are estimated from
    `input_text` and `output_text`; events of other types cost 0.0."""
    copy = dict(event)
    given = event.get("payload")
    payload: dict[str, Any] = dict(given) if isinstance(given, Mapping) else {}
    copy["payload"] = payload
    if event.get("type") != "llm_call":
        payload.setdefault("cost_usd", 0.0)
        return copy
    for side in ("input", "output"):
        if payload.get(f"{side}_tokens") is None and payload.get(f"{side}_text"):
            payload[f"{side}_tokens"] = estimate_tokens(payload[f"{side}_text"], payload.get("model"))
    payload["cost_usd"] = estimate_cost(
        payload.get("model"),
        payload.get("input_tokens"),
        payload.get("output_tokens"),
        prices,
        cached_tokens=payload.get("cached_tokens"),
    )
    return copy


def accumulate_session_cost(
    events: Iterable[Mapping[str, Any]], prices: Mapping[str, ModelPrice] | None = None
) -> SessionCost:
    """The sum over the model calls among the events."""
    total, used, made, called, priced = 0.0, 0, 0, 0, 0
    unknown = set()
    for event in events:
        if not isinstance(event, Mapping) or event.get("type") != "llm_call":
            continue
        payload = annotate_cost(event, prices)["payload"]
        called += 1
        used += _count(payload.get("input_tokens"))
        made += _count(payload.get("output_tokens"))
        if resolve_price(payload.get("model"), prices) is None:
            unknown.add(str(payload.get("model")))
        else:
            priced += 1
            total += payload["cost_usd"]
    return SessionCost(total, used, made, called, priced, tuple(sorted(unknown)))


def format_cost(cost: SessionCost) -> str:
    """`$0.0075 across 3 LLM call(s); 1007 in / 500 out tokens; 2 unpriced (gpt-5)`."""
    text = (
        f"${cost.total_usd:.4f} across {cost.llm_calls} LLM call(s); "
        f"{cost.input_tokens} in / {cost.output_tokens} out tokens"
    )
    unpriced = cost.llm_calls - cost.priced_calls
    return f"{text}; {unpriced} unpriced ({', '.join(cost.unknown_models)})" if unpriced else text


def _per_thousand(model: str) -> ModelPrice | None:
    used, made = price(model, 1000, 0), price(model, 0, 1000)
    return None if used is None or made is None else ModelPrice(used, made)


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


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return int(value) if 0 <= value < 1e15 else 0


def _amount(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0.0
    return float(value) if 0 <= value < float("inf") else 0.0
