from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from promptetheus.cause.word_changes import MAX_WORDS, Words, word_changes


@given(st.text(max_size=80), st.text(max_size=80))
def test_both_texts_can_be_read_back(before: str, after: str) -> None:
    found = word_changes(before, after)
    assert "".join(stretch.text for stretch in found.left) == before
    assert "".join(stretch.text for stretch in found.right) == after
    assert 0 <= found.share_equal <= 1


@given(st.text(max_size=80))
def test_nothing_is_marked_in_equal_texts(text: str) -> None:
    found = word_changes(text, text)
    assert all(stretch.where is Words.BOTH for stretch in found.stretches)
    assert found.share_equal == 1


def test_words_are_marked_and_not_letters_nor_the_blanks_between() -> None:
    found = word_changes("Book Tuesday at noon please", "Book Wednesday, noon please")
    assert [(stretch.where.value, stretch.text) for stretch in found.stretches] == [
        ("both", "Book "),
        ("left", "Tuesday at"),
        ("right", "Wednesday,"),
        ("both", " noon please"),
    ]


def test_texts_beyond_the_limit_are_compared_to_it_and_say_so() -> None:
    text = "word " * MAX_WORDS
    found = word_changes(text + "end", text + "another end")
    assert found.cut
    assert found.share_equal > 0.4
    assert "".join(stretch.text for stretch in found.right).endswith("another end")
