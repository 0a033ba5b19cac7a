"""Pictures of every view of the terminal, at three sizes, dark and light: to look at each one after a change.

    python -m benchmarks.looks OUT [--only NAME] [--size 80x24] [--theme dark] [--spool DIR]

Writes `NAME-SIZE-THEME.svg` and `.txt`, and `.png` where `rsvg-convert` is installed (Debian: librsvg2-bin). Records
the demo first (seven seconds) unless a spool with a failing browser run is given. To add a view, add a line to
`LOOKS`: the keys that lead to it from the list of sessions. The main views also come in the other themes: no colour,
sixteen colours, high contrast, colour-blind safe.

    python -m benchmarks.looks docs/pictures --readme

makes the four pictures of the README, and nothing else.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.sessions.sessions_screen import SessionsScreen

SIZES = ("80x24", "120x40", "200x50")
THEMES = ("dark", "light")

NO_COLOUR = "no-colour"
"""Not a theme of its own: what the program shows where NO_COLOR is set."""

MORE_THEMES = ("terminal", NO_COLOUR, "high-contrast", "colour-blind")

SETTLE_S = 1.2
"""After each key: previews, pictures and comparisons come from threads."""

AT_ONCE = 3
"""Programs under way at the same time: most of a picture is waiting."""

README_AGE_S = 240.0
"""How long ago the sessions of the README's pictures are said to have been recorded."""

