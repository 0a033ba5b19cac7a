"""The web site that the browser agent uses: a dentist's booking page, in memory.

One layout is the source of everything an agent can perceive: the picture (`pages.draw`), the text of the DOM
snapshot and what a click at a point hits. So the three agree, and a click computed from an older layout
goes wrong the way it does on a real page.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

WIDTH, HEIGHT = 1280, 800
ADDRESS = "https://book.harborrow.example"

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
DATES = {"Monday": 12, "Tuesday": 13, "Wednesday": 14, "Thursday": 15, "Friday": 16}
TIMES = ("9am", "10am", "11am", "1pm", "2pm", "3pm")
TAKEN = frozenset({("Monday", "9am"), ("Tuesday", "11am"), ("Wednesday", "10am"), ("Thursday", "2pm")})
NOT_WITH_DENTIST = frozenset({("Monday", "1pm"), ("Tuesday", "3pm"), ("Thursday", "9am"), ("Friday", "10am")})

ZONE_WARNING = "Timezone changed from Pacific to Eastern"


class Kind(StrEnum):
    """How an element looks; the drawing has one function for each."""

    BRAND = "brand"
    NAV = "nav"
    STAGE = "stage"
    BANNER = "banner"
    HEADING = "heading"
    TEXT = "text"
    LABEL = "label"
    FIELD = "field"
    BUTTON = "button"
    CHIP = "chip"
    CARD = "card"
    DAY = "day"
    SLOT = "slot"
    TICK = "tick"


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in page pixels."""

    x: int
    y: int
    width: int
    height: int

    def holds(self, x: int, y: int) -> bool:
        return self.x <= x < self.x + self.width and self.y <= y < self.y + self.height

    @property
    def middle(self) -> tuple[int, int]:
        return self.x + self.width // 2, self.y + self.height // 2


@dataclass(frozen=True, slots=True)
class Element:
    """One thing on the page."""

    kind: Kind
    box: Box
    text: str = ""
    selector: str = ""
    """Empty for what cannot be clicked."""
    on: bool = False
    """Selected, focused or current."""
    off: bool = False
    """Shown, but cannot be used."""


class SlotTaken(Exception):
    """The site's answer when somebody else booked the slot between choosing and confirming."""


