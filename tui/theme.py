"""Themes: our palettes as Textual knows them, and as the rich styles that line-API widgets draw with.

Status is never told by colour alone: a glyph and a word stand beside it everywhere, so every theme here, `NO_COLOR`
and the terminal's own sixteen colours show the same facts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from rich.color import Color as InkColor
from rich.style import Style
from textual.app import App
from textual.color import Color
from textual.theme import BUILTIN_THEMES, Theme

from promptetheus.cause.steps import StepKind
from promptetheus.queries.rows import Status
from promptetheus.tui.contrast import legible
from promptetheus.tui.palettes import DEFAULT_THEME, PALETTES, Palette

COLOURLESS_THEME = "promptetheus-terminal"
"""For terminals of few colours, and for people who want none."""

_FEW_COLOURS = re.compile(
    r"(linux|xterm|screen|tmux|rxvt|ansi|cygwin|vt\d+)([-.](mono|color|8color|16color|basic|m|am|w|bce|linux|xterm))*"
)
"""What such terminals call themselves in `TERM`."""


def our_themes() -> list[Theme]:
    """Our palettes as Textual themes, ready for `App.register_theme`."""
    return [_theme(name, palette) for name, palette in PALETTES.items()]


def starting_theme(environment: Mapping[str, str]) -> str:
    """The theme for a terminal that nobody configured, told from `NO_COLOR`, `TERM`, `COLORTERM` and `COLORFGBG`.

    The terminal is never asked: its answer could swallow a key that the person has already typed.
    """
    if "NO_COLOR" in environment:
        return COLOURLESS_THEME
    term = environment.get("TERM", "")
    exact = environment.get("COLORTERM", "").lower() in ("truecolor", "24bit")
    if not exact and _FEW_COLOURS.fullmatch(term):
        return COLOURLESS_THEME
    # "15;0" or "0;default;15": foreground first, background last; 7 and 15 are the two whites.
    if environment.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15"):
        return "promptetheus-light"
    return DEFAULT_THEME


def full_name(name: str, known: Mapping[str, Theme]) -> str | None:
    """The theme that a person means: "light" is enough for "promptetheus-light". None when there is none."""
    wanted = name.strip().lower().replace("_", "-").replace("color-", "colour-")
    for candidate in (f"promptetheus-{wanted}", wanted):
        if candidate in known:
            return candidate
    return None


def palette_of(theme: Theme) -> Palette:
    """Our palette for one of our themes, or one derived from the colours of any other theme."""
    own = PALETTES.get(theme.name)
    return own if own is not None else _derived(theme)


class Looks(NamedTuple):
    """The rich styles of one theme, for widgets that draw their own lines. Only cursors and matches set a ground."""

    text: Style
    strong: Style
    muted: Style
    faint: Style
    rule: Style
    accent: Style
    passed: Style
    failed: Style
    warned: Style
    running: Style
    crashed: Style
    cursor: Style
    """Lay over a whole highlighted row of the focused list."""
    cursor_blurred: Style
    """Lay over a whole highlighted row of a list without focus."""
    match: Style
    """Lay over text that a search found."""

    def status(self, status: Status) -> Style:
        """The style of a session's status glyph and word."""
        match status:
            case Status.RUNNING:
                return self.running
            case Status.PASSED:
                return self.passed
            case Status.FAILED_GOAL | Status.FAILED:
                return self.failed
            case Status.CRASHED:
                return self.crashed
            case _:
                return self.muted

    def kind(self, kind: StepKind, ok: bool | None = None) -> Style:
        """The style of a step's kind word; a verdict of False matters more than the kind."""
        if ok is False or kind is StepKind.ERROR:
            return self.failed
        match kind:
            case StepKind.CHECK:
                return self.passed if ok else self.text
            case StepKind.USER | StepKind.AGENT:
                return self.strong
            case StepKind.TOOL | StepKind.ACTION | StepKind.RETRIEVAL:
                return self.text
            case _:
                return self.muted


def looks_of(app: App[Any]) -> Looks:
    """The styles of the app's active theme. Cheap enough for every line; another object means another theme."""
    return _looks(palette_of(app.current_theme), app.no_color)


@lru_cache(maxsize=32)
def _looks(palette: Palette, no_color: bool) -> Looks:
    bare = no_color or palette.ansi

    def ink(colour: str, *, bold: bool | None = None, dim: bool | None = None) -> Style:
        plain = no_color or colour == "ansi_default"
        return Style(color=None if plain else Color.parse(colour).rich_color, bold=bold, dim=dim)

    def ground(colour: str, *, reverse: bool = False, underline: bool = False) -> Style:
        if not bare:
            return Style(bgcolor=Color.parse(colour).rich_color)
        if reverse:
            # One ink for the whole row, and none of it dim.
            return Style(color=InkColor.default(), dim=False, reverse=True)
        return Style(underline=underline)

    # Where colours are few or none, weight and reversal carry what the grounds and greys carry elsewhere.
    return Looks(
        text=ink(palette.text),
        strong=ink(palette.text, bold=True),
        muted=ink(palette.muted, dim=bare or None),
        faint=ink(palette.faint, dim=bare or None),
        rule=ink(palette.rule, dim=bare or None),
        accent=ink(palette.accent, bold=True),
        passed=ink(palette.passed),
        failed=ink(palette.failed, bold=bare or None),
        warned=ink(palette.warned),
        running=ink(palette.running),
        crashed=ink(palette.crashed, bold=bare or None),
        cursor=ground(palette.cursor, reverse=True),
        cursor_blurred=ground(palette.cursor_blurred, underline=True),
        match=ground(palette.match, underline=True),
    )