Step = str | Callable[[Pilot[Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Look:
    """One view."""

    name: str
    steps: tuple[Step, ...] = ()
    """Keys, or something to do; each is given time to show."""
    main: bool = False
    """Whether it is worth a look in the other themes."""
    empty: bool = False
    """Whether it is of a spool in which there is nothing."""


async def _to_the_failing_browser_run(pilot: Pilot[Any]) -> None:
    """Highlight a session with screenshots, errors and a passing neighbour."""
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, SessionsScreen)
    for place, row in enumerate(screen.table.sessions.visible):
        if row.types.get("screenshot") and row.status.is_failing:
            screen.table.select(place)
            break


async def _to_the_erring_coder(pilot: Pilot[Any]) -> None:
    """Highlight a session with a traceback."""
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, SessionsScreen)
    for place, row in enumerate(screen.table.sessions.visible):
        if row.errors and not row.types.get("screenshot"):
            screen.table.select(place)
            break


async def _into_it(pilot: Pilot[Any]) -> None:
    await _to_the_failing_browser_run(pilot)
    await pilot.press("enter")


async def _into_the_coder(pilot: Pilot[Any]) -> None:
    await _to_the_erring_coder(pilot)
    await pilot.press("enter")


QUERY = (
    "select agent, status, count(*) as runs, avg(duration_s) as took from sessions group by all order by all"
)

LOOKS = (
    Look("empty", empty=True, main=True),
    Look("sessions", (_to_the_failing_browser_run,), main=True),
    Look("sessions-grouped", ("v", "v")),
    Look("sessions-marked", ("space", "space", "j")),
    Look("sessions-filter", ("slash", *"failed")),
    Look("sessions-completion", ("slash", *"status:")),
    Look("sessions-chips", ("slash", *"status:failed agent:browser", "enter")),
    Look("sessions-hidden", ("slash", *"nothing-like-this", "enter")),
    Look("session", (_into_it,), main=True),
    Look("session-tree", (_into_it, "v")),
    Look("session-waterfall", (_into_it, "v", "v"), main=True),
    Look("session-waterfall-zoomed", (_into_it, "v", "v", "z", "z")),
    Look("session-raw", (_into_it, "v", "v", "v")),
    Look("session-inspector", (_into_it, "tab", "j")),
    Look("session-screenshot", (_into_it, "g", "s", "s")),
    Look("session-before-after", (_into_it, "g", "s", "s", "b")),
    Look("session-first", (_into_it, "g")),
    Look("session-message", (_into_it, "g", "m")),
    Look("session-agent-message", (_into_it, "G", "M")),
    Look("session-tool", (_into_it, "g", "t")),
    Look("session-check", (_into_it, "g", "c")),
    Look("session-error", (_into_the_coder, "g", "e")),
    Look("session-coder-tool", (_into_the_coder, "g", "t", "t")),
    Look("session-filter", (_into_it, "slash", *"click")),
    Look("session-full", (_into_it, "g", "t", "enter")),
    Look("session-copy", (_into_it, "y")),
    Look("session-export", (_into_it, "x")),
    Look(
        "session-jump",
        (
            _into_it,
            "f12",
        ),
    ),
    Look("session-note", (_into_it, "n")),
    Look("session-playing", (_into_it, "g", "greater_than_sign", "p")),
    Look("filmstrip", (_into_it, "f")),
    Look("picture-zoomed", (_into_it, "f", "z", "z")),
    Look("help", (_into_it, "question_mark")),
    Look("palette", ("ctrl+p",), main=True),
    Look("palette-typed", ("ctrl+p", *"theme")),
    Look("diff", (_to_the_failing_browser_run, "d"), main=True),
    Look("diff-next", (_to_the_failing_browser_run, "d", "n", "n")),
    Look("diff-value", (_to_the_failing_browser_run, "d", "enter")),
    Look("diff-ignored", (_to_the_failing_browser_run, "d", "i")),
    Look("failures", ("4",), main=True),
    Look("suspects", (_to_the_failing_browser_run, "s"), main=True),
    Look("sql", ("5",)),
    Look("sql-result", ("5", *QUERY, "enter")),
    Look("sql-library", ("5", "ctrl+o")),
    Look("delivery", ("6",), main=True),
    Look("delivery-purge", ("6", "p")),
)

README = (
    (Look("sessions", (_to_the_failing_browser_run,)), "120x32"),
    (Look("session", (_into_it, "S", "S")), "120x32"),
    (Look("diff", (_to_the_failing_browser_run, "d")), "120x32"),
    (Look("failures", ("4",)), "120x32"),
)
"""The pictures that the README shows, and their sizes."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture to take."""

    look: Look
    size: str
    theme: str
    file: Path
    """Without a suffix."""


async def _take(spool: Path, shot: Shot, age_s: float = 0.0) -> None:
    columns, rows = (int(each) for each in shot.size.split("x"))
    colourless = shot.theme == NO_COLOUR
    with _no_color(colourless):
        app = PromptetheusApp(
            spool, theme=None if colourless else shot.theme, clock=lambda: time.time() + age_s
        )
    async with app.run_test(size=(columns, rows), notifications=True) as pilot:
        await _until(lambda: app.sessions_screen.scanned)
        for number, step in enumerate(shot.look.steps, 1):
            if isinstance(step, str):
                await pilot.press(" " if step == "space" else step)
            else:
                await step(pilot)
            typed = isinstance(step, str) and len(step) == 1 and len(shot.look.steps) > 6
            await asyncio.sleep(0.05 if typed and number < len(shot.look.steps) else SETTLE_S)
        await asyncio.sleep(SETTLE_S)
        svg = shot.file.with_suffix(".svg")
        svg.write_text(without_references(app.export_screenshot(title=shot.look.name)), encoding="utf-8")
        # The compositor is private to Textual; there is no other way to the text of a screen.
        lines = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
    if age_s:
        return
    shot.file.with_suffix(".txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if shutil.which("rsvg-convert"):
        picture = shot.file.with_suffix(".png")
        await asyncio.to_thread(subprocess.run, ["rsvg-convert", "-o", str(picture), str(svg)], check=True)
    print(shot.file.name, f"{len(app.errors)} errors" if app.errors else "", flush=True)


def without_references(svg: str) -> str:
    """The picture without what it would fetch, and smaller: no web font, short names, no clipping line by line.

    Blanks at the beginning of a text are kept, which some programs drop otherwise.
    """
    svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!-- Generated with Rich .*?-->\s*", "", svg)
    svg = re.sub(r"terminal-\d+-", "t-", svg)
    svg = re.sub(r'<clipPath id="t-line-\d+">.*?</clipPath>\s*', "", svg, flags=re.DOTALL)
    svg = re.sub(r' clip-path="url\(#t-line-\d+\)"', "", svg)
    # One letter is as wide as it is, and what holds for every rectangle is said once.
    svg = svg.replace(' textLength="12.2"', "").replace(' shape-rendering="crispEdges"', "")
    svg = svg.replace("<style>", "<style>rect { shape-rendering: crispEdges }", 1)
    svg = svg.replace(
        "font-family: Fira Code, monospace", "font-family: Fira Code, Menlo, Consolas, monospace"
    )
    return svg.replace('<svg class="rich-terminal"', '<svg class="rich-terminal" xml:space="preserve"', 1)


@contextmanager
def _no_color(wanted: bool) -> Iterator[None]:
    """NO_COLOR set for as long as a program is made."""
    before = os.environ.pop("NO_COLOR", None)
    if wanted:
        os.environ["NO_COLOR"] = "1"
    try:
        yield
    finally:
        os.environ.pop("NO_COLOR", None)
        if before is not None:
            os.environ["NO_COLOR"] = before


async def _until(happened: Callable[[], bool]) -> None:
    for _ in range(600):
        if happened():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("the spool was not read in 30 s")


def _record(spool: Path) -> None:
    from promptetheus.demo.record import record_demo

    record_demo(spool, fast=False, say=print)


def _shots(out: Path, only: str, size: str, theme: str) -> Iterator[Shot]:
    for look in LOOKS:
        if look.name.startswith(only):
            for each_size in SIZES:
                for each_theme in (*THEMES, *MORE_THEMES):
                    wanted = each_theme == theme if theme else each_theme in THEMES or look.main
                    if wanted and size in ("", each_size):
                        yield Shot(look, each_size, each_theme, out / f"{look.name}-{each_size}-{each_theme}")


async def _take_all(spool: Path, nothing: Path, shots: list[Shot]) -> None:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(shot: Shot) -> None:
        async with turn:
            await _take(nothing if shot.look.empty else spool, shot)

    await asyncio.gather(*(one(shot) for shot in shots))


def _make_readme_pictures(out: Path) -> None:
    out = out.resolve()
    with tempfile.TemporaryDirectory() as directory:
        # The header names the directory that one works in: no reader has this machine's temporary ones.
        home, project = Path(directory), Path(directory) / "agent"
        project.mkdir()
        os.environ["HOME"] = str(home)
        os.chdir(project)
        spool = project / ".promptetheus" / "demo" / "spool"
        _record(spool)
        for look, size in README:
            asyncio.run(_take(spool, Shot(look, size, "dark", out / look.name), README_AGE_S))
        os.chdir(out)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default="", metavar="NAME", help="views whose name begins so")
    parser.add_argument("--size", default="", choices=SIZES, help="this size alone")
    parser.add_argument("--theme", default="", choices=(*THEMES, *MORE_THEMES), help="this theme alone")
    parser.add_argument("--spool", type=Path, help="show this spool instead of the demo")
    parser.add_argument("--readme", action="store_true", help="the four pictures of the README")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.readme:
        _make_readme_pictures(arguments.out)
        return
    with tempfile.TemporaryDirectory() as directory:
        nothing = Path(directory) / "project" / ".promptetheus" / "spool"
        spool = arguments.spool or Path(directory) / "spool"
        if arguments.spool is None:
            _record(spool)
        shots = list(_shots(arguments.out, arguments.only, arguments.size, arguments.theme))
        asyncio.run(_take_all(spool, nothing, shots))


if __name__ == "__main__":
    main()
