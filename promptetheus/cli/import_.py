"""Bring runs recorded by other tools into the spool, as sessions like your own.

Formats, told from the content: tau-bench, tau2-bench and Who&When results, Claude Code sessions with their
subagents, and our own exports and spool files. Importing the same file twice adds nothing; a Claude Code session that
has grown gets its new events.

  promptetheus import results.json
  promptetheus import ~/.claude/projects
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json, say
from promptetheus.display import printable_line, size
from promptetheus.importers.detect import Format
from promptetheus.spool import DEFAULT_SPOOL_DIR

if TYPE_CHECKING:
    from promptetheus.delivery.destination import Destination
    from promptetheus.delivery.replay import Replayed
    from promptetheus.importers.report import FileReport

_PROGRESS_AFTER_S = 2.0
_PROGRESS_EVERY_S = 1.0
_KINDS_SHOWN = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help="a file, or a directory with files"
    )
    parser.add_argument(
        "--format",
        choices=[kind.value for kind in Format],
        metavar="NAME",
        help=f"take the files for this format, one of {', '.join(kind.value for kind in Format)}",
    )
    parser.add_argument(
        "--upload",
        action="store_true",
        help="send what is imported to the gateway, too (PROMPTETHEUS_API_KEY)",
    )
    add_spool(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.importers.intake import SpoolUnusableError, import_paths

    target = None
    if arguments.upload:
        from promptetheus.delivery.destination import destination

        target = destination()
        if target is None:
            say("Cannot import --upload: no api_key configured (set PROMPTETHEUS_API_KEY).")
            return 1
    spool: Path = arguments.spool
    forced = Format(arguments.format) if arguments.format else None
    reports: list[FileReport] = []
    unusable = ""
    try:
        for report in import_paths(arguments.paths, spool, forced, _Progress()):
            reports.append(report)
            if not arguments.json:
                _show(report)
    except SpoolUnusableError as error:
        unusable = f"Cannot write to the spool {spool}: {error}."
        say(unusable)
    sent = _upload(reports, spool, target) if target is not None and not unusable else None
    if arguments.json:
        _print_as_json(reports, spool, unusable, sent)
    else:
        _say_totals(reports, spool, bool(unusable))
        if sent is not None and target is not None:
            _say_sent(sent, target.api_url)
    failed = sent is not None and (sent.failure or sent.refused)
    return 1 if failed or unusable or any(report.problem for report in reports) else 0


def _upload(reports: list[FileReport], spool: Path, target: Destination) -> Replayed:
    from promptetheus.cli.spool_delivery import upload
    from promptetheus.spool import session_file_name

    names = dict.fromkeys(session.session_id for report in reports for session in report.sessions)
    return upload(spool, [spool / session_file_name(name) for name in names], target)


def _say_sent(sent: Replayed, api_url: str) -> None:
    out(f"Sent {sent.delivered} event(s) to {api_url}.")
    if sent.refused:
        say(
            f"{sent.refused} event(s) were refused; they are in dead-letter/, `spool retry` sends them again."
        )
    if sent.failure:
        say(f"Stopped: {printable_line(sent.failure, 500)}. The rest waits: promptetheus spool replay")


def _show(report: FileReport) -> None:
    """One file for people: data to stdout, what is wrong with it to stderr."""
    if report.left_alone or report.part_of is not None:
        return
    if report.sessions or report.notes:
        _show_counts(report)
    elif not report.problem:
        out(f"{report.path} has no events to import.")
        for kind, number in _most(report.skipped.counts)[:_KINDS_SHOWN]:
            out(f"  skipped ×{number}: {printable_line(kind, 300)}")
    for note in report.notes:
        say(f"  not imported: {printable_line(note, 300)}")
    if report.more_notes:
        say(f"  not imported: {report.more_notes} more")
    if report.problem:
        say(printable_line(report.problem, 1000))


def _show_counts(report: FileReport) -> None:
    parts = [f"{number} session(s) {outcome.value}" for outcome, number in report.outcomes().items()]
    said = ", ".join(parts) or "nothing imported"
    along = f", {report.adopted_notes} note(s)" if report.adopted_notes else ""
    out(f"{report.path}: {report.format}, {said}, {report.events} event(s){along}")
    for words, counts in (("kept as metadata", report.kept.counts), ("skipped", report.skipped.counts)):
        if counts:
            out(f"  {words}: {_listed(counts)}")


def _listed(counts: dict[str, int]) -> str:
    most = _most(counts)
    words = ", ".join(f"{printable_line(kind, 80)} ×{number}" for kind, number in most[:_KINDS_SHOWN])
    return words + (f", {len(most) - _KINDS_SHOWN} more kinds" if len(most) > _KINDS_SHOWN else "")


def _most(counts: dict[str, int]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))


def _print_as_json(reports: list[FileReport], spool: Path, unusable: str, sent: Replayed | None) -> None:
    outcomes = _outcomes(reports)
    totals = {
        **{outcome.replace(" ", "_"): number for outcome, number in outcomes.items()},
        "events": sum(report.events for report in reports),
        "problems": sum(1 for report in reports if report.problem) + bool(unusable),
    }
    files = [report.as_json() for report in reports]
    found: dict[str, object] = {
        "spool": str(spool),
        "files": files,
        "totals": totals,
        "problem": unusable or None,
    }
    if sent is not None:
        found["sent"] = {"events": sent.delivered, "refused": sent.refused, "failure": sent.failure or None}
    print_json(found)


def _say_totals(reports: list[FileReport], spool: Path, stopped: bool) -> None:
    events, already_there = sum(report.events for report in reports), _outcomes(reports)["already there"]
    left_alone = sum(1 for report in reports if report.left_alone)
    if left_alone:
        say(f"{left_alone} JSON file(s) of other formats were left alone.")
    if events:
        out(f"Imported {events} event(s) to {spool}.")
        option = "" if spool == Path(DEFAULT_SPOOL_DIR) else f" --spool {spool}"
        say(f"See them: promptetheus tui{option}")
    elif already_there:
        out(f"Nothing new: {already_there} session(s) were in {spool} already.")
    elif left_alone == len(reports) and not stopped:
        out(
            f"Nothing to import: no file is of a format we know ({', '.join(kind.value for kind in Format)})."
        )


def _outcomes(reports: list[FileReport]) -> dict[str, int]:
    """How many sessions became what, all files together."""
    found = {"imported": 0, "appended to": 0, "already there": 0}
    for report in reports:
        for outcome, number in report.outcomes().items():
            found[outcome.value] += number
    return found


class _Progress:
    """Tells people on a terminal how far a long import is, at most once a second."""

    def __init__(self) -> None:
        self._last = time.monotonic() + _PROGRESS_AFTER_S - _PROGRESS_EVERY_S

    def __call__(self, path: Path, done: int) -> None:
        now = time.monotonic()
        if now - self._last >= _PROGRESS_EVERY_S and sys.stderr.isatty():
            self._last = now
            say(f"… {path}: {size(done)} read")
