from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from promptetheus.cause.picture_changes import Box, PictureChange, PictureKind
from promptetheus.cause.row_details import PicturePair
from promptetheus.exporters.diff_html import MAX_ROWS, Shots, diff_html
from tests.builders import SessionBuilder, a_session
from tests.cause.hostile import EVENTS
from tests.cause.reports import report_of, report_of_events

ATTACKS = (
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "javascript:alert(1)",
    "<!-- --><iframe src=https://evil.example>",
    "&lt;script&gt;",
    "\x1b]0;title\x07\u202etxt.exe",
    "\ud800 lone",
)
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def is_harmless(page: Page) -> bool:
    for tag, attributes in page.tags:
        if tag in ("script", "iframe", "object", "embed", "link", "form", "base", "svg"):
            return False
        for name, value in attributes.items():
            if name.startswith("on") or (name == "src" and not str(value).startswith("data:image/png")):
                return False
            if name == "href" and not str(value).startswith("#row-"):
                return False
    return page.open == []


def attacked(text: str, *, otherwise: bool) -> SessionBuilder:
    shown = f"{text} again" if otherwise else text
    return (
        a_session(goal=text)
        .asks(shown)
        .calls(f"tool {text}", {text: shown}, result={"out": shown})
        .event("browser_action", {"action": "click", "target": text, "url": text})
        .event("dom_snapshot", {"url": text, "visible_text": shown, "warnings": [shown]})
        .event("error", {"message": shown, "error_type": text})
    )


@given(st.sampled_from(ATTACKS))
def test_text_of_a_recording_is_text_on_the_page(text: str) -> None:
    report = report_of(attacked(text, otherwise=False), attacked(text, otherwise=True))
    page = Page(diff_html(report))
    assert is_harmless(page)
    assert "\x1b" not in "".join(page.text)
    assert "\u202e" not in "".join(page.text)


@given(EVENTS, EVENTS)
def test_hostile_sessions_give_a_whole_page(
    one: list[dict[str, object]], other: list[dict[str, object]]
) -> None:
    assert is_harmless(Page(diff_html(report_of_events(one, other))))


def test_the_page_stands_alone_and_forbids_what_would_come_from_outside() -> None:
    text = diff_html(report_of(a_session().says("a"), a_session().says("b")))
    assert "default-src 'none'" in text
    assert "http://" not in text and "https://" not in text
    assert "prefers-color-scheme: dark" in text


def test_words_that_changed_are_marked_on_their_side() -> None:
    one, other = (
        a_session().says("Booked Tuesday 2pm for you"),
        a_session().says("Booked Wednesday 2pm for you"),
    )
    text = diff_html(report_of(one, other))
    assert "Booked <del>Tuesday</del> 2pm" in text
    assert "Booked <ins>Wednesday</ins> 2pm" in text


def test_screenshots_are_embedded_with_the_changed_region_boxed() -> None:
    def shoots(name: str) -> SessionBuilder:
        return a_session().event("screenshot", {"storage_path": f"artifacts/{name}.png"})

    change = PictureChange(PictureKind.REGION, Box(10, 20, 60, 70), 0.1)
    report = report_of(shoots("a"), shoots("b")).with_pictures(lambda pair: change)

    def shots(pair: PicturePair) -> Shots:
        return Shots(b"left", None, (100, 200), change)

    text = diff_html(report, shots)
    assert 'src="data:image/png;base64,bGVmdA=="' in text
    assert "left:10.00%;top:10.00%;width:50.00%;height:25.00%" in text
    assert "no picture" in text
    assert is_harmless(Page(text))


def test_a_long_comparison_says_what_it_left_out() -> None:
    one, other = a_session(), a_session()
    for number in range(MAX_ROWS + 100):
        one.says(f"left {number}")
        other.says(f"right {number}")
    text = diff_html(report_of(one, other))
    assert "more rows differ" in text
    assert len(text) < 10_000_000
