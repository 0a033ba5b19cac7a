"""Names of failures and classes of deviations do not depend on ids, times or how often a run was brought in."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.cause.deviation import deviation, deviation_classes
from promptetheus.cause.effects import infer_effects
from promptetheus.cause.held_against import compare
from promptetheus.cause.signatures import make_run
from promptetheus.clock import format_timestamp, parse_timestamp
from promptetheus.fingerprint import failure_fingerprint
from promptetheus.importers.intake import import_paths
from promptetheus.queries.failure_list import list_deviations
from promptetheus.queries.tasks import all_rows
from tests.builders import SessionBuilder, a_session
from tests.cause.hostile import EVENTS

Event = dict[str, Any]
Change = Callable[[list[Event]], list[Event]]


def booking(day: str = "Tuesday", *, error: bool = False) -> SessionBuilder:
    session = a_session().asks("Book Tuesday").calls("search_slots", {"day": "Tuesday"}, result=["2pm"])
    if error:
        session.calls(
            "book_slot",
            {"day": day},
            error="TimeoutError: request 3f2b8c1e-0a4d-4c55-9d2e-111111111111 timed out",
        )
    else:
        session.calls("book_slot", {"day": day, "hour": 14}, result={"ok": True})
    return session.checks(
        day == "Tuesday" and not error, *([] if day == "Tuesday" else [f"selected {day}"])
    ).ends()


def renamed(events: list[Event], prefix: str) -> list[Event]:
    found = copy.deepcopy(events)
    for event in found:
        event["session_id"] = f"{prefix}-session"
        event["idempotency_key"] = f"{prefix}:{event.get('seq')}"
        if isinstance(event.get("span_id"), str):
            event["span_id"] = f"{prefix}{event['span_id']}"
        payload = event.get("payload")
        if isinstance(payload, dict) and isinstance(payload.get("call_id"), str):
            payload["call_id"] = f"{prefix}-{payload['call_id']}"
    return found


def shifted(events: list[Event], by_s: float, stretch: float) -> list[Event]:
    found = copy.deepcopy(events)
    for event in found:
        moment = parse_timestamp(event.get("timestamp"))
        if moment is not None:
            event["timestamp"] = format_timestamp(1_795_000_000 + (moment - 1_795_000_000) * stretch + by_s)
    return found


IDS = st.text("abcdefghijklmnopqrstuvwxyz0123456789", min_size=1, max_size=12)
SHIFTS = st.tuples(st.floats(-1e8, 1e8), st.floats(0.01, 1000))


@given(EVENTS, IDS)
def test_a_fingerprint_is_the_same_under_other_ids(events: list[Event], prefix: str) -> None:
    assert failure_fingerprint(renamed(events, prefix)) == failure_fingerprint(events)


@given(IDS, SHIFTS, st.booleans())
def test_a_fingerprint_is_the_same_at_another_time(
    prefix: str, shift: tuple[float, float], error: bool
) -> None:
    events = booking("Wednesday", error=error).events
    assert failure_fingerprint(shifted(renamed(events, prefix), *shift)) == failure_fingerprint(events)


@given(IDS, SHIFTS, st.sampled_from(["Tuesday", "Wednesday"]), st.booleans())
def test_a_deviation_is_the_same_under_other_ids_and_times(
    prefix: str, shift: tuple[float, float], day: str, error: bool
) -> None:
    passing, failing = booking().events, booking(day, error=error).events
    runs = [make_run(passing), make_run(failing)]
    others = [make_run(shifted(renamed(events, prefix), *shift)) for events in (passing, failing)]
    one = deviation(runs[1], [runs[0]], infer_effects(runs))
    other = deviation(others[1], [others[0]], infer_effects(others))
    assert one is not None and other is not None
    assert (one.fingerprint, one.label) == (other.fingerprint, other.label)
    assert [run.signatures for run in runs] == [run.signatures for run in others]
    assert compare(runs[0], others[0]).first is None


@given(EVENTS, EVENTS, IDS)
def test_any_sessions_deviate_alike_under_other_ids(
    one: list[Event], other: list[Event], prefix: str
) -> None:
    def label(*sessions: list[Event]) -> str:
        runs = [make_run(events) for events in sessions]
        found = deviation(runs[1], [runs[0]], infer_effects(runs))
        assert found is not None
        return found.label

    assert label(one, other) == label(renamed(one, prefix), renamed(other, prefix))


def test_the_class_does_not_depend_on_the_order_in_which_sessions_are_given() -> None:
    passing, failing = make_run(booking().events), make_run(booking("Wednesday").events)
    effects = infer_effects([passing, failing])
    found = [
        ("a", deviation(failing, [passing], effects)),
        ("b", None),
        ("c", deviation(failing, [passing], effects)),
    ]
    there, back = deviation_classes(found), deviation_classes(found[::-1])
    assert [each.fingerprint for each in there.classes] == [each.fingerprint for each in back.classes]
    assert (there.classes[0].sessions, there.without_passing) == (("a", "c"), ("b",))


@pytest.fixture(scope="module")
def imported(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    spool = tmp_path_factory.mktemp("imported") / "spool"
    list(import_paths([real_data / "tau-bench" / "airline" / "gpt-4o-airline.split-A.json"], spool))
    return spool


def classes(spool: Path) -> dict[str, tuple[str, ...]]:
    found = list_deviations(spool, all_rows(spool))
    named = {each.fingerprint: tuple(sorted(each.sessions)) for each in found.classes}
    return {**named, "without": tuple(sorted(found.without_passing))}


def test_published_runs_have_the_same_names_after_being_imported_again_elsewhere(
    imported: Path, real_data: Path, tmp_path: Path
) -> None:
    before = {row.session_id: (row.fingerprint, row.status) for row in all_rows(imported)}
    known = classes(imported)
    source = real_data / "tau-bench" / "airline" / "gpt-4o-airline.split-A.json"
    list(import_paths([source], imported))
    assert {row.session_id: (row.fingerprint, row.status) for row in all_rows(imported)} == before
    assert classes(imported) == known
    again = tmp_path / "again" / "spool"
    list(import_paths([source], again))
    assert {row.session_id: (row.fingerprint, row.status) for row in all_rows(again)} == before
    assert classes(again) == known
    assert len(known["without"]) > 0


def test_published_runs_have_the_same_names_under_other_ids_and_times(imported: Path, tmp_path: Path) -> None:
    """Every id of a call and a session is another one, every time is a year later."""
    spool = tmp_path / "spool"
    spool.mkdir()
    for path in imported.glob("*.jsonl"):
        events = [json.loads(line) for line in path.read_text().splitlines()]
        for event in events:
            event["session_id"] = f"x-{event['session_id']}"
            event["timestamp"] = re.sub(r"^\d{4}", "2031", event["timestamp"])
            if "call_id" in event["payload"]:
                event["payload"]["call_id"] = f"renamed-{event['payload']['call_id']}"
            event.get("metadata", {}).pop("summary", None)
        lines = (json.dumps(event, sort_keys=True, separators=(",", ":")) for event in events)
        (spool / f"x-{path.name}").write_text("\n".join(lines) + "\n")
    before = {f"x-{row.session_id}": row.fingerprint for row in all_rows(imported)}
    assert {row.session_id: row.fingerprint for row in all_rows(spool)} == before
    renamed_classes = {
        name: tuple(sorted(session.removeprefix("x-") for session in sessions))
        for name, sessions in classes(spool).items()
    }
    assert renamed_classes == classes(imported)
