"""A field and a list below it, in front of a view: what help and the command palette are made of."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from rich.text import Text
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from promptetheus.display import printable_line
from promptetheus.tui.fit import Pieces, aligned, cut, cut_middle, cut_pieces, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.line_list import LineList
from promptetheus.tui.text_input import TextInput
from promptetheus.tui.theme import Looks, looks_of

Run = Callable[[], object]
"""What a line does; may return something to wait for."""


class Choice(NamedTuple):
    """One line of a chooser; without `run` it is a heading and is passed over."""

    title: str
    note: str = ""
    """Stands at the right: keys, or what tells a session from its neighbours."""
    run: Run | None = None
    is_out_of_reach: bool = False
    """Whether it cannot be done now: it is drawn dim, and `run` says why."""
    found: str = ""
    """What in the title was searched for, in any case: it stands out."""


_MOST_TITLE = 28
"""Cells of the titles beside which explanations begin; a longer title pushes its own on."""


class ChoiceList(LineList, can_focus=False):
    """The lines. The field keeps the keys; up and down reach the list through it.

    Args:
        explains: Whether notes are sentences, read in a column beside the titles, and not keys or numbers.
    """

    def __init__(self, *, explains: bool = False) -> None:
        super().__init__()
        self.choices: Sequence[Choice] = ()
        self._explains = explains
        self._title_cells = 0
        """The widest title that has an explanation."""
        self._lit: tuple[Looks, Looks] | None = None

    def show(self, choices: Sequence[Choice]) -> None:
        """Show other lines, the cursor on the first that can be run."""
        self.choices = choices
        if self._explains:
            noted = (cell_len(printable_line(each.title, _MOST_TITLE)) for each in choices if each.note)
            self._title_cells = max(noted, default=0)
        self.refresh_rows()
        first = next((place for place, choice in enumerate(choices) if choice.run is not None), 0)
        self.select(first)
        self.scroll_to(y=0, animate=False, force=True)

    def show_more(self, choices: Sequence[Choice]) -> None:
        """Show lines among which there are new ones, the cursor on the one that it is on."""
        chosen = self.chosen
        self.choices = choices
        self.refresh_rows()
        again = (place for place, each in enumerate(choices) if chosen and each[:2] == chosen[:2])
        self.select(next(again, self.cursor))

    def move(self, step: int) -> None:
        """Go `step` lines on, then past headings in the same direction."""
        place = max(0, min(self.cursor + step, len(self.choices) - 1))
        direction = 1 if step > 0 else -1
        while 0 <= place < len(self.choices) and self.choices[place].run is None:
            place += direction
        if 0 <= place < len(self.choices):
            self.select(place)
        elif direction < 0:
            self.scroll_to(y=0, animate=False, force=True)

    @property
    def looks(self) -> Looks:
        """The keys reach this list through the field, so its cursor looks as that of a focused list does."""
        looks = looks_of(self.app)
        if self._lit is None or self._lit[0] is not looks:
            self._lit = looks, looks._replace(cursor_blurred=looks.cursor, muted=looks.accent)
        return self._lit[1]

    @property
    def chosen(self) -> Choice | None:
        """The line under the cursor."""
        return self.choices[self.cursor] if self.cursor < len(self.choices) else None

    def row_count(self) -> int:
        """All lines."""
        return len(self.choices)

    def render_row(self, index: int, width: int, selected: bool) -> Text:
        """Draw one line: the title, and its note at the right."""
        looks, choice = looks_of(self.app), self.choices[index]
        if choice.run is None:
            return joined(cut_pieces([(printable_line(choice.title, 200), looks.muted)], width))
        note = printable_line(choice.note, 200)
        if self._explains:
            title = f" {printable_line(choice.title, 400)}"
            gap = " " * (max(0, 1 + self._title_cells - cell_len(title)) + 3)
            return joined(cut_pieces([(title, looks.text), (f"{gap}{note}", looks.muted)], width - 1))
        shorten = cut if " " in note else cut_middle  # of a file's name the end says most
        # The title may use half of the line, and the note what it leaves.
        room = width - 4 - min(Text(printable_line(choice.title, 400)).cell_len, width // 2)
        note_width = min(Text(note).cell_len, room)
        ink = looks.muted if choice.is_out_of_reach else looks.text
        pieces: Pieces = [
            (" ", ink),
            *aligned([(printable_line(choice.title, 400), ink)], width - note_width - 4),
            ("  ", looks.text),
            *aligned([(shorten(note, note_width), looks.muted)], note_width, right=True),
        ]
        line = joined(pieces)
        start = line.plain.casefold().find(choice.found.casefold()) if choice.found else -1
        if start >= 0:
            line.stylize(looks.match, start, start + len(choice.found))
        return line

    def render_empty(self, y: int, width: int) -> Text | None:
        """Say that nothing fits."""
        return Text("  Nothing fits these words.", looks_of(self.app).muted) if y == 0 else None


class ChooserInput(TextInput):
    """The field: its up and down move in the list."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "move(1)", "next", show=False, id="chooser.next"),
        Binding("up,ctrl+p", "move(-1)", "previous", show=False, id="chooser.previous"),
        Binding("pagedown", "move(10)", "ten down", show=False, id="chooser.page_down"),
        Binding("pageup", "move(-10)", "ten up", show=False, id="chooser.page_up"),
        # A field would take them for letters, unless they are its own and have priority.
        Binding("q", "screen.close_empty", "close", show=False, priority=True, id="chooser.close_empty"),
        Binding("slash", "screen.search", "search", show=False, priority=True, id="chooser.search"),
    ]

    class Moved(Message):
        """The person wants to go `step` lines on."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, prompt: str) -> None:
        super().__init__(placeholder=prompt)
        self._prompt = prompt

    def ask(self, prompt: str) -> None:
        """Say something else where nothing is typed yet."""
        self._prompt = prompt
        self._show_prompt()

    def on_resize(self) -> None:
        """What does not fit any more is cut with a mark."""
        self._show_prompt()

    def _show_prompt(self) -> None:
        width = self.content_size.width
        self.placeholder = cut(self._prompt, width) if width else self._prompt

    def action_move(self, step: int) -> None:
        """Hand the wish to the list."""
        self.post_message(self.Moved(step))


class Chooser(Guarded, ModalScreen[None]):
    """Subclasses say what there is for the words typed so far.

    `esc` closes it always, and `q` while nothing is typed, as it leaves lists elsewhere; after `/` it is a letter.
    """

    BINDING_GROUP_TITLE = "Chooser"
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "close", id="chooser.close"),
    ]
    PROMPT: ClassVar[str] = ""
    """What stands in the empty field; keys named for `with_keys`."""
    EXPLAINS: ClassVar[bool] = False
    """Whether the notes of its lines are sentences."""
    IS_TYPED: ClassVar[bool] = False
    """Whether one comes here to type: then q is a letter like any other."""

    _hint_shown = ""
    """The hint that is shown."""
    _is_searching = False
    """Whether the person began with `/`."""

    def compose(self) -> ComposeResult:
        """A field over a list."""
        with Vertical(id="chooser"):
            with Horizontal(id="chooser-line"):
                yield ChooserInput(with_keys(self.PROMPT, self.app))
                yield Static(id="chooser-hint", markup=False)
            yield ChoiceList(explains=self.EXPLAINS)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """`q` and `/` mean something only before anything is typed."""
        if action in ("close_empty", "search"):
            return self._takes_q
        return super().check_action(action, parameters)

    @property
    def _takes_q(self) -> bool:
        return not (self.IS_TYPED or self._is_searching or self.query_one(ChooserInput).value)

    def action_close_empty(self) -> None:
        """Close."""
        self.dismiss()

    def action_search(self) -> None:
        """Begin to type words, whatever their first letter is."""
        self._is_searching = True
        self._say_how_to_leave()

    def _say_how_to_leave(self) -> None:
        keys = (
            "<chooser.close:escape> or <chooser.close_empty:q>" if self._takes_q else "<chooser.close:escape>"
        )
        said = f"{with_keys(keys, self.app)} closes"
        if said != self._hint_shown:  # Each update lays the whole screen out anew.
            self._hint_shown = said
            self.query_one("#chooser-hint", Static).update(said)

    @abstractmethod
    def choices(self, words: str) -> Sequence[Choice]:
        """The lines for `words`, best first."""

    def on_mount(self) -> None:
        """Show everything there is."""
        self._say_how_to_leave()
        self.query_one(ChoiceList).show(self.choices(""))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._say_how_to_leave()
        self.query_one(ChoiceList).show(self.choices(event.value.strip()))

    def on_click(self, event: events.Click) -> None:
        """A click beside it closes it."""
        if self.get_widget_at(event.screen_x, event.screen_y)[0] is self:
            self.dismiss()

    @on(ChooserInput.Moved)
    def _move(self, event: ChooserInput.Moved) -> None:
        event.stop()
        self.query_one(ChoiceList).move(event.step)

    @on(Input.Submitted)
    async def _run_chosen(self, event: Input.Submitted) -> None:
        event.stop()
        await self._run()

    @on(LineList.Opened)
    @on(LineList.CursorMoved)
    async def _clicked(self, event: LineList.Opened | LineList.CursorMoved) -> None:
        event.stop()
        if isinstance(event, LineList.Opened):
            await self._run()

    async def _run(self) -> None:
        chosen = self.query_one(ChoiceList).chosen
        if chosen is None or chosen.run is None:
            return
        if chosen.is_out_of_reach:
            chosen.run()
            return
        # Once the view below is the active one again, so that its keys' actions find it.
        self.app.call_later(chosen.run)
        self.dismiss()


def matches(words: str, text: str) -> bool:
    """Whether every word of `words` is somewhere in `text`, whatever the case."""
    folded = text.casefold()
    return all(word in folded for word in words.casefold().split())
