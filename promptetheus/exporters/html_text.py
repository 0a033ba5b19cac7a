"""Text that nobody vouches for as HTML, and the page around it that runs and loads nothing."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from promptetheus.display import printable

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def html_text(text: str, limit: int = 4_000) -> str:
    """A text as HTML: controls and invisible characters as marks, everything with a meaning escaped, cut."""
    cut = text if len(text) <= limit else text[: limit - 1] + "…"
    return escape(printable(cut), quote=True)


def html_page(title: str, style: str, body: Iterable[str]) -> str:
    """A page that stands alone. `title` and `body` are HTML already."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{title}</title>",
            f"<style>{style}</style></head><body>",
            *body,
            "</body></html>\n",
        ]
    )
