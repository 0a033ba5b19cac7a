from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from promptetheus.cause.steps import build_steps
from promptetheus.encoding import encode_line
from promptetheus.queries import event_line
from promptetheus.queries.event_line import Peek, peek
from promptetheus.queries.rows import Skipped, Status
from promptetheus.queries.session_log import Growth, NotReadable, SessionLog
from tests.builders import a_failing_booking, a_passing_booking, a_session
from tests.queries.written import append, kill, line, start_agent, write_sealed


def polled(path: Path) -> SessionLog:
    log = SessionLog(path)
    log.poll()
    return log


def contents(log: SessionLog) -> list[str]:
    return [event["payload"].get("content", "") for event in log.events()]


def test_making_a_log_reads_nothing(spool: Path) -> None:
    log = SessionLog(spool / "missing.jsonl")
    assert len(log) == 0
    assert log.steps == []
    with pytest.raises(FileNotFoundError):
        log.poll()


def test_events_are_as_written(spool: Path) -> None:
    session = a_failing_booking("a")
    log = polled(write_sealed(spool, session))
    assert log.events()[:-1] == session.events[:-1]
    assert [log.type_of(number) for number in range(len(log))] == [e["type"] for e in session.events]
    assert log.event(2) == session.events[2]
    assert json.loads(log.raw(2)) == session.events[2]
    assert [step.events for step in log.steps] == [step.events for step in build_steps(session.events)]
    assert [node.name for node in log.forest()] == [None, "choose-slot"]
    assert log.row().status is Status.FAILED_GOAL


def test_only_what_is_new_is_added(spool: Path) -> None:
    path = a_session("a").says("one").write(spool)
    log = SessionLog(path)
    assert log.poll() == Growth(2, False, False)
    assert log.poll() == Growth(0, False, False)
    steps = log.steps
    append(path, line("a", 2, content="two"))
    assert log.poll() == Growth(1, False, False)
    assert log.steps is steps
    assert len(steps) == 3


def test_a_large_file_comes_in_portions(spool: Path) -> None:
    session = a_session("a")
    for _ in range(3000):
        session.says("word " * 200)
    path = session.write(spool)
    log = SessionLog(path)
    first = log.poll(max_bytes=100_000)
    assert 0 < first.added < 3001
    assert first.more
    total = first.added
    while (growth := log.poll(max_bytes=100_000)).more:
        assert not growth.reset
        total += growth.added
    assert total + growth.added == 3001
    assert log.events() == session.events


def test_half_a_line_waits_for_its_other_half(spool: Path) -> None:
    path = a_session("a").write(spool)
    log = polled(path)
    whole = line("a", 1, content="hello")
    append(path, whole[:40])
    assert log.poll().added == 0
    assert log.skipped == Skipped(torn=1)
    append(path, whole[40:])
    assert log.poll().added == 1
    assert log.skipped == Skipped()


def test_a_whole_last_line_without_its_newline_counts_once(spool: Path) -> None:
    path = a_session("a").write(spool)
    whole = line("a", 1, content="hello")
    append(path, whole.rstrip(b"\n"))
    log = SessionLog(path)
    assert log.poll().added == 2
    append(path, b"\n" + line("a", 2, content="more"))
    assert log.poll().added == 1
    assert contents(log) == ["", "hello", "more"]
    assert log.skipped.total == 0


def test_events_are_ordered_by_seq_and_arrival(spool: Path) -> None:
    lines = [line("a", seq, content=f"{seq}{run}") for seq in range(50) for run in "xy"]
    shuffled = sorted(lines, key=lambda text: random.Random(text).random())
    spool.mkdir()
    path = spool / "a.jsonl"
    path.write_bytes(b"".join(shuffled))
    log = polled(path)
    arrival = {json.loads(text)["payload"]["content"]: place for place, text in enumerate(shuffled)}
    found = contents(log)
    assert found == sorted(found, key=lambda content: (int(content[:-1]), arrival[content]))


def test_a_late_event_takes_its_place_and_says_that_numbers_changed(spool: Path) -> None:
    spool.mkdir()
    path = spool / "a.jsonl"
    path.write_bytes(b"".join(line("a", seq, content=str(seq)) for seq in (0, 1, 3)))
    log = polled(path)
    assert log.steps[2].events == [2]
    append(path, line("a", 4, content="4") + line("a", 2, content="2"))
    growth = log.poll()
    assert growth == Growth(5, True, False)
    assert contents(log) == ["0", "1", "2", "3", "4"]
    assert [step.events for step in log.steps] == [[0], [1], [2], [3], [4]]
    assert log.event(2)["payload"]["content"] == "2"


