"""Deleting from the Delivery view: it names counts and bytes, and asks, before anything goes."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work

from promptetheus.delivery import dead_letters
from promptetheus.delivery.purge import plan_purge, purge
from promptetheus.display import size
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.retention import Pruned, prune
from promptetheus.settings import get_config
from promptetheus.tui.chooser import Choice
from promptetheus.tui.confirm import Confirm
from promptetheus.tui.menu import Menu
from promptetheus.tui.views import ViewScreen

if TYPE_CHECKING:
    from promptetheus.tui.delivery.list import DeliveryList


class RemovalScreen(ViewScreen):
    """What the key that deletes does."""

    root: Path
    listed: DeliveryList

    @abstractmethod
    def rows(self) -> list[SessionRow]:
        """What the list of sessions knows."""

    @abstractmethod
    def read(self) -> object:
        """See how far each session is."""

    async def action_purge(self) -> None:
        """Ask what to delete."""
        choices = [
            Choice("Sessions that were sent", "", partial(self._ask_purge, True, False)),
            Choice(
                "Sessions with something pending, and local ones", "", partial(self._ask_purge, False, False)
            ),
            Choice("The files of refused events", "", partial(self._ask_purge, None, True)),
            Choice("The oldest sessions, down to the spool's cap", "", self._ask_prune),
        ]
        await self.shell.open_screen(Menu("Delete … (it asks again and says how much)", choices))

    @work(group="purge", exclusive=True, exit_on_error=False)
    async def _ask_purge(self, sent: bool | None, dead: bool) -> None:
        rows = self.rows()
        entries = [] if sent is None else [line.entry for line in self.listed.marked or self.listed.lines]
        plan = await asyncio.to_thread(
            plan_purge,
            entries,
            running={row.path.name for row in rows if row.status is Status.RUNNING},
            events={row.path.name: row.events for row in rows},
            sent=bool(sent),
            dead=dead_letters.files(self.root) if dead else (),
        )
        if not plan.files:
            self.app.notify("There is nothing of that kind to delete.", timeout=3)
            return
        parts = [f"{len(plan.sessions):,} sessions with {plan.events:,} events"] if plan.sessions else []
        parts += [f"{len(plan.dead):,} files of refused events"] if plan.dead else []
        how_large = size(plan.size_bytes)
        stay = f"{plan.running:,} running sessions stay. " if plan.running else ""
        await self.shell.open_screen(
            Confirm(
                f"Delete {' and '.join(parts)}, {how_large}?",
                f"{stay}They are gone for good from {self.root}.",
                partial(
                    self._delete,
                    partial(purge, plan),
                    f"Deleted {plan.files:,} files, {size(plan.size_bytes)}.",
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
                f"Delete {would.sessions:,} sessions and {would.artifacts:,} artifacts, {size(would.size_bytes)}?",
                f"The oldest of those that were sent or passed go first, until the spool is below {size(cap)}.",
                partial(self._delete, act, f"Deleted {would.sessions:,} sessions, {size(would.size_bytes)}."),
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
