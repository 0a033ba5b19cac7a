from __future__ import annotations

import re

import pytest

from tests.pytest_plugin.conftest import AGENT, Project

TESTS = """
import pytest
from agent import book

@pytest.mark.parametrize("day", ["Tuesday", "Friday"])
def test_books(day):
    book(day)
"""


@pytest.fixture
def known(project: Project) -> Project:
    """A project whose tests passed and were recorded as the baseline."""
    assert project.tests(TESTS).run("--promptetheus-spool", "baseline").code == 0
    return project


def change(project: Project, old: str, new: str) -> None:
    agent = project.root / "agent.py"
    assert old in AGENT
    agent.write_text(agent.read_text().replace(old, new))


def test_tests_that_do_the_same_pass_their_baseline(known: Project) -> None:
    done = known.run("--promptetheus-baseline", "baseline")
    assert done.code == 0, done.out
    assert "baseline baseline: 2 test(s) compared, 0 departed" in done.out


def test_other_words_and_other_looks_are_no_departure(known: Project) -> None:
    change(known, 'f"Booked {day}"', 'f"I have booked {day} for you"')
    change(known, "    search_slots(day)\n", "    search_slots(day)\n    search_slots('next ' + day)\n")
    assert known.run("--promptetheus-baseline", "baseline").code == 0


def test_a_test_that_passes_but_changes_something_else_fails_and_says_what(known: Project) -> None:
    change(known, "book_slot(day)\n    pt", "book_slot('Monday' if day == 'Friday' else day)\n    pt")
    done = known.run("--promptetheus-baseline", "baseline")
    assert done.code == 1
    assert "1 failed, 1 passed" in done.out
    assert "test_agent.py::test_books[Friday] passed, but departs from its baseline:" in done.out
    assert 'book_slot was called with another day: "Friday" → "Monday"' in done.out
    assert "2 test(s) compared, 1 departed" in done.out
    command = re.search(r"compare: promptetheus diff (\S+) (\S+) --spool (\S+) --steps", done.out)
    assert command is not None
    assert (known.root / command[1]).is_file()
    assert command[2] in known.sessions(known.root / command[3])


def test_a_new_error_inside_a_test_that_passes_is_a_departure(known: Project) -> None:
    change(known, 'return [f"{day} 2pm"', "raise TimeoutError('calendar')\n    return [f\"{day} 2pm\"")
    change(known, "    search_slots(day)\n", "    try: search_slots(day)\n    except TimeoutError: pass\n")
    done = known.run("--promptetheus-baseline", "baseline")
    assert done.code == 1
    assert "fails in a way that the baseline did not: tool_error:search_slots" in done.out


def test_tests_that_are_new_are_counted_not_failed(known: Project) -> None:
    known.tests(TESTS.replace('"Friday"', '"Monday"'))
    done = known.run("--promptetheus-baseline", "baseline")
    assert done.code == 0
    assert "1 test(s) compared, 0 departed, 1 passing without a passing session there" in done.out


def test_a_run_that_failed_is_no_baseline(project: Project) -> None:
    project.tests(TESTS + "    assert day == 'Tuesday'\n").run("--promptetheus-spool", "baseline")
    done = project.tests(TESTS).run("--promptetheus-baseline", "baseline")
    assert "1 test(s) compared, 0 departed, 1 passing without" in done.out


def test_the_newest_run_that_passed_counts(known: Project) -> None:
    change(known, "book_slot(day)\n    pt", "book_slot('Monday')\n    pt")
    assert known.run("--promptetheus-baseline", "baseline").code == 1
    assert known.run("--promptetheus-spool", "baseline").code == 0  # accepted: recorded beside the old ones
    assert known.run("--promptetheus-baseline", "baseline").code == 0


def test_a_test_that_fails_anyway_is_not_compared(known: Project) -> None:
    known.tests(TESTS + "    assert day == 'Tuesday'\n")
    done = known.run("--promptetheus-baseline", "baseline")
    assert "departs" not in done.out
    assert "1 test(s) compared, 0 departed" in done.out


def test_an_agent_with_a_session_of_its_own_is_compared_too(project: Project) -> None:
    source = (
        "import promptetheus as pt\nfrom agent import book\n"
        "@pt.observe(agent='booker', user_goal='Book')\ndef run(): book('Tuesday')\n"
        "def test_it(): run()\n"
    )
    project.tests(source).run("--promptetheus-spool", "baseline")
    change(project, "book_slot(day)\n    pt", "book_slot('Monday')\n    pt")
    done = project.run("--promptetheus-baseline", "baseline")
    assert done.code == 1
    assert 'another day: "Tuesday" → "Monday"' in done.out


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--promptetheus-baseline", "nowhere"), "there is no directory"),
        (("--promptetheus-baseline", "baseline", "--promptetheus-spool", "baseline"), "the same directory"),
    ],
)
def test_a_baseline_that_cannot_be_one_is_a_usage_error(
    known: Project, arguments: tuple[str, ...], why: str
) -> None:
    done = known.run(*arguments)
    assert done.code == 4
    assert why in done.err