@dataclass(slots=True)
class BookingSite:
    """The page and its state. `click` and `fill` act on it, `elements` says what it looks like now."""

    zone_jumps: bool = False
    """The server takes the visitor for one on the east coast from the second load on: the week, which
    starts tomorrow, then starts a day later and every column moves one to the left."""
    slot_vanishes: bool = False
    """Confirming fails, whatever slot is chosen."""
    stage: str = "details"
    zone: str = "Pacific"
    patient: str = ""
    only_dentist: bool = False
    day: str = ""
    time: str = ""
    warned: bool = False

    @property
    def url(self) -> str:
        return f"{ADDRESS}/{self.stage}"

    @property
    def week(self) -> tuple[str, ...]:
        """The four days the grid shows: those after today, and today depends on the zone."""
        return DAYS[:4] if self.zone == "Pacific" else DAYS[1:]

    @property
    def warnings(self) -> list[str]:
        return [ZONE_WARNING] if self.warned else []

    def visible_text(self) -> str:
        return "\n".join(element.text for element in self.elements() if element.text)

    def selected_values(self) -> dict[str, str]:
        chosen = {"patient": self.patient, "day": self.day, "time": self.time}
        return {name: value for name, value in chosen.items() if value} | {"timezone": self.zone}

    def find(self, selector: str) -> Element:
        return next(element for element in self.elements() if element.selector == selector)

    def enter_patient(self, name: str) -> None:
        self.patient = name

    def at(self, x: int, y: int) -> str:
        """The selector of what a click at the point hits now; "" where nothing can be clicked."""
        hit = [e.selector for e in self.elements() if e.selector and not e.off and e.box.holds(x, y)]
        return hit[-1] if hit else ""

    def click(self, x: int, y: int) -> None:
        """Clicks whatever is at the point now. Raises SlotTaken where the site refuses the booking."""
        self._press(self.at(x, y))

    def _press(self, selector: str) -> None:
        if selector == "#choose-time":
            self.stage = "time"
        elif selector == "#dentist-osei":
            self.only_dentist = True
            if self.zone_jumps:
                self.zone, self.warned = "Eastern", True
        elif selector == "#use-pacific":
            self.zone, self.warned, self.day, self.time = "Pacific", False, "", ""
        elif selector == "#confirm":
            if self.slot_vanishes:
                raise SlotTaken(f"409 Conflict: {self.day} {self.time} was booked by another visitor")
            self.stage = "booked"
        elif selector.startswith("#slot-"):
            self.day, self.time = next(
                (day, time) for day in self.week for time in TIMES if slot_selector(day, time) == selector
            )

    def elements(self) -> list[Element]:
        """The page from back to front, in reading order."""
        body = {"details": self._details, "time": self._time, "booked": self._booked}[self.stage]
        return [*self._frame(), *body()]

    def _frame(self) -> Iterator[Element]:
        yield Element(Kind.BRAND, Box(0, 0, WIDTH, 72), "Harbor Row Dental")
        for index, name in enumerate(("Treatments", "Dentists", "Prices", f"Times in {self.zone}")):
            yield Element(Kind.NAV, Box(700 + index * 128, 0, 140, 72), name)
        for index, (stage, name) in enumerate(
            (("details", "1  Your details"), ("time", "2  Pick a time"), ("booked", "3  Done"))
        ):
            yield Element(Kind.STAGE, Box(64 + index * 220, 92, 204, 36), name, on=stage == self.stage)
        if self.warned:
            warning = f"{ZONE_WARNING}. The week now starts on Tuesday."
            yield Element(Kind.BANNER, Box(64, 140, 1152, 52), warning)

    def _details(self) -> Iterator[Element]:
        yield Element(Kind.HEADING, Box(64, 156, 800, 48), "Book an appointment")
        yield Element(Kind.TEXT, Box(64, 208, 800, 28), "New and returning patients. It takes a minute.")
        yield Element(Kind.CARD, Box(64, 256, 640, 420))
        yield Element(Kind.LABEL, Box(96, 284, 400, 22), "Patient")
        yield Element(Kind.FIELD, Box(96, 312, 576, 52), self.patient, "#patient", on=bool(self.patient))
        yield Element(Kind.LABEL, Box(96, 388, 400, 22), "Treatment")
        yield Element(Kind.FIELD, Box(96, 416, 576, 52), "Check-up and cleaning, 45 minutes", "#treatment")
        yield Element(Kind.LABEL, Box(96, 492, 400, 22), "Insurance")
        yield Element(Kind.FIELD, Box(96, 520, 576, 52), "Self-pay", "#insurance")
        yield Element(Kind.BUTTON, Box(96, 602, 220, 52), "Choose a time", "#choose-time")
        yield Element(Kind.CARD, Box(752, 256, 464, 200))
        yield Element(Kind.LABEL, Box(784, 284, 400, 22), "Where")
        yield Element(Kind.TEXT, Box(784, 312, 400, 28), "14 Harbor Row, second floor")
        yield Element(Kind.LABEL, Box(784, 364, 400, 22), "Opening hours")
        yield Element(Kind.TEXT, Box(784, 392, 400, 28), "Monday to Friday, 9am to 4pm")

    def _time(self) -> Iterator[Element]:
        top = 156
        if self.warned:
            yield Element(Kind.CHIP, Box(1010, 148, 192, 36), "Use Pacific time", "#use-pacific")
            top = 200
        yield Element(Kind.HEADING, Box(64, top, 500, 48), "Pick a time")
        # The grid keeps its place whether or not there is a banner: the same point is another day.
        yield Element(
            Kind.CHIP, Box(470, 210, 170, 36), "Dr. Amara Osei", "#dentist-osei", on=self.only_dentist
        )
        yield Element(Kind.CHIP, Box(652, 210, 150, 36), "Any dentist", on=not self.only_dentist)
        for column, day in enumerate(self.week):
            yield Element(Kind.DAY, Box(64 + column * 188, 262, 174, 52), f"{day} {DATES[day]}")
        for row, time in enumerate(TIMES):
            for column, day in enumerate(self.week):
                yield self._slot(day, time, Box(64 + column * 188, 326 + row * 68, 174, 56))
        yield from self._summary()

    def _slot(self, day: str, time: str, box: Box) -> Element:
        taken = (day, time) in TAKEN or (self.only_dentist and (day, time) in NOT_WITH_DENTIST)
        on = (day, time) == (self.day, self.time)
        return Element(Kind.SLOT, box, time, slot_selector(day, time), on=on, off=taken)

    def _summary(self) -> Iterator[Element]:
        yield Element(Kind.CARD, Box(852, 262, 364, 464))
        yield Element(Kind.LABEL, Box(884, 290, 300, 22), "Your appointment")
        for row, (name, value) in enumerate(self._facts()):
            yield Element(Kind.LABEL, Box(884, 334 + row * 70, 300, 22), name)
            yield Element(Kind.TEXT, Box(884, 358 + row * 70, 300, 28), value)
        chosen = bool(self.day)
        yield Element(Kind.BUTTON, Box(884, 644, 300, 56), "Confirm booking", "#confirm", off=not chosen)

    def _facts(self) -> list[tuple[str, str]]:
        when = f"{self.day} {DATES[self.day]} at {self.time}" if self.day else "Nothing chosen yet"
        dentist = "Dr. Amara Osei" if self.only_dentist else "Any dentist"
        return [("Patient", self.patient), ("Dentist", dentist), ("When", when), ("Time zone", self.zone)]

    def _booked(self) -> Iterator[Element]:
        yield Element(Kind.CARD, Box(290, 212, 700, 520))
        yield Element(Kind.TICK, Box(570, 244, 140, 140))
        yield Element(Kind.HEADING, Box(520, 404, 400, 48), "You are booked")
        for row, (name, value) in enumerate(self._facts()):
            yield Element(Kind.LABEL, Box(400, 476 + row * 58, 160, 28), name)
            yield Element(Kind.TEXT, Box(560, 476 + row * 58, 400, 28), value)


def slot_selector(day: str, time: str) -> str:
    """`#slot-tue-2pm`: what the page's markup calls the slot."""
    return f"#slot-{day[:3].lower()}-{time}"
