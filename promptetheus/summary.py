"""A session in numbers: what lists need to know without reading the whole file.

The writer counts while it writes and puts the result into the last line; a reader that finds no such line
counts the same way. One counter, so that both say the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptetheus.cause.steps import is_untimed
from promptetheus.clock import parse_timestamp
from promptetheus.fingerprint import SignalCollector, forget_oldest_tenth, is_failed_check

MAX_NAMES = 200
"""Distinct tools, models, scores, tags and metadata keys that a summary names; further ones are counted
under `…`."""

MAX_OPEN_SPANS = 10_000
"""Spans that have begun and not ended are remembered up to so many; beyond, the oldest tenth is forgotten."""

_OVERFLOW = "…"
_MAX_VALUE = 2_000


class SummaryCounter:
    """Counts the events of one session as they come."""

    __slots__ = (
        "_action", "_collector", "_open_calls", "_open_spans", "cost_usd", "end_error", "ended",
        "errors", "events", "failed_checks", "first_time", "last_time", "left_out", "metadata",
        "passed_checks", "priced_calls", "scores", "status", "steps", "tags", "timed", "tools", "types",
        "usage",
    )  # fmt: skip

    def __init__(self) -> None:
        self.events = 0
        self.types: dict[str, int] = {}
        self.steps = 0
        self.errors = 0
        """Error events and calls that returned an error."""
        self.failed_checks = 0
        self.passed_checks = 0
        self.tools: dict[str, int] = {}
        self.usage: dict[str, dict[str, int]] = {}
        """Per model: calls, input, output and cached tokens."""
        self.cost_usd: float | None = None
        """The sum of what the agent recorded itself; None when it recorded no cost."""
        self.priced_calls = 0
        """Model calls whose cost the agent recorded."""
        self.scores: dict[str, float | bool] = {}
        self.tags: list[str] = []
        self.metadata: dict[str, Any] = {}
        """The session's own metadata, with later updates merged."""
        self.first_time: str | None = None
        self.last_time: str | None = None
        self.timed = True
        self.status: str | None = None
        self.end_error: str | None = None
        self.ended = False
        """Whether the latest event is the session's end."""
        self.left_out: dict[str, int] = {}
        """What a limit kept out of the summary: names, values or open spans, by kind."""
        self._collector = SignalCollector()
        self._open_calls = self._collector.tools
        self._open_spans: dict[str, None] = {}
        self._action = False

    def add(self, event: Mapping[str, Any]) -> None:
        """Take one event into account, in the order of the file."""
        kind, payload, time = event.get("type"), event.get("payload"), event.get("timestamp")
        if not isinstance(kind, str):
            return
        if type(payload) is not dict and not isinstance(payload, Mapping):  # the ABC alone costs 0.3 µs
            payload = {}
        self.events += 1
        if kind in self.types:
            self.types[kind] += 1
        else:
            self._bump(self.types, kind, "types")
        if type(time) is str:
            self.last_time = time
            if self.first_time is None:
                self.first_time = time
        if kind == "tool_call":  # the most frequent one, and none of what is below is true of it
            self._action = self.ended = False
            self._tool_call(payload, event)
            return
        self.ended = kind == "session_end"
        if self._action and kind in ("screenshot", "dom_snapshot"):
            return
        self._action = kind == "browser_action"
        count = _COUNTERS.get(kind)
        if count is None:
            self.steps += 1
        else:
            count(self, payload, event)

    def result(self) -> dict[str, Any]:
        """The summary as JSON, without what is empty or unknown."""
        failure = self._collector.result()
        found: dict[str, Any] = {
            "events": self.events,
            "types": self.types,
            "steps": self.steps,
            "errors": self.errors,
            "failed_checks": self.failed_checks,
            "passed_checks": self.passed_checks,
            "tools": self.tools,
            "usage": self.usage,
            "cost_usd": self.cost_usd,
            "unpriced_calls": self._unpriced_calls(),
            "scores": self.scores,
            "tags": self.tags,
            "metadata": self.metadata,
            "duration_ms": self.duration_ms(),
            "status": self.status,
            "error": self.end_error,
            "fingerprint": failure.fingerprint,
            "label": failure.label if failure.is_failure else "",
            "left_out": {**self.left_out, **self._collector.left_out},
        }
        return {key: item for key, item in found.items() if item not in (None, "", {}, [])}

    def _unpriced_calls(self) -> int | None:
        """Calls that `cost_usd` lacks; None where that is none of them, or all."""
        unpriced = self.types.get("llm_call", 0) - self.priced_calls
        return unpriced if self.priced_calls and unpriced else None

    def duration_ms(self) -> float | None:
        """From the first to the last event; None without times."""
        if not self.timed:
            return None
        first, last = parse_timestamp(self.first_time), parse_timestamp(self.last_time)
        return None if first is None or last is None else max(0.0, round((last - first) * 1000, 3))

    def _tool_call(self, payload: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        self.steps += 1
        tool = payload.get("tool_name")
        if not isinstance(tool, str):
            tool = "tool"
        elif tool in self.tools:
            self.tools[tool] += 1
        else:
            self._bump(self.tools, tool, "tools")
        self._collector.remember_call(payload.get("call_id"), tool)

    def _tool_result(self, payload: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        call_id = payload.get("call_id")
        if not isinstance(call_id, str) or call_id not in self._open_calls:
            self.steps += 1
        if payload.get("error") or payload.get("status") in ("error", "failed"):
            self.errors += 1
        self._collector.add(event)

    def _llm_call(self, payload: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        self.steps += 1
        model = payload.get("model")
        name = (model if isinstance(model, str) else "unknown")[:_MAX_VALUE]
        if name not in self.usage and len(self.usage) >= MAX_NAMES:
            name = _OVERFLOW
            self._leave_out("models")
        used = self.usage.setdefault(name, {"calls": 0, "input": 0, "output": 0, "cached": 0})
        used["calls"] += 1
        for key in ("input", "output", "cached"):
            tokens = payload.get(f"{key}_tokens")
            if type(tokens) is int and 0 <= tokens < 1 << 53:
                used[key] += tokens
        metadata = event.get("metadata")
        cost = payload.get("cost_usd")
        if cost is None and isinstance(metadata, Mapping):
            cost = metadata.get("cost_usd")
        if isinstance(cost, int | float) and not isinstance(cost, bool) and 0 <= cost < 1e12:
            self.cost_usd = (self.cost_usd or 0.0) + cost
            self.priced_calls += 1

    def _error(self, payload: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        self.steps += 1
        self.errors += 1
        self._collector.add(event)

    def _goal_check(self, payload: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        self.steps += 1
        if is_failed_check(payload):
            self.failed_checks += 1
        elif payload.get("passed"):
            self.passed_checks += 1
        self._collector.add(event)

    def _score(self, payload: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        self.steps += 1
        name, value = payload.get("name"), payload.get("value")
        if not isinstance(name, str) or not isinstance(value, bool | int | float):
            return
        name = name[:_MAX_VALUE]
        if name in self.scores or len(self.scores) < MAX_NAMES:
            self.scores[name] = value
        else:
            self._leave_out("scores")

    def _state_change(self, payload: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        name, after = payload.get("name"), payload.get("after")
        span_id = event.get("span_id")
        if name == "span_start":
            self.steps += 1
            if isinstance(span_id, str) and span_id:
                if len(self._open_spans) >= MAX_OPEN_SPANS:
                    self._leave_out("open_spans", forget_oldest_tenth(self._open_spans))
                self._open_spans[span_id] = None
            return
        if name == "span_end":
            if isinstance(span_id, str) and span_id in self._open_spans:
                del self._open_spans[span_id]
            else:
                self.steps += 1
            return
        if name == "session_started":
            self._started(after, event)
            return
        self.steps += 1
        if name == "metadata_update" and isinstance(after, Mapping):
            self._merge_metadata(after)
        elif name == "tags_added" and isinstance(after, Mapping):
            self._merge_tags(after.get("tags"))

    def _started(self, after: object, event: Mapping[str, Any]) -> None:
        if is_untimed(event):
            self.timed = False
        if isinstance(after, Mapping):
            self._merge_tags(after.get("tags"))
        metadata = event.get("metadata")
        if isinstance(metadata, Mapping) and isinstance(metadata.get("session_metadata"), Mapping):
            self._merge_metadata(metadata["session_metadata"])

    def _merge_tags(self, tags: object) -> None:
        for tag in tags if isinstance(tags, list | tuple) else ():
            if not isinstance(tag, str) or tag[:_MAX_VALUE] in self.tags:
                continue
            if len(self.tags) < MAX_NAMES:
                self.tags.append(tag[:_MAX_VALUE])
            else:
                self._leave_out("tags")

    def _merge_metadata(self, values: Mapping[str, Any]) -> None:
        """Only small plain values: a list row has no room for more, and the whole stands in the events."""
        for key, item in values.items():
            if isinstance(item, str):
                item = item[:_MAX_VALUE]
            elif not isinstance(item, bool | int | float | None):
                continue
            if not isinstance(key, str):
                continue
            key = key[:_MAX_VALUE]
            if key in self.metadata or len(self.metadata) < MAX_NAMES:
                self.metadata[key] = item
            else:
                self._leave_out("metadata")

    def _session_end(self, payload: Mapping[str, Any], event: Mapping[str, Any]) -> None:
        status, error = payload.get("status"), payload.get("error")
        self.status = status if isinstance(status, str) else None
        self.end_error = str(error)[:_MAX_VALUE] if error else None
        self._collector.add(event)

    def _bump(self, counts: dict[str, int], name: str, what: str) -> None:
        name = name[:_MAX_VALUE]
        if name not in counts and len(counts) >= MAX_NAMES:
            name = _OVERFLOW
            self._leave_out(what)
        counts[name] = counts.get(name, 0) + 1

    def _leave_out(self, what: str, number: int = 1) -> None:
        self.left_out[what] = self.left_out.get(what, 0) + number


_COUNTERS = {
    "tool_call": SummaryCounter._tool_call,
    "tool_result": SummaryCounter._tool_result,
    "llm_call": SummaryCounter._llm_call,
    "error": SummaryCounter._error,
    "goal_check": SummaryCounter._goal_check,
    "score": SummaryCounter._score,
    "state_change": SummaryCounter._state_change,
    "session_end": SummaryCounter._session_end,
}
