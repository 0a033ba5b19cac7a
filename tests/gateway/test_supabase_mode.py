"""Users whom Supabase has signed in, and the tokens that say so."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from promptetheus.gateway.credentials import verified_claims
from promptetheus.gateway.options import Options
from tests.builders import a_failing_booking
from tests.gateway.conftest import serving
from tests.gateway.test_keys import bearer

SECRET = "a-secret-of-supabase-that-signs-the-tokens"


def encoded(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def token(secret: str = SECRET, algorithm: str = "HS256", **claims: Any) -> str:
    told = {"sub": "user-1", "aud": "authenticated", "exp": time.time() + 3600, **claims}
    head = f"{encoded({'alg': algorithm, 'typ': 'JWT'})}.{encoded(told)}"
    signature = hmac.new(secret.encode(), head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.fixture
def signed_in(options: Options) -> Iterator[Any]:
    with serving(
        replace(options, mode="supabase", jwt_secret=SECRET, api_key=None, console_token=None)
    ) as client:
        yield client


def test_a_signed_token_is_believed() -> None:
    claims = verified_claims(token(), SECRET, "authenticated", time.time())
    assert claims is not None and claims["sub"] == "user-1"
    assert verified_claims(token(aud=["x", "authenticated"]), SECRET, "authenticated", time.time())
    assert verified_claims(token(aud="x"), SECRET, "", time.time())


@pytest.mark.parametrize(
    "bad",
    [
        token("another secret"),
        token(algorithm="none"),
        token(algorithm="RS256"),
        token(exp=time.time() - 3600),
        token(exp=None),
        token(exp="9999999999"),
        token(nbf=time.time() + 3600),
        token(aud="anon"),
        token(sub=""),
        token(sub=5),
        token().rpartition(".")[0] + ".",
        token()[:-2] + "AA",
        f"{encoded({'alg': 'none'})}.{encoded({'sub': 'u', 'exp': 9999999999})}.",
        "a.b.c",
        "...",
        "é.é.é",
        "",
    ],
)
def test_any_other_token_is_not(bad: str) -> None:
    assert verified_claims(bad, SECRET, "authenticated", time.time()) is None


def test_a_user_sets_up_a_workspace_and_sees_nothing_of_others(signed_in: Any) -> None:
    first, second = bearer(token(sub="user-1")), bearer(token(sub="user-2"))
    assert signed_in.get("/api/sessions", headers=first).status_code == 403
    made = signed_in.post("/api/onboarding/bootstrap", json={"project_name": "One"}, headers=first).json()
    theirs = signed_in.post("/api/onboarding/bootstrap", json={"project_name": "Two"}, headers=second).json()
    assert made["created_workspace"] and made["workspace"]["id"] != theirs["workspace"]["id"]
    built = a_failing_booking("s1")
    key = bearer(made["api_key"])
    assert (
        signed_in.post("/api/traces/s1/events", json={"events": built.events}, headers=key).status_code == 200
    )
    assert len(signed_in.get("/api/sessions", headers=first).json()["sessions"]) == 1
    assert signed_in.get("/api/sessions", headers=second).json()["sessions"] == []
    assert signed_in.get("/api/traces/s1/events", headers=second).status_code == 404
    project = made["project"]["id"]
    assert signed_in.get(f"/api/projects/{project}/keys", headers=second).status_code == 404
    workspace = {**second, "X-Promptetheus-Workspace-Id": made["workspace"]["id"]}
    assert signed_in.get("/api/sessions", headers=workspace).status_code == 401


def test_a_claim_of_a_workspace_is_not_believed(signed_in: Any) -> None:
    owner = bearer(token(sub="user-1"))
    made = signed_in.post("/api/onboarding/bootstrap", json={}, headers=owner).json()
    forged = bearer(token(sub="user-3", workspace_id=made["workspace"]["id"], role="owner"))
    assert signed_in.get("/api/sessions", headers=forged).status_code == 403


def test_known_tokens_open_nothing(signed_in: Any) -> None:
    for known in ("pt_dev_key", "pt_console_token", "pt_server_token"):
        assert signed_in.get("/api/sessions", headers=bearer(known)).status_code == 401
