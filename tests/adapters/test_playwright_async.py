"""PlaywrightAdapter with async pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from promptetheus.adapters import PlaywrightAdapter
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.site import Site, actions, changes, launch_options, site

async_api = framework("playwright.async_api")

__all__ = ["site"]  # a fixture


@pytest.fixture
async def async_browser(record: Record) -> AsyncIterator[Any]:
    async with async_api.async_playwright() as playwright:
        found = await playwright.chromium.launch(**launch_options())
        yield found
        await found.close()


@pytest.mark.adapter("Playwright", "async")
async def test_an_async_page_is_awaited_as_before_and_recorded(
    record: Record, async_browser: Any, site: Site
) -> None:
    async with PlaywrightAdapter(await async_browser.new_page()) as page:
        await page.goto(site.url)
        await page.click("#book")
        assert await page.inner_text("#said") == "Booked."
        await page.get_by_label("Patient").fill("Mina")
        with pytest.raises(async_api.Error):
            await page.click("#none", timeout=100)
        event = await page.snapshot()
        assert event["payload"]["selected_values"] == {
            "patient": "Mina",
            "remind": False,
            "inner: seat": "12A",
        }
        assert (await page.screenshot()).startswith(b"\x89PNG")
    assert actions(record) == [
        ("goto", site.url), ("click", "#book"), ("fill", 'label="Patient"'), ("click", "#none"),
    ]  # fmt: skip
    assert record.of("browser_action")[-1]["metadata"]["status"] == "failed"
    assert [found["metadata"].get("after") for found in record.of("screenshot")] == ["click", None]
    assert len(record.of("dom_snapshot")) == 2


@pytest.mark.adapter("Playwright", "many tasks")
async def test_pages_in_many_tasks_do_not_mix(spool: Path, async_browser: Any, site: Site) -> None:
    async def visit(number: int) -> list[tuple[str, str]]:
        with Record(spool) as mine:
            page = PlaywrightAdapter(await async_browser.new_page())
            await page.goto(f"{site.url}?{number}")
            await page.click("#break" if number % 2 else "h1", timeout=300)
            page.detach()
            return actions(mine)

    async def guarded(number: int) -> Any:
        try:
            return await visit(number)
        except async_api.Error as error:
            return error

    found = await asyncio.gather(*(guarded(number) for number in range(6)))
    assert all(isinstance(error, async_api.TimeoutError) for error in found)  # /?n is not a page of the site
    sessions = [path for path in spool.glob("*.jsonl") if path.stat().st_size]
    texts = [path.read_text() for path in sessions]
    for number in range(6):
        assert len([text for text in texts if f"{site.url}?{number}" in text]) == 1


@pytest.mark.adapter("Playwright", "async", "trace frames")
async def test_frames_and_events_of_an_async_page(record: Record, async_browser: Any, site: Site) -> None:
    context = await async_browser.new_context()
    async with PlaywrightAdapter(await context.new_page(), record_frames=True) as page:
        await page.goto(site.url)
        await page.click("#break")
        await page.click("#ask")
        page.on("dialog", lambda dialog: asyncio.ensure_future(dialog.accept()))
        async with page.expect_popup() as opened:
            await page.click("#popup")
        await (await opened.value).click("h1")
    assert record.only("replay_artifact")["metadata"]["frames"] >= 1
    assert changes(record, "dialog") and changes(record, "page_error") and changes(record, "popup")
    assert actions(record)[-1] == ("click", "h1")


@pytest.mark.adapter("Playwright", "failure")
async def test_a_cancelled_action_is_no_failure(record: Record, async_browser: Any, site: Site) -> None:
    page = PlaywrightAdapter(await async_browser.new_page())
    await page.goto(site.url)
    waiting = asyncio.ensure_future(page.click("#none"))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert record.of("browser_action")[-1]["metadata"]["status"] == "cancelled"
    assert not record.of("error") and not record.of("screenshot")
    page.detach()
