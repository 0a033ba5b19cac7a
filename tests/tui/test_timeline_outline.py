"""Steps as a tree of spans: who is inside whom, folding, guides, and trees nobody would draw by hand."""

from __future__ import annotations

import random
from typing import Any

import pytest

from promptetheus.cause.step_outline import MOST_LEVELS, Outline
from promptetheus.cause.steps import Step, StepKind


class Grown:
    """An outline that spans and steps are added to by name."""

    def __init__(self) -> None:
        self.outline = Outline()
        self.names: list[str] = []

    def add(self, name: str, kind: StepKind, event: dict[str, Any]) -> None:
        self.names.append(name)
        self.outline.add(Step(len(self.names) - 1, kind, name, [len(self.names) - 1], None), event)

    def span(self, name: str, parent: str | None = None) -> None:
        self.add(name, StepKind.SPAN, {"span_id": name, "parent_id": parent})

    def step(self, name: str, span: str | None = None) -> None:
        self.add(name, StepKind.TOOL, {"span_id": span} if span else {})

    def drawn(self) -> list[str]:
        self.outline.settle()
        return [self.outline.guides(row) + self.names[row] for row in self.outline.rows]

    def index(self, name: str) -> int:
        return self.names.index(name)


@pytest.fixture
def grown() -> Grown:
    found = Grown()
    found.step("start")
    found.span("outer")
    found.step("a", "outer")
    found.span("inner", "outer")
    found.step("b", "inner")
    found.step("c", "outer")
    found.step("end")
    return found


def test_steps_stand_under_their_span_with_guides(grown: Grown) -> None:
    assert grown.drawn() == ["start", "outer", "├ a", "├ inner", "│ └ b", "└ c", "end"]


def test_a_folded_span_hides_what_is_inside_and_unfolds_again(grown: Grown) -> None:
    assert grown.outline.set_folded(grown.index("outer"), True)
    assert grown.drawn() == ["start", "outer", "end"]
    assert not grown.outline.set_folded(grown.index("outer"), True), "it is folded already"
    assert grown.outline.set_folded(grown.index("outer"), False)
    assert len(grown.drawn()) == 7


def test_what_has_nothing_inside_does_not_fold(grown: Grown) -> None:
    assert not grown.outline.set_folded(grown.index("a"), True)


def test_a_step_added_inside_a_folded_span_stays_hidden(grown: Grown) -> None:
    grown.outline.set_folded(grown.index("outer"), True)
    grown.step("late", "inner")
    assert grown.drawn() == ["start", "outer", "end"]
    assert grown.index("late") in grown.outline.inside(grown.index("outer"), 100)


def test_a_step_that_arrives_late_goes_to_its_span_and_not_to_the_end(grown: Grown) -> None:
    grown.step("late", "inner")
    assert grown.drawn() == ["start", "outer", "├ a", "├ inner", "│ ├ b", "│ └ late", "└ c", "end"]


def test_revealing_a_step_unfolds_every_span_around_it(grown: Grown) -> None:
    grown.outline.set_folded(grown.index("inner"), True)
    grown.outline.set_folded(grown.index("outer"), True)
    assert grown.outline.reveal(grown.index("b"))
    assert "│ └ b" in grown.drawn()


def test_a_filter_shows_matches_with_the_spans_around_them_even_when_folded(grown: Grown) -> None:
    grown.outline.set_folded(grown.index("outer"), True)
    grown.outline.show_only([grown.index("b")])
    assert [grown.names[row] for row in grown.outline.rows] == ["outer", "inner", "b"]
    grown.outline.show_only(None)
    assert [grown.names[row] for row in grown.outline.rows] == ["start", "outer", "end"]


def test_unknown_parents_and_spans_that_name_themselves_are_roots() -> None:
    grown = Grown()
    grown.span("self", "self")
    grown.span("orphan", "nobody")
    grown.step("lost", "nobody")
    assert grown.drawn() == ["self", "orphan", "lost"]


def test_a_chain_of_spans_deeper_than_anyone_reads_is_flattened_and_quick() -> None:
    grown = Grown()
    for level in range(3_000):
        grown.span(f"s{level}", f"s{level - 1}" if level else None)
    assert len(grown.drawn()) == 3_000
    assert len(grown.outline.ancestors(2_999)) <= MOST_LEVELS


def test_rows_grown_step_by_step_equal_rows_built_at_once() -> None:
    """However steps of interleaved spans arrive, growing and rebuilding agree."""
    chance = random.Random(7)
    for _ in range(40):
        grown = Grown()
        spans: list[str] = []
        for number in range(chance.randint(1, 60)):
            if chance.random() < 0.3:
                spans.append(f"s{number}")
                grown.span(spans[-1], chance.choice([None, *spans]))
            else:
                grown.step(f"n{number}", chance.choice([None, *spans]))
            if chance.random() < 0.1:
                grown.outline.settle()
            if chance.random() < 0.1 and spans:
                grown.outline.set_folded(grown.index(chance.choice(spans)), chance.random() < 0.5)
        grown.outline.settle()
        rows = list(grown.outline.rows)
        grown.outline.rebuild()
        assert rows == grown.outline.rows
        assert len(set(rows)) == len(rows)
