"""What a candidate session does otherwise than a baseline: calls, checks, errors, spans and how it ended.

Steps are matched by what they are and their how-manyth they are of that kind. Release 2.0.1 compared the outcome
of calls only; arguments, results, the durations of spans and the way the session ended count here as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from promptetheus.cause.describe import call_arguments, call_result
from promptetheus.display import value
from promptetheus.fingerprint import in_order, is_failed_check, is_failed_status, normalise

SLOWER_FACTOR = 2.0
SLOWER_GAP_MS = 250.0
"""A duration changed when it is at least twice or half as long and at least this much longer or shorter."""


@dataclass(frozen=True)
class Step:
    """A comparable step of a session."""

    key: str
    """What it is and the how-manyth: `tool_call:search#2`."""
    kind: str
    label: str
    ok: bool = True
    duration_ms: float | None = None
    content: Any = None
    """Arguments or result, to tell whether it changed."""


@dataclass(frozen=True)
class StepChange:
    """One difference."""

    key: str
    kind: Literal["added", "removed", "changed"]
    detail: str
    regressed: bool = False


@dataclass(frozen=True)
class SessionDiff:
    """All differences between a baseline and a candidate."""

    added: tuple[StepChange, ...]
    removed: tuple[StepChange, ...]
    changed: tuple[StepChange, ...]
    regressed: bool
    """Whether the candidate fails where the baseline did not."""

    @property
    def changes(self) -> tuple[StepChange, ...]:
        """Added, removed, changed, in this order."""
        return self.added + self.removed + self.changed

    def summary(self) -> str:
        """One line a difference; "" when there is none."""
        lines = [f"+ added {change.detail}" for change in self.added]
        lines += [f"- removed {change.detail}" for change in self.removed]
        lines += [f"{'! regressed' if c.regressed else '~ changed'} {c.detail}" for c in self.changed]
        return "\n".join(lines)


def diff_sessions(
    baseline: Iterable[Mapping[str, Any]], candidate: Iterable[Mapping[str, Any]]
) -> SessionDiff:
    """Compare two sessions given as events."""
    before = {step.key: step for step in extract_steps(baseline)}
    after = {step.key: step for step in extract_steps(candidate)}
    added = [
        StepChange(key, "added", step.label, not step.ok) for key, step in after.items() if key not in before
    ]
    removed = [StepChange(key, "removed", step.label) for key, step in before.items() if key not in after]
    changed = [
        change
        for key, step in before.items()
        if key in after and (change := _compare(step, after[key])) is not None
    ]
    regressed = any(change.regressed for change in (*added, *changed))
    return SessionDiff(tuple(added), tuple(removed), tuple(changed), regressed)


def assert_no_regression(golden: Iterable[Mapping[str, Any]], candidate: Iterable[Mapping[str, Any]]) -> None:
    """Raise AssertionError with the differences when the candidate regressed."""
    diff = diff_sessions(golden, candidate)
    if diff.regressed:
        raise AssertionError(diff.summary())


def extract_steps(events: Iterable[Mapping[str, Any]]) -> list[Step]:
    """The comparable steps of a session in the order of `seq`."""
    counts: Counter[str] = Counter()
    tools: dict[str, str] = {}
    steps = []
    for event in in_order(events):
        payload = event.get("payload")
        found = _step(event, payload if isinstance(payload, Mapping) else {}, tools)
        if found is not None:
            counts[found.key] += 1
            key = f"{found.key}#{counts[found.key]}"
            steps.append(Step(key, found.kind, found.label, found.ok, found.duration_ms, found.content))
    return steps


def _step(event: Mapping[str, Any], payload: Mapping[str, Any], tools: dict[str, str]) -> Step | None:
    kind = event.get("type")
    match kind:
        case "tool_call":
            tool = _tool(payload, tools)
            if isinstance(payload.get("call_id"), str):
                tools[payload["call_id"]] = tool
            return Step(f"{kind}:{tool}", kind, f"{kind} {tool}", content=call_arguments(dict(event)))
        case "tool_result":
            tool = _tool(payload, tools)
            ok = not payload.get("error") and payload.get("status") not in ("error", "failed")
            return Step(f"{kind}:{tool}", kind, f"{kind} {tool}", ok, content=call_result(dict(event)))
        case "goal_check":
            return Step("goal_check:goal", kind, "goal_check", not is_failed_check(payload))
        case "error":
            text = str(payload.get("message") or payload.get("error") or "error")[:40]
            return Step(f"error:{text}", kind, f"error {text}", ok=False)
        case "session_end":
            ok = not payload.get("error") and not is_failed_status(payload.get("status"))
            return Step("session_end:end", kind, "session_end", ok)
        case "span_end" | "state_change" if kind == "span_end" or payload.get("name") == "span_end":
            name = str(payload.get("span_name") or "span")
            return Step(f"span:{name}", "span", f"span {name}", duration_ms=_milliseconds(payload))
    return None


def _tool(payload: Mapping[str, Any], tools: Mapping[str, str]) -> str:
    named = payload.get("tool") or payload.get("name") or payload.get("tool_name")
    return str(named or tools.get(str(payload.get("call_id"))) or "tool")


def _milliseconds(payload: Mapping[str, Any]) -> float | None:
    took = payload.get("duration_ms")
    return float(took) if isinstance(took, int | float) and not isinstance(took, bool) else None


def _compare(before: Step, after: Step) -> StepChange | None:
    if before.ok != after.ok:
        text = "passed before, now fails" if before.ok else "failed before, now passes"
        return StepChange(before.key, "changed", f"{before.label} {text}", regressed=before.ok)
    if before.duration_ms is not None and after.duration_ms is not None:
        low, high = sorted((before.duration_ms, after.duration_ms))
        if high - low >= SLOWER_GAP_MS and high >= SLOWER_FACTOR * low:
            times = f"{before.duration_ms:.0f}ms -> {after.duration_ms:.0f}ms"
            return StepChange(before.key, "changed", f"{before.label} duration {times}")
    if _differs(before.content, after.content):
        what = "arguments" if before.kind == "tool_call" else "result"
        values = f"{value(before.content, 80)} -> {value(after.content, 80)}"
        return StepChange(before.key, "changed", f"{before.label} {what} {values}")
    return None


def _differs(before: Any, after: Any) -> bool:
    """Whether two values differ in more than ids, numbers and paths."""
    return before != after and _comparable(before) != _comparable(after)


def _comparable(content: Any) -> str:
    """The normalised text of a value. Quotes are taken out first: what stands in them counts here."""
    return normalise(value(content, 4_000).replace('"', " ").replace("'", " "))
