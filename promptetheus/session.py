"""A session: one run of an agent on one task, recorded event by event.

After a call has returned, its line is on disk. No call raises into the agent, none waits for anything but
that one write.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from promptetheus import __version__, context, guard
from promptetheus.artifacts import picture_extension, recording_extension
from promptetheus.clock import now_timestamp
from promptetheus.events import Event, validate_event
from promptetheus.ids import new_call_id, new_nonce, new_session_id, new_span_id
from promptetheus.process import process_started, this_host
from promptetheus.redaction import Redactor, build_default_redactor
from promptetheus.sampling import ALWAYS_KEPT_TYPES, DEFAULT_TAIL_POLICY, TailSamplingPolicy, keeps
from promptetheus.sinks import Sink, make_sink
from promptetheus.spool import DEFAULT_SPOOL_DIR
from promptetheus.summary import SummaryCounter

_recorded = guard.guarded(dict)

_forks = 0


def _count_fork() -> None:
    global _forks
    _forks += 1


os.register_at_fork(after_in_child=_count_fork)


class Session:
    """Records one run. Use it in a `with` block, which opens and ends it, or call `end` yourself.

    Args:
        agent: name of the agent.
        user_goal: what the run is to achieve; sessions with the same agent and goal are compared.
        session_id: any text; default a new ULID.
        project_id, environment: labels of the session; default from the settings.
        transport: `"auto"`, `"spool"`, `"http"`, `"memory"`, or an object with `send_event` or `send_batch`;
            default `"auto"`. All named ones but `"memory"` write to the spool first.
        redact: `"default"`, or a callable that takes an event and returns the event to record.
        metadata: small facts about the run, recorded with its start.
        tags: labels for filtering.
        sample_rate: share of sessions that are recorded, 0 to 1.
        tail_sample: decide at the end, by `tail_policy`, whether the session is kept.
        event_sample_rates: share of events kept, by event type.
        tail_policy: what makes a session worth keeping; default `DEFAULT_TAIL_POLICY`.
        spool_dir: where the spool is; default `.promptetheus/spool`, resolved now.
    """

    def __init__(
        self,
        *,
        agent: str,
        user_goal: str,
        session_id: str | None = None,
        project_id: str | None = None,
        environment: str | None = None,
        transport: Any = None,
        redact: Redactor | Literal["default"] | None = None,
        metadata: Mapping[str, Any] | None = None,
        tags: list[str] | tuple[str, ...] | None = None,
        sample_rate: float = 1.0,
        tail_sample: bool = False,
        event_sample_rates: Mapping[str, float] | None = None,
        tail_policy: TailSamplingPolicy | None = None,
        spool_dir: str | os.PathLike[str] = DEFAULT_SPOOL_DIR,
    ) -> None:
        self.agent = agent
        self.user_goal = user_goal
        self.session_id = session_id if isinstance(session_id, str) and session_id else new_session_id()
        self.project_id = project_id
        self.environment = environment
        self.metadata: dict[str, Any] = _mapping(metadata)
        self.tags: list[str] = [str(tag) for tag in tags] if isinstance(tags, list | tuple) else []
        self.sample_rate = _rate(sample_rate)
        self.tail_sample = bool(tail_sample)
        self._tail_policy = tail_policy or DEFAULT_TAIL_POLICY
        self._event_rates = {k: _rate(v) for k, v in _mapping(event_sample_rates).items()}
        self._redact = _redactor(redact)
        self._kept = keeps(self.session_id, self.sample_rate) or self.tail_sample
        self._sink: Sink | None = None
        if self._kept:
            self._sink = make_sink(transport, Path(os.path.abspath(spool_dir)), self.session_id)
        self._counter = SummaryCounter()
        self._lock = threading.Lock()
        self._seq = itertools.count()
        self._nonce = new_nonce()
        self._forks = _forks
        self._opened = False
        self._end: Event | None = None
        self._outer: Session | None = None

    # ── the run ──────────────────────────────────────────────────────────────────────────────────────────

    def __enter__(self) -> Self:
        self._outer = context.current_session.get()
        context.current_session.set(self)
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]:
        if self._end is None:
            if error is None:
                self.end("completed")
            else:
                self.end("failed", error=describe_error(error))
        self.flush()
        context.current_session.set(self._outer)
        return False

    @guard.guarded(dict)
    def end(self, status: str = "completed", error: str | None = None) -> Event:
        """End the session with `session_end` {status, error}. A second call returns the first event."""
        first = self._end is None
        event = self._finish(status, error)
        if first and self._sink is not None:
            self._sink.flush(None)
        return event

    @guard.guarded(lambda: None)
    def flush(self, timeout: float | None = None) -> None:
        """Wait, at most `timeout` seconds, until a transport of your own has passed on what it holds.

        The spool needs no flush: its lines are on disk already.
        """
        if self._sink is not None:
            self._sink.flush(timeout)

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────

    def event(
        self, type: str, payload: Mapping[str, Any] | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Event:
        """Record an event of any type of `EVENT_TYPES`; returns its envelope, also when it was dropped."""
        try:
            return self._record(type, payload, metadata)
        except Exception as error:
            guard.report("failed.event", f"an event could not be recorded: {error.__class__.__name__}", error)
            return {}

    @_recorded
    def user_message(self, content: Any, metadata: Mapping[str, Any] | None = None) -> Event:
        """What the user said."""
        return self._record("user_message", {"content": content}, metadata)

    @_recorded
    def agent_message(self, content: Any, metadata: Mapping[str, Any] | None = None) -> Event:
        """What the agent said."""
        return self._record("agent_message", {"content": content}, metadata)

    @_recorded
    def tool_call(
        self,
        tool_name: str,
        arguments: Mapping[str, Any] | None = None,
        call_id: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Event:
        """A tool is about to run. `call_id` ties the result to it; default 32 new hex digits."""
        payload = {
            "tool_name": tool_name,
            "arguments": _mapping(arguments),
            "call_id": call_id or new_call_id(),
        }
        return self._record("tool_call", payload, metadata)

    @_recorded
    def tool_result(
        self,
        call_id: str,
        result: Any = None,
        error: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Event:
        """What the tool returned, or the error it ended in."""
        if isinstance(error, BaseException):
            error = repr(error)
        return self._record("tool_result", {"call_id": call_id, "result": result, "error": error}, metadata)

    @_recorded
    def retrieval(self, query: str, documents: Any, metadata: Mapping[str, Any] | None = None) -> Event:
        """A search and what it found: documents with `id`, `content`, `score`, `source`, `metadata`."""
        return self._record("retrieval", {"query": query, "documents": documents}, metadata)

    @_recorded
    def browser_action(
        self, action: str, target: str, url: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Event:
        """A click, a key, a navigation. Coordinates go into `metadata` as `x` and `y`."""
        return self._record("browser_action", {"action": action, "target": target, "url": url}, metadata)

    @_recorded
    def dom_snapshot(
        self,
        url: str,
        visible_text: str,
        selected_values: Mapping[str, Any] | None = None,
        warnings: list[str] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Event:
        """What the page showed: its text, what was selected in it, its warnings."""
        payload = {
            "url": url,
            "visible_text": visible_text,
            "selected_values": _mapping(selected_values),
            "warnings": _list(warnings),
        }
        return self._record("dom_snapshot", payload, metadata)

    @_recorded
    def screenshot(self, source: Any, metadata: Mapping[str, Any] | None = None) -> Event:
        """A picture: its bytes, or the path of its file. It is kept as an artifact of the spool."""
        payload = self._artifact(source, lambda data, name: picture_extension(data[:16]))
        if isinstance(source, bytes | bytearray | memoryview):
            payload["source_type"] = "bytes"
        return self._record("screenshot", payload, metadata)

    @_recorded
    def replay_artifact(
        self,
        source: Any,
        artifact_type: str = "screen_recording",
        event_time_map: Mapping[str, int] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Event:
        """A recording of the run: its bytes, or the path of its file. `event_time_map`: seq to milliseconds."""
        payload = {"artifact_type": artifact_type, "event_time_map": _mapping(event_time_map)}
        payload.update(self._artifact(source, lambda data, name: recording_extension(name)))
        return self._record("replay_artifact", payload, metadata)

    @_recorded
    def llm_call(
        self,
        model: str,
        *,
        input_tokens: int | None = None,
        output_tokens: int | None = None,
        latency_ms: int | None = None,
        messages_ref: str | None = None,
        prompt_ref: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Event:
        """A call to a model: tokens, milliseconds, and references to the texts rather than the texts."""
        payload: dict[str, Any] = {"model": model}
        for name, number in (
            ("input_tokens", input_tokens),
            ("output_tokens", output_tokens),
            ("latency_ms", latency_ms),
        ):
            if number is not None:
                payload[name] = _whole(number)
        references = {"messages_ref": messages_ref, "prompt_ref": prompt_ref}
        payload.update({name: text for name, text in references.items() if text is not None})
        return self._record("llm_call", payload, metadata)

    @_recorded
    def score(
        self,
        name: str,
        value: float | bool,
        comment: str | None = None,
        source: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Event:
        """A judgement of the run as a number or a yes or no."""
        payload: dict[str, Any] = {"name": name, "value": value}
        if comment is not None:
            payload["comment"] = comment
        if source is not None:
            payload["source"] = source
        return self._record("score", payload, metadata)

    @_recorded
    def metric(
        self, name: str, value: float, unit: str | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Event:
        """A measured number, with its unit if it has one."""
        payload: dict[str, Any] = {"name": name, "value": value}
        if unit is not None:
            payload["unit"] = unit
        return self._record("metric", payload, metadata)

    @_recorded
    def error(
        self,
        error: BaseException | str,
        *,
        error_type: str | None = None,
        handled: bool = True,
        metadata: Mapping[str, Any] | None = None,
    ) -> Event:
        """An error, as an exception (its traceback is kept) or as a message."""
        payload: dict[str, Any] = {"handled": handled}
        if isinstance(error, BaseException):
            import traceback

            payload["message"] = str(error)
            payload["error_type"] = error_type or type(error).__name__
            payload["traceback"] = "".join(traceback.format_exception(error))
        else:
            payload["message"] = error
            if error_type is not None:
                payload["error_type"] = error_type
        event = self._record("error", payload, metadata)
        if self._sink is not None:
            self._sink.sync()
        return event

    @_recorded
    def goal_check(
        self, passed: bool, mismatches: list[str] | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Event:
        """Whether the goal was met, and if not, what did not match."""
        return self._record("goal_check", {"passed": passed, "mismatches": _list(mismatches)}, metadata)

    @_recorded
    def state_change(
        self, name: str, before: Any = None, after: Any = None, metadata: Mapping[str, Any] | None = None
    ) -> Event:
        """Something changed: its name, its value before and after."""
        return self._record("state_change", {"name": name, "before": before, "after": after}, metadata)

    @_recorded
    def update_metadata(self, **values: Any) -> Event:
        """Merge values into the session's metadata and record the change."""
        self.metadata.update(values)
        payload = {"name": "metadata_update", "before": None, "after": values}
        return self._record("state_change", payload, None)

    @_recorded
    def add_tags(self, *tags: str) -> Event:
        """Add tags that the session does not have yet and record them."""
        fresh = [tag for tag in dict.fromkeys(str(tag) for tag in tags) if tag not in self.tags]
        self.tags.extend(fresh)
        payload = {"name": "tags_added", "before": None, "after": {"tags": fresh}}
        return self._record("state_change", payload, None)

    @contextmanager
    def span(self, name: str, metadata: Mapping[str, Any] | None = None) -> Iterator[str]:
        """Group the events inside the block. Yields the span's id; records its start, end and duration."""
        span_id, started = self._open_span(name, metadata)
        try:
            yield span_id
        finally:
            self._close_span(span_id, name, started, metadata)

    # ── the write path ───────────────────────────────────────────────────────────────────────────────────

    def _finish(self, status: str, error: str | None) -> Event:
        """Record the line that closes the session, once."""
        if self._end is None:
            self._end = {}
            self._end = self._record("session_end", {"status": status, "error": error}, None)
            if self._sink is not None:
                self._sink.sync()
                if self.tail_sample:
                    self._decide_tail()
                self._sink.close()
        return self._end

    def _open(self) -> None:
        """Record the line that opens the session, once."""
        if self._opened:
            return
        self._opened = True
        after = {
            "agent": self.agent,
            "user_goal": self.user_goal,
            "project_id": self.project_id,
            "environment": self.environment,
            "tags": list(self.tags),
        }
        facts: dict[str, Any] = {
            "sdk": {"name": "promptetheus", "version": __version__},
            "pid": os.getpid(),
            "host": this_host(),
            "process_started": process_started(os.getpid()),
        }
        if self.metadata:
            facts["session_metadata"] = dict(self.metadata)
        if self._sink is not None:
            self._sink.open({"id": self.session_id, **after, "metadata": dict(self.metadata)})
        self.event("state_change", {"name": "session_started", "before": None, "after": after}, facts)

    def _record(
        self, type: str, payload: Mapping[str, Any] | None, metadata: Mapping[str, Any] | None
    ) -> Event:
        if not self._opened and self._sink is not None and self._sink.opens_session:
            self._open()
        if self._forks != _forks:
            self._after_fork()
        seq = next(self._seq)
        event: Event = {
            "type": type,
            "session_id": self.session_id,
            "timestamp": now_timestamp(),
            "seq": seq,
            "idempotency_key": f"{self.session_id}:{self._nonce}:{seq}",
            "payload": _mapping(payload),
        }
        if metadata:
            event["metadata"] = _mapping(metadata)
        if context.span_stack.get():
            span_id, parent_id = context.enclosing_spans(self.session_id)
            if span_id is not None:
                event["span_id"], event["parent_id"] = span_id, parent_id
        if not self._kept or self._sink is None:
            return event
        rate = self._event_rates.get(type)
        sampled_out = (
            rate is not None and type not in ALWAYS_KEPT_TYPES and not keeps(event["idempotency_key"], rate)
        )
        if sampled_out:
            guard.count("dropped.sampled")
            return event
        kept = self._redacted(event)
        try:
            validate_event(kept)
        except (TypeError, ValueError) as error:
            guard.report("dropped.invalid", f"an event was not recorded: {error}")
            return event
        self._write(kept)
        return kept

    def _write(self, event: Event) -> None:
        """Count the event and hand it to the sink. Under a lock, so that lines stand in the order of seq."""
        sink = self._sink
        assert sink is not None
        with self._lock:
            self._counter.add(event)
            if event["type"] == "session_end":
                summary = self._counter.result()
                own_bytes = sink.own_bytes()
                if own_bytes is not None:
                    summary["spool_bytes"] = own_bytes
                event["metadata"] = {**event.get("metadata", {}), "summary": summary}
            sink.write(event)

    def _redacted(self, event: Event) -> Event:
        if self._redact is None:
            return event
        try:
            copy = _plain_copy(
                event
            )  # a redactor may change it in place without touching the agent's objects
            clean = self._redact(copy)
            if clean is None and copy != _plain_copy(event):
                clean = copy
        except Exception as error:
            guard.report(
                "failed.redact", f"the redactor failed, a payload was dropped: {type(error).__name__}"
            )
            return _without_content(event, "the redactor failed")
        if isinstance(clean, Mapping) and isinstance(clean.get("payload"), Mapping):
            return dict(clean)
        guard.report("failed.redact", "the redactor returned no event, a payload was dropped")
        return _without_content(event, "the redactor returned no event")

    def _artifact(self, source: Any, extension: Any) -> dict[str, Any]:
        """The payload that describes a picture or recording, which is kept where the sink can keep it."""
        if isinstance(source, bytes | bytearray | memoryview):
            data, name = bytes(source), "artifact"
        else:
            name = os.fspath(source) if isinstance(source, str | os.PathLike) else repr(source)
            try:
                data = Path(name).read_bytes()
            except (OSError, ValueError):
                return {"source": str(name)}
        payload: dict[str, Any] = {"size_bytes": len(data)}
        identity = None
        if self._sink is not None and self._kept:
            identity = self._sink.store(data, extension(data, str(name)))
        if identity is not None:
            payload.update(identity)
        elif name != "artifact":
            payload["source"] = str(name)
        return payload

    def _open_span(self, name: str, metadata: Mapping[str, Any] | None) -> tuple[str, float]:
        span_id = new_span_id()
        context.push_span(self.session_id, span_id)
        self.event("state_change", {"name": "span_start", "span_name": name}, metadata)
        return span_id, time.monotonic()

    def _close_span(
        self, span_id: str, name: str, started: float, metadata: Mapping[str, Any] | None
    ) -> None:
        took = int((time.monotonic() - started) * 1000)
        payload = {"name": "span_end", "span_name": name, "duration_ms": took}
        self.event("state_change", payload, metadata)
        context.pop_span(self.session_id, span_id)

    def _after_fork(self) -> None:
        """A child writes to the same file under a nonce of its own, so that no two events share a key."""
        self._forks = _forks
        self._nonce = new_nonce()
        self._lock = threading.Lock()

    def _decide_tail(self) -> None:
        assert self._sink is not None
        try:
            self._sink.decide(self._tail_policy, self.session_id, self.sample_rate)
        except Exception as error:  # a policy that fails keeps the session
            guard.report("failed.tail_policy", f"the tail policy failed: {type(error).__name__}", error)


