"""What a terminal would show: the part of a terminal's language that the measured programs use.

Textual and curses move the cursor, erase, scroll, and write text; colours and modes are read over. Cells hold
characters only: whether the right thing is on screen is all that a measurement needs to know.
"""

from __future__ import annotations

import re
from unicodedata import combining, east_asian_width

FRAME_ENDS = b"\x1b[?2026l"
"""A program that knows synchronized updates says so when a frame is whole."""

_TOKEN = re.compile(
    r"\x1b\[(?P<parameters>[0-?]*)[ -/]*(?P<final>[@-~])"
    r"|\x1b[\]PX^_].*?(?:\x07|\x1b\\)"
    r"|\x1b[()*+#%][0-9A-Za-z]|\x1b(?P<short>[0-Z\\^-~])"
    r"|(?P<control>[\x00-\x1a\x1c-\x1f\x7f])"
    r"|(?P<text>[^\x00-\x1f\x7f]+)",
    re.DOTALL,
)


class TerminalScreen:
    """A grid of characters that output is written to."""

    def __init__(self, columns: int, rows: int) -> None:
        self.columns, self.rows = columns, rows
        self._cells = [[" "] * columns for _ in range(rows)]
        self._x = self._y = 0
        self._top, self._bottom = 0, rows - 1
        self._last = " "
        self._waiting = ""

    @property
    def lines(self) -> list[str]:
        """What stands in each row."""
        return ["".join(row) for row in self._cells]

    @property
    def text(self) -> str:
        """All of it."""
        return "\n".join(self.lines)

    def feed(self, output: str) -> None:
        """Take in output; a sequence that is not whole yet waits for its rest."""
        output, self._waiting = self._waiting + output, ""
        place = 0
        while place < len(output):
            token = _TOKEN.match(output, place)
            if token is None:
                if len(output) - place < 100_000:  # Else it is no sequence but garbage.
                    self._waiting = output[place:]
                    return
                place += 1
                continue
            place = token.end()
            if token["text"] is not None:
                self._write(token["text"])
            elif token["final"] is not None:
                self._control(token["parameters"], token["final"])
            else:
                self._character(token["control"] or token["short"] or "")

    def _write(self, text: str) -> None:
        row, x = self._cells[self._y], self._x
        if text.isascii() and x + len(text) <= self.columns:
            row[x : x + len(text)] = text
            self._x = x + len(text)
        else:
            for character in text:
                self._put(character)
        self._last = text[-1]

    def _put(self, character: str) -> None:
        if combining(character) or character == "\ufe0f":
            return
        cells = 2 if east_asian_width(character) in "WF" else 1
        if self._x + cells > self.columns:
            self._x = 0
            self._line_feed()
        self._cells[self._y][self._x : self._x + cells] = [character, *[""] * (cells - 1)]
        self._x += cells

    def _character(self, character: str) -> None:
        match character:
            case "\r":
                self._x = 0
            case "\n" | "D":
                self._line_feed()
            case "\b":
                self._x = max(0, self._x - 1)
            case "\t":
                self._x = min(self.columns - 1, (self._x // 8 + 1) * 8)
            case "M":
                if self._y == self._top:
                    self._scroll(self._top, -1)
                else:
                    self._y = max(0, self._y - 1)
            case "c":
                self.__init__(self.columns, self.rows)  # type: ignore[misc]

    def _line_feed(self) -> None:
        if self._y == self._bottom:
            self._scroll(self._top, 1)
        else:
            self._y = min(self.rows - 1, self._y + 1)

    def _control(self, parameters: str, final: str) -> None:
        if parameters[:1] in ("?", ">", "<", "="):
            return
        numbers = [int(each) if each.isdigit() else 0 for each in parameters.split(";")]
        first, by = numbers[0], max(1, numbers[0])
        row = self._cells[self._y]
        match final:
            case "H" | "f":
                column = numbers[1] if len(numbers) > 1 else 1
                self._y, self._x = min(self.rows, by) - 1, min(self.columns, max(1, column)) - 1
            case "A":
                self._y = max(0, self._y - by)
            case "B":
                self._y = min(self.rows - 1, self._y + by)
            case "C":
                self._x = min(self.columns - 1, self._x + by)
            case "D":
                self._x = max(0, self._x - by)
            case "G" | "`":
                self._x = min(self.columns, by) - 1
            case "d":
                self._y = min(self.rows, by) - 1
            case "J":
                above, below = range(self._y), range(self._y + 1, self.rows)
                for y in {0: below, 1: above}.get(first, range(self.rows)):
                    self._cells[y] = [" "] * self.columns
                if first < 2:
                    self._erase(first)
            case "K":
                self._erase(first)
            case "X":
                row[self._x : self._x + by] = [" "] * min(by, self.columns - self._x)
            case "P":
                row[self._x :] = [*row[self._x + by :], *[" "] * min(by, self.columns - self._x)]
            case "@":
                row[self._x :] = [*[" "] * by, *row[self._x :]][: self.columns - self._x]
            case "b":
                self._write(self._last * by)
            case "L":
                self._scroll(self._y, -by)
            case "M":
                self._scroll(self._y, by)
            case "S":
                self._scroll(self._top, by)
            case "T":
                self._scroll(self._top, -by)
            case "r":
                last = numbers[1] if len(numbers) > 1 and numbers[1] else self.rows
                self._top, self._bottom = by - 1, min(self.rows, last) - 1
                self._x = self._y = 0

    def _erase(self, what: int) -> None:
        """Of the cursor's row: from the cursor on (0), up to it (1), or all (2)."""
        row, x = self._cells[self._y], min(self._x, self.columns - 1)
        start, end = {0: (x, self.columns), 1: (0, x + 1)}.get(what, (0, self.columns))
        row[start:end] = [" "] * (end - start)

    def _scroll(self, top: int, by: int) -> None:
        """Move the rows from `top` to the end of the scrolled part up, or down where `by` is negative."""
        part = self._cells[top : self._bottom + 1]
        blank = [[" "] * self.columns for _ in range(min(abs(by), len(part)))]
        moved = [*part[by:], *blank] if by > 0 else [*blank, *part[:by]]
        self._cells[top : self._bottom + 1] = moved[: len(part)]
