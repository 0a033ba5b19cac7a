"""A change of a value in words."""

from __future__ import annotations

import pytest

from promptetheus.cause.value_changes import value_changes

LONG = "def parse(text): total = 0 for number in text.split() "


def _told(before: object, after: object) -> str:
    return value_changes({"new": before}, {"new": after})[0].describe(60)


def test_texts_that_begin_alike_are_shown_from_where_they_part() -> None:
    told = _told(LONG + "return int(number)", LONG + 'return int(number or "0")')
    assert told.startswith('new: "…') and "(number)" in told and "(number or" in told


@pytest.mark.parametrize(("before", "after"), [("Eastern", "Pacific"), (LONG, "Pacific"), (3, LONG)])
def test_others_are_shown_from_their_beginning(before: object, after: str) -> None:
    one, _, other = _told(before, after).removeprefix("new: ").partition(" → ")
    assert (one.strip('"')[:6], other[1:7]) == (str(before)[:6], after[:6])


def test_very_long_texts_are_looked_through_only_so_far() -> None:
    assert len(_told("a" * 10**6 + "b", "a" * 10**6 + "c")) < 80
