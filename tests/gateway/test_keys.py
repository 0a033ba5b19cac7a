"""Keys: what they allow, how they end, and that nothing of them is kept or shown."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from promptetheus.clock import format_timestamp
from promptetheus.gateway.identity import DEFAULT_SCOPES, Tenant
from promptetheus.gateway.options import BadOptions, Options
from promptetheus.gateway.state import Gateway
from promptetheus.gateway.stores import keys
from tests.gateway.conftest import on_files, serving
from tests.gateway.test_store_conformance import an_event

CONSOLE = {"Authorization": "Bearer pt_console_token"}
EVENTS = {"events": [an_event(0, "k")]}


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def add(client: Any, **body: Any) -> dict[str, Any]:
    answer = client.post("/api/projects/proj_dev/keys", json=body, headers=CONSOLE)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_scope_allows_what_it_names_and_nothing_else(client: Any) -> None:
    client.post("/api/traces/s1/events", json=EVENTS)
    ingest = bearer(add(client, name="agent", scopes=["ingest"])["api_key"])
    read = bearer(add(client, name="viewer", scopes=["read"])["api_key"])
    assert client.post("/api/traces/s1/events", json=EVENTS, headers=ingest).status_code == 200
    assert client.get("/api/sessions", headers=ingest).status_code == 403
    assert client.get("/api/sessions", headers=read).status_code == 200
    assert client.post("/api/traces/s1/events", json=EVENTS, headers=read).status_code == 403
    assert client.delete("/api/sessions/s1", headers=read).status_code == 403
    assert client.get("/api/projects/proj_dev/keys", headers=read).status_code == 403
    assert client.post("/api/projects/proj_dev/keys", json={}, headers=ingest).status_code == 403


def test_a_credential_cannot_give_more_than_it_has(client: Any) -> None:
    admin = bearer(add(client, name="ci", scopes=["admin"])["api_key"])
    answer = client.post("/api/projects/proj_dev/keys", json={"scopes": ["read"]}, headers=admin)
    assert answer.status_code == 403
    assert (
        client.post("/api/projects/proj_dev/keys", json={"scopes": ["admin"]}, headers=admin).status_code
        == 201
    )


def test_a_key_ends_at_its_time(client: Any) -> None:
    ended = add(client, name="old", expires_at=format_timestamp(time.time() - 1))
    assert client.get("/api/sessions", headers=bearer(ended["api_key"])).status_code == 401
    lasting = add(client, name="new", expires_at=format_timestamp(time.time() + 3600))
    assert client.get("/api/sessions", headers=bearer(lasting["api_key"])).status_code == 200


def test_a_revoked_key_opens_nothing_from_then_on(client: Any) -> None:
    made = add(client, name="leaked")
    assert client.get("/api/sessions", headers=bearer(made["api_key"])).status_code == 200
    path = f"/api/projects/proj_dev/keys/{made['key']['id']}"
    assert client.delete(path, headers=CONSOLE).json() == {"deleted": True}
    assert client.get("/api/sessions", headers=bearer(made["api_key"])).status_code == 401


def test_rotation_lets_the_old_keys_work_for_a_while_if_asked_to(
    client: Any, new_key: Callable[..., str]
) -> None:
    old = new_key("rotating")
    project = client.get("/api/projects", headers=bearer(old)).json()["projects"][0]["id"]
    path = f"/api/projects/{project}/api-key"
    second = client.post(path, json={"overlap_seconds": 3600}, headers=CONSOLE).json()["api_key"]
    assert client.get("/api/sessions", headers=bearer(old)).status_code == 200
    assert client.get("/api/sessions", headers=bearer(second)).status_code == 200
    third = client.post(path, json={}, headers=CONSOLE).json()["api_key"]
    assert client.get("/api/sessions", headers=bearer(old)).status_code == 401
    assert client.get("/api/sessions", headers=bearer(second)).status_code == 401
    assert client.get("/api/sessions", headers=bearer(third)).status_code == 200


def test_setting_up_a_project_does_not_end_the_keys_that_work(client: Any) -> None:
    first = client.post("/api/onboarding/bootstrap", json={}, headers=CONSOLE)
    assert (first.status_code, first.json()["api_key_created"]) == (201, True)
    again = client.post("/api/onboarding/bootstrap", json={}, headers=CONSOLE)
    assert (again.status_code, again.json()["api_key"]) == (200, None)
    assert again.json()["api_key_preview"] == first.json()["api_key_preview"]
    assert client.get("/api/sessions").status_code == 200
    assert client.get("/api/sessions", headers=bearer(first.json()["api_key"])).status_code == 200


def test_setting_up_uses_the_project_of_the_name_it_is_given(client: Any) -> None:
    named = client.post("/api/onboarding/bootstrap", json={"project_name": "Browser"}, headers=CONSOLE).json()
    again = client.post("/api/onboarding/bootstrap", json={"project_name": "Browser"}, headers=CONSOLE).json()
    assert named["project"]["name"] == "Browser" and named["created_project"]
    assert again["project"]["id"] == named["project"]["id"] and not again["created_project"]


def test_the_last_use_of_a_key_is_known(client: Any) -> None:
    made = add(client, name="used")
    client.get("/api/sessions", headers=bearer(made["api_key"]))
    found = client.get("/api/projects/proj_dev/keys", headers=CONSOLE).json()["keys"]
    [key] = [key for key in found if key["id"] == made["key"]["id"]]
    assert key["last_used_at"] is not None


def test_a_key_is_shown_once_and_kept_nowhere(client: Any, options: Options) -> None:
    made = add(client, name="secret")
    secret = made["api_key"]
    assert secret.startswith("pt_live_") and len(secret) == 51
    assert made["api_key_preview"] == f"pt_live_...{secret[-6:]}"
    shown = [client.get(path, headers=CONSOLE).text for path in
             ("/api/projects", "/api/projects/proj_dev/keys", "/api/audit", "/metrics", "/openapi.json")]  # fmt: skip
    assert all(secret not in text for text in shown)
    if options.database_url is None:
        files = [path for path in Path(options.directory).rglob("*") if path.is_file()]
        assert files and all(secret.encode() not in path.read_bytes() for path in files)


def test_a_project_has_so_many_keys_at_most(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MAX_KEYS", 3)
    tenant = Tenant("ws_dev", "proj_dev")
    for number in range(3):
        gateway.keys.add(tenant, str(number), DEFAULT_SCOPES)
    with pytest.raises(keys.TooManyKeys):
        gateway.keys.add(tenant, "one more", DEFAULT_SCOPES)


def test_among_ten_thousand_keys_the_right_one_is_found(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By an index on a part of the hash: the time does not grow with their number."""
    monkeypatch.setattr(keys.Keys, "of_project", lambda self, tenant: [])
    tenant = Tenant("ws_dev", "proj_dev")
    made = [gateway.keys.add(tenant, str(number), DEFAULT_SCOPES) for number in range(500)]
    row_of_many = (
        "insert into api_key (project_id, id, workspace_id, name, lookup, digest, preview, scopes, "
        "created_at) "
    )
    with gateway.database.transaction("ws_dev") as statements:
        for number in range(9500):
            statements.run(
                row_of_many + "values ('proj_dev', :id, 'ws_dev', 'x', :lookup, :lookup, 'p', '[]', :now)",
                id=f"filler_{number}", lookup=f"{number:016x}", now="2026-11-22T00:00:00Z",
            )  # fmt: skip
    for key, secret in made[::50]:
        found = gateway.keys.find(secret)
        assert found is not None and found.key_id == key.key_id
    assert gateway.keys.find("pt_live_unknown") is None
    if gateway.options.database_url is None:
        with gateway.database.transaction("ws_dev") as statements:
            [plan] = statements.run("explain query plan select * from api_key where lookup = :x", x="y")
        assert "api_key_lookup" in plan["detail"]


