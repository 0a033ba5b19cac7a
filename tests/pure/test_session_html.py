"""A session as one HTML page and as Markdown: it stands alone, escapes everything, and shows what people noted."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

from promptetheus.cli import main
from promptetheus.exporters.markdown_export import session_markdown
from promptetheus.exporters.session_html import session_html
from promptetheus.notes import Notes, Subject
from promptetheus.queries.session_log import SessionLog
from tests.tui.recorded import Recording, a_failing

HOSTILE = "<script>alert(1)</script>\x1b]52;c;eA==\x07\u202e\"'><img src=x onerror=alert(2)>"


def test_nothing_recorded_becomes_markup(spool: Path) -> None:
    recording = Recording(spool, "01M8<b>").user(HOSTILE).tool(HOSTILE, {HOSTILE: HOSTILE}, error=HOSTILE)
    log = SessionLog(recording.check(False, HOSTILE).end("failed", HOSTILE).path)
    log.poll()
    page = session_html("01M8<b>", log.events())
    tags: set[str] = set()

    class Collect(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            tags.add(tag)
            assert not [name for name, _ in attrs if name.startswith("on")]

    Collect().feed(page)
    assert not tags & {"script", "b", "img", "iframe", "object"}
    assert not {"\x1b", "\x07", "\u202e"} & set(page)
    assert "default-src 'none'" in page and not re.search(r"(src|href)=\"(?!data:|#)", page)


def test_failed_steps_are_open_and_notes_stand_at_their_step(spool: Path) -> None:
    path = a_failing(spool, "01M8FAILED").path
    notes = Notes(spool)
    notes.add(Subject(session_id="01M8FAILED"), "about all <of> it")
    notes.add(Subject(session_id="01M8FAILED", step=2), "about step two")
    log = SessionLog(path)
    log.poll()
    page = session_html("01M8FAILED", log.events(), notes=notes.all())
    assert "about all &lt;of&gt; it" in page
    assert re.search(r'id="step-2" open>.*about step two', page)
    text = session_markdown("01M8FAILED", log.events(), notes.all())
    assert "> about all <of> it" in text and "> about step two" in text


def test_the_command_writes_each_format(spool: Path, tmp_path: Path) -> None:
    a_failing(spool, "01M8FAILED")
    for form, start in (("html", "<!doctype html>"), ("md", "# Session 01M8FAILED"), ("json", "{")):
        target = tmp_path / f"out.{form}"
        words = ["export", "01M8FAILED", "--format", form, "--out", str(target), "--spool", str(spool)]
        assert main(words) == 0
        assert target.read_text().startswith(start)
