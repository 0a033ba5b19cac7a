"""What was said can be read after its toast is gone, and toasts do not storm."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.widgets._toast import Toast

from promptetheus.delivery.record import DeliveryRecord, save
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.help_screen import HelpScreen
from promptetheus.tui.inspector.full_view import FullView
from promptetheus.tui.message_log import MessageLog
from promptetheus.tui.messages import MOST_TOASTS
from promptetheus.tui.messages_screen import MessagesScreen
from promptetheus.tui.palette import PaletteScreen
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import a_failing

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture
def one(spool: Path) -> None:
    a_failing(spool, "01M8FAILED", ago=60)


async def ready(shown: OnScreen) -> PromptetheusApp:
    await shown.until_text("1 session")
    await shown.until_text("live ●")
    assert isinstance(shown.app, PromptetheusApp)
    return shown.app


def toasts(shown: OnScreen) -> list[str]:
    return [str(toast.render()) for toast in shown.app.screen.query(Toast)]


def test_what_is_said_again_is_counted_and_moves_to_the_end() -> None:
    log = MessageLog(most=3)
    for number, text in enumerate(["a", "b", "a", "c", "d"]):
        log.add(text, "", "information", float(number))
    assert [(said.text, said.times, said.at_s) for said in log.newest_first()] == [
        ("d", 1, 4.0),
        ("c", 1, 3.0),
        ("a", 2, 2.0),
    ]


async def test_a_message_is_read_in_full_after_its_toast_is_gone(sessions_app: MakeApp, one: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        app.notify(
            "The first line of it\nand a second one", title="Exported", severity="warning", timeout=0.1
        )
        await shown.until(lambda: "Exported" not in shown.text, what="the toast is gone")
        await shown.press("at")
        await shown.until_text("! Exported: The first line of it  and a second one")
        await shown.press("enter")
        await shown.until(lambda: isinstance(app.screen, FullView), what="the message in full")
        await shown.until_text("and a second one")
        assert "\x1b" not in shown.text


async def test_the_news_of_a_session_have_one_glyph_in_the_list(sessions_app: MakeApp, one: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        app.notify("selected Wednesday", title="✗ failed goal  booking-agent", severity="error", timeout=0.1)
        app.notify("a process is gone", title="∅ crashed  coder", severity="error", timeout=0.1)
        app.notify("✗ a: b\n! c: d", title="2 sessions failed", severity="error", timeout=0.1)
        await shown.press("at")
        await shown.until_text("✗ failed goal  booking-agent: selected Wednesday")
        assert "✗ ✗" not in shown.text and "✗ ∅" not in shown.text
        assert "✗ 2 sessions failed: ✗ a: b" in shown.text


async def test_messages_are_searched(sessions_app: MakeApp, one: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        for text in ("one thing", "another thing"):
            app.notify(text, timeout=0.1)
        await shown.press("at")
        await shown.until(lambda: isinstance(app.screen, MessagesScreen), what="the list")
        await shown.type("another")
        await shown.until(lambda: "one thing" not in shown.text)
        assert "another thing" in shown.text


async def test_the_list_of_messages_is_in_the_palette(sessions_app: MakeApp, one: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("ctrl+p")
        await shown.type("messages")
        await shown.press("enter")
        await shown.until_text("Nothing was said yet, and nothing is wrong.")


async def test_a_mistake_of_ours_is_kept_with_its_traceback(sessions_app: MakeApp, one: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        try:
            raise ValueError("a mistake [/nope]")
        except ValueError as error:
            app.report_error(error)
        await shown.press("at")
        await shown.until_text("ValueError: a mistake [/nope]")
        await shown.press("enter")
        await shown.until_text("in test_a_mistake_of_ours_is_kept_with_its_traceback")
        app.errors.clear()


async def test_the_same_message_is_one_toast(sessions_app: MakeApp, one: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        for _ in range(30):
            app.notify("again and again", timeout=60)
        await shown.until(lambda: toasts(shown) == ["again and again"], what="one toast")
        await shown.press("at")
        await shown.until_text("×30")


async def test_a_storm_of_messages_leaves_the_latest_few_and_loses_none(
    sessions_app: MakeApp, one: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        for number in range(50):
            app.notify(f"message {number}", timeout=60)
        latest = [f"message {number}" for number in range(50 - MOST_TOASTS, 50)]
        await shown.until(lambda: toasts(shown) == latest, what="the latest few")
        assert len(app.said) == 50


async def test_what_is_wrong_with_watching_and_delivery_is_listed(
    sessions_app: MakeApp, one: None, spool: Path
) -> None:
    (spool / "nonsense.jsonl").write_text("this is no session\n")
    save(
        spool / "01M8FAILED.jsonl",
        DeliveryRecord(last_error="401 \x1b[2J the key was refused", failed_at=1.0),
    )
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("1 file skipped")
        await shown.until_text("live ●")
        await shown.press("at")
        await shown.until_text("Not as it should be")
        await shown.until_text("Delivery of 1 session: 401 ␛[2J the key was refused")
        assert "! nonsense.jsonl: " in shown.text


async def test_a_message_leads_back_to_the_list_and_q_leaves_it(sessions_app: MakeApp, one: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        app.notify("Something was said", timeout=0.1)
        await shown.press("at")
        await shown.until_text("esc or q closes")
        await shown.press("enter")
        await shown.until(lambda: isinstance(app.screen, FullView))
        await shown.press("escape")
        await shown.until(lambda: isinstance(app.screen, MessagesScreen), what="one level back")
        await shown.press("q")
        await shown.until(lambda: app.screen is app.sessions_screen, what="q leaves the list")
        assert app.is_running


async def test_q_is_a_letter_once_something_is_typed_or_slash_began_the_search(
    sessions_app: MakeApp, one: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        await shown.press("question_mark", "slash", "q")
        await shown.until_text("esc closes")
        assert "Quit" in shown.text
        assert isinstance(app.screen, HelpScreen)
        await shown.press("escape", "question_mark", "a", "q")
        assert isinstance(app.screen, HelpScreen) and "esc closes" in shown.text
        await shown.press("escape", "ctrl+p", "q")
        assert isinstance(app.screen, PaletteScreen)
        await shown.until_text("Quit")
