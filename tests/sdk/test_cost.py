"""What model calls cost."""

from __future__ import annotations

from typing import Any

import pytest

from promptetheus.cost import (
    DEFAULT_MODEL_PRICES,
    Budget,
    ModelPrice,
    accumulate_session_cost,
    annotate_cost,
    estimate_cost,
    estimate_tokens,
    format_cost,
    price,
    resolve_price,
)


def llm_call(model: str, **payload: Any) -> dict[str, Any]:
    return {"type": "llm_call", "payload": {"model": model, **payload}}


def test_a_known_model_has_a_price_with_and_without_its_provider() -> None:
    known = price("gpt-4o", 1000, 1000)
    assert known == pytest.approx(0.0125)
    assert price("openai/gpt-4o", 1000, 1000) == known
    assert price("no-such-model", 1000, 1000) is None


def test_cached_tokens_cost_less() -> None:
    whole, cached = price("gpt-4o", 1000, 0), price("gpt-4o", 1000, 0, 1000)
    assert whole is not None
    assert cached is not None
    assert 0 < cached < whole


def test_prices_of_ones_own_replace_the_list() -> None:
    prices = {"my": ModelPrice(1.0, 2.0), "my-model": ModelPrice(3.0, 4.0)}
    assert resolve_price("MY-MODEL-2", prices) == ModelPrice(3.0, 4.0)
    assert resolve_price("my", prices) == ModelPrice(1.0, 2.0)
    assert resolve_price("gpt-4o", prices) is None
    assert estimate_cost("my", 1000, 500, prices) == 2.0
    assert DEFAULT_MODEL_PRICES["gpt-4o"] == ModelPrice(0.0025, 0.01)
    assert "gpt-4o" in DEFAULT_MODEL_PRICES
    assert "no-such-model" not in DEFAULT_MODEL_PRICES
    assert len(DEFAULT_MODEL_PRICES) == len(list(DEFAULT_MODEL_PRICES)) > 5


@pytest.mark.parametrize("count", [None, True, "5", -5, float("nan"), [1]])
def test_counts_that_are_none_are_zero(count: Any) -> None:
    assert estimate_cost("gpt-4o", count, count) == 0.0


@pytest.mark.parametrize("model", [None, "", 5, "no-such-model"])
def test_models_without_a_price_cost_nothing_in_an_estimate(model: Any) -> None:
    assert estimate_cost(model, 1000, 1000) == 0.0
    assert resolve_price(model) is None


def test_tokens_are_counted_or_guessed() -> None:
    assert estimate_tokens("") == estimate_tokens(None) == estimate_tokens(5) == 0
    assert estimate_tokens("a") == 1
    assert estimate_tokens("word " * 100, "gpt-4o") > 50


def test_an_event_is_annotated_in_a_copy() -> None:
    event = llm_call("gpt-4o", input_tokens=1000, output_tokens=1000)
    assert annotate_cost(event)["payload"]["cost_usd"] == pytest.approx(0.0125)
    assert "cost_usd" not in event["payload"]
    guessed = annotate_cost(llm_call("gpt-4o", input_text="word " * 100))["payload"]
    assert guessed["input_tokens"] > 50
    assert annotate_cost({"type": "metric", "payload": {}})["payload"] == {"cost_usd": 0.0}
    assert annotate_cost({"type": "metric", "payload": {"cost_usd": 5}})["payload"] == {"cost_usd": 5}


def test_a_session_names_the_models_that_it_could_not_price() -> None:
    cost = accumulate_session_cost(
        [
            llm_call("gpt-4o", input_tokens=1000, output_tokens=500),
            llm_call("mine", input_tokens=7),
            llm_call("mine"),
            {"type": "metric", "payload": {}},
            5,  # type: ignore[list-item]
        ]
    )
    assert format_cost(cost) == "$0.0075 across 3 LLM call(s); 1007 in / 500 out tokens; 2 unpriced (mine)"
    assert (cost.llm_calls, cost.priced_calls, cost.unknown_models) == (3, 1, ("mine",))


def test_a_budget_is_exceeded_when_more_was_spent() -> None:
    budget = Budget(2.0)
    status = budget.check(1.5)
    assert (status.exceeded, status.remaining_usd, status.fraction) == (False, 0.5, 0.75)
    assert not budget.exceeded(2.0)
    assert budget.exceeded(2.1)
    for nonsense in (-5, float("nan"), "much"):
        assert Budget(nonsense).check(1.0).fraction == 0.0  # type: ignore[arg-type]
