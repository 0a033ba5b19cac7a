"""Opening a picture or a recording in the desktop's own viewer."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from textual.app import App

from promptetheus.display import printable_line

_MEDIA = frozenset(["png", "jpg", "jpeg", "gif", "webp", "webm", "mp4", "mov", "wav", "ogg", "mp3", "zip"])
"""What is opened at all: a desktop runs programs and scripts it is given."""


def open_outside(app: App[Any], spool: Path, storage_path: str) -> None:
    """Open an artifact in the desktop's viewer, or say where it lies."""
    try:
        path = artifact_file(spool, storage_path)
    except ValueError as error:
        app.notify(str(error), severity="warning", timeout=4)
        return
    words = viewer(os.environ, sys.platform)
    if words is None:
        app.notify(f"There is no desktop here. The file: {printable_line(str(path), 300)}", timeout=8)
        return
    try:
        subprocess.Popen(
            [*words, str(path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    except OSError:
        app.notify(f"{words[0]} is missing. The file: {printable_line(str(path), 300)}", timeout=8)
    else:
        app.notify("Opened in the desktop's viewer.", timeout=2)


def artifact_file(spool: Path, storage_path: str) -> Path:
    """Where a picture or recording lies. The name is untrusted: ValueError when it names anything else."""
    root = (spool / "artifacts").resolve()
    try:
        path = (spool / storage_path).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        raise ValueError("Its file is gone from the spool.") from None
    if not path.is_relative_to(root) or not path.is_file():
        raise ValueError("The path leads outside the spool's artifacts.")
    if path.suffix[1:].lower() not in _MEDIA:
        raise ValueError(
            f"A {path.suffix[1:] or 'nameless'} file is not opened: it is no picture and no recording."
        )
    return path


def viewer(environment: Mapping[str, str], platform: str) -> list[str] | None:
    """The command that opens a file on this desktop; None without a desktop."""
    if platform == "darwin":
        return ["open"]
    if environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY"):
        return ["xdg-open"]
    return None
