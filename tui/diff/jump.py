"""The jump keys of the Diff view: to the next or previous step of a sort, on either side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from textual.binding import Binding

from promptetheus.cause.diff_report import DiffReport, Side
from promptetheus.cause.steps import StepKind


class DiffJump(NamedTuple):
    """One sort of step."""

    word: str
    wanted: Callable[[StepKind, bool | None], bool]
    """Whether a step of this kind and outcome is one."""


JUMPS: Mapping[str, DiffJump] = {
    "e": DiffJump("error", lambda kind, ok: ok is False or kind is StepKind.ERROR),
    "t": DiffJump("tool call", lambda kind, ok: kind is StepKind.TOOL),
    "m": DiffJump("message", lambda kind, ok: kind in (StepKind.USER, StepKind.AGENT)),
    "p": DiffJump("page", lambda kind, ok: kind in (StepKind.ACTION, StepKind.DOM, StepKind.SHOT)),
}
"""By key. `s` and `c` mean other things here: checks are not compared, and screenshots belong to their pages."""


def diff_jump_bindings() -> Iterator[Binding]:
    """A binding per sort and direction."""
    for key, jump in JUMPS.items():
        for forwards, where in ((True, "next"), (False, "previous")):
            yield Binding(
                key if forwards else key.upper(),
                f"jump('{key}', {forwards})",
                f"{where} {jump.word}",
                show=False,
                id=f"diff.{where}_{jump.word.replace(' ', '_')}",
                tooltip=f"To the {where} {jump.word} on either side",
            )


def next_of_sort(
    report: DiffReport, jump: DiffJump, row: int, forwards: bool, shown: frozenset[int] | None
) -> int | None:
    """The nearest row after (or before) this one with such a step, among those `shown` (None: all)."""
    rows = range(row + 1, len(report.rows)) if forwards else range(row - 1, -1, -1)
    for number in rows:
        if shown is None or number in shown:
            cells = (report.cell(number, side) for side in Side)
            if any(cell is not None and jump.wanted(cell.kind, cell.ok) for cell in cells):
                return number
    return None
