"""Sessions and their events in PostgreSQL: `postgres_batch` is how they get there.

The session's row is held while its batch is stored: batches of one session follow each other, on whichever gateway
they arrive, and each event has its number in the order of arrival. A gateway remembers nothing that it could not read
again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from promptetheus.cause.failures import Outcome
from promptetheus.events import Event
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.intake import Incoming
from promptetheus.gateway.stores.database import Row, as_document
from promptetheus.gateway.stores.events import Appended, Stored
from promptetheus.gateway.stores.leases import Leases
from promptetheus.gateway.stores.postgres import PostgresDatabase, PostgresStatements
from promptetheus.gateway.stores.postgres_batch import store_batch
from promptetheus.gateway.stores.postgres_news import PostgresNews
from promptetheus.gateway.stores.stored_session import Count, outcome_of, row_of
from promptetheus.queries.paging import newest_first
from promptetheus.queries.pricing import Pricer
from promptetheus.queries.rows import SessionRow, Status

MAX_COUNTS = 2000
"""Sessions of which a gateway remembers what it counted, so that only later events are counted next time."""

_COUNT_AT_ONCE = 5000
_KEEP_EMPTY_DAYS = 2

_SESSION_COLUMNS = (
    "id, created_at, arrivals, size_bytes, opening::text as opening, started_s, summary, counted, last_time, ended, "
    "extract(epoch from received_at)::float8 as received_s"
)

TAIL_BEGINS = 5000
"""Events behind the first so many of a session are found by the index `event_tail`, which has only these."""

_HEAD = """
select arrival, line::text as line from event
where project_id = :project and session_id = :session and arrival > :position and day =
    (select day from session where project_id = :project and id = :session and arrivals > :position)
order by arrival limit :limit
"""
"""Whether there is anything new is asked first: without, no partition is looked at."""

TAIL = f"""
select arrival, line::text as line from event
where project_id = :project and session_id = :session and arrival > {TAIL_BEGINS}
    and arrival > :position and arrival <= :up_to
order by arrival limit :limit
"""
"""Bounded on both sides and without the day: whatever is known of the table, the index is the nearest way then."""

LATER_PAGES_BEGIN = 5000
"""Events from this `seq` on are found by the index `event_pages`, which has only these."""

_EARLY_PAGE = f"""
select seq, arrival, line::text as line from event
where project_id = :project and session_id = :session and day = :day and seq < {LATER_PAGES_BEGIN}
    and (seq, arrival) > (:seq, :arrival)
order by seq, arrival limit :limit
"""

LATER_PAGE = f"""
select seq, arrival, line::text as line from event
where project_id = :project and session_id = :session and seq >= {LATER_PAGES_BEGIN}
    and (seq, arrival) > (:seq, :arrival) and seq <= :up_to
order by seq, arrival limit :limit
"""
"""Bounded on both sides and without the day, for the same reason as `TAIL`."""

_LAST_PAGE = f"""
select seq, arrival, line::text as line from event
where project_id = :project and session_id = :session and day = :day and seq >= {LATER_PAGES_BEGIN}
    and (seq, arrival) > (:seq, :arrival)
