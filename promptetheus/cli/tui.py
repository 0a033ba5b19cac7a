"""Watch the spool in the terminal: live sessions, timelines, screenshots.

Opens on all sessions, or on the one that TARGET names: a session id or the beginning of one, a session file,
an exported session (.json), or a directory of sessions.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from promptetheus.cli.options import add_spool
from promptetheus.cli.output import say
from promptetheus.spool import DEFAULT_SPOOL_DIR

if TYPE_CHECKING:
    from promptetheus.tui.views import Place


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "target", nargs="?", metavar="TARGET", help="a session id, its beginning, a file, a directory"
    )
    add_spool(parser)
    parser.add_argument(
        "--project",
        metavar="NAME",
        help="a project of this machine's gateway, by name or id, instead of --spool",
    )
    parser.add_argument(
        "--filter", default="", metavar="TEXT", help="e.g. 'status:failed agent:booking dur>2s'"
    )
    parser.add_argument("--step", type=int, metavar="N", help="open the session at this step")
    parser.add_argument(
        "--diff",
        nargs="+",
        metavar="SESSION",
        help="two sessions side by side, the baseline first; or one, and the nearest of its task that passed",
    )
    parser.add_argument(
        "--fingerprint", metavar="ID", help="open the failures, on this one or the one that begins so"
    )
    parser.add_argument(
        "--sql",
        nargs="?",
        const="",
        metavar="QUERY",
        help="open the SQL view, on this query where there is one",
    )
    parser.add_argument(
        "--theme", metavar="NAME", help="dark, light, high-contrast, colour-blind, terminal, …"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.tui.launch import NO_TERMINAL, CannotShow, find_diff, find_target, has_terminal, show

    if arguments.project is not None and not _use_project(arguments):
        return 1
    spool_given = arguments.spool != Path(DEFAULT_SPOOL_DIR)
    try:
        target = find_target(arguments.target, arguments.spool, spool_given=spool_given, step=arguments.step)
        if arguments.diff is not None:
            target = find_diff(arguments.diff, target.root, spool_given=spool_given)
    except CannotShow as error:
        say(f"promptetheus tui: {error}")
        return 1
    if not has_terminal():
        say(NO_TERMINAL)
        return 2
    try:
        return show(target, theme=arguments.theme, filter_text=arguments.filter, place=_place(arguments))
    except CannotShow as error:
        say(f"promptetheus tui: {error}")
        return 2


def _place(arguments: argparse.Namespace) -> Place | None:
    """The view that was asked for by an option; None for the one that the target names."""
    from promptetheus.tui.views import Place

    if arguments.fingerprint is not None:
        return Place("failures", arguments.fingerprint.lower())
    return None if arguments.sql is None else Place("sql", arguments.sql or None)


def _use_project(arguments: argparse.Namespace) -> bool:
    """Set the spool to that of the gateway's project; False after telling the person why there is none."""
    from promptetheus.display import printable_line
    from promptetheus.gateway.options import gateway_directory
    from promptetheus.gateway.places import find_spool, project_ids

    directory = gateway_directory()
    found = find_spool(directory, arguments.project)
    if found is None:
        known = [f"{name} ({project_id})" for project_id, name in project_ids(directory).items()]
        named = printable_line(", ".join(known[:20])) if known else "there is no gateway's store"
        say(f"promptetheus tui: no project {arguments.project!r} in {directory}: {named}.")
        return False
    arguments.spool = found
    return True
