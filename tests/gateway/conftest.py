"""A gateway per test, over both stores; what needs PostgreSQL skips where there is none."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

MISSING = [
    name
    for name in ("fastapi", "uvicorn", "httptools", "psycopg", "psycopg_pool")
    if importlib.util.find_spec(name) is None
]
if MISSING:
    collect_ignore_glob = ["test_*.py"]

if TYPE_CHECKING:
    from promptetheus.gateway.options import Options
    from promptetheus.gateway.state import Gateway
    from tests.gateway.postgres_server import PostgresServer


def pytest_report_header() -> str:
    return (
        f"gateway: skipped, {', '.join(MISSING)} not installed (extra server)"
        if MISSING
        else "gateway: tested"
    )


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    from tests.gateway.postgres_server import NoPostgres, PostgresServer

    server = PostgresServer()
    try:
        server.__enter__()
    except NoPostgres as why:
        pytest.skip(str(why))
    try:
        yield server
    finally:
        server.__exit__()


@pytest.fixture(params=["embedded", "postgres"])
def store(request: pytest.FixtureRequest) -> str:
    """The name of the store that the test runs on."""
    name: str = request.param
    return name


on_files = pytest.mark.parametrize("store", ["embedded"], indirect=True)
"""For tests of what has nothing to do with the store."""


@pytest.fixture
def options(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> Options:
    """A gateway for tests: known keys, an empty store."""
    from promptetheus.gateway.options import Options

    url = request.getfixturevalue("postgres").new_database() if store == "postgres" else None
    return Options(
        mode="dev",
        directory=tmp_path / "gateway",
        database_url=url,
        api_key="pt_dev_key",
        console_token="pt_console_token",
        server_token="a-server-token-of-the-tests",
        pool_size=4,
    )


@pytest.fixture
def gateway(options: Options) -> Iterator[Gateway]:
    from promptetheus.gateway.state import open_gateway

    opened = open_gateway(options)
    yield opened
    opened.close()


@pytest.fixture
def client(options: Options) -> Iterator[Any]:
    """A client of the application, in this process, with the project's key."""
    with serving(options) as found:
        yield found


@pytest.fixture
def new_key(client: Any) -> Callable[..., str]:
    """Makes a project of this name and returns a key of it."""

    def make(name: str) -> str:
        answer = client.post(
            "/api/onboarding/bootstrap",
            json={"project_name": name, "new_key": True},
            headers={"Authorization": "Bearer pt_console_token"},
        )
        key: str = answer.json()["api_key"]
        return key

    return make


def serving(options: Options) -> Any:
    """A client of a new application with these options."""
    from starlette.testclient import TestClient

    from promptetheus.gateway.app import create_app

    return TestClient(create_app(options), headers={"Authorization": "Bearer pt_dev_key"})
