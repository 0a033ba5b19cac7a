"""The Failures view: the ways of failing, what each of its keys does, and how it follows the sessions."""

from __future__ import annotations

import time
from pathlib import Path

import orjson
import pytest
from rich.text import Text
from textual.widgets import Input

from promptetheus.encoding import encode_line
from promptetheus.notes import Notes, Subject
from promptetheus.tui.ask_words import AskWords
from promptetheus.tui.diff.screen import DiffScreen
from promptetheus.tui.failures.failure_pane import FailurePane
from promptetheus.tui.failures.failure_row import sessions_text
from promptetheus.tui.failures.failures_screen import FailuresScreen
from promptetheus.tui.failures.suspects_screen import SuspectsScreen
from promptetheus.tui.footer import MOST_KEYS, KeyFooter, fitting
from promptetheus.tui.keymap import footer_shortcuts
from promptetheus.tui.menu import Menu
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from promptetheus.tui.views import Place
from tests.tui.compared import MakeApp
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import NOW, Recording, a_broken, a_failing, a_passing, a_running

DAY_S = 86_400.0
ORCHID = "selected Wednesday, not Tuesday"


@pytest.fixture
def spool_of_failures(spool: Path) -> Path:
    """Two ways of failing: one twice and lately, one once and long ago; and two sessions that passed."""
    a_passing(spool, "01M80PASSED", ago=4 * DAY_S)
    a_broken(spool, "01M80BROKEN", ago=3 * DAY_S, agent="coder", goal="fix the parser")
    a_failing(spool, "01M81FAILED", ago=2 * DAY_S)
    a_failing(spool, "01M82FAILED", ago=60)
    a_passing(spool, "01M83PASSED", ago=30)
    return spool


def screen_of(shown: OnScreen) -> FailuresScreen:
    return next(each for each in shown.app.screen_stack if isinstance(each, FailuresScreen))


def here(shown: OnScreen) -> str:
    return next((line for line in shown.lines if line.startswith("▌")), "")


async def opened(shown: OnScreen, ways: str = "2 ways of failing") -> None:
    await shown.until_text("live ●")
    await shown.press("4")
    await shown.until(lambda: isinstance(shown.app.screen, FailuresScreen))
    await shown.until_text(ways)


async def filtered(shown: OnScreen, text: str) -> None:
    await shown.press("slash")
    await shown.until(lambda: isinstance(shown.app.focused, Input))
    await shown.type(text)


async def test_each_way_of_failing_is_a_line_the_one_seen_last_first(
    sessions_app: MakeApp, spool_of_failures: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        lines = [line for line in shown.lines if "recurring" in line or "new" in line[:20]]
        assert "selected wednesday" in lines[0] and " 2  booking-agent" in lines[0] and "1m ago" in lines[0]
        assert "run_tests" in lines[1] and " 1  coder" in lines[1] and "3d ago" in lines[1]
        assert "3 of 5 sessions" in shown.lines[0]


def a_task(spool: Path, session_id: str, task: int, goal: str, ago: float) -> None:
    """A session of a benchmark, which failed as others do whose label reads the same."""
    recording = a_failing(spool, session_id, f"ticket {'x' * 48} {chr(97 + task)}", goal=goal, ago=ago)
    first, *rest = recording.path.read_bytes().splitlines(keepends=True)
    event = orjson.loads(first)
    event["metadata"]["session_metadata"] = {"task_id": task}
    recording.path.write_bytes(b"".join([encode_line(event), *rest]))


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (150, 40), (200, 50)])
async def test_ways_of_failing_that_are_called_alike_are_told_apart_by_their_task(
    sessions_app: MakeApp, spool: Path, size: tuple[int, int]
) -> None:
    a_task(spool, "01M82FAILED", 7, "Move my flight to Friday", ago=60)
    a_task(spool, "01M81FAILED", 12, "Cancel the trip", ago=120)
    async with on_screen(sessions_app(), size) as shown:
        await opened(shown)
        await shown.until_text("task  7 Move my flight to Friday")
        first, second = [line for line in shown.lines if "ticket xxx" in line and "✦" in line]
        if size[0] >= 150:
            assert "7 Move my flight" in first and "12 Cancel the trip" in second
        await shown.press("j")
        await shown.until_text("task  12 Cancel the trip")


