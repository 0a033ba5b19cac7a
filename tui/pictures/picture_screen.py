"""Screens for pictures: one with the screen to itself, and all of a session's as a film."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message

from promptetheus.display import printable_line
from promptetheus.tui.above_view import AboveView
from promptetheus.tui.crumb_line import CrumbLine
from promptetheus.tui.fit import Pieces
from promptetheus.tui.footer import KeyFooter
from promptetheus.tui.guard import Guarded
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.offsets import offset_text
from promptetheus.tui.open_outside import open_outside
from promptetheus.tui.pictures.film import FilmFrame, nearest_frame
from promptetheus.tui.pictures.film_strip import FilmStrip
from promptetheus.tui.pictures.picture_heading import Part, change_forms, fitted, name_forms
from promptetheus.tui.pictures.picture_view import PictureView
from promptetheus.tui.pictures.picture_way import canvas_of
from promptetheus.tui.pictures.stored_picture import Shown
from promptetheus.tui.theme import looks_of


class PictureScreen(Guarded, AboveView):
    """One picture."""

    BINDING_GROUP_TITLE = "Picture"
    BEGINS_BEFORE: ClassVar[bool] = False
    """Whether it first shows the page before."""
    GIVES_WAY: ClassVar[Sequence[str]] = (
        "change", "measures", "measures", "why", "moment", "what", "moment", "why", "change", "what",
    )  # fmt: skip
    """What its first line says in fewer words, one after the other, until there is room for all of it."""
    # With dots in its path Textual does not know it again, and parses all rules anew each time: 20 ms.
    CSS_PATH = Path(__file__).parent.parent / "session" / "session.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "back", id="picture.close", tooltip="Back to where it was opened"),
        Binding(
            "O", "open_outside", "viewer", show=False, id="picture.outside", tooltip="Open in the desktop's viewer"
        ),
    ]  # fmt: skip

    def __init__(self, title: str, shown: Shown | None) -> None:
        super().__init__()
        self._title = title
        self._shown = shown
        self.view = PictureView(id="picture")

    def compose(self) -> ComposeResult:
        """What it is, the picture, the keys."""
        yield CrumbLine(printable_line(self._title, 200))
        yield self.view
        yield KeyFooter()

    def on_mount(self) -> None:
        """Show it."""
        self.show_way()
        self.view.focus()
        if self._shown is not None:
            self.view.show(self._shown, before=self.BEGINS_BEFORE)
        self._say()

    def on_screen_suspend(self) -> None:
        """What the terminal draws itself must not lie over the screen in front."""
        self.view.screen_changed()

    def on_screen_resume(self) -> None:
        """Draw again what was taken away."""
        self.view.screen_changed()

    @on(PictureView.Drawn)
    def _say(self) -> None:
        self.query_one(CrumbLine).show(self._about, [])

    def _about(self, room: int) -> Pieces:
        """Which of the two is on screen, measures and zoom, and what changed, where somebody asked."""
        return fitted({**self._side(), **self._measures(), **self._change()}, self.GIVES_WAY, room)

    def _measures(self) -> dict[str, Part]:
        looks, view = looks_of(self.app), self.view
        parts: dict[str, Part] = {}
        if view.picture is not None:
            size, way = f"{view.picture.width_px}×{view.picture.height_px}", canvas_of(self.app).way.value
            if view.says_way:
                way += with_keys(", <picture.way:w> for another way")
            parts["measures"] = Part((f"{size}  {way}", way if view.says_way else size, ""), looks.muted)
        if view.window.zoom > 1.0:
            parts["zoom"] = Part((f"×{view.window.zoom:.1f}",), looks.accent)
        return parts

    def _side(self) -> dict[str, Part]:
        """Which of the two is on screen, where there are two."""
        looks, view = looks_of(self.app), self.view
        if view.change is None:
            return {}
        return {"side": Part(("before",), looks.warned) if view.flipped else Part(("after",), looks.text)}

    def _change(self) -> dict[str, Part]:
        change, looks = self.view.change, looks_of(self.app)
        return {} if change is None else {"change": Part(change_forms(change), looks.muted)}

    def action_close(self) -> None:
        """Back to where it was opened."""
        self.app.pop_screen()

    def action_open_outside(self) -> None:
        """In the desktop's own viewer."""
        shown = self.view.shown
        if shown is not None:
            open_outside(self.app, shown.spool, shown.path)


