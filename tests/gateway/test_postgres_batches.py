"""Batches in PostgreSQL: each event once, whoever sends it again and to whichever gateway, whatever is in it."""

from __future__ import annotations

import json
import random
import re
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from promptetheus.gateway.auth import MAX_SESSION_ID_LENGTH
from promptetheus.gateway.errors import StoreUnavailable
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.intake import MAX_KEY_LENGTH, Incoming, examine, json_object
from promptetheus.gateway.options import Options
from promptetheus.gateway.state import Gateway, open_gateway
from promptetheus.gateway.stores import postgres_events
from promptetheus.gateway.stores.postgres import translated
from promptetheus.gateway.stores.postgres_events import LATER_PAGES_BEGIN
from promptetheus.spool import LINE_LIMIT_BYTES
from tests.gateway.test_store_conformance import TENANT, an_event, incoming

if TYPE_CHECKING:
    from tests.gateway.postgres_server import PostgresServer

WIDE = "".join(map(chr, range(0x20000, 0x20000 + MAX_KEY_LENGTH)))
"""As long as a key may be, of characters of four bytes that do not compress."""


@pytest.fixture(scope="module")
def url(postgres: PostgresServer) -> str:
    return postgres.new_database()


@pytest.fixture(scope="module")
def pair(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, Gateway]]:
    """Two gateways on one database."""
    opened = [
        open_gateway(
            Options(mode="dev", directory=tmp_path_factory.mktemp("g"), database_url=url, pool_size=4)
        )
        for _ in range(2)
    ]
    yield opened[0], opened[1]
    for gateway in opened:
        gateway.close()


def stored(gateway: Gateway, session_id: str) -> list[dict[str, Any]]:
    return [each.event for each in gateway.events.arrived(TENANT, session_id, 0, 100_000)]


def test_overlapping_batches_sent_to_two_gateways_at_once_leave_each_event_once(
    pair: tuple[Gateway, Gateway],
) -> None:
    """Whatever arrives first, the numbers of arrival, the news, the size and the count agree in the end."""
    session_id, number = "contended", 400
    events = incoming([an_event(n, f"{session_id}:w:{n}", n=n) for n in range(number)], session_id)
    assert pair[0].shared_news is not None
    place = pair[0].shared_news.since([TENANT], "").place
    counts: list[int] = []

    def send(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(30):
            start = chance.randrange(number)
            batch = events[start : start + chance.randrange(1, 40)]
            chance.shuffle(batch)
            counts.append(chance.choice(pair).events.append(TENANT, session_id, batch).stored)
        for start in range(0, number, 25):
            batch = events[start : start + 25]
            counts.append(chance.choice(pair).events.append(TENANT, session_id, batch).stored)

    threads = [threading.Thread(target=send, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sum(counts) == number
    for gateway in pair:
        assert sorted(event["payload"]["n"] for event in stored(gateway, session_id)) == list(range(number))
        row = gateway.events.row(TENANT, session_id)
        assert row is not None
        assert (row.events, row.size_bytes) == (number, sum(len(event.line) for event in events))
    positions = [each.position for each in pair[0].events.arrived(TENANT, session_id, 0, 1000)]
    [span] = pair[1].shared_news.since([TENANT], place).spans if pair[1].shared_news else []
    assert len(set(positions)) == number
    assert span.start < min(positions) and max(positions) <= span.end


NASTY = st.text(
    st.one_of(st.sampled_from("\n\\\t\r\0\x0b\x1c\x85\u2028'\"%:=#,{}N."), st.characters()), max_size=20
)
KEYS = NASTY.map(lambda text: text.replace("\0", "-")).filter(bool)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | NASTY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NASTY, inner, max_size=3),
    max_leaves=6,
)
BATCHES = st.lists(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=5), min_size=1, max_size=6)
_numbers = iter(range(1_000_000))


def _batch(sent: list[tuple[str, Any]], session_id: str) -> list[Incoming]:
    """As a client that knows no rules sends it: what is not JSON is written as Python writes it."""
    body = json.dumps(
        {"events": [{**an_event(0, key, v=value), "session_id": session_id} for key, value in sent]}
    )
    return examine(json_object(body.encode()), session_id, 100).events


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES, repeated=st.lists(st.integers(0, 5), max_size=4), name=NASTY)
def test_any_keys_and_any_payloads_in_any_order_are_stored_as_they_were_sent(
    pair: tuple[Gateway, Gateway], batches: list[list[tuple[str, Any]]], repeated: list[int], name: str
) -> None:
    session_id = f"{next(_numbers)}{name}".replace("\0", "").encode("utf-8", "replace").decode()
    expected: dict[str, dict[str, Any]] = {}
    examined = [_batch(sent, session_id) for sent in batches]
    mixed = [event for number in repeated for event in examined[number % len(examined)][::-1]]
    for turn, batch in enumerate([*examined, mixed, *examined]):
        new = {event.key: orjson.loads(event.line) for event in reversed(batch) if event.key not in expected}
        if batch:
            assert pair[turn % 2].events.append(TENANT, session_id, batch).stored == len(new)
        expected |= new
    found = {event["idempotency_key"]: event for event in stored(pair[0], session_id)}
    assert found == expected
    row = pair[1].events.row(TENANT, session_id)
    assert (row is None and not expected) or (row is not None and row.events == len(expected))


