"""Write a session as JSON: its events and how many there are of each type."""

from __future__ import annotations

import argparse
from pathlib import Path

from promptetheus.cli.options import add_json, add_spools, named
from promptetheus.cli.output import json_text, out, print_json, say
from promptetheus.cli.targets import open_session
from promptetheus.session_document import session_document


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", help="session id, the beginning of one, or a file")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write to a file instead of the screen")
    add_spools(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    missing = f"No spooled session {arguments.session} in {named(arguments.spools)}."
    log = open_session(arguments.spools, arguments.session, missing=missing)
    if log is None:
        return 1
    events = log.events()
    document = session_document(log.row().session_id, events)
    if arguments.out is None:
        print_json(document)
        return 0
    try:
        arguments.out.write_text(json_text(document, ascii_only=False) + "\n", encoding="utf-8")
    except OSError as error:
        say(f"Could not write {arguments.out}: {error.strerror or error}.")
        return 1
    if arguments.json:
        print_json({"session_id": document["session_id"], "events": len(events), "file": str(arguments.out)})
    else:
        out(f"Exported {len(events)} event(s) to {arguments.out}.")
    return 0
