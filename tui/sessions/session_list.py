"""The sessions of a spool as one list: what is in it, filtered and ordered. No widget and no file is touched here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import count
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

from promptetheus.queries.filter import Filter, parse_filter
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.tui.sessions.session_cells import fails_as_label, newest
from promptetheus.tui.sessions.session_columns import COLUMN, COLUMNS, Column, SortKey, has_value
from promptetheus.tui.sessions.session_groups import Group, Grouping, Listed, grouped

if TYPE_CHECKING:
    from promptetheus.tui.failures.alike_labels import AlikeLabels

EXAMINED_AT_ONCE = 8
"""Rows, in a millisecond."""

FILTERED_AT_ONCE = 16
"""The same: what a filter asks of a row may have to be worked out first."""


class Counts(NamedTuple):
    """What the header says about the whole spool, whatever the filter hides."""

    sessions: int
    running: int
    failing: int


class SessionList:
    """All rows by id, and the visible ones in order."""

    def __init__(self) -> None:
        self.by_id: dict[str, SessionRow] = {}
        self.visible: list[SessionRow] = []
        """The rows that match the filter, in the chosen order."""
        self.lines: list[Listed] = []
        """What the list shows: the visible rows, under the lines of their groups where there are any."""
        self.grouping = Grouping.NONE
        self.filter: Filter = parse_filter("")
        self.order: Column = COLUMN["started"]
        self.descending = True
        self.priced = False
        """Whether the list of prices has been read."""
        self.repeats: Counter[str] = Counter()
        """Sessions by fingerprint, hidden ones included, as far as they were examined."""
        self.alike: AlikeLabels | None = None
        """Which labels of the sessions that were examined begin alike; None as long as none of them failed."""
        self.present: set[str] = set()
        """Keys of the optional columns that some row has a value for; once there, a column stays."""
        self.widest: dict[str, int] = {}
        """Cells of the longest content so far, for the columns that grow."""
        self._folded: set[str] = set()
        """Keys of the groups whose sessions are hidden."""
        self._matching: set[str] = set()
        self._places: dict[str, int] = {}
        self._statuses: Counter[Status] = Counter()
        self._fingerprints: dict[str, str] = {}
        """Of the sessions that were examined and failed, by id."""
        self._by_time: list[str] | None = None
        """Ids of all sessions, newest first, as long as no other time comes in and none goes."""
        self._unexamined: dict[str, None] = {}
        """Ids of the sessions of which only what the catalog knew at once was looked at."""

    def update(self, updated: Iterable[SessionRow], removed: Iterable[str] = ()) -> None:
        """Take in new and changed rows, and let go of removed ones."""
        if self.take(updated, removed):
            self.arrange()
        while self.examine(EXAMINED_AT_ONCE):
            pass

    def take(self, updated: Iterable[SessionRow], removed: Iterable[str] = ()) -> bool:
        """As `update`, without putting what came in order, nor examining it; whether `arrange` has to do the former.

        Without a filter that takes two microseconds a row: nothing is asked of it that is not known yet.
        """
        moved = False
        for session_id in removed:
            moved = moved or session_id in self._places
            self._forget(session_id)
        for row in updated:
            before, place = self.by_id.get(row.session_id), self._places.get(row.session_id)
            if before is row:
                continue
            if before is None or newest(before) != newest(row):
                self._by_time = None
            if before is not None:
                self._statuses[before.status] -= 1
                self._matching.discard(row.session_id)
            self.by_id[row.session_id] = row
            self._statuses[row.status] += 1
            self._unexamined[row.session_id] = None
            matching = self.filter.matches(row)
            if matching:
                self._matching.add(row.session_id)
            stays = (
                before is not None and place is not None and matching and self._key(row) == self._key(before)
            )
            if place is not None and stays and self.grouping is Grouping.NONE:
                # A session that only grew stays where it is: ten thousand need not be sorted for each event.
                self.visible[place] = self.lines[place] = row
            else:
                moved = moved or matching or place is not None
        return moved

    def examine(self, most: int) -> bool:
        """Look at so many of the rows that came, the last ones first; whether any are left. What stands in all of
        them decides how wide columns are, which there are, and how often a failure was seen."""
        for _ in range(min(most, len(self._unexamined))):
            session_id, _nothing = self._unexamined.popitem()
            row = self.by_id[session_id]
            self._forget_failure(session_id)
            if row.fingerprint:
                self._fingerprints[session_id] = row.fingerprint
                self.repeats[row.fingerprint] += 1
                self._compare(row)
            self._measure(row)
        return bool(self._unexamined)

    @property
    def asks_all(self) -> bool:
        """Whether filter, order or groups depend on what has to be worked out of each row."""
        return bool(self.filter.terms) or self.order.key != "started" or self.grouping is not Grouping.NONE

    @property
    def is_examined(self) -> bool:
        """Whether all rows were examined."""
        return not self._unexamined

    def set_filter(self, wanted: Filter) -> None:
        """Show only what matches."""
        for _ in self.filtering(wanted):
            pass

    def filtering(self, wanted: Filter) -> Iterator[None]:
        """As `set_filter`, with pauses. What comes meanwhile is filtered already; nothing leaves the list before the
        end."""
        self.filter = wanted
        for number, session_id in enumerate(list(self.by_id)):
            if number % FILTERED_AT_ONCE == 0 and number:
                yield
            row = self.by_id.get(session_id)
            if row is None:
                continue
            (self._matching.add if wanted.matches(row) else self._matching.discard)(session_id)
        self.arrange()

    def sort_by(self, column: Column, *, descending: bool | None = None) -> None:
        """Order by a column, in the direction that is meant for it unless another is asked for."""
        self.order = column
        self.descending = column.descending if descending is None else descending
        self.arrange()

    def group_by(self, grouping: Grouping) -> None:
        """Put sessions together, or not."""
        self.grouping = grouping
        self._folded.clear()
        self.arrange()

    def set_folded(self, group: Group, folded: bool) -> bool:
        """Hide the sessions of a group, or show them; whether that changed anything."""
        if (group.key in self._folded) == folded:
            return False
        (self._folded.add if folded else self._folded.discard)(group.key)
        self.arrange()
        return True

    def group_of(self, row: SessionRow) -> int:
        """Index of the line over a session's group."""
        place = self._places[row.session_id]
        return next(index for index in range(place, -1, -1) if isinstance(self.lines[index], Group))

    def place_of(self, session_id: str) -> int | None:
        """Index of a session's line; None when the filter or a fold hides it or it is gone."""
        return self._places.get(session_id)

    def counts(self) -> Counts:
        """Totals over all rows."""
        failing = sum(number for status, number in self._statuses.items() if status.is_failing)
        return Counts(len(self.by_id), self._statuses[Status.RUNNING], failing)

    def running(self) -> list[SessionRow]:
        """The sessions that are still being written, hidden ones included."""
        if not self._statuses[Status.RUNNING]:
            return []
        return [row for row in self.by_id.values() if row.status is Status.RUNNING]

    def _forget(self, session_id: str) -> None:
        row = self.by_id.pop(session_id, None)
        self._matching.discard(session_id)
        if row is None:
            return
        self._by_time = None
        self._statuses[row.status] -= 1
        self._unexamined.pop(session_id, None)
        self._forget_failure(session_id)

    def _forget_failure(self, session_id: str) -> None:
        fingerprint = self._fingerprints.pop(session_id, "")
        if fingerprint:
            self.repeats[fingerprint] -= 1

    def _compare(self, row: SessionRow) -> None:
        if self.alike is None:
            # Where nothing has failed, nobody waits for it.
            from promptetheus.tui.failures.alike_labels import AlikeLabels

            self.alike = AlikeLabels()
        self.alike.add(fails_as_label(row))

    def _measure(self, row: SessionRow) -> None:
        for column in COLUMNS:
            if not column.always and column.key not in self.present and has_value(column, row):
                self.present.add(column.key)
            if column.content is not None:
                cells = cell_len(column.content(row))
                if cells > self.widest.get(column.key, 0):
                    self.widest[column.key] = cells

    def _key(self, row: SessionRow) -> tuple[SortKey | None, float]:
        """What decides a row's place."""
        return self.order.sort(row), newest(row)

    def arrange(self) -> None:
        """Put what matches in order."""
        # Newest first within equal values, and for rows that have none.
        rows = self._newest_first()
        if self.order.key != "started":
            keys = list(map(self.order.sort, rows))
            known = [place for place, key in enumerate(keys) if key is not None]
            known.sort(key=keys.__getitem__, reverse=self.descending)  # type: ignore[arg-type]
            rest = [row for row, key in zip(rows, keys, strict=True) if key is None]
            rows = [*map(rows.__getitem__, known), *rest]
        elif not self.descending:
            rows.reverse()
        self.visible = rows
        if self.grouping is Grouping.NONE:
            self.lines = [*rows]
            self._places = dict(zip([row.session_id for row in rows], count()))
            return
        self.lines = grouped(rows, self.grouping, self._folded)
        self._places = {
            line.session_id: place for place, line in enumerate(self.lines) if isinstance(line, SessionRow)
        }

    def _newest_first(self) -> list[SessionRow]:
        """What matches, in the order that all sorting begins with."""
        by_id, matching = self.by_id, self._matching
        if self._by_time is None:
            # Those that match are few, or all are needed again for the next order.
            every = len(matching) == len(by_id)
            # In the order in which they were read, newest first: what is nearly sorted takes a third of the time.
            times = [
                (newest(row), session_id)
                for session_id, row in by_id.items()
                if every or session_id in matching
            ]
            times.sort(reverse=True)
            ids = [session_id for _, session_id in times]
            if every:
                self._by_time = ids
            return [by_id[session_id] for session_id in ids]
        if len(matching) == len(by_id):
            return [by_id[session_id] for session_id in self._by_time]
        return [by_id[session_id] for session_id in self._by_time if session_id in matching]
