"""Signs for terminals that cannot show ours: one of ASCII for each, as wide as it, so that columns stay in place.

Two kinds need them: those of another encoding than UTF-8, and the console of Linux, whose font has few signs.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Mapping

from rich.cells import cell_len
from textual.driver import Driver

_ALIKE = {
    "-": "─━╌╸–−—",
    "|": "│╎╷‖▏▎▕┃",
    "+": "├┤└┌┐┘┬┴┼◆◈",
    "#": "█▉▊▋▇▆▓",
    "=": "▅▄▒▀",
    "_": "▁▂▃░",
    ">": "▌▍▐▶▷▸›→≥",
    "<": "‹←↩",
    "^": "↑↕",
    "v": "▾▼↓✓",
    "x": "✗×",
    "!": "⚠",
    "*": "●✦•✎",
    "o": "○",
    "0": "∅⊘",
    "~": "≈…↻",
    ".": "·␡",
    "/": "≠⏎",
    "u": "µ",
    '"': "“”",
    "'": "‘’",
}
_PLAIN: Mapping[str, str] = {sign: plain for plain, signs in _ALIKE.items() for sign in signs}

_NEAR = {"▃": "▄", "▅": "▄", "▆": "█", "▇": "█"}
"""Taken first where it can be shown: a bar of blocks and of signs of ASCII would be two sorts of bar."""


class PlainGlyphs(dict[int, str | int]):
    """A table for `str.translate`, filled as characters come up.

    Args:
        can_show: Whether the terminal has a character.
    """

    def __init__(self, can_show: Callable[[str], bool]) -> None:
        super().__init__()
        self._can_show = can_show

    def __missing__(self, code: int) -> str | int:
        """What stands for a character: itself, a sign like it, or as many question marks as it has cells."""
        character = chr(code)
        near = _NEAR.get(character, "")
        found: str | int = _PLAIN.get(character, "?" * cell_len(character))
        if code < 0x80 or self._can_show(character):
            found = code
        elif near and self._can_show(near):
            found = near
        self[code] = found
        return found


def glyphs_for(environ: Mapping[str, str], encoding: str) -> PlainGlyphs | None:
    """The table for a terminal; None for one that shows everything.

    Args:
        environ: Says by `TERM` what terminal it is.
        encoding: Of what is written to it.
    """
    if codecs.lookup(encoding).name != "utf-8":
        return PlainGlyphs(lambda character: _is_in(character, encoding))
    if environ.get("TERM") == "linux":
        # Its fonts differ: what the oldest has, arrows among them, and the letters of Europe are in most.
        return PlainGlyphs(
            lambda character: (
                character in "←↑→↓" or _is_in(character, "cp437") or _is_in(character, "latin-1")
            )
        )
    return None


def plain_driver(driver: type[Driver], glyphs: PlainGlyphs) -> type[Driver]:
    """A driver of Textual's that writes those signs."""

    class PlainDriver(driver):  # type: ignore[valid-type, misc]  # its base is known at run time only
        def write(self, data: str) -> None:
            """Write to the terminal."""
            super().write(data.translate(glyphs))

    return PlainDriver


def _is_in(character: str, encoding: str) -> bool:
    try:
        character.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
