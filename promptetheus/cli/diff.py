"""Compare a session with a baseline.

With one session the nearest passing session of the same agent and goal is the baseline. --steps shows the two
side by side, aligned, and where they part.
Exit code 0: no difference, or none that makes it worse; 1: no such session, or no passing one to compare with;
2: the second session fails where the first did not.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json, say
from promptetheus.cli.targets import open_session
from promptetheus.regression import SessionDiff, diff_sessions

if TYPE_CHECKING:
    from promptetheus.divergence import Comparison
    from promptetheus.noise import Noise
    from promptetheus.queries.session_log import SessionLog


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("baseline", help="session id, the beginning of one, or a file")
    parser.add_argument("candidate", nargs="?", help="the session to compare with it; left out: see above")
    parser.add_argument(
        "--steps", action="store_true", help="both sessions side by side, and where they part"
    )
    parser.add_argument(
        "--keep",
        action="append",
        default=[],
        metavar="RULE",
        help="compare what is otherwise ignored: ids, uuids, times, durations, paths or parallel",
    )
    parser.add_argument("--ignore", action="append", default=[], metavar="RULE", help="ignore also: numbers")
    add_spool(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.noise import noise_rules

    try:
        noise = noise_rules(off=arguments.keep, on=arguments.ignore)
    except ValueError as error:
        say(f"promptetheus diff: {error}")
        return 2
    chosen_why = ""
    if arguments.candidate is None:
        candidate = open_session(arguments.spool, arguments.baseline)
        found = _nearest_passing(arguments.spool, candidate) if candidate is not None else None
        baseline, chosen_why = found if found is not None else (None, "")
    else:
        baseline = open_session(arguments.spool, arguments.baseline)
        candidate = open_session(arguments.spool, arguments.candidate) if baseline is not None else None
    if baseline is None or candidate is None:
        return 1
    diff = diff_sessions(baseline.events(), candidate.events())
    if arguments.json:
        _print_json(
            baseline, candidate, diff, _compare(baseline, candidate, noise), chosen_why, arguments.steps
        )
    else:
        if chosen_why:
            out(f"Compared with {baseline.row().session_id}: {chosen_why}.")
        if chosen_why or arguments.steps:
            _print_divergence(_compare(baseline, candidate, noise), arguments.steps)
        _print_changes(diff)
    return 2 if diff.regressed else 0


def _print_changes(diff: SessionDiff) -> None:
    if not diff.changes:
        out("No differences: the two sessions match.")
        return
    out(diff.summary())
    out("")
    out("REGRESSED" if diff.regressed else "changed, no regression")


def _nearest_passing(spool: Path, candidate: SessionLog) -> tuple[SessionLog, str] | None:
    """The session to compare with and why it; tells the person when there is none."""
    from promptetheus.baseline import nearest
    from promptetheus.cli.passing import all_rows, passed, read_run, same_task
    from promptetheus.signatures import make_run

    row = candidate.row()
    task = same_task(row, all_rows(spool))
    runs = [(other, found) for other in passed(task.rows) if (found := read_run(other.path)) is not None]
    choice = nearest(make_run(candidate.events()), [found for _, found in runs])
    if choice is None:
        say(f"No passing session of the same agent and goal as {row.session_id} is in {spool}.")
        say("Name two sessions: promptetheus diff BASELINE CANDIDATE")
        return None
    chosen = runs[choice.place][0]
    log = open_session(spool, str(chosen.path))
    if log is None:
        return None
    return log, f"a passing session of {task.by}, {choice.describe(len(runs))}"


def _compare(baseline: SessionLog, candidate: SessionLog, noise: Noise) -> Comparison:
    from promptetheus.divergence import compare
    from promptetheus.signatures import make_run

    return compare(make_run(baseline.events(), noise), make_run(candidate.events(), noise))


def _print_divergence(comparison: Comparison, steps: bool) -> None:
    from promptetheus.side_by_side_text import divergence_lines, row_lines

    for line in divergence_lines(comparison):
        out(line)
    if steps:
        out("")
        for line in row_lines(comparison.sides):
            out(line)
    out("")


def _print_json(
    baseline: SessionLog,
    candidate: SessionLog,
    diff: SessionDiff,
    comparison: Comparison,
    chosen_why: str,
    steps: bool,
) -> None:
    from promptetheus.side_by_side_text import divergence_as_json, rows_as_json

    data: dict[str, Any] = {
        "baseline": baseline.row().session_id,
        "candidate": candidate.row().session_id,
        "regressed": diff.regressed,
        "changes": [
            {"step": c.key, "kind": c.kind, "detail": c.detail, "regressed": c.regressed}
            for c in diff.changes
        ],
        "chosen": chosen_why or None,
        "not_comparable": comparison.sides.not_comparable or None,
        "coarse": comparison.sides.coarse,
        "ignored": comparison.sides.left.noise.names,
        "first_divergence": divergence_as_json(comparison, comparison.first),
        "effective_divergence": divergence_as_json(comparison, comparison.effective),
        "effect_differences": [divergence_as_json(comparison, each) for each in comparison.candidates],
    }
    if steps:
        data["steps"] = rows_as_json(comparison.sides)
    print_json(data)
