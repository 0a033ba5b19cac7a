"""Storing a batch in PostgreSQL: one transaction that goes to the server in one piece, its commit included.

Nearly every batch comes for the first time, so its events are inserted as new ones: with `on conflict do nothing`
each is looked up first and confirmed behind, a third more work. A batch of which some came before is recognised by
its first event, or by the unique key; nothing of the first try stays then, and what is missing of it is stored.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

from psycopg.errors import UniqueViolation

from promptetheus.clock import parse_timestamp
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.intake import Incoming
from promptetheus.gateway.stores.database import as_document
from promptetheus.gateway.stores.events import Appended
from promptetheus.gateway.stores.postgres import PostgresDatabase, Statement
from promptetheus.gateway.stores.postgres_news import TELL
from promptetheus.gateway.stores.stored_session import summary_of_last
from promptetheus.queries.session_row import is_session_start

MAX_KEY_LENGTH = 128
"""Characters of a key that stand in the table: with the longest id of a session, all of 4 bytes, an entry of the
index still has room on its page."""

_HOLD = """
insert into session as known
    (project_id, id, workspace_id, day, arrivals, size_bytes, opening, started_s, received_at, created_at)
select :project, :session, :workspace, (now() at time zone 'UTC')::date, :number, :size, :opening::json, :started,
       now(), now()
{unless}
on conflict (project_id, id) do update set
    arrivals = known.arrivals + excluded.arrivals,
    size_bytes = known.size_bytes + excluded.size_bytes,
    started_s = case when known.opening is null and excluded.opening is not null
                     then excluded.started_s else known.started_s end,
    opening = coalesce(known.opening, excluded.opening),
    received_at = now()
returning arrivals
"""

_UNLESS_KNOWN = """
where not exists (
    select from event where project_id = :project and session_id = :session and idempotency_key = :first
        and day = (select day from session where project_id = :project and id = :session))
"""

_INSERT = """
insert into event (project_id, session_id, day, idempotency_key, workspace_id, seq, arrival, line)
select :project, :session, day, key, :workspace, seq, arrivals - :number + place, line::json
from session, unnest(string_to_array(:keys, E'\\n'), :seqs::bigint[], string_to_array(:lines, E'\\n'))
    with ordinality as batch (key, seq, line, place)
where project_id = :project and id = :session
"""

_HELD = "and received_at = now()\n"
"""Whether this transaction holds the session's row: its time is that of the transaction."""

_SEAL = """
update session set summary = :summary, counted = arrivals, ended = true, last_time = :last_time
where project_id = :project and id = :session and size_bytes = :sealed_size
"""

_HOLD_NEW = _HOLD.format(unless=_UNLESS_KNOWN)
_HOLD_ANY = _HOLD.format(unless="")
_TELL_HELD = TELL + _HELD
_INSERT_NEW = _INSERT + _HELD

_INSERT_MISSING = f"""
with stored as ({_INSERT} on conflict do nothing returning octet_length(line::text) + 1 as size),
    told as (select count(*) as number, coalesce(sum(size), 0) as size from stored)
update session set
    arrivals = arrivals - case when told.number = 0 then :number else 0 end,
    size_bytes = size_bytes - :size + told.size
from told where project_id = :project and id = :session
returning arrivals, told.number as stored
"""
"""Takes back what `_HOLD_ANY` counted too much. A batch of which nothing is new leaves no numbers without events."""


def store_batch(
    database: PostgresDatabase, tenant: Tenant, session_id: str, batch: Sequence[Incoming]
) -> Appended:
    """Store what is new of a batch that has no key twice and at least one event. Raises StoreUnavailable."""
    changes = (event for event in batch if event.event["type"] == "state_change")
    opening = next((event for event in changes if is_session_start(event.event)), None)
    keys = _stored_keys(batch, session_id)
    session = {"project": tenant.project_id, "session": session_id, "workspace": tenant.workspace_id}
    counted = {**session, "number": len(batch)}
    hold = {
        **counted,
        "size": sum([len(event.line) for event in batch]),
        "opening": opening.line.decode() if opening else None,
        "started": (parse_timestamp(opening.event.get("timestamp")) if opening else None) or time.time(),
    }
    insert = {
        **counted,
        "keys": "\n".join(keys),
        "seqs": "{" + ",".join([str(event.seq) for event in batch]) + "}",
        "lines": b"".join([event.line for event in batch])[:-1].decode(),
    }
    first_time = [
        Statement(_HOLD_NEW, {**hold, "first": keys[0]}),
        Statement(_INSERT_NEW, insert),
        Statement(_TELL_HELD, counted),
        *_sealing(session, batch[-1]),
    ]
    try:
        [held, *_] = database.at_once(tenant.workspace_id, first_time)
    except UniqueViolation:
        held = []
    if held:
        end = held[0]["arrivals"]
        return Appended(len(batch), end - len(batch), end)
    with database.transaction(tenant.workspace_id) as statements:
        statements.run(_HOLD_ANY, **hold)
        [again] = statements.run(_INSERT_MISSING, **insert, size=hold["size"])
        if again["stored"]:
            statements.run(TELL, **counted)
    return Appended(again["stored"], again["arrivals"] - len(batch), again["arrivals"])


def _sealing(session: dict[str, str], last: Incoming) -> list[Statement]:
    """Take the writer's own summary where it is one of exactly these bytes: nothing has to be counted then."""
    told = summary_of_last(last.event)
    if told is None:
        return []
    summary, bytes_before = told
    values = {
        "summary": as_document(summary),
        "last_time": str(last.event["timestamp"]).replace("\0", ""),
        "sealed_size": bytes_before + len(last.line),
    }
    return [Statement(_SEAL + _HELD, {**session, **values})]


def _stored_keys(batch: Sequence[Incoming], session_id: str) -> list[str]:
    """Keys as they are stored: one that begins with the session's id, as ours do, from there on; any other one behind
    a `=`; a long one as its hash. Without newlines, which stand between them on their way."""
    start, length = session_id + ":", len(session_id)
    keys = [event.key[length:] if event.key.startswith(start) else "=" + event.key for event in batch]
    if max(map(len, keys)) > MAX_KEY_LENGTH:
        keys = [key if len(key) <= MAX_KEY_LENGTH else _hashed(key) for key in keys]
    together = "".join(keys)
    if "\\" in together or "\n" in together:
        return [key.replace("\\", "\\\\").replace("\n", "\\n") for key in keys]
    return keys


def _hashed(key: str) -> str:
    """Stands for a long key. Those that are stored as they are begin with `:` or `=`."""
    return "#" + hashlib.sha256(key.encode()).hexdigest()