def test_events_that_swap_places_within_one_poll_disturb_nobody(spool: Path) -> None:
    spool.mkdir()
    path = spool / "a.jsonl"
    path.write_bytes(line("a", 0, content="0"))
    log = polled(path)
    append(path, line("a", 2, content="2") + line("a", 1, content="1"))
    assert log.poll() == Growth(2, False, False)
    assert contents(log) == ["0", "1", "2"]


def test_events_without_a_place_stay_where_they_came(spool: Path) -> None:
    spool.mkdir()
    path = spool / "a.jsonl"
    bare = [
        b'{"type":"note","session_id":"a","seq":%s,"payload":{"content":"%d"}}\n' % (seq, number)
        for number, seq in enumerate((b"5", b"null", b'"x"', b"-3", b"9e400", b"6"))
    ]
    path.write_bytes(b"".join(bare))
    assert contents(polled(path)) == ["0", "1", "2", "3", "4", "5"]


def test_a_truncated_file_is_read_anew(spool: Path) -> None:
    path = a_session("a").says("one").says("two").write(spool)
    log = polled(path)
    assert len(log.steps) == 3
    path.write_bytes(line("a", 0, content="other"))
    assert log.poll() == Growth(1, True, False)
    assert contents(log) == ["other"]
    assert len(log.steps) == 1


def test_a_replaced_file_is_read_anew(spool: Path) -> None:
    path = a_session("a").says("one").write(spool)
    log = polled(path)
    other = spool / "other"
    other.write_bytes(a_session("a").says("1").says("2").says("3").lines())
    other.replace(path)
    assert log.poll() == Growth(4, True, False)
    assert contents(log)[1:] == ["1", "2", "3"]


def test_a_file_rewritten_in_place_with_more_is_read_anew(spool: Path) -> None:
    path = a_session("a").says("one").write(spool)
    log = polled(path)
    path.write_bytes(a_session("a").says("another beginning").says("2").says("3").lines())
    assert log.poll() == Growth(4, True, False)
    assert contents(log)[1] == "another beginning"


