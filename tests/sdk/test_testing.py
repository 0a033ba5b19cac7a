"""The helpers for tests of agents."""

from __future__ import annotations

from pathlib import Path

import pytest

import promptetheus as pt
from promptetheus import testing
from promptetheus.testing import (
    CapturedEvents,
    RecordingTransport,
    capture_session,
    promptetheus_session_fixture,
)

my_session = promptetheus_session_fixture(agent="booker")
promptetheus_session = testing.promptetheus_session


@pt.tool
def search(day: str) -> str:
    return day


def test_events_are_captured_while_the_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with capture_session(spool_dir="x", api_key="k", transport="http") as events:
        search("Tue")
        assert events.event_types == events.types() == ["state_change", "tool_call", "tool_result"]
        assert events.count("tool_call") == 1
        assert events.of_type("tool_result")[0]["payload"]["result"] == "'Tue'"
    assert len(events) == 4
    assert events.last() == events[-1]
    assert events.last("tool_call") == events[1]
    assert events.last("metric") is None
    assert [event["seq"] for event in events] == [0, 1, 2, 3]
    assert events.session.agent == "test-agent"
    assert list(tmp_path.iterdir()) == []


def test_a_fixture_captures_a_session_around_a_test(my_session: CapturedEvents) -> None:
    search("Wed")
    assert my_session.session.agent == "booker"
    assert my_session.count("tool_call") == 1


def test_the_ready_fixture_needs_no_arguments(promptetheus_session: CapturedEvents) -> None:
    search("Wed")
    assert promptetheus_session.count("tool_call") == 1


def test_the_recording_transport_counts_flushes() -> None:
    transport = RecordingTransport()
    with pt.start(agent="a", user_goal="g", transport=transport):
        pass
    assert (len(transport.events), transport.flush_count) == (2, 2)
    assert not hasattr(transport, "create_trace")


def test_unknown_names_are_unknown() -> None:
    with pytest.raises(AttributeError):
        testing.no_such_name  # noqa: B018