@pytest.mark.parametrize("size", [(60, 24), (80, 24), (120, 40), (150, 40), (200, 50)])
async def test_labels_that_begin_alike_are_cut_before_what_tells_them_apart(
    sessions_app: MakeApp, spool: Path, size: tuple[int, int]
) -> None:
    answers = ("michele", "yosemite", "cloak")
    for place, answer in enumerate(answers):
        said = f"the final answer is not the expected one: {answer}"
        a_failing(spool, f"01M8{place}FAILED", said, ago=60 + place)
    a_broken(spool, "01M80BROKEN", ago=90)
    async with on_screen(sessions_app(), size) as shown:
        await opened(shown, "4 ways of failing")
        rows = [line for line in shown.lines if "✦" in line]
        for row, answer in zip(rows, answers, strict=False):
            assert " the fi" in row and answer[:4] in row
        await filtered(shown, "yosem")
        await shown.until_text("1 of 4")
        assert rows[1].strip("▌ ") in shown.text, "a filter does not change how it is written"


@pytest.mark.parametrize("size", [(60, 24), (80, 24), (120, 40), (150, 40), (200, 50)])
async def test_ways_of_failing_with_the_same_label_are_lines_that_differ(
    sessions_app: MakeApp, spool: Path, size: tuple[int, int]
) -> None:
    same = "the final state of the database differs from the one that was expected"
    ends = ("refund was never called", "hotel was not expected", "seat was called twice")
    for place, end in enumerate(ends):
        a_failing(spool, f"01M8{place}FAILED", f"{same}; {end}", ago=60 + place)
    async with on_screen(sessions_app(), size) as shown:
        await opened(shown, "3 ways of failing")

        def rows() -> list[str]:
            return [line for line in shown.lines if "✦" in line]

        await shown.until(lambda: all(end[:4] in row for row, end in zip(rows(), ends, strict=False)))
        assert all(" the" in row for row in rows())
        # One that comes later is told apart as soon as it is there.
        a_failing(spool, "01M89FAILED", f"{same}; ticket was lost", ago=30)
        await shown.until(lambda: len(rows()) == 4 and "tick" in rows()[0])


async def test_a_label_has_the_room_of_older_days_and_of_when_it_was_first_seen(
    sessions_app: MakeApp, spool: Path
) -> None:
    a_failing(spool, "01M80FAILED", "selected Wednesday, not the Tuesday that", ago=60)
    async with on_screen(sessions_app(), (120, 40)) as shown:
        await opened(shown, "1 way of failing")
        assert "selected wednesday, not the tuesday that " in here(shown)
        assert "first" not in shown.line_with("fails as")


async def test_a_way_of_failing_of_several_tasks_names_their_ids(sessions_app: MakeApp, spool: Path) -> None:
    for place, task in enumerate((7, 7, 12)):
        a_task(spool, f"01M8{place}FAILED", 0, "Move my flight", ago=60 + place)
        recording = spool / f"01M8{place}FAILED.jsonl"
        recording.write_bytes(recording.read_bytes().replace(b'"task_id":0', b'"task_id":%d' % task))
    async with on_screen(sessions_app(), (160, 40)) as shown:
        await opened(shown, "1 way of failing")
        assert "2 tasks: 7, 12" in here(shown)


async def test_it_says_why_other_sessions_are_failing_than_fail_in_some_way(
    sessions_app: MakeApp, spool: Path
) -> None:
    a_failing(spool, "01M80FAILED", ago=90)
    run = Recording(spool, "01M81PASSED", ago=80).user("Book Tuesday at 2pm")
    run.tool("search_calendar", {"day": "Tuesday"}, error="TimeoutError: timed out").check(True).end()
    Recording(spool, "01M82CRASHED", ago=70, pid=2**22 + 1).user("Book Tuesday at 2pm")
    async with on_screen(sessions_app(), (120, 40)) as shown:
        await shown.until_text("2 failing")
        await opened(shown)
        assert "2 of 3 sessions, 1 of them passed · 1 more crashed" in shown.lines[0]
    async with on_screen(sessions_app(), (80, 24)) as shown:
        await opened(shown)
        assert shown.lines[0].rstrip().endswith("2 of 3 sessions"), "the numbers come first"
        assert "2 new" in shown.lines[0]


async def test_nothing_is_explained_where_the_numbers_agree(
    sessions_app: MakeApp, spool_of_failures: Path
) -> None:
    async with on_screen(sessions_app(), (200, 50)) as shown:
        await opened(shown)
        assert shown.lines[0].rstrip().endswith("3 of 5 sessions")


