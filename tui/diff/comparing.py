"""The reading half of the Diff view: sessions are read and compared in threads, and again when they change."""

from __future__ import annotations

import asyncio
import gc
from abc import abstractmethod
from pathlib import Path

from textual import work

from promptetheus.cause.diff_report import Side
from promptetheus.cause.noise import Noise
from promptetheus.tui.diff.reading import CannotCompare, Compared, Sides, Stamp, read_and_compare, stamp_of
from promptetheus.tui.filtered_list import FilteredListScreen
from promptetheus.tui.progress import QUIET_FOR_S, GivenUp, Progress, ProgressLine

LOOK_AGAIN_S = 1.0
"""How often the files are looked at for news."""

MANY_EVENTS = 2_000
"""Of both sessions together: so many that looking through them for garbage is felt in the keys."""


class ComparingScreen(FilteredListScreen):
    """What is on screen stays there while it is done again.

    Args:
        paths: One session, which is held against the nearest that passed, or two.
    """

    def __init__(self, root: Path, paths: tuple[Path, ...]) -> None:
        super().__init__()
        self.root = root
        self.paths = paths
        """As they were asked for; a `Sides` where their order is a person's."""
        self.compared: Compared | None = None
        self.noise: Noise | None = None
        """The rules in force; None as long as they are the project's."""
        self._progress = Progress()

    @property
    def subject(self) -> object:
        """The sessions as they were asked for."""
        return self.paths

    # What a subclass shows

    @abstractmethod
    def took(self, compared: Compared) -> None:
        """Show a comparison."""

    @abstractmethod
    def judges(self, still: bool) -> None:
        """Say that other sessions are still being read, to tell what matters in these two; or that they are."""

    @abstractmethod
    def cannot(self, why: str) -> None:
        """Say why there is nothing to show."""

    @abstractmethod
    def lost(self, what: str) -> None:
        """Say that what is on screen cannot be read any more."""

    # Reading

    def begin_reading(self) -> None:
        """Read for the first time, and look for news from then on."""
        self.read()
        self.set_interval(LOOK_AGAIN_S, self._look_again)

    def give_up(self) -> None:
        """End what is being read."""
        self._progress.give_up()

    def on_unmount(self) -> None:
        """Nobody waits any more."""
        self.give_up()

    def swap(self) -> None:
        """Left to the right and right to the left."""
        if self.compared is not None:
            self.paths = Sides(self.compared.right.row.path, self.compared.left.row.path)
            self.compared = None
            self.read()

    def ignore(self, noise: Noise) -> None:
        """Compare under these rules from now on."""
        self.noise = noise
        self._compare_anew(noise)

    @work(group="read", exclusive=True, exit_on_error=False)
    async def read(self) -> None:
        """Read both sessions and compare them; then look closer, which takes longer."""
        progress = self._begin()
        sessions = self.shell.sessions_screen
        rows = sessions.sessions() if sessions.scanned and sessions.root == self.root else None
        paths = (
            self.paths
            if self.compared is None
            else Sides(self.compared.left.row.path, self.compared.right.row.path)
        )
        try:
            found = await asyncio.to_thread(read_and_compare, self.root, paths, rows, self.noise, progress)
        except GivenUp:
            return
        except CannotCompare as why:
            if self.compared is None:
                self.cannot(str(why))
            else:
                self.lost(str(why))
            return
        finally:
            self._end(progress)
        if self.compared is not None and self.compared.report.chosen:
            found = found.because(self.compared.report.chosen)
        self._took(found)
        self._look_closer(found)

    # Without a description Textual makes one of the arguments: 300 ms for the events of two long sessions.
    @work(group="closer", exclusive=True, exit_on_error=False, description="looks closer")
    async def _look_closer(self, compared: Compared) -> None:
        """What other sessions tell of the tools, then the pictures."""
        judging = asyncio.ensure_future(asyncio.to_thread(compared.with_evidence))
        await asyncio.wait([judging], timeout=QUIET_FOR_S)
        self.judges(not judging.done())
        judged = await judging
        if self.compared is not compared or not self.is_running:
            return
        if judged is not compared:
            self._took(judged)
        self.judges(False)
        found = await asyncio.to_thread(judged.with_pictures)
        if self.compared is judged and found.report.rows != judged.report.rows:
            self._took(found)

    @work(group="noise", exclusive=True, exit_on_error=False)
    async def _compare_anew(self, noise: Noise) -> None:
        """The same sessions under other rules."""
        compared = self.compared
        if compared is None:
            return
        found = await asyncio.to_thread(compared.with_noise, noise)
        if self.noise is noise and self.compared is not None:
            self._took(found)
            self._look_closer(found)

    @work(group="look", exclusive=True, exit_on_error=False)
    async def _look_again(self) -> None:
        """Compare anew when a file changed; say so when one is gone."""
        compared = self.compared
        if compared is None or not self.is_active or self._is_reading:
            return
        paths = compared.left.row.path, compared.right.row.path
        stamps: list[Stamp] = await asyncio.to_thread(lambda: [stamp_of(path) for path in paths])
        if self.compared is not compared or tuple(stamps) == compared.stamps:
            return
        gone = [side.value for side, stamp in zip(Side, stamps, strict=True) if stamp is None]
        if gone:
            self.lost(f"The file of the {' and the '.join(gone)} session is gone: this is what was in it.")
        else:
            self.read()

    @property
    def _is_reading(self) -> bool:
        return any(
            worker.group == "read" and worker.is_running for worker in self.workers if worker.node is self
        )

    def _begin(self) -> Progress:
        self._progress.give_up()
        self._progress = Progress()
        if self.compared is None:
            self.query_one(ProgressLine).track(self._progress)
        return self._progress

    def _end(self, progress: Progress) -> None:
        if progress is self._progress and self.is_running:
            self.query_one(ProgressLine).track(None)

    def worker_failed(self, group: str, error: Exception) -> None:
        """Without a comparison, it stands in its place."""
        if self.compared is None and group == "read":
            self.cannot(f"They could not be compared: {type(error).__name__}: {error}")

    def _took(self, compared: Compared) -> None:
        if self.is_running:
            if self.compared is None and len(compared.left.events) + len(compared.right.events) > MANY_EVENTS:
                # Measured with 20,000 events: a pass over all objects stops the program for 300 ms, and what was read
                # has no cycles. It is let go by counting references, frozen or not.
                gc.freeze()
            self.compared, self.noise = compared, compared.report.noise
            self.took(compared)
            self.has_answer()
