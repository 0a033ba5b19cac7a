"""What PostgreSQL itself guarantees: rows by workspace, migrations, partitions."""

from __future__ import annotations

import re
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
from promptetheus.gateway.stores.postgres import MIGRATIONS, PostgresDatabase, translated
from promptetheus.gateway.stores.postgres_events import TAIL, TAIL_BEGINS
from promptetheus.gateway.stores.postgres_news import KNOWN_S
from tests.builders import a_failing_booking
from tests.gateway.test_store_conformance import TENANT, an_event, incoming

if TYPE_CHECKING:
    from tests.gateway.postgres_server import PostgresServer

TENANTS_TABLES = ("member", "project", "api_key", "agent", "trace", "artifact", "incident", "runtime", "audit",
                  "session", "event", "news")  # fmt: skip


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
            assert connection.execute(f"select count(*) from {partition}".encode()).fetchone() == (0,)


def test_every_table_is_closed_to_whoever_else_may_read_the_schema(opened: Gateway, url: str) -> None:
    """A hosted PostgreSQL lets public roles read what has no row level security."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "select relname from pg_class where relkind in ('r', 'p') and not relrowsecurity "
            "and relnamespace = current_schema()::regnamespace"
        ).fetchall()
    assert rows == []


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
    assert "Connection refused" in str(told.value)


def test_an_address_that_is_none_is_told_at_once_with_how_one_looks(tmp_path: Any) -> None:
    with pytest.raises(StoreUnavailable, match="postgresql://USER:PASSWORD@HOST") as told:
        open_gateway(Options(mode="dev", directory=tmp_path, database_url="postgres//user:hunter2@"))
    assert "hunter2" not in str(told.value)


def test_a_role_that_row_level_security_does_not_bind_is_warned_of(
    postgres: PostgresServer, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    PostgresDatabase(url, 1).close()
    assert caplog.messages == []
    schema = url.split("//")[1].split("@")[0]
    PostgresDatabase(f"{postgres.url()}?options=-csearch_path%3D{schema}", 1).close()
    assert ["role 'postgres' passes by row level security" in message for message in caplog.messages] == [
        True
    ]


def test_what_a_slow_batch_stores_is_news_for_one_who_looked_meanwhile(opened: Gateway, url: str) -> None:
    """Its transaction began before the look and ended after it: an order by time would have skipped it."""
    news = opened.shared_news
    assert news is not None
    place = news.since([TENANT], "").place
    with psycopg.connect(url) as slow:
        slow.execute("select set_config('promptetheus.workspace', '*', false)")
        slow.execute("insert into news values ('proj_dev', default, 'slow', 'ws_dev', 0, 7)")
        opened.events.append(TENANT, "quick", incoming([an_event(0, "k")], "quick"))
        looked = news.since([TENANT], place)
        assert [span.session_id for span in looked.spans] == ["quick"]
        slow.commit()
    after = news.since([TENANT], looked.place)
    assert "slow" in [span.session_id for span in after.spans] and after.is_complete
    assert news.since([TENANT], after.place).spans == []


def test_news_is_kept_for_longer_than_a_reader_may_be_away_and_then_forgotten(
    opened: Gateway, url: str
) -> None:
    news = opened.shared_news
    assert news is not None
    place = news.since([TENANT], "").place
    opened.events.append(TENANT, "s1", incoming([an_event(0, "k")]))
    moment_s, _, oldest = place.partition("-")
    with psycopg.connect(url, autocommit=True) as connection:
        for away_s, is_known in ((KNOWN_S - 30, True), (KNOWN_S + 30, False)):
            connection.execute("select set_config('promptetheus.workspace', '*', false)")
            connection.execute("update news set stored_at = now() - make_interval(secs => %s)", (away_s,))
            opened.events.maintain()
            found = news.since([TENANT], f"{int(moment_s) - away_s}-{oldest}")
            assert (found.is_complete, bool(found.spans)) == (is_known, is_known)
        connection.execute("update news set stored_at = now() - interval '1 hour'")
        opened.events.maintain()
        assert connection.execute("select count(*) from news").fetchone() == (0,)


@pytest.mark.parametrize("is_analyzed", [False, True])
def test_the_tail_of_a_long_session_is_found_by_an_index(
    opened: Gateway, url: str, is_analyzed: bool
) -> None:
    """Not by reading the session, whatever the planner knows of the table: what a look at a stream costs does not
    grow with what was there before."""
    end = 4 * TAIL_BEGINS
    for start in range(0, end, 2000):
        batch = [an_event(number, f"s1:x:{number}") for number in range(start, start + 2000)]
        opened.events.append(TENANT, "s1", incoming(batch))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select set_config('promptetheus.workspace', '*', false)")
        if is_analyzed:
            connection.execute("analyze event")
        for mode in ("force_custom_plan", "force_generic_plan"):
            connection.execute(f"set plan_cache_mode = {mode}".encode())
            for place in (TAIL_BEGINS, end // 2, end - 5):
                values = {"project": "proj_dev", "session": "s1", "position": place, "up_to": place + 500}
                explained = connection.execute(
                    "explain (analyze, costs off, timing off) " + translated(TAIL),
                    {**values, "limit": 500},
                    prepare=True,
                ).fetchall()
                plan = "\n".join(line for (line,) in explained)
                assert "session_id_arrival_idx" in plan, plan
                read = [int(rows) for rows in re.findall(r"on event_\d+ .*actual rows=(\d+)", plan)]
                assert sum(read) == min(500, end - place) and "Rows Removed" not in plan, plan
    for position in (0, TAIL_BEGINS - 2, TAIL_BEGINS - 1, TAIL_BEGINS, end - 5, end, end + 7):
        told = [stored.position for stored in opened.events.arrived(TENANT, "s1", position, 10)]
        assert told == list(range(position + 1, min(position + 10, end) + 1))


def test_numbers_that_are_missing_in_a_long_tail_hide_nothing(opened: Gateway) -> None:
    """A batch that comes again takes numbers that no event has."""
    first = [an_event(number, f"s1:x:{number}") for number in range(TAIL_BEGINS + 1000)]
    opened.events.append(TENANT, "s1", incoming(first))
    for again in range(5):
        known = [*first[-400:-1], an_event(again, f"s1:again:{again}")]
        assert opened.events.append(TENANT, "s1", incoming(known)).stored == 1
    told = opened.events.arrived(TENANT, "s1", len(first), 3)
    assert [stored.event["seq"] for stored in told] == [0, 1, 2]
    rest = opened.events.arrived(TENANT, "s1", told[-1].position, 3)
    assert [stored.event["seq"] for stored in rest] == [3, 4]


def test_batches_that_fail_leave_connections_that_work(url: str, tmp_path: Any) -> None:
    """What the server skipped after an error was not prepared there, whatever the driver noted."""
    gateway = open_gateway(Options(mode="dev", directory=tmp_path, database_url=url, pool_size=1))
    try:
        for number in range(30):
            # Known by an event in its midst only: the first try fails at the unique key.
            batch = [an_event(number, f"new-{number}"), an_event(0, "known")]
            assert gateway.events.append(TENANT, "s1", incoming(batch)).stored == (2 if number == 0 else 1)
        for number in range(3):
            assert gateway.events.append(
                TENANT, "s1", incoming([an_event(number, f"all-new-{number}")])
            ).stored
        assert len(gateway.events.events(TENANT, "s1", None, 100)) == 34
    finally:
        gateway.close()
