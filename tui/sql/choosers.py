"""Lists in front of the SQL view: queries (kept, documented, run before), and the views with their columns."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar

from textual.binding import Binding, BindingType

from promptetheus.queries.query_file import NamedQuery, examples
from promptetheus.queries.views import macros, views
from promptetheus.tui.chooser import Choice, ChoiceList, Chooser, ChooserInput, matches
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.sql.query_book import QueryBook

Take = Callable[[str], object]


class QueryChooser(Chooser):
    """Kept queries, worked examples, and what was run before; enter puts one into the editor and runs it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        # The field would take the key for cutting.
        Binding(
            "ctrl+x", "forget", "forget", id="queries.forget", priority=True,
            tooltip="Forget the highlighted kept query",
        ),
    ]  # fmt: skip

    def __init__(self, book: QueryBook, take: Take, *, only_history: bool = False) -> None:
        super().__init__()
        self._book = book
        self._take = take
        self._only_history = only_history
        self._saved: list[NamedQuery] = []
        self._history: list[str] = []

    def on_mount(self) -> None:
        """Read the files when it is opened: somebody may have edited them."""
        self._saved, self._history = self._book.saved(), self._book.history()
        super().on_mount()
        said = (
            "Queries that were run"
            if self._only_history
            else with_keys("Queries: enter runs, <queries.forget:ctrl+x> forgets a kept one")
        )
        self.query_one(ChooserInput).ask(said)

    def choices(self, words: str) -> Sequence[Choice]:
        """Those that hold all the words, in name or text."""
        sections: list[tuple[str, list[NamedQuery]]] = []
        if not self._only_history:
            sections += [("Kept", self._saved), ("Examples", list(examples()))]
        sections.append(("Run before", [NamedQuery(" ".join(sql.split()), sql) for sql in self._history]))
        found: list[Choice] = []
        for title, queries in sections:
            fitting = [query for query in queries if matches(words, f"{query.name} {query.sql}")]
            if fitting:
                found += [Choice("")] if found else []
                found.append(Choice(title))
                found += [Choice(query.name, "", partial(self._take, query.sql)) for query in fitting]
        return found or [
            Choice("Nothing was run yet." if self._only_history and not words else "Nothing fits.")
        ]

    def action_forget(self) -> None:
        """Take a kept query away."""
        chosen = self.query_one(ChoiceList).chosen
        if chosen is None or chosen.title not in {query.name for query in self._saved}:
            self.app.notify(
                with_keys("Only a query that was kept with <sql.save:ctrl+s> can be forgotten."), timeout=3
            )
            return
        try:
            self._book.forget(chosen.title)
        except OSError as error:
            self.app.notify(f"It could not be forgotten: {error.strerror or error}.", severity="warning")
            return
        self._saved = self._book.saved()
        self.query_one(ChoiceList).show(self.choices(self.query_one(ChooserInput).value.strip()))


class SchemaChooser(Chooser):
    """The views with what their columns mean, and the macros; enter puts a name into the query."""

    PROMPT: ClassVar[str] = "Views, columns, macros: enter inserts one"
    EXPLAINS: ClassVar[bool] = True

    def __init__(self, take: Take) -> None:
        super().__init__()
        self._take = take

    def choices(self, words: str) -> Sequence[Choice]:
        """Views with their columns below them; a view whose own line fits shows all of them."""
        found: list[Choice] = []
        for view in views():
            whole = matches(words, f"{view.name} {view.description}")
            columns = [
                Choice(f"  {name}", said, partial(self._take, name))
                for name, said in view.columns
                if whole or matches(words, f"{view.name} {name} {said}")
            ]
            if whole or columns:
                take = partial(self._take, view.name) if whole else None
                found += [Choice(view.name, view.description if whole else "", take), *columns]
        shown = [
            Choice(macro.call, macro.description, partial(self._take, f"{macro.name}("))
            for macro in macros()
            if matches(words, f"{macro.call} {macro.description}")
        ]
        return [*found, *([Choice(""), Choice("Macros"), *shown] if shown else [])]
