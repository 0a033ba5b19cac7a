"""Where a query is typed: several lines, completion as one types, a mistake marked where it is."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import TextArea

from promptetheus.display import printable, printable_line
from promptetheus.tui.fit import Pieces, cut_pieces, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.sql.completion import Candidate, Completion, complete_sql
from promptetheus.tui.sql.words import WordKind, words
from promptetheus.tui.theme import Looks, looks_of

MOST_CHARACTERS = 20_000
"""Of a query; what is pasted beyond it is left out."""

Values = Callable[[], Mapping[str, Sequence[str]]]
"""Texts that occur in columns, for completion."""


class SqlEditor(Guarded, TextArea):
    """The query. Enter runs it; control characters never get in."""

    BINDING_GROUP_TITLE = "Query"
    DEFAULT_CSS = """
    SqlEditor, SqlEditor:focus {
        height: auto; min-height: 3; max-height: 12; border: none; padding: 0 2; background: $background;
    }
    /* The cursor of every other field; a text area has one of its own where it is light. */
    SqlEditor .text-area--cursor, SqlEditor:light .text-area--cursor {
        color: $input-cursor-foreground; background: $input-cursor-background;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        # A text area takes enter for a new line before bindings see it, unless they have priority.
        Binding("enter", "run_query", "run", id="sql.run", tooltip="Run the query", priority=True),
        Binding(
            "escape", "leave", "leave the query", id="sql.leave",
            tooltip="Leave the query, to the result: there 1 to 6 go to other views",
        ),
        # As in a shell, where it takes the whole of what is typed; a text area would take its line up to the cursor.
        Binding(
            "ctrl+u", "clear_query", "clear", id="sql.clear",
            tooltip="Clear the whole query; ctrl+z brings it back",
        ),
        Binding("tab", "complete(1)", "complete", id="sql.complete", tooltip="Complete the word, or the next way to"),
        Binding("ctrl+j,alt+enter", "new_line", "new line", id="sql.new_line", tooltip="Begin a new line"),
        Binding(
            "shift+tab", "complete(-1)", "complete", show=False, id="sql.complete_back",
            tooltip="The completion before; to the result where there is none",
        ),
        Binding(
            "ctrl+c", "stop_or_copy", "cancel", show=False, id="sql.cancel_here",
            tooltip="Cancel what runs; else copy what is selected",
        ),
    ]  # fmt: skip

    class RunWanted(Message):
        """The person wants the answer."""

    class Left(Message):
        """The keys should go to the result."""

    class DownWanted(Message):
        """The cursor went down where the query ends."""

    class CancelWanted(Message):
        """The person wants what runs to stop."""

    class Completing(Message):
        """What may stand at the cursor is something else now."""

    def __init__(self, text: str, values: Values) -> None:
        super().__init__(
            _clean(text), show_line_numbers=False, highlight_cursor_line=False, tab_behavior="focus"
        )
        self.cursor_blink = False
        self.completion = Completion(0, 0, ())
        """What may stand at the cursor."""
        self.chosen: int | None = None
        """Which candidate was put in by tab; None while nothing was."""
        self.running = False
        """Whether ctrl+c has something to stop."""
        self._values = values
        self._mistake: range | None = None
        self._inserting = False
        self._drawn: tuple[str, Looks, dict[int, list[tuple[int, int, WordKind]]]] | None = None

    # What owners call

    def put(self, text: str) -> None:
        """Show another query, the cursor at its end."""
        self.show_mistake(None)
        self.text = _clean(text)
        self.move_cursor(self.document.end)
        self.completion = Completion(0, 0, ())
        self.post_message(self.Completing())

    def show_mistake(self, place: range | None) -> None:
        """Mark the characters where a mistake is, and go there."""
        self._mistake = place
        self._again()
        if place is not None:
            self.move_cursor(self._location(place.start))

    @property
    def offset_now(self) -> int:
        """The cursor, in characters from the beginning."""
        row, column = self.cursor_location
        return _line_starts(self.text)[row] + column

    def _location(self, offset: int) -> tuple[int, int]:
        starts = _line_starts(self.text)
        row = bisect_right(starts, offset) - 1
        return row, min(offset - starts[row], len(self.document.get_line(row)))

    # Typing

    async def _on_paste(self, event: events.Paste) -> None:
        # The text area's own handler comes after this one.
        event.text = _clean(event.text)[: max(0, MOST_CHARACTERS - len(self.text))]

    def action_paste(self) -> None:
        """The clipboard of the program may hold anything."""
        room = max(0, MOST_CHARACTERS - len(self.text))
        self.insert(_clean(self.app.clipboard)[:room])

    def update_suggestion(self) -> None:
        """Whenever text or cursor changed: see what may stand here, and offer the likeliest in grey."""
        if self._inserting:
            return
        self._mistake = None
        self.chosen = None
        offset = self.offset_now
        self.completion = complete_sql(self.text, offset, self._values())
        self.suggestion = self._ghost(offset)
        self.post_message(self.Completing())

    def _ghost(self, offset: int) -> str:
        typed = self.text[self.completion.start : offset]
        following = self.text[offset : offset + 1]
        if not typed or following.isalnum() or not self.completion.candidates:
            return ""
        first = printable_line(self.completion.candidates[0].text)
        return first[len(typed) :] if first.startswith(typed) else ""

    def action_complete(self, step: int) -> None:
        """Put the next candidate in; where there is none, go where tab leads elsewhere."""
        candidates = self.completion.candidates
        if not candidates:
            self.post_message(self.Left())
            return
        place = (0 if step > 0 else -1) if self.chosen is None else self.chosen + step
        self.chosen = place % len(candidates)
        start, end = self.completion.start, self.offset_now
        self._inserting = True
        try:
            self.suggestion = ""
            text = printable_line(candidates[self.chosen].text)
            self.replace(text, self._location(start), self._location(end), maintain_selection_offset=False)
            self.move_cursor(self._location(start + len(text)))
        finally:
            self._inserting = False
        self.post_message(self.Completing())

    def action_new_line(self) -> None:
        """A new line, indented as this one."""
        line = self.document.get_line(self.cursor_location[0])
        self.insert("\n" + " " * (len(line) - len(line.lstrip())))

    def action_clear_query(self) -> None:
        """An empty editor."""
        self.show_mistake(None)
        self.clear()

    def action_cursor_down(self, select: bool = False) -> None:
        """A line down; from the very end on to what is below."""
        if not select and self.cursor_location == self.document.end:
            self.post_message(self.DownWanted())
        else:
            super().action_cursor_down(select)

    def action_run_query(self) -> None:
        """Ask for the answer."""
        self.post_message(self.RunWanted())

    def action_leave(self) -> None:
        """Go to the result; stop what runs first."""
        self.post_message(self.CancelWanted() if self.running else self.Left())

    def action_stop_or_copy(self) -> None:
        """ctrl+c: what runs ends; else what is selected is copied."""
        if self.running:
            self.post_message(self.CancelWanted())
        elif self.selected_text:
            self.app.copy_to_clipboard(self.selected_text)
        else:
            self.app.notify(
                with_keys("Nothing runs that could be cancelled. <sql.leave:escape> leaves the query."),
                timeout=3,
            )

    # Drawing

    def get_line(self, line_index: int) -> Text:
        """A line with its words told apart, and the mistake under a wave of its own."""
        line = super().get_line(line_index)
        looks = looks_of(self.app)
        styles = {
            WordKind.KEYWORD: looks.strong,
            WordKind.VIEW: looks.accent,
            WordKind.LITERAL: looks.running,
            WordKind.COMMENT: looks.faint,
            WordKind.NAME: looks.text,
        }
        for start, end, kind in self._spans(looks).get(line_index, ()):
            line.stylize(styles[kind], start, end)
        if self._mistake is not None:
            before = _line_starts(self.text)[line_index]
            start, end = self._mistake.start - before, self._mistake.stop - before
            if end > 0 and start < len(line.plain):
                line.stylize(looks.failed, max(0, start), end)
                line.stylize("underline", max(0, start), end)
        return line

    def _spans(self, looks: Looks) -> dict[int, list[tuple[int, int, WordKind]]]:
        text = self.text
        if self._drawn is None or self._drawn[0] != text or self._drawn[1] is not looks:
            spans: dict[int, list[tuple[int, int, WordKind]]] = {}
            starts = _line_starts(text)
            row = 0
            for word in words(text):
                while row + 1 < len(starts) and starts[row + 1] <= word.start:
                    row += 1
                place, last = row, word.end
                while place < len(starts) and starts[place] < last:
                    begin = max(0, word.start - starts[place])
                    spans.setdefault(place, []).append((begin, last - starts[place], word.kind))
                    place += 1
            self._drawn = text, looks, spans
        return self._drawn[2]

    def _again(self) -> None:
        self._line_cache.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        """Another theme has other colours for words."""
        super().notify_style_update()
        self._line_cache.clear()


