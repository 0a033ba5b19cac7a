"""`promptetheus tui --web` in a real browser: rows, keys without a click first, the mouse, another size, a reload."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.tui.browser import Browser, browser, chromium
from tests.tui.serving import Served, served

__all__ = ["served"]  # a fixture

pytest.importorskip("textual_serve")


@pytest.fixture
async def opened(served: Served, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Browser]:
    """A browser that was given the printed address."""
    chromium()
    await served.until_it_listens()
    async with browser(tmp_path_factory.mktemp("profile")) as found:
        await found.open(served.address)
        await found.until_text("2 sessions")
        yield found


def row_of(screen: str, words: str) -> int:
    return next(number for number, line in enumerate(screen.splitlines()) if words in line)


async def test_keys_open_and_compare_sessions_and_quit(served: Served, opened: Browser) -> None:
    screen = await opened.until_text("✗ failed goal")
    assert "✓ passed" in screen and "enter open" in screen
    # The keyboard is the program's from the start, without a click.
    await opened.press("Enter")
    await opened.until_text("▶ p play")
    await opened.press("d")
    await opened.until_text("first divergence")
    await opened.press("Escape")
    await opened.until_text("▶ p play")
    await opened.press("q")
    await served.until(lambda: served.group() == 1, "quitting ends the program")
    await opened.until_script("document.querySelector('.ended').checkVisibility()")
    await opened.evaluate("document.querySelector('.ended button').click()")
    await opened.until_text("2 sessions")
    assert not opened.complaints


async def test_a_click_goes_to_a_row_and_a_smaller_window_is_filled(opened: Browser) -> None:
    screen = await opened.until_text("✓ passed")
    await opened.click(30, row_of(screen, "✓ passed"))
    await opened.until(lambda screen: "▌ ✓ passed" in screen, "the cursor on the clicked row")
    await opened.resize(760, 460)
    await opened.until(
        lambda screen: "▌ ✓ passed" in screen and max(map(len, screen.splitlines())) < 90, "the smaller size"
    )
    columns, rows = await opened.evaluate("[window.__terminal.cols, window.__terminal.rows]")
    left, top, width, height = await opened.cell()
    assert left == top == 0
    assert 760 - 2 * width <= columns * width <= 760 and 460 - height <= rows * height <= 460
    assert await opened.evaluate("getComputedStyle(document.querySelector('.xterm-viewport')).overflowY") == (
        "hidden"
    )


async def test_a_reload_begins_again_and_leaves_no_program(served: Served, opened: Browser) -> None:
    await opened.press("?")
    await opened.until_text("Keys of this view")
    await opened.call("Page.reload")
    await opened.until(lambda screen: "2 sessions" in screen and "Keys of" not in screen, "the list again")
    await served.until(lambda: served.group() == 2, "one program beside the server")


async def test_the_page_asks_this_machine_only_and_hides_the_token(served: Served, opened: Browser) -> None:
    assert await opened.evaluate("location.href") == f"{served.url}/"
    foreign = [
        url for url in opened.asked if not url.startswith((served.url, "ws" + served.url[4:], "data:"))
    ]
    assert len(opened.asked) > 3 and not foreign
    assert not await opened.evaluate("document.cookie"), "scripts do not see the token"


async def test_what_is_copied_is_on_the_clipboard_of_the_browser(served: Served, opened: Browser) -> None:
    await opened.call(
        "Browser.grantPermissions",
        origin=served.url,
        permissions=["clipboardReadWrite", "clipboardSanitizedWrite"],
    )
    await opened.press("y")
    await opened.until_text("Copy …")
    await opened.press("Enter")
    await opened.until_text("Copied")
    await opened.until_script("navigator.clipboard.readText().then(text => text.includes('01M8FAILED'))")
