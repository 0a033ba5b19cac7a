"""How many keys an answer is away: ten questions that people have, typed into the real program in a real terminal.

    python -m benchmarks.keys_to_answer [--data DIR] [--only WORD] [--show]

They are asked of published agent runs (tau-bench, tau2-bench, Claude Code: `promptetheus import` makes sessions of
them), and of the demo, whose three agents bring screenshots and a failure that can be fixed. A key is one stroke; a
word that is typed into a filter counts apart, because its length is the person's. Each answer is looked for on the
screen. `--show` prints the screens.

Needs tmux, and the published runs beside the repository or where `--data` or PROMPTETHEUS_DATA says; without the runs
only the questions to the demo are asked, and it says so. Exit code 1 when an answer was not found.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from promptetheus.cli import main as promptetheus
from tests.tui.tmux import Tmux, shell_in_tmux, tui_command

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
DEADLINE_S = 30.0
PASSES_SINCE = 14
"""Sessions that passed after the fix: enough that the silence is no chance."""

QUIET_S = 0.6
"""The screen has settled when nothing changed for so long."""


@dataclass(frozen=True, slots=True)
class Words:
    """What is typed into a field."""

    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that a person wants to know."""

    text: str
    spool: str
    """Which runs it is asked of."""
    strokes: tuple[str | Words, ...]
    """tmux names of keys, and typed words."""
    answer: tuple[str, ...]
    """Regular expressions that all stand on the screen when it is answered."""

    @property
    def keys(self) -> int:
        """Strokes that are no typed words."""
        return sum(isinstance(stroke, str) for stroke in self.strokes)

    @property
    def words(self) -> int:
        """Typed words."""
        return sum(len(stroke.text.split()) for stroke in self.strokes if isinstance(stroke, Words))


TASK_7 = Words("task:7 status:failed")

QUESTIONS = (
    Question(
        "Which runs of task 7 failed, and what was the first wrong call?",
        "tau",
        ("/", TASK_7, "Enter", "d"),
        # The published label of this run: its last call has other flights than were wanted.
        (r"update_reservation_flights", r"wrong arguments"),
    ),
    Question(
        "Has this failure been seen before?",
        "tau",
        ("/", Words("task:39 status:failed"), "Enter", "4"),
        (r"▌.*new|▌.*recurring", r"4 sessions", r"Sophia|Your|You are"),
    ),
    Question(
        "What did the passing run do differently?",
        "tau",
        ("e", "d"),
        (r"✓ passed .*✗ failed goal", r"first divergence", r"▌"),
    ),
    Question(
        "Which tool call took longest?",
        "claude",
        ("Enter", "L"),
        (r"▌.* tool ", r"The longest of these steps: [\d.]+"),
    ),
    Question(
        "How many tokens did the failing runs of the fine-tuned agent cost?",
        "tau2",
        ("/", Words("agent:sft status:failed")),
        (r"\d+ of 40 · [\d.]+[kM] tok",),
    ),
    Question(
        "Is that failure gone since?",
        "later",
        ("4",),
        (r"gone since \d{4}-\d\d-\d\d",),
    ),
    Question(
        "What did the page look like before the wrong click?",
        "demo",
        ("/", Words("agent:browser fp:wednesday"), "Enter", "b"),
        (r"click #slot-wed-2pm +before +differs from .*, which passed", r"▀▀▀"),
    ),
    Question(
        "Hand it to my coding agent.",
        "demo",
        ("e", "a"),
        (r"handoff", r"[Cc]opied|prompt"),
    ),
    Question(
        "Which argument separates failing from passing runs?",
        "demo",
        ("/", Words("agent:browser status:failed"), "Enter", "s"),
        (r"argument +action click\(target=\"#slot-wed-2pm.*2 of 3.*0 of 2",),
    ),
    Question(
        "Copy the command that shows this again.",
        "tau2",
        ("/", Words("status:failed"), "Enter", "y", Words("this list"), "Enter"),
        (r"Copied", r"--filter[\s\S]*status:failed"),
    ),
)


class NoRuns(Exception):
    """The published runs are not here."""


