"""`promptetheus tui --diff` and `--fingerprint`: what they may name, and what they say when they cannot show it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest

from promptetheus.cli import tui as command
from promptetheus.tui import launch
from promptetheus.tui.diff.reading import Sides
from promptetheus.tui.launch import CannotShow, Target, find_diff
from promptetheus.tui.views import Place
from tests.tui.compared import FAILED, PASSED, a_pair


@pytest.fixture
def pair(spool: Path) -> tuple[Path, Path]:
    return a_pair(spool)


def test_two_sessions_are_compared_in_the_order_named(spool: Path, pair: tuple[Path, Path]) -> None:
    target = find_diff([FAILED, PASSED], spool, spool_given=True)
    assert target == Target(spool, None, diff=(pair[1], pair[0]))
    place = target.place
    assert place is not None and place.view == "diff"
    assert isinstance(place.subject, Sides) and place.subject.left == pair[1]


def test_one_session_is_compared_with_the_nearest_that_passed(spool: Path, pair: tuple[Path, Path]) -> None:
    assert find_diff([FAILED[:7]], spool, spool_given=True).place == Place("diff", (pair[1],))


@pytest.mark.parametrize(
    ("named", "why"),
    [
        (["nothing-like-it"], "nothing-like-it"),
        ([PASSED, PASSED], "same session twice"),
        ([PASSED, FAILED, PASSED], "one session or two"),
        (["."], "not directories"),
    ],
)
def test_what_cannot_be_compared_is_said(
    spool: Path, pair: tuple[Path, Path], named: list[str], why: str
) -> None:
    with pytest.raises(CannotShow, match=why):
        find_diff(named, spool, spool_given=True)


@pytest.mark.parametrize(
    ("typed", "place"),
    [
        (["--fingerprint", "8AE0"], Place("failures", "8ae0")),
        (["--diff", PASSED, FAILED], Place("diff", Sides(Path(f"{PASSED}.jsonl"), Path(f"{FAILED}.jsonl")))),
    ],
)
def test_the_command_opens_the_view_at_once(
    spool: Path, pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, typed: list[str], place: Place
) -> None:
    opened: list[Place | None] = []

    def show(target: Target, **options: Any) -> int:
        opened.append(options["place"] or target.place)
        return 0

    monkeypatch.setattr(launch, "show", show)
    monkeypatch.setattr(launch, "has_terminal", lambda: True)
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args([*typed, "--spool", str(spool)])) == 0
    subject = place.subject
    expected = Place(
        place.view, Sides(*(spool / path for path in subject)) if isinstance(subject, Sides) else subject
    )
    assert opened == [expected]
