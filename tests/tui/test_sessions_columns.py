"""The columns of the session list: which ones fit, how wide, and what they say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from promptetheus.queries.catalog import Catalog, SessionRow
from promptetheus.tui.palettes import DEFAULT_THEME, PALETTES
from promptetheus.tui.sessions.preview_lines import preview_lines
from promptetheus.tui.sessions.session_cells import Moment, newest
from promptetheus.tui.sessions.session_columns import COLUMN, COLUMNS, GAP, fit_columns
from promptetheus.tui.theme import _looks
from tests.tui.recorded import NOW, a_broken, a_failing, a_passing, a_running

EVERYTHING = {column.key for column in COLUMNS}
AT = Moment(NOW, _looks(PALETTES[DEFAULT_THEME], False), {})


def keys(width: int, present: set[str] = EVERYTHING) -> list[str]:
    return [placed.column.key for placed in fit_columns(width, present, {})]


def said(key: str, row: SessionRow, at: Moment = AT) -> str:
    return "".join(text for text, _ in COLUMN[key].cell(row, at))


@pytest.fixture
def row(spool: Path) -> SessionRow:
    """A session that failed its goal."""
    a_failing(spool, "01M8113MFAILED", ago=12, tags=("smoke", "nightly"))
    catalog = Catalog(spool)
    catalog.refresh()
    return catalog.rows()[0]


def test_a_list_of_80_columns_shows_what_one_looks_for_first() -> None:
    assert keys(77) == ["status", "started", "agent", "goal", "took", "steps", "errors"]


def test_a_list_of_100_columns_says_how_sessions_fail_however_long_their_goals_are() -> None:
    placed = [column.key for column, _ in fit_columns(97, EVERYTHING, {"goal": 200, "fails": 200})]
    assert placed[-1] == "fails"


def test_wider_lists_add_columns_and_lose_none() -> None:
    before: set[str] = set()
    for width in range(20, 240):
        now = set(keys(width))
        assert before <= now
        before = now
    assert before == EVERYTHING


def test_chosen_columns_stand_in_the_order_of_the_person_and_the_last_ones_go_first() -> None:
    chosen = ["tokens", "goal", "status", "tags"]
    for width, expected in ((120, chosen), (40, chosen[:3]), (25, chosen[:2]), (3, chosen[:1])):
        placed = fit_columns(width, set(), {"goal": 40}, chosen)
        assert [each.column.key for each in placed] == expected
        assert len(expected) == 1 or sum(each.width + GAP for each in placed) - GAP <= width


def test_the_status_is_shown_at_any_width() -> None:
    assert keys(0) == keys(5) == ["status"]


def test_no_arrangement_is_wider_than_the_list() -> None:
    widest = {"agent": 40, "goal": 200, "fails": 200, "tags": 50, "score": 30}
    for width in range(13, 300):
        placed = fit_columns(width, EVERYTHING, widest)
        assert sum(cells for _, cells in placed) + GAP * (len(placed) - 1) <= width


def test_a_column_grows_to_its_content_and_not_beyond() -> None:
    placed = {column.key: cells for column, cells in fit_columns(300, EVERYTHING, {"goal": 30, "agent": 5})}
    assert placed["goal"] == 30
    assert placed["agent"] == COLUMN["agent"].least


def test_no_greedy_column_starves_its_neighbour() -> None:
    placed = {column.key: cells for column, cells in fit_columns(150, {"fails"}, {"goal": 200, "fails": 200})}
    assert abs((placed["goal"] - COLUMN["goal"].comfort) - (placed["fails"] - COLUMN["fails"].comfort)) <= 3


def test_a_long_agent_name_does_not_take_the_room_of_the_goal() -> None:
    placed = {column.key: cells for column, cells in fit_columns(117, {"fails"}, {"goal": 200, "agent": 22})}
    assert placed["agent"] < 18
    assert placed["goal"] > 30


def test_an_optional_column_without_any_value_takes_no_room() -> None:
    assert "tags" not in keys(300, set())
    assert "goal" in keys(300, set())


def test_cells_say_what_people_would_write(row: SessionRow) -> None:
    assert said("status", row) == "✗ failed goal"
    assert said("started", row) == "12s ago"
    assert said("agent", row) == "booking-agent"
    assert said("goal", row) == "Book Tuesday at 2pm"
    assert said("took", row) == "7.0s"
    assert said("errors", row) == "0"
    assert said("calls", row) == "1"
    assert said("tokens", row) == "1.2k"
    assert said("tags", row) == "smoke, nightly"
    assert said("fails", row) == "8ae0f4 selected wednesday, not tuesday"


def test_a_way_of_failing_that_repeats_says_how_often(row: SessionRow) -> None:
    at = Moment(NOW, AT.looks, {row.fingerprint: 6})
    assert said("fails", row, at) == "8ae0f4 ×6 selected wednesday, not tuesday"
    at = Moment(NOW, AT.looks, {row.fingerprint: 1974})
    assert said("fails", row, at).startswith("8ae0f4 ×1,974 ")


def test_unknown_is_a_dash_and_never_zero(row: SessionRow) -> None:
    unknown = replace(
        row, input_tokens=None, output_tokens=None, cost_usd=None, duration_ms=None, started=None
    )
    assert [said(key, unknown) for key in ("tokens", "cost", "took", "started")] == ["–"] * 4


def test_a_cost_that_misses_some_calls_says_so(row: SessionRow) -> None:
    assert said("cost", replace(row, cost_usd=0.012, unpriced_calls=0)) == "$0.012"
    assert said("cost", replace(row, cost_usd=0.012, unpriced_calls=2)) == "$0.012+"


def test_a_cost_that_nobody_can_know_yet_is_not_called_unknown(row: SessionRow) -> None:
    unpriced = replace(row, cost_usd=None, unpriced_calls=2)
    before, after = AT._replace(priced=False), AT._replace(priced=True)
    assert (said("cost", unpriced, before), said("cost", unpriced, after)) == ("", "–")
    early, late = (
        "".join(line.plain for line in preview_lines(unpriced, None, 80, 12, AT.looks, priced=known))
        for known in (False, True)
    )
    assert "known price" not in early and "2 LLM calls without a known price" in late


def test_scores_name_themselves(row: SessionRow) -> None:
    scored = replace(row, scores={"reward": 0.5, "correct": True, "safe": False})
    assert said("score", scored) == "reward 0.5 correct ✓ safe ✗"


def test_a_running_session_counts_from_its_start(spool: Path) -> None:
    a_running(spool, "running", ago=8)
    catalog = Catalog(spool)
    catalog.refresh()
    assert said("took", catalog.rows()[0]) == "8.0s"


def test_a_session_without_times_counts_as_new_as_its_file(row: SessionRow) -> None:
    assert newest(row) == row.started
    assert newest(replace(row, started=None)) == row.mtime


def test_sorting_by_status_brings_up_what_needs_a_look(spool: Path) -> None:
    a_passing(spool, "passing")
    a_failing(spool, "failing")
    a_broken(spool, "broken")
    a_running(spool, "running")
    a_running(spool, "crashed", pid=2**22 + 1)
    catalog = Catalog(spool)
    catalog.refresh()
    ordered = sorted(catalog.rows(), key=lambda row: COLUMN["status"].sort(row) or 0)
    assert [row.session_id for row in ordered] == ["failing", "broken", "crashed", "running", "passing"]


def test_a_hostile_megabyte_costs_a_cell_and_shows_nothing_raw(row: SessionRow) -> None:
    bomb = "\x1b]52;c;AAAA\x07\x1b[2J\u202e" + "A" * 1_000_000
    hostile = replace(row, agent=bomb, goal=bomb, label=bomb, tags=(bomb,), scores={bomb: 1.0})
    for key in ("agent", "goal", "fails", "tags", "score"):
        text = said(key, hostile)
        assert cell_len(text) < 1000
        assert text.isprintable()


def test_nothing_is_cut_while_there_is_room() -> None:
    widest = {"goal": 120, "agent": 40, "fails": 100, "tags": 30, "score": 40}
    placed = {column.key: cells for column, cells in fit_columns(500, EVERYTHING, widest)}
    assert {key: placed[key] for key in widest} == widest


def test_a_chosen_width_is_kept_and_the_others_share_the_rest() -> None:
    widest = {"goal": 60, "agent": 20, "fails": 60}
    for width in (80, 120, 200):
        usual = dict(fit_columns(width, EVERYTHING, widest))
        placed = fit_columns(width, EVERYTHING, widest, (), {"goal": 12, "agent": 5})
        cells = {column.key: found for column, found in placed}
        assert (cells["goal"], cells["agent"]) == (12, 5)
        assert sum(cells.values()) + GAP * (len(cells) - 1) <= width
        assert len(placed) >= len(usual)
