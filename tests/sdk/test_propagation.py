"""Runs that belong together across processes."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus.propagation import (
    TraceContext,
    child_environment,
    current_context,
    extract,
    inject,
    new_trace_context,
    session_kwargs_from_context,
)
from tests.sdk.programs import Run
from tests.sdk.spooled import a_session, sessions_of

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_context_goes_through_a_header_and_back() -> None:
    trace = new_trace_context()
    headers = inject(trace, {"Accept": "*/*"})
    assert headers["traceparent"] == f"00-{trace.trace_id}-{trace.parent_id}-01"
    assert extract(headers) == trace
    assert inject(trace) == {"traceparent": trace.to_traceparent()}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"00-{TRACE}-{PARENT}-01", TraceContext(TRACE, PARENT, "01")),
        (f"  FF-{TRACE.upper()}-{PARENT}-00 ", TraceContext(TRACE, PARENT, "00")),
        (f"00-{'0' * 32}-{PARENT}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE}-{PARENT}", None),
        (f"00-{TRACE}-{PARENT}-01-extra", None),
        (5, None),
        (None, None),
    ],
)
def test_only_a_valid_header_is_a_context(value: Any, expected: TraceContext | None) -> None:
    assert extract({"TraceParent": value}) == expected


@pytest.mark.parametrize("headers", [None, 5, [], {}, {5: 5}])
def test_strange_headers_are_no_context(headers: Any) -> None:
    assert extract(headers) is None


def test_a_session_is_linked_to_its_caller_by_its_metadata(spool: Path) -> None:
    trace = TraceContext(TRACE, PARENT)
    with a_session(spool, **session_kwargs_from_context(trace)):
        assert current_context().trace_id == TRACE
    (events,) = sessions_of(spool).values()
    assert events[0]["metadata"]["session_metadata"] == {
        "trace_id": TRACE, "parent_span_id": PARENT, "trace_flags": "01",
    }  # fmt: skip
    assert session_kwargs_from_context(None) == {}


def test_the_context_of_a_session_stays_the_same_and_follows_its_spans(spool: Path) -> None:
    with a_session(spool) as session:
        outside = current_context()
        assert current_context() == outside
        with session.span("s"):
            inside = current_context()
    assert inside.trace_id == outside.trace_id
    assert inside.parent_id != outside.parent_id
    assert current_context().trace_id != outside.trace_id


def test_a_child_process_finds_its_parent_in_the_environment(spool: Path, program: Run) -> None:
    program(
        f"""
        import subprocess
        from promptetheus.propagation import child_environment

        child = '''
        import sys
        import promptetheus as pt
        with pt.start(agent="child", user_goal="g", spool_dir=sys.argv[1], session_id="child", metadata={{"own": 1}}):
            pass
        '''.replace("\\n        ", "\\n")
        with pt.start(agent="parent", user_goal="g", spool_dir=SPOOL, session_id="parent") as session:
            with session.span("call"):
                subprocess.run([{sys.executable!r}, "-c", child, SPOOL], env=child_environment(), check=True)
        """
    )
    sessions = sessions_of(spool)
    linked = sessions["child"][0]["metadata"]["session_metadata"]
    assert linked.pop("own") == 1
    assert linked.pop("parent_session_id") == "parent"
    assert set(linked) == {"trace_id", "parent_span_id", "trace_flags"}
    assert "session_metadata" not in sessions["parent"][0]["metadata"]


def test_an_environment_is_only_changed_inside_a_session(
    monkeypatch: pytest.MonkeyPatch, spool: Path
) -> None:
    assert child_environment({"A": "1"}) == {"A": "1"}
    with a_session(spool) as session:
        found = child_environment({"A": "1"})
    assert found["PROMPTETHEUS_PARENT_SESSION"] == session.session_id
    assert json.dumps(found)
    monkeypatch.setenv("TRACEPARENT", f"00-{TRACE}-{PARENT}-01")  # set by another tool: not our parent
    with pt.start(agent="a", user_goal="g", spool_dir=spool) as session:
        assert session.metadata == {}
