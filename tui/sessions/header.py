"""The first line of the Sessions view: where its sessions come from, how many there are, whether it is live."""

from __future__ import annotations

from pathlib import Path

from rich.cells import cell_len
from rich.text import Text
from textual.widget import Widget

from promptetheus.display import counted, printable_line
from promptetheus.queries.rows import Status
from promptetheus.tui.fit import Pieces, cells_of, cut_middle, cut_pieces, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.newest import newest_pieces
from promptetheus.tui.sessions.session_list import Counts
from promptetheus.tui.theme import Looks, looks_of


class SpoolHeader(Guarded, Widget, can_focus=False):
    """`promptetheus   ~/code/agent  .promptetheus/spool        128 sessions · 3 running · 12 failing   live ●`."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    SpoolHeader { height: 1; padding: 0 2; }
    """

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = root
        self._counts = Counts(0, 0, 0)
        self._mode = "reading"
        self._skipped = 0
        self._followed = False

    def say(self, counts: Counts, mode: str, skipped: int = 0) -> None:
        """Show other numbers.

        Args:
            mode: "reading" during the first scan, then how changes are noticed: "native", "polling", or "waiting"
                for a directory that does not exist yet; "stopped" when they are not noticed any more, "stale" when
                nothing comes in from the gateway that the spool mirrors.
            skipped: Files that are no sessions or could not be read.
        """
        if (counts, mode, skipped) != (self._counts, self._mode, self._skipped):
            self._counts, self._mode, self._skipped = counts, mode, skipped
            self.refresh()

    def show_followed(self, followed: bool) -> None:
        """Say that the newest session is followed, or no longer."""
        self._followed = followed
        self.refresh()

    def show_root(self, root: Path) -> None:
        """Name another spool."""
        self._root = root
        self.refresh()

    def render(self) -> Text:
        """Draw what fits: the numbers first of all, then the name, then as much of the path as there is room for."""
        width, looks = self.size.width, looks_of(self.app)
        name: Pieces = [("promptetheus", looks.accent)]
        numbers, live = self._numbers(looks), self._live(looks)
        newest = newest_pieces(looks) if self._followed else []
        right = [*numbers, *newest, *live]
        short = [*newest[:1], (" ", looks.text), live[-1]] if newest else live[-1:]
        if newest and cells_of(name) + 2 + cells_of(right) > width:
            right = [*numbers, *short]
        if cells_of(name) + 2 + cells_of(right) > width:
            right = [*self._short_numbers(looks), *short]
        if cells_of(name) + 2 + cells_of(right) > width:
            return joined(cut_pieces(right, width))
        place = self._place(looks, width - cells_of(name) - cells_of(right) - 5)
        left = [*name, ("   ", looks.text), *place] if place else name
        return joined([*left, (" " * (width - cells_of(left) - cells_of(right)), looks.text), *right])

    def _place(self, looks: Looks, room: int) -> Pieces:
        here, spool = short_paths(self._root)
        if here and cell_len(here) + cell_len(spool) + 2 <= room:
            return [(here, looks.muted), ("  ", looks.muted), (spool, looks.text)]
        return [(cut_middle(spool, room), looks.text)] if room > 3 else []

    def _numbers(self, looks: Looks) -> Pieces:
        counts = self._counts
        pieces = [(counted(counts.sessions, "session"), looks.text)]
        if counts.running:
            pieces += [(" · ", looks.faint), (f"{counts.running:,} running", looks.running)]
        if counts.failing:
            pieces += [(" · ", looks.faint), (f"{counts.failing:,} failing", looks.failed)]
        if self._skipped:
            files = "file" if self._skipped == 1 else "files"
            pieces += [(" · ", looks.faint), (f"{self._skipped} {files} skipped", looks.warned)]
        return [*pieces, ("   ", looks.text)]

    def _short_numbers(self, looks: Looks) -> Pieces:
        counts = self._counts
        pieces = [(f"{counts.sessions}", looks.text)]
        if counts.running:
            pieces.append((f"  {Status.RUNNING.glyph} {counts.running:,}", looks.running))
        if counts.failing:
            pieces.append((f"  {Status.FAILED_GOAL.glyph} {counts.failing:,}", looks.failed))
        return [*pieces, ("  ", looks.text)]

    def _live(self, looks: Looks) -> Pieces:
        match self._mode:
            case "reading":
                return [("reading ", looks.muted), ("…", looks.muted)]
            case "native":
                return [("live ", looks.muted), ("●", looks.passed)]
            case "polling":
                return [("polling ", looks.muted), ("●", looks.warned)]
            case "stale":
                return [("gateway away ", looks.warned), ("○", looks.warned)]
            case "stopped":
                return [("not watching ", looks.muted), ("○", looks.failed)]
            case _:
                return [("waiting ", looks.muted), ("○", looks.warned)]


def short_paths(root: Path) -> tuple[str, str]:
    """The working directory and the spool as people write them; no directory when the spool lies elsewhere."""
    here, home, spool = Path.cwd(), Path.home(), root.absolute()
    if spool.is_relative_to(here) and spool != here:
        return _from_home(here, home), printable_line(str(spool.relative_to(here)))
    return "", _from_home(spool, home)


def _from_home(path: Path, home: Path) -> str:
    text = f"~/{path.relative_to(home)}" if path.is_relative_to(home) and path != home else str(path)
    return printable_line(text)
