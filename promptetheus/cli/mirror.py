"""Keep a gateway's project on this machine, as a spool that every command reads.

  promptetheus mirror --project booking            until Ctrl-C; prints the directory first
  promptetheus mirror --project booking --once     what is new, and done
  promptetheus sessions --spool DIR

Reads with PROMPTETHEUS_API_KEY, which needs no more than the scope `read`, from PROMPTETHEUS_API_URL. Fetches only
what is new; `promptetheus tui --project` does the same while it is open. A gateway that is away is waited for, as
long as there is a mirror from before. Exit codes: 0 done, 1 it was not possible.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptetheus.cli.options import add_json
from promptetheus.cli.output import out, print_json, say
from promptetheus.delivery.destination import Destination, destination
from promptetheus.display import count, printable_line, size
from promptetheus.settings import DEFAULT_SPOOL_MAX_BYTES

if TYPE_CHECKING:
    from promptetheus.delivery.mirror import Mirror, Round

NO_KEY = "no api_key configured: set PROMPTETHEUS_API_KEY to a key of the project that may read."

_AWAY = (
    "The gateway is away: there is what was mirrored before; what is new comes when it is back, until Ctrl-C."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--project", required=True, metavar="NAME", help="the project, by name or id")
    parser.add_argument("--into", type=Path, metavar="DIR", help="where (default: below the user's cache)")
    parser.add_argument("--once", action="store_true", help="fetch what is new and end")
    parser.add_argument(
        "--cap",
        type=_bytes,
        default=DEFAULT_SPOOL_MAX_BYTES,
        metavar="BYTES",
        help=f"fetch no more once it has so many; the newest come first (default {size(DEFAULT_SPOOL_MAX_BYTES)})",
    )
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    target = destination()
    if target is None:
        say(f"Cannot mirror: {NO_KEY}")
        return 1
    try:
        with mirrored(target, arguments.project, arguments.into, arguments.cap) as mirror:
            return _once(arguments, mirror) if arguments.once else _follow(arguments, mirror)
    except CannotMirror as error:
        say(f"Cannot mirror {printable_line(arguments.project, 120)}: {printable_line(str(error), 1000)}")
        return 1


class CannotMirror(Exception):
    """There is no mirror; the text says why."""


@contextmanager
def mirrored(target: Destination, project: str, into: Path | None, cap: int) -> Iterator[Mirror]:
    """The mirror of a project, open for writing. Raises CannotMirror; InUse is its cause while another process has
    it."""
    from promptetheus.delivery.mirror import InUse, opened
    from promptetheus.delivery.mirror_index import NotAMirror
    from promptetheus.delivery.remote_project import CannotRead

    with ExitStack() as stack:
        try:
            mirror = stack.enter_context(opened(target, project, into, cap))
        except (CannotRead, NotAMirror, InUse, OSError) as error:
            raise CannotMirror(str(error)) from error
        yield mirror


def fetch(mirror: Mirror) -> Round:
    """What is new, all of it, with progress on a terminal. Raises CannotMirror."""
    from promptetheus.delivery.remote_project import CannotRead

    try:
        with _progress() as progress:
            return mirror.refresh(progress=progress)
    except (CannotRead, OSError) as error:
        raise CannotMirror(str(error)) from error


def _once(arguments: argparse.Namespace, mirror: Mirror) -> int:
    try:
        found = fetch(mirror)
    except CannotMirror as error:
        raise CannotMirror(f"{error}. What was mirrored before is in {mirror.spool}") from error
    if arguments.json:
        print_json({"spool": str(mirror.spool), **found._asdict()})
    else:
        out(str(mirror.spool))
        _tell(found)
    return 0


def _follow(arguments: argparse.Namespace, mirror: Mirror) -> int:
    import threading

    from promptetheus.delivery.mirror import keep_fresh

    if arguments.json:
        print_json({"spool": str(mirror.spool)})
    else:
        out(str(mirror.spool))
        say("Fetching what is new until Ctrl-C." if mirror.away is None else _AWAY)
    sys.stdout.flush()
    keep_fresh(
        mirror, threading.Event(), _changes_only(lambda text: say(text or "The gateway answers again."))
    )
    return 0


def _changes_only(tell: Callable[[str], None]) -> Callable[[str], None]:
    """The same trouble is told once."""
    before = ""

    def told(text: str) -> None:
        nonlocal before
        if text != before:
            before = text
            tell(printable_line(text, 500))

    return told


def _tell(found: Round) -> None:
    new = f"{count(found.events)} event(s) and {count(found.artifacts)} artifact(s)"
    say(f"{count(found.listed)} session(s), {count(found.sessions)} of them with something new: {new}.")
    if found.removed:
        say(f"{count(found.removed)} session(s) are gone at the gateway, and here.")
    if found.lost_artifacts:
        say(f"{count(found.lost_artifacts)} artifact(s) are named in events and are not at the gateway.")
    if found.is_full:
        say("The cap is reached: older sessions may be missing. --cap BYTES raises it.")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A line on stderr while it is a terminal; nothing otherwise."""
    if not sys.stderr.isatty():
        yield lambda sessions, events: None
        return
    from rich.console import Console

    with Console(stderr=True).status("fetching") as status:
        yield lambda sessions, events: status.update(f"fetching: {sessions} sessions, {events} events")


def _bytes(text: str) -> Any:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of bytes from 1")
    return int(text)
