"""The ways in which sessions failed, the one seen last first: new, recurring, gone or back.

With a fingerprint: that failure alone, with its sessions and notes. --note writes down what you know about one,
beside the spool. --by deviation groups failing sessions by how they depart from the passing ones of their task,
which also tells failures without an error text apart.
Exit code 0: listed, or noted; 1: no such failure or note; 2: not understood.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from promptetheus.cli.fingerprints import whole_fingerprint
from promptetheus.cli.options import add_json, add_limit, add_spools, named
from promptetheus.cli.output import out, print_json, quoted, say
from promptetheus.display import age, printable_line, short_id

if TYPE_CHECKING:
    from promptetheus.cause.deviation import Deviations
    from promptetheus.queries.failure_list import ListedFailure
    from promptetheus.queries.rows import SessionRow

_BAR = " ▁▂▃▄▅▆▇█"
_MOST_SESSIONS = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("fingerprint", nargs="?", help="this failure alone, or the beginning of its name")
    parser.add_argument("--note", nargs=2, metavar=("ID", "TEXT"), help="write a note about a failure")
    parser.add_argument("--remove-note", metavar="NOTE", help="take a note away, by its own id")
    parser.add_argument(
        "--by", choices=("fingerprint", "deviation"), default="fingerprint", help="what groups sessions"
    )
    add_limit(parser, None, "failures")
    add_spools(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.exporters.failure_export import failures_document
    from promptetheus.queries.failure_list import list_failures
    from promptetheus.queries.tasks import all_rows

    if arguments.remove_note is not None:
        return _remove_note(arguments)
    rows = all_rows(arguments.spools)
    if arguments.note is not None:
        return _write_note(arguments, rows)
    if arguments.by == "deviation":
        return _by_deviation(arguments, rows)
    found = list_failures(arguments.spools, rows)
    if arguments.fingerprint is not None:
        return _one(arguments, found, rows)
    shown = found[: arguments.limit]
    if arguments.json:
        print_json(failures_document(arguments.spools, ((each.failure, each.notes) for each in shown)))
    elif not found:
        out(f"No failures in {named(arguments.spools)}.")
    else:
        for listed in shown:
            out(_text(listed))
    if len(shown) < len(found):
        say(f"{len(found) - len(shown)} more; --limit all shows them.")
    return 0


def _one(arguments: argparse.Namespace, found: list[ListedFailure], rows: list[SessionRow]) -> int:
    from promptetheus.exporters.failure_export import failure_as_json

    fingerprint = whole_fingerprint(arguments.fingerprint, (each.failure.fingerprint for each in found))
    if fingerprint is None:
        return 1
    listed = next(each for each in found if each.failure.fingerprint == fingerprint)
    sessions = [row for row in rows if row.fingerprint == fingerprint]
    if arguments.json:
        told = failure_as_json(listed.failure, listed.notes)
        print_json({**told, "session_ids": [row.session_id for row in sessions]})
        return 0
    out(_text(listed, _said(listed, sessions)))
    for row in sessions[:_MOST_SESSIONS]:
        started = age(time.time() - row.started) if row.started is not None else "–"
        out(f"        {printable_line(row.session_id, 60)}  {started}  {printable_line(row.goal, 80)}")
    if len(sessions) > _MOST_SESSIONS:
        out(f"        and {len(sessions) - _MOST_SESSIONS} more")
    return 0


def _write_note(arguments: argparse.Namespace, rows: list[SessionRow]) -> int:
    from promptetheus.exporters.failure_export import note_as_json
    from promptetheus.notes import Notes, Subject

    beginning, text = arguments.note
    fingerprint = whole_fingerprint(beginning, (row.fingerprint for row in rows))
    if fingerprint is None:
        return 1
    try:
        note = Notes(arguments.spools[0]).add(Subject(fingerprint=fingerprint), text)
    except ValueError as error:
        say(f"promptetheus failures: {error}")
        return 2
    except OSError as error:
        say(f"The note could not be written: {error}.")
        return 1
    say(f"Noted about {fingerprint} ({note.note_id}).")
    if arguments.json:
        print_json(note_as_json(note))
    return 0


def _remove_note(arguments: argparse.Namespace) -> int:
    from promptetheus.notes import Notes

    try:
        removed = any(Notes(spool).remove(arguments.remove_note) for spool in arguments.spools)
    except OSError as error:
        say(f"The note could not be removed: {error}.")
        return 1
    say(
        f"Removed {arguments.remove_note}."
        if removed
        else f"No note is called {quoted(arguments.remove_note)}."
    )
    return 0 if removed else 1


def _by_deviation(arguments: argparse.Namespace, rows: list[SessionRow]) -> int:
    from promptetheus.project_rules import read_rules
    from promptetheus.queries.failure_list import list_deviations

    found = list_deviations(arguments.spools, rows, read_rules(arguments.spools[0]).effects)
    if arguments.json:
        print_json(_deviations_as_json(found))
        return 0
    if not found.classes and not found.without_passing:
        out(f"No failures in {named(arguments.spools)}.")
    for each in found.classes:
        times = f"{len(each.sessions)} session{'s' * (len(each.sessions) != 1)}"
        examples = " ".join(short_id(session_id) for session_id in each.sessions[:5])
        out(f"{each.fingerprint}  {printable_line(each.label, 120)}\n      {times}  {examples}")
    if found.without_passing:
        ids = " ".join(short_id(session_id) for session_id in found.without_passing[:5])
        more = len(found.without_passing) - 5
        out(
            f"without a passing session of their task, so nothing to hold them against: {len(found.without_passing)}"
            f"\n      {ids}{f' and {more} more' if more > 0 else ''}"
        )
    return 0


def _said(listed: ListedFailure, sessions: list[SessionRow]) -> str:
    """What its newest session says in full, where the label leaves something out."""
    from promptetheus.fingerprint import leaves_out
    from promptetheus.queries.outcome import outcome_sentence

    newest = next((row for row in sessions if row.session_id == listed.failure.examples[0]), None)
    return outcome_sentence(newest.path) if newest and leaves_out(listed.failure.label) else ""


def _text(listed: ListedFailure, said: str = "") -> str:
    from promptetheus.fingerprint import marked_label

    failure = listed.failure
    times = f"{failure.sessions} session{'s' * (failure.sessions != 1)}"
    agents = ", ".join(printable_line(agent or "unnamed agent", 40) for agent in failure.agents[:3])
    silence = f", {failure.since} of its tasks since" if failure.since else ""
    seen = f"first {age(time.time() - failure.first_s)}, last {age(time.time() - failure.last_s)}{silence}"
    examples = " ".join(short_id(session_id) for session_id in failure.examples)
    days = _bar(failure.day_counts(time.time()))
    lines = [
        f"{failure.fingerprint}  {failure.state:<9}  {printable_line(marked_label(failure.label), 100)}",
        *([f"      {printable_line(said, 1000)}"] if said else []),
        f"      {times}  {agents}  {seen}",
        f"      {examples}",
    ]
    if days.strip():
        lines.insert(-1, f"      last 14 days │{days}│")
    lines += [f"      note {note.note_id}  {printable_line(note.text, 200)}" for note in listed.notes]
    return "\n".join(lines)


def _bar(counts: tuple[int, ...]) -> str:
    most = max(counts, default=0)
    if not most:
        return ""
    return "".join(_BAR[0 if not n else 1 + round((len(_BAR) - 2) * n / most)] for n in counts)


def _deviations_as_json(found: Deviations) -> dict[str, Any]:
    return {
        "classes": [
            {
                "fingerprint": each.fingerprint,
                "label": each.label,
                "kind": each.kind.value,
                "tool": each.tool,
                "arguments": list(each.arguments),
                "sessions": list(each.sessions),
            }
            for each in found.classes
        ],
        "without_passing": list(found.without_passing),
    }
