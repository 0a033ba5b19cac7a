"""Events in PostgreSQL: each batch is one transaction, copied into a staging table and taken over from there once.

The session's row is held while its batch is stored: batches of one session follow each other, on whichever gateway
they arrive, and each event has its number in the order of arrival. A gateway remembers nothing that it could not read
again.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from promptetheus.cause.failures import Outcome
from promptetheus.clock import parse_timestamp
from promptetheus.events import Event
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.intake import Incoming
from promptetheus.gateway.stores.database import Row, as_document
from promptetheus.gateway.stores.events import Appended, Stored
from promptetheus.gateway.stores.leases import Leases
from promptetheus.gateway.stores.postgres import PostgresDatabase, PostgresStatements
from promptetheus.gateway.stores.stored_session import Count, outcome_of, row_of, summary_of_last
from promptetheus.queries.paging import newest_first
from promptetheus.queries.pricing import Pricer
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.queries.session_row import is_session_start

MAX_COUNTS = 2000
"""Sessions of which a gateway remembers what it counted, so that only later events are counted next time."""

_COUNT_AT_ONCE = 5000
_KEEP_EMPTY_DAYS = 2

_SESSION_COLUMNS = (
    "id, created_at, arrivals, size_bytes, opening::text as opening, started_s, summary, counted, last_time, ended, "
    "extract(epoch from received_at)::float8 as received_s"
)

_HOLD_SESSION = """
insert into session as known
    (project_id, id, workspace_id, day, arrivals, size_bytes, opening, started_s, received_at, created_at)
values
    (:project, :session, :workspace, (now() at time zone 'UTC')::date, :number, :size, :opening, :started,
     now(), now())
on conflict (project_id, id) do update set
    arrivals = known.arrivals + excluded.arrivals,
    size_bytes = known.size_bytes + excluded.size_bytes,
    started_s = case when known.opening is null and excluded.opening is not null
                     then excluded.started_s else known.started_s end,
    opening = coalesce(known.opening, excluded.opening),
    received_at = now()
returning arrivals, size_bytes, day
"""

_STAGING = """
create temporary table if not exists staging
    (idempotency_key text, seq bigint, arrival bigint, line json) on commit delete rows
