"""What has been acknowledged is on disk, however the process ends."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from tests.sdk.programs import Run, start_program, wait_until
from tests.sdk.spooled import events_of, lines_of, sessions_of

COUNTING = """
    session = pt.start(agent="a", user_goal="g", spool_dir=SPOOL, session_id="s").__enter__()
    out = os.open("acknowledged", os.O_WRONLY | os.O_CREAT)
    number = 0
    while True:
        session.tool_call("work", {"number": number}, str(number))
        os.pwrite(out, b"%010d" % number, 0)
        number += 1
"""


@pytest.mark.parametrize("attempt", range(5))
@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGTERM])
def test_every_acknowledged_event_survives_a_kill(
    with_signal: signal.Signals, attempt: int, spool: Path, tmp_path: Path
) -> None:
    acknowledged = tmp_path / "acknowledged"
    process = start_program(COUNTING, spool, tmp_path)
    wait_until(lambda: acknowledged.exists() and acknowledged.read_bytes() > b"%010d" % (attempt * 500))
    process.send_signal(with_signal)
    process.communicate()
    assert process.returncode == -with_signal
    last = int(acknowledged.read_bytes())
    (path,) = spool.glob("*.jsonl")
    whole = (
        path.read_bytes().rpartition(b"\n")[0].splitlines()
    )  # a line that was not acknowledged may be torn
    numbers = [json.loads(line)["payload"]["arguments"]["number"] for line in whole[1:]]
    assert numbers[: last + 1] == list(range(last + 1))
    assert len(numbers) <= last + 2


@pytest.mark.parametrize("ending", ["os._exit(3)", "os.kill(os.getpid(), 9)", "os.abort()"])
def test_nothing_is_lost_when_the_process_ends_at_once(ending: str, spool: Path, program: Run) -> None:
    program(
        f"""
        session = pt.start(agent="a", user_goal="g", spool_dir=SPOOL).__enter__()
        for number in range(1000):
            session.metric("n", number)
        {ending}
        """,
        code_expected=None,
    )
    assert [event["payload"].get("value") for event in events_of(spool)] == [None, *range(1000)]


def test_nothing_is_lost_when_the_interpreter_ends_without_an_end(spool: Path, program: Run) -> None:
    program(
        """
        session = pt.start(agent="a", user_goal="g", spool_dir=SPOOL)
        session.user_message("x")
        """
    )
    assert [event["type"] for event in events_of(spool)] == ["state_change", "user_message"]


def test_recording_works_to_the_very_end_of_the_interpreter(spool: Path, program: Run) -> None:
    done = program(
        """
        import atexit, threading

        session = pt.start(agent="a", user_goal="g", spool_dir=SPOOL).__enter__()
        atexit.register(lambda: session.user_message("at exit"))

        class Late:
            def __del__(self):
                session.user_message("in a finaliser")

        late = Late()
        def forever():
            while True:
                session.metric("n", 1)
        threading.Thread(target=forever, daemon=True).start()
        """
    )
    assert done.stderr == ""
    assert {"at exit"} <= {event["payload"].get("content") for event in events_of(spool)}


def test_a_signal_handler_may_record(spool: Path, program: Run) -> None:
    """The handler runs in the middle of a call of the same thread: a plain lock would wait for itself."""
    program(
        """
        import signal

        session = pt.start(agent="a", user_goal="g", spool_dir=SPOOL).__enter__()
        signal.signal(signal.SIGALRM, lambda *_: session.user_message("tick"))
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
        for number in range(3000):
            session.metric("n", number)
        signal.setitimer(signal.ITIMER_REAL, 0)
        session.end()
        """
    )
    events = events_of(spool)
    assert [e["payload"]["value"] for e in events if e["type"] == "metric"] == list(range(3000))
    assert sum(event["type"] == "user_message" for event in events) > 5
    assert sorted(event["seq"] for event in events) == list(range(len(events)))


# ── forks and other processes ────────────────────────────────────────────────────────────────────────────────


def test_after_a_fork_parent_and_child_record_without_sharing_a_key(spool: Path, program: Run) -> None:
    program(
        """
        session = pt.start(agent="a", user_goal="g", spool_dir=SPOOL).__enter__()
        session.user_message("before")
        child = os.fork()
        who = "parent" if child else "child"
        for number in range(200):
            session.metric(who, number)
        if not child:
            os._exit(0)
        os.waitpid(child, 0)
        session.end()
        """
    )
    events = events_of(spool)
    for who in ("parent", "child"):
        assert [e["payload"]["value"] for e in events if e["payload"].get("name") == who] == list(range(200))
    assert len({event["idempotency_key"] for event in events}) == len(events) == 403
    nonces = {event["idempotency_key"].split(":")[1] for event in events}
    assert len(nonces) == 2
    assert events[-1]["metadata"]["summary"]["spool_bytes"] != sum(
        len(line) + 1 for line in lines_of(spool)[:-1]
    )


def test_a_fork_while_threads_are_recording_does_not_leave_the_child_waiting(
    spool: Path, program: Run
) -> None:
    program(
        """
        import threading, warnings

        warnings.simplefilter("ignore", DeprecationWarning)  # fork with threads: that is what this is about
        session = pt.start(agent="a", user_goal="g", spool_dir=SPOOL).__enter__()
        stop = threading.Event()

        def busy():
            while not stop.is_set():
                session.metric("busy", 1)

        threads = [threading.Thread(target=busy) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            child = os.fork()
            if not child:
                session.user_message("from a child")
                pt.stats()
                os._exit(0)
            assert os.waitpid(child, 0)[1] == 0
        stop.set()
        for thread in threads:
            thread.join()
        """
    )
    assert sum(event["type"] == "user_message" for event in events_of(spool)) == 20


def test_threads_that_a_forked_child_starts_share_one_nonce_and_one_lock(spool: Path, program: Run) -> None:
    """All of them find at the same time that they are in a child."""
    program(
        """
        import threading
        session = pt.start(agent="a", user_goal="g", spool_dir=SPOOL, session_id="s").__enter__()
        for _ in range(10):
            if not os.fork():
                ready = threading.Barrier(8)
                def work():
                    ready.wait()
                    for number in range(50):
                        session.metric("n", number)
                threads = [threading.Thread(target=work) for _ in range(8)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                os._exit(0)
            assert os.wait()[1] == 0
        """
    )
    events = [event for event in events_of(spool) if event["type"] == "metric"]
    assert len(events) == 10 * 8 * 50
    assert len({event["idempotency_key"] for event in events}) == len(events)
    nonces = {event["idempotency_key"].split(":")[1] for event in events}
    assert len(nonces) == 10
    for nonce in nonces:
        seqs = [event["seq"] for event in events if f":{nonce}:" in event["idempotency_key"]]
        assert seqs == sorted(seqs)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_multiprocessing_record_sessions_of_their_own(
    method: str, spool: Path, tmp_path: Path, program: Run
) -> None:
    (tmp_path / "work.py").write_text(
        "import promptetheus as pt\n"
        "def work(arguments):\n"
        "    spool, number = arguments\n"
        "    with pt.start(agent='a', user_goal='g', spool_dir=spool, session_id=f'w{number}') as session:\n"
        "        session.metric('n', number)\n"
    )
    program(
        f"""
        import multiprocessing, warnings
        from work import work

        warnings.simplefilter("ignore", DeprecationWarning)
        with pt.start(agent="a", user_goal="g", spool_dir=SPOOL, session_id="parent") as session:
            with multiprocessing.get_context("{method}").Pool(2) as pool:
                pool.map(work, [(SPOOL, number) for number in range(4)])
        """
    )
    sessions = sessions_of(spool)
    assert set(sessions) == {"parent", "w0", "w1", "w2", "w3"}
    for number in range(4):
        assert [event["type"] for event in sessions[f"w{number}"]] == [
            "state_change",
            "metric",
            "session_end",
        ]


def test_workers_forked_after_the_first_session_do_not_share_anything(spool: Path, program: Run) -> None:
    """As gunicorn does it: the application is loaded, then the workers are forked."""
    program(
        """
        @pt.observe(user_goal="g", spool_dir=SPOOL)
        def handle(number):
            pt.current().metric("n", number)

        handle(0)
        children = []
        for number in range(1, 4):
            child = os.fork()
            if not child:
                handle(number)
                os._exit(0)
            children.append(child)
        for child in children:
            os.waitpid(child, 0)
        """
    )
    sessions = sessions_of(spool)
    assert len(sessions) == 4
    values = [
        [e["payload"]["value"] for e in events if e["type"] == "metric"] for events in sessions.values()
    ]
    assert sorted(values) == [[0], [1], [2], [3]]


def test_two_processes_may_record_one_session(spool: Path, tmp_path: Path) -> None:
    code = """
        session = pt.start(agent="a", user_goal="g", spool_dir=SPOOL, session_id="shared").__enter__()
        for number in range(2000):
            session.metric(str(os.getpid()), number, metadata={"pad": "x" * 500})
        session.end()
    """
    processes = [start_program(code, spool, tmp_path) for _ in range(3)]
    for process in processes:
        assert process.communicate()[1] == b""
        assert process.returncode == 0
    events = events_of(spool)
    for process in processes:
        mine = [e["payload"]["value"] for e in events if e["payload"].get("name") == str(process.pid)]
        assert mine == list(range(2000))
    assert len({event["idempotency_key"] for event in events}) == len(events) == 3 * 2002


def test_a_torn_last_line_of_a_dead_writer_does_not_swallow_the_next_one(spool: Path, program: Run) -> None:
    spool.mkdir()
    (spool / "s.jsonl").write_bytes(
        b'{"seq":7,"session_id":"s","type":"metric"}\n{"idempotency_key":"s:1:8","pay'
    )
    program(
        """
        with pt.start(agent="a", user_goal="g", spool_dir=SPOOL, session_id="s") as session:
            session.user_message("x")
        """
    )
    lines = lines_of(spool)
    assert lines[1] == '{"idempotency_key":"s:1:8","pay'
    assert [json.loads(line)["seq"] for line in lines[2:]] == [8, 9, 10]
    assert os.listdir(spool) == ["s.jsonl"]
