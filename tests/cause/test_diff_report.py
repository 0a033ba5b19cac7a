from __future__ import annotations

from hypothesis import given

from promptetheus.cause.comparison import Change, RowKind
from promptetheus.cause.diff_json import report_as_json
from promptetheus.cause.diff_report import Side
from promptetheus.cause.divergence import DivergenceKind
from promptetheus.cause.picture_changes import PictureChange, PictureKind
from promptetheus.cause.row_details import PicturePair
from promptetheus.cause.side_by_side_text import banner_lines, row_lines
from promptetheus.cause.word_changes import Words
from tests.builders import SessionBuilder, a_session
from tests.cause.hostile import EVENTS
from tests.cause.reports import report_of, report_of_events


def wrapped(day: str, *, inside: str = "") -> SessionBuilder:
    """A decorated agent: a call around everything."""
    session = a_session()
    call_id = session.opens_call("run_agent", {"goal": "Book"})
    session.asks("Book Tuesday").calls("search", {"day": "Tuesday"}, result=["2pm"])
    if inside:
        session.calls("choose", {"slots": 2}, result=inside)
    session.says(f"Booked {day} 2pm")
    return session.event("tool_result", {"call_id": call_id, "result": f"{day} 2pm", "error": None})


@given(EVENTS, EVENTS)
def test_hostile_sessions_are_drawn_without_raising(
    one: list[dict[str, object]], other: list[dict[str, object]]
) -> None:
    report = report_of_events(one, other)
    assert all("\n" not in line for line in (*banner_lines(report), *row_lines(report)))
    data = report_as_json(report, rows=True)
    assert len(data["steps"]) == len(report.rows)
    assert [report.rows[number].change is not Change.SAME for number in report.differences].count(False) == 0


@given(EVENTS)
def test_no_row_of_a_session_and_itself_differs(events: list[dict[str, object]]) -> None:
    report = report_of_events(events, events)
    assert report.differences == ()
    assert report.banner.first_row is None


def test_rows_say_what_is_drawn_and_cells_what_stands_there() -> None:
    one = a_session().calls("look", {"at": 1}).calls("book", {"day": "Tue"}).calls("think", {})
    other = a_session().calls("look", {"at": 1}).calls("book", {"day": "Wed"}).calls("wait", {})
    report = report_of(one, other)
    assert [row.kind for row in report.rows] == [
        RowKind.EQUAL,
        RowKind.CHANGED,
        RowKind.MISSING_RIGHT,
        RowKind.MISSING_LEFT,
    ]
    cell = report.cell(1, Side.RIGHT)
    assert cell is not None
    assert (cell.number, cell.text) == (2, 'book(day="Wed") → null')
    assert report.cell(2, Side.RIGHT) is None
    assert report.differences == (1, 2, 3)
    assert (report.banner.first_row, report.banner.effective_row) == (1, 1)


def test_differences_are_walked_in_both_directions() -> None:
    report = report_of(wrapped("Tuesday", inside="a"), wrapped("Wednesday", inside="b"))
    first, *_, last = report.differences
    assert report.next_difference(-1) == first
    assert report.next_difference(last) is None
    assert report.next_difference(last, forwards=False) == report.differences[-2]
    assert report.next_difference(first, forwards=False) is None


def test_a_step_in_another_place_says_where() -> None:
    one = a_session().calls("a", {}).calls("b", {}).calls("c", {}).calls("d", {})
    other = a_session().calls("d", {}).calls("a", {}).calls("b", {}).calls("c", {})
    report = report_of(one, other)
    moved = [n for n, row in enumerate(report.rows) if row.kind is RowKind.MOVED]
    assert [report.moved_to(n) for n in moved] == [4, 1]
    assert any(line.endswith("(step 4 on the left)") for line in row_lines(report))


def test_the_result_of_a_call_around_others_is_not_where_they_part() -> None:
    found = report_of(wrapped("Tuesday", inside="2pm"), wrapped("Wednesday", inside="3pm")).comparison.first
    assert found is not None
    assert (found.name, found.kind) == ("choose", DivergenceKind.RESULT)


def test_where_only_words_differ_inside_the_message_that_says_the_outcome_is_named() -> None:
    report = report_of(wrapped("Tuesday"), wrapped("Wednesday"))
    assert report.banner.first.startswith("step 4, message, other words, sure")
    silent = report_of(wrapped("Tuesday"), wrapped("Tuesday"))
    assert silent.comparison.first is None


def test_an_outcome_that_nothing_inside_explains_is_named_itself() -> None:
    one, other = a_session(), a_session()
    for session, outcome in ((one, "yes"), (other, "no")):
        call_id = session.opens_call("run_agent", {})
        session.calls("look", {}).event("tool_result", {"call_id": call_id, "result": outcome, "error": None})
    found = report_of(one, other).comparison.first
    assert found is not None
    assert (found.name, found.kind) == ("run_agent", DivergenceKind.RESULT)


