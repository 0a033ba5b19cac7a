"""Pictures of every view of the terminal, at three sizes, dark and light: to look at each one after a change.

    python -m benchmarks.looks OUT [--only NAME] [--spool DIR]

Writes `NAME-SIZE-THEME.svg` and `.txt`, and `.png` where `rsvg-convert` is installed (Debian: librsvg2-bin). Records
the demo first (seven seconds) unless a spool with a failing browser run is given. To add a view, add a line to
`LOOKS`: the keys that lead to it from the list of sessions.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import subprocess
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.sessions.sessions_screen import SessionsScreen

SIZES = ((80, 24), (120, 40), (200, 50))
THEMES = ("dark", "light")

SETTLE_S = 1.2
"""After each key: previews, pictures and comparisons come from threads."""

Step = str | Callable[[Pilot[Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Look:
    """One view."""

    name: str
    steps: tuple[Step, ...] = ()
    """Keys, or something to do; each is given time to show."""


async def _to_the_failing_browser_run(pilot: Pilot[Any]) -> None:
    """Highlight a session with screenshots, errors and a passing neighbour."""
    screen = pilot.app.screen_stack[0]
    assert isinstance(screen, SessionsScreen)
    for place, row in enumerate(screen.table.sessions.visible):
        if row.types.get("screenshot") and row.status.is_failing:
            screen.table.select(place)
            break


async def _into_it(pilot: Pilot[Any]) -> None:
    await _to_the_failing_browser_run(pilot)
    await pilot.press("enter")


LOOKS = (
    Look("sessions", (_to_the_failing_browser_run,)),
    Look("sessions-grouped", ("v", "v")),
    Look("sessions-filter", ("slash", *"failed")),
    Look("session", (_into_it,)),
    Look("session-tree", (_into_it, "v")),
    Look("session-waterfall", (_into_it, "v", "v")),
    Look("session-waterfall-zoomed", (_into_it, "v", "v", "z", "z")),
    Look("session-raw", (_into_it, "v", "v", "v")),
    Look("session-inspector", (_into_it, "tab", "j")),
    Look("session-screenshot", (_into_it, "g", "s", "s", "b")),
    Look("session-copy", (_into_it, "y")),
    Look("session-playing", (_into_it, "g", "greater_than_sign", "p")),
    Look("filmstrip", (_into_it, "f")),
    Look("picture-zoomed", (_into_it, "f", "z", "z")),
    Look("help", (_into_it, "question_mark")),
    Look("palette", ("ctrl+p",)),
    Look("diff", (_to_the_failing_browser_run, "d")),
    Look("failures", ("4",)),
    Look("suspects", (_to_the_failing_browser_run, "s")),
    Look("sql", ("5",)),
    Look("delivery", ("6",)),
)


async def _take(spool: Path, look: Look, size: tuple[int, int], theme: str, out: Path) -> None:
    app = PromptetheusApp(spool, theme=theme)
    async with app.run_test(size=size, notifications=True) as pilot:
        await _until(lambda: app.sessions_screen.scanned)
        for step in look.steps:
            if isinstance(step, str):
                await pilot.press(step)
            else:
                await step(pilot)
            await asyncio.sleep(SETTLE_S if len(str(step)) > 1 or step == look.steps[-1] else 0.05)
        await asyncio.sleep(SETTLE_S)
        name = f"{look.name}-{size[0]}x{size[1]}-{theme}"
        svg = out / f"{name}.svg"
        svg.write_text(app.export_screenshot(title=name), encoding="utf-8")
        # The compositor is private to Textual; there is no other way to the text of a screen.
        lines = [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]
        (out / f"{name}.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if shutil.which("rsvg-convert"):
        await asyncio.to_thread(
            subprocess.run, ["rsvg-convert", "-o", str(svg.with_suffix(".png")), str(svg)], check=True
        )
    print(svg.with_suffix(".txt"), *(f"{len(app.errors)} errors" for _ in app.errors), flush=True)


async def _until(happened: Callable[[], bool]) -> None:
    for _ in range(600):
        if happened():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError("the spool was not read in 30 s")


def _record(spool: Path) -> None:
    from promptetheus.demo.record import record_demo

    record_demo(spool, fast=False, say=print)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default="", metavar="NAME", help="views whose name begins so")
    parser.add_argument("--spool", type=Path, help="show this spool instead of the demo")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        spool = arguments.spool or Path(directory) / "spool"
        if arguments.spool is None:
            _record(spool)
        for look in LOOKS:
            if look.name.startswith(arguments.only):
                for size in SIZES:
                    for theme in THEMES:
                        asyncio.run(_take(spool, look, size, theme, arguments.out))


if __name__ == "__main__":
    main()
