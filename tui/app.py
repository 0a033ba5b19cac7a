"""The terminal debugger: views on a stack, themes, keys that work everywhere, and errors that end nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events, on, work
from textual.binding import Binding, BindingType
from textual.screen import Screen

from promptetheus.tui.agent_side import AgentSide
from promptetheus.tui.answering import until_rest
from promptetheus.tui.garbage import RESTS_AFTER_S, GarbageAtRest
from promptetheus.tui.messages import Messages
from promptetheus.tui.note_taking import NoteTaking
from promptetheus.tui.palettes import DEFAULT_THEME, PALETTES
from promptetheus.tui.pictures.kitty import KittyPictures
from promptetheus.tui.pictures.picture_way import (
    PictureWay,
    best_way,
    canvas_for,
    kitty_is_too_old,
    terminal_cell_px,
    terminal_kind,
)
from promptetheus.tui.pictures.send_picture import write_to_terminal
from promptetheus.tui.remembered import Layout
from promptetheus.tui.remembering import Remembering
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from promptetheus.tui.terminal_keys import TerminalKeys
from promptetheus.tui.theme import COLOURLESS_THEME, full_name, our_themes, palette_of, starting_theme
from promptetheus.tui.views import VIEWS, Place

if TYPE_CHECKING:
    from promptetheus.tui.chooser import Run
    from promptetheus.tui.inspector.page_view import PageView
    from promptetheus.tui.key_file import ChosenKeys
    from promptetheus.tui.pictures.picture_view import PictureView


class UnknownTheme(ValueError):
    """No theme goes by that name."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"There is no theme {name!r}. Themes: {', '.join(known)}.")


