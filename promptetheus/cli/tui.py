"""Watch the spool in the terminal: live sessions, timelines, screenshots.

Opens on all sessions, or on the one that TARGET names: a session id or the beginning of one, a session file,
an exported session (.json), or a directory of sessions.

--project opens a project of a gateway: the one at PROMPTETHEUS_API_URL, read with PROMPTETHEUS_API_KEY into a mirror
that is kept fresh meanwhile; or what a gateway of this machine has on its disk, which needs no key. While the gateway
is away it shows what was mirrored before, and says so.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from promptetheus.cli.options import add_spool
from promptetheus.cli.output import out, say
from promptetheus.display import printable_line
from promptetheus.spool import DEFAULT_SPOOL_DIR

if TYPE_CHECKING:
    from promptetheus.tui.launch import Target
    from promptetheus.tui.views import Place

MOST_PORT = 65535


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help="a session id, its beginning, a file, a directory"
    )
    add_spool(parser)
    parser.add_argument(
        "--project",
        metavar="NAME",
        help="a project of a gateway, by name or id, instead of --spool",
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
        "--web",
        nargs="?",
        type=_port,
        const=8484,
        metavar="PORT",
        help="serve it to a browser on this machine (extra: web), by default on port 8484",
    )
    parser.add_argument(
        "--keys", action="store_true", help="list every action with its id and keys (docs/tui.md), and stop"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="as if for the first time: what is remembered is left aside"
    )
    parser.add_argument(
        "--theme", metavar="NAME", help="dark, light, high-contrast, colour-blind, terminal, …"
    )


def _port(text: str) -> int:
    """What `--web` takes."""
    if text.isascii() and text.isdigit() and int(text) <= MOST_PORT:
        return int(text)
    raise argparse.ArgumentTypeError(
        f"{printable_line(text, 60)!r} is no port. Ports are 0 to {MOST_PORT}, and 0 takes any that is free; "
        "a session is named before --web"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.keys:
        return _list_keys()
    if len(arguments.targets) > 1:
        say(f"promptetheus tui: it opens on one session, and {len(arguments.targets)} are named.")
        say("Two are compared with --diff; a directory shows all that are in it, --filter TEXT some of them.")
        return 2
    arguments.target = next(iter(arguments.targets), None)
    if arguments.web is not None:
        return _serve(arguments)
    if arguments.project is None:
        return _show(arguments)
    from promptetheus.cli.tui_project import NoProject, project_spool

    # Named sessions have to be here before they can be found; otherwise they come in while the list is open.
    is_named = arguments.target is not None or arguments.diff is not None
    try:
        with project_spool(arguments.project, is_complete=is_named) as found:
            arguments.spool = found.spool
            return _show(arguments, found.why_stale)
    except NoProject as error:
        say(f"promptetheus tui: {printable_line(str(error), 1000)}")
        return 1


def _serve(arguments: argparse.Namespace) -> int:
    """Show the same in a browser."""
    from promptetheus.tui.web import CannotServe, serve

    # Here it can be said; the page could only end. What a gateway has is known once it is mirrored.
    found = _find(arguments) if arguments.project is None else None
    if isinstance(found, int):
        return found
    words = [arguments.target] if arguments.target is not None else []
    words += ["--spool", str(arguments.spool.absolute())]
    for option in ("project", "filter", "theme", "fingerprint", "sql"):
        if value := getattr(arguments, option):
            words += [f"--{option}", value]
    words += ["--step", str(arguments.step)] if arguments.step is not None else []
    words += ["--diff", *arguments.diff] if arguments.diff else []
    words += ["--fresh"] if arguments.fresh else []
    try:
        serve(words, arguments.web, say=say)
    except CannotServe as error:
        say(f"promptetheus tui: {error}")
        return 1
    return 0


def _list_keys() -> int:
    """Print every action that can be given another key."""
    from promptetheus.tui.key_list import key_actions

    actions = key_actions()
    ids, keys = max(len(each.id) for each in actions), min(24, max(len(each.keys) for each in actions))
    for action in actions:
        out(f"{action.id:<{ids}}  {action.keys:<{keys}}  {action.sentence}")
    return 0


def _find(arguments: argparse.Namespace) -> Target | int:
    """What the arguments name; the exit code where that is nothing, which is said."""
    from promptetheus.tui.launch import CannotShow, WrongUse, find_diff, find_target

    spool_given = arguments.spool != Path(DEFAULT_SPOOL_DIR)
    try:
        target = find_target(arguments.target, arguments.spool, spool_given=spool_given, step=arguments.step)
        if arguments.diff is not None:
            target = find_diff(arguments.diff, target.root, spool_given=spool_given)
    except CannotShow as error:
        say(f"promptetheus tui: {error}")
        return 2 if isinstance(error, WrongUse) else 1
    return target


def _show(arguments: argparse.Namespace, why_stale: Callable[[], str] = lambda: "") -> int:
    from promptetheus.tui.launch import CannotShow, has_terminal, no_terminal, show

    target = _find(arguments)
    if isinstance(target, int):
        return target
    if not has_terminal():
        say(no_terminal(os.environ))
        return 2
    try:
        return show(
            target,
            theme=arguments.theme,
            filter_text=arguments.filter,
            place=_place(arguments),
            fresh=arguments.fresh,
            why_stale=why_stale,
        )
    except CannotShow as error:
        say(f"promptetheus tui: {error}")
        return 2


def _place(arguments: argparse.Namespace) -> Place | None:
    """The view that was asked for by an option; None for the one that the target names."""
    from promptetheus.tui.views import Place

    if arguments.fingerprint is not None:
        return Place("failures", arguments.fingerprint.lower())
    return None if arguments.sql is None else Place("sql", arguments.sql or None)
