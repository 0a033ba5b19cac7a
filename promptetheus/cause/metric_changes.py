"""Two sessions in numbers: duration, tokens, cost, calls, errors, scores, and by how much the second has more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from promptetheus.display import count, duration, money, printable_line

MAX_NAMED = 20
"""Tools, and scores, whose numbers are compared one by one; those that differ most."""


class SessionNumbers(Protocol):
    """What lists know of a session. A row of the catalog is one."""

    @property
    def duration_ms(self) -> float | None: ...
    @property
    def is_timed(self) -> bool: ...
    @property
    def steps(self) -> int: ...
    @property
    def llm_calls(self) -> int: ...
    @property
    def tool_calls(self) -> int: ...
    @property
    def errors(self) -> int: ...
    @property
    def failed_checks(self) -> int: ...
    @property
    def input_tokens(self) -> int | None: ...
    @property
    def output_tokens(self) -> int | None: ...
    @property
    def cost_usd(self) -> float | None: ...
    @property
    def tools(self) -> Mapping[str, int]: ...
    @property
    def scores(self) -> Mapping[str, float | bool]: ...


class Unit(StrEnum):
    """What a number counts."""

    TIME = "ms"
    COUNT = ""
    DOLLARS = "USD"
    SCORE = "score"


@dataclass(frozen=True, slots=True)
class MetricChange:
    """One line of the table of numbers."""

    name: str
    """`duration`, `calls of search`; printable."""
    unit: Unit
    left: float | None
    """None where it was not recorded."""
    right: float | None

    @property
    def delta(self) -> float | None:
        """How much more the right session has; None where one is unknown."""
        return None if self.left is None or self.right is None else self.right - self.left

    @property
    def factor(self) -> float | None:
        """The right number over the left one; None where that says nothing."""
        return self.right / self.left if self.left and self.right is not None else None

    @property
    def differs(self) -> bool:
        return self.left != self.right

    @property
    def left_text(self) -> str:
        return self._written(self.left)

    @property
    def right_text(self) -> str:
        return self._written(self.right)

    @property
    def delta_text(self) -> str:
        """`+312ms (+12%)`, `-2`, `none`, `hardly any`; "" where one side is unknown."""
        delta = self.delta
        if delta is None:
            return ""
        if not delta:
            return "none"
        written = self._written(abs(delta))
        if written.startswith("<") or written == "0ms":
            return "hardly any"
        return f"{'+' if delta > 0 else '-'}{written}{self._relative()}"

    def _relative(self) -> str:
        """By which share, where that says more than the number: not of three calls instead of two."""
        factor = self.factor
        if factor is None or (self.unit not in (Unit.TIME, Unit.DOLLARS) and (self.left or 0) < 20):
            return ""
        if abs(factor - 1) < 0.005:
            return ""
        return f" ({factor - 1:+.0%})" if factor < 10 else f" (×{factor:.0f})"

    def _written(self, number: float | None) -> str:
        match self.unit:
            case Unit.TIME:
                return duration(number)
            case Unit.DOLLARS:
                return money(number)
            case Unit.SCORE:
                return "–" if number is None else f"{number:.4g}"
        return count(None if number is None else int(number))


def metric_changes(left: SessionNumbers, right: SessionNumbers) -> tuple[MetricChange, ...]:
    """The numbers of two sessions: the usual ones always, tools and scores where they differ."""
    table: list[tuple[str, Unit, float | None, float | None]] = [
        ("duration", Unit.TIME, _time(left), _time(right)),
        ("input tokens", Unit.COUNT, left.input_tokens, right.input_tokens),
        ("output tokens", Unit.COUNT, left.output_tokens, right.output_tokens),
        ("cost", Unit.DOLLARS, left.cost_usd, right.cost_usd),
        ("steps", Unit.COUNT, left.steps, right.steps),
        ("LLM calls", Unit.COUNT, left.llm_calls, right.llm_calls),
        ("tool calls", Unit.COUNT, left.tool_calls, right.tool_calls),
        ("errors", Unit.COUNT, left.errors, right.errors),
        ("failed checks", Unit.COUNT, left.failed_checks, right.failed_checks),
    ]
    usual = [MetricChange(*line) for line in table if line[2] is not None or line[3] is not None]
    tools = [
        MetricChange(
            f"calls of {printable_line(name, 60)}",
            Unit.COUNT,
            left.tools.get(name, 0),
            right.tools.get(name, 0),
        )
        for name in {*left.tools, *right.tools}
    ]
    scores = [
        MetricChange(
            f"score {printable_line(name, 60)}",
            Unit.SCORE,
            _score(left.scores.get(name)),
            _score(right.scores.get(name)),
        )
        for name in {*left.scores, *right.scores}
    ]
    return (*usual, *_most_different(scores), *_most_different(tools))


def _most_different(changes: list[MetricChange]) -> list[MetricChange]:
    differing = [change for change in changes if change.differs]
    differing.sort(key=lambda change: (-abs(change.delta or 0.0), change.name))
    return differing[:MAX_NAMED]


def _time(numbers: SessionNumbers) -> float | None:
    return numbers.duration_ms if numbers.is_timed else None


def _score(value: float | bool | None) -> float | None:
    return None if value is None else float(value)
