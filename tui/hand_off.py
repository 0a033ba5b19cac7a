"""Handing a text to the person's own pager or editor, and taking the terminal back afterwards."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from textual.app import App, SuspendNotSupported

from promptetheus.display import printable, printable_line

Program = Literal["pager", "editor"]

_CHOICES: Mapping[Program, tuple[tuple[str, ...], str]] = {
    "pager": (("PAGER",), "less"),
    "editor": (("VISUAL", "EDITOR"), "vi"),
}
"""Environment variables that name the program, the first that is set; and what is there without them."""


def hand_off(app: App[Any], program: Program, text: str, name: str) -> None:
    """Show a text in `$PAGER`, or a copy of it in `$VISUAL` or `$EDITOR`; the copy is thrown away.

    Args:
        name: A file name that says what it is; its extension tells the editor how to colour it.
    """
    words = command_for(program, os.environ)
    with tempfile.TemporaryDirectory(prefix="promptetheus-") as directory:
        file = Path(directory) / _harmless_name(name)
        file.write_text(printable(text), encoding="utf-8")
        file.chmod(0o600)
        try:
            with app.suspend():
                problem = _run([*words, str(file)])
        except SuspendNotSupported:
            problem = "here there is no terminal to hand over"
    app.refresh()
    if problem:
        app.notify(f"{words[0]}: {problem}.", severity="warning", timeout=5)


def command_for(program: Program, environment: Mapping[str, str]) -> list[str]:
    """The words of the command, without the file."""
    variables, otherwise = _CHOICES[program]
    for variable in variables:
        try:
            words = shlex.split(environment.get(variable, ""))
        except ValueError:  # quotes that do not match
            continue
        if words:
            return words
    return [otherwise]


def _run(words: list[str]) -> str:
    """Run a program on the terminal until it ends; what went wrong, "" for nothing."""
    # ctrl+c in a pager stops what the pager does; it is sent to this program as well, which must not end by it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        subprocess.run(words, check=False, restore_signals=True, preexec_fn=_take_interrupts)
    except FileNotFoundError:
        return "there is no such program. EDITOR and PAGER of the environment say which to use"
    except OSError as error:
        return error.strerror or type(error).__name__
    finally:
        signal.signal(signal.SIGINT, before)
    return ""


def _take_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _harmless_name(name: str) -> str:
    plain = "".join(
        c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in printable_line(name, 80)
    )
    return plain.strip(".-") or "value.txt"
