"""`spool replay` and `spool retry`: what is pending, or was refused, to the gateway now."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptetheus.cli.output import out, print_json, say
from promptetheus.delivery import dead_letters
from promptetheus.delivery.destination import Destination, destination
from promptetheus.display import printable_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promptetheus.delivery.overview import SessionDelivery
    from promptetheus.delivery.replay import Replayed

NO_KEY = "no api_key configured (set PROMPTETHEUS_API_KEY)."

Progress = Callable[[Path, int], None]


def run(arguments: argparse.Namespace) -> int:
    """Run `spool replay` or `spool retry`."""
    target = destination()
    if target is None:
        say(f"Cannot {arguments.action}: {NO_KEY}")
        return 1
    wanted = _stems(arguments.spool, arguments.sessions)
    if wanted is None:
        return 1
    if arguments.action == "retry":
        return _retry(arguments, target, wanted)
    return _replay(arguments, target, wanted)


def upload(spool: Path, session_files: list[Path], target: Destination) -> Replayed:
    """Ship these sessions with a progress bar on a terminal."""
    from promptetheus.cli.spool import deliveries
    from promptetheus.delivery.replay import replay

    names = {path.name for path in session_files}
    total = sum(entry.pending_events for entry in deliveries(spool) if entry.session_file.name in names)
    with _progress_bar("sending", total) as progress:
        return replay(session_files, target, progress=progress)


def _replay(arguments: argparse.Namespace, target: Destination, wanted: set[str]) -> int:
    from promptetheus.cli.spool import deliveries

    waiting = _chosen(deliveries(arguments.spool), wanted)
    if not waiting:
        if arguments.json:
            print_json({"delivered": 0, "refused": 0, "pending": 0, "failure": None})
        else:
            out("No pending spool events to replay.")
        return 0
    done = upload(arguments.spool, [entry.session_file for entry in waiting], target)
    left = _chosen(deliveries(arguments.spool), wanted)
    pending = sum(entry.pending_events for entry in left)
    if arguments.json:
        print_json({**_counts(done), "pending": pending, "api_url": target.api_url})
    else:
        out(f"Replayed {done.delivered} event(s) to {target.api_url}; {pending} still pending.")
        _say_trouble(done)
    return 1 if pending or done.failure else 0


def _retry(arguments: argparse.Namespace, target: Destination, wanted: set[str]) -> int:
    from promptetheus.delivery.replay import retry_dead_letters

    files = [path for path in dead_letters.files(arguments.spool) if not wanted or path.stem in wanted]
    total = sum(len(dead_letters.read(path)[0]) for path in files)
    with _progress_bar("sending", total) as progress:
        done = retry_dead_letters(files, target, progress=progress)
    left = total - done.delivered
    if arguments.json:
        print_json({**_counts(done), "dead": left, "api_url": target.api_url})
    elif not total:
        out("No refused events to send again.")
    else:
        out(f"Retried {total} event(s) at {target.api_url}; {done.delivered} taken, {left} still refused.")
        _say_trouble(done)
    return 1 if left or done.failure else 0


def _stems(spool: Path, sessions: list[str]) -> set[str] | None:
    """File stems of the sessions that were named by id or unique prefix; None when one is not there."""
    from promptetheus.queries.resolve import AmbiguousSession, SessionNotFound, resolve

    found = set()
    for name in sessions:
        try:
            found.add(resolve(spool, name).stem)
        except (SessionNotFound, AmbiguousSession) as error:
            say(printable_line(str(error), 1000))
            return None
    return found


def _chosen(entries: list[SessionDelivery], wanted: set[str]) -> list[SessionDelivery]:
    return [entry for entry in entries if entry.pending_bytes and (not wanted or entry.stem in wanted)]


def _counts(done: Replayed) -> dict[str, Any]:
    return {
        "delivered": done.delivered,
        "refused": done.refused,
        "in_use": done.claimed,
        "failure": done.failure or None,
    }


def _say_trouble(done: Replayed) -> None:
    if done.failure:
        say(f"Stopped: {printable_line(done.failure, 500)}")
        if done.failure.startswith("HTTP 401"):
            from promptetheus.cli.doctor import ANOTHER_KEY

            say(ANOTHER_KEY)
    if done.refused:
        say(
            f"{done.refused} event(s) were refused; they are in dead-letter/, `spool retry` sends them again."
        )
    if done.claimed:
        say(f"{done.claimed} session(s) are being sent by another process.")


@contextmanager
def _progress_bar(what: str, total: int) -> Iterator[Progress]:
    """A bar on stderr while it is a terminal; nothing otherwise."""
    if not sys.stderr.isatty() or not total:
        yield lambda path, events: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    began = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda path, events: bar.advance(task, events)
    if time.monotonic() - began > 5:
        say(f"{what}: {time.monotonic() - began:.0f} s")
