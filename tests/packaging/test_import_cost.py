"""What an import or a command loads, asked of a fresh interpreter."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

COMMANDS = ("sessions", "replay", "fingerprint", "diff", "spool", "import", "export", "tui", "demo", "sql")


def loaded_by(code: str, cwd: Path) -> set[str]:
    """The modules that running the code adds to those of a bare interpreter in the same place."""
    return _modules_after(code, cwd) - _modules_after("", cwd)


def _modules_after(code: str, cwd: Path) -> set[str]:
    script = f"import sys\ntry:\n    {code or 'pass'}\nexcept SystemExit:\n    pass\n"
    script += "import json\nsys.stderr.write(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=cwd, capture_output=True, text=True, check=True)
    return set(json.loads(done.stderr))


def third_party(names: set[str]) -> set[str]:
    tops = {name.split(".")[0] for name in names}
    return {top for top in tops if top not in sys.stdlib_module_names and not top.startswith("promptetheus")}


@pytest.fixture
def anywhere(tmp_path: Path) -> Path:
    """A directory that is not the repository."""
    return tmp_path


def test_importing_the_package_loads_the_standard_library_only(anywhere: Path) -> None:
    names = loaded_by("import promptetheus", anywhere)
    assert "promptetheus" in names
    assert third_party(names) == set()


def test_importing_the_package_starts_no_session_machinery(anywhere: Path) -> None:
    names = loaded_by("import promptetheus", anywhere)
    slow = {"asyncio", "argparse", "logging.handlers", "email", "http.client", "urllib.request", "sqlite3"}
    assert names & slow == set()
    assert "promptetheus.session" not in names


def test_recording_a_session_loads_the_encoder_and_nothing_else_of_others(anywhere: Path) -> None:
    code = "import promptetheus as pt; pt.start(agent='a', user_goal='g').user_message('x')"
    assert third_party(loaded_by(code, anywhere)) == {"orjson"}


def test_importing_the_queries_does_not_load_duckdb(anywhere: Path) -> None:
    code = "from promptetheus.queries import catalog, sql, session_log, filter, resolve"
    assert "duckdb" not in loaded_by(code, anywhere)


@pytest.mark.parametrize("arguments", ["['--help']", "['version']", "[]"])
def test_help_and_version_load_no_third_party_package(arguments: str, anywhere: Path) -> None:
    names = loaded_by(f"from promptetheus.cli import main; sys.exit(main({arguments}))", anywhere)
    assert third_party(names) == set()


def test_version_and_help_load_no_command_but_their_own(anywhere: Path) -> None:
    names = loaded_by("from promptetheus.cli import main; sys.exit(main(['--help']))", anywhere)
    others = {"promptetheus.session", "promptetheus.queries", "promptetheus.tui", "promptetheus.demo"}
    assert names & others == set()


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_a_command_loads_neither_database_nor_terminal_library(
    command: str, anywhere: Path
) -> None:
    names = loaded_by(f"from promptetheus.cli import main; sys.exit(main(['{command}', '--help']))", anywhere)
    assert third_party(names) & {"duckdb", "textual", "httpx", "PIL", "watchfiles"} == set()


def test_listing_sessions_loads_neither_database_nor_terminal_library(anywhere: Path) -> None:
    names = loaded_by("from promptetheus.cli import main; sys.exit(main(['sessions']))", anywhere)
    assert third_party(names) & {"duckdb", "textual", "httpx", "PIL", "watchfiles", "rich"} == set()


def test_the_modules_are_listed_as_json() -> None:
    """The measuring itself: a module that is imported is seen."""
    assert "wave" in loaded_by("import wave", Path.cwd())
    assert isinstance(json.dumps(sorted(third_party({"duckdb.x", "json"}))), str)
    assert third_party({"duckdb.x", "json"}) == {"duckdb"}
