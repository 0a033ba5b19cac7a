"""Which page shows which kind of step, and the two lines that every page begins with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from promptetheus.cause.steps import StepKind
from promptetheus.display import duration, printable_line
from promptetheus.tui.fit import cut
from promptetheus.tui.inspector.fields import Sentences
from promptetheus.tui.inspector.inspect_browser import action_blocks, dom_blocks, shot_blocks
from promptetheus.tui.inspector.inspect_calls import llm_blocks, tool_blocks
from promptetheus.tui.inspector.inspect_outcome import (
    check_blocks,
    end_blocks,
    error_blocks,
    message_blocks,
    number_blocks,
    other_blocks,
    span_blocks,
    start_blocks,
    state_blocks,
)
from promptetheus.tui.inspector.inspect_recording import recording_blocks
from promptetheus.tui.inspector.inspect_retrieval import retrieval_blocks
from promptetheus.tui.inspector.json_view import JsonBlock
from promptetheus.tui.inspector.page import Block, Frame, Gap, Line, Page, styled
from promptetheus.tui.inspector.subject import Subject
from promptetheus.tui.kind_words import kind_in_full
from promptetheus.tui.offsets import offset_text

_BLOCKS: Mapping[StepKind, Callable[[Subject], list[Block]]] = {
    StepKind.START: start_blocks,
    StepKind.USER: message_blocks,
    StepKind.AGENT: message_blocks,
    StepKind.TOOL: tool_blocks,
    StepKind.LLM: llm_blocks,
    StepKind.RETRIEVAL: retrieval_blocks,
    StepKind.ACTION: action_blocks,
    StepKind.DOM: dom_blocks,
    StepKind.SHOT: shot_blocks,
    StepKind.RECORDING: recording_blocks,
    StepKind.CHECK: check_blocks,
    StepKind.ERROR: error_blocks,
    StepKind.SPAN: span_blocks,
    StepKind.STATE: state_blocks,
    StepKind.SCORE: number_blocks,
    StepKind.METRIC: number_blocks,
    StepKind.END: end_blocks,
    StepKind.OTHER: other_blocks,
}

MOST_RAW_EVENTS = 20


def page_of(subject: Subject, *, raw: bool = False) -> Page:
    """The page of a step: as a person wants to read it, or its events as they stand in the file."""
    head: list[Block] = [StepHead(subject)]
    if raw:
        return Page([*head, *_raw_blocks(subject)])
    try:
        blocks = _BLOCKS[subject.step.kind](subject)
    except Exception:
        # Values of unforeseen types: the plain event always works, and says more than an error message.
        blocks = _raw_blocks(subject)
    odd: list[Block] = [Gap(), _Odd(subject.odd)] if subject.odd else []
    return Page([*head, *odd, Gap(), *blocks])


@dataclass(slots=True)
class _Odd:
    sentences: Sequence[str]

    def lines(self, frame: Frame) -> list[Line]:
        head = Text("? looks wrong, though nothing failed", frame.looks.warned)
        head.truncate(frame.width, overflow="ellipsis")
        return [Line(head), *Sentences(self.sentences, "  ", frame.looks.text).lines(frame)]


def _raw_blocks(subject: Subject) -> list[Block]:
    blocks: list[Block] = []
    for event in subject.events[:MOST_RAW_EVENTS]:
        seq = event.get("seq")
        label = f"{seq if isinstance(seq, int) else '?'} {printable_line(str(event.get('type')), 60)}"
        blocks += [Gap(), JsonBlock(label, event)]
    return blocks


@dataclass(slots=True)
class StepHead:
    """`tool  search_calendar                312ms`, and under it where in the session it stands."""

    subject: Subject

    def lines(self, frame: Frame) -> list[Line]:
        """Two lines."""
        step, looks = self.subject.step, frame.looks
        right, right_style = self._took(frame)
        kind = kind_in_full(step)
        head = styled((kind, looks.kind(step.kind, step.ok) + Style(bold=True)))
        name = printable_line(step.name, 200)
        if name and name != kind:
            head.append("  ")
            head.append(cut(name, max(0, frame.width - head.cell_len - len(right) - 2)), looks.text)
        if step.ok is False:
            head.append("  ✗ failed", looks.failed)
        head.truncate(frame.width - len(right) - 1, overflow="ellipsis")
        head.append(" " * (frame.width - head.cell_len - len(right)))
        head.append(right, right_style)
        return [Line(head), Line(self._place(frame))]

    def _took(self, frame: Frame) -> tuple[str, Style]:
        step, looks = self.subject.step, frame.looks
        if step.duration_ms is not None:
            return duration(step.duration_ms), looks.muted
        if not step.open:
            return "", looks.muted
        if not self.subject.running:
            return "never ended", looks.crashed
        elapsed_ms, stalled = self.subject.elapsed_ms, self.subject.stalled
        said = "running" if elapsed_ms is None else f"running {duration(elapsed_ms)}"
        return said, looks.warned if stalled else looks.running

    def _place(self, frame: Frame) -> Text:
        step, looks = self.subject.step, frame.looks
        parts = [f"step {self.subject.number}"]
        if step.offset_ms is not None:
            parts.append(f"at {offset_text(step.offset_ms)}")
        seqs = [event.get("seq") for event in self.subject.events]
        known = [str(seq) for seq in seqs if isinstance(seq, int)]
        if known:
            parts.append(f"event {known[0]}" if len(known) == 1 else f"events {known[0]}…{known[-1]}")
        text = Text(" · ".join(parts), looks.muted)
        text.truncate(frame.width, overflow="ellipsis")
        return text
