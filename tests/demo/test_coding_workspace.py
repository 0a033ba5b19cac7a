"""The project that the coding agent works on: its test fails and passes for real."""

from __future__ import annotations

import pytest

from promptetheus.demo.coding_agent import CLEAR, DEFAULT, OTHER_NUMBER, Edit
from promptetheus.demo.coding_workspace import SOURCE, TEST, Workspace


def apply(workspace: Workspace, edit: Edit) -> None:
    workspace.edit(edit.path, edit.old, edit.new)


def test_the_bug_fails_the_second_test_with_the_traceback_of_the_agents_files() -> None:
    workspace = Workspace()
    result = workspace.run_tests()
    assert (result["exit_code"], result["passed"], result["failed"]) == (1, 1, 1)
    assert "AssertionError: parse('1h 30m') gave 11400 seconds, not 5400" in result["output"]
    assert f'File "{TEST}", line 7' in result["output"]
    assert "coding_workspace" not in result["output"]


def test_the_right_edit_mends_it() -> None:
    workspace = Workspace()
    apply(workspace, CLEAR)
    assert workspace.run_tests() == {"exit_code": 0, "passed": 2, "failed": 0, "output": "2 passed"}
    assert workspace.failure is None


def test_the_wrong_edit_does_not() -> None:
    workspace = Workspace()
    apply(workspace, DEFAULT)
    assert workspace.run_tests()["failed"] == 1
    apply(workspace, DEFAULT.undone())
    assert workspace.read(SOURCE) == Workspace().read(SOURCE)


def test_changing_the_expected_number_makes_the_test_pass_and_is_seen_in_the_test_file() -> None:
    workspace = Workspace()
    apply(workspace, OTHER_NUMBER)
    assert workspace.run_tests()["failed"] == 0
    assert workspace.read(TEST) != Workspace().read(TEST)


def test_an_edit_says_what_changed() -> None:
    diff = Workspace().edit(SOURCE, CLEAR.old, CLEAR.new)["diff"]
    assert [line for line in diff.splitlines() if line.startswith("+") and "number" in line] == [
        '+            number = ""'
    ]


def test_an_edit_of_a_text_that_is_not_there_is_an_error() -> None:
    with pytest.raises(ValueError, match="exactly once"):
        Workspace().edit(SOURCE, "no such line", "x")
