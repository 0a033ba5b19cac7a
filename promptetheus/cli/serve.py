"""Run a gateway for a team: keys and tokens of your own, the embedded store or PostgreSQL.

What it needs comes from the environment (--settings prints all of it): PROMPTETHEUS_CONSOLE_TOKEN, or
PROMPTETHEUS_AUTH_MODE=supabase with SUPABASE_JWT_SECRET, and for more than one machine DATABASE_URL.

Exit code 0 after it was told to stop, 1 when it cannot run, 2 when it is not told how.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from promptetheus.cli.options import add_json
from promptetheus.cli.serving import add_place, print_settings, serve


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_place(parser, default_host="127.0.0.1")
    parser.add_argument("--dir", type=Path, metavar="DIR", help="directory of the embedded store")
    parser.add_argument("--settings", action="store_true", help="print the environment variables and end")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.settings:
        return print_settings(as_json=arguments.json)
    return serve(arguments, mode=None, directory=arguments.dir)
