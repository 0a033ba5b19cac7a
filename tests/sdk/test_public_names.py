"""Agents that were written for release 2.0.1 find their names."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

import promptetheus as pt
from promptetheus.events import EVENT_TYPES, validate_event
from promptetheus.schema import event_schema

NAMES = {
    "promptetheus": "AgentRuntime AsyncAgentRuntime AsyncSession DEFAULT_TAIL_POLICY FailureFingerprint Session "
    "TailDecision TailSamplingPolicy "
    "__version__ autoinstrument current failure_fingerprint observe start stats tool trace traced wrap_context",
    "promptetheus.session": "Session",
    "promptetheus.session_async": "AsyncSession",
    "promptetheus.trace": "start resolve_transport",
    "promptetheus.config": "Config DEFAULT_API_URL DEFAULT_HTTP_TIMEOUT DEFAULT_CONFIG_PATH get_config load_config "
    "override_config reset_config set_config",
    "promptetheus.schema": "EVENT_TYPES EventType BaseEvent Event RetrievalDocument StateChangePayload "
    "VoiceMessageMetadata event_schema validate_event",
    "promptetheus.redaction": "REDACTION_PLACEHOLDER build_default_redactor",
    "promptetheus.sampling": "TailDecision TailSamplingPolicy DEFAULT_TAIL_POLICY",
    "promptetheus.fingerprint": "FailureFingerprint failure_fingerprint",
    "promptetheus.trace_tree": "SpanNode build_trace_tree build_trace_forest render_tree",
    "promptetheus.regression": "Step StepChange SessionDiff diff_sessions extract_steps assert_no_regression",
    "promptetheus.propagation": "TraceContext new_trace_context inject extract session_kwargs_from_context",
    "promptetheus.cost": "ModelPrice SessionCost Budget BudgetStatus DEFAULT_MODEL_PRICES resolve_price "
    "estimate_cost estimate_tokens annotate_cost accumulate_session_cost format_cost",
    "promptetheus.testing": "RecordingTransport CapturedEvents capture_session promptetheus_session "
    "promptetheus_session_fixture",
    "promptetheus.transport": "Transport BaseTransport InMemoryTransport LocalSpoolTransport Event",
    "promptetheus.transport.local": "LocalSpoolTransport",
    "promptetheus.agent_runtime": "AgentRuntime",
    "promptetheus.cli": "main",
}


@pytest.mark.parametrize(("module", "name"), [(m, n) for m, names in NAMES.items() for n in names.split()])
def test_a_public_name_is_where_it_was(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


def test_the_package_says_what_is_public() -> None:
    assert set(NAMES["promptetheus"].split()) == set(pt.__all__) == set(dir(pt))
    assert pt.start is pt.trace.start
    with pytest.raises(AttributeError, match="no_such_name"):
        pt.no_such_name  # noqa: B018


def test_the_types_stand_in_their_order() -> None:
    assert EVENT_TYPES == (
        "user_message", "agent_message", "tool_call", "tool_result", "retrieval", "browser_action", "dom_snapshot",
        "screenshot", "replay_artifact", "goal_check", "state_change", "session_end", "llm_call", "score", "error",
        "metric",
    )  # fmt: skip


def test_the_schema_describes_every_type() -> None:
    schema = event_schema()
    assert (schema["title"], schema["type"], schema["additionalProperties"]) == (
        "PromptetheusEvent",
        "object",
        True,
    )
    assert schema["required"] == ["type", "session_id", "timestamp", "seq", "idempotency_key", "payload"]
    assert tuple(schema["events"]) == EVENT_TYPES == tuple(schema["properties"]["type"]["enum"])
    assert schema["events"]["llm_call"]["reserved"] is True
    assert "voice_message_metadata" in schema["definitions"]
    schema["events"].clear()
    assert event_schema()["events"]


VALID: dict[str, Any] = {
    "type": "metric", "session_id": "s", "timestamp": "t", "seq": 0, "idempotency_key": "k", "payload": {},
}  # fmt: skip
LLM = {**VALID, "type": "llm_call"}


@pytest.mark.parametrize(
    ("event", "error", "text"),
    [
        (5, TypeError, "mapping"),
        ({}, ValueError, "missing required envelope"),
        ({**VALID, "type": 5}, TypeError, "type must be a string"),
        ({**VALID, "type": "x"}, ValueError, "unknown event type"),
        ({**VALID, "session_id": 5}, TypeError, "session_id must be a string"),
        ({**VALID, "session_id": ""}, ValueError, "session_id must be nonempty"),
        ({**VALID, "timestamp": 5}, TypeError, "timestamp must be a string"),
        ({**VALID, "seq": True}, TypeError, "seq must be an integer"),
        ({**VALID, "seq": -1}, ValueError, "seq must be >= 0"),
        ({**VALID, "idempotency_key": 5}, TypeError, "idempotency_key must be a string"),
        ({**VALID, "idempotency_key": ""}, ValueError, "idempotency_key must be nonempty"),
        ({**VALID, "payload": []}, TypeError, "payload must be a mapping"),
        ({**LLM, "payload": {"model": "m", "prompt": "x"}}, ValueError, "prompt_ref/messages_ref"),
        ({**LLM, "payload": {}}, TypeError, "model must be a string"),
        ({**LLM, "payload": {"model": ""}}, ValueError, "model must be nonempty"),
        ({**LLM, "payload": {"model": "m", "input_tokens": None}}, TypeError, "input_tokens"),
        ({**LLM, "payload": {"model": "m", "latency_ms": True}}, TypeError, "latency_ms"),
        ({**LLM, "payload": {"model": "m", "prompt_ref": 5}}, TypeError, "prompt_ref"),
        ({**VALID, "span_id": 5}, TypeError, "span_id"),
        ({**VALID, "span_id": ""}, ValueError, "span_id"),
        ({**VALID, "parent_id": 5}, TypeError, "parent_id"),
    ],
)
def test_an_invalid_envelope_is_refused_with_its_reason(
    event: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        validate_event(event)


def test_valid_envelopes_pass() -> None:
    validate_event(VALID)
    validate_event({**VALID, "span_id": "s", "parent_id": None, "metadata": {}})
    validate_event({**LLM, "payload": {"model": "m", "input_tokens": 5}})
