"""Deleting from the Delivery view: it names counts and bytes, and asks, before anything goes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from textual import work

from promptetheus.delivery import dead_letters
from promptetheus.delivery.purge import plan_purge, purge
from promptetheus.display import counted, size
from promptetheus.queries.rows import Status
from promptetheus.retention import Pruned, prune
from promptetheus.settings import get_config
from promptetheus.tui.chooser import Choice
from promptetheus.tui.confirm import Confirm
from promptetheus.tui.delivery.listing import ListsDelivery
from promptetheus.tui.delivery.work import dead_files
from promptetheus.tui.menu import Menu


class RemovalScreen(ListsDelivery):
    """What the key that deletes does."""

    async def action_purge(self) -> None:
        """Ask what to delete."""
        hidden = self.hidden
        whole = " of the whole spool" if hidden else ""
        left = counted(hidden, "hidden one stays", "hidden ones stay")
        stay = f"; {left}" if hidden else " and says how much"
        choices = [
            Choice("Sessions that were sent", "", partial(self._ask_purge, True, False)),
            Choice(
                "Sessions with something pending, and local ones", "", partial(self._ask_purge, False, False)
            ),
            Choice("The files of refused events", "", partial(self._ask_purge, None, True)),
            Choice(f"The oldest sessions{whole}, down to the spool's cap", "", self._ask_prune),
        ]
        await self.shell.open_screen(Menu(f"Delete … (it asks again{stay})", choices))

    @work(group="purge", exclusive=True, exit_on_error=False)
    async def _ask_purge(self, sent: bool | None, dead: bool) -> None:
        rows, lines, hidden = self.rows(), self.acted_on(), self.hidden
        entries = [] if sent is None else [line.entry for line in lines]
        # Refused events may be left of sessions that are gone: only without filter and marks these go too.
        narrowed = bool(hidden or self.listed.marks)
        refused = dead_files(self.root, lines) if narrowed else dead_letters.files(self.root)
        plan = await asyncio.to_thread(
            plan_purge,
            entries,
            running={row.path.name for row in rows if row.status is Status.RUNNING},
            events={row.path.name: row.events for row in rows},
            sent=bool(sent),
            dead=refused if dead else (),
        )
        if not plan.files:
            self.app.notify("There is nothing of that kind to delete.", timeout=3)
            return
        parts = (
            [f"{counted(len(plan.sessions), 'session')} with {counted(plan.events, 'event')}"]
            if plan.sessions
            else []
        )
        parts += [f"{counted(len(plan.dead), 'file')} of refused events"] if plan.dead else []
        how_large = size(plan.size_bytes)
        stay = (
            f"{counted(plan.running, 'running session stays', 'running sessions stay')}. "
            if plan.running
            else ""
        )
        if self.listed.marked:
            stay += f"Only of what is marked: {counted(len(self.listed.marked), 'session')}. "
        elif hidden:
            left = counted(
                hidden, "session that the filter hides stays", "sessions that the filter hides stay"
            )
            stay += f"Only of what is shown: the {left}. "
        await self.shell.open_screen(
            Confirm(
                f"Delete {' and '.join(parts)}, {how_large}?",
                f"{stay}They are gone for good from {self.root}.",
                partial(
                    self._delete,
                    partial(purge, plan),
                    f"Deleted {counted(plan.files, 'file')}, {size(plan.size_bytes)}.",
                ),
            )
        )

    @work(group="purge", exclusive=True, exit_on_error=False)
    async def _ask_prune(self) -> None:
        config = get_config()
        cap, keep = config.spool_max_bytes, config.api_key is not None
        if not cap:
            self.app.notify("The spool has no cap: PROMPTETHEUS_SPOOL_MAX_BYTES sets one.", timeout=4)
            return
        act = partial(prune, self.root, cap, keep_undelivered=keep)
        try:
            would: Pruned = await asyncio.to_thread(act, only_count=True)
        except OSError as error:
            self.app.notify(f"The spool cannot be read: {error.strerror or error}.", severity="warning")
            return
        if not would.sessions and not would.artifacts:
            self.app.notify(f"The spool is below its cap of {size(cap)}: nothing has to go.", timeout=4)
            return
        await self.shell.open_screen(
            Confirm(
                f"Delete {counted(would.sessions, 'session')} and {counted(would.artifacts, 'artifact')}, "
                f"{size(would.size_bytes)}?",
                f"The oldest of those that were sent or passed go first, until the spool is below {size(cap)}."
                + (" Sessions that the filter hides go too." if self.hidden else ""),
                partial(
                    self._delete,
                    act,
                    f"Deleted {counted(would.sessions, 'session')}, {size(would.size_bytes)}.",
                ),
            )
        )

    @work(group="delete", exclusive=True, exit_on_error=False)
    async def _delete(self, act: Callable[[], object], said: str) -> None:
        try:
            await asyncio.to_thread(act)
        except OSError as error:
            said = f"Not everything could be deleted: {error.strerror or error}."
        self.app.notify(said, timeout=5)
        self.read()
