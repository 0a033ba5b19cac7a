"""The clipboard of the desktop, and of tmux: through their own programs, for terminals that ignore OSC 52."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import NamedTuple

WAIT_S = 2.0
"""A program that takes longer than this has nobody to talk to, such as a display that went away."""


class ClipboardProgram(NamedTuple):
    """Takes what is to be copied on its standard input."""

    command: tuple[str, ...]
    encoding: str = "utf-8"


TMUX = ClipboardProgram(("tmux", "load-buffer", "-w", "-"))
"""tmux by itself lets no program inside it reach the clipboard (`set-clipboard external`); asked so it does."""

MACOS = ClipboardProgram(("pbcopy",))
WINDOWS = ClipboardProgram(("clip.exe",), "utf-16-le")
WAYLAND = ClipboardProgram(("wl-copy",))
X11 = (
    ClipboardProgram(("xclip", "-selection", "clipboard")),
    ClipboardProgram(("xsel", "--clipboard", "--input")),
)
TERMUX = ClipboardProgram(("termux-clipboard-set",))


def clipboard_programs(environ: Mapping[str, str], platform: str = sys.platform) -> list[ClipboardProgram]:
    """Those that reach a clipboard here: tmux's when inside it, and the first of the desktop that is installed."""
    found = [program for program in _of_the_desktop(environ, platform) if shutil.which(program.command[0])][
        :1
    ]
    if environ.get("TMUX") and shutil.which("tmux"):
        found.insert(0, TMUX)
    return found


def _of_the_desktop(environ: Mapping[str, str], platform: str) -> Iterator[ClipboardProgram]:
    if platform == "darwin":
        yield MACOS
    if environ.get("WAYLAND_DISPLAY"):
        yield WAYLAND
    if environ.get("DISPLAY"):
        yield from X11
    if environ.get("WSL_DISTRO_NAME"):
        yield WINDOWS
    if environ.get("TERMUX_VERSION"):
        yield TERMUX


def fill(text: str, environ: Mapping[str, str]) -> None:
    """Put a text on every clipboard that programs reach here. Waits for them: not for the thread that draws."""
    for program in clipboard_programs(environ):
        put(program, text)


def put(program: ClipboardProgram, text: str) -> bool:
    """Hand it over and wait until it was taken; False when the program could not do that."""
    try:
        # A session of its own: what stays behind to serve the selection must survive our terminal.
        with subprocess.Popen(
            program.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                process.communicate(text.encode(program.encoding, "replace"), WAIT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                return False
    except OSError:
        return False
    return process.returncode == 0
