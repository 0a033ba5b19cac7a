"""The line under the panes of the Session view: where the cursor stands, what just happened, what is new."""

from __future__ import annotations

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.message import Message
from textual.timer import Timer

from promptetheus.cause.steps import Step, StepKind
from promptetheus.display import count, printable_line
from promptetheus.tui.fit import Pieces, cells_of, cut
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.line_widget import LineWidget
from promptetheus.tui.newest import newest_pieces
from promptetheus.tui.offsets import offset_text
from promptetheus.tui.session.playback import SPEEDS
from promptetheus.tui.theme import Looks, looks_of

SAID_FOR_S = 5.0

_DOES = "does"
"""In a style: the action of the screen that a click on the words runs, or by how many steps it goes on."""


class SessionBar(LineWidget):
    """`step 8 of 14 · 0.71 of 4.20        no further error         ▼ 37 new  G follows`."""

    DEFAULT_CSS = """
    SessionBar { height: 1; padding: 0 2; }
    """

    class FollowWanted(Message):
        """The hint of new rows was clicked."""

    class StepWanted(Message):
        """An arrow was clicked."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self) -> None:
        super().__init__()
        self._position = ""
        self._said = ""
        self._is_news = False
        """Whether what is said was no answer to a key."""
        self._problem = ""
        self._live = False
        self._following = False
        self._unseen = 0
        self._reading = True
        self._skipped = ""
        self._paused = False
        self._playing = 0
        self._followed = False
        self._follow_cells = range(0)
        self._timer: Timer | None = None

    def show_position(
        self, number: int, total: int, unit: str, at_ms: float | None, of_ms: float | None
    ) -> None:
        """Say where the cursor is: `step 8 of 14 · 0.71 of 4.20`."""
        place = f"{unit} {number:,} of {total:,}{_time(at_ms, of_ms)}"
        self._set(_position=place if total else f"no {unit}s")

    def show_step(self, step: Step | None, steps: int, at_ms: float | None, of_ms: float | None) -> None:
        """Say which step the cursor is on, of those that a person counts: start and end are none."""
        if step is not None and step.kind in (StepKind.START, StepKind.END):
            text = f"{step.kind.value} of {steps:,} {'step' if steps == 1 else 'steps'}"
            self._set(_position=text + _time(at_ms, of_ms))
        else:
            self.show_position(0 if step is None else step.index, steps, "step", at_ms, of_ms)

    def show_state(
        self,
        *,
        live: bool,
        following: bool,
        unseen: int,
        reading: bool,
        skipped: str,
        paused: bool = False,
        playing: int = 0,
    ) -> None:
        """Say whether more may come, and what came that is not on screen.

        Args:
            skipped: Lines of the file that are no events, in words; "" for none.
            playing: How many times as fast as it went the session is being played; 0 when it is not.
        """
        self._set(
            _live=live, _following=following, _unseen=unseen, _reading=reading, _skipped=skipped,
            _paused=paused, _playing=playing,
        )  # fmt: skip

    def show_followed(self, followed: bool) -> None:
        """Say that each new session is gone to, or no longer."""
        self._set(_followed=followed)

    def show_problem(self, problem: str) -> None:
        """Say something that stays true until it is taken back with ""; what was said before gives way."""
        if problem and problem != self._problem:
            self.fall_silent()
        self._set(_problem=problem)

    def say(self, text: str, *, news: bool = False) -> None:
        """Say something for a few seconds; an answer to a key only until the next one, `news` all the while."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(SAID_FOR_S, self.fall_silent)
        self._is_news = news
        self._set(_said=text)

    def hush(self) -> None:
        """Take back the answer to a key: the person has gone on."""
        if not self._is_news:
            self.fall_silent()

    def fall_silent(self) -> None:
        """Take back whatever was said last: it is not so any more."""
        self._is_news = False
        self._set(_said="")

    def _set(self, **what: object) -> None:
        if any(getattr(self, name) != value for name, value in what.items()):
            for name, value in what.items():
                setattr(self, name, value)
            self.refresh()

    def pieces(self, width: int) -> Pieces:
        """Position left, message in the middle, news right."""
        looks = looks_of(self.app)
        right = self._news(looks)
        message, style = self._message(looks)
        needed = cell_len(self._position) + cell_len(message) + cells_of(right) + 5
        tells_trouble = bool(self._problem) and not self._said
        if needed > width and (self._is_idle or tells_trouble):
            right = []  # an answer is read to its end; what the keys do is said again a moment later
        if self._followed:
            newest = [(text, _doing("follow_newest", style)) for text, style in newest_pieces(looks)]
            if needed + cells_of(newest) <= width:
                right = [*newest, *right]
        right_cells = cells_of(right)
        left_room = max(0, width - right_cells - 2)
        position = cut(self._position, left_room)
        message_room = width - right_cells - cell_len(position) - 5
        shown = cut(message, message_room) if message_room >= 8 else ""
        if message and shown != message and not (self._said and self._is_news and shown):
            # Too narrow for both: what happened matters more than where one is; not so where that is half the news.
            position, shown = "", cut(message, left_room)
        pieces: Pieces = [(position, looks.muted)]
        if shown:
            pieces += [("   " if position else "", looks.text), (shown, style)]
        used = sum(cell_len(text) for text, _ in pieces)
        pieces.append((" " * max(0, width - used - right_cells), looks.text))
        self._follow_cells = range(width - right_cells, width) if self._unseen else range(0)
        return [*pieces, *right]

    def _message(self, looks: Looks) -> tuple[str, Style]:
        if self._said:
            return printable_line(self._said, 300), looks.accent + Style(bold=False)
        return printable_line(self._problem, 300), looks.warned

    def _news(self, looks: Looks) -> Pieces:
        pieces: Pieces = []
        if self._skipped:
            pieces += [(self._skipped, looks.warned), ("   ", looks.text)]
        if self._reading:
            pieces.append(("reading …", looks.muted))
        elif self._playing:
            pieces += [
                (f"▶ ×{self._playing}", looks.accent),
                (with_keys("  <session.play:p> stops"), _doing("play", looks.muted)),
            ]
            if self._playing < SPEEDS[-1]:
                faster = with_keys("  <session.faster:greater_than_sign> faster")
                pieces.append((faster, _doing("speed(1)", looks.muted)))
        elif self._paused:
            waiting = f" · ▼ {count(self._unseen)} new" if self._unseen else ""
            pieces += [
                (f"‖ paused{waiting}", looks.warned),
                (with_keys("  <session.pause:space> goes on"), _doing("pause", looks.muted)),
            ]
        elif self._unseen:
            pieces += [
                (f"▼ {count(self._unseen)} new", looks.accent),
                (with_keys("  <list.last:G> follows"), looks.muted),
            ]
        elif self._live and self._following:
            pieces.append(("following ●", looks.running))
        elif self._live:
            follows = with_keys("  <list.last:G> follows")
            pieces += [("live ●", looks.running), (follows, _doing("follow", looks.muted))]
        else:
            pieces += [
                (with_keys("▶ <session.play:p> play"), _doing("play", looks.faint)),
                ("   ", looks.faint),
                (with_keys("<timeline.step_back:left> "), _doing(-1, looks.faint)),
                (with_keys("<timeline.step_on:right> step"), _doing(1, looks.faint)),
            ]
        return pieces

    @property
    def _is_idle(self) -> bool:
        """Whether there is nothing to tell but the keys."""
        busy = self._skipped or self._reading or self._playing or self._paused or self._unseen or self._live
        return bool(self._said or self._problem) and not busy

    async def on_click(self, event: events.Click) -> None:
        """A click on the news follows them; on a key that is named, it does what the key does."""
        offset = event.get_content_offset(self)
        does = event.style.meta.get(_DOES)
        if isinstance(does, int):
            self.post_message(self.StepWanted(does))
        elif does is not None:
            event.stop()
            await self.app.run_action(does, self.screen)
        elif offset is not None and offset.x in self._follow_cells:
            self.post_message(self.FollowWanted())


def _doing(action: str | int, style: Style) -> Style:
    return style + Style(meta={_DOES: action})


def _time(at_ms: float | None, of_ms: float | None) -> str:
    """` · 0.71 of 4.20`; "" in a session without times."""
    if at_ms is None:
        return ""
    return f" · {offset_text(at_ms)}" + (f" of {offset_text(of_ms)}" if of_ms is not None else "")
