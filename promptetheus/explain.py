"""What happened in a session, told in as many lines or bytes as there are: the same events give the same text.

Errors and failed checks come before everything else. Calls that repeat stand once, counted; what is left out for
want of room is counted where it stood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptetheus.describe import describe
from promptetheus.display import plain_value, printable_line
from promptetheus.effects import Effects, infer_effects
from promptetheus.events import Event
from promptetheus.fingerprint import in_order
from promptetheus.narrative import headline
from promptetheus.signatures import make_run
from promptetheus.steps import Step, StepBuilder, StepKind

TEN_LINES = 10
TWO_PAGES = 120
MIN_BYTES = 40
"""A text of fewer bytes says nothing; a smaller budget is taken for this."""

_LINE = 160
_PLUMBING = frozenset(
    {StepKind.START, StepKind.END, StepKind.SPAN, StepKind.LLM, StepKind.METRIC, StepKind.SHOT, StepKind.DOM}
)


@dataclass(slots=True)
class _Entry:
    """A step, or several equal ones that followed each other."""

    step: Step
    text: str
    rank: int
    """What goes first: 0 must be kept, larger numbers are left out earlier."""
    times: int = 1

    def line(self) -> str:
        mark = "✗" if self.step.ok is False else " "
        again = f"  ×{self.times}" if self.times > 1 else ""
        return printable_line(
            f"{mark} {self.step.index:4}  {self.step.kind.value:<9} {self.text}{again}", _LINE + 40
        )


def explain(
    events: Iterable[Mapping[str, Any]],
    *,
    lines: int = TEN_LINES,
    max_bytes: int | None = None,
    effects: Effects | None = None,
) -> str:
    """The session in at most `lines` lines and `max_bytes` bytes of UTF-8.

    The first line is the outcome. Errors and failed checks are kept before other steps, and where even they are too
    many for the room, the line that stands for them says how many.

    Args:
        effects: which tools change something, so that their calls are kept before others; None: inferred here.
    """
    known = [event for event in in_order(events) if isinstance(event, Mapping)]
    outcome = headline(known)
    limit = None if max_bytes is None else max(MIN_BYTES, max_bytes)
    head = [outcome]
    if lines > 1 and (task := _task(known)):
        head.append(task)
    room = max(0, lines - len(head))
    entries = _entries(known, effects) if room else []
    text = "\n".join([*head, *_fitted(entries, room)])
    while limit is not None and len(text.encode("utf-8", "replace")) > limit and room:
        over = len(text.encode("utf-8", "replace")) / limit
        room = min(room - 1, int(room / over))
        text = "\n".join([*head, *_fitted(entries, room)])
    return text if limit is None else _cut(text, limit)


def _task(events: Sequence[Mapping[str, Any]]) -> str:
    for event in events[:50]:
        payload = event.get("payload")
        if not isinstance(payload, Mapping) or payload.get("name") != "session_started":
            continue
        after = payload.get("after")
        if isinstance(after, Mapping):
            agent, goal = (
                plain_value(after.get("agent") or "", 60),
                plain_value(after.get("user_goal") or "", _LINE),
            )
            return f"Task of {agent or 'an unnamed agent'}: {goal}" if goal or agent else ""
    return ""


def _entries(events: Sequence[Mapping[str, Any]], effects: Effects | None) -> list[_Entry]:
    builder = StepBuilder()
    kept: list[Event] = []
    for event in events:
        try:
            builder.add(len(kept), event)
        except Exception:  # one hostile event must not hide the others
            continue
        kept.append(dict(event))
    if effects is None:
        effects = infer_effects([make_run(kept)])
    last_words = max((step.index for step in builder.steps if step.kind is StepKind.AGENT), default=-1)
    first_words = min((step.index for step in builder.steps if step.kind is StepKind.USER), default=-1)
    found: list[_Entry] = []
    for step in builder.steps:
        if step.kind in _PLUMBING and step.ok is not False:
            continue
        text = printable_line(describe(step, kept.__getitem__), _LINE)
        rank = _rank(step, effects)
        if step.index in (first_words, last_words):
            rank = 1
        before = found[-1] if found else None
        if before and before.text == text and before.step.kind is step.kind and before.step.ok == step.ok:
            before.times += 1
        else:
            found.append(_Entry(step, text, rank))
    return found


def _rank(step: Step, effects: Effects) -> int:
    if step.ok is False:
        return 0
    if step.kind in (StepKind.ERROR, StepKind.CHECK):
        return 1
    if step.kind is StepKind.TOOL:
        known = effects.get(step.name)
        return 2 if known is not None and known.effect != "read" else 3
    return 3 if step.kind in (StepKind.ACTION, StepKind.RETRIEVAL, StepKind.STATE) else 4


def _fitted(entries: Sequence[_Entry], room: int) -> list[str]:
    """The entries that matter most, in their order, with a mark where some are left out; at most `room` lines."""
    order = sorted(range(len(entries)), key=lambda place: (entries[place].rank, place))
    low, high = 0, min(len(entries), room)
    best: list[str] = []
    while low <= high:
        number = (low + high) // 2
        lines = _with_gaps(entries, sorted(order[:number]))
        if len(lines) <= room:
            best, low = lines, number + 1
        else:
            high = number - 1
    return best


def _with_gaps(entries: Sequence[_Entry], chosen: Sequence[int]) -> list[str]:
    lines: list[str] = []
    at = 0
    for place in [*chosen, len(entries)]:
        left_out = entries[at:place]
        if len(left_out) == 1:  # its line takes no more room than the mark
            lines.append(left_out[0].line())
        elif left_out:
            steps = sum(entry.times for entry in left_out)
            failed = sum(entry.times for entry in left_out if entry.step.ok is False)
            trouble = f", {failed} of them failed" if failed else ""
            lines.append(f"  … {steps} steps{trouble}")
        if place < len(entries):
            lines.append(entries[place].line())
        at = place + 1
    return lines


def _cut(text: str, limit: int) -> str:
    """The text in at most `limit` bytes, ending in `…` when it was cut."""
    data = text.encode("utf-8", "replace")
    if len(data) <= limit:
        return data.decode()
    return data[: limit - len("…".encode())].decode("utf-8", "ignore") + "…"
