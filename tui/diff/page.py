"""What differs in one row of a comparison, as a page: by path, in words, as pictures, in numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from promptetheus.cause.comparison import Change
from promptetheus.cause.diff_report import DiffReport, Side
from promptetheus.cause.steps import Step, StepKind
from promptetheus.cause.value_changes import ValueChange
from promptetheus.cause.word_changes import WordChanges, word_changes
from promptetheus.display import printable_line
from promptetheus.tui.diff.blocks import (
    ChangesBlock,
    NumbersBlock,
    PairBlock,
    Sentences,
    SidesBlock,
    WordsBlock,
)
from promptetheus.tui.diff.reading import Compared
from promptetheus.tui.diff.row import change_said, sign_of
from promptetheus.tui.inspector.json_view import JsonBlock
from promptetheus.tui.inspector.page import Block, Heading, Page, spaced
from promptetheus.tui.kind_words import kind_word

_REASON = 100
"""Characters of why a divergence is believed; the values themselves stand below."""


def row_page(compared: Compared, number: int, *, whole: bool) -> Page:
    """What differs in row `number`. Works it out when it was not asked for before: call it in a thread.

    Args:
        whole: Whether what is equal belongs to it too, for the full-screen view.
    """
    report, row = compared.report, compared.report.rows[number]
    parts: list[Sequence[Block]] = [[_heading(report, number), *_flags(report, number)]]
    if row.left is None or row.right is None:
        parts.append(_one_side(compared, number))
        return Page(spaced(parts) if whole else [block for part in parts for block in part])
    if whole:
        parts.append([SidesBlock(report.left, report.right)])
    details = report.details(number)
    if details.words is not None:
        parts.append([WordsBlock("", details.words)])
    texts = {id(text.change): text.words for text in details.texts}
    parts.append(_changes("arguments" if _is_call(report, number) else "", details.arguments, texts))
    parts.append(_changes("result", details.result, texts))
    parts.append([Sentences("page", details.page)] if details.page else [])
    parts.append([PairBlock(compared.left.spool, compared.right.spool, pair) for pair in details.pictures])
    if whole and details.page:
        parts.append(_page_words(compared, number))
    parts.append([NumbersBlock(details.numbers)] if details.numbers else [])
    if whole:
        parts += _whole_values(report, number)
    elif row.change is Change.SAME and not details.numbers:
        parts.append([Sentences("", ["The same in both sessions."])])
    parts = [part for part in parts if part]
    return Page(spaced(parts) if whole else [block for part in parts for block in part])


def _step(report: DiffReport, number: int, side: Side) -> Step | None:
    row = report.rows[number]
    place = row.left if side is Side.LEFT else row.right
    return None if place is None else report.run(side).steps[place]


def title_of(report: DiffReport, number: int) -> str:
    """`tool search_calendar`; not yet printable."""
    step = _step(report, number, Side.RIGHT) or _step(report, number, Side.LEFT)
    assert step is not None
    word = kind_word(step)
    return word if not step.name or step.kind is StepKind.ACTION else f"{word} {step.name}"


def _heading(report: DiffReport, number: int) -> Heading:
    left, right = (_step(report, number, side) for side in Side)
    if left is not None and right is not None:
        where = (
            f"step {left.index}" if left.index == right.index else f"step {left.index} and step {right.index}"
        )
    else:
        one = right or left
        assert one is not None
        where = f"step {one.index}"
    moved = report.moved_to(number)
    there = "" if moved is None else f": step {moved} there"
    said = f"{sign_of(report.rows[number].change)} {change_said(report, number)}".strip()
    return Heading(title_of(report, number), f"{where} · {said}{there}")


def _flags(report: DiffReport, number: int) -> list[Block]:
    """What the flag before the row says, in words."""
    found, banner = report.comparison, report.banner
    if banner.not_comparable:
        return []
    flags = [
        ("▶ here the two sessions part", found.first, banner.first_row),
        ("▷ from here on it matters for how they ended", found.effective, banner.effective_row),
    ]
    said = [
        f"{words} ({divergence.how_sure}: {printable_line(divergence.reason, _REASON)})"
        for words, divergence, row in flags
        if divergence is not None and row == number
    ]
    return [Sentences("", said)] if said else []


def _is_call(report: DiffReport, number: int) -> bool:
    step = _step(report, number, Side.RIGHT) or _step(report, number, Side.LEFT)
    return step is not None and step.kind is StepKind.TOOL


def _changes(what: str, changes: Sequence[ValueChange], texts: dict[int, WordChanges]) -> list[Block]:
    blocks: list[Block] = []
    short = [change for change in changes if id(change) not in texts]
    if short:
        blocks.append(ChangesBlock(what, short))
    long = (change for change in changes if id(change) in texts)
    return [*blocks, *(WordsBlock(change.path_in(what), texts[id(change)]) for change in long)]


def _page_words(compared: Compared, number: int) -> list[Block]:
    report, row = compared.report, compared.report.rows[number]
    assert row.left is not None and row.right is not None
    pages = report.run(Side.LEFT).page(row.left), report.run(Side.RIGHT).page(row.right)
    texts = [page.get("visible_text") if page is not None else None for page in pages]
    if isinstance(texts[0], str) and isinstance(texts[1], str) and texts[0] != texts[1]:
        return [WordsBlock("page", word_changes(texts[0], texts[1]))]
    return []


def _one_side(compared: Compared, number: int) -> list[Block]:
    """The step itself: there is nothing to hold it against."""
    report, row = compared.report, compared.report.rows[number]
    side = Side.LEFT if row.right is None else Side.RIGHT
    place = row.left if side is Side.LEFT else row.right
    assert place is not None
    run = report.run(side)
    arguments, result = run.arguments[place], run.result(place)
    blocks: list[Block] = []
    if arguments is not None:
        blocks.append(JsonBlock("arguments" if _is_call(report, number) else "what it says", arguments))
    if result is not None:
        blocks.append(JsonBlock("result", result))
    blocks += [
        PairBlock(compared.left.spool, compared.right.spool, pair) for pair in report.details(number).pictures
    ]
    return blocks or [Sentences("", [printable_line(run.text(place), 2_000)])]


def _whole_values(report: DiffReport, number: int) -> list[list[Block]]:
    """The values themselves, below what differs in them."""
    row = report.rows[number]
    assert row.left is not None and row.right is not None
    left, right = report.run(Side.LEFT), report.run(Side.RIGHT)
    found: list[list[Block]] = []
    named: list[tuple[str, Any, Any]] = [
        (
            "arguments" if _is_call(report, number) else "all of it",
            left.arguments[row.left],
            right.arguments[row.right],
        ),
        ("result", left.result(row.left), right.result(row.right)),
    ]
    for name, one, other in named:
        if one is None and other is None:
            continue
        if one == other:
            found.append([JsonBlock(name, one, note="the same in both")])
        else:
            found.append([JsonBlock(f"{name} on the left", one), JsonBlock(f"{name} on the right", other)])
    return found
