"""The browser agent: books an appointment on a web page by looking at it and clicking at points.

It takes the coordinates of Tuesday 2pm from the first look at the page. When the page then moves the week by
a day (a banner says why), the same point is Wednesday 2pm, and the agent books that unless it looks again.
"""

from __future__ import annotations

from enum import StrEnum

import promptetheus as pt
from promptetheus.demo.booking_site import BookingSite, SlotTaken
from promptetheus.demo.pages import draw
from promptetheus.demo.take import AgentFailed, Take

AGENT = "browser-agent"
GOAL = "Book Dr. Osei, Tuesday at 2pm"
REQUEST = "Book me a check-up with Dr. Osei, on Tuesday at 2pm (I am in Portland)."
MODEL = "claude-sonnet-4-5"

WANTED = "#slot-tue-2pm"


class Mood(StrEnum):
    """Which way a run goes."""

    RIGHT = "right"
    STALE_POINT = "stale point"
    LOOKS_AGAIN = "looks again"
    """The page moves the week, and the agent notices."""
    CONFLICT = "conflict"


class BookingRefused(AgentFailed):
    """The site refused the booking each time."""


def play(take: Take) -> None:
    """Records one run. Raises what the agent raises when it gives up."""
    site = BookingSite(
        zone_jumps=take.mood in (Mood.STALE_POINT, Mood.LOOKS_AGAIN), slot_vanishes=take.mood == Mood.CONFLICT
    )
    with pt.start(agent=AGENT, user_goal=GOAL, **take.options("booking", "browser")) as session:
        take.opened(session.session_id)
        session.update_metadata(model=MODEL, viewport="1280x800")
        session.user_message(REQUEST)
        try:
            _Browser(take, site, session).run()
        except BookingRefused as problem:
            session.error(problem, handled=False)
            raise


class _Browser:
    """The agent's hands and eyes on the site."""

    def __init__(self, take: Take, site: BookingSite, session: pt.Session) -> None:
        self.take, self.site, self.session = take, site, session
        self.pace = take.pace
        self.clicks = 0

    def run(self) -> None:
        with self.session.span("fill-in-details"):
            self.session.browser_action("goto", self.site.url, url=self.site.url)
            self.look()
            self.think("plan", 1_900, 60)
            self.enter_patient("Mina Okafor")
            self.click(*self.site.find("#choose-time").box.middle)
            self.look()
        with self.session.span("pick-slot"):
            self.think("locate Tuesday 2pm", 2_300, 74)
            point = self.site.find(WANTED).box.middle
            self.session.state_change("plan", before=None, after={"click": WANTED, "at": list(point)})
            self.click(*self.site.find("#dentist-osei").box.middle)
            self.look()
            if self.take.mood == Mood.LOOKS_AGAIN:
                self.think("the page changed: read it again", 2_600, 91)
                self.click(*self.site.find("#use-pacific").box.middle)
                self.look()
                point = self.site.find(WANTED).box.middle
            self.click(*point)
            self.look()
        with self.session.span("confirm"):
            self.confirm()
        self.report()

    def confirm(self) -> None:
        button = self.site.find("#confirm").box.middle
        for attempt in (1, 2, 3):
            try:
                self.click(*button)
            except SlotTaken as problem:
                self.session.error(problem, handled=True, metadata={"attempt": attempt})
                self.look()
                self.think("the booking was refused: try again", 2_700, 48)
            else:
                self.look()
                return
        raise BookingRefused("the site refused Tuesday 2pm three times: 409 Conflict")

    def report(self) -> None:
        site, session = self.site, self.session
        self.think("answer", 2_900, 42)
        session.agent_message(f"Your check-up is booked: **{site.day} at {site.time}**, {site.zone} time.")
        right = site.day == "Tuesday" and site.zone == "Pacific"
        session.metric("clicks", self.clicks, unit="count")
        if right:
            session.score("goal_match", 1.0)
            session.goal_check(True)
        else:
            session.score("goal_match", 0.2, comment="Another day was booked")
            session.goal_check(False, mismatches=[f"booked {site.day}", "timezone warning visible"])

    def click(self, x: int, y: int) -> None:
        """Clicks at a point; what is recorded as the target is what the page had there."""
        self.pace.wait(0.12)
        self.clicks += 1
        self.session.browser_action(
            "click", self.site.at(x, y), url=self.site.url, metadata={"x": x, "y": y, "button": "left"}
        )
        self.site.click(x, y)

    def enter_patient(self, name: str) -> None:
        self.pace.wait(0.1)
        self.site.enter_patient(name)
        self.session.browser_action("fill", "#patient", url=self.site.url)

    def look(self) -> None:
        """Records what the page looks like now, as text and as a picture of the same moment."""
        self.pace.wait(0.1)
        self.session.dom_snapshot(
            self.site.url,
            self.site.visible_text(),
            selected_values=self.site.selected_values(),
            warnings=self.site.warnings,
        )
        self.session.screenshot(draw(self.site.elements()), metadata={"width": 1280, "height": 800})

    def think(self, purpose: str, input_tokens: int, output_tokens: int) -> None:
        self.pace.think(MODEL, input_tokens, output_tokens, 0.5, f"prompts/browser@9#{purpose}")
