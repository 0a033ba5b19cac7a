"""The inspector's pages for how a session began, what was judged of it, what broke, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from rich.text import Text

from promptetheus.cause.describe import call_text
from promptetheus.cause.noise import Noise
from promptetheus.cause.value_changes import value_changes
from promptetheus.cause.verdicts import Expected
from promptetheus.display import count, duration, plain_value, printable_line
from promptetheus.queries.span_contents import InnerStep
from promptetheus.tui.inspector.fields import Field, Fields, Sentences
from promptetheus.tui.inspector.json_view import JsonBlock
from promptetheus.tui.inspector.markdown_view import MarkdownBlock
from promptetheus.tui.inspector.page import Block, Frame, Gap, Heading, Line, styled
from promptetheus.tui.inspector.subject import Subject, payload_of
from promptetheus.tui.inspector.traceback_view import TracebackBlock
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.kind_words import KIND_CELLS, kind_word
from promptetheus.tui.offsets import moment_text
from promptetheus.tui.wrapping import wrap, wrap_styled

MOST_CHANGES = 20
"""Changes of a state that are told one by one; before and after show all."""

_EXACTLY = Noise(known=(), active=frozenset(), tolerance=0.0)
"""Of a state every change counts, also those of times and ids."""


def start_blocks(subject: Subject) -> list[Block]:
    """The goal, who works at it, and under what circumstances."""
    after = subject.payload.get("after")
    facts: Mapping[str, Any] = after if isinstance(after, Mapping) else {}
    tags = facts.get("tags")
    metadata = dict(subject.metadata)
    session_metadata = metadata.pop("session_metadata", None)
    imported = metadata.pop("imported", None)
    blocks: list[Block] = []
    goal, started = facts.get("user_goal"), subject.event.get("timestamp")
    if goal:
        blocks += [Heading("goal"), *_prose(goal, "goal"), Gap()]
    named = ", ".join(plain_value(tag, 60) for tag in tags) if isinstance(tags, list) else None
    blocks.append(
        Fields(
            [
                Field("agent", facts.get("agent")),
                Field("started", started, shown=moment_text(started)),
                Field("session", subject.event.get("session_id")),
                Field("project", facts.get("project_id")),
                Field("environment", facts.get("environment")),
                Field("tags", named),
                Field("host", _host_text(metadata.pop("host", None), metadata.pop("pid", None))),
                Field("recorded with", _sdk_text(metadata.pop("sdk", None))),
            ]
        )
    )
    for label, value in (("metadata", session_metadata), ("imported from", imported)):
        if value:
            blocks += [Gap(), JsonBlock(label, value)]
    known = {"agent", "user_goal", "project_id", "environment", "tags"}
    rest = {key: item for key, item in facts.items() if key not in known}
    # By which a process that was given the same number later is told from the one that wrote.
    metadata.pop("process_started", None)
    for label, value in (("also recorded", rest), ("also noted", metadata)):
        if value:
            blocks += [Gap(), JsonBlock(label, value)]
    return blocks


def _host_text(host: Any, pid: Any) -> str | None:
    """`box, process 4242`."""
    process = f"process {pid}" if isinstance(pid, int) else None
    return ", ".join(each for each in (plain_value(host, 120) if host else None, process) if each) or None


def _sdk_text(sdk: Any) -> str | None:
    """`promptetheus 2.1.0`, however it was noted."""
    if isinstance(sdk, Mapping):
        return " ".join(plain_value(item, 60) for item in sdk.values() if item is not None) or None
    return plain_value(sdk, 120) if sdk else None


def message_blocks(subject: Subject) -> list[Block]:
    """What was said."""
    payload = subject.payload
    blocks = _prose(payload.get("content"), "content")
    rest = {
        key: item for key, item in payload.items() if key not in ("content", "metadata") and item is not None
    }
    if rest:
        blocks += [Gap(), JsonBlock("also recorded", rest)]
    return blocks + _metadata(subject, payload.get("metadata"))


def _prose(content: Any, label: str) -> list[Block]:
    if isinstance(content, str):
        return [MarkdownBlock(content, label)] if content.strip() else [Sentences(["(an empty message)"])]
    return [JsonBlock(label, content)]


def check_blocks(subject: Subject) -> list[Block]:
    """Whether the goal was met, what did not match, and which expected calls are missing."""
    payload = subject.payload
    mismatches = payload.get("mismatches")
    listed = mismatches if isinstance(mismatches, list) else [] if mismatches is None else [mismatches]
    blocks: list[Block] = [_Verdict(payload.get("passed"), len(listed))]
    if listed:
        sentences = [plain_value(item, 4_000) for item in listed[:200]]
        blocks += [Gap(), _Mismatches(sentences, subject.verdict.about)]
    shown: tuple[str, ...] = ()
    if subject.verdict.expected:
        blocks += [Gap(), Heading("expected calls"), _ExpectedCalls(subject.verdict.expected)]
        shown = ("expected_actions", "unmatched")
    if subject.goal is not None and not payload.get("passed"):
        blocks += [Gap(), Fields([Field("goal", subject.goal)])]
    return blocks + _metadata(subject, payload.get("metadata"), without=shown)


@dataclass(slots=True)
class _Verdict:
    passed: Any
    mismatches: int

    def lines(self, frame: Frame) -> list[Line]:
        looks = frame.looks
        if self.passed:
            return [Line(Text("✓ the goal was met", looks.passed))]
        if self.passed is None:
            return [Line(Text("no verdict was recorded", looks.muted))]
        text = Text("✗ the goal was not met", looks.failed)
        if self.mismatches > 1:
            text.append(f": {self.mismatches} things do not match", looks.failed)
        return [Line(part) for part in wrap_styled(text, frame.width)]


@dataclass(slots=True)
class _Mismatches:
    sentences: list[str]
    about: Sequence[int | None]

    def lines(self, frame: Frame) -> list[Line]:
        looks = frame.looks
        found: list[Line] = []
        for sentence, step in zip_longest(self.sentences, self.about[: len(self.sentences)]):
            lines = Sentences([sentence], "✗ ", looks.failed).lines(frame)
            if step is not None:
                lines.append(Line(_way_to("  in ", step, frame)))
            for line in lines:
                line.goes_to = step
            found += lines
        return found


def _way_to(words: str, step: int, frame: Frame) -> Text:
    looks = frame.looks
    return styled(
        (words, looks.muted),
        (f"step {step}", looks.accent),
        (with_keys("   <full.open:enter> goes there"), looks.muted),
    )


@dataclass(slots=True)
class _ExpectedCalls:
    calls: Sequence[Expected]

    def lines(self, frame: Frame) -> list[Line]:
        looks = frame.looks
        found: list[Line] = []
        for call in self.calls:
            value = {"name": call.name, "arguments": call.arguments}
            step = call.nearest if call.made_in is None else call.made_in
            mark, style = ("✗ ", looks.failed) if call.made_in is None else ("✓ ", looks.passed)
            for number, piece in enumerate(
                wrap(call_text(call.name, call.arguments), frame.width - 2, 4).lines
            ):
                text = styled(("  " if number else mark, style), (piece, looks.text))
                found.append(Line(text, value=value, title="expected call", goes_to=step))
            if step is None:
                said = styled(("  never called", style))
            else:
                said = _way_to(
                    "  called otherwise in " if call.made_in is None else "  called in ", step, frame
                )
            found.append(Line(said, value=value, title="expected call", goes_to=step))
        return found


def error_blocks(subject: Subject) -> list[Block]:
    """What went wrong, and where."""
    payload = subject.payload
    message = payload.get("message") or payload.get("error")
    trace = payload.get("traceback")
    handled = payload.get("handled")
    fate = None if handled is None else "yes, the agent went on" if handled else "no"
    blocks: list[Block] = [_ErrorHead(payload.get("error_type"), message)]
    if fate:
        blocks += [Gap(), Fields([Field("handled", fate)])]
    if isinstance(trace, str) and trace.strip():
        if not _says_it_again(trace.strip(), message):
            blocks += [Gap(), TracebackBlock(trace)]
    elif trace:
        blocks += [Gap(), JsonBlock("traceback", trace)]
    return blocks + _metadata(subject, payload.get("metadata"))


def _says_it_again(trace: str, message: Any) -> bool:
    """Whether a traceback is the error's own line, as that of an error which was never raised."""
    before = trace.removesuffix(str(message))
    return before != trace and "\n" not in before


