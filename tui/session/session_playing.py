"""What moves by itself in the Session view: a session is played, followed as it grows, or held still."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from promptetheus.queries.rows import SessionRow
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.newest import FollowsNewest
from promptetheus.tui.session.player import Player
from promptetheus.tui.session.session_bar import SessionBar
from promptetheus.tui.session.session_opening import OpeningScreen


class PlayingScreen(OpeningScreen, FollowsNewest):
    """The keys that set it going and stop it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "play", "play", show=False, id="session.play", tooltip="Play up to what looks wrong; or stop"),
        Binding("greater_than_sign", "speed(1)", "faster", show=False, id="session.faster", tooltip="Play faster"),
        Binding("less_than_sign", "speed(-1)", "slower", show=False, id="session.slower", tooltip="Play slower"),
        Binding("F", "follow", "follow", show=False, id="session.follow", tooltip="Follow the end, or stop"),
        Binding(
            "space", "pause", "pause", show=False, id="session.pause",
            tooltip="Hold back what arrives, and show it all when you go on; stop playing",
        ),
    ]  # fmt: skip
    player: Player

    def on_mount(self) -> None:
        """Nothing plays yet."""
        self.player = Player(self.timeline, self.set_interval, self._played)
        self.show_followed(self.shell.sessions_screen.newest.is_followed)

    @abstractmethod
    def show_course(self) -> None:
        """Show where the steps lie on the map."""

    @abstractmethod
    def show_position(self) -> None:
        """Show where the cursor stands, and what moves."""

    def action_play(self) -> None:
        """Play from the cursor on, or stop."""
        self.query_one(SessionBar).fall_silent()  # why it stopped the last time
        self.player.toggle()

    def action_speed(self, by: int) -> None:
        """Play faster or slower, now or when it is played next."""
        before = self.player.faster(0)
        speed = self.player.faster(by)
        if self.player.playback is None or speed == before:
            most = "" if speed != before else " already"
            self.say(f"Plays at ×{speed}{most}.", news=True)
        self.show_position()

    def _played(self, why_it_ended: str) -> None:
        if why_it_ended:
            self.say(why_it_ended, news=True)
        self.show_position()

    def action_pause(self) -> None:
        """Stop playing; else hold back what arrives, or show it all."""
        if self.player.playback is not None:
            self.player.stop()
        elif self.timeline.running or self.paused:
            self.pause(not self.paused)
            self.show_course()
            self.show_position()
        else:
            self.say(
                with_keys(
                    f"{self._why_still()}: nothing arrives that could be paused. <session.play:p> plays it."
                )
            )

    def action_follow(self) -> None:
        """Follow the end of a running session, or stop."""
        timeline = self.timeline
        if not timeline.can_follow:
            self.say(f"{self._why_still()}: there is nothing to follow.")
        elif timeline.following:
            timeline.following = False
        else:
            timeline.follow_end()

    def show_followed(self, followed: bool) -> None:
        """In the bar."""
        self.query_one(SessionBar).show_followed(followed)

    def go_to_newest(self, row: SessionRow) -> None:
        """Open it in place of this one, unless this one is played, held, or read in the inspector."""
        if self.focused is self.timeline and self.player.playback is None and not self.paused:
            # In the app's own loop: one that belongs to this screen would wait for its own end.
            self.app.call_next(self.shell.go, "session", row.path)

    def _why_still(self) -> str:
        return "The session has ended" if self.trouble is None else "The session cannot be read on"

    @on(SessionBar.StepWanted)
    def _arrow_clicked(self, event: SessionBar.StepWanted) -> None:
        self.timeline.action_step(event.by)

    @on(SessionBar.FollowWanted)
    def _follow_wanted(self) -> None:
        self.timeline.follow_end()
