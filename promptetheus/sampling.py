"""Which sessions and events are kept: by a share of ids, by event type, or by what the session turned out to be."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from promptetheus.encoding import encode_value
from promptetheus.fingerprint import is_failed_check
from promptetheus.guard import pass_on, report

ALWAYS_KEPT_TYPES = frozenset({"session_end", "error", "goal_check", "state_change"})
"""Event types that per-type sampling never drops: replay and fingerprints need them."""


def keeps(identity: str, rate: float) -> bool:
    """Whether an id falls into the kept share: the same id and rate always give the same answer.

    The id's fraction is the first 8 bytes of its SHA-256, big-endian, over 2^64.
    """
    if rate >= 1:
        return True
    if not rate > 0:
        return False
    digest = hashlib.sha256(identity.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < rate


@dataclass(frozen=True)
class TailDecision:
    """Whether an ended session is kept, and why."""

    keep: bool
    interesting: bool
    reason: str


@dataclass(frozen=True)
class TailSamplingPolicy:
    """Keeps failures, loops and slow sessions, and a share of the rest."""

    retry_loop_threshold: int = 3
    """So many identical calls are a retry loop."""
    span_latency_ms_threshold: float = 30_000.0
    session_latency_ms_threshold: float = 120_000.0
    """Sum of the durations of all spans."""
    boring_success_keep_rate: float | None = None
    """Share of uninteresting sessions that are kept; None: the session's own sample rate."""
    emit_skeleton_on_drop: bool = False
    """Keep the first event and the end of a dropped session."""

    def interesting(self, events: Iterable[Mapping[str, Any]]) -> tuple[bool, str]:
        """Whether the events are worth keeping whatever the rate, and the reason."""
        calls: Counter[tuple[str, bytes]] = Counter()
        slowest, slowest_name, total = 0.0, "", 0.0
        for event in events:
            if not isinstance(event, Mapping) or not isinstance(event.get("payload"), Mapping):
                continue
            kind, payload = event.get("type"), event["payload"]
            if kind == "error":
                return True, "error event"
            if kind == "goal_check" and is_failed_check(payload):
                return True, "failed goal_check"
            if kind == "session_end" and (
                payload.get("status") not in (None, "completed") or payload.get("error")
            ):
                return True, "session ended with failure"
            if kind == "tool_call":
                tool = str(payload.get("tool") or payload.get("name") or payload.get("tool_name") or "tool")
                calls[tool, encode_value(payload.get("arguments"))] += 1
            elif kind == "span_end" or (kind == "state_change" and payload.get("name") == "span_end"):
                took = payload.get("duration_ms")
                if isinstance(took, int | float) and not isinstance(took, bool):
                    total += took
                    if took > slowest:
                        slowest, slowest_name = took, str(payload.get("span_name") or "span")
        if calls:
            (tool, _), number = calls.most_common(1)[0]
            if number >= self.retry_loop_threshold:
                return True, f"retry loop on {tool} (x{number})"
        if slowest > self.span_latency_ms_threshold:
            return True, f"slow span {slowest_name} ({int(slowest)}ms)"
        if total > self.session_latency_ms_threshold:
            return True, f"slow session ({int(total)}ms of span time)"
        return False, "boring success"

    def decide(
        self, events: Iterable[Mapping[str, Any]], *, session_id: str, head_sample_rate: float
    ) -> TailDecision:
        """Whether to keep the session that these events are."""
        found, reason = self.interesting(events)
        if found:
            return TailDecision(True, True, reason)
        own = self.boring_success_keep_rate
        keep = keeps(session_id, head_sample_rate if own is None else own)
        return TailDecision(keep, False, "boring success (kept)" if keep else "boring success (dropped)")


DEFAULT_TAIL_POLICY = TailSamplingPolicy()


@dataclass(frozen=True)
class TailVerdict:
    """What is to happen to the events of an ended session."""

    keep: bool
    reason: str = ""
    leaves_skeleton: bool = False

    def skeleton(self, first: dict[str, Any], last: dict[str, Any], number: int) -> list[dict[str, Any]]:
        """What stays of a dropped session of `number` events: nothing, or its first event and its end."""
        if not self.leaves_skeleton:
            return []
        facts = {
            "tail_dropped": True,
            "tail_drop_reason": self.reason,
            "tail_dropped_event_count": number,
        }
        return [first, {**last, "payload": {**last.get("payload", {}), **facts}}]


Judge = Callable[[Iterable[Mapping[str, Any]]], TailVerdict]
"""Looks at the events of an ended session, as often as it likes."""


def judge(
    policy: Any, events: Iterable[Mapping[str, Any]], session_id: str, rate: float, failed: bool
) -> TailVerdict:
    """The policy's verdict. A failure seen while the session ran keeps it whatever the policy says, and so
    does a policy that raises or answers nonsense."""
    try:
        decision = policy.decide(events, session_id=session_id, head_sample_rate=rate)
        if failed or decision.keep is not False:
            return TailVerdict(True)
        skeleton = bool(getattr(policy, "emit_skeleton_on_drop", False))
        return TailVerdict(False, str(decision.reason), skeleton)
    except BaseException as error:
        pass_on(error)
        report("failed.tail_policy", "the tail policy failed, the session is kept", error)
        return TailVerdict(True)
