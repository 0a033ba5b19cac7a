"""Files that nobody would write on purpose, and some that somebody would: each is read, passed over or named."""

from __future__ import annotations

import json
import os
import socket
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptetheus.encoding import encode_line
from promptetheus.queries.catalog import Catalog
from promptetheus.queries.event_line import Peek, Reject, parse, peek
from promptetheus.queries.lines import BLOCK_BYTES, MAX_LINE_BYTES, LineReader
from promptetheus.queries.rows import SessionRow, Skipped
from promptetheus.queries.session_log import NotReadable, SessionLog
from promptetheus.queries.sql import run_sql
from tests.builders import a_passing_booking, a_session
from tests.queries.written import append, line, write_sealed


def read_all(spool: Path) -> tuple[dict[str, SessionRow], dict[str, str]]:
    catalog = Catalog(spool)
    catalog.refresh()
    problems = {problem.path.name: problem.reason for problem in catalog.problems()}
    return {row.session_id: row for row in catalog.rows()}, problems


def everywhere(path: Path) -> tuple[int, int, int]:
    """How many events the catalog, the log and SQL find in one file; it stands alone in its spool."""
    rows, _ = read_all(path.parent)
    log = SessionLog(path)
    log.poll()
    counted = run_sql(path.parent, "select count(*) from events").rows[0][0]
    return sum(row.events for row in rows.values()), len(log), counted


def fifo(path: Path) -> None:
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.mkdir()


def link_out(path: Path) -> None:
    outside = path.parent.parent / "outside.jsonl"
    outside.write_bytes(a_passing_booking("secret").lines())
    path.symlink_to(outside)


def link_loop(path: Path) -> None:
    path.symlink_to(path)