class PromptetheusApp(AgentSide, NoteTaking, Remembering, Messages, TerminalKeys):
    """Shows one spool.

    Args:
        root: The spool directory; it may not exist yet.
        theme: A theme's name, without "promptetheus-" if one likes; None chooses one that suits the terminal.
        filter_text: The filter that the Sessions view starts with.
        start: A view to open at once, in front of the Sessions view.
        keys: Keys that the person chose.
        layout: How the program was left the last time; None begins anew and keeps nothing.
        garbage: Decides when garbage is looked for; None leaves it to Python.
        why_stale: Says what keeps the spool from being up to date, where somebody else fills it; "" for nothing.

    Raises:
        UnknownTheme: When `theme` names none.
    """

    TITLE = "promptetheus"
    _is_dressed = False
    """Whether the theme has been chosen; Textual asks for colours before that."""
    _is_read_with_theme = False
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False  # Ours shows sessions as well, and takes no text for markup.
    BINDING_GROUP_TITLE = "Everywhere"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", id="app.help", tooltip="Show every key of this view"),
        Binding(
            "ctrl+p",
            "palette",
            "palette",
            id="app.palette",
            tooltip="Find an action or a session by its name",
        ),
        Binding(
            "colon", "go_to", "go to", show=False, id="app.go_to",
            tooltip="Go anywhere by name: failures, session 01M8…, step 412, sql …",
        ),
        Binding(
            "apostrophe", "jump", "jump", show=False, id="app.jump",
            tooltip="Jump to a line or a pane by the letter that is shown on it",
        ),
        Binding("q", "quit", "quit", id="app.quit", tooltip="Quit"),
        Binding("ctrl+q", "quit", "quit", show=False, priority=True, id="app.quit_anywhere", tooltip="Quit"),
        Binding(
            "ctrl+z", "suspend_process", "background", show=False, id="app.suspend",
            tooltip="Leave it in the background; fg in the shell brings it back",
        ),
    ]  # fmt: skip

    def __init__(
        self,
        root: Path,
        *,
        theme: str | None = None,
        filter_text: str = "",
        start: Place | None = None,
        layout: Layout | None = None,
        keys: ChosenKeys | None = None,
        clock: Callable[[], float] = time.time,
        garbage: GarbageAtRest | None = None,
        why_stale: Callable[[], str] = lambda: "",
    ) -> None:
        # With NO_COLOR Textual would otherwise send greys, which are colours too.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        self.root = root
        self.clock = clock
        """Seconds since the epoch."""
        self._filter_text = filter_text
        self._start = start
        self._garbage = garbage
        self._why_stale = why_stale
        self.acted_s = 0.0
        """When a key was pressed last or the mouse used, by `time.monotonic()`."""
        self._leaving = threading.Event()
        for ours in our_themes():
            self.register_theme(ours)
        self._keys = keys
        self.layout = layout = Layout(is_kept=False) if layout is None else layout
        if theme is None and layout.theme in self.available_themes:
            # A terminal without colours, or one that wants none, counts for more than what was chosen elsewhere.
            theme = layout.theme if starting_theme(os.environ) != COLOURLESS_THEME else None
        chosen = starting_theme(os.environ) if theme is None else full_name(theme, self.available_themes)
        if chosen is None:
            raise UnknownTheme(theme or "", sorted(self.available_themes))
        self.theme = chosen
        self._is_dressed = True
        self.stylesheet.set_variables(self.get_css_variables())
        self.canvas = canvas_for(self._first_way(cell_px := terminal_cell_px()), cell_px)
        """How pictures are drawn."""
        self.kitty = KittyPictures()
        """Which pictures the terminal has, where it keeps them itself."""

    def get_default_screen(self) -> Screen[Any]:
        """The Sessions view is under everything."""
        return SessionsScreen(
            self.root, filter_text=self._filter_text, clock=self.clock, why_stale=self._why_stale
        )

    def get_css_variables(self) -> dict[str, str]:
        """Our colour names, for our themes and for Textual's own alike."""
        palette = palette_of(self.current_theme) if self._is_dressed else PALETTES[DEFAULT_THEME]
        return {**super().get_css_variables(), **palette.css_variables()}

    def refresh_css(self, animate: bool = True) -> None:
        """Read the style sheets again, but not because of the theme that they have just been read with: Textual asks
        for that once, as the program starts."""
        if self._is_read_with_theme:
            super().refresh_css(animate)
        self._is_read_with_theme = True

    async def on_mount(self) -> None:
        """Open what was asked for."""
        self._leave_the_terminal_clean()
        self.go_on_where_it_stopped()
        # Textual takes the terminal back after `fg`, and leaves it empty.
        self.app_resume_signal.subscribe(self, lambda _: self.refresh())
        if self.canvas.way is PictureWay.KITTY:
            self._look_at_kitty()
        self._take_up_keys()
        self.take_up_layout()
        if self.layout.problem:
            self.notify(self.layout.problem, title="What was remembered", severity="warning", timeout=10)
        self.history.visit(self.sessions_screen.place)
        if self._start is not None:
            await self.go(self._start.view, self._start.subject)
        self.watch_with_agent()
        self.watch_notes()
        if self._garbage is not None:
            self.set_interval(RESTS_AFTER_S, self._look_for_garbage)

    async def on_event(self, event: events.Event) -> None:
        """Note that the person does something."""
        if isinstance(event, events.InputEvent):
            self.acted_s = time.monotonic()
        await super().on_event(event)

    def _look_for_garbage(self) -> None:
        assert self._garbage is not None
        self._garbage.look(self.acted_s)

    def _take_up_keys(self) -> None:
        if self._keys is None or not (self._keys.keys or self._keys.problems):
            return
        self.chosen_keys = self._keys.keys
        self.set_keymap(dict(self._keys.keys))
        self._check_keys(self._keys)

    @work(group="keys", exit_on_error=False)
    async def _check_keys(self, chosen: ChosenKeys) -> None:
        """Tell what was wrong in the file of keys, once every view with its actions is imported."""
        from promptetheus.tui.key_file import check_keys
        from promptetheus.tui.key_list import key_actions

        known = {action.id: action for action in await asyncio.to_thread(key_actions)}
        problems = [*chosen.problems, *check_keys(chosen.keys, known)]
        if problems:
            self.notify("\n".join(problems[:8]), title="Keys", severity="warning", timeout=10)

    def _leave_the_terminal_clean(self) -> None:
        """Quit in order when the program is killed or its terminal closed: nobody can use a terminal left raw."""
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            try:
                asyncio.get_running_loop().add_signal_handler(
                    number, partial(self.exit, return_code=128 + number)
                )
            except (NotImplementedError, RuntimeError, ValueError):
                return  # Not in the main thread, as in tests.

    def on_key(self, event: events.Key) -> None:
        """Hand a letter that was typed right after `/` to the field that has the focus by now."""
        focused = self.focused
        # A field keeps what is typed into it, so a letter that comes up to here was sent to a widget before.
        if focused is not None and focused.check_consume_key(event.key, event.character):
            focused.post_message(events.Key(event.key, event.character))
            event.prevent_default()

    # Views

    @on(SessionsScreen.SessionWanted)
    async def _session_wanted(self, event: SessionsScreen.SessionWanted) -> None:
        await self.open_session(event.path)

    @on(SessionsScreen.ViewWanted)
    async def _view_wanted(self, event: SessionsScreen.ViewWanted) -> None:
        await self.go(event.view, event.subject)

    @on(SessionsScreen.Scanned)
    def _scanned(self) -> None:
        if self._garbage is not None:
            self._garbage.begin()
        self._load_next_views()

    @work(group="preload", exit_on_error=False)
    async def _load_next_views(self) -> None:
        """Import what people open next while they read the list, so that the first key does not wait for it."""
        for view in ("session", "diff", "failures"):
            await until_rest(self)
            await asyncio.to_thread(import_module, VIEWS[view].module)
        await until_rest(self)
        # Rules that come with a view make Textual parse all of them again: 20 ms, now and not at the first key.
        for styles in ("session", "diff", "failures"):
            self.stylesheet.read(Path(__file__).parent / styles / f"{styles}.tcss")
        self.stylesheet.reparse()

    async def action_help(self) -> None:
        """Every key of the view in front."""
        from promptetheus.tui.help_screen import HelpScreen

        await self.open_screen(HelpScreen(self.screen))

    async def action_palette(self) -> None:
        """Every action, and every session."""
        from promptetheus.tui.palette import PaletteScreen

        await self.open_screen(PaletteScreen(self.screen, self._commands(), self))

    async def action_go_to(self) -> None:
        """Anywhere, by name."""
        from promptetheus.tui.go_screen import GoScreen

        await self.open_screen(GoScreen(self))

    async def action_jump(self) -> None:
        """To a line or a pane by the letter on it."""
        from promptetheus.tui.jump_mode import JumpMode, targets_on

        targets = targets_on(self.screen)
        if targets:
            await self.open_screen(JumpMode(targets))
        else:
            self.notify("There is no line and no other pane to jump to here.", timeout=3)

    def _commands(self) -> Iterator[tuple[str, Run]]:
        """What has no key of its own."""
        for view in VIEWS.values():
            if view.number is None:
                yield view.sentence, partial(self.go, view.key)
        yield from self.views()[-1].commands()
        yield from self.agent_commands()
        yield from self.note_commands()
        yield from self.filter_commands()
        yield from self.bell_commands()
        for way in PictureWay:
            now = " (now)" if way is self.canvas.way else ""
            yield f"Pictures in {way.value}{now}", partial(self.choose_way, way)
        for name in sorted(
            self.available_themes, key=lambda name: (not name.startswith("promptetheus"), name)
        ):
            now = " (now)" if name == self.theme else ""
            yield f"Theme: {name}{now}", partial(self.choose_theme, name)

    def choose_theme(self, name: str) -> None:
        """Use a theme from now on, and next time. What suits a terminal by itself is found anew each time."""
        self.theme = name
        self.layout.theme = name

    def _first_way(self, cell_px: tuple[int, int]) -> PictureWay:
        """How pictures were drawn last in such a terminal by the person's choice; else what suits the terminal."""
        best = best_way(os.environ, cell_px)
        chosen = self.layout.pictures.get(terminal_kind(os.environ))
        is_free = best is not PictureWay.SHADES  # Where no colours are wanted, none are sent.
        return next((way for way in PictureWay if is_free and way.name.lower() == chosen), best)

    def choose_way(self, way: PictureWay) -> None:
        """Draw pictures so from now on, and next time in such a terminal."""
        self.layout.pictures[terminal_kind(os.environ)] = way.name.lower()
        self.draw_pictures_in(way)

    @work(group="kitty", exit_on_error=False)
    async def _look_at_kitty(self) -> None:
        if await asyncio.to_thread(kitty_is_too_old, os.environ) and self.canvas.way is PictureWay.KITTY:
            self.draw_pictures_in(PictureWay.HALF)

    def draw_pictures_in(self, way: PictureWay) -> None:
        """Draw all pictures in another way from now on."""
        self.canvas = canvas_for(way, terminal_cell_px())
        if self.canvas.way is not way:
            self.notify("The terminal does not tell how large its cells are: half blocks instead.", timeout=4)
        for view in self._picture_places():
            view.draw_again()

    def _picture_places(self) -> Iterator[PageView | PictureView]:
        from promptetheus.tui.inspector.page_view import PageView
        from promptetheus.tui.pictures.picture_view import PictureView

        for screen in self.screen_stack:
            yield from screen.query(PageView)
            yield from screen.query(PictureView)

    # The demo

    @on(SessionsScreen.DemoWanted)
    def _demo_wanted(self) -> None:
        self._record_demo()

    @work(group="demo", exclusive=True, exit_on_error=False)
    async def _record_demo(self) -> None:
        """Record the demo in its own directory and watch that one from now on."""
        from promptetheus.demo.own_spool import DEMO_SPOOL

        self.root = DEMO_SPOOL.absolute()
        self.last_session = None
        self.history.forget()
        self.sessions_screen.show_spool(self.root)
        self.notify(f"Recording the demo in {DEMO_SPOOL}", timeout=4)
        record = await asyncio.to_thread(import_module, "promptetheus.demo.record")
        await asyncio.to_thread(
            record.record_demo, self.root, fast=False, say=lambda _line: None, closed=self._leaving
        )

    def on_unmount(self) -> None:
        """End a demo that is still being recorded: the program waits for its threads."""
        self._leaving.set()
        write_to_terminal(self, self.kitty.forget_all())