order by seq, arrival limit :limit
"""


class PostgresEvents:
    """Events in PostgreSQL, for any number of gateways."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self.news = PostgresNews(database)
        self._counts: Leases[tuple[object, ...], Count] = Leases(
            lambda key: Count(), lambda count: None, MAX_COUNTS
        )
        self._pricer: Pricer | None = None

    def append(self, tenant: Tenant, session_id: str, events: Sequence[Incoming]) -> Appended:
        """Store what is new of a batch."""
        batch = events
        if len({event.key for event in events}) < len(events):
            batch = list({event.key: event for event in reversed(events)}.values())[::-1]
        if not batch:
            return self._nothing(tenant, session_id)
        return store_batch(self._database, tenant, session_id, batch)

    def has(self, tenant: Tenant, session_id: str) -> bool:
        """Whether the session has events."""
        return self._session(tenant, session_id) is not None

    def row(self, tenant: Tenant, session_id: str) -> SessionRow | None:
        """The session as lists show it."""
        found = self._session(tenant, session_id)
        return None if found is None else self._shown(tenant, found)

    def rows(self, tenant: Tenant, after: tuple[float, str] | None, limit: int) -> list[SessionRow]:
        """Sessions behind a place in the list, in the order of `newest_first`."""
        before, behind = (-after[0], after[1]) if after is not None else (None, "")
        with self._database.transaction(tenant.workspace_id) as statements:
            found = statements.run(
                f"select {_SESSION_COLUMNS} from session where project_id = :project and "
                "(:before::float8 is null or started_s < :before or (started_s = :before and id > :behind)) "
                "order by started_s desc nulls last, id limit :limit",
                project=tenant.project_id, before=before, behind=behind, limit=limit,
            )  # fmt: skip
        return sorted((self._shown(tenant, each) for each in found), key=newest_first)

    def events(
        self, tenant: Tenant, session_id: str, after: tuple[int, int] | None, limit: int
    ) -> list[tuple[tuple[int, int], Event]]:
        """Events by (seq, arrival)."""
        seq, arrival = after if after is not None else (-1, -1)
        place = {"project": tenant.project_id, "session": session_id, "seq": seq, "arrival": arrival}
        found: list[Row] = []
        with self._database.transaction(tenant.workspace_id) as statements:
            for known in statements.run(
                "select day, arrivals from session where project_id = :project and id = :session",
                project=tenant.project_id, session=session_id,
            ):  # fmt: skip
                if seq < LATER_PAGES_BEGIN:
                    found = statements.run(_EARLY_PAGE, day=known["day"], limit=limit, **place)
                if len(found) < limit:
                    found += _later_page(statements, known, place, limit - len(found))
        return [((each["seq"], each["arrival"]), orjson.loads(each["line"])) for each in found]

    def arrived(self, tenant: Tenant, session_id: str, position: int, limit: int) -> list[Stored]:
        """Events in the order of their numbers of arrival, which begin at 1."""
        session = {"project": tenant.project_id, "session": session_id}
        with self._database.transaction(tenant.workspace_id) as statements:
            if position >= TAIL_BEGINS:
                found = _tail(statements, session, position, limit)
            else:
                found = statements.run(_HEAD, position=position, limit=limit, **session)
        return [Stored(each["arrival"], orjson.loads(each["line"])) for each in found]

    def positions(self, tenant: Tenant, since_s: float) -> dict[str, int]:
        """The last number of arrival of each session that received something since then."""
        with self._database.transaction(tenant.workspace_id) as statements:
            found = statements.run(
                "select id, arrivals from session where project_id = :project "
                "and received_at >= to_timestamp(:since)",
                project=tenant.project_id, since=since_s,
            )  # fmt: skip
        return {each["id"]: each["arrivals"] for each in found}

    def outcomes(self, tenant: Tenant) -> Iterable[Outcome]:
        """How the ended sessions ended."""
        with self._database.transaction(tenant.workspace_id) as statements:
            found = statements.run(
                f"select {_SESSION_COLUMNS} from session where project_id = :project",
                project=tenant.project_id,
            )
        for each in found:
            row = row_of(self._counted(tenant, each))
            if row.status is not Status.RUNNING:
                yield outcome_of(row)

    def delete(self, tenant: Tenant, session_id: str) -> bool:
        """Delete a session and its events."""
        with self._database.transaction(tenant.workspace_id) as statements:
            values = {"project": tenant.project_id, "session": session_id}
            statements.run("delete from news where project_id = :project and session_id = :session", **values)
            gone = statements.run(
                "delete from session where project_id = :project and id = :session returning day", **values
            )
            for each in gone:
                statements.run(
                    "delete from event where project_id = :project and session_id = :session and day = :day",
                    day=each["day"], **values,
                )  # fmt: skip
        return bool(gone)

    def older_than(self, tenant: Tenant, moment_s: float, limit: int) -> list[str]:
        """Sessions whose last batch came before a moment."""
        with self._database.transaction(tenant.workspace_id) as statements:
            found = statements.run(
                "select id from session where project_id = :project and received_at < to_timestamp(:moment) "
                "order by received_at, id limit :limit",
                project=tenant.project_id, moment=moment_s, limit=limit,
            )  # fmt: skip
        return [each["id"] for each in found]

    def maintain(self) -> None:
        """Have the next days' partitions ready, and drop those that retention has emptied."""
        today = datetime.now(UTC).date()
        self._database.make_partitions(today)
        self._database.drop_empty_partitions(today - timedelta(days=_KEEP_EMPTY_DAYS))
        self.news.forget_old()

    def check(self) -> None:
        """Raise StoreUnavailable when the database does not answer."""
        with self._database.transaction("") as statements:
            statements.run("select 1 as one")

    def close(self) -> None:
        """Forget what was counted; the connections belong to the database."""
        self._counts.close()

    def _nothing(self, tenant: Tenant, session_id: str) -> Appended:
        found = self._session(tenant, session_id)
        end = found["arrivals"] if found else 0
        return Appended(0, end, end)

    def _session(self, tenant: Tenant, session_id: str) -> Row | None:
        with self._database.transaction(tenant.workspace_id) as statements:
            found = statements.run(
                f"select {_SESSION_COLUMNS} from session where project_id = :project and id = :session",
                project=tenant.project_id, session=session_id,
            )  # fmt: skip
        return found[0] if found else None

    def _shown(self, tenant: Tenant, found: Row) -> SessionRow:
        self._pricer = self._pricer or Pricer()
        return self._pricer.priced(row_of(self._counted(tenant, found)))

    def _counted(self, tenant: Tenant, found: Row) -> Row:
        """The session's record with a summary of all its events."""
        if found["counted"] >= found["arrivals"]:
            return found
        session = (tenant.project_id, found["id"], found["created_at"])
        with self._counts.lease(session) as count, count.lock:
            while news := self.arrived(tenant, found["id"], count.position, _COUNT_AT_ONCE):
                count.add(news)
                if count.position >= found["arrivals"]:
                    break
            counted = {**found, **count.record(), "counted": max(count.position, found["arrivals"])}
        with self._database.transaction(tenant.workspace_id) as statements:
            statements.run(
                "update session set summary = :summary, counted = :counted, ended = :ended, "
                "last_time = :last_time where project_id = :project and id = :session and counted < :counted",
                summary=as_document(counted["summary"]), counted=counted["counted"], ended=counted["ended"],
                last_time=counted["last_time"], project=tenant.project_id, session=found["id"],
            )  # fmt: skip
        return counted


