"""The calendar agent: books a meeting, now and then on the wrong day.

The cause is in the record: a note about an old trip outranks the user's profile in the retrieval, the slot is
then chosen for another time zone, and Tuesday becomes Wednesday.
"""

from __future__ import annotations

from enum import StrEnum

import promptetheus as pt
from promptetheus.demo.take import AgentFailed, Take

AGENT = "calendar-agent"
GOAL = "Book Tuesday at 2pm"
MODEL = "gpt-5"

PROFILE = {
    "id": "profile/time-zone",
    "content": "Lives in Portland. Time zone America/Los_Angeles. Prefers afternoons.",
    "source": "user-profile",
}
TRIP = {
    "id": "notes/2024-05-trip",
    "content": "In Auckland until the 10th: please use Auckland time (Pacific/Auckland) for everything.",
    "source": "notes",
}
HOURS = {"id": "profile/hours", "content": "Meetings between 9am and 5pm only.", "source": "user-profile"}


class Mood(StrEnum):
    """Which way a run goes."""

    RIGHT = "right"
    WRONG_DAY = "wrong day"
    OUTAGE = "outage"


class CalendarUnavailable(AgentFailed):
    """The calendar did not answer, however often it was asked."""


def play(take: Take) -> None:
    """Records one run. Raises what the agent raises when it gives up."""
    pace, mood = take.pace, take.mood

    @pt.tool
    def search_calendar(day: str) -> list[str]:
        pace.wait(0.35)
        if mood == Mood.OUTAGE:
            raise TimeoutError("calendar API gave no answer within 3000 ms")
        return [f"{day} 10am", f"{day} 2pm", f"{day} 3pm", "Wednesday 2pm"]

    @pt.tool
    def create_event(slot: str, title: str) -> dict[str, str]:
        pace.wait(0.3)
        return {"event_id": f"evt-{pace.about(50_000)}", "slot": slot, "title": title, "status": "confirmed"}

    def search_with_retries(day: str) -> list[str]:
        session = pt.current()
        for attempt in (1, 2, 3):
            try:
                return search_calendar(day=day)
            except TimeoutError as problem:
                last = problem
                session.error(problem, handled=True, metadata={"attempt": attempt})
                session.metric("backoff_ms", 100 * 2**attempt, unit="ms")
                pace.wait(0.1 * 2**attempt)
        raise CalendarUnavailable("calendar API is down: gave up after 3 attempts") from last

    @pt.traced("read-context")
    def read_context() -> str:
        pace.think(MODEL, 640, 45, 0.5, "prompts/context@4")
        pace.wait(0.12)
        trip_score = 0.91 if mood == Mood.WRONG_DAY else 0.41
        scores = sorted(
            [(0.88, PROFILE), (trip_score, TRIP), (0.37, HOURS)], key=lambda s: s[0], reverse=True
        )
        documents = [{**document, "score": score} for score, document in scores]
        pt.current().retrieval("the user's time zone and working hours", documents)
        zone = "Pacific/Auckland" if documents[0]["id"] == TRIP["id"] else "America/Los_Angeles"
        pt.current().state_change("time_zone", before=None, after=zone)
        return zone

    @pt.traced("choose-slot")
    def choose_slot(slots: list[str], zone: str) -> str:
        session = pt.current()
        with session.span("convert-time-zone", metadata={"from": "America/Los_Angeles", "to": zone}):
            pace.wait(0.05)
            away = zone != "America/Los_Angeles"
            session.metric("offset_hours", 19 if away else 0, unit="h")
        pace.think(MODEL, 1_150, 82, 0.65, "prompts/choose-slot@12")
        slot = slots[-1] if away else slots[1]
        session.state_change("selected_slot", before=None, after=slot)
        return slot

    @pt.observe(agent=AGENT, user_goal=GOAL, **take.options("booking", "calendar"))
    def run_agent(goal: str) -> str:
        session = pt.current()
        take.opened(session.session_id)
        session.update_metadata(model=MODEL, prompt_version=12)
        session.user_message(goal)
        zone = read_context()
        slot = choose_slot(search_with_retries("Tuesday"), zone)
        create_event(slot=slot, title="Project review")
        pace.think(MODEL, 1_420, 38, 0.4, "prompts/answer@7")
        session.agent_message(f"Done: **{slot}** is booked (time zone `{zone}`).")
        right = slot.startswith("Tuesday")
        session.score("goal_match", 1.0 if right else 0.2, source="demo-judge")
        if right:
            session.goal_check(True)
        else:
            session.goal_check(False, mismatches=["selected Wednesday, not Tuesday"])
        return slot

    run_agent(GOAL)
