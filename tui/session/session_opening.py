"""What opens from a session: a step or value with the screen to itself, its pictures, another view."""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType

from promptetheus.tui.inspector.full_view import FullView
from promptetheus.tui.inspector.inspect_browser import stored_picture
from promptetheus.tui.inspector.inspector import plan_for
from promptetheus.tui.inspector.page import Page
from promptetheus.tui.inspector.page_view import PageView
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.open_outside import open_outside
from promptetheus.tui.pictures.film import film_of
from promptetheus.tui.pictures.picture_block import PictureBlock
from promptetheus.tui.pictures.picture_screen import FilmScreen, PictureScreen
from promptetheus.tui.session.session_taking import TakingSession
from promptetheus.tui.session.shape import Shape

NO_SCREENSHOT = "There is no screenshot in this session."


class OpeningScreen(TakingSession):
    """The keys that lead out of the timeline and the inspector."""

    _looked_at: int | None = None  # The step whose picture was asked for, while the cursor stays there.
    _flips_when_drawn = False  # The key came while the page was still being laid out.

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "o", "open_in_full", "open", show=False, id="session.open",
            tooltip="Give the step or value the whole screen",
        ),
        Binding("f", "film", "filmstrip", show=False, id="session.film", tooltip="All screenshots, side by side"),
        Binding(
            "b", "flip", "before/after", show=False, id="session.flip",
            tooltip="The screenshot before, and back; what changed is boxed",
        ),
        Binding(
            "O", "open_outside", "viewer", show=False, id="session.outside",
            tooltip="Open the picture or recording in the desktop's viewer",
        ),
    ]  # fmt: skip

    def action_open_in_full(self) -> None:
        """The step, or in the inspector the value under the cursor, with the screen to itself."""
        if self.inspector.has_focus:
            self.inspector.open_in_full()
        else:
            self._open_step()

    def on_screen_suspend(self) -> None:
        """What the terminal draws itself must not lie over the screen in front."""
        self.inspector.screen_changed()

    def on_screen_resume(self) -> None:
        """Draw again what was taken away."""
        self.inspector.screen_changed()

    @on(PageView.OpenWanted)
    def _open_wanted(self, event: PageView.OpenWanted) -> None:
        block = event.block
        if block is None:
            self._open_step()
        elif isinstance(block, PictureBlock):
            self.app.push_screen(PictureScreen(self._step_title(), block.shown))
        else:
            title = " › ".join(filter(None, (self._step_title(), event.title)))
            self.app.push_screen(FullView(title, lambda: Page([block]), self.inspector.spool))

    def _open_step(self) -> None:
        step = self.timeline.current_step
        if step is not None:
            plan = plan_for(self.tail.log, self.glance_at(step), raw=self.inspector.raw)
            self.app.push_screen(FullView(self._step_title(), plan, self.inspector.spool))

    def _step_title(self) -> str:
        step = self.timeline.current_step
        return "" if step is None else f"step {step.index}"

    # Pictures

    async def action_film(self) -> None:
        """All screenshots, side by side."""
        timeline, log = self.timeline, self.tail.log
        shots, step = list(timeline.course.shots), timeline.current_step
        if not shots:
            self.say(NO_SCREENSHOT)
            return
        make = partial(film_of, log, timeline.steps.steps, shots)
        await self.shell.open_screen(FilmScreen(make, 0 if step is None else step.index))

    @on(FilmScreen.StepWanted)
    def _moment_wanted(self, event: FilmScreen.StepWanted) -> None:
        self.go_to(event.step)
        self.look_at_picture()

    def action_flip(self) -> None:
        """The screenshot before this one, and back."""
        if not self.inspector.is_settled:
            self._flips_when_drawn = not self._flips_when_drawn
        elif self.inspector.flip():
            self.look_at_picture()
        elif not self.timeline.course.shots:
            self.say(NO_SCREENSHOT)
        else:
            self.say(
                with_keys(
                    "No screenshot here has one before it: <session.next_screenshot:s> goes to the next, "
                    "<session.film:f> shows all."
                )
            )

    @on(PageView.Drawn)
    def _page_drawn(self) -> None:
        if self._flips_when_drawn:
            self._flips_when_drawn = False
            self.action_flip()

    def look_at_picture(self) -> None:
        """Have the step's picture in sight, and give it the room of the steps where the panes share few lines."""
        step = self.timeline.current_step
        if step is not None and self.timeline.shape is not Shape.RAW and not self.inspector.raw:
            self._looked_at = step.index
            self.inspector.look_at_picture()
            self.share_room()

    def share_room(self) -> None:
        """The steps get their room back once the cursor is on another one."""
        step = self.timeline.current_step
        if step is None or step.index != self._looked_at:
            self._looked_at = None
            self._flips_when_drawn = False
        self.set_class(self._looked_at is not None, "-looking")

    def action_open_outside(self) -> None:
        """Open the step's picture or recording in the desktop's viewer."""
        step, log = self.timeline.current_step, self.tail.log
        numbers = [] if step is None else step.events
        paths = [stored_picture(log.event(number)) for number in numbers]
        path = next((path for path in paths if path), "")
        if path:
            open_outside(self.app, self.path.parent, path)
        else:
            self.say("This step has no picture and no recording to open.")

    def action_diff(self) -> None:
        """Compare with another session: the Diff view chooses which."""
        self.app.call_next(self.shell.go, "diff", (self.path,))