class CompletionLine(Guarded, Widget, can_focus=False):
    """`tab  session_id  started  status …     when it began`: what may stand at the cursor."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    CompletionLine { height: 1; padding: 0 2; }
    """

    def __init__(self, editor: SqlEditor) -> None:
        super().__init__()
        self._editor = editor

    def render(self) -> Text:
        """Draw as many candidates as fit, the chosen one first and with what it means."""
        looks, width, editor = looks_of(self.app), self.size.width, self._editor
        candidates: Sequence[Candidate] = editor.completion.candidates
        if not candidates or not editor.has_focus:
            return Text("")
        first = editor.chosen or 0
        pieces: Pieces = [(with_keys("<sql.complete:tab>  "), looks.accent)]
        note = printable_line(candidates[first].note, 200)
        room = width - 5 - min(cell_len(note) + 3, width // 2)
        for place in range(first, len(candidates)):
            name = printable_line(candidates[place].text, 60)
            if room < cell_len(name) + 3 and place > first:
                pieces.append(("…", looks.faint))
                break
            room -= cell_len(name) + 2
            pieces += [(name, looks.strong if place == first else looks.muted), ("  ", looks.text)]
        if note:
            pieces += [(" ", looks.text), (note, looks.faint)]
        return joined(cut_pieces(pieces, width))


def _clean(text: str) -> str:
    """What may stand in the editor: no control characters, no tabs, of bounded length."""
    return printable(text[:MOST_CHARACTERS]).replace("\t", "    ")


def _line_starts(text: str) -> list[int]:
    starts = [0]
    starts.extend(place + 1 for place, character in enumerate(text) if character == "\n")
    return starts
