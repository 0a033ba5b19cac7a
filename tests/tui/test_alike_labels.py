"""Labels that begin alike, cut so that they can be told apart."""

from __future__ import annotations

import pytest

from promptetheus.tui.failures.alike_labels import AlikeLabels, cut_where_alike, cuts_apart
from promptetheus.tui.fit import cells

ANSWERS = ("michele", "michael", "n", "n.n", "the rows", "日本語の答え")
ALIKE = [f"the final answer is not the expected one: {answer}" for answer in ANSWERS]
OTHER = "tool run_tests failed with a message that is long"


def test_what_a_label_shares_is_counted_with_the_one_most_like_it() -> None:
    alike = AlikeLabels(["abcd", "abcx", "ab", "zz", "abcd"])
    assert [alike.shared(label) for label in ("ab", "abcd", "abcx", "zz", "new")] == [2, 3, 3, 0, 0]


@pytest.mark.parametrize("width", range(14, 60))
def test_they_differ_on_screen_at_every_width(width: int) -> None:
    alike = AlikeLabels([*ALIKE, OTHER])
    shown = [cut_where_alike(label, width, alike.shared(label)) for label in [*ALIKE, OTHER]]
    assert len(set(shown)) == len(shown)
    assert all(cells(each) <= width for each in shown)


def test_a_label_is_cut_at_its_end_where_what_tells_it_apart_is_seen() -> None:
    assert cut_where_alike(OTHER, 30, 3) == "tool run_tests failed with a…"
    assert cut_where_alike(ALIKE[2], 60, 42) == ALIKE[2]


def test_behind_the_mark_stands_a_whole_word() -> None:
    assert cut_where_alike(ALIKE[0], 33, 42) == "the final a…expected one: michele"
    assert cut_where_alike(ALIKE[0], 32, 42) == "the final…expected one: michele"


@pytest.mark.parametrize("text", ["日本語" * 12, "x" * 60, "x" * 50 + " y", ""])
@pytest.mark.parametrize("shared", [0, 5, 20, 50])
@pytest.mark.parametrize("width", [0, 1, 11, 12, 17, 24, 40])
def test_texts_without_words_and_wide_letters_fit(text: str, shared: int, width: int) -> None:
    assert cells(cut_where_alike(text, width, shared)) <= width


@pytest.mark.parametrize("width", [24, 37, 44])
def test_what_tells_one_from_its_neighbour_and_is_said_of_others_too_is_not_all_that_is_shown(
    width: int,
) -> None:
    state = "final database state differs from the expected one; "
    labels = [
        f"{state}cancel_reservation(id=str) was never called",
        f"{state}cancel_reservation(id=str) was not expected",
        f"{state}update_reservation_flights(id=str) was never called",
        f"{state}update_reservation_flights(id=str) was not expected",
    ]
    shown = cuts_apart(labels, width, AlikeLabels(labels))
    assert len({*shown.values()}) > 2
    assert all(cells(text) <= width for text in shown.values())