@on_files
@pytest.mark.parametrize(
    "token", ["", "x", "pt_live_" + "a" * 43, "Bearer", "é", "x" * 10_000, "a.b.c", "pt_server_token"]
)
def test_what_is_no_credential_is_a_401_without_details(client: Any, token: str) -> None:
    answer = client.get("/api/sessions", headers={"Authorization": f"Bearer {token}".encode()})
    assert answer.status_code == 401
    assert token == "" or token not in answer.json()["detail"] or token in ("x", "Bearer")
    assert answer.headers["www-authenticate"] == "Bearer"


@on_files
def test_guessing_is_slowed_down(options: Options) -> None:
    with serving(replace(options, limits=replace(options.limits, failures_per_s=1.0))) as client:
        answers = [client.get("/api/sessions", headers=bearer(f"guess{n}")).status_code for n in range(8)]
        assert answers[0] == 401 and answers[-1] == 429
        assert client.get("/api/sessions").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"console_token": "pt_console_token"},
        {"server_token": "pt_server_token"},
        {"console_token": "short"},
        {"console_token": "x" * 40, "api_key": "pt_dev_key"},
        {"mode": "supabase"},
    ],
)
def test_a_gateway_for_others_does_not_start_with_known_or_missing_secrets(changes: dict[str, Any]) -> None:
    with pytest.raises(BadOptions):
        Options(**{"mode": "token", **changes}).checked()


def test_well_known_keys_open_nothing_but_a_gateway_of_this_machine(tmp_path: Path) -> None:
    options = Options(mode="token", directory=tmp_path / "gateway", console_token="x" * 40)
    with serving(options) as client:
        for token in ("pt_dev_key", "pt_console_token", "pt_server_token"):
            assert client.get("/api/sessions", headers=bearer(token)).status_code == 401
        assert client.get("/api/sessions", headers=bearer("x" * 40)).status_code == 200
