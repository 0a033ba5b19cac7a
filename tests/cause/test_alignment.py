from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.cause import alignment
from promptetheus.cause.alignment import Alignment, Pair, align
from promptetheus.cause.signatures import Signature, make_run, sign
from promptetheus.cause.steps import StepKind
from tests.builders import a_session

SIGNATURES = st.lists(
    st.builds(
        sign,
        st.sampled_from([StepKind.TOOL, StepKind.AGENT]),
        st.sampled_from(["a", "b"]),
        st.sampled_from(["1", "2", "two words", "two other words"]),
    ),
    max_size=12,
)


def calls(*names: str) -> list[Signature]:
    return [sign(StepKind.TOOL, name, "") for name in names]


def is_whole(found: Alignment, left: list[Signature], right: list[Signature]) -> bool:
    return [p.left for p in found.pairs if p.left is not None] == list(range(len(left))) and [
        p.right for p in found.pairs if p.right is not None
    ] == list(range(len(right)))


@given(SIGNATURES, SIGNATURES)
def test_every_step_stands_in_it_once_and_in_order(left: list[Signature], right: list[Signature]) -> None:
    assert is_whole(align(left, right), left, right)


@given(SIGNATURES, SIGNATURES)
def test_the_other_way_round_it_is_mirrored(left: list[Signature], right: list[Signature]) -> None:
    there, back = align(left, right), align(right, left)
    assert {(p.left, p.right) for p in there.pairs} == {(p.right, p.left) for p in back.pairs}


@given(SIGNATURES)
def test_a_run_aligns_with_itself_step_by_step(left: list[Signature]) -> None:
    assert align(left, left).pairs == tuple(Pair(i, i) for i in range(len(left)))


def test_an_equal_step_in_the_middle_is_found() -> None:
    found = align(calls("a", "x", "c"), calls("b", "x", "d"))
    assert Pair(1, 1) in found.pairs
    assert len(found.pairs) == 5


def test_steps_of_one_tool_are_paired_by_how_alike_their_arguments_are() -> None:
    left = [sign(StepKind.TOOL, "book", "Tuesday 2pm room 4")]
    right = [sign(StepKind.TOOL, "book", "nothing"), sign(StepKind.TOOL, "book", "Wednesday 2pm room 4")]
    assert align(left, right).pairs == (Pair(None, 0), Pair(0, 1))


def test_an_equal_step_that_matters_is_not_given_up_for_many_that_do_not() -> None:
    left, right = calls("pay", "a", "b", "c"), calls("a", "b", "c", "pay")
    assert Pair(0, 3) in align(left, right, lambda signature: signature.name == "pay").pairs
    assert Pair(0, 3) not in align(left, right).pairs


def test_calls_that_ran_at_the_same_time_may_come_in_any_order() -> None:
    def parallel(*tools: str) -> list[Signature]:
        session = a_session()
        opened = [session.opens_call(tool) for tool in tools]
        for call_id in opened:
            session.event("tool_result", {"call_id": call_id, "result": 1})
        return list(make_run(session.events).signatures)

    assert parallel("x", "y", "z") == parallel("z", "x", "y")


def test_calls_that_ran_one_after_the_other_keep_their_order() -> None:
    one = make_run(a_session().calls("y").calls("x").events).signatures
    assert [signature.name for signature in one] == ["y", "x"]


def test_beyond_the_budget_the_answer_is_coarse_but_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "MAX_STRETCH_CELLS", 50)
    monkeypatch.setattr(alignment, "MAX_GAP_CELLS", 4)
    left = calls(*(f"l{i % 7}" for i in range(40)))
    right = calls(*(f"r{i % 5}" if i % 3 else f"l{i % 7}" for i in range(40)))
    found = align(left, right)
    assert found.coarse
    assert is_whole(found, left, right)
    assert not align(left[:2], right[:2]).coarse
