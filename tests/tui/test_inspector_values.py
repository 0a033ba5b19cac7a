"""Values in the inspector: JSON that folds, long texts that are cut with their size, values kept outside the line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.text import Text
from textual.strip import Strip

from promptetheus.artifacts import store_artifact
from promptetheus.tui.inspector.json_view import MAX_LINES, JsonBlock
from promptetheus.tui.inspector.markdown_view import MarkdownBlock
from promptetheus.tui.inspector.page import Block, Folds, Frame, Line
from promptetheus.tui.inspector.traceback_view import TracebackBlock
from promptetheus.tui.inspector.value_view import ValueBlock
from promptetheus.tui.theme import Looks
from promptetheus.tui.wrapping import wrap, wrap_styled
from tests.tui.recorded import a_running
from tests.tui.session_recording import SessionRecording, lines_text, on_session, some_looks


@pytest.fixture
def looks() -> Looks:
    return some_looks()


def laid_out(
    block: Block, looks: Looks, folds: Folds | None = None, *, width: int = 50, roomy: bool = False
) -> list[Line]:
    return block.lines(Frame(width, 30, looks, Folds() if folds is None else folds, roomy))


def json_text(value: Any, looks: Looks, folds: Folds | None = None) -> list[str]:
    return lines_text(laid_out(JsonBlock("result", value), looks, folds)).split("\n")


# JSON


def test_a_container_that_fits_its_line_stays_folded_and_shows_all_of_itself(looks: Looks) -> None:
    assert json_text({"a": [1, 2, 3]}, looks) == ["▾ result", "  ▸ a  [1, 2, 3]"]


def test_a_small_container_that_does_not_fit_unfolds_by_itself(looks: Looks) -> None:
    found = json_text({"a": {"first": "x" * 30, "second": "y" * 30}}, looks)
    assert found[1:] == [
        "  ▾ a  2 items",
        '      first  "' + "x" * 30 + '"',
        '      second  "' + "y" * 30 + '"',
    ]


def test_a_large_container_stays_folded_with_its_size(looks: Looks) -> None:
    found = json_text({"a": {f"k{number}": number for number in range(5_000)}}, looks)
    assert len(found) == 2
    assert found[1].startswith("  ▸ a  5.0k items  {k0: 0, k1: 1") and found[1].endswith("…")


def test_folding_and_unfolding_by_hand_goes_before_the_default(looks: Looks) -> None:
    folds = Folds()
    value = {"a": [1, 2]}
    folds.opened["result/0"] = True
    assert json_text(value, looks, folds) == ["▾ result", "  ▾ a  2 items", "      0  1", "      1  2"]
    folds.opened["result"] = False
    assert json_text(value, looks, folds) == ["▸ result  {a: [1, 2]}"]


def test_a_long_list_is_shown_in_portions(looks: Looks) -> None:
    folds = Folds()
    lines = laid_out(JsonBlock("result", list(range(1_000))), looks, folds)
    assert "… 950 more of 1.0k" in str(lines[-1].content)
    folds.show_more(lines[-1].more)
    more = laid_out(JsonBlock("result", list(range(1_000))), looks, folds)
    assert len(more) == 2 * len(lines) - 2
    assert "… 900 more" in str(more[-1].content)


def test_empty_and_plain_values_stand_on_their_line(looks: Looks) -> None:
    for value, text in (({}, "{}"), ([], "[]"), (None, "null"), (True, "true"), (1.5, "1.5"), ("", '""')):
        assert json_text(value, looks) == [f"  result  {text}"]


def test_a_text_with_lines_is_shown_as_lines(looks: Looks) -> None:
    assert json_text("one\ntwo", looks) == ["▾ result", "  one", "  two"]


def test_a_long_text_is_cut_with_its_size_and_shows_more_on_demand(looks: Looks) -> None:
    folds = Folds()
    text = "word " * 10_000
    lines = laid_out(JsonBlock("result", text), looks, folds)
    assert len(lines) == 10
    assert "50.0 kB" in str(lines[0].content)
    assert str(lines[-1].content).endswith("more   enter shows more"), "what does not fit is not begun"
    folds.show_more(lines[-1].more)
    assert len(laid_out(JsonBlock("result", text), looks, folds)) == 18


def test_wide_keys_and_deep_values_never_leave_the_pane(looks: Looks) -> None:
    deep: Any = "bottom"
    for _ in range(60):
        deep = {"level": deep}
    value = {"k" * 10_000: 1, "日本語" * 40: "値" * 200, "deep": deep}
    folds = Folds()
    path = "result/2"
    for _ in range(60):
        folds.opened[path] = True
        path += "/0"
    for width in (50, 20, 8):
        lines = laid_out(JsonBlock("result", value), looks, folds, width=width)
        assert all(line.content.cell_len <= width for line in lines if isinstance(line.content, Text))


def test_keys_that_look_the_same_after_cleaning_fold_apart(looks: Looks) -> None:
    value = {"a\x00": list(range(40)), "a\x01": list(range(40))}
    folds = Folds()
    lines = laid_out(JsonBlock("result", value), looks, folds, width=200)
    folds.opened[lines[1].fold] = True
    again = laid_out(JsonBlock("result", value), looks, folds, width=200)
    assert sum(line.is_open for line in again) == 2, "the value itself and one of the keys"


def test_the_lines_of_one_value_are_bounded(looks: Looks) -> None:
    folds = Folds()
    folds.shown["result"] = 1_000
    assert len(laid_out(JsonBlock("result", list(range(50_000))), looks, folds)) <= MAX_LINES + 1


@pytest.mark.parametrize(
    "value",
    [
        "x" * 20_000_000,
        ["x" * 100] * 200_000,
        {f"k{number}": "y" * 50 for number in range(200_000)},
        "[" * 900_000,
        "{" + '"a":' * 10_000 + "1" + "}" * 10_000,
        "line\n" * 2_000_000,
    ],
    ids=["20 MB line", "long list", "large object", "brackets", "not JSON", "2M lines"],
)
def test_of_huge_values_only_a_portion_is_laid_out(looks: Looks, value: Any) -> None:
    """A value like these laid out whole would hold the screen for minutes."""
    lines = laid_out(JsonBlock("result", value), looks)
    assert 1 < len(lines) <= 502
    assert all(line.content.cell_len <= 50 for line in lines if isinstance(line.content, Text))
    assert len(laid_out(ValueBlock(value, "result", Path("nowhere")), looks, roomy=True)) <= 2_002


# Texts


@pytest.mark.parametrize("width", [1, 2, 7, 40])
@pytest.mark.parametrize(
    "text", ["a b c " * 30, "x" * 100, "日本語テキスト" * 9, "é" * 50, "a\tb\n\n c", "👩‍👩‍👧 family " * 5]
)
def test_wrapping_keeps_every_word_and_the_width(text: str, width: int) -> None:
    wrapped = wrap(text, width, 10_000)
    assert all(cell_len(line) <= max(width, 2) for line in wrapped.lines)
    whole = "".join("".join(wrapped.lines).split())
    assert whole == "".join("".join(wrap(text, 10_000, 10_000).lines).split())
    assert wrapped.rest == 0


def test_wrapping_says_how_much_is_left(looks: Looks) -> None:
    wrapped = wrap("one two three four", 5, 2)
    assert wrapped.lines == ["one", "two"]
    assert wrapped.rest >= 10
    assert wrap("a\nb\nc\nd", 10, 2).rest == 3


def test_styles_survive_wrapping(looks: Looks) -> None:
    text = Text.assemble(("red red red ", "red"), ("blue blue", "blue"))
    pieces = wrap_styled(text, 8)
    assert [piece.plain for piece in pieces] == ["red red", "red blue", "blue"]
    assert any(str(span.style) == "blue" for span in pieces[2].spans)


def test_a_long_message_is_cut_at_a_line_with_its_size(looks: Looks) -> None:
    text = "\n\n".join(f"paragraph {number} of a long message" for number in range(2_000))
    folds = Folds()
    lines = laid_out(MarkdownBlock(text), looks, folds)
    assert "more   enter shows more" in str(lines[-1].content)
    folds.shown["content"] = 64
    assert "paragraph 1999" in lines_text(laid_out(MarkdownBlock(text), looks, folds))


@pytest.mark.parametrize(
    "text",
    [
        "> " * 5_000 + "x",
        "*" * 8_000,
        "[" * 8_000,
        "`" * 8_000,
        "- " * 4_000,
        "|a" * 4_000 + "\n" + "|-" * 4_000,
    ],
    ids=["quotes", "stars", "brackets", "ticks", "lists", "table"],
)
def test_markdown_made_to_be_slow_or_deep_is_laid_out(looks: Looks, text: str) -> None:
    lines = laid_out(MarkdownBlock(text), looks)
    assert lines
    assert all(line.content.cell_length <= 50 for line in lines if isinstance(line.content, Strip))


def test_library_frames_of_a_traceback_are_paler_than_ones_own(looks: Looks) -> None:
    trace = (
        'Traceback (most recent call last):\n  File "/app/mine.py", line 3, in main\n    go()\n'
        '  File "/venv/lib/python3.11/site-packages/lib.py", line 9, in go\n    raise ValueError("x")\nValueError: x'
    )
    lines = [line.content for line in laid_out(TracebackBlock(trace), looks, width=100)]
    styles = {
        str(text): [text.style, *(span.style for span in text.spans)]
        for text in lines
        if isinstance(text, Text)
    }
    assert looks.strong in styles['  File "/app/mine.py", line 3, in main']
    assert looks.faint in styles['    raise ValueError("x")']
    assert looks.text in styles["    go()"]


def test_the_path_of_a_frame_gives_way_to_what_matters(looks: Looks) -> None:
    trace = '  File "/very/long/way/to/the/place/of/agent.py", line 3, in main\nValueError: x'
    text = lines_text(laid_out(TracebackBlock(trace), looks, width=50))
    assert text.split("\n")[0] == '  File "…/the/place/of/agent.py", line 3, in main'


# Values that were too large for a line


def a_stored_value(spool: Path, text: str) -> dict[str, Any]:
    kept = store_artifact(spool, text.encode(), "txt")
    return {
        "artifact_id": kept.artifact_id,
        "storage_path": kept.storage_path,
        "size_bytes": len(text),
        "preview": text[:100],
        "truncated": True,
    }


def test_a_value_kept_outside_the_line_shows_its_beginning_and_opens_whole(spool: Path, looks: Looks) -> None:
    spool.mkdir()
    value = a_stored_value(spool, "begin " + "middle " * 400_000 + "end")
    lines = laid_out(JsonBlock("result", value), looks)
    assert "2.8 MB  · o opens all of it" in str(lines[0].content)
    assert "begin middle" in str(lines[1].content)
    whole = laid_out(ValueBlock(value, "result", spool), looks, roomy=True)
    assert len(whole) == 2_001 and whole[-1].more


def test_a_value_that_cannot_be_fetched_shows_its_beginning_and_says_why(spool: Path, looks: Looks) -> None:
    spool.mkdir()
    value = a_stored_value(spool, "begin")
    value["storage_path"] = "../outside.txt"
    text = lines_text(laid_out(ValueBlock(value, "result", spool), looks, width=100))
    assert "Only the beginning can be shown" in text and "begin" in text
    value["storage_path"] = ""
    assert "Only the beginning was kept" in lines_text(
        laid_out(ValueBlock(value, "result", spool), looks, width=100)
    )


# At the keyboard


async def test_values_fold_and_unfold_with_enter_and_the_arrows(spool: Path) -> None:
    run = SessionRecording(spool, "01KEYS").tool("search", {"day": "Tuesday"}, {"list": [1, 2]}).end()
    async with on_session(run.path) as session:
        await session.press("t", "enter", "j", "j", "j")
        assert "▾ arguments" in session.text
        await session.press("enter")
        assert "▸ arguments" in session.text and 'day  "Tuesday"' not in session.text
        await session.press("right")
        assert 'day  "Tuesday"' in session.text
        await session.press("left")
        assert "▸ arguments" in session.text
        await session.press("left")
        assert session.timeline.has_focus, "left where nothing is left to fold leads out"


async def test_more_of_a_long_value_is_shown_in_place(spool: Path) -> None:
    run = SessionRecording(spool, "01MORE").tool("read", {}, "\n".join(f"line {n}" for n in range(100))).end()
    async with on_session(run.path) as session:
        await session.press("t", "enter")
        more = next(number for number, line in enumerate(session.inspector.lines) if line.more)
        session.inspector.select(more)
        await session.press("enter")
        assert "line 15" in session.text and "line 16" not in session.text
        assert session.inspector.cursor == more, "the cursor stays where the reader was"


async def test_folds_stay_when_the_step_under_them_grows(spool: Path) -> None:
    run = a_running(spool, "01RUNS")
    run.add("tool_call", {"tool_name": "slow", "arguments": {"day": "Tuesday"}, "call_id": "x"})
    async with on_session(run.path) as session:
        await session.press("enter", "j", "j", "j", "enter")
        assert "▸ arguments" in session.text
        run.add("tool_result", {"call_id": "x", "result": "done", "error": None})
        await session.until(lambda: "done" in session.page)
        assert "▸ arguments" in session.text
        assert session.inspector.cursor == 3


async def test_a_link_in_a_page_leads_to_its_step(spool: Path) -> None:
    run = SessionRecording(spool, "01LINK")
    with run.span("outer"):
        run.tool("inside", {}, 1)
    async with on_session(run.path) as session:
        await session.press("g", "j", "enter")
        link = next(number for number, line in enumerate(session.inspector.lines) if line.goes_to is not None)
        session.inspector.select(link)
        await session.press("enter")
        assert session.step == "tool inside"
        assert session.timeline.has_focus


async def test_a_held_key_lays_out_only_where_it_stops(spool: Path) -> None:
    run = SessionRecording(spool, "01HELD")
    for number in range(200):
        run.tool(f"tool{number}", {}, number)
    run.end()
    async with on_session(run.path) as session:
        drawn: list[int] = []
        original = session.inspector.show

        def counted(plan: Any, *, keep_place: bool = False) -> None:
            drawn.append(1)
            original(plan, keep_place=keep_place)

        session.inspector.show = counted  # type: ignore[method-assign]
        for _ in range(150):
            session.timeline.action_cursor_down()
        await session.until(lambda: "tool149" in session.page)
        assert len(drawn) < 10
