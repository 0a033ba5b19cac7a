"""What gateways on one PostgreSQL stored lately: how a stream on one of them hears of the others, and how a reader
who comes back, to whichever, goes on where it was.

A place is a moment of the database and the oldest transaction that ran then. Transactions end in another order than
they begin; what lies below the oldest that runs has ended, so that nothing appears there later.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from promptetheus.gateway.hub import Span
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.stores.database import EVERY_WORKSPACE
from promptetheus.gateway.stores.postgres import PostgresDatabase

KNOWN_S = 900
"""A reader who was away for longer is told that it missed some."""

MAX_SESSIONS = 5000
"""Sessions with news at one look; a reader with more before it is told that it missed some."""

_KEPT_S = KNOWN_S + 600
"""Longer than it is known by the longest transaction and by far: a place never points at a row that is gone."""


TELL = """
insert into news (project_id, session_id, workspace_id, after, up_to)
select :project, :session, :workspace, arrivals - :number, arrivals from session
where project_id = :project and id = :session
"""
"""Tells of the `number` events that the transaction stores; it holds their session's row."""


class News(NamedTuple):
    """What was stored since a place."""

    spans: list[Span]
    place: str
    """Where to go on. What ran while this was read may be told again from there, never left out."""
    is_complete: bool
    """False: the place is not known any more, or there was too much; the spans are not all."""


class PostgresNews:
    """Reads and writes the table of news."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def since(self, tenants: Sequence[Tenant], place: str) -> News:
        """What these projects of one workspace stored since a place; no place of ours, such as an empty one, gives
        where to begin. Raises StoreUnavailable."""
        workspace_id = tenants[0].workspace_id if tenants else ""
        with self._database.transaction(workspace_id) as statements:
            # First the place, then what was stored: what is told too early is told again, nothing falls between.
            [now] = statements.run(
                "select floor(extract(epoch from clock_timestamp()))::bigint as moment, "
                "pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest"
            )
            moment_s, oldest = now["moment"], now["oldest"]
            here = f"{moment_s}-{oldest}"
            known = _parsed(place)
            if known is None or not (moment_s - KNOWN_S <= known[0] <= moment_s and known[1] <= oldest):
                return News([], here, is_complete=False)
            rows = statements.run(
                "select project_id, session_id, min(after) as after, max(up_to) as up_to from news "
                "where project_id = any(:projects) and xact >= (:oldest::bigint)::text::xid8 "
                "group by project_id, session_id order by max(xact), session_id limit :limit",
                projects=[tenant.project_id for tenant in tenants], oldest=known[1], limit=MAX_SESSIONS + 1,
            )  # fmt: skip
        spans = [
            Span(Tenant(workspace_id, row["project_id"]), row["session_id"], row["after"], row["up_to"])
            for row in rows[:MAX_SESSIONS]
        ]
        return News(spans, here, is_complete=len(rows) <= MAX_SESSIONS)

    def forget_old(self) -> None:
        """Delete what no reader can come back to."""
        with self._database.transaction(EVERY_WORKSPACE) as statements:
            statements.run(
                "delete from news where stored_at < now() - make_interval(secs => :kept)", kept=_KEPT_S
            )


def _parsed(place: str) -> tuple[int, int] | None:
    moment, _, oldest = place.partition("-")
    for number in (moment, oldest):
        if not (number.isascii() and number.isdecimal() and len(number) < 19):
            return None
    return int(moment), int(oldest)