def test_how_often_is_written_with_all_digits_where_they_have_room() -> None:
    assert [sessions_text(number) for number in (8, 1974, 123_456, 1_234_567)] == [
        "8",
        "1,974",
        "123,456",
        "1.2M",
    ]


async def test_a_bar_a_day_shows_when_it_was_seen(sessions_app: MakeApp, spool_of_failures: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        assert "14 days" in shown.line_with("fails as")
        assert shown.line_with("selected wednesday").rstrip("▆▅ ").endswith("▇·▇")


async def test_a_failure_that_is_gone_and_one_that_is_back_say_so(sessions_app: MakeApp, spool: Path) -> None:
    for number in range(4):
        a_failing(spool, f"01M80FAILED{number}", ago=9 * DAY_S - number * 60)
    for number in range(60):
        a_passing(spool, f"01M81PASSED{number:02}", ago=6 * DAY_S - number * 60)
    async with on_screen(sessions_app(), (170, 40)) as shown:
        await opened(shown, "1 way of failing")
        assert "✓ gone since 2026" in here(shown)
        assert "1 gone" in shown.lines[0]
        await shown.until_text("too often to be chance")
        a_failing(spool, "01M82FAILED", ago=5)
        await shown.until_text("↩ back")


async def test_enter_lists_its_sessions_with_a_filter(sessions_app: MakeApp, spool_of_failures: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, SessionsScreen))
        await shown.until_text("2 of 5")
        assert "fp:8ae0" in shown.text
        await shown.press("minus")
        await shown.until(lambda: isinstance(shown.app.screen, FailuresScreen))


async def test_d_compares_its_newest_session_with_the_nearest_that_passed(
    sessions_app: MakeApp, spool_of_failures: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.press("d")
        await shown.until(lambda: isinstance(shown.app.screen, DiffScreen))
        await shown.until_text("first divergence")
        screen = shown.app.screen
        assert isinstance(screen, DiffScreen) and screen.compared is not None
        assert screen.compared.report.right.session_id == "01M82FAILED"
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, FailuresScreen))


async def test_s_opens_its_suspects_and_o_its_newest_session(
    sessions_app: MakeApp, spool_of_failures: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.press("s")
        await shown.until(lambda: isinstance(shown.app.screen, SuspectsScreen))
        await shown.until_text("2 failing and 2 passing")
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, FailuresScreen))
        await shown.press("o")
        await shown.until(lambda: isinstance(shown.app.screen, SessionScreen))


async def test_n_writes_a_note_that_is_kept_beside_the_spool(
    sessions_app: MakeApp, spool_of_failures: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.press("n")
        await shown.until(lambda: isinstance(shown.app.screen, AskWords))
        await shown.type("orchid")
        await shown.press("enter")
        await shown.until_text("✎ ")
        await shown.until(lambda: "orchid" in shown.text)
        fingerprint = screen_of(shown).subject
        assert isinstance(fingerprint, str)
        notes = Notes(spool_of_failures)
        assert [note.text for note in notes.about(Subject(fingerprint=fingerprint))] == ["orchid"]
        await shown.press("n")
        await shown.until(lambda: isinstance(shown.app.screen, Menu))
        await shown.type("change")
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, AskWords))
        await shown.type("s")
        await shown.press("enter")
        await shown.until_text("orchids")
        await shown.press("n")
        await shown.until(lambda: isinstance(shown.app.screen, Menu))
        await shown.type("take away")
        await shown.press("enter")
        await shown.until(lambda: "✎" not in shown.text)
        assert not notes.about(Subject(fingerprint=fingerprint))


