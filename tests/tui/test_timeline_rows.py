"""One line of the timeline: columns, what is shown of a step, and how it is cut."""

from __future__ import annotations

import pytest

from promptetheus.cause.steps import Step, StepKind
from promptetheus.tui.kind_words import kind_word
from promptetheus.tui.offsets import moment_text, offset_text
from promptetheus.tui.session.event_row import event_row
from promptetheus.tui.session.step_list import StepList
from promptetheus.tui.session.step_row import Columns, RowState, step_row
from promptetheus.tui.session.tree_place import folded_note
from promptetheus.tui.theme import Looks
from tests.tui.session_recording import some_looks

TIMED = Columns(timed=True, when_cells=5, has_durations=True, longest_ms=1_000.0)
UNTIMED = Columns(timed=False, when_cells=3, has_durations=False, longest_ms=0.0)


@pytest.fixture
def looks() -> Looks:
    return some_looks()


def a_step(kind: StepKind = StepKind.TOOL, **changes: object) -> Step:
    step = Step(8, kind, "search_calendar", [3, 4], 710.0, 312.0, True)
    for name, value in changes.items():
        setattr(step, name, value)
    return step


def test_a_row_says_when_what_and_how_long(looks: Looks) -> None:
    row = step_row(a_step(), 'search_calendar(day="Tuesday")', 80, TIMED, looks).plain
    assert row.startswith(' 0.71  tool       search_calendar(day="Tuesday")')
    assert row.endswith("▉    312ms")
    assert len(row) == 80


def test_an_untimed_session_shows_numbers_and_invents_no_times(looks: Looks) -> None:
    row = step_row(a_step(offset_ms=None, duration_ms=None), "search()", 80, UNTIMED, looks).plain
    assert row.split() == ["8", "tool", "search()"]


def test_a_step_without_a_duration_has_the_room_for_its_words(looks: Looks) -> None:
    assert step_row(a_step(duration_ms=None), "search()", 80, TIMED, looks).plain.split() == [
        "0.71",
        "tool",
        "search()",
    ]
    row = step_row(a_step(StepKind.AGENT, duration_ms=None), "word " * 40, 80, TIMED, looks).plain
    assert row.endswith(" word w…")


def test_a_failed_step_has_a_glyph_and_is_red(looks: Looks) -> None:
    row = step_row(a_step(ok=False), "search() → timed out", 80, TIMED, looks)
    assert "tool     ✗ search()" in row.plain
    at = row.plain.index("search()")
    assert any(span.style == looks.failed and span.start <= at < span.end for span in row.spans)


def test_an_error_and_a_passed_check_have_glyphs_of_their_own(looks: Looks) -> None:
    error = a_step(StepKind.ERROR, ok=False, duration_ms=None)
    check = a_step(StepKind.CHECK, ok=True, duration_ms=None)
    assert "error    ! boom" in step_row(error, "boom", 80, TIMED, looks).plain
    assert "check    ✓ goal met" in step_row(check, "goal met", 80, TIMED, looks).plain


def test_a_blamed_call_is_marked_although_it_did_not_fail(looks: Looks) -> None:
    row = step_row(a_step(), "search()", 80, TIMED, looks, RowState(blamed=True))
    assert "tool     ≠ search()" in row.plain


def test_a_running_step_shows_its_time_so_far(looks: Looks) -> None:
    step = a_step(ok=None, duration_ms=None, open=True)
    row = step_row(step, "search() …", 80, TIMED, looks, RowState(elapsed_ms=7_200))
    assert "● search()" in row.plain
    assert row.plain.endswith("7.2s")


def test_a_stalled_step_turns_amber(looks: Looks) -> None:
    step = a_step(ok=None, duration_ms=None, open=True)
    row = step_row(step, "search() …", 80, TIMED, looks, RowState(elapsed_ms=31_000, stalled=True))
    at = row.plain.index("●")
    assert any(span.style == looks.warned and span.start <= at < span.end for span in row.spans)


def test_a_step_that_never_ended_says_so(looks: Looks) -> None:
    step = a_step(ok=None, duration_ms=None, open=True)
    row = step_row(step, "search()", 80, TIMED, looks, RowState(never_ended=True))
    assert "∅ search()" in row.plain
    assert row.plain.endswith("no end")


@pytest.mark.parametrize("width", [200, 80, 56, 40, 30, 20, 8, 1])
def test_a_row_is_never_wider_than_its_list(looks: Looks, width: int) -> None:
    state = RowState(guides="│ ├ ", fold="▸ ", note="12 steps, 1 failed")
    row = step_row(a_step(StepKind.SPAN), "日本語の説明" * 40, width, TIMED, looks, state)
    row.truncate(width)
    assert row.cell_len <= width


