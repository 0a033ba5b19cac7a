"""Themes: every one of them can show every status, with colours, with few, and with none."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.color import Color
from textual.theme import BUILTIN_THEMES

from promptetheus.cause.steps import StepKind
from promptetheus.queries.rows import Status
from promptetheus.tui.app import PromptetheusApp, UnknownTheme
from promptetheus.tui.palettes import DEFAULT_THEME, PALETTES, Palette
from promptetheus.tui.theme import full_name, looks_of, our_themes, palette_of, starting_theme
from tests.tui.conftest import on_screen
from tests.tui.recorded import a_failing, a_passing

EXACT = [pytest.param(palette, id=name) for name, palette in PALETTES.items() if not palette.ansi]
EVERY = [
    pytest.param(palette_of(theme), id=theme.name)
    for theme in (*our_themes(), *BUILTIN_THEMES.values())
    if not palette_of(theme).ansi
]
"""The terminal's own colours are as readable as the person made them."""
READ = ("text", "muted", "accent", "passed", "failed", "warned", "running", "crashed")
GROUNDS = ("background", "surface", "cursor", "cursor_blurred")


def contrast(one: str, other: str) -> float:
    """Contrast of two colours as WCAG 2 defines it, from 1 to 21."""

    def luminance(colour: str) -> float:
        parts = [
            part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
            for part in Color.parse(colour).normalized
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("palette", EVERY)
def test_what_is_read_stands_out_from_every_ground_it_stands_on(palette: Palette) -> None:
    for ink in READ:
        for ground in GROUNDS:
            assert contrast(getattr(palette, ink), getattr(palette, ground)) >= 4.5, (ink, ground)


@pytest.mark.parametrize("palette", EVERY)
def test_what_may_be_overlooked_can_still_be_seen(palette: Palette) -> None:
    for ground in GROUNDS:
        assert contrast(palette.faint, getattr(palette, ground)) >= 3.0, ground


@pytest.mark.parametrize("palette", EVERY)
def test_what_is_selected_or_found_can_be_read(palette: Palette) -> None:
    assert contrast(palette.text, palette.match) >= 4.5


@pytest.mark.parametrize("palette", EXACT)
def test_statuses_do_not_share_a_colour(palette: Palette) -> None:
    inks = [palette.passed, palette.failed, palette.running, palette.crashed, palette.warned]
    assert len(set(inks)) == len(inks)


def test_high_contrast_means_high_contrast() -> None:
    palette = PALETTES["promptetheus-high-contrast"]
    for ground in GROUNDS:
        for ink in READ:
            assert contrast(getattr(palette, ink), getattr(palette, ground)) >= 7.0, (ink, ground)
        assert contrast(palette.faint, getattr(palette, ground)) >= 4.5
    assert contrast(palette.text, palette.match) >= 7.0


@pytest.mark.parametrize(
    ("environment", "theme"),
    [
        ({"TERM": "xterm-256color", "COLORTERM": "truecolor"}, DEFAULT_THEME),
        ({"TERM": "tmux-256color"}, DEFAULT_THEME),
        ({"TERM": "xterm-256color", "COLORFGBG": "0;default;15"}, "promptetheus-light"),
        ({"TERM": "xterm-256color", "COLORFGBG": "15;0"}, DEFAULT_THEME),
        ({"TERM": "linux"}, "promptetheus-terminal"),
        ({"TERM": "xterm-mono"}, "promptetheus-terminal"),
        ({"TERM": "vt220-w"}, "promptetheus-terminal"),
        ({"TERM": "screen.linux"}, "promptetheus-terminal"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, DEFAULT_THEME),
        ({"TERM": "xterm-kitty"}, DEFAULT_THEME),
        ({"TERM": "xterm-256color", "NO_COLOR": ""}, "promptetheus-terminal"),
        ({}, DEFAULT_THEME),
    ],
)
def test_the_first_theme_suits_the_terminal(environment: dict[str, str], theme: str) -> None:
    assert starting_theme(environment) == theme


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("light", "promptetheus-light"),
        ("promptetheus-light", "promptetheus-light"),
        ("High_Contrast", "promptetheus-high-contrast"),
        ("color-blind", "promptetheus-colour-blind"),
        ("nord", "nord"),
        ("no such", None),
    ],
)
def test_a_theme_is_named_as_people_would(asked: str, meant: str | None) -> None:
    known = {theme.name: theme for theme in our_themes()} | BUILTIN_THEMES
    assert full_name(asked, known) == meant


def test_every_theme_of_textual_gets_a_palette() -> None:
    for theme in BUILTIN_THEMES.values():
        palette = palette_of(theme)
        assert palette.dark == theme.dark
        for colour in palette.css_variables().values():
            Color.parse(colour)


def test_an_unknown_theme_is_refused_by_name(spool: Path) -> None:
    with pytest.raises(UnknownTheme, match="promptetheus-light"):
        PromptetheusApp(spool, theme="no such")


async def test_every_theme_draws_the_view(spool: Path) -> None:
    a_failing(spool, "failing")
    app = PromptetheusApp(spool)
    async with on_screen(app, (100, 24)) as shown:
        await shown.until_text("1 failing")
        for name in app.available_themes:
            app.theme = name
            await shown.pilot.pause()
            assert "✗ failed goal" in shown.text
            looks = looks_of(app)
            for status in Status:
                assert looks.status(status) is not None
            for kind in StepKind:
                assert looks.kind(kind, False) == looks.failed


async def test_no_color_sends_no_colour_at_all(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    a_failing(spool, "failing", ago=10)
    a_passing(spool, "passing", ago=5)
    app = PromptetheusApp(spool)
    async with on_screen(app, (100, 24)) as shown:
        await shown.until_text("1 failing")
        for strip in app.screen._compositor.render_strips():
            filtered = strip.apply_filter(app.get_line_filters()[-1], Color.parse("black"))
            for segment in filtered:
                style = segment.style
                assert style is None or (style.color is None or style.color.is_default)
                assert style is None or (style.bgcolor is None or style.bgcolor.is_default)
        looks = looks_of(app)
        assert looks.cursor.reverse
        assert looks.failed.bold
