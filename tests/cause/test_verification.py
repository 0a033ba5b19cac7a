from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.cause.failures import Life, Outcome, failures
from promptetheus.cause.verification import Standing, silence_needed, verify, wilson
from promptetheus.cli import main
from tests.builders import a_session

HOUR = 3600.0


def outcomes(pattern: str, every_s: float = 30 * HOUR) -> list[Outcome]:
    """One session per letter: `x` fails in the way in question, `y` in another, `.` does not fail."""
    return [
        Outcome(f"s{n}", n * every_s, "agent", "goal", "" if letter == "." else letter * 12, letter)
        for n, letter in enumerate(pattern)
    ]


def life(pattern: str) -> Life:
    return next(each.life for each in failures(outcomes(pattern)) if each.fingerprint == "x" * 12)


def test_a_single_later_failure_of_the_kind_is_still_there() -> None:
    found = verify(5, 10, 1, 100)
    assert found.standing is Standing.STILL_THERE
    assert found.describe().startswith("Still there: 1 of 100 sessions since, before: 5 of 10 sessions")


def test_gone_is_said_only_after_enough_sessions() -> None:
    needed = silence_needed(5, 10)
    assert needed == 7  # C(10, 5) of C(17, 5) is 0.041, of C(16, 5) 0.058
    assert verify(5, 10, 0, needed).standing is Standing.GONE
    short = verify(5, 10, 0, needed - 1)
    assert short.standing is Standing.NOT_ENOUGH
    assert "6 of 7 without it so far" in short.describe()


def test_the_rarer_a_failure_the_longer_the_silence_that_proves_anything() -> None:
    needed = [silence_needed(with_it, 100) for with_it in (50, 20, 5)]
    assert needed == sorted(needed, key=lambda n: n or 0)
    assert silence_needed(0, 10) is None


def test_wilsons_interval() -> None:
    assert wilson(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 50))
def test_a_verification_never_raises_and_its_interval_holds_the_share(a: int, b: int, c: int, d: int) -> None:
    found = verify(a, a + b, c, c + d)
    assert 0 <= found.interval.low <= found.interval.high <= 1
    if c + d:
        assert found.interval.low <= c / (c + d) + 1e-9 and c / (c + d) <= found.interval.high + 1e-9


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("....x", Life.NEW),
        ("x.x.x.x", Life.RECURRING),
        ("xxxx" + "." * 10, Life.GONE),
        ("xxxx" + "." * 10 + "x", Life.BACK),
        ("x..", Life.RECURRING),
    ],
)
def test_a_failure_has_a_life(pattern: str, expected: Life) -> None:
    assert life(pattern) is expected


def test_sessions_of_other_tasks_say_nothing_about_a_failure() -> None:
    others = [Outcome(f"o{n}", (100 + n) * HOUR, "agent", "another goal", "") for n in range(50)]
    assert failures([*outcomes("xxxx"), *others])[0].since == 0


def test_failures_are_listed_with_their_days_and_newest_sessions() -> None:
    found = failures(outcomes("xyx"))
    assert [each.fingerprint for each in found] == ["x" * 12, "y" * 12]
    assert found[0].examples == ("s2", "s0")
    assert found[0].per_day == (("1970-01-01", 1), ("1970-01-03", 1))


def record(spool: Path, pattern: str) -> None:
    for number, letter in enumerate(pattern):
        session = a_session(f"s{number}").asks("Book")
        for event in session.events:
            event["timestamp"] = f"2026-11-{number + 1:02}T07:00:00.000000Z"
        session.checks(letter == ".", *([] if letter == "." else [f"wrong {letter}"])).ends().write(spool)


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_verify_has_an_exit_code_for_each_standing(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    record(spool, "aaaa......")
    _, out, _ = run(capsys, "failures", "--spool", spool, "--json")
    fingerprint = json.loads(out)["failures"][0]["fingerprint"]
    code, out, _ = run(capsys, "verify", fingerprint[:6], "--spool", spool)
    assert (code, out.split()[:2]) == (0, [fingerprint, "Gone:"])
    code, out, _ = run(capsys, "verify", fingerprint, "--spool", spool, "--since", "2026-11-03")
    assert (code, "Still there: 2 of 8" in out) == (1, True)
    record(spool, "aaaa..b")
    for number in (7, 8, 9):
        (spool / f"s{number}.jsonl").unlink()
    code, out, _ = run(capsys, "verify", fingerprint, "--spool", spool, "--since", "2026-11-07", "--json")
    data = json.loads(out)
    assert (code, data["standing"], len(data["new_fingerprints"])) == (3, "not enough sessions", 1)


def test_verify_takes_the_sessions_with_the_fix_by_filter(
    capsys: pytest.CaptureFixture[str], spool: Path
) -> None:
    record(spool, "aaaa")
    _, out, _ = run(capsys, "failures", "--spool", spool, "--json")
    fingerprint = json.loads(out)["failures"][0]["fingerprint"]
    code, out, _ = run(capsys, "verify", fingerprint, "--spool", spool, "--sessions", "status:passed")
    assert (code, "Not enough sessions: 0 of" in out) == (3, True)


def test_verify_says_what_it_does_not_understand(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    record(spool, "a")
    assert run(capsys, "verify", "beef", "--spool", spool)[0] == 1
    code, _, err = run(capsys, "verify", "beef", "--spool", spool, "--since", "yesterday")
    assert (code, "no time" in err) == (2, True)


def test_failures_of_an_empty_spool(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    code, out, _ = run(capsys, "failures", "--spool", spool)
    assert (code, out) == (0, f"No failures in {spool}.\n")


def test_failures_are_printed_with_life_and_label(capsys: pytest.CaptureFixture[str], spool: Path) -> None:
    record(spool, "a")
    _, out, _ = run(capsys, "failures", "--spool", spool)
    assert "new        goal mismatch: wrong a" in out
    assert "1 session  calendar-agent" in out
