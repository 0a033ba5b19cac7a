"""What is imported before the first frame: each module that is not needed for it makes everybody wait."""

from __future__ import annotations

import subprocess
import sys

import pytest

NEEDED_LATER = (
    "textual.widgets._text_area", "PIL", "duckdb", "httpx", "watchfiles", "tomllib", "genai_prices",
    "promptetheus.cause.describe", "promptetheus.queries.session_log", "promptetheus.tui.inspector",
    "promptetheus.tui.session.session_screen", "promptetheus.tui.diff", "promptetheus.tui.failures.failures_screen",
    "promptetheus.tui.sql", "promptetheus.tui.delivery",
)  # fmt: skip


@pytest.fixture(scope="module")
def imported() -> frozenset[str]:
    code = (
        "import sys; import promptetheus.cli.tui, promptetheus.tui.launch, promptetheus.tui.app,"
        " promptetheus.tui.key_file, promptetheus.tui.remembered; print(*sys.modules)"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return frozenset(answer.stdout.split())


@pytest.mark.parametrize("name", NEEDED_LATER)
def test_the_list_of_sessions_does_not_wait_for(name: str, imported: frozenset[str]) -> None:
    assert name not in imported
