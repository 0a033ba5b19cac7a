"""Cutting text to cells: nothing is cut without a mark, nothing is wider than its room."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from promptetheus.tui.fit import aligned, cut, cut_middle, cut_pieces, named_in

PLAIN = Style.null()
TEXT = st.text(alphabet="ab 漢字🙂é", max_size=40)


def flat(pieces: list[tuple[str, Style]]) -> str:
    return "".join(text for text, _ in pieces)


def test_what_fits_stays_as_it_is() -> None:
    assert cut("Tuesday", 7) == "Tuesday"
    assert cut_middle("a/b", 10) == "a/b"
    assert flat(cut_pieces([("Tue", PLAIN), ("sday", PLAIN)], 7)) == "Tuesday"


def test_what_is_cut_ends_in_a_mark() -> None:
    assert cut("Tuesday", 6) == "Tuesd…"
    assert cut("漢字漢字", 4) == "漢…"
    assert cut("anything", 0) == ""
    assert flat(cut_pieces([("Tue", PLAIN), ("sday", PLAIN)], 5)) == "Tues…"


def test_a_piece_that_just_fits_says_that_more_follows() -> None:
    assert flat(cut_pieces([("Tue", PLAIN), ("sday", PLAIN)], 3)) == "Tu…"


def test_a_path_keeps_its_end() -> None:
    assert cut_middle("~/code/agent/.promptetheus/spool", 20).endswith("theus/spool")
    assert cell_len(cut_middle("~/code/agent/.promptetheus/spool", 20)) <= 20


def test_a_name_keeps_both_ends_and_others_are_counted() -> None:
    name = "airline ft:gpt-4.1:sft"
    assert flat(aligned([(name, PLAIN)], 12, is_name=True)) == "air…-4.1:sft"
    assert named_in([name], 40) == name
    assert named_in(["coder", "planner"], 16) == "coder, planner"
    assert named_in([name, "coder", "planner"], 16).endswith(":sft +2")
    assert named_in(["coder"], 16, more=3) == "coder +3"


def test_numbers_align_at_the_right() -> None:
    assert flat(aligned([("14", PLAIN)], 5, right=True)) == "   14"
    assert flat(aligned([("14", PLAIN)], 5)) == "14   "


@given(st.lists(TEXT, max_size=5), st.integers(0, 60))
def test_cut_pieces_never_exceed_their_room_and_mark_what_is_missing(texts: list[str], width: int) -> None:
    shown = flat(cut_pieces([(text, PLAIN) for text in texts], width))
    assert cell_len(shown) <= width
    whole = "".join(texts)
    assert shown == whole or width == 0 or shown.endswith("…")


@given(TEXT, st.integers(0, 60))
def test_aligned_text_has_exactly_its_width(text: str, width: int) -> None:
    assert cell_len(flat(aligned([(text, PLAIN)], width))) == width


@given(TEXT, st.integers(0, 60))
def test_a_cut_middle_never_exceeds_its_room(text: str, width: int) -> None:
    assert cell_len(cut_middle(text, width)) <= max(width, 0)