async def test_a_note_without_words_is_not_written(sessions_app: MakeApp, spool_of_failures: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.press("n")
        await shown.until(lambda: isinstance(shown.app.screen, AskWords))
        await shown.press("enter")
        await shown.until_text("A note needs words")
        assert Notes(spool_of_failures).all() == ()


async def test_a_note_that_another_process_writes_turns_up(
    sessions_app: MakeApp, spool_of_failures: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        fingerprint = screen_of(shown).subject
        assert isinstance(fingerprint, str)
        Notes(spool_of_failures).add(Subject(fingerprint=fingerprint), "seen by somebody else")
        await shown.until_text("seen by somebody else")


@pytest.mark.parametrize(
    ("typed", "left"),
    [
        ("agent:coder", "run_tests"),
        ("wednesday", "selected wednesday"),
        ("fp:8ae0", "selected wednesday"),
        ("-wednesday", "run_tests"),
        ('!"selected wed"', "run_tests"),
        ("-agent:coder", "selected wednesday"),
        ("recurring status:failed agent:coder", "run_tests"),
        ("state:rec agent:coder", "run_tests"),
        ("-state:gone state!=back agent:coder", "run_tests"),
    ],
)
async def test_the_filter_narrows_the_list_as_one_types(
    sessions_app: MakeApp, spool_of_failures: Path, typed: str, left: str
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await filtered(shown, typed)
        await shown.until_text("1 of 2")
        await shown.press("enter")
        assert left in here(shown)
        await shown.press("escape")
        await shown.until(lambda: screen_of(shown).table.row_count() == 2)


async def test_a_filter_that_hides_the_failure_one_went_to_says_so_and_brings_it_back(
    sessions_app: MakeApp, spool_of_failures: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.press("j")
        table = screen_of(shown).table
        held = table.pinned
        assert held and table.cursor == 1
        await filtered(shown, "wednesday")
        await shown.until_text(f"hides {held[:6]}")
        await shown.press("escape")
        await shown.until(lambda: table.row_count() == 2)
        assert table.chosen is not None and table.chosen.failure.fingerprint == held


async def test_a_filter_that_means_nothing_here_narrows_nothing_and_goes_on_saying_so(
    sessions_app: MakeApp, spool_of_failures: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await filtered(shown, "state:gome")
        await shown.until_text("2 of 2")
        await shown.press("enter")
        await shown.until(lambda: shown.app.focused is screen_of(shown).table)
        assert "there is no such state. There are new, recurring, gone, back." in " ".join(shown.lines)


async def test_a_filter_that_lets_nothing_through_says_so(
    sessions_app: MakeApp, spool_of_failures: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await filtered(shown, "zebra")
        await shown.until_text("No failure matches the filter: esc clears it")
        await shown.until(lambda: "8ae0f41220d0" not in shown.text, what="nothing is said of what is hidden")
        await shown.press("enter", "d")
        await shown.until(lambda: shown.text.count("No failure matches the filter") == 2)


async def test_failures_turn_up_while_one_looks_and_the_cursor_stays(
    sessions_app: MakeApp, spool_of_failures: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.press("j")
        assert "run_tests" in here(shown)
        a_failing(spool_of_failures, "01M84FAILED", "paid twice", ago=2, goal="pay")
        await shown.until_text("3 ways of failing")
        assert "run_tests" in here(shown)
        assert screen_of(shown).table.cursor == 2


async def test_a_running_session_is_no_failure_yet(sessions_app: MakeApp, spool: Path) -> None:
    running = a_running(spool, "01M8120RUNS", ago=4)
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("4")
        await shown.until_text("No session has ended yet: what fails will stand here.")
        running.check(False, ORCHID).end()
        await shown.until_text("1 way of failing")


async def test_without_failures_it_says_so(sessions_app: MakeApp, spool: Path) -> None:
    a_passing(spool, "01M80PASSED")
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("4")
        await shown.until_text("Nothing has failed: 1 session ended without.")


async def test_it_opens_on_the_fingerprint_that_begins_so_before_the_spool_is_read(
    sessions_app: MakeApp, spool_of_failures: Path
) -> None:
    async with on_screen(sessions_app(start=Place("failures", "7a26"))) as shown:
        await shown.until_text("2 ways of failing")
        await shown.until(lambda: "run_tests" in here(shown))


async def test_a_fingerprint_that_nothing_fails_as_is_said(
    sessions_app: MakeApp, spool_of_failures: Path
) -> None:
    async with on_screen(sessions_app(start=Place("failures", "ffffffffffff"))) as shown:
        await shown.until_text("No session here fails as ffffffffffff")


async def test_y_copies_the_fingerprint(
    sessions_app: MakeApp, spool_of_failures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    monkeypatch.setattr("promptetheus.tui.taking.copy_text", lambda _app, text: copied.append(text))
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.press("y")
        await shown.until(lambda: isinstance(shown.app.screen, Menu))
        await shown.press("enter")
        await shown.until(lambda: copied)
        assert copied == [screen_of(shown).subject]


@pytest.mark.parametrize(
    ("key", "why"), [("space", "Only sessions are marked"), ("J", "J does nothing here")]
)
async def test_a_key_that_does_nothing_here_says_why(
    sessions_app: MakeApp, spool_of_failures: Path, key: str, why: str
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.press(key)
        await shown.until_text(why)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50), (60, 14)])
async def test_it_fits_screens_of_all_sizes(
    sessions_app: MakeApp, spool_of_failures: Path, size: tuple[int, int]
) -> None:
    async with on_screen(sessions_app(), size) as shown:
        await shown.until(lambda: shown.app.screen.is_active and shown.app.sessions_screen.scanned)  # type: ignore[attr-defined]
        await shown.press("4")
        await shown.until(lambda: "selected wed" in here(shown))
        footer = shown.app.screen.query_one(KeyFooter)
        assert len(fitting(footer_shortcuts(shown.app.screen), footer.size.width)) <= MOST_KEYS
        assert "enter its sessions" in shown.lines[-1]


async def test_ages_go_on_with_the_clock(spool_of_failures: Path) -> None:
    from promptetheus.tui.app import PromptetheusApp

    began = time.monotonic()
    app = PromptetheusApp(spool_of_failures, clock=lambda: NOW + 600 * (time.monotonic() - began))
    async with on_screen(app) as shown:
        await opened(shown)
        first = here(shown)
        await shown.until(lambda: here(shown) != first)


WRONG_CALL = (
    "book_reservation(insurance='no') was not the expected one: michelle_4318 had asked for insurance"
    " on both flights, and to pay with the card that ends in 9981"
)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
async def test_below_the_list_the_whole_of_a_cut_label_is_said(
    sessions_app: MakeApp, spool: Path, size: tuple[int, int]
) -> None:
    a_failing(spool, "01M81FAILED", WRONG_CALL, ago=60)
    a_failing(spool, "01M80FAILED", ORCHID, ago=90)
    async with on_screen(sessions_app(), size) as shown:
        await opened(shown)
        assert "…" in here(shown), "the row has no room for it"
        await shown.until(lambda: f"Failed its goal: {WRONG_CALL}." in below(shown))
        chosen = screen_of(shown).at_hand()
        assert chosen is not None and WRONG_CALL in chosen.text
        await shown.press("j")
        await shown.until(lambda: below(shown).startswith(ORCHID.lower()))
        assert "Failed its goal" not in below(shown), "its label says all of it"
        await shown.press("k")
        await shown.until(lambda: WRONG_CALL in below(shown))


async def test_a_sentence_longer_than_the_pane_leaves_room_and_is_read_on(
    sessions_app: MakeApp, spool: Path
) -> None:
    a_failing(spool, "01M81FAILED", "the agent talked on and on " * 9, ago=60)
    async with on_screen(sessions_app(), (80, 24)) as shown:
        await opened(shown, "1 way of failing")
        await shown.until_text("… more")
        assert "1 session  ·  new" in below(shown)
        await shown.press("tab", "j", "j", "j", "enter")
        await shown.until(lambda: "… more" not in shown.text)
        assert below(shown).count("on and on") >= 8


async def test_a_label_that_counts_more_stays_over_what_its_newest_session_says(
    sessions_app: MakeApp, spool: Path
) -> None:
    run = Recording(spool, "01M81FAILED").tool("book", {"day": "Wednesday"}, error="503 upstream")
    run.check(False, ORCHID).end()
    async with on_screen(sessions_app()) as shown:
        await opened(shown, "1 way of failing")
        await shown.until(lambda: f"Failed its goal: {ORCHID}." in below(shown))
        assert below(shown).startswith("tool book failed (+1 more) Failed its goal")


async def test_a_pane_that_fails_to_show_a_page_says_so_and_shows_the_next(
    sessions_app: MakeApp, spool_of_failures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = sessions_app()
    async with on_screen(app) as shown:
        await opened(shown)
        await shown.until(lambda: below(shown).startswith(ORCHID.lower()))

        def fails(*_: object, **_options: object) -> None:
            monkeypatch.undo()
            raise ValueError("a mistake in showing it")

        monkeypatch.setattr(screen_of(shown).query_one(FailurePane), "scroll_to", fails)
        await shown.press("j")
        await shown.until_text("a mistake in showing it")
        await shown.press("k")
        await shown.press("j")
        await shown.until(lambda: "run_tests" in below(shown))
        assert len(app.errors) == 1
        app.errors.clear()


def below(shown: OnScreen) -> str:
    """The pane below the list in one line, as far as it goes."""
    lines = (line.content for line in screen_of(shown).query_one(FailurePane).lines)
    return " ".join(line.plain if isinstance(line, Text) else line.text for line in lines)
