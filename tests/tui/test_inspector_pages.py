"""What the inspector says of each kind of step."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text

from promptetheus.cause.steps import StepKind
from promptetheus.queries.session_log import SessionLog
from promptetheus.tui.inspector.inspector import Glance, subject_of
from promptetheus.tui.inspector.inspectors import _BLOCKS, page_of
from promptetheus.tui.inspector.page import Folds, Frame, Line, Page
from promptetheus.tui.pictures.picture_block import PictureBlock
from promptetheus.tui.session.verdict_reader import VerdictReader
from promptetheus.tui.theme import Looks
from tests.tui.session_recording import SessionRecording, lines_text, png, some_looks


@pytest.fixture
def looks() -> Looks:
    return some_looks()


@pytest.fixture
def run(spool: Path) -> SessionRecording:
    return SessionRecording(spool, "01PAGES")


class Pages:
    """The pages of a recording's steps."""

    def __init__(self, run: SessionRecording, looks: Looks) -> None:
        self.log = SessionLog(run.path)
        self.log.poll()
        self.steps = self.log.steps
        self.looks = looks
        self.folds = Folds()
        self.running = False

    def lines(self, index: int = -1, *, raw: bool = False, width: int = 60) -> list[Line]:
        step = self.steps[index]
        blames = VerdictReader().blames(self.log, self.steps, len(self.steps))
        glance = Glance(step, None, self.steps, self.running, blames.get(step.index))
        page = page_of(subject_of(self.log, glance), raw=raw)
        return page.lines(Frame(width, 30, self.looks, self.folds))

    def text(self, index: int = -1, *, raw: bool = False, width: int = 60) -> str:
        return lines_text(self.lines(index, raw=raw, width=width))


def test_every_page_begins_with_kind_name_verdict_and_place(run: SessionRecording, looks: Looks) -> None:
    run.tool("search", {"q": 1}, error="no")
    head, place = Pages(run, looks).text().split("\n")[:2]
    assert head.split() == ["tool", "search", "✗", "failed", "1.0s"]
    assert place == "step 1 · at 1.00 · events 1…2"


def test_a_session_start_shows_goal_agent_and_metadata(spool: Path, looks: Looks) -> None:
    run = SessionRecording(spool, "01START", agent="booker", goal="Book **Tuesday**", tags=("a", "b"))
    text = Pages(run, looks).text(0)
    assert "Book Tuesday" in text
    for words in (
        "agent    booker",
        "session  01START",
        "tags     a, b",
        f"process {os.getpid()}",
    ):
        assert words in text
    assert "process_started" not in text and "process_started" in Pages(run, looks).text(0, raw=True)


def test_messages_are_markdown_without_live_links(run: SessionRecording, looks: Looks) -> None:
    run.agent(
        "# Done\n\nBooked **Wednesday**, see [docs](http://evil.example).\nSecond line\n\n```python\nx = 1\n```"
    )
    lines = Pages(run, looks).lines()
    text = lines_text(lines)
    assert "Done" in text and "# Done" not in text
    assert "Booked Wednesday, see docs (http://evil.example)." in text
    assert "\nSecond line" in text, "line breaks stay as they were sent"
    assert "  x = 1" in text
    for line in lines:
        for segment in getattr(line.content, "_segments", []):
            assert segment.style is None or (segment.style.link is None and not segment.style.meta)


def test_html_entities_and_pictures_in_messages_are_shown_as_they_stand(
    run: SessionRecording, looks: Looks
) -> None:
    run.user("<system>obey</system> &lt;b&gt; &#x202e; ![alt](http://x/y.png)")
    text = Pages(run, looks).text()
    assert "<system>obey</system>" in text
    assert "&lt;b&gt; &#x202e;" in text
    assert "[picture: alt]" in text


def test_a_message_that_is_no_text_is_json(run: SessionRecording, looks: Looks) -> None:
    run.add("user_message", {"content": [{"type": "text", "text": "hi"}]})
    assert 'text: "hi"' in Pages(run, looks).text()


def test_a_tool_call_shows_arguments_and_result(run: SessionRecording, looks: Looks) -> None:
    run.tool("search", {"day": "Tuesday", "limit": 5, "free": True, "who": None}, ["2pm", "3pm"])
    text = Pages(run, looks).text()
    for words in ('day  "Tuesday"', "limit  5", "free  true", "who  null", "result  2 items", '0  "2pm"'):
        assert words in text


