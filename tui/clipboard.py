"""Taking text along: what `y` puts on the clipboard, printable and of bounded size."""

from __future__ import annotations

from typing import Any, NamedTuple

from textual.app import App

from promptetheus.display import printable, printable_line, size

MOST_CHARACTERS = 100_000
"""Terminals drop longer ones without a word (xterm and tmux take about 74 kB of base64 … 1 MB)."""

SHOWN_CHARACTERS = 120
"""Of what was copied, as many are shown: enough to see that it is the right thing."""


class Copy(NamedTuple):
    """One thing to copy."""

    title: str
    note: str
    """A hint of the text."""
    text: str


def copy_text(app: App[Any], text: str | None) -> None:
    """Put text on the clipboard through the terminal, and say so."""
    if not text:
        app.notify("There is nothing to copy on this line.", timeout=3)
        return
    cut = text[:MOST_CHARACTERS]
    # `printable` has replaced lone surrogates, which could not be encoded.
    app.copy_to_clipboard(printable(cut))
    note = f" (the first {size(len(cut))} of {size(len(text))})" if len(cut) < len(text) else ""
    first = printable_line(cut, SHOWN_CHARACTERS)
    app.notify(f"{first}\n{size(len(cut.encode('utf-8', 'replace')))}{note}", title="Copied", timeout=3)
