"""The parts of a page about a difference: each lays the left side beside the right one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from promptetheus.cause.diff_report import SessionSide
from promptetheus.cause.picture_changes import PictureChange
from promptetheus.cause.row_details import PicturePair
from promptetheus.cause.value_changes import ABSENT, ValueChange
from promptetheus.cause.word_changes import WORTH_MARKING, Stretch, WordChanges, Words
from promptetheus.display import printable, printable_line, short_id, value
from promptetheus.pictures import PictureError
from promptetheus.queries.diffs import compare_pictures
from promptetheus.tui.diff.row import status_ink
from promptetheus.tui.fit import Pieces, aligned, joined
from promptetheus.tui.inspector.page import Block, Frame, Line, more_text, styled
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.pictures.picture import NO_MARKS, WHOLE, Marks
from promptetheus.tui.pictures.picture_block import PictureBlock, canvas_for_colours, drawn
from promptetheus.tui.pictures.picture_way import HALF_BLOCKS, PictureWay
from promptetheus.tui.wrapping import wrap, wrap_styled

_BETWEEN = " │ "
_PANE_LINES = 6
"""Lines of a text in the small pane; the full-screen view shows all."""

_FULL_LINES = 2_000
_MOST_VALUE_LINES = 40
"""Lines of one value in the table of changes of the full-screen view."""

_LEAST_PATH_CELLS = 16
"""Paths are of different lengths in each block; most blocks have their columns in the same places."""

_MOST_PATH_CELLS = 36
_LEAST_PICTURE_ROWS = 6


@dataclass(slots=True)
class SidesBlock:
    """Which session is the left one, and which the right one: over the columns of a full-screen page."""

    left: SessionSide
    right: SessionSide

    def lines(self, frame: Frame) -> list[Line]:
        """One line, each session where its texts and pictures begin."""
        looks = frame.looks
        room = max(4, frame.width - 2 - len(_BETWEEN))
        named = [
            [
                (f"{side.glyph} {side.status}", status_ink(side, looks)),
                (f"  {short_id(side.session_id)}", looks.strong),
            ]
            for side in (self.left, self.right)
        ]
        pieces: Pieces = [
            ("  ", looks.text),
            *aligned(named[0], room // 2),
            (_BETWEEN, looks.rule),
            *aligned(named[1], room - room // 2),
        ]
        return [Line(joined(pieces))]


@dataclass(slots=True)
class Sentences:
    """Lines of words beside a label."""

    label: str
    texts: Sequence[str]

    def lines(self, frame: Frame) -> list[Line]:
        """Each in two lines at most, or in the full-screen view in as many as it takes."""
        looks = frame.looks
        indent = 2 + (cell_len(self.label) + 2 if self.label else 0)
        most = _FULL_LINES if frame.roomy else 2
        found: list[Line] = []
        for text in self.texts:
            wrapped = wrap(text, frame.width - indent, most)
            for number, piece in enumerate(wrapped.lines):
                head = f"  {self.label}  " if self.label and not found else " " * indent
                cut = wrapped.rest and number == len(wrapped.lines) - 1
                found.append(
                    Line(
                        styled((head, looks.muted), (f"{piece[:-1]}…" if cut else piece, looks.text)),
                        value=text,
                    )
                )
        return found


@dataclass(slots=True)
class ChangesBlock:
    """Changed values by path: the path, the value on the left, the value on the right."""

    what: str
    """`arguments`, `result`; "" for the value as such."""
    changes: Sequence[ValueChange]

    def lines(self, frame: Frame) -> list[Line]:
        """A line a change; in the full-screen view values wrap."""
        paths = [printable_line(each.path_in(self.what), 200) for each in self.changes]
        longest = max(_LEAST_PATH_CELLS, *map(cell_len, paths))
        widest = min(_MOST_PATH_CELLS, frame.width // 3, longest)
        room = max(2, frame.width - widest - 4 - len(_BETWEEN))
        left = room // 2
        found: list[Line] = []
        for path, change in zip(paths, self.changes, strict=True):
            found += self._change(path, change, widest, left, room - left, frame)
        return found

    def _change(
        self, path: str, change: ValueChange, widest: int, left: int, right: int, frame: Frame
    ) -> list[Line]:
        looks = frame.looks
        most = _MOST_VALUE_LINES if frame.roomy else 1
        sides = _shown(change.before, left, most), _shown(change.after, right, most)
        found = []
        for number, (one, other) in enumerate(zip_longest(*sides, fillvalue="")):
            pieces: Pieces = [
                ("  ", looks.text),
                *aligned([(path if not number else "", looks.muted)], widest),
                ("  ", looks.text),
                *aligned([(one, looks.faint if change.before is ABSENT else looks.text)], left),
                (_BETWEEN, looks.rule),
                *aligned([(other, looks.faint if change.after is ABSENT else looks.warned)], right),
            ]
            found.append(
                Line(
                    joined(pieces),
                    value={"left": _plain(change.before), "right": _plain(change.after)},
                    title=path,
                )
            )
        return found


def _plain(thing: object) -> object:
    return None if thing is ABSENT else thing


def _shown(thing: object, width: int, most: int) -> list[str]:
    if thing is ABSENT:
        return ["not there"]
    if most == 1:
        return [value(thing, 4 * width + 8)]
    text = value(thing, width * most)
    return wrap(text, width, most).lines


@dataclass(slots=True)
class WordsBlock:
    """Two texts in two columns, the words that differ marked."""

    label: str
    words: WordChanges

    def lines(self, frame: Frame) -> list[Line]:
        """As many lines as the room allows."""
        looks = frame.looks
        room = max(4, frame.width - 2 - len(_BETWEEN))
        left = room // 2
        marks = self.words.share_equal >= WORTH_MARKING
        emphasis = looks.warned + Style(bold=True, underline=True) if marks else looks.text
        path = f"words/{self.label}"
        most = (_FULL_LINES if frame.roomy else _PANE_LINES) * frame.folds.portions(path)
        columns = _columns(self.words, (left, room - left), most, looks.text, emphasis)
        found = []
        if self.label:
            found.append(Line(styled((f"  {printable_line(self.label, 200)}", looks.muted))))
        texts = [_text_of(stretches) for stretches in (self.words.left, self.words.right)]
        both = {"left": texts[0], "right": texts[1]}
        for one, other in zip_longest(columns[0][:most], columns[1][:most], fillvalue=Text("")):
            line = styled(("  ", looks.text))
            line.append_text(_padded(one, left))
            line.append(_BETWEEN, looks.rule)
            line.append_text(other)
            found.append(Line(line, value=both, title=self.label or "words"))
        longest = max(map(len, columns))
        if longest > most:
            found.append(Line(more_text("more lines", frame, indent=2, opens=False), more=path, value=both))
        elif self.words.cut:
            said = "  The texts are too long to be compared to their ends."
            found.append(Line(Text(said, looks.warned)))
        return found


def _text_of(stretches: Sequence[Stretch]) -> str:
    return "".join(stretch.text for stretch in stretches)


def _columns(
    words: WordChanges, widths: tuple[int, int], most: int, equal: Style, differs: Style
) -> tuple[list[Text], list[Text]]:
    """Both texts in lines, one more than asked for when there are more. Where a line begins in both texts, it begins
    beside itself: the column that is behind gets empty lines."""
    columns: tuple[list[Text], list[Text]] = ([], [])
    begun = [Text(), Text()]
    room = max(widths) * (most + 1)

    def end_line(side: int) -> None:
        columns[side].extend(wrap_styled(begun[side], widths[side]))
        begun[side] = Text()

    for stretch in words.stretches:
        sides = [
            side
            for side, where in enumerate((Words.LEFT, Words.RIGHT))
            if stretch.where in (where, Words.BOTH)
        ]
        for number, piece in enumerate(printable(stretch.text[: room + 1]).expandtabs(4).split("\n")):
            if number:
                for side in sides:
                    end_line(side)
            if len(sides) == 2 and not any(begun):
                longest = max(map(len, columns))
                for column in columns:
                    column.extend(Text() for _ in range(longest - len(column)))
            for side in sides:
                begun[side].append(piece, equal if stretch.where is Words.BOTH else differs)
        if min(map(len, columns)) > most:
            break
    for side in (0, 1):
        end_line(side)
    return columns[0][: most + 1], columns[1][: most + 1]


def _padded(text: Text, width: int) -> Text:
    text = text.copy()
    text.append(" " * max(0, width - text.cell_len))
    return text


@dataclass(slots=True)
class NumbersBlock:
    """What differs in time and tokens."""

    numbers: Sequence[tuple[str, str, str]]

    def lines(self, frame: Frame) -> list[Line]:
        """A line each."""
        looks = frame.looks
        widest = max(cell_len(name) for name, _, _ in self.numbers)
        found = []
        for name, left, right in self.numbers:
            pieces: Pieces = [
                ("  ", looks.text),
                *aligned([(name, looks.muted)], widest),
                (f"  {left} → {right}", looks.muted),
            ]
            found.append(Line(joined(aligned(pieces, frame.width)), value=f"{name}: {left} → {right}"))
        return found


@dataclass(slots=True)
class PairBlock:
    """Two screenshots beside each other, with a box around what changed."""

    left_spool: Path
    right_spool: Path
    pair: PicturePair

    def lines(self, frame: Frame) -> list[Line]:
        """Under a line that says how they differ; an error stands where a picture should."""
        looks = frame.looks
        change = compare_pictures(self.left_spool, self.right_spool, self.pair)
        style = looks.warned if change.is_visible else looks.muted
        caption = styled(("  picture  ", looks.muted), (printable_line(change.describe(), 300), style))
        hint = self._larger()
        if not frame.roomy:
            caption.append(with_keys("   <full.open:enter> "), looks.accent)
            caption.append("shows both", looks.muted)
        elif hint is not None:
            caption.append(with_keys("   <diff_value.picture:o> "), looks.accent)
            caption.append("shows it large", looks.muted)
        caption.truncate(frame.width, overflow="ellipsis")
        found = [Line(caption, opens=hint, title="picture")]
        if not frame.roomy:
            return found
        rows = max(_LEAST_PICTURE_ROWS, frame.height - 8)
        width = max(1, (frame.width - 2 - len(_BETWEEN)) // 2)
        sides = [
            self._drawn(spool, path, width, rows, change, frame)
            for spool, path in ((self.left_spool, self.pair.left), (self.right_spool, self.pair.right))
        ]
        blank = Strip.blank(width)
        for one, other in zip_longest(*sides, fillvalue=blank):
            strip = Strip(
                [
                    Segment("  "),
                    *one.adjust_cell_length(width),
                    Segment(_BETWEEN, looks.rule),
                    *other.adjust_cell_length(width),
                ]
            )
            found.append(Line(strip, opens=hint, title="picture"))
        return found

    def _larger(self) -> Block | None:
        """The right picture with the left one under it, where one spool holds both."""
        if self.pair.left is None or self.pair.right is None or self.left_spool != self.right_spool:
            return None
        return PictureBlock(self.right_spool, self.pair.right, before=self.pair.left)

    def _drawn(
        self, spool: Path, path: str | None, width: int, rows: int, change: PictureChange, frame: Frame
    ) -> list[Strip]:
        looks = frame.looks
        if path is None:
            return [_words("no screenshot here", width, looks.faint)]
        # What the terminal draws itself takes whole lines: two of them do not fit beside each other.
        canvas = canvas_for_colours(frame)
        if canvas.way not in (PictureWay.HALF, PictureWay.SHADES):
            canvas = HALF_BLOCKS
        marks = NO_MARKS if change.region is None else Marks(change.region)
        try:
            return drawn(spool, path, width, rows, canvas, marks, WHOLE).strips
        except PictureError as error:
            return [_words(f"no picture: {error}", width, looks.failed)]


def _words(text: str, width: int, style: Style) -> Strip:
    return Strip(
        [
            Segment(text, part_style)
            for text, part_style in aligned([(printable_line(text, 400), style)], width)
        ]
    )
