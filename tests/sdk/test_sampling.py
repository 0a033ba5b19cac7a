"""Head, per-type and tail sampling."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus.sampling import TailDecision, TailSamplingPolicy, keeps
from promptetheus.transport import InMemoryTransport
from tests.sdk.programs import Run
from tests.sdk.spooled import a_session, events_of

NOTHING_BORING = TailSamplingPolicy(boring_success_keep_rate=0.0)


@pytest.mark.parametrize(
    ("session_id", "fraction"),
    [
        ("s1", 0.9091199777348566),
        ("sess_abc", 0.3428475370676433),
        ("01KVMZ4T7V2SN61ZWG1XTDBK47", 0.8771677356437244),
    ],
)
def test_an_id_is_kept_when_its_fraction_is_below_the_rate(session_id: str, fraction: float) -> None:
    assert keeps(session_id, fraction + 1e-9)
    assert not keeps(session_id, fraction - 1e-9)
    assert keeps(session_id, 1.0)
    assert not keeps(session_id, 0.0)


def test_a_session_that_is_sampled_out_runs_and_writes_nothing(spool: Path) -> None:
    @pt.tool
    def work() -> int:
        return 5

    with a_session(spool, sample_rate=0.0) as session:
        assert work() == 5
        event = session.user_message("x")
        session.screenshot(b"\x89PNG")
    assert (event["type"], event["payload"]) == ("user_message", {"content": "x"})
    assert not spool.exists()
    assert not session.is_recorded


def test_the_rate_comes_from_the_settings_and_an_invalid_one_means_everything(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMPTETHEUS_SAMPLE_RATE", "0")
    with pt.start(agent="a", user_goal="g", spool_dir=spool):
        pass
    assert not spool.exists()
    with a_session(spool, sample_rate="often"):
        pass
    assert len(events_of(spool)) == 2


def test_events_of_a_type_are_sampled_and_those_that_matter_never(spool: Path) -> None:
    rates = dict.fromkeys(["metric", "error", "goal_check", "state_change", "session_end"], 0.0)
    with a_session(spool, event_sample_rates=rates) as session:
        dropped = session.metric("n", 1)
        session.error("x")
        session.goal_check(True)
    assert dropped["seq"] == 1
    assert [e["type"] for e in events_of(spool)] == ["state_change", "error", "goal_check", "session_end"]
    assert pt.stats()["dropped"] == {"sampled": 1}


# ── tail ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_boring_session_is_taken_away_at_its_end(spool: Path) -> None:
    with a_session(spool, tail_sample=True, tail_policy=NOTHING_BORING) as session:
        session.user_message("x")
        assert len(events_of(spool)) == 2
        assert events_of(spool)[0]["metadata"]["tail_sample"] is True
    assert list(spool.iterdir()) == []
    assert pt.stats()["dropped"] == {"tail_sampled": 3}


def test_a_tail_sampled_session_of_a_crashed_process_is_kept(spool: Path, program: Run) -> None:
    program(
        """
        with pt.start(agent="a", user_goal="g", spool_dir=SPOOL, tail_sample=True, sample_rate=0.0) as session:
            session.user_message("x")
            os._exit(1)
        """,
        code_expected=1,
    )
    assert len(events_of(spool)) == 2


@pytest.mark.parametrize(
    "act",
    [
        lambda s: s.error("x"),
        lambda s: s.goal_check(False),
        lambda s: s.end("failed"),
        lambda s: s.end(error="x"),
        lambda s: [s.tool_call("search", {"q": 1}) for _ in range(3)],
        lambda s: s.event("state_change", {"name": "span_end", "span_name": "x", "duration_ms": 30_001}),
    ],
    ids=["error", "failed check", "failed", "ended with error", "loop", "slow span"],
)
def test_an_interesting_session_is_kept(act: Any, spool: Path) -> None:
    with a_session(spool, tail_sample=True, tail_policy=NOTHING_BORING) as session:
        act(session)
    assert events_of(spool)[-1]["type"] == "session_end"


def test_a_failure_is_kept_whatever_the_policy_says(spool: Path) -> None:
    class Never:
        def decide(self, events: Iterable[Any], *, session_id: str, head_sample_rate: float) -> TailDecision:
            return TailDecision(False, False, "never")

    with a_session(spool, tail_sample=True, tail_policy=Never()) as session:
        session.goal_check(False)
    assert len(events_of(spool)) == 3


@pytest.mark.parametrize("answer", [None, 5, "raise"])
def test_a_policy_that_fails_or_answers_nonsense_keeps_the_session(answer: Any, spool: Path) -> None:
    class Broken:
        def decide(self, events: Iterable[Any], *, session_id: str, head_sample_rate: float) -> Any:
            if answer == "raise":
                raise RuntimeError("broken")
            return answer

    with a_session(spool, tail_sample=True, tail_policy=Broken()):
        pass
    assert len(events_of(spool)) == 2
    assert pt.stats()["failed"] == {"tail_policy": 1}
    assert pt.current().session_id == "noop"


def test_a_policy_may_go_through_the_events_more_than_once(spool: Path) -> None:
    seen = []

    class Twice(TailSamplingPolicy):
        def decide(self, events: Any, *, session_id: str, head_sample_rate: float) -> TailDecision:
            seen.append([len(events), len(list(events)), len(list(events))])
            return TailDecision(True, True, "seen")

    for transport in (None, InMemoryTransport()):
        with a_session(spool, tail_sample=True, tail_policy=Twice(), transport=transport):
            pass
    assert seen == [[2, 2, 2], [2, 2, 2]]


@pytest.mark.parametrize("to_transport", [False, True])
def test_a_skeleton_of_a_dropped_session_can_be_kept(to_transport: bool, spool: Path) -> None:
    policy = TailSamplingPolicy(boring_success_keep_rate=0.0, emit_skeleton_on_drop=True)
    transport = InMemoryTransport() if to_transport else None
    with a_session(spool, tail_sample=True, tail_policy=policy, transport=transport) as session:
        session.user_message("x")
    first, last = transport.events if transport else events_of(spool)
    assert first["payload"]["name"] == "session_started"
    assert last["payload"] == {
        "status": "completed", "error": None, "tail_dropped": True, "tail_drop_reason": "boring success (dropped)",
        "tail_dropped_event_count": 3,
    }  # fmt: skip


def test_a_transport_gets_a_tail_sampled_session_in_one_batch_at_its_end() -> None:
    calls: list[tuple[str, int]] = []

    class Transport:
        def create_trace(self, trace: dict[str, Any]) -> None:
            calls.append(("create", 1))

        def send_batch(self, events: list[Any]) -> None:
            calls.append(("batch", len(events)))

    with pt.start(agent="a", user_goal="g", tail_sample=True, transport=Transport()) as session:
        session.error("x")
        assert calls == []
    assert calls == [("create", 1), ("batch", 3)]
    with pt.start(
        agent="a", user_goal="g", tail_sample=True, tail_policy=NOTHING_BORING, transport=Transport()
    ):
        pass
    assert calls == [("create", 1), ("batch", 3)]


def test_a_file_that_others_wrote_to_is_not_taken_away(spool: Path) -> None:
    with a_session(spool, session_id="s"):
        pass
    with a_session(spool, session_id="s", tail_sample=True, tail_policy=NOTHING_BORING) as session:
        session.user_message("x")
    assert len(events_of(spool)) == 5


def test_reasons_come_in_their_order() -> None:
    def event(kind: str, **payload: Any) -> dict[str, Any]:
        return {"type": kind, "payload": payload}

    policy = TailSamplingPolicy()
    call = event("tool_call", tool_name="search", arguments={"q": 1})
    assert policy.interesting([event("goal_check", passed=False), event("error")]) == (
        True,
        "failed goal_check",
    )
    assert policy.interesting([call] * 3) == (True, "retry loop on search (x3)")
    slow = event("state_change", name="span_end", span_name="fetch", duration_ms=31_000)
    assert policy.interesting([slow]) == (True, "slow span fetch (31000ms)")
    assert policy.interesting([event("span_end", duration_ms=25_000)] * 5) == (
        True, "slow session (125000ms of span time)",
    )  # fmt: skip
    assert policy.interesting([json.loads("5"), None, event("metric")]) == (False, "boring success")  # type: ignore[list-item]
