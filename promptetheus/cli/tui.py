"""Watch the spool in the terminal: live sessions, timelines, screenshots.

Opens on all sessions, or on the one that TARGET names: a session id or the beginning of one, a session file,
an exported session (.json), or a directory of sessions.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from promptetheus.cli.options import add_spool
from promptetheus.cli.output import say
from promptetheus.spool import DEFAULT_SPOOL_DIR


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "target", nargs="?", metavar="TARGET", help="a session id, its beginning, a file, a directory"
    )
    add_spool(parser)
    parser.add_argument(
        "--filter", default="", metavar="TEXT", help="e.g. 'status:failed agent:booking dur>2s'"
    )
    parser.add_argument("--step", type=int, metavar="N", help="open the session at this step")
    parser.add_argument(
        "--theme", metavar="NAME", help="dark, light, high-contrast, colour-blind, terminal, …"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.tui.launch import NO_TERMINAL, CannotShow, find_target, has_terminal, show

    spool_given = arguments.spool != Path(DEFAULT_SPOOL_DIR)
    try:
        target = find_target(arguments.target, arguments.spool, spool_given=spool_given, step=arguments.step)
    except CannotShow as error:
        say(f"promptetheus tui: {error}")
        return 1
    if not has_terminal():
        say(NO_TERMINAL)
        return 2
    try:
        return show(target, theme=arguments.theme, filter_text=arguments.filter)
    except CannotShow as error:
        say(f"promptetheus tui: {error}")
        return 2
