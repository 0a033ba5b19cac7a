"""The event schema as data, under the module name that tools import from since release 1."""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

from promptetheus.events import EVENT_TYPES, REQUIRED_FIELDS, Event, EventType, validate_event

__all__ = [
    "EVENT_TYPES",
    "BaseEvent",
    "Event",
    "EventType",
    "RetrievalDocument",
    "StateChangePayload",
    "VoiceMessageMetadata",
    "event_schema",
    "validate_event",
]


class BaseEvent(TypedDict):
    """The envelope of every event."""

    type: str
    session_id: str
    timestamp: str
    seq: int
    idempotency_key: str
    payload: dict[str, Any]
    metadata: NotRequired[dict[str, Any]]
    span_id: NotRequired[str]
    parent_id: NotRequired[str | None]


class RetrievalDocument(TypedDict, total=False):
    """A document that a search found."""

    id: str
    content: str
    score: float
    source: str
    metadata: dict[str, Any]


class StateChangePayload(TypedDict, total=False):
    """The payload of `state_change`; `span_name` and `duration_ms` are those of a span's markers."""

    name: str
    before: Any
    after: Any
    span_name: str
    duration_ms: int


class VoiceMessageMetadata(TypedDict, total=False):
    """The metadata of a message in a voice conversation."""

    channel: str
    speaker: str
    start_ms: int
    end_ms: int
    interrupted: bool
    sentiment: float


_STRING: dict[str, Any] = {"type": "string"}
_OBJECT: dict[str, Any] = {"type": "object"}
_COUNT: dict[str, Any] = {"type": "integer", "minimum": 0}
_STRINGS: dict[str, Any] = {"type": "array", "items": _STRING}
_VOICE: dict[str, Any] = {"$ref": "#/definitions/voice_message_metadata"}

_PAYLOADS: dict[str, dict[str, Any]] = {
    "user_message": {"content": _STRING, "metadata": _VOICE},
    "agent_message": {"content": _STRING, "metadata": _VOICE},
    "tool_call": {"tool_name": _STRING, "arguments": _OBJECT, "call_id": _STRING},
    "tool_result": {"call_id": _STRING, "result": {}, "error": _STRING},
    "retrieval": {
        "query": _STRING,
        "documents": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "id": _STRING,
                    "content": _STRING,
                    "score": {"type": "number"},
                    "source": _STRING,
                    "metadata": _OBJECT,
                },
            },
        },
    },
    "browser_action": {"action": _STRING, "target": _STRING, "url": _STRING},
    "dom_snapshot": {
        "url": _STRING,
        "visible_text": _STRING,
        "selected_values": _OBJECT,
        "warnings": _STRINGS,
    },
    "screenshot": {
        "artifact_id": _STRING,
        "storage_path": _STRING,
        "size_bytes": _COUNT,
        "source_type": {"type": "string", "enum": ["bytes", "path"]},
    },
    "replay_artifact": {
        "artifact_id": _STRING,
        "artifact_type": {"type": "string", "enum": ["screen_recording", "audio_recording"]},
        "storage_path": _STRING,
        "started_at": _STRING,
        "ended_at": _STRING,
        "duration_ms": {"type": "integer"},
        "event_time_map": {"type": "object", "additionalProperties": {"type": "integer"}},
    },
    "goal_check": {"passed": {"type": "boolean"}, "mismatches": _STRINGS},
    "state_change": {"name": _STRING, "before": {}, "after": {}, "span_name": _STRING, "duration_ms": _COUNT},
    "session_end": {"status": _STRING, "error": _STRING},
    "llm_call": {
        "model": _STRING,
        "prompt_ref": _STRING,
        "messages_ref": _STRING,
        "input_tokens": {"type": "integer"},
        "output_tokens": {"type": "integer"},
        "latency_ms": {"type": "integer"},
    },
    "score": {
        "name": _STRING,
        "value": {"type": ["number", "boolean"]},
        "comment": _STRING,
        "source": _STRING,
    },
    "error": {
        "message": _STRING,
        "error_type": _STRING,
        "traceback": _STRING,
        "handled": {"type": "boolean"},
    },
    "metric": {"name": _STRING, "value": {"type": "number"}, "unit": _STRING},
}


def event_schema() -> dict[str, Any]:
    """The JSON schema of an event, as new dictionaries at each call."""
    import copy

    events: dict[str, Any] = {}
    for name in EVENT_TYPES:
        properties = {"metadata": _OBJECT, **_PAYLOADS[name]}
        events[name] = {"type": "object", "properties": properties, "additionalProperties": True}
    events["llm_call"]["reserved"] = True
    return copy.deepcopy(
        {
            "title": "PromptetheusEvent",
            "type": "object",
            "required": list(REQUIRED_FIELDS),
            "additionalProperties": True,
            "properties": {
                "type": {"type": "string", "enum": list(EVENT_TYPES)},
                "session_id": {"type": "string", "minLength": 1},
                "timestamp": _STRING,
                "seq": _COUNT,
                "idempotency_key": {"type": "string", "minLength": 1},
                "payload": _OBJECT,
                "metadata": _OBJECT,
                "span_id": {"type": "string", "minLength": 1},
                "parent_id": {"type": ["string", "null"]},
            },
            "definitions": {
                "voice_message_metadata": {
                    "type": "object",
                    "properties": {
                        "channel": {"type": "string", "enum": ["voice"]},
                        "speaker": {"type": "string", "enum": ["user", "agent"]},
                        "start_ms": _COUNT,
                        "end_ms": _COUNT,
                        "interrupted": {"type": "boolean"},
                        "sentiment": {"type": "number", "minimum": -1, "maximum": 1},
                    },
                }
            },
            "events": events,
        }
    )