def make_spool(name: str, data: Path, spool: Path) -> None:
    """Record or import what a question is asked of.

    Raises:
        NoRuns: When the published runs are not in `data`.
    """
    if name == "demo":
        _record_demo(spool)
        return
    if name == "later":
        _record_demo(spool)
        _fix_since_yesterday(spool)
        return
    source = {
        "tau": data / "tau-bench" / "airline" / "gpt-4o-airline.split-A.json",
        "tau2": data / "tau2-bench" / "airline",
        "claude": data / "claude-code" / "claude-code-log",
    }[name]
    if not source.exists():
        raise NoRuns(f"there is no {source}: set PROMPTETHEUS_DATA to the directory of the published runs")
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        promptetheus(["import", str(source), "--spool", str(spool)])


def _record_demo(spool: Path) -> None:
    from promptetheus.demo.record import record_demo

    record_demo(spool, fast=False, say=lambda _: None)


def _fix_since_yesterday(spool: Path) -> None:
    """Put the calendar agent's sessions a day back, and let it pass many times today."""
    yesterday = (datetime.now(UTC) - timedelta(days=1)).strftime("%Y-%m-%d")
    today = datetime.now(UTC).strftime("%Y-%m-%d")
    passing = ""
    for path in sorted(spool.glob("*.jsonl")):
        text = path.read_text()
        if '"agent":"calendar-agent"' not in text:
            path.unlink()
            continue
        if '"passed":true' in text and "goal_check" in text:
            passing = passing or text
        path.write_text(text.replace(f'"timestamp":"{today}', f'"timestamp":"{yesterday}'))
    session_id = json.loads(passing.partition("\n")[0])["session_id"]
    for number in range(PASSES_SINCE):
        other = f"{session_id[:-2]}{number:02d}"
        (spool / f"{other}.jsonl").write_text(passing.replace(session_id, other))


def ask(terminal: Tmux, question: Question) -> tuple[bool, str]:
    """Press the keys and look; whether the answer is there, and the screen."""
    for stroke in question.strokes:
        if isinstance(stroke, Words):
            terminal.type(stroke.text)
        else:
            terminal.keys(stroke)
        _settle(terminal)
    end = time.monotonic() + DEADLINE_S
    while True:
        screen = terminal.screen
        if all(re.search(wanted, screen) for wanted in question.answer):
            return True, screen
        if time.monotonic() > end:
            return False, screen
        time.sleep(0.2)


def _settle(terminal: Tmux) -> None:
    end = time.monotonic() + DEADLINE_S
    since, before = time.monotonic(), terminal.screen
    while time.monotonic() - since < QUIET_S and time.monotonic() < end:
        time.sleep(0.05)
        now = terminal.screen
        if now != before:
            since, before = time.monotonic(), now


def main() -> int:
    """Ask, and print how many keys each answer took."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("PROMPTETHEUS_DATA", DATA)))
    parser.add_argument("--only", default="", metavar="WORD", help="questions with that word in them")
    parser.add_argument("--show", action="store_true", help="print the screens with the answers")
    arguments = parser.parse_args()
    if shutil.which("tmux") is None:
        print("skipped: tmux is not installed", file=sys.stderr)
        return 0
    missing = 0
    with tempfile.TemporaryDirectory() as directory:
        spools: dict[str, Path | None] = {}
        print(f"{'keys':>4}  {'words':>5}  found  question")
        for question in QUESTIONS:
            if arguments.only.casefold() not in question.text.casefold():
                continue
            if question.spool not in spools:
                spool = Path(directory) / question.spool / ".promptetheus" / "spool"
                try:
                    make_spool(question.spool, arguments.data, spool)
                except NoRuns as error:
                    print(f"skipped: {error}", file=sys.stderr)
                    spools[question.spool] = None
                else:
                    spools[question.spool] = spool
            if (spool_or_none := spools[question.spool]) is None:
                continue
            with shell_in_tmux(spool_or_none.parent.parent) as terminal:
                terminal.type(tui_command("--fresh") + "\n")
                terminal.until_text("live ●")
                _settle(terminal)
                found, screen = ask(terminal, question)
            missing += not found
            strokes = "  ".join(map(str, question.strokes))
            print(f"{question.keys:>4}  {question.words:>5}  {'yes' if found else 'NO':<5}  {question.text}")
            print(f"{'':20}{strokes}", flush=True)
            if arguments.show or not found:
                print(screen)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