def _later_page(statements: PostgresStatements, session: Row, place: dict[str, Any], limit: int) -> list[Row]:
    """Events by seq behind a place. Most sessions have as many events as their last `seq` says: a span grows up to
    there until it has enough, and what lies beyond is read at once."""
    found: list[Row] = []
    span, up_to = limit, max(place["seq"], LATER_PAGES_BEGIN - 1)
    while up_to < session["arrivals"]:
        up_to += span
        found += statements.run(LATER_PAGE, up_to=up_to, limit=limit - len(found), **place)
        if len(found) == limit:
            return found
        if found:
            place = {**place, "seq": found[-1]["seq"], "arrival": found[-1]["arrival"]}
        span *= 2
    return found + statements.run(_LAST_PAGE, day=session["day"], limit=limit - len(found), **place)


def _tail(statements: PostgresStatements, session: dict[str, str], position: int, limit: int) -> list[Row]:
    """Events behind a position. Numbers are missing where a batch came again: the span grows until it has enough."""
    known = statements.run(
        "select arrivals from session where project_id = :project and id = :session", **session
    )
    end: int = known[0]["arrivals"] if known else 0
    found: list[Row] = []
    span = limit
    while position < end and len(found) < limit:
        up_to = position + span
        found += statements.run(TAIL, position=position, up_to=up_to, limit=limit - len(found), **session)
        position, span = up_to, span * 2
    return found
