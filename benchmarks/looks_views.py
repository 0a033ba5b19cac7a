"""The views of the terminal that pictures are taken of, and the keys that lead to each from the list of sessions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from textual.pilot import Pilot

from benchmarks import looks_scenes as scenes
from benchmarks.looks_scenes import Scene
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.sessions.sessions_screen import SessionsScreen


class _Happens(Enum):
    HAPPENS = "something happens"


HAPPENS: Final = _Happens.HAPPENS
"""Not a key: what happens in the spool of the scene meanwhile."""

Step = str | Callable[[Pilot[Any]], Awaitable[None]] | _Happens


@dataclass(frozen=True, slots=True)
class Look:
    """One view."""

    name: str
    steps: tuple[Step, ...] = ()
    """Keys, or something to do; each is given time to show."""
    scene: Scene | None = None
    """What is in the spool; None for the demo."""
    main: bool = False
    """Whether it is worth a look in the other themes."""
    later_s: float = 0.0
    """How much later it is said to be."""
    alone: bool = False
    """Whether no other picture may be taken meanwhile: the scene sets what all programs of a process share."""


def typed(text: str) -> tuple[str, ...]:
    """The keys that type `text`."""
    return tuple(text)


async def _to(pilot: Pilot[Any], wanted: Callable[[SessionRow], object]) -> None:
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, SessionsScreen)
    for place, row in enumerate(screen.table.sessions.visible):
        if wanted(row):
            screen.table.select(place)
            return


async def _browser(pilot: Pilot[Any]) -> None:
    """Highlight a session with screenshots, errors and a passing neighbour."""
    await _to(pilot, lambda row: row.types.get("screenshot") and row.status.is_failing)


async def _calendar(pilot: Pilot[Any]) -> None:
    """Highlight a session with retrievals and calls that failed."""
    await _to(pilot, lambda row: row.errors and row.agent == "calendar-agent")


async def _coder(pilot: Pilot[Any]) -> None:
    """Highlight a session with tracebacks."""
    await _to(pilot, lambda row: row.errors and row.agent == "coding-agent")


BROWSER: tuple[Step, ...] = (_browser, "enter")
CALENDAR: tuple[Step, ...] = (_calendar, "enter")
CODER: tuple[Step, ...] = (_coder, "enter")
QUERY = (
    "select agent, status, count(*) as runs, avg(duration_ms) as took from sessions group by all order by all"
)

SESSIONS = (
    Look("empty", scene=scenes.empty, main=True),
    Look("sessions", (_browser,), main=True),
    Look("sessions-grouped", ("v", "v")),
    Look("sessions-marked", ("space", "space", "j")),
    Look("sessions-filter", ("slash", *typed("failed"))),
    Look("sessions-completion", ("slash", *typed("status:"))),
    Look("sessions-chips", ("slash", *typed("status:failed agent:browser"), "enter")),
    Look("sessions-hidden", ("slash", *typed("nothing-like-this"), "enter")),
    Look("sessions-columns", ("C",)),
    Look("sessions-toast", (HAPPENS,), scenes.news),
    Look("sessions-stalled", scene=scenes.stalled),
    Look("sessions-hostile", scene=scenes.hostile),
    Look("sessions-jump", ("apostrophe",)),
    Look("help", (*BROWSER, "question_mark")),
    Look("palette", ("ctrl+p",), main=True),
    Look("palette-typed", ("ctrl+p", *typed("theme"))),
    Look("search", ("backslash", *typed("status:failed wednesday"))),
    Look("messages", (HAPPENS, "at"), scenes.news),
)

SESSION = (
    Look("session", BROWSER, main=True),
    Look("session-tree", (*BROWSER, "v")),
    Look("session-waterfall", (*BROWSER, "v", "v"), main=True),
    Look("session-waterfall-zoomed", (*BROWSER, "v", "v", "z", "z")),
    Look("session-raw", (*BROWSER, "v", "v", "v")),
    Look("session-inspector", (*BROWSER, "tab", "j")),
    Look("session-screenshot", (*BROWSER, "g", "s", "s")),
    Look("session-before-after", (*BROWSER, "g", "s", "s", "b")),
    Look("session-first", (*BROWSER, "g")),
    Look("session-message", (*BROWSER, "g", "m")),
    Look("session-agent-message", (*BROWSER, "G", "M")),
    Look("session-check", (*BROWSER, "g", "c")),
    Look("session-no-such-step", (*BROWSER, "g", "t")),
    Look("session-tool", (*CODER, "g", "t", "t")),
    Look("session-tool-failed", (*CALENDAR, "g", "t", "t")),
    Look("session-error", (*CODER, "g", "e", "e")),
    Look("session-retrieval", (*CALENDAR, "g", *"jjjjjj")),
    Look("session-llm", (*CALENDAR, "g", *"jjjjj")),
    Look("session-filter", (*BROWSER, "slash", *typed("click"))),
    Look("session-full", (*CODER, "g", "t", "t", "o")),
    Look("session-jump", (*BROWSER, "apostrophe")),
    Look("session-copy", (*BROWSER, "y")),
    Look("session-export", (*BROWSER, "x")),
    Look("session-note", (*BROWSER, "n")),
    Look("session-playing", (*BROWSER, "g", "greater_than_sign", "p")),
    Look("session-following", ("enter",), scenes.growing),
    Look("session-paused", ("enter", "space", HAPPENS), scenes.growing),
    Look("session-new", ("enter", "g", HAPPENS), scenes.growing),
    Look("session-stalled", ("enter",), scenes.stalled, later_s=90.0),
    Look("session-hostile", (*typed("/agent:red"), "enter", "enter", "g", "t"), scenes.hostile),
    Look("session-hostile-check", (*typed("/agent:red"), "enter", "enter", "G", "C"), scenes.hostile),
    Look("filmstrip", (*BROWSER, "f")),
    Look("picture-zoomed", (*BROWSER, "f", "z", "z")),
)

OTHERS = (
    Look("diff", (_browser, "d"), main=True),
    Look("diff-next", (_browser, "d", "n", "n")),
    Look("diff-value", (_browser, "d", "enter")),
    Look("diff-ignored", (_browser, "d", "i")),
    Look("diff-numbers", (_browser, "d", "v")),
    Look("diff-tool", ("d",), scenes.alike),
    Look("diff-not-comparable", ("d",), scenes.strangers),
    Look("diff-coarse", ("d",), scenes.too_long),
    Look("diff-hostile", ("space", "space", "d"), scenes.hostile),
    Look("failures", ("4",), main=True),
    Look("failures-lives", ("4",), scenes.history, main=True),
    Look("failures-hostile", ("4",), scenes.hostile),
    Look("suspects", (_browser, "s"), main=True),
    Look("suspects-settled", ("4", "s"), scenes.history),
    Look("suspects-hostile", ("4", "s"), scenes.hostile),
    Look("sql", ("5",)),
    Look("sql-result", ("5", *typed(QUERY), "enter")),
    Look("sql-error", ("5", *typed(QUERY.replace("duration_ms", "duration_s")), "enter")),
    Look("sql-columns", ("5", "ctrl+t")),
    Look("sql-library", ("5", "ctrl+o")),
    Look("sql-hostile", ("5", *typed("select * from messages"), "enter"), scenes.hostile),
    Look("delivery", ("6",), main=True),
    Look("delivery-purge", ("6", "p")),
    Look("delivery-purge-asks", ("6", "p", *typed("pending"), "enter")),
    Look("delivery-states", ("6",), scenes.delivered, alone=True),
    Look("delivery-sending", ("6", "r"), scenes.delivered, alone=True),
    Look("delivery-given-up", ("6", "r", "escape"), scenes.delivered, alone=True),
    Look("delivery-hostile", ("6",), scenes.hostile),
)

LOOKS = (*SESSIONS, *SESSION, *OTHERS)

README_AGE_S = 240.0
"""How long ago the sessions of the README's pictures are said to have been recorded."""

README = (
    (Look("sessions", (_browser,), later_s=README_AGE_S), "120x32"),
    (Look("session", (*BROWSER, "S", "S"), later_s=README_AGE_S), "120x32"),
    (Look("diff", (_browser, "d"), later_s=README_AGE_S), "120x32"),
    (Look("failures", ("4",), later_s=README_AGE_S), "120x32"),
)
"""The pictures that the README shows, and their sizes."""
