"""How well one colour is read on another, after WCAG 2; and colours that are read well enough."""

from __future__ import annotations

from collections.abc import Iterable

from textual.color import Color

_STEPS = 25


def contrast(one: Color, other: Color) -> float:
    """From 1 (the same) to 21 (black and white)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def legible(ink: Color, grounds: Iterable[Color], least: float, pole: Color) -> Color:
    """The ink, blended with the pole (white or black) no further than every ground asks for."""
    behind = list(grounds)
    for step in range(_STEPS):
        blended = ink.blend(pole, step / _STEPS)
        if all(contrast(blended, ground) >= least for ground in behind):
            return blended
    return pole


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