@dataclass(slots=True)
class _ErrorHead:
    error_type: Any
    message: Any

    def lines(self, frame: Frame) -> list[Line]:
        kind = f"{printable_line(str(self.error_type), 200)}: " if self.error_type else ""
        message = self.message if isinstance(self.message, str) else plain_value(self.message, 4_000)
        return Sentences([kind + message], style=frame.looks.failed).lines(frame)


def end_blocks(subject: Subject) -> list[Block]:
    """How it ended, and the session in numbers."""
    payload = subject.payload
    error, ended = payload.get("error"), subject.event.get("timestamp")
    metadata = dict(subject.metadata)
    summary = metadata.pop("summary", None)
    blocks: list[Block] = [
        Fields(
            [
                Field("status", payload.get("status")),
                Field("ended", ended, shown=moment_text(ended)),
                *_in_numbers(summary),
            ]
        )
    ]
    if isinstance(error, str) and error:
        blocks += [Gap(), Heading("error"), TracebackBlock(error, "error")]
    elif error:
        blocks += [Gap(), JsonBlock("error", error)]
    told = summary.get("metadata") if isinstance(summary, Mapping) else None
    # What the recorder counted for the list of sessions is in the raw event.
    for label, value in (("metadata", told), ("metadata of the end", metadata)):
        if value:
            blocks += [Gap(), JsonBlock(label, value)]
    return blocks


