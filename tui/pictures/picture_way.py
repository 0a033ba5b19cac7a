"""How pictures are drawn here: with the terminal's own graphics where it is known to have them, in half blocks else.

The terminal is never asked: its answer could swallow a key that the person has already typed. What is known comes
from the environment and from the size that the kernel keeps for the terminal.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, runtime_checkable

from textual.app import App


class PictureWay(StrEnum):
    """The ways to draw a picture on a terminal."""

    HALF = "half blocks"
    """Two pixels a cell, in any terminal with colours."""
    KITTY = "kitty graphics"
    """The terminal's own, placed by characters that stand for parts of a picture."""
    SIXEL = "sixel graphics"
    """The terminal's own, sent again with every line."""
    SHADES = "shades"
    """Brightness in four characters, for terminals without colours."""


class Canvas(NamedTuple):
    """What a picture is drawn for."""

    way: PictureWay
    cell_px: tuple[int, int]
    """Width and height of a cell in pixels of the picture."""


HALF_BLOCKS = Canvas(PictureWay.HALF, (1, 2))
SHADES = Canvas(PictureWay.SHADES, (1, 2))

_USUAL_CELL = (10, 20)
"""Kitty scales by itself, so a guess is good enough there."""

_SIXEL_PROGRAMS = frozenset({"WezTerm", "contour", "mlterm", "mintty"})
_SIXEL_TERMS = ("foot", "mlterm", "contour", "yaft")
_KONSOLE_WITH_SIXEL = 220400
_KITTY_WITH_PLACEHOLDERS = (0, 28)


@runtime_checkable
class DrawsPictures(Protocol):
    """An app that knows how pictures are to be drawn."""

    canvas: Canvas


@runtime_checkable
class ChoosesWay(Protocol):
    """An app in which a person says how pictures are to be drawn."""

    def choose_way(self, way: PictureWay) -> None:
        """Draw so from now on, and next time in such a terminal."""


def canvas_of(app: App[Any]) -> Canvas:
    """How pictures are drawn in an app; in half blocks where it does not say."""
    return app.canvas if isinstance(app, DrawsPictures) else HALF_BLOCKS


def best_way(environment: Mapping[str, str], cell_px: tuple[int, int]) -> PictureWay:
    """The way for a terminal that nobody configured.

    Args:
        cell_px: Width and height of a cell in pixels; zeros when the kernel does not know.
    """
    term, program = environment.get("TERM", ""), environment.get("TERM_PROGRAM", "")
    if "NO_COLOR" in environment:
        return PictureWay.SHADES
    # Multiplexers pass graphics on only when they are configured to, and then lose track of them.
    if "TMUX" in environment or "STY" in environment or term.startswith(("tmux", "screen")):
        return PictureWay.HALF
    if "KITTY_WINDOW_ID" in environment or "kitty" in term or "ghostty" in (term + program).lower():
        return PictureWay.KITTY
    konsole = environment.get("KONSOLE_VERSION", "")
    has_sixel = (
        program in _SIXEL_PROGRAMS
        or term.startswith(_SIXEL_TERMS)
        or (konsole.isdecimal() and int(konsole) >= _KONSOLE_WITH_SIXEL)
    )
    # Without the size of a cell a sixel picture would run over its lines or leave them half empty.
    return PictureWay.SIXEL if has_sixel and all(cell_px) else PictureWay.HALF


def way_after(way: PictureWay, cell_px: tuple[int, int]) -> PictureWay:
    """The next way to try, around all that can be had; sixel cannot where the size of a cell is unknown."""
    ways = [each for each in PictureWay if each is not PictureWay.SIXEL or all(cell_px)]
    return ways[(ways.index(way) + 1) % len(ways)]


def terminal_kind(environment: Mapping[str, str]) -> str:
    """What tells terminals of different abilities apart: `xterm-256color WezTerm`, `tmux-256color tmux`."""
    return f"{environment.get('TERM', '')} {environment.get('TERM_PROGRAM', '')}".strip()


def kitty_is_too_old(environment: Mapping[str, str]) -> bool:
    """Whether the kitty on this machine is from before 0.28, which knew no pictures as text.

    Runs it: call it from a thread. Of a kitty at the other end of a connection nothing is known.
    """
    program = shutil.which("kitty", path=environment.get("PATH"))
    if program is None or "SSH_CONNECTION" in environment:
        return False
    try:
        done = subprocess.run(
            [program, "--version"],
            capture_output=True,
            text=True,
            timeout=5,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return False
    found = re.search(r"(\d+)\.(\d+)", done.stdout)
    return found is not None and (int(found[1]), int(found[2])) < _KITTY_WITH_PLACEHOLDERS


def canvas_for(way: PictureWay, cell_px: tuple[int, int]) -> Canvas:
    """What to draw for; half blocks where sixel is wanted and the size of a cell is unknown."""
    match way:
        case PictureWay.KITTY:
            return Canvas(way, cell_px if all(cell_px) else _USUAL_CELL)
        case PictureWay.SIXEL if all(cell_px):
            return Canvas(way, cell_px)
        case PictureWay.SHADES:
            return SHADES
        case _:
            return HALF_BLOCKS


def terminal_cell_px() -> tuple[int, int]:
    """Width and height of a cell in pixels, as the terminal told the kernel; zeros when it did not."""
    stream = sys.__stderr__
    try:
        if stream is None:
            return 0, 0
        packed = fcntl.ioctl(stream.fileno(), termios.TIOCGWINSZ, bytes(8))
    except (OSError, ValueError):
        return 0, 0
    rows, columns, width, height = struct.unpack("HHHH", packed)
    return (width // columns, height // rows) if rows and columns else (0, 0)
