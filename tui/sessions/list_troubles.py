"""What keeps the list of sessions from being complete and up to date, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from promptetheus.queries.rows import Problem
from promptetheus.tui.message_log import Trouble


def list_troubles(
    problems: Iterable[Problem], *, watching: bool, why_polling: str, why_stale: str
) -> Iterator[Trouble]:
    """What concerns all sessions first.

    Args:
        problems: Files that are no sessions.
        why_polling: Why the system's notices are not used; "" where they are.
        why_stale: Why nothing comes in from the gateway that the spool mirrors; "" where it does.
    """
    if not watching:
        yield Trouble("Not watching", "Changes are not noticed any more: r reads and watches again.")
    elif why_polling:
        yield Trouble("Looking every moment instead of watching", why_polling)
    if why_stale:
        yield Trouble("Nothing comes in from the gateway", f"{why_stale}. Shown is what was fetched before.")
    for problem in problems:
        yield Trouble(problem.path.name, problem.reason)
