"""Text that nobody vouches for as HTML."""

from __future__ import annotations

from html import escape

from promptetheus.display import printable


def html_text(text: str, limit: int = 4_000) -> str:
    """A text as HTML: controls and invisible characters as marks, everything with a meaning escaped, cut."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return escape(printable(cut), quote=True)