def _theme(name: str, palette: Palette) -> Theme:
    variables = {
        **palette.css_variables(),
        "border": palette.accent,
        "border-blurred": palette.rule,
        "footer-background": palette.background,
        "footer-foreground": palette.muted,
        "footer-key-foreground": palette.accent,
        "footer-description-foreground": palette.muted,
        "link-color": palette.accent,
        "scrollbar-corner-color": palette.background,
        "scrollbar-background": palette.background,
        "scrollbar-background-hover": palette.background,
        "scrollbar-background-active": palette.background,
        "scrollbar": palette.rule,
        "scrollbar-hover": palette.faint,
        "scrollbar-active": palette.accent,
    }
    if palette.ansi:
        # What Textual's own styles expect of a theme in the terminal's colours.
        variables = {**BUILTIN_THEMES["ansi-dark"].variables, **variables}
    else:
        variables |= {
            "block-cursor-background": palette.cursor,
            "block-cursor-foreground": palette.text,
            "block-cursor-text-style": "none",
            "block-cursor-blurred-background": palette.cursor_blurred,
            "block-cursor-blurred-foreground": palette.text,
            "block-hover-background": palette.cursor_blurred,
            "input-cursor-background": palette.accent,
            "input-cursor-foreground": palette.background,
            "input-selection-background": palette.match,
            "screen-selection-background": palette.match,
            "markdown-h1-color": palette.text,
            "markdown-h2-color": palette.text,
            "markdown-h3-color": palette.text,
        }
    return Theme(
        name=name,
        primary=palette.accent,
        secondary=palette.running,
        accent=palette.accent,
        warning=palette.warned,
        error=palette.failed,
        success=palette.passed,
        foreground=palette.text,
        background=palette.background,
        surface=palette.surface,
        panel=palette.surface,
        dark=palette.dark,
        ansi=palette.ansi,
        variables=variables,
    )


# Keyed by name: a Theme is not hashable, and a registered one never changes.
_derived_palettes: dict[str, Palette] = {}


def _derived(theme: Theme) -> Palette:
    known = _derived_palettes.get(theme.name)
    if known is None:
        known = _derived_palettes[theme.name] = _derive(theme)
    return known


def _derive(theme: Theme) -> Palette:
    colours = theme.to_color_system().generate()
    if theme.ansi:
        inks = {name: colours[name] for name in ("accent", "success", "error", "warning", "secondary")}
        ground = text = muted = faint = cursor = blurred = match = "ansi_default"
        rule = "ansi_bright_black"
        crashed = "ansi_magenta"
    else:
        inks = {name: colours[name] for name in ("accent", "success", "error", "warning", "secondary")}
        back, fore = Color.parse(colours["background"]), Color.parse(colours["foreground"])
        accent = Color.parse(colours["accent"])
        ground, text = back.hex6, fore.hex6
        muted, faint, rule = (back.blend(fore, part).hex6 for part in (0.62, 0.38, 0.2))
        cursor, match = back.blend(accent, 0.18).hex6, back.blend(accent, 0.3).hex6
        blurred = back.blend(fore, 0.08).hex6
        crashed = "#c678dd" if theme.dark else "#93279e"
    made = Palette(
        background=ground,
        surface=ground if theme.ansi else Color.parse(colours["surface"]).hex6,
        text=text,
        muted=muted,
        faint=faint,
        rule=rule,
        accent=inks["accent"],
        passed=inks["success"],
        failed=inks["error"],
        warned=inks["warning"],
        # A theme's secondary may be any hue, even its red: cyan is what running means here.
        running="ansi_cyan" if theme.ansi else ("#56c7d6" if theme.dark else "#0b7285"),
        crashed=crashed,
        cursor=cursor,
        cursor_blurred=blurred,
        match=match,
        dark=theme.dark,
        ansi=theme.ansi,
    )
    return made if theme.ansi else _readable(made)


def _readable(palette: Palette) -> Palette:
    """The palette with inks that can be read on all its grounds: many a theme's colours are made for areas."""
    pole = Color.parse("#ffffff" if palette.dark else "#000000")
    grounds = [
        Color.parse(ground)
        for ground in (palette.background, palette.surface, palette.cursor, palette.cursor_blurred)
    ]

    def read(ink: str, least: float = 4.5) -> str:
        return legible(Color.parse(ink), grounds, least, pole).hex6

    return palette._replace(
        text=legible(Color.parse(palette.text), [*grounds, Color.parse(palette.match)], 4.5, pole).hex6,
        muted=read(palette.muted),
        faint=read(palette.faint, 3.0),
        accent=read(palette.accent),
        passed=read(palette.passed),
        failed=read(palette.failed),
        warned=read(palette.warned),
        running=read(palette.running),
        crashed=read(palette.crashed),
    )
