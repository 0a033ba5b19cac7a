"""The inspector's pages for calls: tools, models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from promptetheus.cause.describe import call_arguments, call_result
from promptetheus.cause.verdicts import Blame, differing
from promptetheus.cost import price
from promptetheus.display import counted, duration, money, printable_line
from promptetheus.tui.inspector.fields import Field, Fields, Sentences
from promptetheus.tui.inspector.json_view import JsonBlock
from promptetheus.tui.inspector.page import Block, Frame, Gap, Heading, Line, spaced, styled
from promptetheus.tui.inspector.subject import Subject, metadata_of, payload_of
from promptetheus.tui.inspector.traceback_view import TracebackBlock

_SHOWN_METADATA = {"arguments", "result", "cost_usd"}
"""Metadata that the page shows in its own place."""

MOST_DIFFERING = 20
"""Arguments that are told apart one by one."""


def tool_blocks(subject: Subject) -> list[Block]:
    """Arguments, then the result; what went wrong stands before both."""
    call, results = subject.event, list(subject.events[1:])
    if call.get("type") == "tool_result":
        results = [*subject.events]
        parts: list[list[Block]] = [[Sentences(["The call this result belongs to was not recorded."])]]
    else:
        arguments = call_arguments(call)
        parts = [[JsonBlock("arguments", {} if arguments is None else arguments)]]
        if subject.blame is not None:
            parts.insert(0, [BlameBlock(subject.blame, arguments)])
    for position, result in enumerate(results):
        error = payload_of(result).get("error")
        if error:
            parts.insert(0, _error(error, f"error{position or ''}"))
        if not error or payload_of(result).get("result") is not None:
            parts.append([JsonBlock("result", call_result(result), path=f"result{position or ''}")])
    if not results:
        text = (
            subject.not_yet("No result yet")
            if subject.running
            else "It never returned: the session ended before."
        )
        parts.append([Sentences([text])])
    for event in subject.events:
        rest = {key: item for key, item in metadata_of(event).items() if key not in _SHOWN_METADATA}
        if rest:
            of = "" if event is call else " of the result"
            parts.append([JsonBlock(f"metadata{of}", rest, path=f"{event.get('type')} metadata")])
    return spaced(parts)


def _error(error: Any, path: str) -> list[Block]:
    if isinstance(error, str):
        return [Heading("error"), TracebackBlock(error, path=path)]
    return [JsonBlock("error", error, path=path)]


@dataclass(slots=True)
class BlameBlock:
    """What a failed check holds against a call: argument by argument, what was passed and what was expected."""

    blame: Blame
    made: Any

    def lines(self, frame: Frame) -> list[Line]:
        """A line that leads to the check, then three lines an argument."""
        looks, check = frame.looks, self.blame.check
        what = (
            "this call was not expected" if self.blame.expected is None else "other arguments were expected"
        )
        head = styled((f"≠ {what}", looks.warned), (f"   by the check, step {check}", looks.muted))
        head.truncate(frame.width, overflow="ellipsis")
        found = [Line(head, goes_to=check)]
        if self.blame.expected is None:
            return found
        made = self.made if isinstance(self.made, Mapping) else {}
        for name in differing(made, self.blame.expected)[:MOST_DIFFERING]:
            fields = [
                Field("passed", made.get(name, "nothing"), looks.failed),
                Field("expected", self.blame.expected.get(name, "nothing"), looks.passed),
            ]
            found.append(Line(styled((f"  {printable_line(str(name), 80)}", looks.strong))))
            inner = replace(frame, width=max(8, frame.width - 4))
            for line in Fields(fields).lines(inner):
                line.content = styled(("    ", looks.text)) + line.content
                found.append(line)
        return found


def llm_blocks(subject: Subject) -> list[Block]:
    """Tokens, cost, latency, and whatever texts the metadata holds."""
    payload, metadata = subject.payload, subject.metadata
    into, out, cached = (_whole(payload.get(f"{name}_tokens")) for name in ("input", "output", "cached"))
    latency = payload.get("latency_ms")
    latency_ms = (
        float(latency) if isinstance(latency, int | float) and not isinstance(latency, bool) else None
    )
    speed = None
    if out and latency_ms:
        speed = f"{out / latency_ms * 1000:.0f} tokens a second"
    cost, source = _cost(subject, into, out, cached)
    fields = [
        Field("model", payload.get("model")),
        Field("input", into, shown=_tokens(into)),
        Field("cached", cached, shown=_tokens(cached)),
        Field("output", out, shown=_tokens(out)),
        Field("cost", cost if cost is not None else "–", shown=source),
        Field("latency", latency_ms, shown=duration(latency_ms)),
        Field("speed", speed),
        Field("prompt", payload.get("prompt_ref")),
        Field("messages", payload.get("messages_ref")),
    ]
    blocks: list[Block] = [Fields(fields)]
    shown = {
        "model",
        "input_tokens",
        "output_tokens",
        "cached_tokens",
        "latency_ms",
        "prompt_ref",
        "messages_ref",
    }
    rest = {key: item for key, item in payload.items() if key not in shown | {"cost_usd", "metadata"}}
    if rest:
        blocks += [Gap(), JsonBlock("also recorded", rest)]
    more = {key: item for key, item in metadata.items() if key not in _SHOWN_METADATA}
    if more:
        blocks += [Gap(), JsonBlock("metadata", more)]
    return blocks


def _cost(
    subject: Subject, into: int | None, out: int | None, cached: int | None
) -> tuple[float | None, str]:
    recorded = subject.payload.get("cost_usd", subject.metadata.get("cost_usd"))
    if isinstance(recorded, int | float) and not isinstance(recorded, bool):
        return float(recorded), f"{money(float(recorded))}  as recorded"
    model = subject.payload.get("model")
    if not isinstance(model, str) or (into is None and out is None):
        return None, "unknown: no tokens were recorded"
    found = price(model, into or 0, out or 0, cached or 0)
    return (
        found,
        "unknown: no price is known for this model" if found is None else f"{money(found)}  by list price",
    )


def _tokens(number: int | None) -> str:
    return "" if number is None else counted(number, "token")


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
