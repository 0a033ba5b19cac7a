"""The colours of our themes, one palette each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Palette(NamedTuple):
    """The colours of one theme, as Textual writes them: `#rrggbb`, or `ansi_red` in the terminal's own colours."""

    background: str
    """Behind everything."""
    surface: str
    """Behind what stands in front: dialogs, the palette, inputs."""
    text: str
    """What is read."""
    muted: str
    """What is the same everywhere, or does not matter now; still readable (4.5:1 or more)."""
    faint: str
    """What may be overlooked: separators inside a line, zeros, the empty part of a bar (3:1 or more)."""
    rule: str
    """The one line between panes."""
    accent: str
    """Focus, selection and the brand: ember orange unless the theme needs another."""
    passed: str
    failed: str
    warned: str
    """Amber: stalled, stale, needs a look."""
    running: str
    crashed: str
    cursor: str
    """Background of the highlighted row in the focused list."""
    cursor_blurred: str
    """Background of the highlighted row in a list without focus."""
    match: str
    """Background of text that a search or filter found."""
    dark: bool = True
    ansi: bool = False
    """The terminal's own sixteen colours instead of exact ones."""

    def css_variables(self) -> dict[str, str]:
        """The palette's colours as variables for `.tcss` files: `$muted`, `$rule`, `$passed`, …"""
        return {
            "muted": self.muted,
            "faint": self.faint,
            "rule": self.rule,
            "passed": self.passed,
            "failed": self.failed,
            "warned": self.warned,
            "running": self.running,
            "crashed": self.crashed,
            "cursor-row": self.cursor,
            "cursor-row-blurred": self.cursor_blurred,
        }


PALETTES: Mapping[str, Palette] = {
    "promptetheus-dark": Palette(
        background="#101216",
        surface="#171a20",
        text="#d7dae0",
        muted="#8b93a1",
        faint="#6b727e",
        rule="#2b303a",
        accent="#ff8a3d",
        passed="#7cc48a",
        failed="#f4716f",
        warned="#e5b567",
        running="#56c7d6",
        crashed="#d58ae0",
        cursor="#33241a",
        cursor_blurred="#1f2228",
        match="#5a3a1c",
    ),
    "promptetheus-light": Palette(
        background="#fbfaf8",
        surface="#f2f0ec",
        text="#22262c",
        muted="#5f6772",
        faint="#7b8088",
        rule="#d9d6d0",
        accent="#ab4208",
        passed="#1a7535",
        failed="#c1272d",
        warned="#8a5a00",
        running="#0b7285",
        crashed="#93279e",
        cursor="#fbe3d0",
        cursor_blurred="#ece9e4",
        match="#ffd9a8",
        dark=False,
    ),
    "promptetheus-high-contrast": Palette(
        background="#000000",
        surface="#000000",
        text="#ffffff",
        muted="#d4d4d4",
        faint="#b2b2b2",
        rule="#8a8a8a",
        accent="#ffb000",
        passed="#4dff88",
        failed="#ff9a9a",
        warned="#ffff5f",
        running="#5fffff",
        crashed="#ff9cff",
        cursor="#332200",
        cursor_blurred="#2a2a2a",
        match="#4d3d00",
    ),
    # Okabe-Ito hues, lightened for a dark ground: passed and failed differ in blue, which no common deficiency loses.
    "promptetheus-colour-blind": Palette(
        background="#101216",
        surface="#171a20",
        text="#dcdfe4",
        muted="#939aa7",
        faint="#757c88",
        rule="#2b303a",
        accent="#f0e442",
        passed="#56b4e9",
        failed="#f0793a",
        warned="#e69f00",
        running="#2fc79f",
        crashed="#dd92bd",
        cursor="#33311c",
        cursor_blurred="#1f2228",
        match="#4d4a1c",
    ),
    # For sixteen colours and for NO_COLOR: nothing is assumed about the terminal's ground.
    "promptetheus-terminal": Palette(
        background="ansi_default",
        surface="ansi_default",
        text="ansi_default",
        muted="ansi_default",
        faint="ansi_default",
        rule="ansi_bright_black",
        accent="ansi_yellow",
        passed="ansi_green",
        failed="ansi_red",
        warned="ansi_yellow",
        running="ansi_cyan",
        crashed="ansi_magenta",
        cursor="ansi_default",
        cursor_blurred="ansi_default",
        match="ansi_default",
        ansi=True,
    ),
}
"""Our own themes; Textual's built-in ones can be chosen too and get a palette derived from their colours."""

DEFAULT_THEME = "promptetheus-dark"
