"""What stands where the answer would be: a lesson before the first query, and what is wrong with one."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget

from promptetheus.display import printable, printable_line
from promptetheus.queries.query_file import examples
from promptetheus.queries.sql_error import SqlError, pointed_at
from promptetheus.queries.views import views
from promptetheus.tui.fit import cut
from promptetheus.tui.guard import Guarded
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.theme import Looks, looks_of

_MOST_MESSAGE = 2_000


class SqlNotice(Guarded, Widget, can_focus=False):
    """Text that wraps at the width there is."""

    DEFAULT_CSS = """
    SqlNotice { padding: 0 2; overflow: hidden; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._error: tuple[SqlError, str] | None = None

    def teach(self) -> None:
        """Show what can be asked."""
        self._error = None
        self.refresh()

    def show_error(self, error: SqlError, sql: str) -> None:
        """Show why a query gave no answer."""
        self._error = error, sql
        self.refresh()

    def render(self) -> Text:
        """Draw whichever it is."""
        looks = looks_of(self.app)
        return self._lesson(looks) if self._error is None else self._mistake(*self._error, looks)

    def _mistake(self, error: SqlError, sql: str, looks: Looks) -> Text:
        text = Text()
        text.append(printable(str(error)[:_MOST_MESSAGE]), looks.failed)
        place = pointed_at(error, sql, max(20, self.size.width - 3))
        if place:
            line, _, mark = printable(place).partition("\n")
            text.append(f"\n\n  {line}\n", looks.text)
            text.append(f"  {mark}", looks.failed)
        text.append(with_keys("\n\n<sql.schema:ctrl+t>"), looks.accent)
        text.append(" lists the views and their columns, ", looks.muted)
        text.append(with_keys("<sql.queries:ctrl+o>"), looks.accent)
        text.append(" has examples that work.", looks.muted)
        return text

    def _lesson(self, looks: Looks) -> Text:
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append(with_keys("<sql.run:enter>"), looks.accent)
        text.append(" runs the query.  ", looks.muted)
        text.append(with_keys("<sql.queries:ctrl+o>"), looks.accent)
        text.append(f" has {len(examples())} worked examples.  ", looks.muted)
        text.append(with_keys("<sql.schema:ctrl+t>"), looks.accent)
        text.append(" says what every column means.\n\n", looks.muted)
        known = views()
        widest = max(len(view.name) for view in known)
        for view in known:
            text.append(f"{view.name:<{widest}}  ", looks.text)
            said = printable_line(view.description, 200)
            text.append(f"{cut(said, max(10, self.size.width - widest - 6))}\n", looks.muted)
        return text
