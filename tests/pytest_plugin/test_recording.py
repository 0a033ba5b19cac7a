from __future__ import annotations

import re
import subprocess

import pytest

from promptetheus.cli import main
from promptetheus.fingerprint import failure_fingerprint
from tests.pytest_plugin.conftest import Project, facts

TWO = """
import pytest
from agent import book

@pytest.mark.parametrize("day", ["Tuesday", "Sat / Sun"])
def test_books(day):
    book(day)

def test_books_the_wrong_day():
    book("Wednesday")
    assert "Tuesday" == "Wednesday", "booked Wednesday, not Tuesday"
"""


def test_without_the_option_nothing_is_written_and_nothing_is_said(project: Project) -> None:
    done = project.tests(TWO).run("-q")
    assert done.code == 1
    assert "promptetheus" not in done.out.replace(str(project.root), "")
    assert not (project.root / ".promptetheus").exists()


def test_every_test_is_recorded_and_named_after_it(project: Project) -> None:
    project.tests(TWO).run("--promptetheus")
    found = project.by_test()
    assert set(found) == {"test_books[Tuesday]", "test_books[Sat / Sun]", "test_books_the_wrong_day"}
    names = [re.sub(r"[0-9A-Z]{26}$", "", name) for name in project.sessions()]
    assert sorted(names) == ["test_books-Sat-Sun-", "test_books-Tuesday-", "test_books_the_wrong_day-"]
    after = found["test_books[Tuesday]"][0]["payload"]["after"]
    assert (after["agent"], after["user_goal"]) == ("test_agent.py", "test_agent.py::test_books[Tuesday]")
    assert after["tags"] == ["pytest"]


def test_the_verdict_of_the_test_is_the_goal_check_of_its_session(project: Project) -> None:
    project.tests(TWO).run("--promptetheus")
    ends = {test: [event["payload"] for event in events[-2:]] for test, events in project.by_test().items()}
    completed = {"status": "completed", "error": None}
    assert ends["test_books[Tuesday]"] == [{"passed": True, "mismatches": []}, completed]
    failed, end = ends["test_books_the_wrong_day"]
    assert (failed["passed"], end) == (False, completed)
    assert failed["mismatches"][0].startswith("booked Wednesday, not Tuesday")


