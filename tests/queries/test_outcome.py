"""What became of a session, read from its file in one sentence."""

from __future__ import annotations

from pathlib import Path

from promptetheus.cause.narrative import headline
from promptetheus.fingerprint import failure_fingerprint
from promptetheus.queries import outcome
from promptetheus.queries.outcome import failure_in_full, outcome_sentence
from tests.builders import a_session

WRONG_CALL = "book_reservation(insurance='no') was not the expected one: michelle_4318 wanted insurance"


def test_it_is_what_all_events_together_say(spool: Path) -> None:
    for number, session in enumerate(
        (
            a_session("a").checks(False, WRONG_CALL).ends(),
            a_session("b").calls("pay", {"eur": 5}, error="503 upstream").ends("failed"),
            a_session("c").event("error", {"message": "no such day"}).ends("failed"),
            a_session("d").says("booked").ends(),
            a_session("e").says("never ended"),
        )
    ):
        assert outcome_sentence(session.write(spool)) == headline(session.events), number


def test_what_a_label_leaves_out_is_in_it(spool: Path) -> None:
    path = a_session("a").checks(False, WRONG_CALL).ends().write(spool)
    assert outcome_sentence(path) == f"Failed its goal: {WRONG_CALL}."


def test_where_labels_are_the_same_all_of_the_fingerprint_is_not(spool: Path) -> None:
    labels, told = set(), set()
    for number, mismatch in enumerate(("michelle wanted insurance", "omar wanted none")):
        session = a_session(f"s{number}").checks(False, f"{WRONG_CALL[:60]}; {mismatch}").ends()
        labels.add(failure_fingerprint(session.events).label)
        told.add(failure_in_full(session.write(spool)))
    assert len(labels) == 1
    assert {text.rpartition("; ")[2] for text in told} == {"michelle wanted insurance", "omar wanted none"}
    assert failure_in_full(a_session("fine").checks(True).ends().write(spool)) == ""


def test_a_file_that_cannot_be_read_says_nothing(tmp_path: Path) -> None:
    assert outcome_sentence(tmp_path / "gone.jsonl") == failure_in_full(tmp_path / "gone.jsonl") == ""
    assert outcome_sentence(tmp_path) == ""


def test_who_has_left_is_told_nothing_and_the_file_is_not_read_to_its_end(spool: Path) -> None:
    session = a_session("a")
    for number in range(3 * outcome.AT_ONCE):
        session.calls("look", {"at": number}, result="x" * 500)
    path = session.checks(False, WRONG_CALL).ends().write(spool)
    asked = []

    def left() -> bool:
        asked.append(True)
        return len(asked) > 2

    assert outcome_sentence(path, left) == ""
    assert len(asked) < path.stat().st_size // outcome.READ_BYTES + 3
