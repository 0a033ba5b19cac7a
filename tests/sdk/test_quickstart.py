"""The agent of the README, in a process of its own."""

from __future__ import annotations

from pathlib import Path

from promptetheus.fingerprint import failure_fingerprint
from tests.sdk.programs import Run
from tests.sdk.spooled import events_of

AGENT = """
    @pt.tool
    def search_calendar(day: str) -> list[str]:
        return ["Tuesday 2pm", "Tuesday 3pm"]

    @pt.traced("choose-slot")
    def choose_slot(slots: list[str]) -> str:
        return "Wednesday 2pm"

    @pt.observe(agent="calendar-agent", user_goal="Book Tuesday at 2pm")
    def run_agent(goal: str) -> str:
        pt.current().user_message(goal)
        slots = search_calendar("Tuesday")
        selected = choose_slot(slots)
        pt.current().agent_message(f"Booked {selected}")
        pt.current().goal_check(False, mismatches=["selected Wednesday, not Tuesday"])
        return selected

    run_agent("Book Tuesday at 2pm")
"""


def test_the_calendar_agent_records_eleven_events_and_the_known_fingerprint(
    tmp_path: Path, program: Run
) -> None:
    done = program(AGENT)
    assert (done.stdout, done.stderr) == ("", "")
    events = events_of(tmp_path / ".promptetheus" / "spool")
    assert [(e["type"], e["payload"].get("tool_name") or e["payload"].get("name")) for e in events] == [
        ("state_change", "session_started"),
        ("tool_call", "run_agent"),
        ("user_message", None),
        ("tool_call", "search_calendar"),
        ("tool_result", None),
        ("state_change", "span_start"),
        ("state_change", "span_end"),
        ("agent_message", None),
        ("goal_check", None),
        ("tool_result", None),
        ("session_end", None),
    ]
    found = failure_fingerprint(events)
    assert found.fingerprint == "8ae0f41220d0"
    assert found.label == "goal mismatch: selected wednesday, not tuesday"
    assert events[-1]["metadata"]["summary"]["fingerprint"] == "8ae0f41220d0"