@pytest.mark.parametrize(
    ("result", "note"),
    [('{"a": [1, 2]}', "JSON in a text"), ("{'a': (1, 2)}", "a Python value in a text")],
)
def test_json_inside_a_text_is_shown_as_json_with_a_note(
    run: SessionRecording, looks: Looks, result: str, note: str
) -> None:
    run.tool("search", {}, result)
    text = Pages(run, looks).text()
    assert "a  [1, 2]" in text and note in text


def test_text_that_only_looks_like_json_stays_text(run: SessionRecording, looks: Looks) -> None:
    run.tool("search", {}, "[not json]")
    text = Pages(run, looks).text()
    assert 'result  "[not json]"' in text and "in a text" not in text


def test_a_decorated_call_shows_values_and_not_reprs(run: SessionRecording, looks: Looks) -> None:
    call = {"tool_name": "f", "arguments": {"args": "('Tuesday',)", "kwargs": "{}"}, "call_id": "x"}
    run.add("tool_call", call, metadata={"arguments": {"day": "Tuesday"}})
    run.add("tool_result", {"call_id": "x", "result": "['2pm']", "error": None}, metadata={"result": ["2pm"]})
    text = Pages(run, looks).text()
    assert 'day  "Tuesday"' in text and "kwargs" not in text
    assert "result  1 item" in text and "Python" not in text
    assert "metadata" not in text, "what is shown in its place is not shown twice"


def test_a_failed_call_shows_its_error_as_a_traceback(run: SessionRecording, looks: Looks) -> None:
    run.tool(
        "send",
        {},
        error='Traceback (most recent call last):\n  File "/app/a.py", line 4, in f\nValueError: no',
    )
    lines = Pages(run, looks).lines()
    error = next(line.content for line in lines if "ValueError" in str(line.content))
    assert any("bold" in str(span.style) for span in error.spans)  # type: ignore[union-attr]


def test_an_open_call_says_whether_a_result_can_still_come(run: SessionRecording, looks: Looks) -> None:
    run.call("slow")
    pages = Pages(run, looks)
    assert "It never returned" in pages.text()
    pages.running = True
    assert "No result yet." in pages.text()


def test_a_result_without_its_call_says_so(run: SessionRecording, looks: Looks) -> None:
    run.add("tool_result", {"call_id": "lost", "result": 5, "error": None})
    text = Pages(run, looks).text()
    assert "The call this result belongs to was not recorded." in text
    assert "result  5" in text


def test_a_model_call_shows_tokens_cost_and_latency(run: SessionRecording, looks: Looks) -> None:
    run.llm(model="gpt-4o", tokens_in=1_000_000, tokens_out=82)
    text = Pages(run, looks).text()
    for words in ("model    gpt-4o", "1,000,000 tokens", "82 tokens", "640ms", "128 tokens a second"):
        assert words in text
    assert "$2.50  by list price" in text


def test_a_recorded_cost_goes_before_the_list_price(run: SessionRecording, looks: Looks) -> None:
    run.add("llm_call", {"model": "gpt-4o", "input_tokens": 5, "cost_usd": 0.25})
    assert "$0.25  as recorded" in Pages(run, looks).text()


def test_an_unknown_model_is_unpriced_and_never_free(run: SessionRecording, looks: Looks) -> None:
    run.llm(model="house-model-9")
    text = Pages(run, looks).text()
    assert "no price is known for this model" in text
    assert "$0" not in text


def test_retrievals_are_a_ranked_table_whose_documents_unfold(run: SessionRecording, looks: Looks) -> None:
    documents = [
        {"id": "d1", "score": 0.93, "source": "handbook.md", "content": "Book rooms early"},
        {"id": "d2", "score": 0.5, "content": "No"},
        "a plain text",
    ]
    run.add("retrieval", {"query": "how to book", "documents": documents})
    pages = Pages(run, looks)
    text = pages.text()
    assert "how to book" in text
    assert "1    0.930  handbook.md  Book rooms early" in text
    assert "2    0.500  d2           No" in text
    assert "3        –               a plain text" in text
    first = next(line for line in pages.lines() if "handbook" in str(line.content))
    pages.folds.opened[first.fold] = True
    assert 'id  "d1"' in pages.text()


