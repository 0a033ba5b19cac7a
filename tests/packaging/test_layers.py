"""Imports point one way: the floor, the write path, the queries, the importers and the demo, the terminal and
the commands."""

from __future__ import annotations

import re
import sys
import tomllib

import pytest

from tests.packaging.source_tree import ROOT, Import, imports, modules

FOUNDATION = {
    "artifacts", "attention", "cause", "clock", "config", "context", "cost", "display", "encoding",
    "event_line", "events", "fingerprint", "guard", "held_write", "ids", "losses", "notes",
    "otlp_meaning", "otlp_spans", "oversize", "pictures", "plain_json", "process", "project_files",
    "project_rules", "propagation", "redaction", "regression", "retention", "runtime_hints",
    "runtime_history", "sampling", "schema", "secret_patterns", "secret_scan", "settings", "spool",
    "summary", "toml_key", "trace_tree",
}  # fmt: skip
"""Modules that know nothing of a running session: values in, values out, and the files they name."""

WRITE_PATH = {
    "async_session", "calls", "decorators", "recorder", "session", "session_arguments",
    "agent_runtime", "session_async", "session_events", "sinks", "spool_sink",
    "testing", "trace", "transport", "transport_sink", "wrapping", "yielded",
}  # fmt: skip

ALLOWED = {
    "foundation": {"foundation"},
    "write": {"foundation", "write", "delivery"},
    "delivery": {"foundation", "write", "delivery"},
    "adapters": {"foundation", "write", "adapters"},
    "queries": {"foundation", "exporters", "queries"},
    "importers": {"foundation", "write", "importers"},
    "demo": {"foundation", "write", "facade", "queries", "demo"},
    "tui": {"foundation", "queries", "demo", "exporters", "importers", "delivery", "mcp", "tui"},
    "exporters": {"foundation", "exporters"},
    "mcp": {"foundation", "queries", "exporters", "mcp"},
    "server": {"delivery", "mcp", "server"},
    "gateway": {"foundation", "queries", "gateway", "mcp"},
    "cli": {
        "foundation",
        "write",
        "facade",
        "queries",
        "exporters",
        "importers",
        "demo",
        "delivery",
        "gateway",
        "mcp",
        "tui",
        "cli",
    },
    "pytest_plugin": {"foundation", "write", "queries", "pytest_plugin"},
    "facade": {"foundation", "write", "adapters"},
    "__main__": {"cli"},
}
"""By layer, what it may import. The facade is `promptetheus` itself: the public names."""

OWNERS = {
    "duckdb": {"queries"},
    "watchfiles": {"queries"},
    "rapidfuzz": {"foundation"},
    "textual": {"tui"},
    "textual_serve": {"tui"},
    "aiohttp": {"tui"},
    "rich": {"tui", "cli"},
    "markdown_it": {"tui"},
    "pygments": {"tui"},
    "PIL": {"foundation", "tui", "demo"},
    "ijson": {"importers"},
    "genai_prices": {"foundation"},
    "pytest": {"write", "pytest_plugin"},
    "orjson": {
        "foundation",
        "write",
        "adapters",
        "delivery",
        "queries",
        "importers",
        "gateway",
        "cli",
        "mcp",
        "server",
    },
    "mcp": {"mcp", "server", "gateway"},
    "mcp_types": {"mcp"},
    "httpx2": {"mcp"},
    "anyio": {"mcp", "cli"},
    "pydantic": {"mcp", "gateway"},
    "httpx": {"delivery", "write", "gateway"},
    "fastapi": {"gateway"},
    "starlette": {"gateway"},
    "uvicorn": {"gateway"},
    "psycopg": {"gateway"},
    "psycopg_pool": {"gateway"},
    "google": {"gateway"},
    "opentelemetry": {"adapters", "gateway"},
}
"""By third-party package, the layers that may import it."""