"""

_TAKE_OVER = """
insert into event (project_id, session_id, day, idempotency_key, workspace_id, seq, arrival, line)
select :project, :session, :day, idempotency_key, :workspace, seq, arrival, line from staging
on conflict do nothing
"""


class PostgresEvents:
    """Events in PostgreSQL, for any number of gateways."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
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
        changes = (event for event in batch if event.event["type"] == "state_change")
        opening = next((event for event in changes if is_session_start(event.event)), None)
        size = sum([len(event.line) for event in batch])
        with self._database.transaction(tenant.workspace_id, prepare=_STAGING) as statements:
            [held] = statements.run(
                _HOLD_SESSION,
                project=tenant.project_id,
                session=session_id,
                workspace=tenant.workspace_id,
                number=len(batch),
                size=size,
                opening=opening.line.decode() if opening else None,
                started=_started(opening) if opening else time.time(),
            )
            end: int = held["arrivals"]
            start = end - len(batch)
            stored = self._take_over(statements, tenant, session_id, held["day"], batch, start)
            if stored == len(batch):
                self._seal(statements, tenant, session_id, batch[-1], held)
            else:
                self._correct(statements, tenant, session_id)
        return Appended(stored, start, end)

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
        with self._database.transaction(tenant.workspace_id) as statements:
            found = statements.run(
                "select seq, arrival, line::text as line from event "
                "where project_id = :project and session_id = :session and (seq, arrival) > (:seq, :arrival) "
                "order by seq, arrival limit :limit",
                project=tenant.project_id, session=session_id, seq=seq, arrival=arrival, limit=limit,
            )  # fmt: skip
        return [((each["seq"], each["arrival"]), orjson.loads(each["line"])) for each in found]

    def arrived(self, tenant: Tenant, session_id: str, position: int, limit: int) -> list[Stored]:
        """Events in the order of their numbers of arrival, which begin at 1."""
        with self._database.transaction(tenant.workspace_id) as statements:
            # No index by arrival: it would cost every batch a tenth. Whether there is anything new is asked first.
            found = statements.run(
                "select arrival, line::text as line from event "
                "where project_id = :project and session_id = :session and arrival > :position and exists "
                "(select from session where project_id = :project and id = :session and arrivals > :position) "
                "order by arrival limit :limit",
                project=tenant.project_id, session=session_id, position=position, limit=limit,
            )  # fmt: skip
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

    def _take_over(
        self,
        statements: PostgresStatements,
        tenant: Tenant,
        session_id: str,
        day: Any,
        batch: Sequence[Incoming],
        start: int,
    ) -> int:
        with (
            statements.connection.cursor() as cursor,
            cursor.copy("copy staging (idempotency_key, seq, arrival, line) from stdin") as copy,
        ):
            copy.write(_copy_text(batch, session_id, start + 1))
        values = {"project": tenant.project_id, "session": session_id, "day": day}
        return statements.count(_TAKE_OVER, workspace=tenant.workspace_id, **values)

    def _seal(
        self, statements: PostgresStatements, tenant: Tenant, session_id: str, last: Incoming, held: Row
    ) -> None:
        """Take the writer's own summary where it is one of exactly these bytes: nothing has to be counted then."""
        summary = summary_of_last(last.event, held["size_bytes"] - len(last.line))
        if summary is not None:
            statements.run(
                "update session set summary = :summary, counted = arrivals, ended = true, last_time = :last_time "
                "where project_id = :project and id = :session",
                summary=as_document(summary), last_time=str(last.event["timestamp"]).replace("\0", ""),
                project=tenant.project_id, session=session_id,
            )  # fmt: skip

    def _correct(self, statements: PostgresStatements, tenant: Tenant, session_id: str) -> None:
        """Some events had come before: the size is that of what is there."""
        statements.run(
            "update session set size_bytes = (select coalesce(sum(octet_length(line::text) + 1), 0) from event "
            "where project_id = :project and session_id = :session and event.day = session.day) "
            "where project_id = :project and id = :session",
            project=tenant.project_id, session=session_id,
        )  # fmt: skip

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


def _copy_text(batch: Sequence[Incoming], session_id: str, number: int) -> bytes:
    """The rows of a batch in COPY's text format: JSON has no raw tab or newline, backslashes are doubled.

    A key that begins with the session's id, as ours do, is kept from there on; any other one behind a `=`.
    """
    start, length = session_id + ":", len(session_id)
    keys = [event.key[length:] if event.key.startswith(start) else "=" + event.key for event in batch]
    together = "".join(keys)
    if not together.isprintable() or "\\" in together:
        keys = [_escaped(key) for key in keys]
    rows = b"".join(
        [
            b"%s\t%d\t%d\t%s" % (key, event.seq, arrival, event.line)
            for arrival, (key, event) in enumerate(
                zip("\n".join(keys).encode().split(b"\n"), batch, strict=True), number
            )
        ]
    )
    return rows if b"\\" not in rows else _copy_escaped(batch, keys, number)


def _copy_escaped(batch: Sequence[Incoming], keys: list[str], number: int) -> bytes:
    lines = (event.line.replace(b"\\", b"\\\\") for event in batch)
    rows = enumerate(zip(keys, batch, lines, strict=True), number)
    return b"".join(
        [b"%s\t%d\t%d\t%s" % (key.encode(), event.seq, arrival, line) for arrival, (key, event, line) in rows]
    )


def _escaped(key: str) -> str:
    return key.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")


def _started(opening: Incoming) -> float:
    return parse_timestamp(opening.event.get("timestamp")) or time.time()
