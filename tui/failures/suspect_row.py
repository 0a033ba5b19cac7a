"""One suspect as a line: what it is, in how many sessions of both groups it is, and what that is worth."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from promptetheus.cause.separation import SIGNIFICANT
from promptetheus.cause.suspects import Suspect
from promptetheus.display import printable_line
from promptetheus.tui.fit import Pieces, aligned, cut, joined
from promptetheus.tui.theme import Looks

KIND_CELLS = 10
LEAST_COUNTS_CELLS = 7
"""As wide as the title over them."""
BAR_CELLS = 8
GAP_CELLS = 7
CHANCE_CELLS = 9
VERDICT_CELLS = 9
_GAP = "  "


@dataclass(frozen=True, slots=True)
class SuspectColumns:
    """Which columns a list of suspects has at its width; what the suspect is takes what they leave."""

    width: int
    counts: int
    """Cells for `12 of 60`, on either side."""
    kind: bool
    bars: bool
    chance: bool

    @property
    def side(self) -> int:
        """Cells for the counts of a group."""
        return self.counts + (BAR_CELLS + 1) * self.bars

    @property
    def text(self) -> int:
        """Cells for what it is."""
        taken = 2 * self.side + GAP_CELLS + VERDICT_CELLS + 4 * len(_GAP)
        taken += (KIND_CELLS + len(_GAP)) * self.kind + (CHANCE_CELLS + len(_GAP)) * self.chance
        return max(0, self.width - taken)


def suspect_columns(width: int, most: int = 0) -> SuspectColumns:
    """Bars, how much chance explains, and what kind of thing it is, where there is room for them.

    Args:
        most: Sessions of the larger group, which the counts need room for.
    """
    counts = max(LEAST_COUNTS_CELLS, len(f"{most:,} of {most:,}"))
    return SuspectColumns(width, counts, kind=width >= 90, bars=width >= 100, chance=width >= 110)


def suspect_titles(columns: SuspectColumns, looks: Looks) -> Text:
    """The names of the columns."""
    cells: list[Pieces] = [
        [(name, looks.muted)]
        for name in ("", "what they do", "failing", "passing", "gap", "by chance", "verdict")
    ]
    return joined(_laid_out(cells, columns, looks))


def suspect_row(suspect: Suspect, columns: SuspectColumns, looks: Looks) -> Text:
    """Draw one in exactly the width of the columns."""
    counts = suspect.counts
    settled = suspect.q <= SIGNIFICANT
    ink = looks.text if settled else looks.muted
    verdict = looks.accent if settled else looks.muted
    more = f"  +{len(suspect.alike)} alike" if suspect.alike else ""
    said = cut(printable_line(suspect.text, 300), columns.text - len(more))
    text: Pieces = [(said, ink), (more, looks.faint)]
    return joined(
        _laid_out(
            [
                [(suspect.kind.value, looks.muted)],
                text,
                _side(counts.failing_with, counts.failing, columns, looks, failing=True),
                _side(counts.passing_with, counts.passing, columns, looks, failing=False),
                [(f"{100 * suspect.effect:+.0f} pt", looks.text)],
                [(chance_text(suspect.q), looks.muted)],
                [(short_verdict(suspect), verdict)],
            ],
            columns,
            looks,
        )
    )


def short_verdict(suspect: Suspect) -> str:
    """The verdict in a word or two."""
    if suspect.q <= SIGNIFICANT:
        return "separates"
    return "chance?" if suspect.more_sessions is None else "too few"


def chance_text(p: float) -> str:
    """A probability as people say it: `<0.01%`, `0.4%`, `21%`."""
    return "<0.01%" if p < 0.0001 else f"{100 * p:.1g}%" if p < 0.1 else f"{100 * p:.0f}%"


def _side(with_it: int, of: int, columns: SuspectColumns, looks: Looks, *, failing: bool) -> Pieces:
    pieces: Pieces = []
    if columns.bars:
        halves = round(2 * BAR_CELLS * with_it / of) if of else 0
        if with_it:
            halves = max(1, halves)
        # Thin, so that the bars of one line do not run into those of the next.
        bar = "━" * (halves // 2) + "╸" * (halves % 2)
        pieces += [
            (bar, looks.failed if failing else looks.passed),
            ("·" * (BAR_CELLS - len(bar)), looks.faint),
            (" ", looks.text),
        ]
    return [*pieces, *aligned([(f"{with_it:,} of {of:,}", looks.text)], columns.counts, right=True)]


def _laid_out(cells: list[Pieces], columns: SuspectColumns, looks: Looks) -> Pieces:
    gap = (_GAP, looks.text)
    kind, text, failing, passing, difference, chance, verdict = cells
    pieces = [*aligned(kind, KIND_CELLS), gap] if columns.kind else []
    pieces += [*aligned(text, columns.text), gap]
    pieces += [
        *aligned(failing, columns.side, right=True),
        gap,
        *aligned(passing, columns.side, right=True),
        gap,
    ]
    pieces += aligned(difference, GAP_CELLS, right=True)
    if columns.chance:
        pieces += [gap, *aligned(chance, CHANCE_CELLS, right=True)]
    return [*pieces, gap, *aligned(verdict, VERDICT_CELLS)]