class MomentScreen(PictureScreen):
    """One picture of a session, first as the page was before, and the way to its moment.

    Args:
        what: What was done between the two pages.
        why: Why this picture, in several lengths, the longest first.
        go: Opens the session at this moment.
    """

    BINDING_GROUP_TITLE = "Picture"
    BEGINS_BEFORE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "go there", id="picture.go", tooltip="To the session, at this moment"),
    ]

    def __init__(
        self, title: str, shown: Shown, what: str, why: Sequence[str], go: Callable[[], object]
    ) -> None:
        super().__init__(title, shown)
        self.view = FilmPicture(id="picture")
        self._what, self._why = what, why
        self._go = go

    def _about(self, room: int) -> Pieces:
        """What was done, which of the two pages this is, and why this picture, before all else."""
        looks = looks_of(self.app)
        parts = {"what": Part(name_forms(self._what), looks.text), **self._side()}
        parts |= {"why": Part(self._why, looks.muted), **self._measures(), **self._change()}
        return fitted(parts, ("change", "measures", "measures", "change", *self.GIVES_WAY), room)

    def action_go(self) -> None:
        """To the session, at this moment."""
        self.app.pop_screen()
        self._go()


class FilmPicture(PictureView):
    """A large picture from which one goes on: the ways to others and to the session need the footer more."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "z,plus,equals_sign", "zoom(1)", "zoom in", show=False, id="picture.zoom_in", tooltip="Zoom in"
        ),
        Binding(
            "w", "way", "drawn as", show=False, id="picture.way",
            tooltip="Draw pictures in another way: half blocks, kitty, sixel, shades",
        ),
    ]  # fmt: skip


class FilmScreen(PictureScreen):
    """All screenshots of a session: the chosen one large, the others small under it.

    Args:
        make: Gives the film; called in a thread.
        step: The step that the person comes from.
    """

    BINDING_GROUP_TITLE = "Filmstrip"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,f", "close", "back", id="film.close", tooltip="Back to the session"),
        Binding("enter", "go", "go there", id="film.go", tooltip="Back to the session, at this moment"),
        Binding("left,h", "move(-1)", "previous", id="film.previous", tooltip="The screenshot before"),
        Binding("right,l", "move(1)", "next", id="film.next", tooltip="The next screenshot"),
        Binding("g,home", "move(-100000)", "first", show=False, id="film.first", tooltip="The first screenshot"),
        Binding("G,end", "move(100000)", "last", show=False, id="film.last", tooltip="The last screenshot"),
    ]  # fmt: skip

    class StepWanted(Message):
        """The person wants to see the session at a step."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, make: Callable[[], Sequence[FilmFrame]], step: int) -> None:
        super().__init__("film", None)
        self.view = FilmPicture(id="picture")
        self.film: Sequence[FilmFrame] = ()
        self.chosen = 0
        self._make = make
        self._step = step

    def compose(self) -> ComposeResult:
        """The chosen one over all of them."""
        yield CrumbLine(self._title)
        yield self.view
        yield FilmStrip()
        yield KeyFooter()

    def on_mount(self) -> None:
        """Read which screenshots there are."""
        self.show_way()
        self.view.focus()
        self._say()
        self._read()

    @work(group="film", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        self.film = await asyncio.to_thread(self._make)
        self._choose(nearest_frame(self.film, self._step))

    def _choose(self, place: int) -> None:
        self.chosen = max(0, min(place, len(self.film) - 1))
        self.query_one(FilmStrip).show(self.film, self.chosen)
        if self.film:
            shown = self.film[self.chosen].shown
            if shown is not None:
                self.view.show(shown)
        self._say()

    def _about(self, room: int) -> Pieces:
        """Which of them, the step, the page before or after it, and then what else is said of one picture."""
        if not self.film:
            return []
        looks, frame = looks_of(self.app), self.film[self.chosen]
        ink = looks.failed if frame.failed else looks.text
        step = f"step {frame.step}"
        moment = step if frame.at_ms is None else f"{step} · {offset_text(frame.at_ms)}"
        parts = {
            "place": Part((f"{self.chosen + 1} of {len(self.film)}",), looks.accent),
            "moment": Part((moment, step, ""), ink),
            "what": Part(name_forms(frame.what), ink),
        }
        parts |= {**self._side(), **self._change(), **self._measures()}
        return fitted(parts, self.GIVES_WAY, room)

    @on(PictureView.Drawn)
    def _drawn(self) -> None:
        self.query_one(FilmStrip).draw_again()

    @on(FilmStrip.Chosen)
    def _chosen(self, event: FilmStrip.Chosen) -> None:
        self._choose(event.place)
        if event.twice:
            self.action_go()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel goes through the film."""
        event.stop()
        self.action_move(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The wheel goes through the film."""
        event.stop()
        self.action_move(-1)

    def action_move(self, by: int) -> None:
        """Another screenshot."""
        self._choose(self.chosen + by)

    def action_go(self) -> None:
        """To the session, at this moment."""
        if self.film:
            step = self.film[self.chosen].step
            self.app.pop_screen()
            below = self.app.screen
            below.post_message(self.StepWanted(step))