def test_a_document_says_what_its_retriever_called_text_and_nothing_where_it_says_nothing(
    run: SessionRecording, looks: Looks
) -> None:
    documents = [{"id": "d1", "score": 0.91}, {"id": "d2", "text": "Refunds take a week"}]
    run.add("retrieval", {"query": "refunds", "documents": documents})
    text = Pages(run, looks).text()
    assert "1    0.910  d1\n" in "\n".join(line.rstrip() for line in text.splitlines())
    assert "d2  Refunds take a week" in text


def test_documents_are_read_without_unfolding_them_where_there_is_room(
    run: SessionRecording, looks: Looks
) -> None:
    long = "Rooms are booked by whoever needs them, early, and given back when the meeting is moved or called off."
    run.add("retrieval", {"query": "x", "documents": [{"id": "d1", "content": long}]})
    run.add("retrieval", {"query": "x", "documents": [{"id": f"d{n}", "content": long} for n in range(40)]})
    run.add("retrieval", {"query": "x", "documents": [{"source": "the-whole-handbook", "content": long}]})
    pages = Pages(run, looks)
    narrow = pages.text(3).splitlines()
    assert narrow[-3].split() == ["▸", "1", "–", "the-whole-handbook"], "too little room is left beside it"
    assert " ".join(" ".join(narrow[-2:]).split()) == long and narrow[-1].startswith(" " * 7)
    few, many = pages.text(1), pages.text(2)
    assert " ".join(few.split()).endswith(long), "all of one document stands there"
    assert few.splitlines()[-1].startswith(" " * 19), "under its own beginning"
    assert all(len(line) <= 60 and line.endswith("…") for line in many.splitlines()[-40:]), "a line each"


def test_a_retrieval_that_found_nothing_says_so(run: SessionRecording, looks: Looks) -> None:
    run.add("retrieval", {"query": "x", "documents": []})
    assert "nothing was found" in Pages(run, looks).text()


def test_an_action_shows_the_screenshot_and_dom_that_follow_it(run: SessionRecording, looks: Looks) -> None:
    run.add(
        "browser_action",
        {"action": "click", "target": "#go", "url": "https://a.example"},
        metadata={"x": 3, "y": 4},
    )
    run.picture().add("dom_snapshot", {"url": "https://a.example", "visible_text": "Welcome"})
    text = Pages(run, looks).text()
    for words in ("click", "#go", "https://a.example", "position  3, 4", "64×40  PNG", "▀▀▀", '"Welcome"'):
        assert words in text
    assert "action" not in text, "the first line says already that it is a click"


def test_a_dom_snapshot_says_in_words_what_changed(run: SessionRecording, looks: Looks) -> None:
    before = {
        "url": "https://a.example/1",
        "visible_text": "Pick\nTuesday",
        "selected_values": {"slot": "Tue", "old": 1},
    }
    after = {
        "url": "https://a.example/2",
        "visible_text": "Pick\nBooked",
        "selected_values": {"slot": "Wed"},
        "warnings": ["Timezone changed"],
    }
    run.add("dom_snapshot", before).user("x").add("dom_snapshot", after)
    text = " ".join(Pages(run, looks).text().split())
    for sentence in (
        "The page went from https://a.example/1 to https://a.example/2.",
        "slot changed from “Tue” to “Wed”.",
        "old is no longer set (was “1”).",
        "A warning appeared: Timezone changed",
        "New on the page: “Booked”.",
        "Gone from the page: “Tuesday”.",
        "⚠ Timezone changed",
    ):
        assert sentence in text


def test_another_page_altogether_is_told_in_one_sentence(run: SessionRecording, looks: Looks) -> None:
    run.add("dom_snapshot", {"url": "https://a.example/1", "visible_text": "old"})
    run.add("dom_snapshot", {"url": "https://a.example/2", "visible_text": "\n".join(map(str, range(90)))})
    text = " ".join(Pages(run, looks).text().split())
    assert "New on the page: “0”, “1”, “2”, “3” and 86 more lines." in text


def test_the_first_dom_snapshot_has_nothing_to_be_compared_with(run: SessionRecording, looks: Looks) -> None:
    run.add("dom_snapshot", {"url": "https://a.example", "visible_text": "hello"})
    assert "what changed" not in Pages(run, looks).text()


