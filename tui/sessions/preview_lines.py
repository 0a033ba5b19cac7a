"""What the preview of a session says, line by line: the more room, the more of it. No widget is touched here."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from rich.style import Style
from rich.text import Text

from promptetheus.cause.steps import StepKind
from promptetheus.display import count, printable_line, short_id
from promptetheus.fingerprint import marked_label
from promptetheus.queries.filter_fields import task_id
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.tui.fit import Pieces, cells_of, cut_pieces, joined
from promptetheus.tui.sessions.session_cells import cost_text, scores_text
from promptetheus.tui.theme import Looks
from promptetheus.tui.wrapping import wrap_line

ROOMY_FROM = 14
"""Lines from which on sentences are not cut, and what a narrow list has no column for stands on lines of its own."""

LINES_OF_A_STEP = 4
"""That a long call with its result may take where there is room."""

_STEP_INDENT = 16

USUAL_HEIGHTS = ((45, 15), (30, 10), (16, 7))
"""From this height of the screen on, the preview has so many lines, with the rule over it; below it there is none."""

_AROUND = 5
"""Lines of the screen that are neither list nor preview: header, filter, titles with their rule, keys."""

_LEAST_LIST = 10


def preview_height(screen: int, sessions: int) -> int:
    """Lines of the preview on a screen of so many: what a short list of sessions leaves blank is the preview's.

    It changes at every fifth session only, so that it stays where it is while sessions come.
    """
    usual = next((height for least, height in USUAL_HEIGHTS if screen >= least), 0)
    if not usual:
        return 0
    listed = max(_LEAST_LIST, ceil(sessions / 5) * 5)
    return max(usual, screen - _AROUND - listed)


class PreviewStep(NamedTuple):
    """One step as the preview shows it."""

    number: int
    kind: StepKind
    word: str
    """What the Session view calls its kind."""
    text: str
    ok: bool | None


class Preview(NamedTuple):
    """What is read from a session's file for its preview."""

    headline: str
    """What happened in one sentence."""
    steps: tuple[PreviewStep, ...]
    """The last ones."""
    difference: tuple[str, ...] = ()
    """Where it parts from a session that passed, in up to three lines; worked out later than the rest."""


def preview_lines(
    row: SessionRow, preview: Preview | None, width: int, height: int, looks: Looks, *, priced: bool = True
) -> list[Text]:
    """At most `height` lines: the headline, where it parts from a passing session, facts, and the last steps. Until
    sessions are `priced`, nothing is said of calls without a price."""
    roomy = height >= ROOMY_FROM
    said = preview.headline if preview is not None else marked_label(row.label) or row.error or row.goal
    style = looks.status(row.status) if row.status.is_failing else looks.strong
    lines = _sentence(said, style, width, 3 if roomy else 2)
    for place, text in enumerate(preview.difference if preview is not None else ()):
        lines += _sentence(text, looks.text if place else looks.muted, width, 2 if roomy else 1)
    lines += _sentence(_facts(row, priced), looks.muted, width, 2 if roomy else 1)
    if roomy:
        lines += [joined(cut_pieces(fact, width)) for fact in _named_facts(row, looks)]
    if preview is not None and preview.steps and len(lines) < height:
        if roomy:
            lines.append(Text(""))
        lines += _steps(preview.steps, width, height - len(lines), looks)
    return lines[:height]


def _sentence(text: str, style: Style, width: int, most: int) -> list[Text]:
    """A text in at most `most` lines, the last of them cut with a mark."""
    pieces = (
        wrap_line(printable_line(text, 1000), max(1, width)) if most > 1 else [printable_line(text, 1000)]
    )
    shown = [*pieces[: most - 1], " ".join(pieces[most - 1 :])] if len(pieces) >= most else pieces
    return [joined(cut_pieces([(piece, style)], width)) for piece in shown]


def _facts(row: SessionRow, priced: bool) -> str:
    """What a narrow list has no column for."""
    facts = [short_id(row.session_id)]
    if task := task_id(row):
        facts.append(f"task {task}")
    if row.status is Status.RUNNING:
        facts.append("running")
    if row.events:
        facts.append(f"{count(row.events)} {'event' if row.events == 1 else 'events'}")
    if row.tokens is not None:
        facts.append("1 token" if row.tokens == 1 else f"{count(row.tokens)} tokens")
    if row.cost_usd is not None:
        facts.append(cost_text(row))
    if row.unpriced_calls and priced:
        calls = "LLM call" if row.unpriced_calls == 1 else "LLM calls"
        facts.append(f"{count(row.unpriced_calls)} {calls} without a known price")
    if row.scores:
        facts.append(scores_text(row))
    if row.tags:
        facts.append("tagged " + ", ".join(row.tags))
    if row.skipped.total:
        facts.append(f"skipped {row.skipped.describe()}")
    return "  ·  ".join(facts)


def _named_facts(row: SessionRow, looks: Looks) -> list[Pieces]:
    """Tools and models with how often they were called, and checks; a line each."""
    named = [
        ("tools", [(name, times) for name, times in sorted(row.tools.items(), key=lambda pair: -pair[1])]),
        ("models", [(name, usage.calls) for name, usage in row.usage.items()]),
    ]
    found: list[Pieces] = []
    for title, counted in named:
        if counted:
            said = "  ".join(f"{name} ×{count(times)}" if times > 1 else name for name, times in counted)
            found.append([(f"{title:<8}", looks.faint), (printable_line(said, 1000), looks.muted)])
    if row.failed_checks or row.passed_checks:
        checks: Pieces = [("checks  ", looks.faint)]
        if row.failed_checks:
            checks.append((f"✗ {count(row.failed_checks)} failed  ", looks.failed))
        if row.passed_checks:
            checks.append((f"✓ {count(row.passed_checks)} passed", looks.passed))
        found.append(checks)
    return found


def _steps(steps: Sequence[PreviewStep], width: int, room: int, looks: Looks) -> list[Text]:
    """The last steps that fit, newest at the bottom; the last ones whole where that leaves most of the others."""
    extra = room - min(len(steps), max(8, room * 3 // 5))
    shown: list[list[Text]] = []
    for step in reversed(steps):
        lines = _step_lines(step, width, 1 + max(0, min(extra, LINES_OF_A_STEP - 1)), looks)
        if len(lines) > room:
            break
        room -= len(lines)
        extra -= len(lines) - 1
        shown.append(lines)
    return [line for lines in reversed(shown) for line in lines]


def _step_lines(step: PreviewStep, width: int, most: int, looks: Looks) -> list[Text]:
    head: Pieces = [
        (f"{step.number:>4}  ", looks.faint),
        (f"{step.word:<10}", looks.kind(step.kind, step.ok)),
    ]
    if step.ok is False:
        head.append(("✗ ", looks.failed))
    indent = cells_of(head)
    first, *others = _sentence(step.text, looks.text, width - indent, most) or [Text("")]
    return [
        Text.assemble(joined(head), first, no_wrap=True, overflow="crop", end=""),
        *(Text.assemble(" " * indent, line, no_wrap=True, overflow="crop", end="") for line in others),
    ]
