"""PlaywrightAdapter with Debian's Chromium on pages of this machine."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus.adapters import PlaywrightAdapter, playwright_recording
from promptetheus.adapters.playwright import PlaywrightPatch
from promptetheus.adapters.playwright_actions import selector_of
from promptetheus.adapters.playwright_looking import without_values
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.site import Site, actions, changes, launch_options, site

sync_api = framework("playwright.sync_api")

__all__ = ["site"]  # a fixture


@pytest.fixture(scope="module")
def launched() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(**launch_options())
        yield found
        found.close()


@pytest.fixture
def browser(launched: Any) -> Iterator[Any]:
    """The browser, without pages before and after a test."""
    yield launched
    for context in launched.contexts:
        context.close()


@pytest.mark.adapter("Playwright", "actions")
def test_actions_through_the_adapter_are_recorded_with_target_address_and_duration(
    record: Record, browser: Any, site: Site
) -> None:
    page = PlaywrightAdapter(browser.new_page())
    page.goto(site.url)
    page.fill("[name=patient]", "Mina Okafor")
    page.select_option("[name=dentist]", "osei")
    page.press("[name=patient]", "Enter")
    page.click("#book")
    assert actions(record) == [
        ("goto", site.url), ("fill", "[name=patient]"), ("select", "[name=dentist]"),
        ("press", "[name=patient]"), ("click", "#book"),
    ]  # fmt: skip
    first, fill, _, press, _ = record.of("browser_action")
    assert first["payload"]["url"] == site.url
    assert first["metadata"]["status_code"] == 200 and first["metadata"]["duration_ms"] >= 0
    assert fill["metadata"]["characters"] == 11
    assert press["metadata"]["key"] == "Enter"
    assert page.inner_text("#said") == "Booked."


@pytest.mark.adapter("Playwright", "locators", "frames", "keyboard and mouse", "element handles")
def test_locators_frames_handles_keyboard_and_mouse_are_recorded_where_the_agent_uses_the_page_itself(
    record: Record, browser: Any, site: Site
) -> None:
    page = browser.new_page()
    PlaywrightAdapter(page)
    page.goto(site.url)
    page.get_by_label("Patient").fill("Mina")
    page.get_by_role("button", name="Book").first.click()
    page.locator("form").locator("[name=remind]").check()
    page.frame_locator("iframe").get_by_role("button").click()
    page.frame("inner").click("button")
    page.query_selector("#book").click()
    page.keyboard.press("Tab")
    page.mouse.click(3, 4)
    assert actions(record)[1:] == [
        ("fill", 'label="Patient"'), ("click", 'role=button[name="Book"] >> nth=0'),
        ("check", "form >> [name=remind]"), ("click", "iframe >> (frame) >> role=button"), ("click", "button"),
        ("click", "#book"), ("press", "keyboard"), ("click", "mouse"),
    ]  # fmt: skip
    assert record.of("browser_action")[5]["metadata"]["frame"] == "inner"
    mouse = record.of("browser_action")[-1]["metadata"]
    assert (mouse["x"], mouse["y"]) == (3, 4)


@pytest.mark.adapter("Playwright", "failure")
def test_an_action_that_fails_is_recorded_with_its_error_a_picture_and_the_page(
    record: Record, browser: Any, site: Site
) -> None:
    page = browser.new_page()
    PlaywrightAdapter(page)
    page.goto(site.url)
    with pytest.raises(sync_api.TimeoutError) as raised:
        page.get_by_role("button", name="Cancel").click(timeout=100)
    failed = record.of("browser_action")[-1]
    assert failed["metadata"]["status"] == "failed"
    assert failed["metadata"]["error"]["error_type"] == "TimeoutError"
    assert record.only("error")["payload"]["message"] == str(raised.value)
    assert "test_playwright.py" in record.only("error")["payload"]["traceback"]
    assert record.only("screenshot")["metadata"]["after"] == "click"
    assert record.only("dom_snapshot")["payload"]["warnings"] == ["Times are in UTC."]


@pytest.mark.adapter("Playwright", "failure")
def test_a_wait_or_a_reading_is_recorded_only_when_it_fails(record: Record, browser: Any, site: Site) -> None:
    page = browser.new_page()
    PlaywrightAdapter(page, screenshots="never", snapshots="never")
    page.goto(site.url)
    page.wait_for_selector("#book")
    assert page.locator("#book").inner_text() == "Book"
    with pytest.raises(sync_api.Error):
        page.wait_for_selector("#none", timeout=100)
    with pytest.raises(sync_api.Error):
        page.evaluate("nothing.here")
    assert actions(record)[1:] == [("wait_for_selector", "#none"), ("evaluate", "page")]
    assert len(record.of("error")) == 2
    assert not record.of("screenshot")


@pytest.mark.adapter("Playwright", "failure")
def test_a_navigation_that_fails_and_a_closed_page_are_failures(record: Record, browser: Any) -> None:
    page = browser.new_page()
    PlaywrightAdapter(page)
    with pytest.raises(sync_api.Error):
        page.goto("http://127.0.0.1:1/")
    page.close()
    with pytest.raises(sync_api.Error):
        page.click("#book")
    assert [found["action"] for found in record.payloads("browser_action")][:2] == ["goto", "close"]
    assert record.of("error")[0]["metadata"]["target"] == "http://127.0.0.1:1/"


@pytest.mark.adapter("Playwright", "page events")
def test_what_the_page_reports_stands_after_the_action_that_caused_it(
    record: Record, browser: Any, site: Site
) -> None:
    page = browser.new_page()
    PlaywrightAdapter(page)
    page.goto(site.url)
    page.click("#break")
    with page.expect_event("requestfailed"), page.expect_response("**/missing"):
        page.click("#call")
    page.click("#on")
    page.wait_for_url("**/done")
    (broke,) = changes(record, "console_error")
    assert broke["text"] == "It broke: 42"
    (page_error,) = changes(record, "page_error")
    assert (page_error["type"], page_error["text"]) == ("TypeError", "no slot")
    (answer,) = changes(record, "http_error")
    assert (answer["status"], answer["url"], answer["resource"]) == (404, f"{site.url}missing", "fetch")
    (failed,) = changes(record, "request_failed")
    assert failed["url"] == "http://127.0.0.1:1/" and failed["failure"]
    assert changes(record, "navigation") == [site.url, f"{site.url}done"]
    order = [found["payload"].get("target") or found["payload"]["name"] for found in record.events]
    assert order.index("#break") < order.index("console_error")
    assert not record.of("error")


@pytest.mark.adapter("Playwright", "dialogs")
def test_a_dialog_is_recorded_and_answered_by_playwright_or_by_the_agent_as_before(
    record: Record, browser: Any, site: Site
) -> None:
    page = browser.new_page()
    PlaywrightAdapter(page)
    page.goto(site.url)
    page.click("#ask")
    assert page.title() == "false"
    page.on("dialog", lambda dialog: dialog.accept())
    page.click("#ask")
    page.wait_for_function("document.title === 'true'")
    assert changes(record, "dialog") == [{"type": "confirm", "message": "Really?"}] * 2
    assert ("dialog_accept", "Really?") in actions(record)


@pytest.mark.adapter("Playwright", "popups")
def test_a_page_that_the_page_opens_is_recorded_too(record: Record, browser: Any, site: Site) -> None:
    page = browser.new_page()
    PlaywrightAdapter(page)
    page.goto(site.url)
    with page.expect_popup() as opened:
        page.click("#popup")
    opened.value.get_by_role("heading").click()
    assert len(changes(record, "popup")) == 1
    last = record.of("browser_action")[-1]["payload"]
    assert (last["target"], last["url"]) == ("role=heading", f"{site.url}done")


PATIENCE_MS = 3_000
"""Long enough for Playwright to have found the field and to say what it tried on a busy machine."""

SECRETS = ("hunter2-secret", "998877", "554433", "hidden-csrf-value")


@pytest.mark.adapter("Playwright", "DOM snapshots")
def test_a_snapshot_has_text_values_warnings_and_tree_and_no_secret(
    record: Record, browser: Any, site: Site
) -> None:
    page = PlaywrightAdapter(browser.new_page())
    page.goto(site.url)
    page.fill("[name=patient]", "Mina")
    page.select_option("[name=dentist]", "osei")
    page.check("[name=remind]")
    page.fill("[name=pw]", SECRETS[0])
    page.fill("[name=c1]", SECRETS[1])
    page.fill("[name=otp-box]", "7")
    page.fill("[name=x]", SECRETS[2])
    page.snapshot()
    found = record.only("dom_snapshot")
    assert found["payload"]["url"] == site.url
    assert "Book a visit" in found["payload"]["visible_text"] and "Inside" in found["payload"]["visible_text"]
    assert found["payload"]["selected_values"] == {
        "patient": "Mina", "dentist": "osei", "remind": True, "inner: seat": "12A",
    }  # fmt: skip
    assert found["payload"]["warnings"] == ["Times are in UTC."]
    tree = found["metadata"]["accessibility_tree"]
    assert '- heading "Book a visit" [level=1]' in tree and '- option "Dr Osei" [selected]' in tree
    assert '- textbox "Verification code"' in tree and '- checkbox "Remind me" [checked]' in tree
    everything = json.dumps(record.events)
    assert not [secret for secret in SECRETS if secret in everything]


def test_what_was_typed_is_not_in_the_record_of_a_failure(record: Record, browser: Any, site: Site) -> None:
    page = browser.new_page()
    PlaywrightAdapter(page)
    page.goto(site.url)
    typed = SECRETS[0]
    page.evaluate("document.querySelector('[name=pw]').disabled = true")
    with pytest.raises(sync_api.Error) as raised:
        page.fill("[name=pw]", typed, timeout=PATIENCE_MS)
    assert typed in str(raised.value)
    page.evaluate("document.querySelector('[name=pw]').setAttribute('value', '998877')")
    with pytest.raises(sync_api.Error) as raised:
        page.locator("[name=pw]").click(timeout=PATIENCE_MS)
    assert "998877" in str(raised.value)
    everything = json.dumps(record.events)
    assert not [secret for secret in SECRETS if secret in everything]
    assert f"Timeout {PATIENCE_MS}ms exceeded" in record.of("error")[0]["payload"]["message"]


@pytest.mark.parametrize(
    ("tree", "left"),
    [
        ('- textbox "Code": "123456"', '- textbox "Code"'),
        ("- textbox: secret", "- textbox"),
        ('- textbox "P" [disabled] [active]: secret', '- textbox "P" [disabled] [active]'),
        ("- 'textbox \"Your: name\"': \"a: secret\"", "- 'textbox \"Your: name\"'"),
        (
            '- textbox "P":\n  - /placeholder: xx\n  - text: secret\n- text: after',
            '- textbox "P"\n  - /placeholder: xx\n- text: after',
        ),
        ('- form:\n  - searchbox "S": secret\n  - button "Go"', '- form:\n  - searchbox "S"\n  - button "Go"'),
        ('- combobox "S":\n  - option "a" [selected]', '- combobox "S"\n  - option "a" [selected]'),
        ("- textbox \"odd: secret", "- textbox"),
        ('- heading "textbox: x" [level=1]', '- heading "textbox: x" [level=1]'),
    ],
)  # fmt: skip
def test_an_accessibility_tree_loses_what_is_typed_into_its_fields(tree: str, left: str) -> None:
    assert without_values(tree) == left


@pytest.mark.parametrize(
    ("internal", "plain"),
    [
        ('internal:role=button[name="Book"i]', 'role=button[name="Book"]'),
        ('internal:label="Patient"i', 'label="Patient"'),
        ('internal:text="Book \\"it\\""i >> nth=0', 'text="Book \\"it\\"" >> nth=0'),
        ('internal:attr=[placeholder="Name"i]', '[placeholder="Name"]'),
        ('internal:testid=[data-testid="go"s]', '[data-testid="go"]'),
        ('li >> internal:has-text="Mina"i', 'li >> :has-text("Mina")'),
        ("#book", "#book"),
    ],
)
def test_a_selector_is_told_as_its_author_would_write_it(internal: str, plain: str) -> None:
    assert selector_of(internal) == plain


@pytest.mark.adapter("Playwright", "screenshots")
def test_pictures_come_after_every_action_when_asked_for_and_from_calls_of_the_agent(
    record: Record, browser: Any, site: Site
) -> None:
    page = browser.new_page()
    PlaywrightAdapter(page, screenshots="action", snapshots="action")
    page.goto(site.url)
    page.locator("#book").click()
    assert page.locator("#book").screenshot().startswith(b"\x89PNG")
    assert [found["metadata"] for found in record.of("screenshot")] == [
        {"after": "goto", "url": site.url}, {"after": "click", "url": site.url}, {"of": "#book", "url": site.url},
    ]  # fmt: skip
    assert all(found["storage_path"] for found in record.payloads("screenshot"))
    assert "Booked." in record.payloads("dom_snapshot")[1]["visible_text"]


@pytest.mark.adapter("Playwright", "trace frames")
def test_frames_of_a_trace_are_a_film_without_the_rest_of_the_trace(
    record: Record, browser: Any, site: Site, spool: Path
) -> None:
    context = browser.new_context()
    with PlaywrightAdapter(context.new_page(), record_frames=True) as page:
        page.goto(site.url)
        page.fill("[name=pw]", SECRETS[0])
        page.click("#on")
        page.get_by_role("heading").click()
    film = record.only("replay_artifact")
    assert film["metadata"]["frames"] >= 1
    marked = {int(seq) for seq in film["payload"]["event_time_map"]}
    assert {event["seq"] for event in record.of("browser_action")} - marked <= {1}
    with zipfile.ZipFile(spool / film["payload"]["storage_path"]) as kept:
        frames = json.loads(kept.read("frames.json"))
        assert {found["file"] for found in frames} | {"frames.json"} == set(kept.namelist())
        assert frames[0]["ms"] == 0 and kept.read(frames[0]["file"]).startswith(b"\xff\xd8\xff")
    assert page.finish() is None
    context.close()


@pytest.mark.adapter("Playwright", "trace frames")
def test_frames_are_kept_when_the_context_is_closed_without_finish(
    record: Record, browser: Any, site: Site
) -> None:
    context = browser.new_context()
    page = context.new_page()
    PlaywrightAdapter(page, record_frames=True)
    page.goto(site.url)
    context.close()
    assert record.only("replay_artifact")["metadata"]["frames"] >= 1


@pytest.mark.adapter("Playwright", "trace frames")
def test_a_film_without_frames_is_the_page_as_it_was_at_the_end(
    record: Record, browser: Any, site: Site, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        playwright_recording, "_frames", lambda source: []
    )  # as of a browser too busy to paint
    with PlaywrightAdapter(browser.new_page(), record_frames=True) as page:
        page.goto(site.url)
    film = record.only("replay_artifact")
    assert film["metadata"]["frames"] == 1
    with zipfile.ZipFile(spool / film["payload"]["storage_path"]) as kept:
        assert json.loads(kept.read("frames.json")) == [{"file": "00000.jpeg", "ms": 0}]
        assert kept.read("00000.jpeg").startswith(b"\xff\xd8\xff")


def test_a_trace_of_the_users_own_goes_on(record: Record, browser: Any, site: Site, tmp_path: Path) -> None:
    context = browser.new_context()
    context.tracing.start(screenshots=True)
    page = context.new_page()
    PlaywrightAdapter(page, record_frames=True)
    page.goto(site.url)
    context.tracing.stop(path=tmp_path / "trace.zip")
    assert (tmp_path / "trace.zip").exists()
    assert not record.of("replay_artifact")
    context.close()


@pytest.mark.adapter("Playwright", "detach")
def test_detach_leaves_the_classes_and_the_page_as_they_were(
    record: Record, browser: Any, site: Site
) -> None:
    owners = [getattr(sync_api, name) for name in ("Page", "Locator", "Frame", "Browser", "Keyboard")]
    before = [dict(vars(owner)) for owner in owners]
    raw = browser.new_page()
    adapter = PlaywrightAdapter(raw)
    assert sync_api.Page.click is not before[0]["click"]
    raw.goto(site.url)
    adapter.detach()
    adapter.stop()
    raw.click("#break")
    assert [dict(vars(owner)) for owner in owners] == before
    assert actions(record) == [("goto", site.url)]
    assert not changes(record, "page_error")


def test_a_page_that_is_closed_needs_no_detach(record: Record, browser: Any) -> None:
    before = sync_api.Page.click
    page = browser.new_page()
    PlaywrightAdapter(page)
    assert sync_api.Page.click is not before
    page.close()
    assert sync_api.Page.click is before
    assert actions(record) == [("close", "page")]


@pytest.mark.adapter("Playwright", "two sessions")
def test_two_pages_record_into_their_own_sessions(spool: Path, browser: Any, site: Site) -> None:
    with Record(spool) as left, Record(spool) as right:
        first, second = browser.new_page(), browser.new_page()
        PlaywrightAdapter(first, left.session)
        PlaywrightAdapter(second, right.session)
        first.goto(site.url)
        second.goto(f"{site.url}done")
        first.click("#break")
        browser.new_page().goto(site.url)
        assert actions(left) == [("goto", site.url), ("click", "#break")]
        assert actions(right) == [("goto", f"{site.url}done")]
        assert len(changes(left, "page_error")) == 1 and not changes(right, "page_error")


@pytest.mark.adapter("Playwright", "two sessions")
def test_a_page_without_a_session_given_records_into_the_one_that_is_current_at_each_call(
    spool: Path, browser: Any, site: Site
) -> None:
    page = PlaywrightAdapter(browser.new_page())
    page.goto(site.url)
    with Record(spool) as first:
        page.click("#book")
    with Record(spool) as second:
        with second.session.span("fill in"):
            page.fill("[name=patient]", "Mina")
        assert second.span_of(second.only("browser_action")) == "fill in"
    assert actions(first) == [("click", "#book")]
    assert actions(second) == [("fill", "[name=patient]")]


@pytest.mark.adapter("Playwright", "many threads")
def test_browsers_in_many_threads_do_not_mix(spool: Path, site: Site) -> None:
    found: dict[int, Any] = {}
    options = launch_options()

    def visit(number: int) -> None:
        with Record(spool) as mine, sync_api.sync_playwright() as playwright:
            page = PlaywrightAdapter(playwright.chromium.launch(**options).new_page())
            page.goto(site.url)
            for _ in range(number + 1):
                page.locator("#book").click()
            page.context.browser.close()
            found[number] = actions(mine)

    threads = [threading.Thread(target=visit, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {n: [("goto", site.url), *[("click", "#book")] * (n + 1)] for n in range(3)}


def test_the_patch_records_every_page_and_leaves_those_of_adapters_to_them(
    record: Record, browser: Any, site: Site
) -> None:
    before = sync_api.Page.goto
    with PlaywrightPatch():
        page = browser.new_page()
        page.goto(site.url)
        page.click("#break")
        PlaywrightAdapter(page)
        page.click("#break")
        page.close()
    assert actions(record) == [
        ("goto", site.url),
        ("click", "#break"),
        ("click", "#break"),
        ("close", "page"),
    ]
    assert len(changes(record, "page_error")) == 2
    assert sync_api.Page.goto is before


def test_without_a_session_pages_work_and_nothing_is_recorded(browser: Any, site: Site) -> None:
    with PlaywrightAdapter(browser.new_page(), record_frames=True) as page:
        page.goto(site.url)
        page.click("#book")
        assert page.inner_text("#said") == "Booked."
        assert page.snapshot() is None


def test_a_page_that_hangs_is_not_waited_for_when_its_action_failed(
    record: Record, browser: Any, site: Site
) -> None:
    page = browser.new_page()
    PlaywrightAdapter(page)
    page.goto(site.url)
    page.on("dialog", lambda dialog: None)
    with page.expect_event("dialog"):  # from now on, the page does nothing
        page.evaluate("setTimeout(() => document.querySelector('#ask').click())")
    with pytest.raises(sync_api.TimeoutError):
        page.click("#book", timeout=300)
    assert record.only("error")
    assert not record.of("screenshot") and not record.of("dom_snapshot")


class PlainPage:
    """An object that only looks like a page."""

    url = "https://example.com/"

    def click(self, selector: str) -> str:
        if selector == "#none":
            raise LookupError(selector)
        return "clicked"

    def inner_text(self, selector: str) -> str:
        return "the text"

    def evaluate(self, script: str) -> Any:
        return {"dentist": "osei"} if "selectedOptions" in script else ["careful"]

    def screenshot(self, **options: Any) -> bytes:
        return b"\x89PNG\r\n\x1a\n"

    class video:
        @staticmethod
        def path() -> str:
            return "run.webm"


def test_an_object_that_only_looks_like_a_page_is_recorded_by_the_adapters_own_methods(
    record: Record,
) -> None:
    page = PlaywrightAdapter(PlainPage(), recording_started_at=0.0)
    assert page.click("#book") == "clicked"
    with pytest.raises(LookupError):
        page.click("#none")
    page.snapshot()
    assert page.screenshot(full_page=True) == b"\x89PNG\r\n\x1a\n"
    event = page.finish()
    assert page.finish() is None
    assert actions(record) == [("click", "#book"), ("click", "#none")]
    assert record.only("error")["payload"]["error_type"] == "LookupError"
    assert record.only("dom_snapshot")["payload"]["selected_values"] == {"dentist": "osei"}
    assert record.only("screenshot")["payload"]["source_type"] == "bytes"
    seqs = {str(found["seq"]) for found in record.of("browser_action")}
    assert set(event["payload"]["event_time_map"]) == seqs


def test_a_session_that_ends_while_an_action_is_under_way_has_the_action(
    spool: Path, browser: Any, site: Site
) -> None:
    record = Record(spool)
    page = browser.new_page()
    PlaywrightAdapter(page, record.session)
    with record:
        page.goto(site.url)

    with Record(spool) as other:
        adapter = PlaywrightAdapter(page, other.session)
        page.on("dialog", lambda dialog: (other.session.end(), dialog.accept()))
        page.click("#ask")
        adapter.detach()
    assert other.of("browser_action")[-1]["metadata"]["status"] == "unfinished"


def test_options_that_are_none_are_refused(browser: Any) -> None:
    with pytest.raises(ValueError, match="'always' is none of"):
        PlaywrightAdapter(browser.new_page(), screenshots="always")  # type: ignore[arg-type]


def test_a_session_can_be_given_that_is_not_current(spool: Path, browser: Any, site: Site) -> None:
    session = pt.start(agent="a", user_goal="g", spool_dir=spool)
    PlaywrightAdapter(page := browser.new_page(), session)
    page.goto(site.url)
    session.end()
    events = [json.loads(line) for line in next(spool.glob("*.jsonl")).read_text().splitlines()]
    assert [event["payload"]["target"] for event in events if event["type"] == "browser_action"] == [site.url]
