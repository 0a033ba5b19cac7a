"""What the Delivery view does in threads: reading how far each session is, sending, sending again."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from promptetheus.delivery import dead_letters
from promptetheus.delivery.destination import Destination
from promptetheus.delivery.overview import overview
from promptetheus.display import counted
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.delivery.row import DeliveryLine, Standing, delivery_line
from promptetheus.tui.delivery.words import why_failed
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.progress import GivenUp, Progress

_ORDER = list(Standing)


def read_lines(spool: Path, rows: Mapping[str, SessionRow]) -> list[DeliveryLine]:
    """How far each session is: those with trouble first, then the newest. Raises OSError.

    Args:
        rows: What the list of sessions knows, by name of the file.
    """

    def events_of(path: Path) -> int | None:
        row = rows.get(path.name)
        return None if row is None else row.events

    found = [delivery_line(entry, rows.get(entry.session_file.name)) for entry in overview(spool, events_of)]
    found.reverse()  # names of files sort by time
    return sorted(found, key=lambda line: _ORDER.index(line.standing))


class Sending:
    """Sends in one thread, is given up from another."""

    def __init__(self, target: Destination, progress: Progress, of: int) -> None:
        """`of` is how many events there are to send."""
        self._target = target
        self._progress = progress
        self._done = 0
        self._of = of
        self._given_up = threading.Event()

    def give_up(self) -> None:
        """End after the batch that is under way; what was acknowledged stays acknowledged."""
        self._given_up.set()
        self._progress.give_up()

    def replay(self, files: Sequence[Path]) -> str:
        """Send what is pending of these; what came of it in words."""
        from promptetheus.delivery.replay import replay

        try:
            done = replay(files, self._target, progress=self._tell, pause=self._pause)
        except GivenUp:
            return f"Given up after {counted(self._done, 'event')}; the rest stays pending."
        said = [f"Sent {counted(done.delivered, 'event')}." if done.delivered else "Nothing was sent."]
        if done.refused:
            said.append(with_keys(f"{done.refused:,} were refused: <delivery.retry:R> sends them again."))
        if done.claimed:
            said.append(
                f"{counted(done.claimed, 'session is', 'sessions are')} being sent by another process."
            )
        if done.failure:
            said.append(f"{why_failed(done.failure)} The rest stays pending.")
        return "\n".join(said)

    def retry(self, files: Iterable[Path]) -> str:
        """Send refused events again, a file at a time; what came of it in words."""
        from promptetheus.delivery.replay import retry_dead_letters

        taken = refused = 0
        try:
            for path in files:
                self._progress.told("sending refused events", self._done, self._of)
                done = retry_dead_letters([path], self._target)
                taken, refused = taken + done.delivered, refused + done.refused
                self._done = taken + refused
                if done.failure:
                    return f"{taken:,} were taken. {why_failed(done.failure)} The others stay refused."
        except GivenUp:
            return f"Given up: {taken:,} were taken, the others stay refused."
        now = f"{taken:,} were taken now" if taken else "None was taken"
        return now + (f", {refused:,} are still refused." if refused else ".")

    def _tell(self, path: Path, events: int) -> None:
        self._done += events
        self._progress.told("sending events", self._done, self._of)

    def _pause(self, seconds: float) -> None:
        if self._given_up.wait(seconds):
            raise GivenUp


def dead_files(spool: Path, lines: Iterable[DeliveryLine]) -> list[Path]:
    """The files of refused events of these sessions."""
    names = {line.entry.session_file.name for line in lines}
    return [path for path in dead_letters.files(spool) if path.name in names]