def test_what_was_read_of_a_deleted_file_stays_readable(spool: Path) -> None:
    path = a_session("a").says("one").write(spool)
    log = polled(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        log.poll()
    assert contents(log) == ["", "one"]


def test_reading_a_line_that_was_cut_off_meanwhile_shows_that(spool: Path) -> None:
    path = a_session("a").says("one").write(spool)
    log = polled(path)
    os.truncate(path, 10)
    assert log.event(1)["type"] == "unreadable"


def test_the_type_is_known_without_parsing(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_sealed(spool, a_passing_booking("a"))
    monkeypatch.setattr(event_line, "parse", lambda _: pytest.fail("parsed"))
    log = polled(path)
    assert log.type_of(0) == "state_change"
    assert log.type_of(len(log) - 1) == "session_end"


IMITATIONS = [
    {"x": ',"seq":99,"session_id":"b","timestamp":"t","type":"session_end"}'},
    {"z": {"idempotency_key": "k", "seq": 99, "session_id": "b", "timestamp": "t", "type": "session_end"}},
    {"type": "session_end", "seq": 99, "session_id": "b", "timestamp": "t"},
    {"content": '"}\n{"idempotency_key":"k","seq":99,"session_id":"b","timestamp":"t","type":"error"}'},
    {'","type":"session_end"}': '","type":"session_end"}'},
]


@pytest.mark.parametrize("payload", IMITATIONS, ids=range(len(IMITATIONS)))
def test_a_payload_cannot_pass_for_the_envelope(spool: Path, payload: dict[str, object]) -> None:
    spool.mkdir()
    path = spool / "a.jsonl"
    event = json.loads(line("a", 7, "tool_call"))
    path.write_bytes(encode_line({**event, "payload": payload}))
    log = polled(path)
    assert (len(log), log.type_of(0), log.seq_of(0)) == (1, "tool_call", 7)
    assert log.event(0)["payload"] == payload


def test_other_key_orders_and_line_ends_are_read_too(spool: Path) -> None:
    spool.mkdir()
    path = spool / "a.jsonl"
    path.write_bytes(
        b'\xef\xbb\xbf{"type":"user_message","seq":0,"session_id":"a","payload":{"content":"first"}}\r\n'
        b'{"payload":{"content":"second","type":"error"},"type":"agent_message","seq":1,"session_id":"a"}\r\n'
        + line("a", 2, content="third").replace(b"\n", b"\r\n")
    )
    log = polled(path)
    assert [log.type_of(number) for number in range(3)] == ["user_message", "agent_message", "agent_message"]
    assert contents(log) == ["first", "second", "third"]
    assert log.raw(2).endswith(b"}")
    assert log.skipped.total == 0


def test_a_torn_line_with_another_behind_it_is_garbage_not_an_event() -> None:
    torn = line("a", 1, content="hello")[:60] + line("a", 2, content="world")
    assert not isinstance(peek(torn.rstrip(b"\n")), Peek)


def test_an_exported_document_reads_like_a_session(tmp_path: Path) -> None:
    session = a_failing_booking("a")
    for name, document in (
        ("whole", {"session_id": "a", "events": session.events}),
        ("bare", session.events),
    ):
        path = tmp_path / f"{name}.json"
        path.write_text(json.dumps(document, indent=2))
        log = polled(path)
        assert log.events() == session.events
        row = log.row()
        assert (row.session_id, row.status, row.events) == ("a", Status.FAILED_GOAL, len(session.events))
        assert log.poll() == Growth(0, False, False)
    path.write_text(json.dumps(session.events[:3]))
    assert log.poll() == Growth(3, True, False)


@pytest.mark.parametrize(
    ("text", "reason"),
    [("{", "not JSON"), ("{}", "without a list of events"), ("7", "without a list of events")],
)
def test_a_document_that_is_no_export_says_why(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(NotReadable, match=reason):
        SessionLog(path).poll()


def test_a_closed_log_reads_again_when_asked(spool: Path) -> None:
    path = a_session("a").says("one").write(spool)
    log = polled(path)
    log.close()
    assert len(log) == 0
    assert log.poll().added == 2


def test_every_event_of_a_writing_process_is_there_while_it_runs(spool: Path) -> None:
    agent = start_agent(
        "with pt.start(agent='a', user_goal='g', session_id='live', spool_dir=spool, transport='spool'):\n"
        "    for number in range(3000):\n"
        "        pt.current().agent_message(f'{number} ' + 'x' * (number % 700))\n"
        "        if number % 1000 == 0:\n"
        "            print(number + 2, flush=True)\n"
        "            sys.stdin.readline()\n",
        spool,
    )
    assert agent.stdin is not None
    assert agent.stdout is not None
    log = SessionLog(spool / "live.jsonl")
    seen = 0
    for _ in range(3):
        written = int(agent.stdout.readline())
        seen += log.poll().added
        assert seen == written  # the agent waits: what it returned from is on disk
        assert log.row().status is Status.RUNNING
        agent.stdin.write("\n")
        agent.stdin.flush()
        while seen < written + 500:  # and now it writes while we read
            growth = log.poll()
            assert not growth.reset
            seen += growth.added
    agent.communicate()
    seen += log.poll().added
    assert seen == len(log) == 3002
    assert [event["seq"] for event in log.events()] == list(range(3002))
    assert log.row().status is Status.COMPLETED


def test_a_killed_writer_leaves_every_event_it_returned_from(spool: Path) -> None:
    agent = start_agent(
        "session = pt.start(agent='a', user_goal='g', session_id='dead', spool_dir=spool, transport='spool')\n"
        "session.__enter__()\n"
        "for number in range(10**9):\n"
        "    session.agent_message('x' * 50)\n"
        "    print(number, flush=True)\n",
        spool,
    )
    assert agent.stdout is not None
    for _ in range(200):
        agent.stdout.readline()
    rest = kill(agent)
    returned = 200 + rest.count("\n")
    log = polled(spool / "dead.jsonl")
    assert len(log) >= returned  # one more may be written than was reported
    row = log.row()
    assert row.status is Status.CRASHED
    assert row.events == len(log)
    # Cut in the middle of the last line, as a full disk would: the others stay.
    size = log.size_bytes
    os.truncate(log.path, size - 7)
    again = polled(log.path)
    assert len(again) == len(log) - 1
    assert again.skipped == Skipped(torn=1)
