from __future__ import annotations

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus import display

ATTACKS = [
    "\x1b]52;c;aGk=\x07",
    "\x1b[2J",
    "\x1bP+q544e\x1b\\",
    "\x9b31m",
    "\u202egnp.exe",
    "\u2066isolate\u2069",
    "a\u200bb\ufeffc",
    "\U000e0041\U000e0042",
    "\x00nul",
    "\x7fdel",
    "one\u2028two\u2029three\x85four",
    "\ud800lone",
    "hangul\u3164filler\uffa0\u115f",
    "joiner\u034f khmer\u17b4 mongolian\u180b selector\U000e0101",
]
INVISIBLE = set("\u3164\uffa0\u115f\u1160\u034f\u17b4\u17b5\u180b\U000e0101")


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_a_terminal_obeys_passes(attack: str) -> None:
    for shown in (
        display.printable(attack),
        display.printable_line(attack),
        display.value({attack: [attack]}),
    ):
        assert shown
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") for c in shown)
        assert not INVISIBLE & set(shown)


@given(st.text())
def test_printable_text_has_only_newlines_and_tabs_as_controls(text: str) -> None:
    shown = display.printable(text)
    assert {c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")} <= {"\n", "\t"}
    shown.encode()


@given(st.text(), st.integers(min_value=1, max_value=50))
def test_a_printable_line_is_one_line_and_not_longer_than_asked(text: str, limit: int) -> None:
    line = display.printable_line(text, limit)
    assert len(line) <= max(limit, 1)
    assert "\n" not in line and "\t" not in line


def test_ordinary_text_is_untouched() -> None:
    text = "Grüße, 日本語 👩‍👩‍👧"
    assert display.printable("a\n\tb") == "a\n\tb"
    assert display.printable(text.replace("\u200d", "")) == text.replace("\u200d", "")


def test_one_thing_is_not_called_several() -> None:
    assert display.counted(1, "session") == "1 session"
    assert display.counted(0, "session") == "0 sessions"
    assert display.counted(1234, "way of failing", "ways of failing") == "1,234 ways of failing"


def test_a_cut_is_marked() -> None:
    assert display.printable_line("abcdef", 4) == "abc…"
    assert display.value("x" * 50, 10) == '"xxxxxxxx…'


def test_values_read_like_json() -> None:
    assert display.value({"a": [1, "x", None, True], "b": {}}) == '{a: [1, "x", null, true], b: {}}'


def test_a_huge_value_is_walked_only_as_far_as_it_is_shown() -> None:
    class Counting(list[int]):
        touched = 0

        def __getitem__(self, key):  # type: ignore[no-untyped-def]
            found = super().__getitem__(key)
            Counting.touched += len(found) if isinstance(found, list) else 1
            return found

    display.value(Counting(range(1_000_000)), 40)
    assert Counting.touched < 100


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, "–"),
        (0, "0ms"),
        (312, "312ms"),
        (999.6, "1.0s"),
        (4200, "4.2s"),
        (59_960, "1m 0s"),
        (134_000, "2m 14s"),
        (3_780_000, "1h 3m"),
        (187_200_000, "2d 4h"),
    ],
)
def test_durations_are_written_as_people_do(ms: float | None, text: str) -> None:
    assert display.duration(ms) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (-3, "just now"),
        (12, "12s ago"),
        (180, "3m ago"),
        (7300, "2h ago"),
        (432_000, "5d ago"),
        (30 * 86_400, "30d ago"),
        (31 * 86_400, "1mo ago"),
        (478 * 86_400, "15mo ago"),
        (729 * 86_400, "23mo ago"),
        (731 * 86_400, "2y ago"),
    ],
)
def test_ages_are_written_as_people_do(seconds: float, text: str) -> None:
    assert display.age(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "–"),
        (0, "0"),
        (950, "950"),
        (3100, "3.1k"),
        (9999, "10k"),
        (41_000, "41k"),
        (1_200_000, "1.2M"),
    ],
)
def test_counts_are_written_as_people_do(number: int | None, text: str) -> None:
    assert display.count(number) == text


@pytest.mark.parametrize(
    ("usd", "text"),
    [
        (None, "–"),
        (0, "$0"),
        (0.00001, "<$0.0001"),
        (0.0004, "$0.0004"),
        (0.012, "$0.012"),
        (0.3912, "$0.39"),
    ],
)
def test_money_shows_the_digits_that_matter(usd: float | None, text: str) -> None:
    assert display.money(usd) == text


@pytest.mark.parametrize("number", [10**400, -(10**400), float("inf"), float("nan")])
@pytest.mark.parametrize("shown", [display.duration, display.age, display.count, display.money, display.size])
def test_a_number_that_measures_nothing_is_shown_as_unknown(
    shown: Callable[[float], str], number: float
) -> None:
    assert shown(number) == "–"
