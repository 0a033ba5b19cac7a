"""What PostgreSQL itself guarantees: rows by workspace, migrations, partitions."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from promptetheus.gateway.errors import StoreUnavailable
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.options import Options
from promptetheus.gateway.state import Gateway, open_gateway
from promptetheus.gateway.stores.postgres import MIGRATIONS, PostgresDatabase
from tests.builders import a_failing_booking
from tests.gateway.test_store_conformance import TENANT, an_event, incoming

if TYPE_CHECKING:
    from tests.gateway.postgres_server import PostgresServer

TENANTS_TABLES = ("member", "project", "api_key", "agent", "trace", "artifact", "incident", "runtime", "audit",
                  "session", "event")  # fmt: skip


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture
def opened(url: str, tmp_path: Any) -> Iterator[Gateway]:
    gateway = open_gateway(Options(mode="dev", directory=tmp_path, database_url=url, pool_size=4))
    yield gateway
    gateway.close()


def fill(gateway: Gateway) -> None:
    gateway.events.append(TENANT, "s1", incoming(a_failing_booking("s1").events))
    gateway.keys.add(TENANT, "k", [])
    gateway.accounts.add_agent(TENANT, "a")
    gateway.accounts.note(TENANT, "x", "y")
    gateway.records.declare_trace(TENANT, "t", {})
    gateway.records.change_runtime(TENANT, "s1", lambda state: {"a": 1})
    gateway.records.set_incident(
        TENANT, "f", {"status": "new", "owner_id": None, "pr_url": None, "status_at": "2026-01-01T00:00:00Z"}
    )


def test_a_transaction_sees_the_rows_of_its_workspace_only_whatever_it_asks(opened: Gateway) -> None:
    fill(opened)
    for table in TENANTS_TABLES:
        for workspace, expected in (("ws_dev", True), ("*", True), ("ws_other", False), ("", False)):
            with opened.database.transaction(workspace) as statements:
                found = statements.run(f"select count(*) as n from {table}")[0]["n"]
            if table != "artifact":
                assert (found > 0) is expected, (table, workspace)


def test_a_transaction_cannot_write_rows_of_another_workspace(opened: Gateway) -> None:
    fill(opened)
    with pytest.raises(StoreUnavailable, match="row-level security"):
        opened.events.append(Tenant("ws_other", "proj_dev"), "s1", incoming([an_event(0, "k")]))
    with opened.database.transaction("ws_other") as statements:
        statements.run("update session set ended = true")
        statements.run("delete from event")
    assert len(opened.events.events(TENANT, "s1", None, 100)) == 9


def test_without_a_workspace_nothing_is_seen_and_partitions_are_closed(opened: Gateway, url: str) -> None:
    fill(opened)
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("select count(*) from event").fetchone() == (0,)
        partitions = connection.execute(
            "select inhrelid::regclass::text from pg_inherits where inhparent = 'event'::regclass"
        ).fetchall()
        connection.execute("set promptetheus.workspace = '*'")
        assert connection.execute("select count(*) from event").fetchone() == (9,)
        for (partition,) in partitions:
            if not partition.endswith("event_other"):
                assert connection.execute(f"select count(*) from {partition}".encode()).fetchone() == (0,)


def test_migrations_run_once_and_wait_for_each_other(url: str) -> None:
    databases: list[PostgresDatabase] = []
    threads = [threading.Thread(target=lambda: databases.append(PostgresDatabase(url, 1))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for database in databases:
        database.close()
    assert len(databases) == 4
    with psycopg.connect(url) as connection:
        rows = connection.execute("select number, name from migration order by number").fetchall()
    assert rows == list(enumerate(MIGRATIONS, 1))


def test_every_key_of_tenants_rows_begins_with_the_project(opened: Gateway, url: str) -> None:
    """So that a distributed PostgreSQL can shard the tables as they are."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select c.relname, a.attname from pg_index i join pg_class c on c.oid = i.indrelid "
            "join pg_attribute a on a.attrelid = c.oid and a.attnum = i.indkey[0] "
            "where i.indisunique and c.relnamespace = current_schema()::regnamespace"
        ).fetchall()
    first_columns = {(table.partition("_2")[0], column) for table, column in rows}
    exceptions = {("workspace", "id"), ("project", "id"), ("member", "workspace_id"), ("migration", "number")}
    assert {(table, column) for table, column in first_columns if column != "project_id"} == exceptions
    assert ("event", "project_id") in first_columns


def test_events_lie_in_the_partition_of_the_day_their_session_began(opened: Gateway, url: str) -> None:
    fill(opened)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set promptetheus.workspace = '*'")
        rows = connection.execute("select distinct tableoid::regclass::text from event").fetchall()
        # A week later the same events come again: they are still the same.
        yesterday = datetime.now(UTC).date() - timedelta(days=1)
        connection.execute("update session set day = %s", (yesterday,))
        connection.execute("update event set day = %s", (yesterday,))
    assert [name.rpartition("_")[2] for (name,) in rows] == [f"{datetime.now(UTC):%Y%m%d}"]
    assert opened.events.append(TENANT, "s1", incoming(a_failing_booking("s1").events)).stored == 0


def test_days_without_sessions_are_dropped_as_tables(opened: Gateway, url: str) -> None:
    assert isinstance(opened.database, PostgresDatabase)
    today = datetime.now(UTC).date()
    opened.database.make_partitions(today - timedelta(days=30))
    fill(opened)
    assert opened.database.drop_empty_partitions(today - timedelta(days=2)) == 8
    assert opened.database.drop_empty_partitions(today + timedelta(days=1)) >= 1
    assert len(opened.events.events(TENANT, "s1", None, 100)) == 9


def test_many_threads_on_one_session_store_each_event_once(opened: Gateway) -> None:
    events = incoming([an_event(n, f"s1:x:{n}") for n in range(200)])

    def work(start: int) -> None:
        for number in range(start, 200, 3):
            opened.events.append(TENANT, "s1", events[number : number + 10])

    threads = [threading.Thread(target=work, args=(start,)) for start in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [event["seq"] for _, event in opened.events.events(TENANT, "s1", None, 1000)] == list(range(200))
    positions = [stored.position for stored in opened.events.arrived(TENANT, "s1", 0, 1000)]
    assert len(set(positions)) == 200


def test_a_database_that_is_away_is_a_503_and_no_stack_trace(opened: Gateway, url: str) -> None:
    from starlette.testclient import TestClient

    from promptetheus.gateway.app import create_app
    from promptetheus.gateway.stores import postgres

    gateway = opened
    with TestClient(create_app(gateway=gateway), headers={"Authorization": "Bearer pt_dev_key"}) as client:
        assert client.get("/ready").status_code == 200
        gateway.database.close()
        for method, path in (("GET", "/ready"), ("GET", "/api/sessions"), ("POST", "/api/traces/s/events")):
            answer = client.request(
                method, path, json={"events": [an_event(0, "k")]} if method == "POST" else None
            )
            assert answer.status_code in (401, 503), (path, answer.text)
            assert "postgres" not in answer.text.lower()
    assert postgres.MIN_VERSION == 150000


def test_an_address_that_does_not_answer_is_told_without_its_password(
    tmp_path: Any, monkeypatch: Any
) -> None:
    from promptetheus.gateway.stores import postgres

    monkeypatch.setattr(postgres, "_WAIT_S", 0.5)
    url = "postgresql://user:hunter2@127.0.0.1:9/none"
    with pytest.raises(StoreUnavailable) as told:
        open_gateway(Options(mode="dev", directory=tmp_path, database_url=url))
    assert "hunter2" not in str(told.value)
