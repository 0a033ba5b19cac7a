"""Where `tui --project` reads a gateway's project: on this machine's disk, or in a mirror kept fresh meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from promptetheus.cli.mirror import NO_KEY, CannotMirror, fetch, mirrored
from promptetheus.cli.output import say
from promptetheus.delivery.destination import Destination, destination
from promptetheus.display import printable_line
from promptetheus.settings import DEFAULT_SPOOL_MAX_BYTES

if TYPE_CHECKING:
    from promptetheus.delivery.mirror import Mirror

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})
_PATIENCE_S = 3.0
"""For what is being fetched when the terminal closes."""


class NoProject(Exception):
    """The project cannot be opened; the text says why."""


class ProjectSpool(NamedTuple):
    """Where a project is read."""

    spool: Path
    why_stale: Callable[[], str] = lambda: ""
    """What keeps news of the gateway from coming in now; empty while nothing does."""


@contextmanager
def project_spool(project: str, *, is_complete: bool) -> Iterator[ProjectSpool]:
    """The spool of a project while the block runs. Raises NoProject.

    Args:
        is_complete: Everything is there before the block begins; otherwise it comes in during it. From a gateway
            that is away there is only what was mirrored before.
    """
    from promptetheus.delivery.mirror import InUse

    target = destination()
    on_disk = _on_disk(project) if target is None or _is_here(target) else None
    if on_disk is not None:
        yield ProjectSpool(on_disk)
        return
    if target is None:
        raise NoProject(f"{_known()}; and to look at a gateway elsewhere there is {NO_KEY}")
    with ExitStack() as stack:
        try:
            mirror = stack.enter_context(mirrored(target, project, None, DEFAULT_SPOOL_MAX_BYTES))
            if is_complete and mirror.away is None:
                fetch(mirror)
        except CannotMirror as error:
            if not isinstance(error.__cause__, InUse):
                raise NoProject(str(error)) from error
            yield ProjectSpool(error.__cause__.spool)  # the process that has it keeps it fresh
            return
        with _kept_fresh(mirror) as why_stale:
            yield ProjectSpool(mirror.spool, why_stale)


@contextmanager
def _kept_fresh(mirror: Mirror) -> Iterator[Callable[[], str]]:
    from promptetheus.delivery.mirror import keep_fresh

    stop = threading.Event()
    trouble = ["" if mirror.away is None else str(mirror.away)]

    def told(text: str) -> None:
        trouble[0] = text

    thread = threading.Thread(
        target=keep_fresh, args=(mirror, stop, told), name="promptetheus-mirror", daemon=True
    )
    thread.start()
    try:
        yield lambda: trouble[0]
    finally:
        stop.set()
        thread.join(_PATIENCE_S)
        if trouble[0]:
            say(f"The last look at the gateway failed: {printable_line(trouble[0], 500)}")


def _is_here(target: Destination) -> bool:
    """Whether the gateway may be the one whose store is on this machine."""
    return urlsplit(target.api_url).hostname in _THIS_MACHINE


def _on_disk(project: str) -> Path | None:
    from promptetheus.gateway.options import gateway_directory
    from promptetheus.gateway.places import find_spool

    return find_spool(gateway_directory(), project)


def _known() -> str:
    from promptetheus.gateway.options import gateway_directory
    from promptetheus.gateway.places import project_ids

    directory = gateway_directory()
    known = [f"{name} ({project_id})" for project_id, name in project_ids(directory).items()]
    named = printable_line(", ".join(known[:20])) if known else "there is no gateway's store"
    return f"no such project in {directory}: {named}"