def test_an_unchanged_page_is_said_to_be(run: SessionRecording, looks: Looks) -> None:
    for _ in range(2):
        run.add("dom_snapshot", {"url": "https://a.example", "visible_text": "hello"})
    assert "Nothing changed since the snapshot before." in Pages(run, looks).text()


def test_a_screenshot_is_a_picture_with_its_measures(run: SessionRecording, looks: Looks) -> None:
    run.picture(size=(128, 80), metadata={"width": 128, "height": 80, "tab": 2})
    lines = Pages(run, looks).lines()
    text = lines_text(lines)
    assert "128×80  PNG" in text
    assert text.count("▀" * 60) >= 10
    assert "tab  2" in text and "width" not in text, "its measures are not said twice"
    picture = next(line for line in lines if line.title == "picture")
    assert isinstance(picture.opens, PictureBlock)


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        ({}, "The picture itself was not kept"),
        ({"source": "/home/me/shot.png"}, "It was read from /home/me/shot.png"),
        ({"storage_path": "../../etc/passwd"}, "no picture: "),
        ({"storage_path": "/etc/passwd"}, "no picture: the path leads outside"),
        ({"storage_path": "artifacts/aa/none.png"}, "no picture: its file is gone from the spool"),
        ({"storage_path": 7}, "The picture itself was not kept"),
        ({"storage_path": "a\x00b"}, "no picture: "),
    ],
)
def test_a_screenshot_that_cannot_be_shown_says_why(
    run: SessionRecording, looks: Looks, payload: dict[str, Any], says: str
) -> None:
    run.add("screenshot", payload)
    assert says in Pages(run, looks).text(width=100)


def test_a_link_out_of_the_spool_is_no_picture(run: SessionRecording, looks: Looks, tmp_path: Path) -> None:
    outside = tmp_path / "outside.png"
    outside.write_bytes(png())
    inside = run.path.parent / "artifacts" / "aa"
    inside.mkdir(parents=True)
    (inside / "link.png").symlink_to(outside)
    run.add("screenshot", {"storage_path": "artifacts/aa/link.png"})
    text = Pages(run, looks).text()
    assert "no picture: the path leads outside" in text and "▀" not in text


def test_a_recording_says_its_size_and_where_it_lies(run: SessionRecording, looks: Looks) -> None:
    payload = {
        "artifact_type": "screen_recording",
        "size_bytes": 123_456,
        "storage_path": "artifacts/ab/x.webm",
    }
    run.add("replay_artifact", {**payload, "duration_ms": 4_200})
    text = Pages(run, looks).text(width=200)
    for words in ("screen_recording", "123.5 kB", "4.2s", "artifacts/ab/x.webm"):
        assert words in text


def test_a_failed_check_lists_what_does_not_match(run: SessionRecording, looks: Looks) -> None:
    run.check(False, "selected Wednesday, not Tuesday", "no laptop")
    text = Pages(run, looks).text()
    assert "✗ the goal was not met: 2 things do not match" in text
    assert "✗ selected Wednesday, not Tuesday" in text and "✗ no laptop" in text
    assert "goal  Book Tuesday at 2pm" in text, "one sees what was wanted without going back to the start"


@pytest.mark.parametrize("after", [None, 5, {}, {"user_goal": ""}])
def test_a_check_of_a_session_without_a_goal_names_none(spool: Path, looks: Looks, after: Any) -> None:
    run = SessionRecording(spool, "01NOGOAL")
    started = json.loads(run.path.read_text())
    started["payload"]["after"] = after
    run.path.write_text(json.dumps(started) + "\n")
    text = Pages(run.check(False, "no laptop"), looks).text()
    assert "✗ no laptop" in text and "goal  " not in text


def test_a_passed_check_says_so(run: SessionRecording, looks: Looks) -> None:
    run.check(True)
    assert "✓ the goal was met" in Pages(run, looks).text()


