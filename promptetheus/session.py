"""A session: one run of an agent on one task, recorded event by event.

After a call has returned, its line is on disk. No call raises into the agent, none waits for anything but
that one write.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from promptetheus import __version__, context, guard, process
from promptetheus.calls import text_of
from promptetheus.events import Event
from promptetheus.ids import new_span_id
from promptetheus.recorder import Recorder, copied
from promptetheus.sampling import DEFAULT_TAIL_POLICY, TailSamplingPolicy, judge, keeps
from promptetheus.session_arguments import absolute, rate_of, redactor_of, session_id_of, texts_of
from promptetheus.session_events import SessionEvents, error_text
from promptetheus.sinks import Sink, make_sink
from promptetheus.spool import DEFAULT_SPOOL_DIR

if TYPE_CHECKING:
    from promptetheus.redaction import Redactor


class Session(SessionEvents):
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
        sample_rate: share of sessions that are recorded, 0 to 1. What is left out costs nothing and cannot be had
            back when it fails: `tail_sample=True` keeps every failing run and this share of the others.
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
        self.session_id = session_id_of(session_id)
        self.project_id = project_id
        self.environment = environment
        self.metadata: dict[str, Any] = copied(metadata)
        self.tags: list[str] = texts_of(tags)
        self.sample_rate = rate_of(sample_rate)
        self.tail_sample = isinstance(tail_sample, int) and tail_sample != 0
        self._tail_policy = DEFAULT_TAIL_POLICY if tail_policy is None else tail_policy
        sink: Sink | None = None
        if self.tail_sample or keeps(self.session_id, self.sample_rate):
            sink = make_sink(transport, absolute(spool_dir), self.session_id, self.tail_sample)
        rates = {text_of(kind): rate_of(rate) for kind, rate in copied(event_sample_rates).items()}
        self._recorder = Recorder(self.session_id, sink, redactor_of(redact), rates)
        self._record = self._recorder.record
        self._sink = sink
        if sink is not None and sink.is_spool:
            self._recorder.opening = self._open
        self._end: Event | None = None
        self._unfinished: dict[Any, bool] = {}
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

    # ── spans ───────────────────────────────────────────────────────────────────────────────────────────

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
            for call in reversed(list(self._unfinished)):  # of adapters: writes what is known of it by now
                call.cut_off()
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
