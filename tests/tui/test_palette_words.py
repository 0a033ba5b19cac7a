"""The palette knows what people call things, and puts what fits best first."""

from __future__ import annotations

import pytest

from promptetheus.tui.palette_words import fitness, is_abbreviation, other_words


@pytest.mark.parametrize(
    ("typed", "action_id", "title"),
    [
        ("help", "app.help", "Show every key of this view"),
        ("exit", "app.quit", "Quit"),
        ("colours", "", "Theme: promptetheus-dark"),
        ("save", "sessions.export", "Write the highlighted session to a file"),
        ("find", "sessions.filter", "Filter while you type"),
        ("saved", "", "Filter: mine  status:failed"),
        ("sort", "sessions.turn", "Turn the order round"),
        ("compare", "sessions.diff", "The two marked sessions"),
    ],
)
def test_everyday_words_find_their_action(typed: str, action_id: str, title: str) -> None:
    assert fitness(typed, title, other_words(action_id, title))


def test_a_word_that_begins_a_word_fits_better_than_letters_inside_one() -> None:
    assert fitness("sort", "Sort by cost", "") > fitness("sort", "Turn round", "sort") > 0
    assert fitness("sta", "Sort by start", "") > fitness("sta", "The last one, instantly instated", "")
    assert not fitness("help", "Read the whole spool again", "")


def test_letters_count_only_from_the_beginnings_of_words() -> None:
    assert is_abbreviation("fltr whl", "Filter while you type")
    assert is_abbreviation("nf", "To the next failing session")
    assert not is_abbreviation("help", "Read the whole spool again")