def a_task_with_expectations(run: SessionRecording) -> SessionRecording:
    run.tool("look_up", {"id": 1}, {"name": "Mia"})
    run.tool("book", {"day": "Wednesday", "seat": 4}, "ok")
    run.tool("cancel", {"id": 9}, "ok")
    calls = {
        event["payload"]["tool_name"]: event["payload"]["call_id"]
        for event in events_of(run)
        if event["type"] == "tool_call"
    }
    mismatches = ["book was called with another day", "cancel(id=9) was not expected", "pay was never called"]
    return run.add(
        "goal_check",
        {"passed": False, "mismatches": mismatches},
        metadata={
            "expected_actions": [
                {"name": "look_up", "arguments": {"id": 1}},
                {"name": "book", "arguments": {"day": "Tuesday", "seat": 4}},
                {"name": "pay", "arguments": {}},
            ],
            "unmatched": [
                {"name": "book", "expected": True, "call_id": calls["book"]},
                {"name": "cancel", "expected": False, "call_id": calls["cancel"]},
                {"name": "pay", "expected": True, "call_id": None},
            ],
        },
    )


def events_of(run: SessionRecording) -> list[dict[str, Any]]:
    log = SessionLog(run.path)
    log.poll()
    return log.events()


def test_a_check_shows_expected_calls_and_leads_to_those_that_were_made(
    run: SessionRecording, looks: Looks
) -> None:
    pages = Pages(a_task_with_expectations(run), looks)
    lines = pages.lines()
    text = lines_text(lines)
    assert "✓ look_up(id=1)\n  called in step 1" in text
    assert '✗ book(day="Tuesday", seat=4)\n  called otherwise in step 2' in text
    assert "✗ pay()\n  never called" in text
    links = {str(line.content): line.goes_to for line in lines if line.goes_to is not None}
    assert links["✗ book was called with another day"] == 2
    assert links["✗ cancel(id=9) was not expected"] == 3
    assert "unmatched" not in text, "what is shown in its place is not shown twice"


def test_a_blamed_call_shows_what_was_passed_and_what_was_expected(
    run: SessionRecording, looks: Looks
) -> None:
    pages = Pages(a_task_with_expectations(run), looks)
    text = pages.text(2)
    assert "≠ other arguments were expected   by the check, step 4" in text
    assert "  day\n    passed    Wednesday\n    expected  Tuesday" in text
    assert "seat\n" not in text
    assert "≠ this call was not expected" in pages.text(3)
    assert "≠" not in pages.text(1)


def test_an_error_shows_type_message_fate_and_traceback(run: SessionRecording, looks: Looks) -> None:
    trace = (
        'Traceback (most recent call last):\n  File "/app/a.py", line 4, in f\n    boom()\nTimeoutError: slow'
    )
    run.add("error", {"error_type": "TimeoutError", "message": "slow", "traceback": trace, "handled": True})
    text = Pages(run, looks).text()
    for words in (
        "TimeoutError: slow",
        "handled  yes, the agent went on",
        'File "/app/a.py", line 4, in f',
        "boom()",
    ):
        assert words in text


@pytest.mark.parametrize("trace", ["TimeoutError: slow\n", "asyncio.TimeoutError: slow"])
def test_an_error_that_was_never_raised_is_not_said_twice(
    run: SessionRecording, looks: Looks, trace: str
) -> None:
    run.add("error", {"error_type": "TimeoutError", "message": "slow", "traceback": trace})
    assert Pages(run, looks).text().count("TimeoutError: slow") == 1


def test_a_long_traceback_shows_its_end_and_the_beginning_on_demand(
    run: SessionRecording, looks: Looks
) -> None:
    trace = "\n".join(f'  File "/app/a.py", line {number}, in f' for number in range(500)) + "\nEnd: here"
    run.add("error", {"message": "x", "traceback": trace})
    pages = Pages(run, looks)
    text = pages.text()
    assert "End: here" in text and "line 499" in text and "line 3," not in text
    more = next(line for line in pages.lines() if line.more)
    assert "461 lines before" in str(more.content)
    for _ in range(5):
        pages.folds.show_more(more.more)
    assert "line 3," in pages.text()


def test_a_span_lists_what_is_inside(run: SessionRecording, looks: Looks) -> None:
    with run.span("outer"):
        run.tool("a", {}, 1)
        with run.span("inner"):
            run.tool("b", {}, 1)
    run.tool("c", {}, 1)
    pages = Pages(run, looks)
    inside = [line for line in pages.lines(1) if line.goes_to is not None]
    assert [line.goes_to for line in inside] == [2, 3]
    assert "span  outer" in pages.text(1) and "1.5s" in pages.text(1)


def test_a_state_change_shows_before_and_after(run: SessionRecording, looks: Looks) -> None:
    run.add("state_change", {"name": "cart", "before": {"items": 1}, "after": {"items": 2}})
    text = Pages(run, looks).text()
    assert "what  cart" in text
    assert "▾ before\n    items  1" in text
    assert "▾ after\n    items  2" in text
    assert "what changed\n• items: 1 → 2" in text


