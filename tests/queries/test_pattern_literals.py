from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.queries.needle import Needle
from promptetheus.queries.pattern_literals import required_texts


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("refund", ("refund",)),
        ("cancel|refund", ("cancel", "refund")),
        ("HTTP (500|503)", ("HTTP ",)),
        (r"\bword\b", ("word",)),
        ("x*y+zz", ("zz",)),
        ("(foo){2,}ba", ("foo",)),
        ("a(bcd)?e", ("a",)),
        ("a{0,3}", ()),
        ("(ab|)", ()),
        ("(?i)abc", ()),
        ("(?i:Ab)cd", ("cd",)),
        ("^$", ()),
        ("[abc]", ()),
    ],
)
def test_what_a_pattern_cannot_match_without(pattern: str, texts: tuple[str, ...]) -> None:
    assert required_texts(pattern, 0) == texts


PIECES = st.recursive(
    st.sampled_from(["a", "b", "ab", "[ab]", ".", r"\w", "-", "^", "$", r"\b", "é", '"']),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"({'|'.join(parts)})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{0,1}"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
        inner.map(lambda part: f"(?={part})"),
        inner.map(lambda part: f"(?!{part})"),
        inner.map(lambda part: f"(?i:{part})"),
    ),
    max_leaves=8,
)  # fmt: skip


@given(pattern=PIECES, text=st.text('abAB-é. "', max_size=12), case=st.booleans())
def test_every_match_contains_one_of_them(pattern: str, text: str, case: bool) -> None:
    flags = 0 if case else re.IGNORECASE
    texts = required_texts(pattern, flags)
    if re.search(pattern, text, flags) and texts:
        assert any((known in text) if case else (known.lower() in text.lower()) for known in texts)


@given(
    lines=st.lists(st.sampled_from(["aa bb", "bb", "cc", "dd aa aa", "", "AA", "ccbb"]), max_size=8),
    pattern=st.sampled_from(["aa|bb", "aa", "bb|cc|dd", "(aa|cc)+", "zz|yy"]),
    case=st.booleans(),
)
def test_the_quick_look_misses_no_line_and_gives_each_once(
    lines: list[str], pattern: str, case: bool
) -> None:
    data = "".join(line + "\n" for line in lines).encode()
    needle = Needle(pattern, regex=True, case=case)
    found = [data[start:end].decode() for start, end in needle.lines(data)]
    flags = 0 if case else re.IGNORECASE
    assert found == [line for line in lines if re.search(pattern, line, flags)]
