"""Every call that an agent written for release 2.0.1 makes is understood: each parameter by its old name, in its
old place, with its old default. Ours may have more."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

import promptetheus as pt
from promptetheus import (
    config,
    cost,
    fingerprint,
    propagation,
    redaction,
    regression,
    sampling,
    schema,
    trace_tree,
)
from promptetheus import testing as testing_helpers
from promptetheus.transport import BaseTransport, InMemoryTransport, LocalSpoolTransport

NEEDED = object()
SPOOL = ".promptetheus/spool"

START: dict[str, Any] = {
    "agent": NEEDED, "user_goal": NEEDED, "session_id": None, "project_id": None, "api_key": None,
    "environment": None, "transport": None, "endpoint": None, "spool_dir": SPOOL, "redact": None, "metadata": None,
    "tags": None, "sample_rate": None, "tail_sample": False, "event_sample_rates": None, "tail_policy": None,
}  # fmt: skip
SESSION: dict[str, Any] = {
    "agent": NEEDED, "user_goal": NEEDED, "session_id": None, "project_id": None, "environment": None,
    "transport": None, "redact": None, "metadata": None, "tags": None, "sample_rate": 1.0, "tail_sample": False,
    "event_sample_rates": None, "tail_policy": None,
}  # fmt: skip

KEYWORDS: dict[Any, dict[str, Any]] = {
    pt.start: START,
    pt.trace.start: START,
    pt.Session: SESSION,
    pt.AsyncSession: SESSION,
    pt.observe: {"agent": None, "user_goal": NEEDED},
    pt.Session.llm_call: {
        "input_tokens": None, "output_tokens": None, "latency_ms": None, "messages_ref": None, "prompt_ref": None,
        "metadata": None,
    },
    pt.Session.error: {"error_type": None, "handled": True, "metadata": None},
    pt.trace.resolve_transport: {"endpoint": None, "api_key": None, "spool_dir": SPOOL},
    redaction.build_default_redactor: {
        "extra_patterns": None, "extra_sensitive_keys": None, "allow_keys": None, "hash_values": False,
    },
    trace_tree.render_tree: {"show_events": True},
    sampling.TailSamplingPolicy.decide: {"session_id": NEEDED, "head_sample_rate": NEEDED},
}  # fmt: skip
"""By callable, the parameters that are given by name."""

POSITIONS: dict[Any, dict[Any, Any]] = {
    pt.Session.event: {"type": NEEDED, "payload": None, "metadata": None},
    pt.Session.user_message: {"content": NEEDED, "metadata": None},
    pt.Session.agent_message: {"content": NEEDED, "metadata": None},
    pt.Session.tool_call: {"tool_name": NEEDED, "arguments": None, "call_id": None, "metadata": None},
    pt.Session.tool_result: {"call_id": NEEDED, "result": None, "error": None, "metadata": None},
    pt.Session.retrieval: {"query": NEEDED, "documents": NEEDED, "metadata": None},
    pt.Session.browser_action: {"action": NEEDED, "target": NEEDED, "url": None, "metadata": None},
    pt.Session.dom_snapshot: {
        "url": NEEDED, "visible_text": NEEDED, "selected_values": None, "warnings": None, "metadata": None,
    },
    pt.Session.screenshot: {"source": NEEDED, "metadata": None},
    pt.Session.replay_artifact: {
        "source": NEEDED, "artifact_type": "screen_recording", "event_time_map": None, "metadata": None,
    },
    pt.Session.llm_call: {"model": NEEDED},
    pt.Session.goal_check: {"passed": NEEDED, "mismatches": None, "metadata": None},
    pt.Session.score: {"name": NEEDED, "value": NEEDED, "comment": None, "source": None, "metadata": None},
    pt.Session.metric: {"name": NEEDED, "value": NEEDED, "unit": None, "metadata": None},
    pt.Session.error: {"error": NEEDED},
    pt.Session.state_change: {"name": NEEDED, "before": None, "after": None, "metadata": None},
    pt.Session.span: {"name": NEEDED, "metadata": None},
    pt.Session.end: {"status": "completed", "error": None},
    pt.Session.flush: {"timeout": None},
    pt.AsyncSession.aspan: {"name": NEEDED, "metadata": None},
    pt.AsyncSession.end_async: {"status": "completed", "error": None},
    pt.AsyncSession.flush: {"timeout": None},
    pt.AsyncSession.aflush_blocking: {"timeout": None},
    pt.trace.resolve_transport: {"transport": "auto"},
    pt.TailDecision: {"keep": NEEDED, "interesting": NEEDED, "reason": NEEDED},
    pt.TailSamplingPolicy: {
        "retry_loop_threshold": 3, "span_latency_ms_threshold": 30000.0, "session_latency_ms_threshold": 120000.0,
        "boring_success_keep_rate": None, "emit_skeleton_on_drop": False,
    },
    pt.FailureFingerprint: {"is_failure": NEEDED, "fingerprint": NEEDED, "label": NEEDED, "signals": ()},
    pt.TailSamplingPolicy.interesting: {"events": NEEDED},
    pt.TailSamplingPolicy.decide: {"events": NEEDED},
    fingerprint.failure_fingerprint: {"events": NEEDED},
    schema.validate_event: {"event": NEEDED},
    regression.Step: {"key": NEEDED, "kind": NEEDED, "label": NEEDED, "ok": True, "duration_ms": None},
    regression.StepChange: {"key": NEEDED, "kind": NEEDED, "detail": NEEDED, "regressed": False},
    propagation.TraceContext: {"trace_id": NEEDED, "parent_id": NEEDED, "flags": "01"},
    propagation.inject: {0: NEEDED, "headers": None},
    propagation.extract: {"headers": NEEDED},
    cost.resolve_price: {"model": NEEDED, "prices": None},
    InMemoryTransport.upload_artifact: {"session_id": NEEDED},
    LocalSpoolTransport: {"spool_dir": SPOOL},
    LocalSpoolTransport.path_for_session: {"session_id": NEEDED},
}  # fmt: skip
"""By callable, the parameters in their order; a number stands for a name that does not matter."""


def named(callables: dict[Any, Any]) -> list[str]:
    return [getattr(found, "__qualname__", repr(found)) for found in callables]


def parameters(callable_: Any) -> dict[str, inspect.Parameter]:
    found = dict(inspect.signature(callable_).parameters)
    found.pop("self", None)
    return found


def default_of(parameter: inspect.Parameter) -> Any:
    return NEEDED if parameter.default is inspect.Parameter.empty else parameter.default


@pytest.mark.parametrize(("callable_", "expected"), KEYWORDS.items(), ids=named(KEYWORDS))
def test_parameters_can_be_given_by_name(callable_: Any, expected: dict[str, Any]) -> None:
    found = parameters(callable_)
    assert {name: default_of(found[name]) for name in expected} == expected
    assert all(found[name].kind is not inspect.Parameter.POSITIONAL_ONLY for name in expected)


@pytest.mark.parametrize(("callable_", "expected"), POSITIONS.items(), ids=named(POSITIONS))
def test_parameters_can_be_given_by_position(callable_: Any, expected: dict[Any, Any]) -> None:
    found = list(parameters(callable_).values())[: len(expected)]
    assert [default_of(parameter) for parameter in found] == list(expected.values())
    for parameter, name in zip(found, expected, strict=True):
        assert isinstance(name, int) or parameter.name == name
        assert parameter.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD


def test_the_fields_of_settings_keep_their_order() -> None:
    names = list(parameters(config.Config))
    assert names[:7] == [
        "api_url", "api_key", "project_id", "environment", "sample_rate", "redact", "http_timeout",
    ]  # fmt: skip
    assert config.DEFAULT_HTTP_TIMEOUT == 30.0


def test_observe_takes_what_start_takes_and_unknown_names_too(spool: Any) -> None:
    options = {**START, "user_goal": "g", "agent": None, "spool_dir": spool, "transport": "spool"}

    @pt.observe(**options, something_new=1)
    def run() -> str:
        return pt.current().session_id

    assert run() != "noop"
    assert set(pt.stats()["settings"]) == {"invalid"}


@pytest.mark.parametrize("missing", ["agent", "user_goal"])
def test_start_without_an_agent_or_a_goal_is_a_type_error(missing: str) -> None:
    given: dict[str, Any] = {"agent": "a", "user_goal": "g"}
    del given[missing]
    with pytest.raises(TypeError, match=missing):
        pt.start(**given)
    with pytest.raises(TypeError, match=missing):
        pt.Session(**given)


def test_public_attributes_of_a_session(spool: Any) -> None:
    tags, metadata = ["t"], {"m": 1}
    session = pt.Session(
        agent="a", user_goal="g", session_id="s", project_id="p", environment="e", metadata=metadata, tags=tags,
        sample_rate=0.5, tail_sample=True, spool_dir=spool,
    )  # fmt: skip
    assert (session.agent, session.user_goal, session.session_id) == ("a", "g", "s")
    assert (session.project_id, session.environment) == ("p", "e")
    assert (session.metadata, session.tags) == (metadata, tags)
    assert session.metadata is not metadata
    assert session.tags is not tags
    assert (session.sample_rate, session.tail_sample) == (0.5, True)


def test_transports_keep_their_members(spool: Any) -> None:
    with InMemoryTransport() as memory:
        memory.send_batch([{"type": "metric"}])
        assert (memory.events, memory.flush_count, memory.closed) == ([{"type": "metric"}], 0, False)
    assert memory.closed
    assert memory.flush_count == 1
    local = LocalSpoolTransport(spool)
    assert (local.pending_count, local.spool_dir) == (0, spool)
    assert local.path_for_session("sess/a").parent == spool
    assert issubclass(InMemoryTransport, BaseTransport)
    assert issubclass(LocalSpoolTransport, BaseTransport)


def test_testing_helpers_keep_their_members() -> None:
    with testing_helpers.capture_session(agent="x") as events:
        events.session.tool_call("t")
        assert (events.count("tool_call"), events.event_types) == (1, ["state_change", "tool_call"])
        assert events.types() == events.event_types
        assert events.last("tool_call") == events.of_type("tool_call")[0] == list(events)[1]
        assert len(events) == len(events.events) == 2
