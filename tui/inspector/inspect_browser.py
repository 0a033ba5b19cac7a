"""The inspector's pages for what an agent did and saw in a browser: actions, DOM snapshots, pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptetheus.cause.dom_changes import dom_changes
from promptetheus.display import printable_line
from promptetheus.events import Event
from promptetheus.tui.inspector.fields import Field, Fields, Sentences
from promptetheus.tui.inspector.json_view import JsonBlock
from promptetheus.tui.inspector.page import Block, Frame, Gap, Heading, Line
from promptetheus.tui.inspector.subject import Subject, metadata_of, payload_of
from promptetheus.tui.kind_words import kind_in_full
from promptetheus.tui.pictures.picture_block import PictureBlock

MOST_FOLLOWING = 20
"""Screenshots and DOM snapshots shown after one action; the raw view has all."""


def action_blocks(subject: Subject) -> list[Block]:
    """What was done where, then what the page showed after it."""
    payload, metadata = subject.payload, dict(subject.metadata)
    point = click_point(metadata)
    x, y = metadata.pop("x", None), metadata.pop("y", None)
    at = f"{x}, {y}" if point is not None else None
    action = payload.get("action")
    blocks: list[Block] = [
        Fields(
            [
                Field("action", None if action == kind_in_full(subject.step) else action),
                Field("target", payload.get("target")),
                Field("url", payload.get("url")),
                Field("position", at),
            ]
        )
    ]
    if metadata:
        blocks += [Gap(), JsonBlock("metadata", metadata)]
    before, shot_before = subject.dom_before, subject.shot_before
    following = subject.events[1 : 1 + MOST_FOLLOWING]
    # A look at the page says more than its text, whichever was recorded first.
    for event in sorted(following, key=lambda event: event.get("type") != "screenshot"):
        blocks.append(Gap())
        if event.get("type") == "screenshot":
            blocks.extend(_shot(event, subject.spool, shot_before, point))
            shot_before = stored_picture(event) or shot_before
        else:
            blocks.extend(_dom(payload_of(event), before, event))
            before = payload_of(event)
    return blocks


def click_point(metadata: Mapping[str, Any]) -> tuple[float, float] | None:
    """Where on the page an action took place, in its pixels; None where that was not recorded."""
    x, y = metadata.get("x"), metadata.get("y")
    return (float(x), float(y)) if _is_number(x) and _is_number(y) else None  # type: ignore[arg-type]


def dom_blocks(subject: Subject) -> list[Block]:
    """The page in words: what changed, what is selected, its warnings, its text."""
    return _dom(subject.payload, subject.dom_before, subject.event)


def _dom(payload: Mapping[str, Any], before: Mapping[str, Any] | None, event: Event) -> list[Block]:
    path = f"dom {event.get('seq')}"
    blocks: list[Block] = [Fields([Field("page", payload.get("url"))])]
    changes = dom_changes(before, payload)
    if changes:
        blocks += [Gap(), Heading("what changed"), Sentences(changes, "• ")]
    warnings = payload.get("warnings")
    if isinstance(warnings, list) and warnings:
        blocks += [
            Gap(),
            Heading("warnings"),
            _Warnings([printable_line(str(item)) for item in warnings[:50]]),
        ]
    selected = payload.get("selected_values")
    if selected:
        blocks += [Gap(), JsonBlock("selected", selected, path=f"{path} selected")]
    visible = payload.get("visible_text")
    if visible:
        blocks += [Gap(), JsonBlock("visible text", visible, path=f"{path} text")]
    if metadata_of(event):
        blocks += [Gap(), JsonBlock("metadata", dict(metadata_of(event)), path=f"{path} metadata")]
    return blocks


@dataclass(slots=True)
class _Warnings:
    sentences: list[str]

    def lines(self, frame: Frame) -> list[Line]:
        return Sentences(self.sentences, "⚠ ", frame.looks.warned).lines(frame)


def shot_blocks(subject: Subject) -> list[Block]:
    """The picture, and what is known of it."""
    return _shot(subject.event, subject.spool, subject.shot_before)


def stored_picture(event: Event) -> str:
    """Where the picture of a screenshot event is kept; "" when only that it was taken is known."""
    path = payload_of(event).get("storage_path")
    return path if isinstance(path, str) else ""


def _shot(
    event: Event, spool: Path, before: str = "", point: tuple[float, float] | None = None
) -> list[Block]:
    payload = payload_of(event)
    path = stored_picture(event)
    blocks: list[Block]
    if path:
        blocks = [PictureBlock(spool, path, payload.get("size_bytes"), before, point)]
    else:
        source = payload.get("source")
        where = f" It was read from {printable_line(str(source), 300)}." if source else ""
        blocks = [Sentences([f"The picture itself was not kept, only that it was taken.{where}"])]
    # The picture says itself how large it is.
    shown = ("width", "height") if path else ()
    metadata = {key: item for key, item in metadata_of(event).items() if key not in shown}
    if metadata:
        blocks += [Gap(), JsonBlock("metadata", metadata, path=f"shot {event.get('seq')}")]
    return blocks


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6
