"""Notes and bookmarks on sessions and steps: written with a key, shown in lists and in the inspector, kept beside the
spool."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from promptetheus.display import age, printable_line, short_id
from promptetheus.notes import Note, NoteKind, Subject
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.project_notes import glyph, notes_of
from promptetheus.tui.session.session_subject import StepOf
from promptetheus.tui.shell import Shell

LOOK_EVERY_S = 2.0


class NoteTaking(Shell):
    """Mix-in of the app."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "n", "note", "note", show=False, id="app.note",
            tooltip="Write a note about the session or step, change one, or take one away",
        ),
        Binding(
            "asterisk", "bookmark", "bookmark", show=False, id="app.bookmark",
            tooltip="Bookmark the step, or mark the session for later; again takes it away",
        ),
    ]  # fmt: skip

    def watch_notes(self) -> None:
        """Begin: call once the first view is there."""
        self._look_at_notes()
        self.set_interval(LOOK_EVERY_S, self._look_at_notes)

    @work(group="notes", exclusive=True, exit_on_error=False)
    async def _look_at_notes(self) -> None:
        found = await asyncio.to_thread(notes_of(self.root).all)
        table = self.sessions_screen.table
        noted = frozenset(note.about.session_id for note in found if note.about.session_id)
        if noted != table.noted:
            table.noted = noted
            table.refresh_rows()

    def _note_subject(self) -> Subject | None:
        session_id, step = self.views()[-1].selected
        if not session_id:
            self.notify("Highlight a session or a step first: the note is about it.", timeout=3)
            return None
        return Subject(session_id=session_id, step=step)

    async def action_note(self) -> None:
        """Write a note, or choose which to change or take away."""
        subject = self._note_subject()
        if subject is None:
            return
        known = await asyncio.to_thread(notes_of(self.root).about, subject)
        written = [note for note in known if note.kind is NoteKind.NOTE]
        if not written:
            await self._ask(subject, None)
            return
        from promptetheus.tui.chooser import Choice
        from promptetheus.tui.menu import Menu

        choices = [Choice("Write another", "", partial(self._ask, subject, None))]
        for note in written:
            choices.append(Choice(f"Change: {_first_words(note)}", "", partial(self._ask, subject, note)))
            choices.append(Choice(f"Take away: {_first_words(note)}", "", partial(self._forget, note)))
        await self.open_screen(Menu(f"Notes on {_name(subject)}", choices))

    async def _ask(self, subject: Subject, note: Note | None, words: str = "") -> None:
        from promptetheus.tui.ask_words import AskWords

        words = words or ("" if note is None else printable_line(note.text, 900))
        await self.open_screen(
            AskWords(f"A note on {_name(subject)}", words, partial(self._keep, subject, note))
        )

    def _keep(self, subject: Subject, note: Note | None, words: str) -> None:
        if words.strip():
            notes = notes_of(self.root)
            act = partial(notes.add, subject, words) if note is None else partial(notes.edit, note, words)
            self._write(act, "Noted.", partial(self._ask, subject, note, words))

    def _forget(self, note: Note) -> None:
        self._write(partial(notes_of(self.root).remove, note.note_id), "The note is gone.")

    async def action_bookmark(self) -> None:
        """Bookmark the step or mark the session; take that away where it is there already."""
        subject = self._note_subject()
        if subject is None:
            return
        notes = notes_of(self.root)
        kind = NoteKind.MARK if subject.step is None else NoteKind.BOOKMARK
        known = await asyncio.to_thread(notes.about, subject)
        present = next((note for note in known if note.kind is kind), None)
        if present is None:
            self._write(partial(notes.add, subject, "", kind), f"Bookmarked {_name(subject)}.")
        else:
            self._write(partial(notes.remove, present.note_id), f"The bookmark on {_name(subject)} is gone.")

    @work(group="write note", exit_on_error=False)
    async def _write(
        self, act: Callable[[], object], said: str, again: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        try:
            await asyncio.to_thread(act)
        except OSError as error:
            self.notify(
                f"The notes could not be written: {error.strerror or error}.", severity="warning", timeout=5
            )
            if again is not None:  # what somebody typed is not thrown away for a full disk
                await again()
            return
        self.notify(said, timeout=2)
        self._look_at_notes()
        for view in self.views()[-1:]:  # none while the program closes
            view.notes_changed()

    async def show_notes(self) -> None:
        """All notes and bookmarks of the project, the newest first; enter goes there."""
        from promptetheus.tui.chooser import Choice
        from promptetheus.tui.menu import Menu

        found = await asyncio.to_thread(notes_of(self.root).all)
        now = self.clock()
        choices = [
            Choice(
                f"{glyph(note)} {_name(note.about)}  {_first_words(note)}",
                age(max(0.0, now - note.written_s)),
                partial(self._go_to_note, note),
            )
            for note in reversed(found)
        ]
        await self.open_screen(
            Menu(
                "Notes and bookmarks",
                choices
                or [
                    Choice(with_keys("None yet: <app.note:n> writes one, <app.bookmark:asterisk> bookmarks."))
                ],
            )
        )

    async def _go_to_note(self, note: Note) -> None:
        about = note.about
        row = self.sessions_screen.table.sessions.by_id.get(about.session_id)
        if row is not None:
            await self.go("session", row.path if about.step is None else StepOf(row.path, about.step))
        elif about.fingerprint:
            await self.go("failures", about.fingerprint)
        else:
            self.notify("That session is not in the spool any more.", timeout=4)

    def note_commands(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """For the palette."""
        yield "Notes and bookmarks of this project", self.show_notes


def _name(subject: Subject) -> str:
    if subject.fingerprint:
        return f"failure {printable_line(subject.fingerprint, 20)}"
    step = "" if subject.step is None else f"step {subject.step} of "
    return f"{step}session {short_id(subject.session_id)}"


def _first_words(note: Note) -> str:
    return printable_line(note.text, 60)
