"""Print the timeline of a session, flat or as its span tree."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from promptetheus.cli.options import add_json, add_spools
from promptetheus.cli.output import out, print_json, say
from promptetheus.cli.targets import open_session
from promptetheus.event_line import event_line
from promptetheus.trace_tree import MAX_INDENT_LEVELS, build_trace_forest, render_tree

if TYPE_CHECKING:
    from promptetheus.queries.sequence import Sequence


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", help="session id, the beginning of one, or a file")
    parser.add_argument("--tree", action="store_true", help="events grouped by span")
    add_spools(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    log = open_session(arguments.spools, arguments.session)
    if log is None:
        return 1
    events, sequence = log.events(), log.sequence
    if arguments.json:
        print_json(
            {
                "session_id": log.row().session_id,
                "events": events,
                "missing_before": {gap.before: gap.missing for gap in sequence.gaps},
                "duplicates": list(sequence.duplicates),
            }
        )
    elif not events:
        out("(no events)")
    elif arguments.tree:
        out(render_tree(build_trace_forest(events)))
    else:
        for line in _flat(events, sequence):
            out(line)
    for sentence in sequence.describe():
        say(sentence)
    return 0


def _flat(events: Iterable[Mapping[str, Any]], sequence: Sequence) -> Iterator[str]:
    """One line an event, two spaces deeper inside each span; where events are missing, a line that says how many."""
    missing = {gap.before: gap.missing for gap in sequence.gaps}
    depth = 0
    for number, event in enumerate(events):
        if number in missing:
            yield f"{'  ' * min(depth, MAX_INDENT_LEVELS)}… {missing[number]} not here"
        payload = event.get("payload")
        marker = (
            payload.get("name")
            if isinstance(payload, Mapping) and event.get("type") == "state_change"
            else None
        )
        if marker == "span_end":
            depth = max(0, depth - 1)
        yield "  " * min(depth, MAX_INDENT_LEVELS) + event_line(event)
        if marker == "span_start":
            depth += 1