DISTRIBUTIONS = {
    "PIL": "pillow",
    "genai_prices": "genai-prices",
    "google": "protobuf",
    "textual_serve": "textual-serve",
    "opentelemetry": "opentelemetry-proto",
    "psycopg_pool": "psycopg-pool",
}
"""Where the name to install is not the name to import."""

COME_ALONG = {"markdown_it", "pygments", "mcp_types", "httpx2"}
"""Dependencies of rich and of mcp themselves, of the versions they ask for."""


IMPORTED_LATE = {
    "promptetheus.delivery.bootstrap", "promptetheus.delivery.client", "promptetheus.delivery.mirror",
    "promptetheus.delivery.reach", "promptetheus.delivery.remote_project",
    "promptetheus.delivery.replay", "promptetheus.delivery.shipment", "promptetheus.transport.async_http",
}  # fmt: skip
"""Modules that may import a heavy package as they load, because nothing imports them but inside a function."""


def layer_of(module: str) -> str:
    parts = module.split(".")[1:]
    if not parts:
        return "facade"
    if parts[0] in FOUNDATION:
        return "foundation"
    if parts[0] in WRITE_PATH:
        return "write"
    return parts[0]


OURS = [found for found in imports() if found.target.split(".")[0] == "promptetheus"]
THIRD_PARTY = [found for found in imports() if found.target.split(".")[0] in OWNERS]


def test_every_module_has_a_layer() -> None:
    homeless = {name for name in modules() if layer_of(name) not in ALLOWED}
    assert not homeless, "say in this file where they belong"


@pytest.mark.parametrize("layer", sorted(ALLOWED))
def test_a_layer_imports_only_what_is_below_it(layer: str) -> None:
    backwards = [str(i) for i in OURS if layer_of(i.importer) == layer and not _allowed(i, layer)]
    assert backwards == []


def _allowed(found: Import, layer: str) -> bool:
    # The version is the one thing of the package itself that everybody may ask for.
    return layer_of(found.target) in ALLOWED[layer] or found.target == "promptetheus"


def test_nothing_but_the_commands_imports_the_commands() -> None:
    users = {layer_of(i.importer) for i in OURS if layer_of(i.target) == "cli"}
    assert users == {"cli", "__main__"}


@pytest.mark.parametrize("package", sorted(OWNERS))
def test_a_third_party_package_is_imported_only_by_its_owners(package: str) -> None:
    strangers = [
        str(i)
        for i in THIRD_PARTY
        if i.target.split(".")[0] == package and layer_of(i.importer) not in OWNERS[package]
    ]
    assert strangers == []


@pytest.mark.parametrize("package", ["duckdb", "genai_prices", "httpx", "watchfiles"])
def test_heavy_packages_are_imported_only_inside_functions(package: str) -> None:
    at_load = [
        str(i)
        for i in THIRD_PARTY
        if i.at_load and i.target.split(".")[0] == package and i.importer not in IMPORTED_LATE
    ]
    assert at_load == []


def test_modules_that_count_as_imported_late_are() -> None:
    early = [
        str(i) for i in OURS if i.at_load and i.target in IMPORTED_LATE and i.importer not in IMPORTED_LATE
    ]
    assert early == []


def test_no_package_is_used_that_has_no_owner() -> None:
    """A new dependency gets a line in OWNERS, or it stays out."""
    unknown = {
        str(found)
        for found in imports()
        if (top := found.target.split(".")[0]) not in sys.stdlib_module_names
        and top not in OWNERS
        and top != "promptetheus"
    }
    assert unknown == set()


def test_every_third_party_package_is_a_declared_dependency() -> None:
    """Optional ones count too: what needs them is imported where it is used, and says so when they are missing."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    names = {re.split(r"[<>=\[ ]", line)[0] for line in [*project["dependencies"], *extras]}
    used = {found.target.split(".")[0] for found in THIRD_PARTY} - COME_ALONG
    assert {DISTRIBUTIONS.get(name, name) for name in used} - names == set()
