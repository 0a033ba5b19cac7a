"""A session may go on for as long as it likes: what is kept of it in memory has a limit, and what the limit left
out is counted."""

from __future__ import annotations

import threading
from pathlib import Path

import promptetheus as pt
from promptetheus.fingerprint import MAX_SIGNALS, MAX_TRACKED_CALLS, SignalCollector
from promptetheus.summary import MAX_NAMES, MAX_OPEN_SPANS, SummaryCounter
from promptetheus.transport import LocalSpoolTransport
from tests.sdk.programs import Run
from tests.sdk.spooled import a_session, events_of, sessions_of


def test_memory_does_not_grow_with_a_session_that_never_repeats_itself(spool: Path, program: Run) -> None:
    """Every name, every call, every failure is a new one, and no span is ever closed."""
    done = program(
        """
        import contextvars
        from promptetheus.transport import LocalSpoolTransport
        pages, transport = os.sysconf("SC_PAGE_SIZE"), LocalSpoolTransport(SPOOL)
        session = pt.start(agent="a", user_goal="g", spool_dir=SPOOL, redact="default")

        def words(number):
            return " ".join("abcdefghij"[int(digit)] * 3 for digit in str(number))

        def go_on(begin, number):
            for n in range(begin, begin + number):
                session.tool_call(f"tool {words(n)}", {f"key_{n}": n}, f"call {n}")
                session.tool_result(f"other {n}", error=f"it said {words(n)}")
                session.error(f"Broken {words(n)}", handled=n % 2 == 0)
                session.goal_check(False, [f"not {words(n)}"])
                session.llm_call(f"model {words(n)}", input_tokens=1)
                session.score(f"score {words(n)}", 1)
                session.add_tags(f"tag {n}")
                session.update_metadata(**{f"fact_{n}": n})
                contextvars.copy_context().run(session.span(f"span {n}").__enter__)
                if n % 10 == 0:
                    transport.send_event({"session_id": f"s{n}", "type": "metric"})
            return int(open("/proc/self/statm").read().split()[1]) * pages / 2**20

        warm = go_on(0, 12_000)
        print(warm, go_on(12_000, 8_000), session._recorder.counter.result()["left_out"])
        """
    )
    warm, later, left_out = done.stdout.split(maxsplit=2)
    assert float(later) - float(warm) < 3, "MiB, where 8,000 more of everything would be tens of them"
    for kind in ("tools", "models", "scores", "tags", "metadata", "signals", "open_calls", "open_spans"):
        assert f"'{kind}'" in left_out


def test_open_spans_and_calls_beyond_the_limit_are_forgotten_and_counted() -> None:
    counter = SummaryCounter()
    for number in range(MAX_OPEN_SPANS + 5_000):
        counter.add(
            {
                "type": "state_change",
                "span_id": f"span_{number}",
                "payload": {"name": "span_start", "span_name": "s"},
            }
        )
        counter.add({"type": "tool_call", "payload": {"tool_name": "t", "call_id": f"c{number}"}})
    left_out = counter.result()["left_out"]
    assert left_out["open_spans"] == 5_000
    assert left_out["open_calls"] == 5_000
    assert len(counter._open_spans) <= MAX_OPEN_SPANS
    assert len(counter._open_calls) <= MAX_TRACKED_CALLS


def test_failures_beyond_the_limit_are_counted_and_leave_the_fingerprint_as_it_is() -> None:
    def collected(number: int) -> SignalCollector:
        collector = SignalCollector()
        for n in range(number):
            text = "".join(chr(ord("g") + int(digit)) for digit in str(n))
            collector.add({"type": "error", "payload": {"message": f"broken {text}"}})
        return collector

    at_limit, beyond = collected(MAX_SIGNALS), collected(MAX_SIGNALS + 500)
    assert at_limit.left_out == {}
    assert beyond.left_out == {"signals": 500}
    assert beyond.result().fingerprint == at_limit.result().fingerprint


def test_a_summary_without_anything_left_out_does_not_mention_it(spool: Path) -> None:
    with a_session(spool) as session:
        session.tool_call("x")
    assert "left_out" not in events_of(spool)[-1]["metadata"]["summary"]


def test_tags_and_metadata_beyond_the_limit_are_recorded_all_the_same(spool: Path) -> None:
    with a_session(spool) as session:
        session.add_tags(*(f"tag {number}" for number in range(1_500)))
        session.update_metadata(**{f"fact_{number}": number for number in range(1_500)})
        session.update_metadata(fact_3="new")
    assert (len(session.tags), len(session.metadata), session.metadata["fact_3"]) == (1_000, 1_000, "new")
    added, updated = events_of(spool)[1:3]
    assert len(added["payload"]["after"]["tags"]) == len(updated["payload"]["after"]) == 1_500
    assert pt.stats()["truncated"] == {"session_tags": 500, "session_metadata": 500}
    summary = events_of(spool)[-1]["metadata"]["summary"]
    assert len(summary["tags"]) == MAX_NAMES
    assert summary["left_out"]["tags"] == 1_500 - MAX_NAMES


def test_a_transport_of_very_many_sessions_remembers_few_and_loses_none(spool: Path) -> None:
    transport = LocalSpoolTransport(spool)

    def send(first: int) -> None:
        for turn in range(2):
            for number in range(400):
                transport.send_event({"session_id": f"s{number}", "seq": first + turn, "type": "metric"})

    threads = [threading.Thread(target=send, args=(first,)) for first in (0, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(transport._files) <= 256
    found = sessions_of(spool)
    assert len(found) == 400
    assert all(sorted(event["seq"] for event in events) == [0, 1, 2, 3] for events in found.values())