def _mapping(value: Any) -> dict[str, Any]:
    """A shallow copy of a mapping; anything else that is there is kept under `value`."""
    if value is None:
        return {}
    return dict(value) if isinstance(value, Mapping) else {"value": value}


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]


def _whole(number: Any) -> Any:
    """Token counts of other number types (numpy, floats without fraction) as int; the rest as it is."""
    try:
        return int(number) if int(number) == number else number
    except (TypeError, ValueError, OverflowError):
        return number


def _rate(value: Any) -> float:
    try:
        rate = float(value)
    except (TypeError, ValueError):
        return 1.0
    return min(1.0, max(0.0, rate)) if rate == rate else 1.0


def _redactor(redact: Any) -> Redactor | None:
    if redact is None or callable(redact):
        return redact  # type: ignore[no-any-return]
    if redact != "default":
        guard.report("settings.invalid", f"redact={redact!r} is unknown: the default redactor is used")
    return build_default_redactor()


def describe_error(error: BaseException) -> str:
    """`ClassName: text`, whatever the exception's own `__str__` does."""
    try:
        return f"{type(error).__name__}: {error}"
    except Exception:
        return f"{type(error).__name__}: (its text could not be read)"


def _plain_copy(event: Event) -> Event:
    from promptetheus.encoding import jsonable

    copied = {**event, "payload": jsonable(event["payload"])}
    if "metadata" in event:
        copied["metadata"] = jsonable(event["metadata"])
    return copied


def _without_content(event: Event, why: str) -> Event:
    """The event with nothing in it but what keeps the session readable: fails closed."""
    kept = {key: event[key] for key in event if key not in ("payload", "metadata")}
    name = event["payload"].get("name")
    kept["payload"] = {}
    if event["type"] == "state_change" and name in ("session_started", "span_start", "span_end"):
        kept["payload"] = {"name": name}
    if event["type"] == "llm_call":
        kept["payload"] = {"model": "[REDACTED]"}
    kept["metadata"] = {"redaction": why}
    return kept
