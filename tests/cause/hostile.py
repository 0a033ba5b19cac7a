"""Events as a broken or hostile writer would leave them, for tests that ask only that nothing raises."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from promptetheus.events import EVENT_TYPES

SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=6,
)
_NAMES = st.sampled_from(["search", "book", "cancel", ""]) | VALUES
_PAYLOADS = VALUES | st.fixed_dictionaries(
    {},
    optional={
        "tool_name": _NAMES,
        "arguments": VALUES,
        "call_id": st.sampled_from(["a", "b"]) | VALUES,
        "result": VALUES,
        "error": VALUES,
        "status": VALUES,
        "content": VALUES,
        "name": st.sampled_from(["session_started", "span_start", "span_end"]) | VALUES,
        "after": VALUES,
        "passed": VALUES,
        "mismatches": VALUES,
    },
)
EVENTS: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(sorted(EVENT_TYPES)) | VALUES},
        optional={
            "payload": _PAYLOADS,
            "metadata": VALUES,
            "seq": VALUES,
            "timestamp": VALUES,
            "span_id": VALUES,
        },
    ),
    max_size=9,
)
