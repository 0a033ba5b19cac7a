"""Compare a session with a baseline: where they part, and whether that made it worse.

With one session the nearest passing session of the same agent and goal is the baseline. With two, stdout has the
list of changes alone and stderr says where they part, unless --steps asks for more: --steps shows the two side
by side: `=` equal, `~` changed, `≈` other words, `!` an error on one side, `-` only in the baseline, `+` only in the
candidate, `↕` in another place. What is ignored, and what tools do to the world: see `promptetheus rules`.
Of sessions that are not comparable stdout says so and why, in the place of the changes: release 2.0.1 called any two
`changed, no regression`.
Exit code 0: no difference, or none that makes it worse; 1: no such session, or no passing one to compare with;
2: the second session fails where the first did not, or the command was not understood.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from promptetheus.cli.options import add_json, add_spools, named
from promptetheus.cli.output import out, print_json, say

if TYPE_CHECKING:
    from promptetheus.cause.diff_report import DiffReport
    from promptetheus.cause.noise import Noise
    from promptetheus.cause.picture_changes import PictureChange
    from promptetheus.cause.row_details import PicturePair
    from promptetheus.project_rules import ProjectRules
    from promptetheus.queries.diffs import ReadSession


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("baseline", help="session id, the beginning of one, or a file")
    parser.add_argument("candidate", nargs="?", help="the session to compare with it; left out: see above")
    parser.add_argument("--steps", action="store_true", help="both sessions side by side, and all numbers")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the comparison as one HTML file")
    parser.add_argument(
        "--ignore", action="append", default=[], metavar="RULE", help="ignore this too, e.g. numbers"
    )
    parser.add_argument(
        "--no-ignore",
        action="append",
        default=[],
        metavar="RULE",
        help="compare what is otherwise ignored: ids, uuids, times, durations, paths, parallel, or a rule of yours",
    )
    add_spools(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.project_rules import read_rules

    rules = read_rules(arguments.spools[0])
    for problem in rules.problems:
        say(problem)
    try:
        noise = rules.noise(on=arguments.ignore, off=arguments.no_ignore)
    except ValueError as error:
        say(f"promptetheus diff: {error}")
        return 2
    report_of = _report_of_one if arguments.candidate is None else _report_of_two
    found = report_of(arguments, rules, noise)
    if found is None:
        return 1
    report, left, right = found
    if arguments.steps or arguments.html is not None:
        report = report.with_pictures(_looking(left, right))
    if arguments.html is not None and not _write_html(arguments.html, report, left, right):
        return 1
    if arguments.json:
        from promptetheus.cause.diff_json import report_as_json

        print_json(report_as_json(report, rows=arguments.steps))
    else:
        _print(report, _looking(left, right) if arguments.steps else None)
    return 2 if report.regression.regressed else 0


Report = tuple["DiffReport", "ReadSession", "ReadSession"]


def _report_of_two(arguments: argparse.Namespace, rules: ProjectRules, noise: Noise) -> Report | None:
    from promptetheus.queries.diffs import effects_for, report_on
    from promptetheus.queries.tasks import all_rows

    left = _read(arguments.spools, arguments.baseline)
    right = _read(arguments.spools, arguments.candidate) if left is not None else None
    if left is None or right is None:
        return None
    effects = effects_for(arguments.spools, all_rows(arguments.spools), rules.effects, left, right)
    return report_on(left, right, noise=noise, effects=effects), left, right


def _report_of_one(arguments: argparse.Namespace, rules: ProjectRules, noise: Noise) -> Report | None:
    from promptetheus.cause.signatures import make_run
    from promptetheus.queries.diffs import effects_for, report_on
    from promptetheus.queries.tasks import all_rows, nearest_passing

    right = _read(arguments.spools, arguments.baseline)
    if right is None:
        return None
    rows = all_rows(arguments.spools)
    chosen = nearest_passing(right.row, make_run(right.events, noise), rows, noise)
    if chosen is None:
        say(
            f"No passing session of the same agent and goal as {right.row.session_id} is in"
            f" {named(arguments.spools)}."
        )
        say("Name two sessions: promptetheus diff BASELINE CANDIDATE")
        return None
    left = _read(arguments.spools, str(chosen.row.path))
    if left is None:
        return None
    effects = effects_for(arguments.spools, rows, rules.effects, left, right)
    why = f"{left.row.session_id}: {chosen.why}"
    return report_on(left, right, noise=noise, effects=effects, chosen=why), left, right


def _read(spools: list[Path], target: str) -> ReadSession | None:
    from promptetheus.cli.targets import open_session
    from promptetheus.queries.diffs import ReadSession

    log = open_session(spools, target)
    return None if log is None else ReadSession(log.row(), log.events())


def _looking(left: ReadSession, right: ReadSession) -> Callable[[PicturePair], PictureChange]:
    from functools import partial

    from promptetheus.queries.diffs import compare_pictures

    return partial(compare_pictures, left.spool, right.spool)


def _print(report: DiffReport, look: Callable[[PicturePair], PictureChange] | None) -> None:
    from promptetheus.cause.side_by_side_text import banner_lines, number_lines, row_lines

    changes = report.regression
    # Two named sessions print on stdout what release 2 printed; what is new is told beside it.
    tell = out if report.chosen or look is not None else say
    if report.chosen:
        out(f"Compared with {report.chosen}.")
    if not (changes.changes or report.differences or report.chosen or look):
        out("No differences: the two sessions match.")
        return
    first, *others = banner_lines(report)
    # That they are not comparable stands in the place of the changes, of which nothing can be said.
    (out if report.banner.not_comparable else tell)(first)
    for line in others:
        tell(line)
    if look is not None:
        out("")
        for line in row_lines(report, look):
            out(line)
    numbers = number_lines(report, all_of_them=look is not None)
    if numbers:
        tell("")
    for line in numbers:
        tell(line)
    if report.banner.not_comparable:
        if changes.regressed:
            say("Exit code 2 all the same: the second session fails where the first did not.")
        return
    tell("")
    if not changes.changes:
        out("No differences: the two sessions match." if not report.differences else "changed, no regression")
        return
    out(changes.summary())
    out("")
    out("REGRESSED" if changes.regressed else "changed, no regression")


def _write_html(path: Path, report: DiffReport, left: ReadSession, right: ReadSession) -> bool:
    from functools import partial

    from promptetheus.exporters.diff_html import diff_html
    from promptetheus.queries.diffs import shots

    page = diff_html(report, partial(shots, left.spool, right.spool))
    try:
        path.write_text(page, encoding="utf-8", errors="replace")
    except OSError as error:
        say(f"Could not write {path}: {error.strerror or error}.")
        return False
    say(f"Wrote {path} ({len(page.encode('utf-8', 'replace'))} bytes).")
    return True