def test_calls_inside_one_another_do_not_make_sessions_comparable() -> None:
    one, other = a_session(), a_session()
    for session, tools in ((one, "abc"), (other, "xyz")):
        call_id = session.opens_call("main", {})
        for tool in tools:
            session.calls(tool, {})
        session.event("tool_result", {"call_id": call_id, "result": None, "error": None})
    assert "no call or action in common: one did a, b, c" in report_of(one, other).banner.not_comparable


def test_another_model_is_a_difference_but_not_where_sessions_part() -> None:
    one, other = a_session(), a_session()
    for session, model, day in ((one, "gpt-5", "Tue"), (other, "gpt-5-mini", "Wed")):
        session.event("llm_call", {"model": model, "input_tokens": 10, "output_tokens": 2})
        session.calls("book", {"day": day})
    report = report_of(one, other)
    assert [row.change for row in report.rows] == [Change.MODEL, Change.ARGUMENTS]
    assert report.banner.first_row == 1


def test_the_same_action_with_another_page_after_it_is_a_difference() -> None:
    def clicks(warning: list[str], target: str) -> SessionBuilder:
        page = {"url": "https://x.example", "visible_text": "Pick a time", "warnings": warning}
        return (
            a_session()
            .event("browser_action", {"action": "click", "target": "#next", "url": None})
            .event("dom_snapshot", page)
            .event("browser_action", {"action": "click", "target": target, "url": None})
        )

    report = report_of(clicks([], "#tue"), clicks(["Time zone changed"], "#wed"))
    assert [row.change for row in report.rows] == [Change.PAGE, Change.ARGUMENTS]
    assert report.details(0).page == ("Only the right page warns: Time zone changed",)
    assert report.comparison.effective is not None
    assert (report.comparison.effective.name, report.comparison.effective.arguments) == ("click", ("target",))
    assert report.comparison.effective.how_sure == "likely"


def test_looking_at_pages_is_no_effect() -> None:
    one = a_session().event("browser_action", {"action": "scroll", "target": "down", "url": None})
    other = a_session().event("browser_action", {"action": "scroll", "target": "up", "url": None})
    assert report_of(one, other).comparison.effective is None


def test_documents_found_in_another_order_are_another_result_and_scores_are_not() -> None:
    def asks(*documents: tuple[str, float]) -> SessionBuilder:
        found = [{"id": name, "score": score} for name, score in documents]
        return a_session().event("retrieval", {"query": "q", "documents": found})

    assert report_of(asks(("a", 0.91), ("b", 0.5)), asks(("a", 0.92), ("b", 0.4))).differences == ()
    assert report_of(asks(("a", 0.9), ("b", 0.5)), asks(("b", 0.9), ("a", 0.5))).differences == (0,)


def test_details_of_a_row_are_words_paths_and_numbers() -> None:
    long = "The flight leaves at nine in the morning from gate twelve, boarding starts at eight"
    one = a_session().says("Booked Tuesday 2pm").calls("send", {"text": long, "to": "a"}, result={"id": 1})
    other = (
        a_session()
        .says("Booked Wednesday 2pm")
        .calls("send", {"text": long.replace("nine", "ten"), "to": "a"}, result={"id": 2})
    )
    report = report_of(one, other)
    words = report.details(0).words
    assert words is not None
    assert [(stretch.where, stretch.text) for stretch in words.stretches] == [
        (Words.BOTH, "Booked "),
        (Words.LEFT, "Tuesday"),
        (Words.RIGHT, "Wednesday"),
        (Words.BOTH, " 2pm"),
    ]
    details = report.details(1)
    assert [change.path for change in details.arguments] == ["text"]
    assert [change.path for change in details.result] == ["id"]
    assert [stretch.text for stretch in details.texts[0].words.left if stretch.where is Words.LEFT] == [
        "nine"
    ]
    assert report.details(1) is details


def test_other_rules_compare_the_same_sessions_anew() -> None:
    one, other = (a_session().calls("look", {"at": f"call_{n}2345678"}) for n in (1, 2))
    report = report_of(one, other)
    assert report.differences == ()
    anew = report.with_noise(report.noise.switched("ids", False))
    assert anew.differences == (0,)
    assert "ids" not in anew.banner.ignored


def test_screenshots_of_equal_steps_count_once_somebody_looked() -> None:
    def shoots(name: str) -> SessionBuilder:
        return a_session().event("screenshot", {"storage_path": f"artifacts/{name}.png"})

    report = report_of(shoots("a"), shoots("b"))
    assert report.differences == ()
    assert report.details(0).pictures == (PicturePair("artifacts/a.png", "artifacts/b.png"),)
    looked = report.with_pictures(lambda pair: PictureChange(PictureKind.OTHER))
    assert looked.differences == (0,)
    assert looked.banner.first.startswith("step 1, shot, other page")
    assert report.with_pictures(lambda pair: PictureChange(PictureKind.ALIKE)).differences == ()
