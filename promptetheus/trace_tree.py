"""The span tree of a session, from events alone: orphans, cycles and unclosed spans included.

Nothing here recurses: a chain of 100,000 spans is as well as one of three.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from promptetheus.display import printable_line
from promptetheus.event_line import event_line

MAX_INDENT_LEVELS = 100
"""Deeper levels are printed at this indentation: the text of a long chain must not grow with its square."""


@dataclass(frozen=True)
class SpanNode:
    """A span with what happened in it. `span_id` None is the root of everything outside spans."""

    span_id: str | None
    parent_id: str | None = None
    name: str | None = None
    start_seq: int | None = None
    end_seq: int | None = None
    duration_ms: float | None = None
    children: list[SpanNode] = field(default_factory=list)
    events: list[Mapping[str, Any]] = field(default_factory=list)
    """Its own events, markers included, by (seq, arrival)."""

    @property
    def is_synthetic_root(self) -> bool:
        """Whether this holds the events outside all spans."""
        return self.span_id is None


@dataclass
class _Draft:
    """What is known of a span while events are read."""

    span_id: str | None
    order: int
    parent_id: str | None = None
    start_name: str | None = None
    end_name: str | None = None
    start_seq: int | None = None
    end_seq: int | None = None
    duration_ms: float | None = None
    events: list[tuple[int, int, Mapping[str, Any]]] = field(default_factory=list)


def build_trace_forest(events: Iterable[Mapping[str, Any]]) -> list[SpanNode]:
    """The roots of the tree: first the events outside spans (if any), and the spans without a known parent."""
    drafts: dict[str | None, _Draft] = {}
    for position, event in enumerate(events):
        if not isinstance(event, Mapping):
            continue
        seq = _seq(event.get("seq"), position)
        span_id = _name(event.get("span_id"))
        draft = drafts.get(span_id)
        if draft is None:
            draft = drafts[span_id] = _Draft(span_id, seq)
        draft.events.append((seq, position, event))
        if span_id is not None:
            draft.parent_id = _name(event.get("parent_id")) or draft.parent_id
            _read_marker(draft, event, seq)
    parents = _parents_without_cycles(drafts)
    nodes = {span_id: _node(draft, parents.get(span_id)) for span_id, draft in drafts.items()}
    roots: list[SpanNode] = []
    for span_id in sorted(nodes, key=lambda key: (drafts[key].order, key or "")):
        parent = parents.get(span_id)
        (nodes[parent].children if parent is not None else roots).append(nodes[span_id])
    return roots


build_trace_tree = build_trace_forest


def render_tree(roots: Sequence[SpanNode], *, show_events: bool = True) -> str:
    """The tree as text, two spaces a level: a span's header, its events, then the spans inside it."""
    lines: list[str] = []
    pad = ["  " * level for level in range(MAX_INDENT_LEVELS + 1)]
    waiting = [(node, 0) for node in reversed(roots)]
    while waiting:
        node, depth = waiting.pop()
        inner = depth
        indent = pad[min(depth, MAX_INDENT_LEVELS)]
        if not node.is_synthetic_root:
            took = "" if node.duration_ms is None else f" duration_ms={float(node.duration_ms)!r}"
            name = printable_line(node.name or "span")
            lines.append(f"{indent}{name} span={printable_line(str(node.span_id))}{took}")
            inner = depth + 1
            indent = pad[min(inner, MAX_INDENT_LEVELS)]
        if show_events:
            lines.extend(indent + event_line(event) for event in node.events if not is_span_marker(event))
        waiting.extend((child, inner) for child in reversed(node.children))
    return "\n".join(lines)


def is_span_marker(event: Mapping[str, Any]) -> bool:
    """Whether an event only says where a span begins or ends."""
    payload = event.get("payload")
    return (
        event.get("type") == "state_change"
        and isinstance(payload, Mapping)
        and payload.get("name") in ("span_start", "span_end")
    )


def _node(draft: _Draft, parent_id: str | None) -> SpanNode:
    ordered = sorted(draft.events, key=lambda entry: entry[:2])
    return SpanNode(
        draft.span_id,
        parent_id if parent_id is not None else draft.parent_id,
        draft.start_name or draft.end_name,
        draft.start_seq,
        draft.end_seq,
        draft.duration_ms,
        [],
        [event for _, _, event in ordered],
    )


def _read_marker(draft: _Draft, event: Mapping[str, Any], seq: int) -> None:
    if not is_span_marker(event):
        return
    payload = event["payload"]
    name = _name(payload.get("span_name"))
    if payload["name"] == "span_start":
        draft.start_seq = seq
        draft.start_name = name or draft.start_name
    else:
        draft.end_seq = seq
        draft.end_name = name or draft.end_name
        draft.duration_ms = _milliseconds(payload.get("duration_ms"))


def _parents_without_cycles(drafts: Mapping[str | None, _Draft]) -> dict[str | None, str | None]:
    """The parent of each span that has a known one. A link that would close a circle is left out."""
    parents: dict[str | None, str | None] = {}
    settled: set[str] = set()
    for start in drafts:
        path: list[str] = []
        on_path: set[str] = set()
        span_id = start
        while span_id is not None and span_id not in settled:
            path.append(span_id)
            on_path.add(span_id)
            parent = drafts[span_id].parent_id
            if parent is None or parent not in drafts or parent in on_path:
                break
            parents[span_id] = parent
            span_id = parent
        settled.update(path)
    return parents


def _seq(value: object, position: int) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return int(value)  # type: ignore[call-overload, no-any-return]
    except (TypeError, ValueError):
        return position


def _name(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _milliseconds(value: object) -> float | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
