"""Which rows of a comparison are shown: folds of equal steps, and filters; and the colours of its sides."""

from __future__ import annotations

import pytest

from promptetheus.cause.diff_report import SessionSide
from promptetheus.queries.rows import Status
from promptetheus.tui.diff.lines import DiffLines, Fold
from promptetheus.tui.diff.row import status_ink
from tests.tui.session_recording import some_looks


def lines(pattern: str) -> DiffLines:
    """`=` is an equal step, anything else a difference."""
    return DiffLines([each == "=" for each in pattern])


def shown(found: DiffLines) -> list[object]:
    return [f"{each.first}+{each.count}" if isinstance(each, Fold) else each for each in found.lines]


def test_equal_steps_far_from_a_difference_fold() -> None:
    assert shown(lines("=======x")) == ["0+5", 5, 6, 7]
    assert shown(lines("x=======")) == [0, 1, 2, "3+5"]
    assert shown(lines("x=========x")) == [0, 1, 2, "3+5", 8, 9, 10]


def test_a_fold_that_would_save_nothing_is_not_made() -> None:
    assert shown(lines("x======x")) == list(range(8))
    assert shown(lines("xxx")) == [0, 1, 2]
    assert shown(lines("")) == []


def test_two_sessions_that_are_the_same_are_one_fold() -> None:
    assert shown(lines("====")) == ["0+4"]


def test_a_fold_opens_and_closes() -> None:
    found = lines("=======x")
    fold = found.lines[0]
    assert isinstance(fold, Fold)
    assert found.set_open(fold, True)
    assert shown(found) == ["0+5", 0, 1, 2, 3, 4, 5, 6, 7]
    opened = found.fold_at(3)
    assert opened is not None and opened.is_open
    assert not found.set_open(opened, True)
    assert found.set_open(opened, False)
    assert shown(found) == ["0+5", 5, 6, 7]


def test_the_line_of_a_row_is_its_own_or_that_of_the_fold_it_is_in() -> None:
    found = lines("=======x")
    assert [found.line_of(row) for row in (0, 4, 5, 7)] == [0, 0, 1, 3]
    fold = found.lines[0]
    assert isinstance(fold, Fold)
    found.set_open(fold, True)
    assert [found.line_of(row) for row in (0, 4, 5, 7)] == [1, 5, 6, 8]


def test_a_row_next_to_a_fold_does_not_belong_to_it() -> None:
    found = lines("x========x")
    assert found.fold_at(1) is None
    assert found.fold_at(0) is None
    assert found.fold_at(99) is None


def test_all_equal_steps_are_shown_and_folded_again() -> None:
    found = lines("=======x")
    found.fold_all(False)
    assert shown(found) == list(range(8))
    found.fold_all(True)
    assert shown(found) == ["0+5", 5, 6, 7]


def test_a_filter_shows_its_rows_and_nothing_else() -> None:
    found = lines("=======x")
    found.show_matches(frozenset({6, 2}))
    assert shown(found) == [2, 6]
    assert found.line_of(4) == 0
    assert found.row_at(found.line_of(6)) == 6
    found.show_matches(None)
    assert shown(found) == ["0+5", 5, 6, 7]


@pytest.mark.parametrize("status", [Status.PASSED, Status.FAILED, Status.CRASHED, Status.RUNNING])
def test_a_side_has_the_colour_that_its_status_has_in_the_list(status: Status) -> None:
    looks = some_looks()
    side = SessionSide("01A", "agent", "goal", status.word, status.glyph, status.is_failing, "", None)
    assert status_ink(side, looks) == looks.status(status) != looks.text