def test_a_long_call_is_cut_so_that_its_result_can_be_seen(looks: Looks) -> None:
    text = f"book({'x' * 200}) → Error: no seats"
    row = step_row(a_step(ok=False), text, 80, TIMED, looks).plain
    assert "… → Error: no seats" in row


def test_a_folded_span_says_what_it_hides(looks: Looks) -> None:
    note = folded_note(12, 1, more=False)
    assert note == "12 steps, 1 failed"
    assert folded_note(1, 0, more=False) == "1 step"
    assert folded_note(1000, 0, more=True) == "1.0k+ steps"
    row = step_row(a_step(StepKind.SPAN), "choose", 80, TIMED, looks, RowState(fold="▸ ", note=note)).plain
    assert "▸ choose  12 steps, 1 failed" in row


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0.00"),
        (710, "0.71"),
        (99_990, "99.99"),
        (99_996, "1:40.0"),
        (134_300, "2:14.3"),
        (3_599_960, "1:00:00"),
        (3_725_000, "1:02:05"),
        (360_000_000, "100:00:00"),
    ],
)
def test_moments_are_written_as_people_write_them(ms: float, text: str) -> None:
    assert offset_text(ms) == text


def test_kinds_go_by_short_words_and_actions_by_their_own_name() -> None:
    assert kind_word(a_step(StepKind.USER)) == "you"
    assert kind_word(a_step(StepKind.RETRIEVAL)) == "retrieve"
    assert kind_word(a_step(StepKind.ACTION, name="click")) == "click"
    assert kind_word(a_step(StepKind.ACTION, name="\x1b]0;x\a" * 9)).isprintable()


def test_the_cost_of_a_raw_row_does_not_grow_with_its_payload(looks: Looks) -> None:
    class Counted(dict[str, object]):
        read = 0

        def __getitem__(self, key: str) -> object:
            Counted.read += 1
            return super().__getitem__(key)

    payload = Counted({f"key{number}": "x" * 1_000_000 for number in range(1_000)})
    row = event_row({"seq": 3, "type": "tool_result", "payload": payload}, 80, 4, looks, failed=False)
    assert row.plain.startswith("   3  tool_result      {key0: ")
    assert len(row.plain) == 80
    assert Counted.read < 60


def test_new_and_open_steps_are_looked_at_again_and_no_others() -> None:
    steps = [a_step(index=number, duration_ms=5.0) for number in range(6)]
    steps[1].open = True
    seen = StepList(steps)
    assert seen.take(3) == [0, 1, 2]
    assert seen.take(5) == [1, 2, 3, 4], "the open one, the last known one, and the new ones"
    steps[1].open, steps[1].duration_ms = False, 900.0
    assert seen.take(5) == [1, 4]
    assert seen.longest_ms == 900.0
    assert seen.take(5) == [4]


def test_bars_are_not_measured_against_spans() -> None:
    span = a_step(StepKind.SPAN, index=0, duration_ms=90_000.0)
    call = a_step(index=1, duration_ms=40.0)
    seen = StepList([span, call])
    seen.take(2)
    assert seen.longest_ms == 40.0


def test_a_span_that_took_longer_than_the_longest_call_has_no_bar(looks: Looks) -> None:
    """A bar that is full whatever the span took would say that it took as long as that call."""
    columns = Columns(True, 5, True, longest_ms=40.0)
    span = step_row(a_step(StepKind.SPAN, duration_ms=90_000.0), "attempt", 100, columns, looks).plain
    call = step_row(a_step(duration_ms=40.0), "read", 100, columns, looks).plain
    assert span.endswith(" 1m 30s") and "█" not in span
    assert call.endswith("████████   40ms") and span.index("attempt") == call.index("read")
    short = step_row(a_step(StepKind.SPAN, duration_ms=10.0), "choose", 100, columns, looks).plain
    assert short.endswith("██         10ms")


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        ("2026-11-22T07:04:12.9Z", "2026-11-22 07:04:12 UTC"),
        (1_790_000_000.5, "2026-09-21 14:13:20 UTC"),
        (1_790_000_000_500, "2026-09-21 14:13:20 UTC"),
        (12, None),
        (float("nan"), None),
        (True, None),
        ("tomorrow", None),
    ],
)
def test_a_moment_is_a_date_however_it_was_recorded(moment: object, said: str | None) -> None:
    assert moment_text(moment) == said
