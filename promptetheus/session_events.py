"""What can be recorded in a session: a method for each type of event."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, BinaryIO

from promptetheus import guard
from promptetheus.artifacts import open_source, picture_extension, recording_extension
from promptetheus.calls import safe_repr, text_of
from promptetheus.events import Event
from promptetheus.recorder import copied
from promptetheus.session_arguments import call_id_of, list_of, whole
from promptetheus.sinks import Sink

MAX_KEPT = 1_000
"""A session remembers so many tags and metadata of its own; further ones are recorded and counted."""

_SYNC_INTERVAL_S = 0.1
"""Waiting for the disk takes 0.2 ms or more: a burst of errors waits for it ten times a second at most."""

_recorded = guard.guarded(dict)


class SessionEvents:
    """The helpers of a session. Each writes one event, returns its envelope and never raises."""

    metadata: dict[str, Any]
    tags: list[str]
    _record: Callable[..., Event]
    _sink: Sink | None
    _may_sync_s = 0.0

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
            "call_id": call_id if type(call_id) is str and call_id else call_id_of(call_id),
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
        if error is not None and guard.is_a(error, BaseException):
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
            "warnings": list_of(warnings),
        }
        return self._record("dom_snapshot", payload, metadata)

    @_recorded
    def screenshot(self, source: Any, metadata: Mapping[str, Any] | None = None) -> Event:
        """A picture: its bytes, or the path of its file. It is kept as an artifact of the spool."""
        payload = self._artifact(source, "screenshot")
        if guard.is_a(source, (bytes, bytearray, memoryview)):
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
                payload[name] = whole(number)
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
        if guard.is_a(error, BaseException):
            import traceback

            payload["message"] = error_text(error)
            payload["error_type"] = type(error).__name__ if error_type is None else error_type
            try:
                payload["traceback"] = "".join(traceback.format_exception(error))
            except BaseException as problem:  # its __str__ or __cause__ is hostile
                guard.pass_on(problem)
                payload["traceback"] = f"{type(error).__name__} (its traceback could not be formatted)"
        else:
            payload["message"] = error
            if error_type is not None:
                payload["error_type"] = error_type
        event = self._record("error", payload, metadata)
        now = monotonic()
        if self._sink is not None and now > self._may_sync_s:
            self._may_sync_s = now + _SYNC_INTERVAL_S
            self._sink.sync()
        return event

    @_recorded
    def goal_check(
        self, passed: bool, mismatches: list[str] | None = None, metadata: Mapping[str, Any] | None = None
    ) -> Event:
        """Whether the goal was met, and if not, what did not match."""
        return self._record("goal_check", {"passed": passed, "mismatches": list_of(mismatches)}, metadata)

    def state_change(
        self, name: str, before: Any = None, after: Any = None, metadata: Mapping[str, Any] | None = None
    ) -> Event:
        """Something changed: its name, its value before and after."""
        return self._record("state_change", {"name": name, "before": before, "after": after}, metadata)

    @_recorded
    def update_metadata(self, **values: Any) -> Event:
        """Merge values into the session's metadata and record the change."""
        for name, value in values.items():
            if name in self.metadata or len(self.metadata) < MAX_KEPT:
                self.metadata[name] = value
            else:
                guard.count("truncated.session_metadata")
        payload = {"name": "metadata_update", "before": None, "after": values}
        return self._record("state_change", payload, None)

    @_recorded
    def add_tags(self, *tags: str) -> Event:
        """Add tags that the session does not have yet and record them."""
        fresh = [tag for tag in dict.fromkeys(map(text_of, tags)) if tag not in self.tags]
        room = max(0, MAX_KEPT - len(self.tags))
        self.tags.extend(fresh[:room])
        if len(fresh) > room:
            guard.count("truncated.session_tags", len(fresh) - room)
        payload = {"name": "tags_added", "before": None, "after": {"tags": fresh}}
        return self._record("state_change", payload, None)

    def _artifact(self, source: Any, what: str) -> dict[str, Any]:
        """The payload that describes a picture or recording, which is kept where the sink can keep it."""
        if guard.is_a(source, (bytes, bytearray, memoryview)):
            data = bytes(source)
            return {"size_bytes": len(data), **self._kept_artifact(data, data[:16], "", what)}
        name = _path_of(source)
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


def _path_of(source: Any) -> str:
    try:
        if isinstance(source, str | os.PathLike):
            return str(os.fspath(source))
    except BaseException as problem:
        guard.pass_on(problem)
    return safe_repr(source)[0]


def error_text(error: BaseException) -> str:
    """The text of an exception, whatever its own `__str__` does."""
    try:
        return str(error)
    except BaseException as problem:
        guard.pass_on(problem)
        return f"(its text could not be read: {type(problem).__name__})"
