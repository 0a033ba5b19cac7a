"""Show what the default redaction would take out of a session or a file, and why; nothing is changed.

Exit code 0: nothing would be taken out; 1: something would, or there is no such session.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from promptetheus.cli.options import add_json, add_spools
from promptetheus.cli.output import out, print_json, say
from promptetheus.cli.targets import open_session
from promptetheus.redaction import DefaultRedactor, Finding, build_default_redactor

_SUFFIXES = (".jsonl", ".json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", choices=["check"], help="check: say what would be taken out")
    parser.add_argument("target", help="session id, the beginning of one, or a file of any kind")
    add_spools(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    events = _events(arguments.spools, arguments.target)
    if events is None:
        return 1
    redactor = build_default_redactor()
    found = list(_findings(redactor, events))
    if arguments.json:
        print_json([{"event": where, **finding._asdict()} for where, finding in found])
        return 1 if found else 0
    for where, finding in found:
        out(f"{where} {finding.path}: {finding.rule}, {finding.length} characters")
    rules = Counter(finding.rule for _, finding in found)
    counts = ", ".join(f"{number} {rule}" for rule, number in rules.most_common())
    out(f"{len(found)} value(s) would be replaced: {counts}." if found else "Nothing would be replaced.")
    return 1 if found else 0


def _findings(redactor: DefaultRedactor, events: Any) -> Iterator[tuple[str, Finding]]:
    for where, event in events:
        for finding in redactor.findings(event):
            yield where, finding


def _events(spools: list[Path], target: str) -> Iterator[tuple[str, dict[str, Any]]] | None:
    """What is to be looked through, each with the place to name it by; None after saying why there is none."""
    path = Path(target)
    if path.is_file() and path.suffix not in _SUFFIXES:
        return _text_lines(path)
    log = open_session(spools, target)
    if log is None:
        say("See: promptetheus redaction check FILE|SESSION")
        return None
    return ((f"[{event.get('seq', '?')}] {event.get('type', '?')}", event) for event in log.events())


def _text_lines(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    with open(path, encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, 1):
            yield f"line {number}", {"text": line}
