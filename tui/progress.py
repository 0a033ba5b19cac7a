"""Long work in a thread that says how far it is and can be given up."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text
from textual.widget import Widget

from promptetheus.display import printable_line
from promptetheus.tui.fit import Pieces, cut, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.keymap import leaving_key
from promptetheus.tui.theme import looks_of

BAR_CELLS = 24
LOOK_EVERY_S = 0.1
QUIET_FOR_S = 0.15
"""Work that is done sooner is not worth a line that flashes up."""


class GivenUp(Exception):
    """Nobody waits for the work any more."""


class Progress:
    """What the working thread and the screen share; each side only ever assigns whole values."""

    def __init__(self) -> None:
        self.what = ""
        """What is being done, for people."""
        self.share: float | None = None
        """How much of it is done, from 0 to 1; None where nobody knows."""
        self._given_up = False

    def say(self, what: str, share: float | None = None) -> None:
        """Tell how far the work is. Raises GivenUp when nobody waits for it: call it between any two pieces."""
        if self._given_up:
            raise GivenUp
        self.what, self.share = what, share

    def told(self, what: str, done: int, of: int) -> None:
        """The same for countable work: `what` with how many of how many."""
        self.say(f"{what}: {done:,} of {of:,}", done / of if of else None)

    def give_up(self) -> None:
        """End the work at the next `say`."""
        self._given_up = True


class ProgressLine(Guarded, Widget, can_focus=False):
    """`━━━━━━╌╌╌╌  reading 01M8…C2F …   esc gives up`; takes no room while nothing is being done."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    ProgressLine { height: 1; padding: 0 2; display: none; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._progress: Progress | None = None

    def on_mount(self) -> None:
        """Look at the work now and then, rather than be told of every piece of it."""
        self.set_interval(LOOK_EVERY_S, self._look)

    def track(self, progress: Progress | None) -> None:
        """Show how far this is; nothing with None."""
        self._progress = progress
        if progress is None:
            self.display = False
        else:
            self.set_timer(QUIET_FOR_S, lambda: self._show(progress))

    def _show(self, progress: Progress) -> None:
        if progress is self._progress:
            self.display = True

    def _look(self) -> None:
        if self.display:
            self.refresh()

    def render(self) -> Text:
        """Draw the bar, what is done, and the way out of it."""
        looks, width, progress = looks_of(self.app), self.size.width, self._progress
        if progress is None:
            return Text("")
        pieces: Pieces = []
        share = progress.share
        if share is not None:
            full = round(max(0.0, min(1.0, share)) * BAR_CELLS)
            pieces += [
                ("━" * full, looks.accent),
                ("╌" * (BAR_CELLS - full), looks.faint),
                ("  ", looks.text),
            ]
        hint = f"   {leaving_key(self.screen)} gives up"
        room = width - sum(cell_len(text) for text, _ in pieces) - len(hint)
        return joined(
            [*pieces, (cut(printable_line(f"{progress.what} …", 300), room), looks.text), (hint, looks.muted)]
        )
