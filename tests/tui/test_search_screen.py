"""`\\` looks through all that was recorded and leads to the step where it stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from promptetheus.queries.session_log import SessionLog
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.chooser import ChoiceList
from promptetheus.tui.search_hits import MOST_IN_A_SESSION, MOST_PLACES, Looking, lines_of, words_in
from promptetheus.tui.search_screen import SearchScreen
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from promptetheus.tui.theme import looks_of
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import Recording, a_broken, a_failing, a_passing

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture
def three(spool: Path) -> None:
    a_failing(spool, "01M8FAILED", ago=10)
    a_passing(spool, "01M8PASSED", ago=60)
    a_broken(spool, "01M8BROKEN", ago=90)


async def searching(shown: OnScreen, *before: str) -> ChoiceList:
    await shown.until_text("live ●")
    await shown.press(*before, "backslash")
    await shown.until(lambda: isinstance(shown.app.screen, SearchScreen))
    return shown.app.screen.query_one(ChoiceList)


def looked(spool: Path, typed: str) -> Looking:
    """All that is found in the sessions of a spool, in the order of their names."""
    looking = Looking(typed, [SessionLog(path).row() for path in sorted(spool.glob("*.jsonl"))])
    looking.run()
    return looking


def titles(looking: Looking) -> list[str]:
    return [line.title for line in lines_of(looking, 0.0, lambda _path, _step: None)]


async def test_enter_on_a_place_opens_the_session_at_that_step(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await searching(shown)
        await shown.type("wednesday 2pm")
        await shown.until_text("in 1 session")
        drawn = shown.app.screen.query_one(ChoiceList).render_row(3, 90, False)
        lit = [
            drawn.plain[span.start : span.end]
            for span in drawn.spans
            if span.style == looks_of(shown.app).match
        ]
        assert "step 3" in drawn.plain and lit == ["Wednesday 2pm"]
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, SessionScreen))
        session = shown.app.screen
        assert isinstance(session, SessionScreen)
        await shown.until(lambda: session.timeline.current_step is not None)
        step = session.timeline.current_step
        assert step is not None and step.name == "search_calendar"
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, SessionsScreen))
        await searching(shown)
        await shown.until_text("in 1 session")  # The words are still there.


async def test_a_filter_that_finds_no_session_says_how_to_search_and_hands_its_words_on(
    sessions_app: MakeApp, three: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("slash")
        await shown.type("early3pm")
        await shown.press("enter")
        await shown.until_text("No session matches this filter: esc clears it, \\ searches all")
        await searching(shown)
        await shown.until_text("That stands nowhere in 3 sessions.")
        await shown.type("tuesday 3pm")  # What is typed takes the place of the words.
        await shown.until_text("in 1 session")


async def test_where_words_are_typed_after_search_they_are_looked_for(
    sessions_app: MakeApp, three: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("colon")
        await shown.type("search timed out")
        await shown.press("enter")
        await shown.until_text("01M8BROKEN")


def test_terms_of_a_filter_choose_the_sessions_and_the_rest_is_one_text(spool: Path, three: None) -> None:
    only, words = words_in('status:failed  "Tuesday 2pm"')
    assert words == "Tuesday 2pm" and [term.text for term in only.terms] == ["status:failed"]
    assert words_in("TimeoutError: timed out")[1] == "TimeoutError: timed out"
    found = looked(spool, "status:passed tuesday 2pm")
    assert [each.row.session_id for each in found.found] == ["01M8PASSED"] and found.looked == 1


def test_a_session_full_of_a_word_does_not_hide_the_others(spool: Path) -> None:
    talkative = Recording(spool, "01A")
    for number in range(MOST_IN_A_SESSION + 3):
        talkative.agent(f"a needle, number {number}")
    talkative.end()
    Recording(spool, "01B").agent("one needle").end()
    found = looked(spool, "needle")
    assert [len(each.hits) for each in found.found] == [MOST_IN_A_SESSION, 1]
    lines = titles(found)
    assert lines[0] == f"at least {MOST_IN_A_SESSION + 1} places in 2 sessions"
    assert any("and more in this session" in line for line in lines)


def test_a_word_that_stands_everywhere_ends_the_search_and_says_so(spool: Path) -> None:
    for number in range(MOST_PLACES + 5):
        Recording(spool, f"01M{number:04}").agent("the same").end()
    found = looked(spool, "the same")
    assert found.is_over and found.places == MOST_PLACES
    assert "there are more" in titles(found)[0]


def test_what_was_found_is_in_sight_and_harmless(spool: Path) -> None:
    Recording(spool, "01A").agent(f"{'before ' * 40}\x1b[31mneedle\u202e after").end()
    place = titles(looked(spool, "needle"))[-1]
    assert place.index("needle") < 50 and "\x1b" not in place and "\u202e" not in place
