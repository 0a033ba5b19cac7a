"""The least that a server can do with a batch of events and still have it on disk: what a gateway is held against.

    uvicorn benchmarks.gateway_floors:app       with FLOOR=file|sqlite|copy and PLACE=a directory or a database's URL

Each reads the body, inflates and parses it, and stores the events so that they can be found again; nothing is
checked, nobody is asked who they are.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

Store = Callable[[str, list[dict[str, Any]]], None]


def file_floor(place: str) -> Store:
    """A file per session, one write per batch."""

    def store(session_id: str, events: list[dict[str, Any]]) -> None:
        block = b"".join(orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE) for event in events)
        fd = os.open(Path(place, session_id + ".jsonl"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(fd, block)
        os.close(fd)

    return store


def sqlite_floor(place: str) -> Store:
    """One table in WAL mode, a transaction per batch, duplicates ignored."""
    connection = sqlite3.connect(Path(place, "events.db"), check_same_thread=False, isolation_level=None)
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = normal")
    connection.execute(
        "create table if not exists event "
        "(session text, key text, seq integer, line blob, primary key (session, key)) without rowid"
    )
    lock = threading.Lock()

    def store(session_id: str, events: list[dict[str, Any]]) -> None:
        rows = [(session_id, event["idempotency_key"], event["seq"], orjson.dumps(event)) for event in events]
        with lock:
            connection.execute("begin")
            connection.executemany("insert or ignore into event values (?, ?, ?, ?)", rows)
            connection.execute("commit")

    return store


def copy_floor(place: str) -> Store:
    """COPY into a staging table and insert on conflict do nothing, a connection per thread."""
    import psycopg

    with psycopg.connect(place, autocommit=True) as first:
        first.execute(
            "create table if not exists floor_event (session text, key text, seq bigint, line json, "
            "primary key (session, key))"
        )
    local = threading.local()

    def store(session_id: str, events: list[dict[str, Any]]) -> None:
        connection: psycopg.Connection[Any] | None = getattr(local, "connection", None)
        if connection is None:
            connection = local.connection = psycopg.connect(place, autocommit=True)
            connection.execute(
                "create temporary table staging (session text, key text, seq bigint, line json) "
                "on commit delete rows"
            )
        rows = [
            b"%s\t%s\t%d\t%s\n"
            % (
                session_id.encode(),
                event["idempotency_key"].encode(),
                event["seq"],
                orjson.dumps(event).replace(b"\\", b"\\\\"),
            )
            for event in events
        ]
        with connection.transaction(), connection.cursor() as cursor:
            with cursor.copy("copy staging from stdin") as copy:
                copy.write(b"".join(rows))
            cursor.execute("insert into floor_event select * from staging on conflict do nothing")

    return store


FLOORS: dict[str, Callable[[str], Store]] = {
    "file": file_floor,
    "sqlite": sqlite_floor,
    "copy": copy_floor,
}


def app() -> FastAPI:
    """The application of the floor that FLOOR names."""
    store = FLOORS[os.environ["FLOOR"]](os.environ["PLACE"])
    served = FastAPI()

    def take(session_id: str, body: bytes) -> int:
        events = orjson.loads(zlib.decompress(body, 31))["events"]
        store(session_id, events)
        return len(events)

    @served.post("/api/traces/{session_id}/events")
    async def events(session_id: str, request: Request) -> Response:
        number = await run_in_threadpool(take, session_id, await request.body())
        return Response(orjson.dumps({"accepted": number, "rejected": []}), media_type="application/json")

    @served.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    return served
