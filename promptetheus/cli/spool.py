"""Show what is recorded and waiting for delivery: promptetheus spool list."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TypedDict

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json
from promptetheus.display import printable_line


class _Waiting(TypedDict):
    session: str
    pending: int
    bytes: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", choices=["list"], help="list: pending and dead events of each session")
    add_spool(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    root: Path = arguments.spool
    if not root.is_dir() and not arguments.json:
        out(f"No spool directory at {root} — nothing pending.")
        return 0
    pending, dead = _waiting(root), _waiting(root / "dead-letter")
    if arguments.json:
        print_json({"spool": str(root), "pending": pending, "dead": dead})
        return 0
    out(f"Spool: {root}")
    out(
        f"  pending : {_sum(pending)} event(s) across {len(pending)} session file(s), {_bytes(pending)} bytes"
    )
    out(f"  dead    : {_sum(dead)} event(s) across {len(dead)} file(s), {_bytes(dead)} bytes")
    for entry in pending:
        out(f"    {printable_line(entry['session'])}: {entry['pending']} pending")
    return 0


def _waiting(directory: Path) -> list[_Waiting]:
    """Lines that are not blank, by file; files that cannot be read count as empty."""
    found: list[_Waiting] = []
    for path in sorted(directory.glob("*.jsonl")):
        if path.is_symlink() or not path.is_file():
            continue
        lines = size = 0
        try:
            with open(path, "rb") as file:
                for line in file:
                    size += len(line)
                    lines += bool(line.strip())
        except OSError:
            continue
        found.append({"session": path.stem, "pending": lines, "bytes": size})
    return found


def _sum(entries: list[_Waiting]) -> int:
    return sum(entry["pending"] for entry in entries)


def _bytes(entries: list[_Waiting]) -> int:
    return sum(entry["bytes"] for entry in entries)
