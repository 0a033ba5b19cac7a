"""The shapes in which a timeline shows a session."""

from __future__ import annotations

from enum import StrEnum


class Shape(StrEnum):
    """The ways to see one session."""

    STEPS = "steps"
    """Calls folded with their results."""
    TREE = "tree"
    """Spans, with what happened inside them."""
    WATERFALL = "waterfall"
    """Steps as bars over time, with the gaps between them."""
    RAW = "raw"
    """Every event."""
