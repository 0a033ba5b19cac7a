"""The page that a browsing agent saw before it first did otherwise than a session that passed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from promptetheus.queries.rows import SessionRow
from promptetheus.tui.pictures.film import FilmFrame
from promptetheus.tui.pictures.stored_picture import Shown


class PageBefore(NamedTuple):
    """A screenshot, and the action that came after it."""

    frame: FilmFrame
    """After the action; its picture knows the one before."""
    why: Sequence[str]
    """Why this one, for people: in several lengths, the longest first."""

    @property
    def shown(self) -> Shown | None:
        """The picture, with the one before it."""
        return self.frame.shown


def page_before_wrong_click(row: SessionRow, rows: Iterable[SessionRow]) -> PageBefore | None:
    """What to show of a session; None where it has no two screenshots.

    Without a session that passed, or when both did the same, it is the last action that has a screenshot. Reads
    several sessions: call it from a thread. Raises OSError.
    """
    from promptetheus.cause.steps import build_steps
    from promptetheus.queries.session_log import SessionLog
    from promptetheus.tui.pictures.film import film_of
    from promptetheus.tui.session.course import has_picture

    log = SessionLog(row.path)
    try:
        while log.poll().more:
            pass
        steps = build_steps(log.events())
        film = film_of(log, steps, [step.index for step in steps if has_picture(step, log.type_of)])
    finally:
        log.close()
    if not any(frame.shown and frame.shown.before for frame in film):
        return None
    return chosen_page(film, *_differences(row, rows))


def chosen_page(film: Sequence[FilmFrame], different: Sequence[int], passing: str) -> PageBefore | None:
    """The page, with one before it, of the first of these steps that has one; else the last of all.

    Args:
        different: The steps that differ from those of a session that passed, the most telling first.
        passing: The id of that session; "" without one.
    """
    from promptetheus.display import short_id

    usable = [frame for frame in film if frame.shown is not None and frame.shown.before]
    by_step = {frame.step: frame for frame in reversed(usable)}
    for step in different:
        if step in by_step:
            return PageBefore(
                by_step[step],
                (
                    f"differs from {short_id(passing)}, which passed",
                    "differs from one that passed",
                    "differs",
                ),
            )
    last = ("the last action with a screenshot", "the last with a screenshot", "the last")
    return PageBefore(usable[-1], last) if usable else None


def _differences(row: SessionRow, rows: Iterable[SessionRow]) -> tuple[Sequence[int], str]:
    from promptetheus.cause.diff_report import Side
    from promptetheus.cause.effects import evidence_in, judge
    from promptetheus.cause.noise import DEFAULT_NOISE
    from promptetheus.queries.diffs import read_session, report_on
    from promptetheus.queries.tasks import nearest_passing
    from promptetheus.tui.sessions.preview_difference import MOST_EVENTS, passing_like

    passing = passing_like(row, list(rows)) if row.events <= MOST_EVENTS else []
    if not passing:
        return (), ""
    mine = read_session(row.path)
    chosen = nearest_passing(row, mine.run(), passing)
    if chosen is None:
        return (), ""
    theirs = read_session(chosen.row.path)
    effects = judge([evidence_in(mine.run()), evidence_in(theirs.run())], {})
    report = report_on(theirs, mine, noise=DEFAULT_NOISE, effects=effects)
    if report.banner.not_comparable:
        return (), ""
    banner = report.banner
    places = [place for place in (banner.effective_row, banner.first_row) if place is not None]
    cells = (report.cell(place, Side.RIGHT) for place in (*places, *report.differences))
    return [cell.number for cell in cells if cell is not None], chosen.row.session_id
