"""What the inspector and the full-screen view read from: blocks that lay themselves out as lines, with folds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Protocol

from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from promptetheus.display import printable_line
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.pictures.kitty import Upload
from promptetheus.tui.pictures.picture_way import HALF_BLOCKS, Canvas
from promptetheus.tui.theme import Looks


class _Nothing(Enum):
    NOTHING = "nothing"


NOTHING: Final = _Nothing.NOTHING
"""Stands for "no value", because None is one."""


BEFORE: Final = "before"
"""The fold that turns pictures to what was there before."""


@dataclass(slots=True)
class Line:
    """One line on the screen, drawn and cut to width."""

    content: Text | Strip
    fold: str = ""
    """What enter folds or unfolds here; "" where nothing folds."""
    is_open: bool = False
    """Whether `fold` is unfolded now."""
    more: str = ""
    """What enter shows more of here."""
    value: object = NOTHING
    """What `y` copies."""
    title: str = ""
    """Names `value` for people: `result.items.3`."""
    goes_to: int | None = None
    """Index of the step that enter leads to."""
    begins_picture: bool = False
    """Whether the picture is drawn right below it."""
    flips: bool = False
    """Whether it belongs to a picture that has one before it."""
    upload: Upload | None = None
    """A picture that the terminal must have before this is shown."""
    opens: Block | None = None
    """What `o` shows with the screen to itself; None where that is `value` itself."""


@dataclass(slots=True)
class Folds:
    """What a person unfolded, by path. Shared by the blocks of a page, so that it survives their being built anew."""

    opened: dict[str, bool] = field(default_factory=dict)
    shown: dict[str, int] = field(default_factory=dict)
    """How many portions of something long are shown; 1 where nobody asked for more."""

    def is_open(self, path: str, default: bool) -> bool:
        """Whether `path` is unfolded."""
        return self.opened.get(path, default)

    def portions(self, path: str) -> int:
        """How many portions of `path` to show."""
        return self.shown.get(path, 1)

    def show_more(self, path: str) -> None:
        """Show another portion, twice as many each time: a long value must not take a hundred key presses."""
        self.shown[path] = self.portions(path) * 2


@dataclass(frozen=True, slots=True)
class Frame:
    """The room that a block is laid out for."""

    width: int
    """Cells."""
    height: int
    """Lines of the pane; only pictures care."""
    looks: Looks
    folds: Folds
    roomy: bool = False
    """Whether this is a full-screen view, which unfolds more by itself."""
    canvas: Canvas = HALF_BLOCKS
    """How pictures are drawn."""


class Block(Protocol):
    """A part of a page."""

    def lines(self, frame: Frame) -> list[Line]:
        """Lay out for `frame`. Bounded in time whatever the value; may run in a thread."""
        ...


@dataclass(slots=True)
class Heading:
    """The name of a part, with a note in grey: `result  2 items`."""

    title: str
    note: str = ""

    def lines(self, frame: Frame) -> list[Line]:
        """A line of its own."""
        text = styled((printable_line(self.title, 200), frame.looks.strong))
        if self.note:
            text.append(f"  {printable_line(self.note, 400)}", frame.looks.muted)
        text.truncate(frame.width, overflow="ellipsis")
        return [Line(text)]


class Gap:
    """An empty line between parts."""

    def lines(self, frame: Frame) -> list[Line]:
        """One empty line."""
        return [Line(Text())]


@dataclass(slots=True)
class Page:
    """The blocks of one step or value."""

    blocks: list[Block]

    def lines(self, frame: Frame) -> list[Line]:
        """All blocks, laid out. A block that fails becomes a message line; the others are shown."""
        found: list[Line] = []
        for block in self.blocks:
            try:
                found.extend(block.lines(frame))
            except Exception as error:
                found.append(Line(drawing_failure(error, frame)))
        return found


def styled(*pieces: tuple[str, Style]) -> Text:
    """A line of pieces, each in its own style only: a style given to Text itself would lie under all of them."""
    return Text.assemble(*pieces)


def more_text(what: str, frame: Frame, *, indent: int = 0, opens: bool = True) -> Text:
    """The line at the end of something cut: `… 3.1 kB more   enter shows more, o opens all of it` where that fits."""
    keys = with_keys("   <full.open:enter> shows more")
    also = with_keys(", <session.open:o> opens all of it")
    if opens and indent + len(f"… {what}{keys}{also}") <= frame.width:
        keys += also
    text = styled(
        (" " * indent, frame.looks.text), (f"… {what}", frame.looks.accent), (keys, frame.looks.muted)
    )
    text.truncate(frame.width, overflow="ellipsis")
    return text


def drawing_failure(error: Exception, frame: Frame) -> Text:
    """The line that stands where something could not be drawn."""
    message = f"this part could not be drawn: {type(error).__name__}: {error}"
    return Text(printable_line(message, frame.width), frame.looks.failed)


def spaced(parts: Iterable[Sequence[Block]]) -> list[Block]:
    """The parts, with an empty line between two."""
    blocks: list[Block] = []
    for part in parts:
        if blocks:
            blocks.append(Gap())
        blocks.extend(part)
    return blocks