def test_a_failing_test_tells_its_story_fingerprint_and_how_to_open_it(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    done = project.tests(TWO).run("--promptetheus")
    assert done.code == 1
    story = done.out[done.out.index("- promptetheus -") :]
    assert "Failed its goal: booked Wednesday, not Tuesday" in story
    assert 'book_slot(day="Wednesday") → "ok"' in story
    events = project.by_test()["test_books_the_wrong_day"]
    assert f"fingerprint {failure_fingerprint(events).fingerprint}  goal mismatch" in story
    command = re.search(r"open it: promptetheus tui (\S+) --spool (\S+)$", story, re.MULTILINE)
    assert command is not None
    assert command[1] in project.sessions()
    assert main(["explain", command[1], "--spool", str(project.root / command[2])]) == 0
    assert "booked Wednesday" in capsys.readouterr().out


def test_the_summary_says_where_the_sessions_are(project: Project) -> None:
    done = project.tests(TWO).run("--promptetheus")
    assert "3 session(s) recorded: promptetheus tui .promptetheus/tests" in done.out


def test_another_directory_can_be_named_and_turns_recording_on(project: Project) -> None:
    done = project.tests(TWO).run("--promptetheus-spool", "kept here")
    assert "promptetheus tui 'kept here'" in done.out
    assert len(project.sessions(project.root / "kept here")) == 3


def test_what_is_no_directory_is_a_usage_error(project: Project) -> None:
    done = project.tests(TWO).run("--promptetheus-spool", "agent.py")
    assert done.code == 4
    assert "is not a directory" in done.err


def test_a_test_without_an_agent_leaves_no_session(project: Project) -> None:
    done = project.tests("def test_sum(): assert 1 + 1 == 2\ndef test_wrong(): assert 1 == 2").run(
        "--promptetheus"
    )
    assert project.sessions() == {}
    assert "1 failed, 1 passed" in done.out
    assert "promptetheus" not in done.out.replace(str(project.root), "").partition("= FAILURES =")[2]


def test_an_exception_ends_the_session_as_failed(project: Project) -> None:
    done = project.tests("from agent import book\ndef test_it(): book('Sunday')").run("--promptetheus")
    (events,) = project.sessions().values()
    assert events[-1]["payload"] == {"status": "failed", "error": "ValueError: closed on Sunday"}
    assert "fingerprint " + failure_fingerprint(events).fingerprint in done.out


def test_what_fixtures_make_is_recorded_too(project: Project) -> None:
    project.tests(
        "import pytest\nfrom agent import search_slots\n"
        "@pytest.fixture\ndef slots(): return search_slots('Tuesday')\n"
        "def test_it(slots): assert slots\n"
    ).run("--promptetheus")
    (events,) = project.sessions().values()
    assert "tool_call" in [event["type"] for event in events]


def test_an_error_in_a_fixture_tells_the_story_of_what_came_before(project: Project) -> None:
    done = project.tests(
        "import pytest\nfrom agent import book\n"
        "@pytest.fixture\ndef booked(): book('Sunday')\n"
        "def test_it(booked): pass\n"
    ).run("--promptetheus")
    assert "1 error" in done.out
    assert "open it: promptetheus tui test_it-" in done.out


def test_skipped_tests_leave_no_session_and_expected_failures_have_no_verdict(project: Project) -> None:
    source = (
        "import pytest\nfrom agent import book\n"
        "@pytest.mark.skip\ndef test_skipped(): book('Monday')\n"
        "@pytest.mark.xfail(reason='later', strict=True)\n"
        "def test_expected(): book('Monday'); assert False\n"
        "def test_left(): book('Monday'); pytest.skip('enough')\n"
    )
    done = project.tests(source).run("--promptetheus")
    assert "2 skipped, 1 xfailed" in done.out
    found = project.by_test()
    assert set(found) == {"test_expected", "test_left"}
    for events in found.values():
        assert events[-1]["type"] == "session_end"
        assert not [event for event in events if event["type"] == "goal_check"]


def test_sessions_that_the_agent_begins_belong_to_the_test(project: Project) -> None:
    source = (
        "import promptetheus as pt\nfrom agent import book\n"
        "@pt.observe(agent='booker', user_goal='Book', metadata={'k': 1}, tags=['mine'])\n"
        "def run(): book('Tuesday')\n"
        "def test_observed(): run()\n"
        "def test_started():\n"
        "    with pt.start(agent='booker', user_goal='Book', session_id='given') as session:\n"
        "        session.agent_message('hi')\n"
    )
    project.tests(source).run("--promptetheus")
    found = project.by_test()
    assert set(found) == {"test_observed", "test_started"}
    observed = found["test_observed"]
    assert facts(observed)["k"] == 1
    assert observed[0]["payload"]["after"]["agent"] == "booker"
    assert observed[0]["payload"]["after"]["tags"] == ["mine", "pytest"]
    assert observed[0]["session_id"].startswith("test_observed-")
    assert found["test_started"][0]["session_id"] == "given"
    assert not (project.root / ".promptetheus" / "spool").exists()


def test_sessions_that_say_where_they_go_are_left_alone(project: Project) -> None:
    source = (
        "import promptetheus as pt\nfrom promptetheus.testing import capture_session\n"
        "def test_elsewhere(tmp_path):\n"
        "    with pt.start(agent='a', user_goal='g', spool_dir=tmp_path) as session:\n"
        "        session.agent_message('hi')\n"
        "    assert len(list(tmp_path.glob('*.jsonl'))) == 1\n"
        "    with capture_session() as events:\n"
        "        pt.current().agent_message('hi')\n"
        "    assert events.count('agent_message') == 1\n"
    )
    done = project.tests(source).run("--promptetheus")
    assert done.code == 0
    assert project.sessions() == {}


def test_async_tests_are_recorded_each_in_its_own_session(project: Project) -> None:
    source = (
        "import asyncio\nimport promptetheus as pt\nfrom agent import book\n"
        "async def test_one(): book('Tuesday')\n"
        "async def test_two():\n"
        "    async with asyncio.TaskGroup() as group:\n"
        "        group.create_task(asyncio.to_thread(book, 'Monday'))\n"
        "        group.create_task(asyncio.to_thread(book, 'Friday'))\n"
        "    async with pt.AsyncSession(agent='a', user_goal='g', session_id='inner') as session:\n"
        "        session.agent_message('hi')\n"
    )
    done = project.tests(source).run("--promptetheus", "-k", "asyncio")
    assert done.code == 0, done.out
    calls = {
        name: sum(event["type"] == "tool_call" for event in events)
        for name, events in project.sessions().items()
    }
    assert {re.sub(r"-[0-9A-Z]{26}$", "", name): number for name, number in calls.items()} == {
        "inner": 0,
        "test_one-asyncio": 2,
        "test_two-asyncio": 4,
    }


def test_an_async_fixture_of_the_whole_module_does_not_keep_the_session_of_the_first_test(
    project: Project,
) -> None:
    source = (
        "import pytest\nfrom agent import book\n"
        "@pytest.fixture(scope='module')\ndef anyio_backend(): return 'asyncio'\n"
        "@pytest.fixture(scope='module')\nasync def shared(): yield 1\n"
        "async def test_one(shared): book('Tuesday')\n"
        "async def test_two(shared): book('Monday')\n"
    )
    done = project.tests(source).run("--promptetheus")
    assert done.code == 0, done.out
    assert set(project.by_test()) == {"test_one", "test_two"}


def test_test_cases_of_unittest_are_recorded(project: Project) -> None:
    source = (
        "import unittest\nfrom agent import book\n"
        "class Booking(unittest.TestCase):\n"
        "    def test_plain(self): book('Tuesday')\n"
        "class Later(unittest.IsolatedAsyncioTestCase):\n"
        "    async def test_async(self): book('Monday')\n"
    )
    done = project.tests(source).run("--promptetheus")
    assert done.code == 0, done.out
    assert set(project.by_test()) == {"Booking::test_plain", "Later::test_async"}


def test_two_runs_at_the_same_time_share_a_spool(project: Project) -> None:
    source = "import pytest\nfrom agent import book\n" + (
        "@pytest.mark.parametrize('n', range(20))\ndef test_books(n): book(f'day {n}')\n"
    )
    project.tests(source)
    running = [
        subprocess.Popen(
            project.command("--promptetheus", "-q"),
            cwd=project.root,
            env=project.environment(),
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert all("20 session(s) recorded" in out for out in said)
    sessions = project.sessions()
    assert len(sessions) == 40
    assert all(events[-1]["type"] == "session_end" for events in sessions.values())
    assert {len(events) for events in sessions.values()} == {8}


def test_reports_carry_the_session_to_where_they_are_collected(project: Project) -> None:
    project.tests(TWO).run("--promptetheus", "--junitxml", "report.xml")
    report = (project.root / "report.xml").read_text()
    carried = re.findall(r'name="promptetheus_session" value="([^"]+)"', report)
    assert sorted(carried) == sorted(project.sessions())


def test_the_plugin_can_be_turned_off(project: Project) -> None:
    done = project.tests(TWO).run("-p", "no:promptetheus", "-k", "Tuesday")
    assert "1 passed" in done.out


def test_collecting_only_records_nothing(project: Project) -> None:
    assert project.tests(TWO).run("--promptetheus", "--collect-only").code == 0
    assert not project.spool.exists()


def test_asking_for_the_fixture_records_without_the_option_and_leaves_nothing(project: Project) -> None:
    source = (
        "from agent import book\n"
        "def test_it(promptetheus_run, promptetheus_session):\n"
        "    book('Tuesday')\n"
        "    promptetheus_run.calls('search_slots').before('book_slot')\n"
        "    assert promptetheus_run.calls()[0].arguments == {'day': 'Tuesday'}\n"
        "    promptetheus_session.goal_check(True)\n"
        "    assert promptetheus_run.goal_passed()\n"
        "async def test_async(promptetheus_run):\n"
        "    book('Tuesday')\n"
        "    promptetheus_run.calls('book_slot').once()\n"
        "def test_after():\n"
        "    import promptetheus as pt\n"
        "    assert pt.current().session_id == 'noop'\n"
    )
    done = project.tests(source).run("-k", "not trio")
    assert done.code == 0, done.out
    assert not (project.root / ".promptetheus").exists()


def test_fixtures_and_option_give_the_same_session(project: Project) -> None:
    source = (
        "import promptetheus as pt\n"
        "def test_it(promptetheus_session):\n"
        "    pt.current().agent_message('hi')\n"
        "    assert pt.current() is promptetheus_session\n"
    )
    assert project.tests(source).run("--promptetheus").code == 0
    assert len(project.sessions()) == 1
