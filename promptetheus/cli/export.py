"""Write a session to a file or the screen: JSON (to import again), Markdown, or one HTML page that stands alone.

Each holds the notes and bookmarks that were written about the session."""

from __future__ import annotations

import argparse
from pathlib import Path

from promptetheus.cli.options import add_json, add_spools, named
from promptetheus.cli.output import json_text, out, print_json, say
from promptetheus.cli.targets import open_session
from promptetheus.display import printable_line
from promptetheus.events import Event
from promptetheus.exporters.session_document import session_document
from promptetheus.exporters.session_text import Form, session_notes, session_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", help="session id, the beginning of one, or a file")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write to a file instead of the screen")
    parser.add_argument(
        "--format", choices=["json", "md", "html"], default="json", help="default json, which can be imported"
    )
    add_spools(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    missing = f"No spooled session {printable_line(arguments.session, 120)} in {named(arguments.spools)}."
    log = open_session(arguments.spools, arguments.session, missing=missing)
    if log is None:
        return 1
    events, session_id = log.events(), log.row().session_id
    if arguments.out is None:
        # JSON on a terminal is in ASCII: no text in it reaches the terminal raw.
        out(_text(arguments.format, session_id, events, log.path.parent, ascii_only=True).rstrip("\n"))
        return 0
    try:
        text = _text(arguments.format, session_id, events, log.path.parent, ascii_only=False)
        arguments.out.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        say(f"Could not write {arguments.out}: {error.strerror or error}.")
        return 1
    if arguments.json:
        print_json({"session_id": session_id, "events": len(events), "file": str(arguments.out)})
    else:
        out(f"Exported {len(events)} event(s) to {arguments.out}.")
    return 0


def _text(form: Form, session_id: str, events: list[Event], spool: Path, *, ascii_only: bool) -> str:
    if form != "json":
        return session_text(form, session_id, events, spool)
    document = session_document(session_id, events, session_notes(spool, session_id))
    return json_text(document, ascii_only=ascii_only) + "\n"
