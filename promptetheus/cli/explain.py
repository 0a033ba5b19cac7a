"""Say what happened in a session: in one line, ten lines (the default), two pages, or a number of bytes.

Of a session that failed, a line names the step that is likeliest its first mistake: a guess from this session alone.
`diff` compares with one that passed, which tells more where there is one.

Exit code 0: said; 1: no such session; 2: not understood.
"""

from __future__ import annotations

import argparse
from typing import Any

from promptetheus.cause.anomalies import anomalies
from promptetheus.cause.explain import MIN_BYTES, TEN_LINES, TWO_PAGES, explain
from promptetheus.cause.first_mistake import Candidate, first_mistakes
from promptetheus.cause.narrative import did_fail
from promptetheus.cli.options import add_json, add_spools
from promptetheus.cli.output import out, print_json, say
from promptetheus.cli.targets import open_session
from promptetheus.display import printable_line

GUESSES = 3
"""First mistakes that are told; the labelled one is among them far more often than it is the first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", help="session id, the beginning of one, or a file")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--short", action="store_true", help="one line")
    length.add_argument("--long", action="store_true", help=f"two pages ({TWO_PAGES} lines)")
    length.add_argument(
        "--anomalies",
        action="store_true",
        help="only what looks wrong in it and in which steps, and of a failed one the likeliest first mistakes",
    )
    length.add_argument("--lines", type=int, default=TEN_LINES, metavar="N", help="at most so many lines")
    parser.add_argument("--bytes", type=int, metavar="N", help=f"at most so many bytes (from {MIN_BYTES})")
    add_spools(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.lines < 1 or (arguments.bytes is not None and arguments.bytes < MIN_BYTES):
        say(f"promptetheus explain: at least 1 line and {MIN_BYTES} bytes, please")
        return 2
    log = open_session(arguments.spools, arguments.session)
    if log is None:
        return 1
    events = log.events()
    asked = arguments.anomalies or arguments.json
    wrong = anomalies(events) if asked else []
    guesses = first_mistakes(events, limit=GUESSES) if asked and did_fail(events) else []
    lines = 1 if arguments.short else TWO_PAGES if arguments.long else arguments.lines
    max_bytes = arguments.bytes
    if max_bytes is not None and not (arguments.short or arguments.long or arguments.lines != TEN_LINES):
        lines = max_bytes  # the bytes alone decide
    text = explain(events, lines=lines, max_bytes=max_bytes)
    if arguments.json:
        row = log.row()
        found = [{"kind": each.kind.value, "steps": each.steps, "text": each.text} for each in wrong]
        print_json(
            {
                "session_id": row.session_id,
                "status": str(row.status),
                "text": text,
                "missing_events": log.sequence.missing,
                "anomalies": found,
                "first_mistakes": [_as_json(guess) for guess in guesses],
            }
        )
    elif arguments.anomalies:
        for sentence in log.sequence.describe():
            out(sentence)
        for each in wrong:
            out(f"{each.kind.value}: {each.text}  (step {', '.join(map(str, each.steps))})")
        if not wrong:
            out("Nothing looks wrong in this session.")
        if guesses:
            out("Likeliest first mistakes, a guess from this session alone:")
        for guess in guesses:
            out(f"  {guess.chance:4.0%}  step {guess.step}: {printable_line(guess.text, 100)}")
            out(f"        {guess.reason}")
    else:
        out(text)
    return 0


def _as_json(guess: Candidate) -> dict[str, Any]:
    return {
        "step": guess.step,
        "message": guess.message,
        "chance": guess.chance,
        "signs": [sign.value for sign in guess.signs],
        "text": guess.text,
    }
