"""Run a gateway for this machine: sessions of all your agents in one place, nothing to install or set up.

It listens on 127.0.0.1 and lets in who knows the keys that it prints. Everything it receives lies below
.promptetheus/gateway: a spool directory per project, which `promptetheus tui --spool` opens like any other.
--json prints where it serves as data, and nothing more.

Exit code 0 after Ctrl-C, 1 when it cannot run, 2 when it is not told how.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from promptetheus.cli.options import add_json
from promptetheus.cli.serving import add_place, serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_place(parser, default_host="127.0.0.1")
    add_json(parser)
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help="where to keep everything (default .promptetheus/gateway)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    return serve(arguments, mode="dev", directory=arguments.dir)
