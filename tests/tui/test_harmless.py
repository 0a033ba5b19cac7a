"""From what a list draws to segments: the short way gives what Rich's own gives."""

from __future__ import annotations

import random

import pytest
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from promptetheus.tui.harmless import harmless_parts

RED, BOLD, BLUE = Style.parse("red"), Style.parse("bold"), Style.parse("on blue")
PLAIN = Console(color_system=None)


def cells(parts: list[Segment]) -> list[tuple[str, Style]]:
    """Each character with its style, however they were put together."""
    return [(character, part.style or Style.null()) for part in parts for character in part.text]


@pytest.mark.parametrize(
    "text",
    [
        Text(""),
        Text("plain"),
        Text.assemble("a name of ", ("a style", BOLD), style="bold red"),
        Text.assemble(("one ", RED), "two ", ("three", BOLD)),
        Text.assemble("before ", ("日本", BLUE), " after", style=BOLD),
        Text.assemble(("", RED), ("x", BOLD)),
    ],
)
def test_a_text_is_drawn_as_rich_draws_it(text: Text) -> None:
    assert cells(list(harmless_parts(text))) == cells(list(text.render(PLAIN)))


def test_styles_that_lie_over_one_another_are_drawn_as_rich_draws_them() -> None:
    choose = random.Random(7)
    for _ in range(200):
        text = Text("abcdefghijklmnopqrst", choose.choice([Style.null(), RED]))
        for _ in range(choose.randrange(1, 4)):
            start, stop = sorted(choose.sample(range(20), k=2))
            text.stylize(choose.choice([RED, BOLD, BLUE]), start, stop)
        assert cells(list(harmless_parts(text))) == cells(list(text.render(PLAIN)))


def test_a_text_of_one_style_keeps_it() -> None:
    assert list(harmless_parts(Text("all red", RED))) == [Segment("all red", RED)]


def test_nothing_of_a_row_acts_on_the_terminal() -> None:
    row = Text.assemble(("\x1b[2Jgone ", RED), "bell\x07")
    assert all(part.text.isprintable() for part in harmless_parts(row))
