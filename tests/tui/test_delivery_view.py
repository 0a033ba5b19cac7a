"""The Delivery view: how far sessions are, sending and giving up, refused events, deleting, and no key on screen."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from promptetheus.cli import main
from promptetheus.delivery import dead_letters
from promptetheus.delivery.record import DeliveryRecord, load, save
from promptetheus.display import short_id
from promptetheus.queries.filter import parse_filter
from promptetheus.settings import Config, override_config
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.delivery import listing
from promptetheus.tui.delivery.filtering import DeliveryFilter
from promptetheus.tui.delivery.row import DeliveryLine
from promptetheus.tui.delivery.screen import DeliveryScreen
from promptetheus.tui.delivery.words import why_failed
from promptetheus.tui.session.session_screen import SessionScreen
from tests.delivery import stub_gateway
from tests.delivery.stub_gateway import KEY, Reply, StubGateway
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import Recording, a_failing, a_passing

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("PROMPTETHEUS_API_KEY", "PROMPTETHEUS_API_URL"):
        monkeypatch.delenv(name, raising=False)
    with override_config(Config()):
        yield


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch, no_settings: None) -> Iterator[StubGateway]:
    with stub_gateway.running() as found:
        monkeypatch.setenv("PROMPTETHEUS_API_KEY", KEY)
        monkeypatch.setenv("PROMPTETHEUS_API_URL", found.url)
        yield found


@pytest.fixture
def two(spool: Path) -> list[Path]:
    """One was meant to be sent, the other was not."""
    meant = a_failing(spool, "01M8FAILED", ago=60).path
    save(meant, DeliveryRecord(last_error="connection refused", failed_at=1_789_999_940.0))
    return [meant, a_passing(spool, "01M8PASSED", ago=10).path]


async def opened(shown: OnScreen) -> DeliveryScreen:
    await shown.until_text("2 sessions")
    await shown.until_text("live ●")
    await shown.press("6")
    await shown.until(lambda: isinstance(shown.app.screen, DeliveryScreen), what="the Delivery view")
    screen = shown.app.screen
    assert isinstance(screen, DeliveryScreen)
    await shown.until(lambda: screen.listed.lines, what="sessions")
    await shown.pilot.pause()
    return screen


async def test_without_a_key_nothing_is_asked_and_nothing_is_sent(
    sessions_app: MakeApp, two: list[Path]
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        assert "No API is configured: nothing leaves this machine" in shown.text
        failed, local = shown.line_with("! failed"), shown.line_with("· local")
        assert "connection refused  1m ago" in failed and "booking-agent" in local
        for key, why in (
            ("r", "No API is configured"),
            ("R", "No API is configured"),
            ("c", "Set PROMPTETHEUS_API_KEY"),
            ("ctrl+c", "Nothing is being sent"),
        ):
            await shown.press(key)
            await shown.until_text(why)


async def test_the_api_and_its_health_are_shown_and_never_the_key(
    sessions_app: MakeApp, two: list[Path], gateway: StubGateway
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.until_text("✓ key taken")
        assert gateway.url in shown.text and "✓ healthy" in shown.text
        assert KEY not in shown.text
        assert not gateway.batches(), "looking sends nothing"
        gateway.stop()
        await shown.press("c")
        await shown.until(lambda: "healthy" not in shown.text, what="it is not healthy any more")


async def test_a_key_that_is_refused_is_said(
    sessions_app: MakeApp, two: list[Path], gateway: StubGateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTETHEUS_API_KEY", "pt_wrong")
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.until_text("✗ key refused")


async def test_sending_takes_what_was_meant_and_marked_ones(
    sessions_app: MakeApp, two: list[Path], gateway: StubGateway
) -> None:
    async with on_screen(sessions_app()) as shown:
        screen = await opened(shown)
        await shown.press("r")
        await shown.until_text("Sent ")
        await shown.until_text("✓ sent")
        assert set(gateway.events) == {"01M8FAILED"}
        await shown.press("r")
        await shown.until_text("Mark local sessions with space")
        local = next(n for n, line in enumerate(screen.listed.lines) if line.entry.stem == "01M8PASSED")
        screen.listed.select(local)
        await shown.press("space")
        await shown.until_text("1 marked")
        await shown.press("r")
        await shown.until(lambda: set(gateway.events) == {"01M8FAILED", "01M8PASSED"}, what="the marked one")
        await shown.until(lambda: screen._sending is None, what="the end")
        await shown.press("escape")
        assert not screen.listed.marks
        assert shown.app.screen is screen


async def test_sending_can_be_given_up_and_the_rest_stays_pending(
    sessions_app: MakeApp, spool: Path, gateway: StubGateway
) -> None:
    recording = Recording(spool, "01M8LONG", ago=9000)
    for number in range(20):
        recording.user(f"message {number}")
    save(recording.end().path, DeliveryRecord())
    a_passing(spool, "01M8PASSED", ago=10)
    gateway.rules.append(lambda request: Reply(503) if request.path.endswith("/events") else None)
    async with on_screen(sessions_app()) as shown:
        screen = await opened(shown)
        await shown.press("r")
        await shown.until(lambda: gateway.batches(), what="a try")
        await shown.press("escape")
        await shown.until_text("Given up")
        await shown.until(lambda: screen._sending is None, what="the end")
        assert shown.app.screen is screen
    record = load(spool / "01M8LONG.jsonl")
    assert record is not None and record.acknowledged_events == 0


async def test_refused_events_are_sent_again(
    sessions_app: MakeApp, two: list[Path], gateway: StubGateway
) -> None:
    event = {"session_id": "01M8FAILED", "type": "metric", "idempotency_key": "k1", "payload": {}}
    dead_letters.bury(two[0], [(event, "too odd")])
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        assert "1 refused" in shown.text
        await shown.press("R")
        await shown.until_text("1 were taken now.")
        await shown.until(lambda: "1 refused" not in shown.text, what="none is refused any more")
    assert not dead_letters.files(two[0].parent)


async def test_purging_names_counts_and_bytes_and_asks(
    sessions_app: MakeApp, two: list[Path], gateway: StubGateway
) -> None:
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.press("p")
        await shown.until_text("something pending")
        await shown.type("something pending")
        await shown.press("enter")
        await shown.until_text("Delete 2 sessions with")
        assert "kB?" in shown.text or "B?" in shown.text
        await shown.press("n")
        assert all(path.exists() for path in two)
        await shown.press("p")
        await shown.until_text("something pending")
        await shown.type("something pending")
        await shown.press("enter")
        await shown.until_text("Delete 2 sessions with")
        await shown.press("y")
        await shown.until_text("Deleted 2 files")
        assert not any(path.exists() for path in two)


async def test_pruning_counts_before_it_deletes(sessions_app: MakeApp, two: list[Path]) -> None:
    with override_config(Config(spool_max_bytes=10)):
        async with on_screen(sessions_app()) as shown:
            await opened(shown)
            await shown.press("p")
            await shown.until_text("down to the spool's cap")
            await shown.type("cap")
            await shown.press("enter")
            await shown.until_text("Delete 2 sessions and 0 artifacts")
            assert all(path.exists() for path in two), "counting deletes nothing"
            await shown.press("y")
            await shown.until_text("Deleted 2 sessions")
    assert not any(path.exists() for path in two)


async def test_enter_opens_the_session_and_y_copies(sessions_app: MakeApp, two: list[Path]) -> None:
    async with on_screen(sessions_app()) as shown:
        screen = await opened(shown)
        await shown.press("y")
        await shown.until_text("The last error")
        await shown.type("error")
        await shown.press("enter")
        await shown.until(lambda: shown.app.clipboard == "connection refused", what="the error")
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, SessionScreen), what="the session")
        await shown.press("escape")
        await shown.until(lambda: shown.app.screen is screen, what="back")
        await shown.press("escape")
        await shown.until_text("2 sessions")


async def test_hostile_errors_are_harmless(sessions_app: MakeApp, two: list[Path]) -> None:
    save(two[0], DeliveryRecord(last_error="bad\x1b]52;c;eA==\x07[/b]\u202e", failed_at=1.0))
    async with on_screen(sessions_app(), size=(160, 24)) as shown:
        await opened(shown)
        assert "[/b]" in shown.text
        assert not {"\x1b", "\x07", "\u202e"} & set(shown.text)


async def test_agents_are_named_on_a_narrow_screen_and_no_column_is_empty(
    sessions_app: MakeApp, two: list[Path]
) -> None:
    for size in ((80, 24), (120, 40)):
        async with on_screen(sessions_app(), size=size) as shown:
            await opened(shown)
            assert "booking-agent" in shown.line_with("· local")
            assert ("last error" in shown.text) == (size[0] > 80)
    save(two[0], DeliveryRecord())
    async with on_screen(sessions_app(), size=(120, 40)) as shown:
        await opened(shown)
        assert "booking-agent" in shown.line_with("○ pending") and "last error" not in shown.text


async def test_a_wide_list_tells_the_sessions_of_an_agent_apart_and_leaves_errors_their_room(
    sessions_app: MakeApp, two: list[Path]
) -> None:
    async with on_screen(sessions_app(), size=(200, 50)) as shown:
        await opened(shown)
        failed, titles = shown.line_with("! failed"), shown.line_with("refused  agent")
        assert "1m ago" in failed and "Book Tuesday at 2pm" in failed and "connection refused" in failed
        assert titles.index("goal") == failed.index("Book Tuesday at 2pm")
        assert titles.index("started") == failed.index("1m ago")
    async with on_screen(sessions_app(), size=(120, 40)) as shown:
        await opened(shown)
        assert "connection refused" in shown.text and "goal" not in shown.line_with("refused  agent")


async def test_the_session_under_the_cursor_is_told_in_a_sentence(
    sessions_app: MakeApp, two: list[Path]
) -> None:
    save(two[0], DeliveryRecord(last_error="ConnectError: [Errno 111] Connection refused", failed_at=1.0))
    async with on_screen(sessions_app(), size=(80, 24)) as shown:
        await opened(shown)
        await shown.until_text("(it waits for an API again): nothing answers at that")
        await shown.until_text("Connection refused")
        await shown.press("j")
        await shown.until_text("Recorded without an API: it stays here, unless you mark it")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            "HTTP 401: credentials missing",
            "The API does not take the key (HTTP 401): check PROMPTETHEUS_API_KEY.",
        ),
        ("HTTP 503: <html>\x1b[31m", "The API has trouble of its own: HTTP 503: <html>␛[31m"),
        ("HTTP 503: {}", "The API answered HTTP 503 and said nothing more."),
        ("HTTP 503: { }\n", "The API answered HTTP 503 and said nothing more."),
        ("HTTP 503: null", "The API answered HTTP 503 and said nothing more."),
        ("HTTP 503: \t\n", "The API answered HTTP 503 and said nothing more."),
        ('HTTP 503: {"detail":null}', "The API answered HTTP 503 and said nothing more."),
        ("HTTP 404: {}", "The API answered HTTP 404 and said nothing more."),
        ("HTTP 429: slow down", "The API asks to send less (HTTP 429): try again in a while."),
        (
            "ConnectError: [Errno 111] Connection refused",
            "Nothing answers at that address: Connection refused",
        ),
        ("ReadTimeout: timed out", "The API did not answer in time."),
        ("something else\u202e", "something else\\u202e"),
    ],
)
def test_failures_are_told_in_words(error: str, said: str) -> None:
    assert why_failed(error) == said


async def test_x_writes_what_the_command_prints_and_the_refused_events(
    sessions_app: MakeApp,
    two: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    event = {"session_id": "01M8FAILED", "type": "metric", "idempotency_key": "k1", "payload": {}}
    dead_letters.bury(two[0], [(event, "too odd")])
    save(two[0], DeliveryRecord(last_error="a|b\n`c`", failed_at=1_789_999_940.0))
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        for words, name in (
            ("spool list", "delivery.json"),
            ("Markdown", "delivery.md"),
            ("refused", "refused-events.json"),
        ):
            await shown.press("x")
            await shown.until_text("Write to a file here")
            await shown.type(words)
            await shown.press("enter")
            await shown.until_text(f"Wrote {name}")
    capsys.readouterr()
    assert main(["spool", "list", "--json", "--spool", str(two[0].parent)]) == 0
    assert json.loads((tmp_path / "delivery.json").read_text()) == json.loads(capsys.readouterr().out)
    (refused,) = json.loads((tmp_path / "refused-events.json").read_text())
    assert (refused["session"], refused["reason"], refused["event"]) == ("01M8FAILED", "too odd", event)
    table = (tmp_path / "delivery.md").read_text().splitlines()
    assert table[2].startswith("| failed | 01M8FAILED |") and "a\\|b" in table[2] and len(table) == 4


async def test_a_key_that_is_refused_while_sending_leaves_all_of_it_pending(
    sessions_app: MakeApp, two: list[Path], gateway: StubGateway
) -> None:
    gateway.rules.append(lambda request: Reply(401) if request.path.endswith("/events") else None)
    async with on_screen(sessions_app()) as shown:
        screen = await opened(shown)
        await shown.press("r")
        # The message is wrapped, and goes away by itself.
        said = ("Nothing was sent.", "HTTP 401", "pending.")
        await shown.until(lambda: all(words in shown.text for words in said), what="what came of it")
        await shown.until(lambda: screen._sending is None, what="the end")
        await shown.until_text("! failed")
    record = load(two[0])
    assert record is not None and record.acknowledged_events == 0


async def test_slash_filters_by_words_state_and_what_sessions_know(
    sessions_app: MakeApp, two: list[Path]
) -> None:
    async with on_screen(sessions_app()) as shown:
        screen = await opened(shown)

        def names() -> list[str]:
            return [line.entry.stem for line in screen.listed.lines]

        for typed, found in (
            ("state:loc", ["01M8PASSED"]),
            ("-state:local", ["01M8FAILED"]),
            ("status:passed", ["01M8PASSED"]),
            ("id:failed agent:booking", ["01M8FAILED"]),
            ("refused connection", ["01M8FAILED"]),
            ("state:odd", ["01M8FAILED", "01M8PASSED"]),
            ("nowhere", []),
        ):
            await shown.press("slash", "ctrl+u", *typed)
            await shown.until(lambda found=found: names() == found, what=typed)  # type: ignore[misc]
            await shown.until_text(f"{len(found)} of 2")
            await shown.press("enter", "escape")
            await shown.until(lambda: len(names()) == 2, what="all of them")
        assert screen.listed.has_focus and shown.app.screen is screen
        await shown.press("slash", *"sta")
        await shown.until_text("failed, refused, pending, sent, local")


async def test_many_lines_are_looked_through_while_keys_are_answered(
    sessions_app: MakeApp, two: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "FILTERED_AT_ONCE", 1)
    async with on_screen(sessions_app()) as shown:
        screen = await opened(shown)
        asked: list[str] = []
        matches = DeliveryFilter.matches

        def noted(wanted: DeliveryFilter, line: DeliveryLine) -> bool:
            asked.append(line.entry.stem)
            return matches(wanted, line)

        monkeypatch.setattr(DeliveryFilter, "matches", noted)
        screen.wanted = parse_filter("id:passed")
        screen.filter_changed()
        assert not asked and len(screen.listed.lines) == 2, "the letter is shown first"
        assert [line.entry.stem for line in screen.acted_on()] == ["01M8PASSED"], "never what is hidden"
        screen.wanted = parse_filter("id:failed")
        screen.filter_changed()
        await shown.until(lambda: [line.entry.stem for line in screen.listed.lines] == ["01M8FAILED"])
        assert screen.hidden == 1


async def test_a_filter_that_hides_the_session_one_went_to_says_so_and_brings_it_back(
    sessions_app: MakeApp, two: list[Path]
) -> None:
    async with on_screen(sessions_app()) as shown:
        screen = await opened(shown)
        await shown.press("j")
        chosen = screen.listed.chosen
        assert chosen is not None
        hides = next(line.entry.stem for line in screen.listed.lines if line is not chosen)
        await shown.press("slash", *f"id:{hides[2:].casefold()}")
        await shown.until_text(f"hides {short_id(chosen.entry.stem)}")
        await shown.press("enter", "escape")
        await shown.until(lambda: len(screen.listed.lines) == 2)
        assert screen.listed.chosen is not None
        assert screen.listed.chosen.entry == chosen.entry


async def test_what_the_filter_hides_is_neither_sent_nor_deleted(
    sessions_app: MakeApp, two: list[Path], gateway: StubGateway
) -> None:
    save(two[1], DeliveryRecord())  # meant to be sent as well
    async with on_screen(sessions_app()) as shown:
        screen = await opened(shown)
        await shown.press("slash", *"id:passed", "enter")
        await shown.until(lambda: len(screen.listed.lines) == 1, what="one session")
        await shown.press("r")
        await shown.until_text("The 1 session that the filter hid was left alone")
        assert set(gateway.events) == {"01M8PASSED"}
        await shown.until(lambda: screen._sending is None, what="the end")
        await shown.press("p")
        await shown.until_text("1 hidden one stays")
        await shown.type("were sent")
        await shown.press("enter")
        await shown.until_text("Delete 1 session with")
        await shown.until_text("the 1 session that the filter hides stays")
        await shown.press("y")
        await shown.until_text("Deleted 1 file, ")
    assert [path.exists() for path in two] == [True, False]


async def test_marks_that_the_filter_hides_are_said_and_not_acted_upon(
    sessions_app: MakeApp, two: list[Path], gateway: StubGateway
) -> None:
    async with on_screen(sessions_app()) as shown:
        screen = await opened(shown)
        await shown.press("space")  # the failed one comes first
        await shown.press("slash", *"state:local", "enter")
        await shown.until_text("1 marked, 1 of them hidden")
        await shown.press("r")
        await shown.until_text("Nothing is pending in the marked sessions that the filter shows")
        await shown.press("p")
        await shown.until_text("something pending")
        await shown.type("something pending")
        await shown.press("enter")
        await shown.until_text("There is nothing of that kind to delete")
        await shown.press("escape")
        await shown.until(lambda: len(screen.listed.lines) == 2, what="all of them")
        assert screen.listed.marks == {two[0]}
        assert not gateway.batches() and all(path.exists() for path in two)
