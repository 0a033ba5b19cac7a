"""The programs that `tui.py` measures: ours, and what it is held against. Two of these run from here:

    python -m benchmarks.tui_programs empty
    python -m benchmarks.tui_programs table SPOOL [SESSION]

an empty Textual app, and a stock DataTable with the rows of the sessions list or of all events of a session.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.terminal import Terminal
from benchmarks.terminal_screen import TerminalScreen

ROWS = 10
"""So many rows on screen are the list, and no longer its beginning."""

REPOSITORY = Path(__file__).parent.parent


class Program(NamedTuple):
    """Something that runs in a terminal."""

    command: list[str]
    shows: Callable[[TerminalScreen], object]
    """Whether what one waits for is on screen."""
    environment: Mapping[str, str] = {}

    def run(self) -> Terminal:
        """Start it."""
        return Terminal(self.command, cwd=REPOSITORY, environment=self.environment)


def ours(spool: Path, *words: str, shows: Callable[[TerminalScreen], object]) -> Program:
    """Ours on a spool, with a home of its own: nothing that the person chose counts."""
    command = [sys.executable, "-m", "promptetheus", "tui", "--spool", str(spool), *words]
    return Program(command, shows, {"HOME": str(spool.parent)})


def empty_app() -> Program:
    """The least that Textual starts."""
    return Program(
        [sys.executable, "-m", "benchmarks.tui_programs", "empty"], lambda screen: "painted" in screen.text
    )


def data_table(spool: Path, session: str = "") -> Program:
    """Textual's own table."""
    words = ["table", str(spool), *([session] if session else [])]
    return Program(
        [sys.executable, "-m", "benchmarks.tui_programs", *words], shows_events if session else shows_sessions
    )


def toolong(executable: str, file: Path) -> Program | None:
    """Toolong on a file; None where it is not installed."""
    found = shutil.which(executable)
    return Program([found, str(file)], shows_lines) if found else None


def lnav(executable: str, file: Path) -> Program | None:
    """lnav on a file or a directory; None where it is not installed."""
    found = shutil.which(executable)
    return Program([found, "-q", str(file)], shows_lines, {"HOME": str(file.parent)}) if found else None


def shows_sessions(screen: TerminalScreen) -> bool:
    """Whether the list of sessions is on screen: generated agents go by these names."""
    return sum(any(name in line for name in ("booker", "coder", "shopper")) for line in screen.lines) >= ROWS


def shows_events(screen: TerminalScreen) -> bool:
    """Whether the events or steps of a generated session are."""
    words = (
        "search_calendar",
        "read_file",
        "run_tests",
        "get_user",
        "update_order",
        "fetch_page",
        "tool_call",
    )
    return sum(any(word in line for word in words) for line in screen.lines) >= ROWS // 2


def shows_lines(screen: TerminalScreen) -> bool:
    """Whether lines of a session file are."""
    return sum("idempotency_key" in line or '"payload"' in line for line in screen.lines) >= ROWS


def _run_empty() -> None:
    from textual.app import App, ComposeResult
    from textual.widgets import Static

    class Empty(App[None]):
        def compose(self) -> ComposeResult:
            yield Static("painted")

    Empty().run()


def _run_table(spool: Path, session: str) -> None:
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable

    class Table(App[None]):
        def compose(self) -> ComposeResult:
            yield DataTable(cursor_type="row")

        def on_mount(self) -> None:
            table = self.query_one(DataTable)
            rows = _events(spool, session) if session else _sessions(spool)
            table.add_columns(*rows[0])
            table.add_rows(rows[1:])

    Table().run()


def _sessions(spool: Path) -> list[tuple[str, ...]]:
    from promptetheus.queries.catalog import Catalog

    rows = [row for batch in Catalog(spool).scan() for row in batch]
    titles = ("status", "started", "agent", "goal", "took", "steps", "err", "tok")
    cells: list[tuple[str, ...]] = [
        (
            f"{row.status.glyph} {row.status.word}",
            f"{row.started:.0f}",
            row.agent,
            row.goal[:40],
            f"{row.duration_ms:.0f}",
            str(row.steps),
            str(row.errors),
            str(row.tokens),
        )
        for row in rows
    ]
    return [titles, *cells]


def _events(spool: Path, session: str) -> list[tuple[str, ...]]:
    import json

    with open(spool / f"{session}.jsonl") as lines:
        events = [json.loads(line) for line in lines]
    return [("seq", "type", "payload")] + [
        (str(event["seq"]), event["type"], json.dumps(event["payload"])[:90]) for event in events
    ]


if __name__ == "__main__":
    if sys.argv[1] == "empty":
        _run_empty()
    else:
        _run_table(Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "")
