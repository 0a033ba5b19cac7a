"""Asking a gateway for a project and its key: `POST /api/onboarding/bootstrap`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from promptetheus.delivery.client import Client
from promptetheus.delivery.destination import Destination

TIMEOUT_S = 30.0


class BootstrapFailed(Exception):
    """There is no key; the text says why."""


class Project(NamedTuple):
    """What the gateway made or found."""

    workspace: str
    project: str
    api_key: str


def bootstrap(api_url: str, console_token: str, asked: Mapping[str, object]) -> Project:
    """A project with a key that is shown this once. Raises BootstrapFailed."""
    with Client(Destination(api_url, console_token, TIMEOUT_S)) as client:
        answer = client.post("/api/onboarding/bootstrap", orjson.dumps(dict(asked)))
    if not answer.is_ok:
        raise BootstrapFailed(answer.error if answer.status else f"it cannot be reached ({answer.error})")
    try:
        found = orjson.loads(answer.body)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise BootstrapFailed("its answer is no JSON object; is this a Promptetheus gateway?")
    key = found.get("api_key")
    if not isinstance(key, str) or not key:
        preview = found.get("api_key_preview")
        existing = f" Existing key: {preview}." if isinstance(preview, str) and preview else ""
        raise BootstrapFailed(
            f"the project has a key already, and a raw API key is not recoverable.{existing} "
            "`promptetheus init --new-key` gives another one beside it"
        )
    return Project(_name(found.get("workspace")), _name(found.get("project")), key)


def _name(found: Any) -> str:
    if not isinstance(found, Mapping):
        return "?"
    return str(found.get("name") or found.get("slug") or found.get("id") or "?")
