"""Writing what a person takes along to a new file: in a thread, never over one that is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from textual.app import App

from promptetheus.display import printable_line
from promptetheus.exporters.session_text import Form

MOST_OF_A_NAME = 100
"""Files of one name; a directory with more of them is not looked through."""

SESSION_FORMS: Mapping[Form, str] = {
    "html": "HTML: one page, to send on",
    "md": "Markdown: every step, to read",
    "json": "JSON: every event, to import again",
}
"""What a session can be written as, by the suffix of the file."""


async def write_file(app: App[Any], path: Path, text: Callable[[], str]) -> None:
    """Write what `text` makes, and tell what came of it."""
    try:
        written = await asyncio.to_thread(_write_new, path, text)
    except FileExistsError:
        app.notify(f"{path.name} and many like it are there already.", severity="warning", timeout=5)
    except OSError as error:
        why = error.strerror or type(error).__name__
        app.notify(f"{path.name} could not be written: {why}.", severity="warning", timeout=5)
    else:
        beside = "" if written == path else f"\n{path.name} was there already and is as it was."
        app.notify(f"Wrote {written.name}{beside}", timeout=4)


def file_here(kind: str, session_ids: tuple[str, ...], extension: str) -> Path:
    """A file in the working directory that is named by what it is about: `diff-01M8A-01M8B.html`."""
    stems = ["".join(c if c.isascii() and c.isalnum() else "-" for c in each)[:60] for each in session_ids]
    return Path.cwd() / f"{'-'.join([kind, *stems])}.{extension}"


def screen_as_svg(app: App[Any], about: str) -> Callable[[], str]:
    """A picture of the screen as it is now."""
    picture = app.export_screenshot(title=f"promptetheus {printable_line(about, 60)}")
    return lambda: picture


def _write_new(path: Path, text: Callable[[], str]) -> Path:
    """Write a file of that name, or the first of `NAME-2`, `NAME-3` … that is free."""
    content = text()
    for number in range(2, MOST_OF_A_NAME):
        try:
            with path.open("x", encoding="utf-8", errors="replace") as file:
                file.write(content)
            return path
        except FileExistsError:
            stem = path.stem if number == 2 else path.stem.rpartition("-")[0]
            path = path.with_stem(f"{stem}-{number}")
    raise FileExistsError