def _in_numbers(summary: Any) -> list[Field]:
    """What a person asks of a whole session, of what its recorder counted."""
    if not isinstance(summary, Mapping):
        return []
    took, usage = summary.get("duration_ms"), summary.get("usage")
    checks = [
        f"{count(number)} {word}"
        for word in ("passed", "failed")
        if isinstance(number := summary.get(f"{word}_checks"), int) and number
    ]
    return [
        Field("took", took, shown=duration(took) if isinstance(took, int | float) else None),
        Field("steps", summary.get("steps")),
        Field("errors", summary.get("errors") or None),
        Field("checks", ", ".join(checks)),
        Field("scores", _named(summary.get("scores"), "{} {}")),
        Field("tools", _named(summary.get("tools"), "{} ×{}")),
        Field("models", _named(usage, "{}") if isinstance(usage, Mapping) else None),
    ]


def _named(counted: Any, words: str) -> str | None:
    """`create_event ×1, search_calendar ×2`; None where nothing was counted."""
    if not isinstance(counted, Mapping) or not counted:
        return None
    pairs = list(counted.items())[:MOST_CHANGES]
    return ", ".join(words.format(plain_value(name, 80), plain_value(number, 40)) for name, number in pairs)


def span_blocks(subject: Subject) -> list[Block]:
    """Its name and what was recorded with it; its contents are in the tree."""
    blocks: list[Block] = [Fields([Field("span", subject.step.name or "without a name")])]
    if subject.step.open:
        never = "It never ended: the session ended before."
        text = subject.not_yet("It has not ended yet") if subject.running else never
        blocks += [Gap(), Sentences([text])]
    if subject.inside:
        blocks += [Gap(), Heading("inside"), _Inside(subject.inside)]
    return blocks + _metadata(subject, payload_of(subject.events[-1]).get("metadata"))


@dataclass(slots=True)
class _Inside:
    steps: Sequence[InnerStep]

    def lines(self, frame: Frame) -> list[Line]:
        looks = frame.looks
        found: list[Line] = []
        for step, description in self.steps:
            kind = kind_word(step).ljust(KIND_CELLS)
            text = styled((f"{step.index:>5}  ", looks.muted), (f"{kind} ", looks.kind(step.kind, step.ok)))
            text.append(description, looks.failed if step.ok is False else looks.text)
            text.truncate(frame.width, overflow="ellipsis")
            found.append(Line(text, goes_to=step.index))
        return found


def state_blocks(subject: Subject) -> list[Block]:
    """What changed, before and after."""
    payload = subject.payload
    blocks: list[Block] = [Fields([Field("what", payload.get("name"))])]
    before, after = payload.get("before"), payload.get("after")
    if isinstance(before, dict | list) and type(before) is type(after):
        changes = [change.describe(200) for change in value_changes(before, after, _EXACTLY)[:MOST_CHANGES]]
        blocks += [Gap(), Heading("what changed"), Sentences(changes or ["Nothing."], "• ")]
    if before is not None:
        blocks += [Gap(), JsonBlock("before", before)]
    blocks += [Gap(), JsonBlock("after", after)]
    return blocks + _metadata(subject, payload.get("metadata"))


def number_blocks(subject: Subject) -> list[Block]:
    """A score or a metric."""
    payload = subject.payload
    unit = payload.get("unit")
    value = payload.get("value")
    blocks: list[Block] = [
        Fields(
            [
                Field("name", payload.get("name")),
                Field(
                    "value",
                    value,
                    shown=f"{plain_value(value, 60)} {plain_value(unit, 40)}" if unit else None,
                ),
                Field("source", payload.get("source")),
                Field("comment", payload.get("comment")),
            ]
        )
    ]
    return blocks + _metadata(subject, payload.get("metadata"))


def other_blocks(subject: Subject) -> list[Block]:
    """An event of a type nobody here knows: all of it."""
    return [JsonBlock("payload", subject.event.get("payload")), *_metadata(subject, None)]


def _metadata(subject: Subject, inner: Any, without: Sequence[str] = ()) -> list[Block]:
    """Metadata of the envelope and, where an older release kept it there, of the payload."""
    blocks: list[Block] = []
    metadata = {key: item for key, item in subject.metadata.items() if key not in without}
    if metadata:
        blocks += [Gap(), JsonBlock("metadata", metadata)]
    if inner:
        blocks += [Gap(), JsonBlock("payload metadata", inner)]
    return blocks
