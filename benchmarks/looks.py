"""Pictures of every view of the terminal, at three sizes, dark and light: to look at each one after a change.

    python -m benchmarks.looks OUT [--only NAME …] [--size 80x24] [--theme dark] [--spool DIR]

Writes `NAME-SIZE-THEME.svg` and `.txt`, and `.png` where `rsvg-convert` is installed (Debian: librsvg2-bin). Records
the demo first (seven seconds) unless a spool with a failing browser run is given. To add a view, add a line to
`looks_views.py`: the keys that lead to it from the list of sessions, and its scene in `looks_scenes.py`.
The main views also come in the other themes: no colour, sixteen colours, high contrast, colour-blind safe.

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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from textual.widgets import Input, TextArea

from benchmarks.looks_scenes import Staged
from benchmarks.looks_views import HAPPENS, LOOKS, README, Look
from promptetheus.tui.app import PromptetheusApp

SIZES = ("80x24", "120x40", "200x50")
THEMES = ("dark", "light")

NO_COLOUR = "no-colour"
"""Not a theme of its own: what the program shows where NO_COLOR is set."""

MORE_THEMES = ("terminal", NO_COLOUR, "high-contrast", "colour-blind")

SETTLE_S = 1.2
"""After each key: previews, pictures and comparisons come from threads."""

AT_ONCE = 3
"""Programs under way at the same time: most of a picture is waiting."""

BETWEEN_LETTERS_S = 0.05
"""After each letter of what is typed."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture to take."""

    look: Look
    size: str
    theme: str
    file: Path
    """Without a suffix."""


async def _take(staged: Staged, spool: Path, shot: Shot) -> PromptetheusApp:
    """Go to the view and write it as `.svg` and `.txt`."""
    columns, rows = (int(each) for each in shot.size.split("x"))
    colourless = shot.theme == NO_COLOUR
    began_s, look = time.time(), shot.look
    with _no_color(colourless):
        app = PromptetheusApp(
            spool,
            theme=None if colourless else shot.theme,
            clock=lambda: staged.now_s + look.later_s + time.time() - began_s,
        )
    async with app.run_test(size=(columns, rows), notifications=True) as pilot:
        await _until(lambda: app.sessions_screen.scanned)
        for step, following in pairwise((*look.steps, None)):
            if step is HAPPENS:
                staged.happens()
            elif isinstance(step, str):
                await pilot.press("slash" if step == "/" else step)
            elif callable(step):
                await step(pilot)
            typing = isinstance(app.focused, Input | TextArea) and following is not None
            await asyncio.sleep(BETWEEN_LETTERS_S if typing else SETTLE_S)
        await asyncio.sleep(SETTLE_S)
        text = app.export_screenshot(title=look.name)
        shot.file.with_suffix(".svg").write_text(without_references(text), encoding="utf-8")
        # The compositor is private to Textual; there is no other way to the text of a screen.
        lines = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
        shot.file.with_suffix(".txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return app


def _as_png(file: Path) -> None:
    """Draw the picture, where that is possible."""
    if shutil.which("rsvg-convert"):
        svg, png = (str(file.with_suffix(suffix)) for suffix in (".svg", ".png"))
        subprocess.run(["rsvg-convert", "-o", png, svg], check=True)


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


def _shots(out: Path, only: Sequence[str], size: str, theme: str) -> Iterator[Shot]:
    for look in LOOKS:
        if look.name.startswith(tuple(only)):
            for each_size in SIZES:
                for each_theme in (*THEMES, *MORE_THEMES):
                    wanted = each_theme == theme if theme else each_theme in THEMES or look.main
                    if wanted and size in ("", each_size):
                        yield Shot(look, each_size, each_theme, out / f"{look.name}-{each_size}-{each_theme}")


async def _take_all(demo: Path, shots: Sequence[Shot]) -> None:
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(shot: Shot) -> None:
        async with turn:
            with tempfile.TemporaryDirectory() as directory:
                own = Path(directory) / "agent" / ".promptetheus" / "spool"
                spool = demo if shot.look.scene is None else own
                stage = nullcontext(Staged(time.time())) if shot.look.scene is None else shot.look.scene(own)
                with stage as staged:
                    app = await _take(staged, spool, shot)
            await asyncio.to_thread(_as_png, shot.file)
            print(shot.file.name, f"{len(app.errors)} errors" if app.errors else "", flush=True)

    await asyncio.gather(*(one(shot) for shot in shots if not shot.look.alone))
    for shot in shots:
        if shot.look.alone:
            await one(shot)


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
            shot = Shot(look, size, "dark", project / look.name)
            asyncio.run(_take(Staged(time.time()), spool, shot))
            shutil.copy(shot.file.with_suffix(".svg"), out)
        os.chdir(out)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", nargs="+", default=[""], metavar="NAME", help="views whose names begin so")
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
        demo = arguments.spool or Path(directory) / "spool"
        if arguments.spool is None:
            _record(demo)
        shots = list(_shots(arguments.out, arguments.only, arguments.size, arguments.theme))
        asyncio.run(_take_all(demo, shots))


if __name__ == "__main__":
    main()
