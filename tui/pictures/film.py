"""The screenshots of a session in the order in which they were taken, with what led to each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from promptetheus.cause.steps import Step, StepKind
from promptetheus.queries.session_log import SessionLog
from promptetheus.tui.inspector.inspect_browser import click_point, stored_picture
from promptetheus.tui.inspector.subject import metadata_of, payload_of
from promptetheus.tui.kind_words import kind_word
from promptetheus.tui.pictures.stored_picture import Shown

MOST_SHOTS = 5_000


@dataclass(frozen=True, slots=True)
class FilmFrame:
    """One screenshot of a film."""

    step: int
    """Index of the step it belongs to."""
    at_ms: float | None
    what: str
    """What was done to get there: `click #confirm`; "" for a screenshot taken by itself."""
    failed: bool
    shown: Shown | None
    """None when only that it was taken is known."""


def film_of(log: SessionLog, steps: Sequence[Step], shots: Sequence[int]) -> list[FilmFrame]:
    """The frames of the steps that hold a screenshot. Reads the session's file: call it from a thread."""
    found: list[FilmFrame] = []
    before = ""
    for index in shots[:MOST_SHOTS]:
        step = steps[index]
        opening = log.event(step.events[0])
        point, what = None, ""
        if step.kind is StepKind.ACTION:
            point = click_point(metadata_of(opening))
            target = payload_of(opening).get("target")
            what = f"{kind_word(step)} {target}" if isinstance(target, str) else kind_word(step)
        for number in step.events:
            if log.type_of(number) != "screenshot":
                continue
            path = stored_picture(log.event(number))
            shown = Shown(log.path.parent, path, before, point) if path else None
            found.append(FilmFrame(index, step.offset_ms, what, step.ok is False, shown))
            before = path or before
    return found


def nearest_frame(film: Sequence[FilmFrame], step: int) -> int:
    """The frame that shows what was on screen at a step: the last one up to it, else the first."""
    place = 0
    for number, frame in enumerate(film):
        if frame.step > step:
            break
        place = number
    return place
