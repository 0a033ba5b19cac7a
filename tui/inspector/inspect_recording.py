"""The inspector's page for a recording: what it is, its frames where they can be read, and the way to a player."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptetheus.display import count, duration, printable_line, size
from promptetheus.pictures import PictureError
from promptetheus.tui.inspector.fields import Field, Fields, Sentences
from promptetheus.tui.inspector.json_view import JsonBlock
from promptetheus.tui.inspector.page import Block, Frame, Gap, Heading, Line, more_text, styled
from promptetheus.tui.inspector.subject import Subject
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.offsets import moment_text, offset_text
from promptetheus.tui.pictures.picture_block import PictureBlock
from promptetheus.tui.pictures.stored_picture import Frame as Still
from promptetheus.tui.pictures.stored_picture import frames, holds_frames
from promptetheus.tui.pictures.video_frames import is_video

LISTED = 20
"""Frames and events listed before anyone asked for more."""


def recording_blocks(subject: Subject) -> list[Block]:
    """What was recorded, where it lies, what is in it."""
    payload = subject.payload
    length = payload.get("duration_ms")
    kept = payload.get("size_bytes")
    where = payload.get("storage_path")
    path = where if isinstance(where, str) else ""
    fields = [
        Field("recording", payload.get("artifact_type")),
        Field("size", kept, shown=size(kept) if isinstance(kept, int) else None),
        Field("length", length, shown=duration(length) if isinstance(length, int | float) else None),
        Field("started", payload.get("started_at"), shown=moment_text(payload.get("started_at"))),
        Field("ended", payload.get("ended_at"), shown=moment_text(payload.get("ended_at"))),
        Field("file", str(subject.spool / path) if path else None),
        Field("source", payload.get("source")),
    ]
    blocks: list[Block] = [Fields(fields), Gap()]
    if not path:
        blocks.append(Sentences(["The recording itself was not kept."]))
    elif holds_frames(path):
        blocks.append(Stills(subject.spool, path))
    else:
        said = [with_keys("A terminal cannot play it: <session.outside:O> opens it in the desktop's player.")]
        if is_video(path):
            said.append("With ffmpeg installed its frames are listed here, one a second.")
        blocks.append(Sentences(said))
    moments = payload.get("event_time_map")
    if isinstance(moments, Mapping) and moments:
        blocks += [Gap(), Heading("events in it", count(len(moments))), Moments(moments)]
    if subject.metadata:
        blocks += [Gap(), JsonBlock("metadata", dict(subject.metadata))]
    return blocks


@dataclass(slots=True)
class Stills:
    """The frames of a recording, each with its time; enter shows one."""

    spool: Path
    path: str

    def lines(self, frame: Frame) -> list[Line]:
        """A line a frame."""
        looks = frame.looks
        try:
            found: Sequence[Still] = frames(self.spool, self.path)
        except PictureError as error:
            return Sentences([f"no frames: {error}"], style=looks.failed).lines(frame)
        if not found:
            said = with_keys(
                "There are no frames in it. <session.outside:O> opens it in the desktop's viewer."
            )
            return Sentences([said]).lines(frame)
        lines = Heading("frames", with_keys(f"{count(len(found))}, <full.open:enter> shows one")).lines(frame)
        most = LISTED * frame.folds.portions("frames") * (10 if frame.roomy else 1)
        for number, still in enumerate(found[:most], 1):
            at = "" if still.at_ms is None else offset_text(still.at_ms)
            text = styled(
                (f"{number:>5}  ", looks.muted),
                (f"{at:>8}  ", looks.text),
                (printable_line(still.member.rpartition("/")[2], 200), looks.muted),
            )
            text.truncate(frame.width, overflow="ellipsis")
            picture = PictureBlock(self.spool, self.path, member=still.member)
            lines.append(Line(text, value=still.member, title=f"frame {number}", opens=picture))
        if len(found) > most:
            rest = more_text(f"{count(len(found) - most)} more frames", frame, opens=False)
            lines.append(Line(rest, more="frames"))
        return lines


@dataclass(slots=True)
class Moments:
    """Which event of the session happened when in the recording."""

    moments: Mapping[str, Any]

    def lines(self, frame: Frame) -> list[Line]:
        """A line an event."""
        looks = frame.looks
        found: list[Line] = []
        most = LISTED * frame.folds.portions("moments")
        for seq, at in list(self.moments.items())[:most]:
            timed = isinstance(at, int | float) and not isinstance(at, bool) and abs(at) < 1e15
            when = offset_text(float(at)) if timed else printable_line(str(at), 20)
            text = styled(
                (f"{when:>8}  ", looks.text), (f"event {printable_line(str(seq), 20)}", looks.muted)
            )
            text.truncate(frame.width, overflow="ellipsis")
            found.append(Line(text, value=at, title=f"event {printable_line(str(seq), 20)}"))
        if len(self.moments) > most:
            found.append(
                Line(more_text(f"{count(len(self.moments) - most)} more", frame, opens=False), more="moments")
            )
        return found
