"""A session: one run of an agent on one task, recorded event by event.

After a call has returned, its line is on disk. No call raises into the agent, none waits for anything but
that one write.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Self

from promptetheus import __version__, context, guard, process
from promptetheus.artifacts import open_source, picture_extension, recording_extension
from promptetheus.calls import safe_repr, text_of
from promptetheus.encoding import jsonable
from promptetheus.events import Event
from promptetheus.ids import new_call_id, new_session_id, new_span_id
from promptetheus.recorder import Recorder, copied
from promptetheus.sampling import DEFAULT_TAIL_POLICY, TailSamplingPolicy, judge, keeps
from promptetheus.sinks import Sink, make_sink
from promptetheus.spool import DEFAULT_SPOOL_DIR

if TYPE_CHECKING:
    from promptetheus.redaction import Redactor

_recorded = guard.guarded(dict)


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
        self.session_id = _session_id(session_id)
        self.project_id = project_id
        self.environment = environment
        self.metadata: dict[str, Any] = copied(metadata)
        self.tags: list[str] = _texts(tags)
        self.sample_rate = _rate(sample_rate)
        self.tail_sample = isinstance(tail_sample, int) and tail_sample != 0
        self._tail_policy = DEFAULT_TAIL_POLICY if tail_policy is None else tail_policy
        sink: Sink | None = None
        if self.tail_sample or keeps(self.session_id, self.sample_rate):
            sink = make_sink(transport, absolute(spool_dir), self.session_id, self.tail_sample)
        rates = {text_of(kind): _rate(rate) for kind, rate in copied(event_sample_rates).items()}
        self._recorder = Recorder(self.session_id, sink, _redactor(redact), rates)
        self._record = self._recorder.record
        self._sink = sink
        if sink is not None and sink.is_spool:
            self._recorder.opening = self._open
        self._end: Event | None = None
        self._outer: list[Session | None] = []

    # ── the run ──────────────────────────────────────────────────────────────────────────────────────────

    @property
    def transport(self) -> Any:
        """The transport object that takes the events; None when they go to the spool."""
        return getattr(self._sink, "transport", None)

    @property
    def is_recorded(self) -> bool:
        """Whether events are written: False when the session was sampled out."""
        return self._sink is not None

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]:
        if self._end is None:
            self.end(*outcome(error))
        if self._sink is not None:
            self._sink.flush(None)
        self._leave()
        return False

    @guard.guarded(dict)
    def end(self, status: str = "completed", error: str | None = None) -> Event:
        """End the session with `session_end` {status, error}. A second call returns the first event."""
        if self._end is not None:
            return self._end
        event = self._finish(status, error)
        if self._sink is not None:
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
        return self._record(type, copied(payload), metadata)

    def user_message(self, content: Any, metadata: Mapping[str, Any] | None = None) -> Event:
        """What the user said."""
        return self._record("user_message", {"content": content}, metadata)

    def agent_message(self, content: Any, metadata: Mapping[str, Any] | None = None) -> Event:
        """What the agent said."""
        return self._record("agent_message", {"content": content}, metadata)

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
            "arguments": copied(arguments),
            "call_id": call_id if type(call_id) is str and call_id else _call_id(call_id),
        }
        return self._record("tool_call", payload, metadata)

    def tool_result(
        self,
        call_id: str,
        result: Any = None,
        error: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Event:
        """What the tool returned, or the error it ended in."""
        if isinstance(error, BaseException):
            error = safe_repr(error)[0]
        return self._record("tool_result", {"call_id": call_id, "result": result, "error": error}, metadata)

    def retrieval(self, query: str, documents: Any, metadata: Mapping[str, Any] | None = None) -> Event:
        """A search and what it found: documents with `id`, `content`, `score`, `source`, `metadata`."""
        return self._record("retrieval", {"query": query, "documents": documents}, metadata)

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
            "selected_values": copied(selected_values),
            "warnings": _list(warnings),
        }
        return self._record("dom_snapshot", payload, metadata)

    @_recorded
    def screenshot(self, source: Any, metadata: Mapping[str, Any] | None = None) -> Event:
        """A picture: its bytes, or the path of its file. It is kept as an artifact of the spool."""
        payload = self._artifact(source, "screenshot")
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
        payload = {"artifact_type": artifact_type, "event_time_map": copied(event_time_map)}
        payload.update(self._artifact(source, "replay_artifact"))
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

            payload["message"] = error_text(error)
            payload["error_type"] = error_type or type(error).__name__
            try:
                payload["traceback"] = "".join(traceback.format_exception(error))
            except Exception:  # its __str__ or __cause__ is hostile
                payload["traceback"] = f"{type(error).__name__} (its traceback could not be formatted)"
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
        fresh = [tag for tag in dict.fromkeys(map(text_of, tags)) if tag not in self.tags]
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

    # ── opening and closing ──────────────────────────────────────────────────────────────────────────────

    @guard.guarded(lambda: None)
    def _enter(self) -> None:
        self._outer.append(context.current_session.get())
        context.current_session.set(self)
        if self._sink is None or len(self._outer) > 1:
            return
        if not self._sink.is_spool:
            self._open()
        elif self._recorder.opening is not None:
            self._recorder.start()

    @guard.guarded(lambda: None)
    def _leave(self) -> None:
        outer = self._outer.pop() if self._outer else None
        if context.current_session.get() is self:  # left in another context, there is nothing to put back
            context.current_session.set(outer)

    def _open(self) -> None:
        """Record the line that opens the session."""
        after = {
            "agent": self.agent,
            "user_goal": self.user_goal,
            "project_id": self.project_id,
            "environment": self.environment,
            "tags": list(self.tags),
        }
        assert self._sink is not None
        facts: dict[str, Any] = {}
        if self._sink.is_spool:
            facts = {"sdk": {"name": "promptetheus", "version": __version__}, **process.own_facts()}
            if self.metadata:
                facts["session_metadata"] = dict(self.metadata)
            if self.tail_sample:
                facts["tail_sample"] = True
        else:
            trace = {"id": self.session_id, **after, "metadata": dict(self.metadata)}
            self._sink.announce(self._recorder.redacted_trace(trace))
        self._record("state_change", {"name": "session_started", "before": None, "after": after}, facts)

    def _finish(self, status: str, error: str | None) -> Event:
        """Record the line that closes the session, once."""
        if self._end is None:
            self._end = {}
            self._end = self._record("session_end", {"status": status, "error": error})
            if self._sink is not None:
                self._sink.sync()
                if self.tail_sample:
                    self._decide_tail(self._sink, status, error)
                self._sink.close()
                self._sink.prune()
        return self._end

    def _decide_tail(self, sink: Sink, status: str, error: str | None) -> None:
        failed = bool(error) or status not in (None, "completed") or self._recorder.counter.failed_checks > 0
        try:
            sink.decide(
                lambda events: judge(self._tail_policy, events, self.session_id, self.sample_rate, failed)
            )
        except Exception as problem:  # what cannot be decided is kept
            guard.mistake("tail_sample", problem)

    def _artifact(self, source: Any, what: str) -> dict[str, Any]:
        """The payload that describes a picture or recording, which is kept where the sink can keep it."""
        if isinstance(source, bytes | bytearray | memoryview):
            data = bytes(source)
            return {"size_bytes": len(data), **self._kept_artifact(data, data[:16], "", what)}
        name = str(os.fspath(source)) if isinstance(source, str | os.PathLike) else safe_repr(source)[0]
        try:
            with open_source(name) as file:
                head = file.read(16)
                file.seek(0)
                payload = {"size_bytes": os.fstat(file.fileno()).st_size}
                identity = self._kept_artifact(file, head, name, what)
        except (OSError, ValueError):
            return {"source": name}
        return {**payload, **(identity or {"source": name})}

    def _kept_artifact(self, data: bytes | BinaryIO, head: bytes, name: str, what: str) -> dict[str, Any]:
        if self._sink is None:
            return {}
        extension = picture_extension(head) if what == "screenshot" else recording_extension(head, name)
        return dict(self._sink.store(data, extension, what) or {})

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


def outcome(error: BaseException | None) -> tuple[str, str | None]:
    """Status and error of a session that is left with an exception, or without one."""
    return (
        ("completed", None) if error is None else ("failed", f"{type(error).__name__}: {error_text(error)}")
    )


def error_text(error: BaseException) -> str:
    """The text of an exception, whatever its own `__str__` does."""
    try:
        return str(error)
    except Exception as problem:
        return f"(its text could not be read: {type(problem).__name__})"


def absolute(spool_dir: Any) -> Path:
    """The directory as an absolute path, so that a later `chdir` does not move it."""
    try:
        return Path(os.path.abspath(spool_dir))
    except (TypeError, ValueError):
        guard.report("settings.invalid", f"spool_dir must be a path, not {type(spool_dir).__name__}")
        return absolute(DEFAULT_SPOOL_DIR)
    except OSError:  # the working directory is gone
        return Path(spool_dir)


def _session_id(given: Any) -> str:
    if given is None:
        return new_session_id()
    return str(jsonable(text_of(given))) or new_session_id()


def _call_id(given: Any) -> str:
    """A call id that is a text: a new one for None and ""."""
    return new_call_id() if given is None or isinstance(given, str) else text_of(given)


def _texts(tags: Any) -> list[str]:
    if tags is None:
        return []
    if isinstance(tags, str):
        return [tags]
    try:
        return [text_of(tag) for tag in tags]
    except Exception as error:
        guard.report("settings.invalid", f"tags must be texts, not {type(tags).__name__}", error)
        return []


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple | set | frozenset) else [value]


def _whole(number: Any) -> Any:
    """Token counts of other number types (numpy, floats without fraction) as int; the rest as it is."""
    try:
        return int(number) if not isinstance(number, bool) and int(number) == number else number
    except (TypeError, ValueError, OverflowError):
        return number


def _rate(value: Any) -> float:
    try:
        rate = float(value)
    except Exception:
        rate = float("nan")
    if rate != rate:
        guard.report("settings.invalid", "a sample rate must be a number from 0 to 1: 1 is used")
        return 1.0
    return min(1.0, max(0.0, rate))


def _redactor(redact: Any) -> Redactor | None:
    if redact is None or callable(redact):
        return redact  # type: ignore[no-any-return]
    if not isinstance(redact, str) or redact != "default":
        guard.report(
            "settings.invalid", f"redact={text_of(redact)[:100]} is unknown: the default redactor is used"
        )
    from promptetheus.redaction import build_default_redactor

    return build_default_redactor()