def link_dangling(path: Path) -> None:
    path.symlink_to("/nonexistent/file")


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (fifo, "a named pipe, not a file"),
        (directory, "a directory, not a file"),
        (link_out, "a symbolic link, not a file"),
        (link_loop, "a symbolic link, not a file"),
        (link_dangling, "a symbolic link, not a file"),
        (unix_socket, "a socket, not a file"),
    ],
)
def test_what_is_no_file_is_named_and_not_read(
    spool: Path, make: Callable[[Path], None], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool.mkdir()
    monkeypatch.chdir(spool)
    a_passing_booking("good").write(spool)
    make(spool / "bad.jsonl")
    rows, problems = read_all(spool)
    assert list(rows) == ["good"]
    assert problems == {"bad.jsonl": reason}
    with pytest.raises(NotReadable, match=reason):
        SessionLog(spool / "bad.jsonl").poll()
    assert run_sql(spool, "select distinct session_id from events").rows == [("good",)]


@pytest.mark.parametrize(
    "text",
    [
        b"not json\n",
        b"{}\n[1]\n42\nnull\n",
        b'{"type":"user","sessionId":"x","message":{"role":"user"}}\n',
        b'{"timestamp":"t","type":"session_meta","payload":{"id":"x"}}\n',
        b"\x00" * 5000 + b"\n",
        b"\x1f\x8b\x08\x00compressed\n\xff\xfe\n",
        b'{"type":7,"session_id":"a","seq":0}\n',
    ],
)
def test_a_file_without_events_is_foreign(spool: Path, text: bytes) -> None:
    spool.mkdir()
    path = spool / "bad.jsonl"
    path.write_bytes(text)
    rows, problems = read_all(spool)
    assert rows == {}
    assert problems["bad.jsonl"].startswith("holds no events")
    assert everywhere(path) == (0, 0, 0)


def test_a_session_file_that_cannot_be_opened_is_named(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a_session("good").write(spool)
    path = a_session("bad").write(spool)
    real = os.open

    def refusing(name: object, *rest: object, **named: object) -> int:
        if name == str(path):
            raise PermissionError(13, "Permission denied")
        return real(name, *rest, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refusing)
    rows, problems = read_all(spool)
    assert list(rows) == ["good"]
    assert problems == {"bad.jsonl": "Permission denied"}


ODD_LINES = {
    "bad UTF-8": line("a", 1, content="caf\xe9").decode().encode("latin-1"),
    "lone surrogate": line("a", 1, content="X").replace(b'"X"', b'"\\ud800"'),
    "NaN": line("a", 1, content="X").replace(b'"X"', b"NaN"),
    "huge number": line("a", 1, content="X").replace(b'"X"', b"9" * 400),
    "duplicate keys": line("a", 1, content="X").replace(b'"X"', b'"X","content":"Y"'),
    "byte order mark": b"\xef\xbb\xbf" + line("a", 1, content="X"),
    "carriage return": line("a", 1, content="X").replace(b"\n", b"\r\n"),
    "NUL inside": line("a", 1, content="a\x00b"),
    "blank": b"\n  \n\r\n" + line("a", 1, content="X") + b"\n\n",
    "900 levels": line("a", 1, content="X").replace(b'"X"', b"[" * 900 + b"]" * 900),
    "a list for a payload": line("a", 1).replace(b"{}", b"[1,2]"),
    "no payload": b'{"type":"note","session_id":"a","seq":1}\n',
    "unhashable": b'{"type":"tool_result","session_id":"a","seq":1,"payload":{"call_id":[1],"status":{}}}\n',
    "an unhashable end": b'{"type":"session_end","session_id":"a","seq":1,"payload":{"status":[],"error":{}}}\n',
    "an unknown type": line("a", 1, "invented_type", content="X"),
    "times of another planet": line("a", 1).replace(b"2026-11-18", b"99999-99-99"),
}


@pytest.mark.parametrize("odd", ODD_LINES.values(), ids=ODD_LINES.keys())
def test_an_odd_line_is_an_event_to_every_reader(spool: Path, odd: bytes) -> None:
    spool.mkdir()
    path = spool / "a.jsonl"
    path.write_bytes(line("a", 0) + odd + line("a", 2))
    assert everywhere(path) == (3, 3, 3)
    log = SessionLog(path)
    log.poll()
    assert log.skipped.total == 0
    assert len(log.steps) in (2, 3)


BAD_LINES = {
    "garbage": b"garbage\n",
    "torn in the middle": line("a", 1, content="hello")[:50] + b"\n",
    "two events on a line": line("a", 1)[:-1] + line("a", 1),
    "a torn line and an event": line("a", 1, content="hello")[:70] + line("a", 1),
    "an object": b"{}\n",
    "a list": b"[1]\n",
    "a number": b"42\n",
    "null": b"null\n",
    "100,000 levels": b"[" * 100_000 + b"]" * 100_000 + b"\n",
    "an event with 100,000 levels": line("a", 1, content="X").replace(
        b'"X"', b"[" * 100_000 + b"]" * 100_000
    ),
    "a number of 10,000 digits": b"9" * 10_000 + b"\n",
    "NULs": b"\x00" * 4096 + b"\n",
}


@pytest.mark.parametrize("bad", BAD_LINES.values(), ids=BAD_LINES.keys())
def test_a_bad_line_costs_only_itself_and_is_counted(spool: Path, bad: bytes) -> None:
    spool.mkdir()
    path = spool / "a.jsonl"
    path.write_bytes(line("a", 0) + bad + line("a", 2))
    assert everywhere(path) == (2, 2, 2)
    rows, _ = read_all(spool)
    log = SessionLog(path)
    log.poll()
    assert rows["a"].skipped == log.skipped
    assert log.skipped.total == 1
    assert run_sql(spool, "select 1").skipped == 1


def test_a_line_too_long_to_be_an_event_is_passed_over_in_little_memory(spool: Path) -> None:
    spool.mkdir()
    path = spool / "a.jsonl"
    path.write_bytes(line("a", 0))
    piece = b"x" * 2**20
    for start in (b'{"type":"error","session_id":"a","seq":1,"payload":"', b""):
        with path.open("ab") as file:
            file.write(start)
            for _ in range(100):
                file.write(piece)
            file.write(b"\n")
    append(path, line("a", 2))
    tracemalloc.start()
    log = SessionLog(path)
    log.poll()
    rows, _ = read_all(spool)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * BLOCK_BYTES
    assert len(log) == rows["a"].events == 2
    assert log.skipped == rows["a"].skipped == Skipped(oversized=2)
    result = run_sql(spool, "select seq from events order by seq")
    assert (result.rows, result.skipped) == ([(0,), (2,)], 2)


def test_sql_survives_a_huge_line_that_a_summary_vouches_for(spool: Path) -> None:
    session = a_session("a").says("x" * (70 * 2**20)).ends()
    write_sealed(spool, session)
    a_session("b").write(spool)
    result = run_sql(spool, "select session_id, seq from events order by all")
    assert result.rows == [("a", 0), ("a", 2), ("b", 0)]


def test_a_line_that_never_ends_is_searched_once(spool: Path) -> None:
    spool.mkdir()
    path = spool / "a.jsonl"
    path.write_bytes(line("a", 0))
    reader = LineReader()
    asked = 0

    def pread(length: int, offset: int) -> bytes:
        nonlocal asked
        asked += length
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    assert reader.next_block(pread, path.stat().st_size) is not None
    for _ in range(20):
        append(path, b"x" * 2**20)
        assert reader.next_block(pread, path.stat().st_size) is None
    assert asked < 25 * 2**20
    assert reader.tail(pread, path.stat().st_size + MAX_LINE_BYTES) == b""


def test_ten_thousand_junk_files_hide_no_session(spool: Path) -> None:
    spool.mkdir()
    for number in range(5000):
        (spool / f"junk-{number}.jsonl").write_bytes(b"junk\n")
        (spool / f"junk-{number}.tmp").touch()
    a_session("good").write(spool)
    rows, problems = read_all(spool)
    assert list(rows) == ["good"]
    assert len(problems) == 5000


def test_summaries_with_wrong_values_make_a_row_of_right_types(spool: Path) -> None:
    path = a_session("a").ends().write(spool)
    head = path.read_bytes().splitlines(keepends=True)[0]
    summary = {
        "events": "many", "types": {"error": -1, "x": "y", "tool_call": True}, "steps": 1.5, "errors": None,
        "tools": ["a"], "usage": {"m": 7, "n": {"calls": "x", "input": 2.5}}, "cost_usd": "free",
        "scores": {"s": "good", "t": [1], "u": 0.5, "v": True}, "tags": [1, "t", None],
        "duration_ms": [], "status": {"a": 1}, "error": 5, "fingerprint": 7, "label": [], "metadata": [],
        "failed_checks": [1], "passed_checks": {}, "spool_bytes": len(head),
    }  # fmt: skip
    end = {
        "type": "session_end",
        "session_id": "a",
        "seq": 1,
        "timestamp": 5,
        "metadata": {"summary": summary},
    }
    path.write_bytes(head + json.dumps(end, sort_keys=True, separators=(",", ":")).encode() + b"\n")
    rows, _ = read_all(spool)
    row = rows["a"]
    assert (row.events, row.steps, row.errors, row.failed_checks, row.tool_calls) == (0, 0, 0, 0, 0)
    assert (dict(row.tools), row.tags, row.cost_usd, row.duration_ms) == ({}, ("t",), None, None)
    assert dict(row.scores) == {"u": 0.5, "v": True}
    assert row.fingerprint == row.label == ""
    assert run_sql(spool, "select session_id, status from sessions").rows == [("a", "failed")]


def test_names_with_wildcards_and_quotes_reach_sql(spool: Path) -> None:
    spool.mkdir()
    names = ["sp[1]*x", "a?b", "it's", 'say "hi"', "session=5", "ümlaut ✓", "{a,b}", "[!x]", "back\\slash"]
    for name in names:
        (spool / f"{name}.jsonl").write_bytes(line("whatever", 0))
    found = run_sql(spool, "select session_id from events").rows
    assert sorted(name for (name,) in found) == sorted(names)


def test_folders_that_look_like_partitions_change_no_value(tmp_path: Path) -> None:
    spool = tmp_path / "session_id=5" / "type=x"
    a_session("a").write(spool)
    found = run_sql(spool, "select session_id, type from events").rows
    assert found == [("a", "state_change")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(kind=st.text(max_size=12), seq=st.integers(0, 10**12), payload=st.dictionaries(st.text(), json_values))
def test_peeking_at_a_line_says_what_parsing_it_says(kind: str, seq: int, payload: dict[str, object]) -> None:
    text = encode_line(
        {
            "type": kind, "session_id": "s", "timestamp": "2026-11-18T10:00:00Z", "seq": seq,
            "idempotency_key": "s:0:0", "payload": payload,
        }
    ).rstrip(b"\n")  # fmt: skip
    event = parse(text)
    assert not isinstance(event, Reject)
    assert peek(text) == Peek(event["seq"], event["type"])


pieces = st.lists(
    st.one_of(
        st.integers(0, 999).map(lambda seq: line("a", seq, content="hello")),
        st.integers(0, 999).map(lambda seq: line("a", seq, content="caf\xe9")),
        st.binary(max_size=60).map(lambda junk: junk.replace(b"\n", b" ") + b"\n"),
        st.integers(1, 100).map(lambda cut: line("a", 5, content="torn")[:cut] + b"\n"),
        st.sampled_from([b"{}\n", b"[1]\n", b"42\n", b"\n", b"\r\n", b"\xef\xbb\xbf\n"]),
    ),
    max_size=12,
)


@given(pieces=pieces, cuts=st.lists(st.integers(0, 2000), max_size=4), torn=st.integers(0, 60))
def test_every_valid_line_is_kept_whatever_stands_around_it(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes], cuts: list[int], torn: int
) -> None:
    whole = b"".join(pieces)
    data = whole + line("a", 1000, content="torn")[:torn]
    events = [piece for piece in pieces if piece.endswith(b'"type":"agent_message"}\n')]
    expected = [json.loads(event)["seq"] for event in events]
    path = tmp_path_factory.mktemp("spool") / "a.jsonl"
    path.touch()
    log = SessionLog(path)
    written = 0
    for cut in [*sorted(cut for cut in cuts if cut < len(data)), len(data)]:
        append(path, data[written:cut])
        written = cut
        log.poll()
    assert [event["seq"] for event in log.events()] == sorted(expected)
    afresh = SessionLog(path)
    afresh.poll()
    assert afresh.events() == log.events()
    assert afresh.skipped == log.skipped
    rows, problems = read_all(path.parent)
    assert (rows["a"].events == len(expected)) if expected else (problems or not rows["a"].events)


@settings(max_examples=20)
@given(pieces=pieces)
def test_sql_sees_the_events_that_every_other_reader_sees(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("spool") / "a.jsonl"
    path.write_bytes(b"".join(pieces))
    log = SessionLog(path)
    log.poll()
    found = run_sql(path.parent, "select seq, payload from events order by seq").rows
    assert [seq for seq, _ in found] == [event["seq"] for event in log.events()]
    assert sorted(json.loads(payload)["content"] for _, payload in found) == sorted(
        event["payload"]["content"] for event in log.events()
    )
