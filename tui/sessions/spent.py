"""What sessions spent together, as one says it: `1.2M tok · $1.24`."""

from __future__ import annotations

from collections.abc import Iterable

from promptetheus.display import count, money
from promptetheus.queries.rows import SessionRow


def spent(rows: Iterable[SessionRow]) -> str:
    """Tokens and cost of the sessions together; empty where none is known. `+` when some have no known price."""
    tokens, cost = 0, 0.0
    priced = unpriced = False
    for row in rows:
        tokens += row.tokens or 0
        if row.cost_usd is not None:
            cost += row.cost_usd
            priced = True
        unpriced = unpriced or bool(row.unpriced_calls)
    parts = [f"{count(tokens)} tok"] if tokens else []
    if priced:
        parts.append(money(cost) + ("+" if unpriced else ""))
    return " · ".join(parts)
