"""The inspector's pages for what an agent did and saw in a browser: actions, DOM snapshots, pictures, recordings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rich.text import Text

from promptetheus.artifacts import read_artifact
from promptetheus.display import duration, printable_line, size
from promptetheus.dom_changes import dom_changes
from promptetheus.events import Event
from promptetheus.pictures import MAX_FILE_BYTES, PictureError
from promptetheus.tui.fields import Field, Fields, Sentences
from promptetheus.tui.json_view import JsonBlock
from promptetheus.tui.page import Block, Frame, Gap, Heading, Line, styled
from promptetheus.tui.picture import Picture, draw_picture
from promptetheus.tui.subject import Subject, metadata_of, payload_of

MOST_FOLLOWING = 20
"""Screenshots and DOM snapshots shown after one action; the raw view has all."""


def action_blocks(subject: Subject) -> list[Block]:
    """What was done where, then what the page showed after it."""
    payload, metadata = subject.payload, dict(subject.metadata)
    x, y = metadata.pop("x", None), metadata.pop("y", None)
    at = f"{x}, {y}" if isinstance(x, int | float) and isinstance(y, int | float) else None
    blocks: list[Block] = [
        Fields(
            [
                Field("action", payload.get("action")),
                Field("target", payload.get("target")),
                Field("url", payload.get("url")),
                Field("at", at),
            ]
        )
    ]
    if metadata:
        blocks += [Gap(), JsonBlock("metadata", metadata)]
    before = subject.dom_before
    following = subject.events[1 : 1 + MOST_FOLLOWING]
    # A look at the page says more than its text, whichever was recorded first.
    for event in sorted(following, key=lambda event: event.get("type") != "screenshot"):
        blocks.append(Gap())
        if event.get("type") == "screenshot":
            blocks.extend(_shot(event, subject.spool))
        else:
            blocks.extend(_dom(payload_of(event), before, event))
            before = payload_of(event)
    return blocks


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
    return _shot(subject.event, subject.spool)


def _shot(event: Event, spool: Path) -> list[Block]:
    payload = payload_of(event)
    path = payload.get("storage_path")
    blocks: list[Block]
    if isinstance(path, str) and path:
        blocks = [PictureBlock(spool, path, payload.get("size_bytes"))]
    else:
        source = payload.get("source")
        where = f" It was read from {printable_line(str(source), 300)}." if source else ""
        blocks = [Sentences([f"The picture itself was not kept, only that it was taken.{where}"])]
    if metadata_of(event):
        blocks += [Gap(), JsonBlock("metadata", dict(metadata_of(event)), path=f"shot {event.get('seq')}")]
    return blocks


@dataclass(slots=True)
class PictureBlock:
    """A screenshot in half blocks, under a line with its measures."""

    spool: Path
    storage_path: str
    size_bytes: Any = None

    def lines(self, frame: Frame) -> list[Line]:
        """As large as the pane allows without scrolling, but no smaller than can be made out."""
        looks = frame.looks
        rows = max(6, frame.height - 4)
        # Without a colour for text the theme has none at all: brightness has to do.
        colour = looks.failed.color is not None
        try:
            picture = _picture(self.spool, self.storage_path, frame.width, rows, colour)
        except PictureError as error:
            text = Text(f"no picture: {printable_line(str(error), 400)}", looks.failed)
            text.truncate(frame.width, overflow="ellipsis")
            return [Line(text, value=self.storage_path, title="path")]
        kept = f"  {size(self.size_bytes)}" if isinstance(self.size_bytes, int) else ""
        measures = f"{picture.width_px}×{picture.height_px}"
        caption = styled((measures, looks.strong), (f"  {picture.format}{kept}", looks.muted))
        # `o` draws it again, with the whole screen to itself.
        drawn = [
            Line(strip, value=self.storage_path, title="picture", opens=self) for strip in picture.strips
        ]
        return [Line(caption, value=self.storage_path, title="path"), *drawn]


@lru_cache(maxsize=16)
def _picture(spool: Path, storage_path: str, columns: int, rows: int, colour: bool) -> Picture:
    """Artifacts are named by their content, so a picture once drawn stays right."""
    try:
        data = read_artifact(spool, storage_path, MAX_FILE_BYTES)
    except FileNotFoundError:
        raise PictureError("its file is gone from the spool") from None
    except OSError as error:
        raise PictureError(f"its file cannot be read ({error.strerror or type(error).__name__})") from None
    except ValueError as error:
        raise PictureError(str(error)) from None
    return draw_picture(data, columns, rows, colour=colour)


def recording_blocks(subject: Subject) -> list[Block]:
    """What was recorded and where it lies: a terminal cannot play it."""
    payload = subject.payload
    length = payload.get("duration_ms")
    kept = payload.get("size_bytes")
    where = payload.get("storage_path")
    fields = [
        Field("recording", payload.get("artifact_type")),
        Field("size", kept, shown=size(kept) if isinstance(kept, int) else None),
        Field("length", length, shown=duration(length) if isinstance(length, int | float) else None),
        Field("started", payload.get("started_at")),
        Field("ended", payload.get("ended_at")),
        Field("file", str(subject.spool / where) if isinstance(where, str) and where else None),
        Field("source", payload.get("source")),
    ]
    blocks: list[Block] = [Fields(fields)]
    if not where:
        blocks += [Gap(), Sentences(["The recording itself was not kept."])]
    if payload.get("event_time_map"):
        blocks += [Gap(), JsonBlock("events in it", payload["event_time_map"])]
    if subject.metadata:
        blocks += [Gap(), JsonBlock("metadata", dict(subject.metadata))]
    return blocks
