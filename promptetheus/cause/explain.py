"""What happened in a session, told in as many lines or bytes as there are: the same events give the same text.

Errors and failed checks come before everything else. Calls that repeat stand once, counted; what is left out for
want of room is counted where it stood.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptetheus.cause.describe import describe
from promptetheus.cause.effects import Effects, infer_effects
from promptetheus.cause.first_mistake import likeliest
from promptetheus.cause.narrative import did_fail, headline
from promptetheus.cause.signatures import Run, make_run
from promptetheus.cause.steps import Step, StepBuilder, StepKind
from promptetheus.display import plain_value, printable_line
from promptetheus.events import Event
from promptetheus.fingerprint import in_order

TEN_LINES = 10
TWO_PAGES = 120
MIN_BYTES = 40
"""A text of fewer bytes says nothing; a smaller budget is taken for this."""

GUESS_FROM_LINES = 6
"""With fewer lines than these the likeliest first mistake is not told: what happened goes before a guess."""

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

    The first line is the outcome. Of a session that failed, a line names the step that is likeliest its first
    mistake, where any sign marks one. Errors and failed checks are kept before other steps, and where even they are
    too many for the room, the line that stands for them says how many; only where no such line fits is the outcome
    all that is said.

    Args:
        effects: which tools change something, so that their calls are kept before others; None: inferred here.
    """
    known = [event for event in in_order(events) if isinstance(event, Mapping)]
    outcome = headline(known)
    limit = None if max_bytes is None else max(MIN_BYTES, max_bytes)
    if lines <= 1:
        return outcome if limit is None else _cut(outcome, limit)
    run = make_run(known)
    if effects is None:
        effects = infer_effects([run])
    entries = _entries(known, effects)
    asked = [task] if (task := _task(known)) else []
    guess = _guess(run, effects) if lines >= GUESS_FROM_LINES and did_fail(known) else []
    for head in ([outcome, *asked, *guess], [outcome, *asked], [outcome]):
        text = _within(head, entries, lines, limit)
        if text is not None:
            return text
    return _cut(outcome, MIN_BYTES if limit is None else limit)


def _within(head: Sequence[str], entries: Sequence[_Entry], lines: int, limit: int | None) -> str | None:
    """The head and as many of the entries as fit; None when not even the mark for those left out does."""
    room = lines - len(head)
    while room >= min(1, len(entries)):
        text = "\n".join([*head, *_fitted(entries, room)])
        size = len(text.encode("utf-8", "replace"))
        if limit is None or size <= limit:
            return text
        room = min(room - 1, room * limit // size)
    return None


def _guess(run: Run, effects: Effects) -> list[str]:
    found = likeliest(run, effects, limit=1)
    if not found or not found[0].is_marked:
        return []
    what = printable_line(found[0].text, 70)
    sure = f"a guess, {found[0].chance:.0%}"
    return [f"Likeliest first mistake: step {found[0].step}, {what}: {found[0].reason} ({sure})"]


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


def _entries(events: Sequence[Mapping[str, Any]], effects: Effects) -> list[_Entry]:
    builder = StepBuilder()
    kept: list[Event] = []
    for event in events:
        try:
            builder.add(len(kept), event)
        except Exception:  # one hostile event must not hide the others
            continue
        kept.append(dict(event))
    last_words = max((step.index for step in builder.steps if step.kind is StepKind.AGENT), default=-1)
    first_words = min((step.index for step in builder.steps if step.kind is StepKind.USER), default=-1)
    found: list[_Entry] = []
    for step in builder.steps:
        if step.kind in _PLUMBING and step.ok is not False:
            continue
        text = printable_line(describe(step, kept.__getitem__), _LINE)
        rank = _rank(step, effects)
        if step.index in (first_words, last_words):
            rank = 2
        before = found[-1] if found else None
        if before and before.text == text and before.step.kind is step.kind and before.step.ok == step.ok:
            before.times += 1
        else:
            found.append(_Entry(step, text, rank))
    return found


def _rank(step: Step, effects: Effects) -> int:
    if step.ok is False:
        return 0 if step.kind is StepKind.CHECK else 1
    if step.kind is StepKind.CHECK:
        return 2
    if step.kind is StepKind.TOOL:
        known = effects.get(step.name)
        return 3 if known is not None and known.effect != "read" else 4
    return 4 if step.kind in (StepKind.ACTION, StepKind.RETRIEVAL, StepKind.STATE) else 5


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