def test_what_came_again_leaves_the_sessions_record_as_it_was(
    pair: tuple[Gateway, Gateway], url: str
) -> None:
    """No numbers without events, no size to be counted anew: a resent session costs what is in the batch."""
    events = incoming([an_event(n, f"again:w:{n}") for n in range(20)], "again")
    pair[0].events.append(TENANT, "again", events)
    asked = "select arrivals, size_bytes from session where id = 'again'"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select set_config('promptetheus.workspace', '*', false)")
        before = connection.execute(asked).fetchone()
        for gateway in pair:
            for part in (events, events[3:7], events[::-1]):
                again = gateway.events.append(TENANT, "again", part)
                assert (again.stored, again.end) == (0, 20)
        assert connection.execute(asked).fetchone() == before
    more = incoming([an_event(20, "again:w:20"), an_event(5, "again:w:5")], "again")
    assert pair[1].events.append(TENANT, "again", more).stored == 1


def test_the_longest_ids_and_keys_have_room_in_the_index(pair: tuple[Gateway, Gateway]) -> None:
    """Refused by the database they would be sent again for ever."""
    session_id = WIDE[::-1][:MAX_SESSION_ID_LENGTH]
    keys = [WIDE, WIDE[:-1] + "x", "=" + WIDE[1:], ":" + WIDE[1:], "#" + WIDE[1:], WIDE[:127], WIDE[:128]]
    events = incoming([an_event(n, key) for n, key in enumerate(keys)], session_id)
    assert pair[0].events.append(TENANT, session_id, events[1:]).stored == len(keys) - 1
    assert pair[1].events.append(TENANT, session_id, events).stored == 1
    assert [event["idempotency_key"] for event in stored(pair[0], session_id)] == [*keys[1:], keys[0]]


def test_an_event_as_large_as_a_line_may_be_is_stored_and_read(pair: tuple[Gateway, Gateway]) -> None:
    size = LINE_LIMIT_BYTES - len(incoming([an_event(0, "large", text="")], "large")[0].line)
    for letter in ("x", "\\n"):
        text = letter * (size // len(letter))
        batch = incoming([an_event(0, f"large{letter}", text=text[: size // len(letter) - 8])], "large")
        assert pair[0].events.append(TENANT, "large", batch).stored == 1
        assert stored(pair[1], "large")[-1] == batch[0].event


def test_a_foreign_workspace_stores_nothing_and_leaves_the_connection_usable(
    pair: tuple[Gateway, Gateway],
) -> None:
    pair[0].events.append(TENANT, "mine", incoming([an_event(0, "k")], "mine"))
    stranger = Tenant("ws_other", TENANT.project_id)
    for number in range(8):
        with pytest.raises(StoreUnavailable, match="row-level security"):
            pair[0].events.append(stranger, "mine", incoming([an_event(1, f"x{number}")], "mine"))
    assert pair[0].events.append(TENANT, "mine", incoming([an_event(1, "x")], "mine")).stored == 1
    assert [event["seq"] for event in stored(pair[0], "mine")] == [0, 1]


@pytest.mark.parametrize("is_analyzed", [False, True])
def test_later_pages_of_a_long_session_are_found_by_an_index(
    pair: tuple[Gateway, Gateway], url: str, is_analyzed: bool
) -> None:
    """Not by sorting the session for each, whatever the planner knows of the table."""
    session_id, end = f"long-{is_analyzed}", 4 * LATER_PAGES_BEGIN
    for start in range(0, end, 2000):
        batch = [an_event(number, f"{session_id}:x:{number}") for number in range(start, start + 2000)]
        pair[0].events.append(TENANT, session_id, incoming(batch, session_id))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("select set_config('promptetheus.workspace', '*', false)")
        if is_analyzed:
            connection.execute("analyze event")
        for mode in ("force_custom_plan", "force_generic_plan"):
            connection.execute(f"set plan_cache_mode = {mode}".encode())
            for seq in (4, end // 2, end - 5):
                values = {"project": TENANT.project_id, "session": session_id, "seq": seq, "arrival": 2**62}
                values["up_to"] = max(seq, LATER_PAGES_BEGIN - 1) + 500
                explained = connection.execute(
                    "explain (analyze, costs off, timing off) " + translated(postgres_events.LATER_PAGE),
                    {**values, "limit": 500},
                    prepare=True,
                ).fetchall()
                plan = "\n".join(line for (line,) in explained)
                assert "session_id_seq_arrival_idx" in plan, plan
                read = [int(rows) for rows in re.findall(r"on event_\d+ .*actual rows=(\d+)", plan)]
                assert sum(read) <= 500 and "Rows Removed" not in plan, plan
    seqs: list[int] = []
    after: tuple[int, int] | None = None
    while page := pair[1].events.events(TENANT, session_id, after, 3001):
        seqs += [event["seq"] for _, event in page]
        after = page[-1][0]
    assert seqs == list(range(end))


@pytest.mark.parametrize("seq", [0, LATER_PAGES_BEGIN - 1, LATER_PAGES_BEGIN])
def test_pages_within_one_seq_leave_none_out(pair: tuple[Gateway, Gateway], seq: int) -> None:
    session_id = f"same-{seq}"
    numbers = [seq] * 7 + [seq + 1] * 7
    events = [an_event(each, f"{session_id}:x:{place}") for place, each in enumerate(numbers)]
    pair[0].events.append(TENANT, session_id, incoming(events[::-1], session_id))
    found: list[str] = []
    after: tuple[int, int] | None = None
    while page := pair[1].events.events(TENANT, session_id, after, 3):
        found += [event["idempotency_key"] for _, event in page]
        after = page[-1][0]
    assert len(found) == len(set(found)) == len(events)
