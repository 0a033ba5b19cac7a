"""The API keeps to its own description, whatever is sent to it: schemathesis, a bounded number of examples."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from starlette.testclient import TestClient

from promptetheus.gateway.app import create_app
from promptetheus.gateway.options import Options
from tests.builders import a_failing_booking
from tests.gateway.conftest import on_files

if importlib.util.find_spec("schemathesis") is None:
    pytest.skip("schemathesis is not installed (extra dev)", allow_module_level=True)

import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

EXAMPLES = 12
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ENDLESS = "/api/stream"
"""Its answer does not end; tests/gateway/test_stream.py reads it."""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Any]:
    """A gateway with something in it."""
    limits = replace(Options().limits, requests_per_s=0, failures_per_s=0)
    options = Options(
        mode="dev",
        directory=tmp_path / "gateway",
        api_key="pt_dev_key",
        console_token="pt_console_token",
        limits=limits,
    )
    made = create_app(options)
    with TestClient(made, headers={"Authorization": "Bearer pt_dev_key"}) as client:
        client.post("/api/traces/s1/events", json={"events": a_failing_booking("s1").events})
        yield made


def test_every_answer_is_a_described_one(app: Any) -> None:
    tried = 0
    for found in schemathesis.openapi.from_asgi("/openapi.json", app).get_all_operations():
        operation: Any = found.ok()  # type: ignore[union-attr,unused-ignore]
        if operation.path == ENDLESS:
            continue

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            derandomize=True,
            database=None,
        )
        @given(case=operation.as_strategy())
        def check(case: Any) -> None:
            for credential in ("pt_dev_key", "pt_console_token"):
                answer = case.call(headers={"Authorization": f"Bearer {credential}"})
                case.validate_response(answer, checks=CHECKS)

        check()
        tried += 1
    assert tried > 30


@on_files
def test_every_route_says_what_it_is_for(client: Any) -> None:
    described = client.get("/openapi.json").json()
    assert described["info"]["title"] == "Promptetheus gateway"
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            assert operation["summary"] and operation["description"], (method, path)
            assert any(code.startswith("2") for code in operation["responses"])
    names = [
        operation["operationId"] for methods in described["paths"].values() for operation in methods.values()
    ]
    assert len(names) == len(set(names))