def test_a_state_change_tells_of_times_and_ids_too(run: SessionRecording, looks: Looks) -> None:
    before = {"at": "2026-01-01T00:00:00Z", "id": "9f8e7d6c-0000-4000-8000-000000000001", "same": 1}
    after = {**before, "at": "2026-01-02T00:00:00Z", "id": "9f8e7d6c-0000-4000-8000-000000000002"}
    run.add("state_change", {"name": "lock", "before": before, "after": after})
    text = Pages(run, looks).text()
    assert "• at: " in text and "• id: " in text
    run.add("state_change", {"name": "lock", "before": before, "after": dict(before)})
    assert "• Nothing." in Pages(run, looks).text()


def test_scores_and_metrics_show_value_unit_and_comment(run: SessionRecording, looks: Looks) -> None:
    run.add("score", {"name": "helpful", "value": 0.4, "comment": "wrong day", "source": "judge"})
    run.add("metric", {"name": "queue", "value": 12, "unit": "ms"})
    pages = Pages(run, looks)
    for words in ("helpful", "0.4", "wrong day", "judge"):
        assert words in pages.text(-2)
    assert "12 ms" in pages.text(-1)


def test_the_end_shows_status_error_and_the_session_in_numbers(run: SessionRecording, looks: Looks) -> None:
    run.end("failed", "ValueError: no")
    text = Pages(run, looks).text()
    for words in ("status  failed", "ValueError: no", "took    1.0s", "UTC"):
        assert words in text
    assert "spool_bytes" not in text, "what the recorder noted for itself is in the raw event"


def test_an_unknown_type_is_shown_as_json(run: SessionRecording, looks: Looks) -> None:
    run.add("quantum_leap", {"qubits": [1, 2, {"deep": True}]})
    text = Pages(run, looks).text()
    assert "event  quantum_leap" in text and "qubits" in text and "deep" in text


def test_the_raw_page_holds_every_event_of_the_step_whole(run: SessionRecording, looks: Looks) -> None:
    run.tool("search", {"q": 1}, 2)
    text = Pages(run, looks).text(raw=True)
    for words in ("1 tool_call", "2 tool_result", "idempotency_key", "session_id", "timestamp", "seq  1"):
        assert words in text


@pytest.mark.parametrize("kind", ["tool_call", "llm_call", "retrieval", "goal_check", "error", "dom_snapshot",
                                  "screenshot", "browser_action", "session_end", "score", "state_change",
                                  "user_message", "replay_artifact", "tool_result"])  # fmt: skip
@pytest.mark.parametrize("payload", [{}, {"arguments": 5, "documents": "x", "mismatches": {"a": 1}, "content": 7,
                                          "message": [1], "traceback": 3, "error": {"a": 1}, "url": [2],
                                          "visible_text": 4, "selected_values": "x", "warnings": "y",
                                          "storage_path": [], "latency_ms": "soon", "input_tokens": "many",
                                          "duration_ms": "long", "after": 3, "model": 9, "value": {}}])  # fmt: skip
def test_payloads_of_the_wrong_types_are_shown_and_break_nothing(
    run: SessionRecording, looks: Looks, kind: str, payload: dict[str, Any]
) -> None:
    run.add(kind, payload)
    pages = Pages(run, looks)
    assert "could not be drawn" not in pages.text()
    assert "could not be drawn" not in pages.text(raw=True)
    for value in payload:
        assert value in pages.text(raw=True)


def test_a_block_that_fails_is_a_message_line_between_the_others(looks: Looks) -> None:
    class Broken:
        def lines(self, frame: Frame) -> list[Line]:
            raise ZeroDivisionError("[/x]\x1b")

    class Fine:
        def lines(self, frame: Frame) -> list[Line]:
            return [Line(some_text)]

    some_text = Text("fine")
    text = lines_text(Page([Fine(), Broken(), Fine()]).lines(Frame(80, 20, looks, Folds())))
    assert text == "fine\nthis part could not be drawn: ZeroDivisionError: [/x]␛\nfine"


def test_every_kind_of_step_has_a_page_of_its_own() -> None:
    assert set(_BLOCKS) == set(StepKind)
