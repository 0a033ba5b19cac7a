"""Project keys: hashes, scopes, expiry and rotation with an overlap in which the old key still works."""

from __future__ import annotations

import hmac
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from promptetheus.clock import format_timestamp, now_timestamp, parse_timestamp
from promptetheus.gateway.credentials import new_project_key, stored
from promptetheus.gateway.identity import Scope, Tenant
from promptetheus.gateway.stores.accounts import new_id
from promptetheus.gateway.stores.database import (
    EVERY_WORKSPACE,
    Database,
    Row,
    as_document,
    document,
    moment,
)

MAX_KEYS = 100
"""Of a project, with those that are revoked or expired left out."""

USED_STEP_S = 60.0
"""How exactly the last use of a key is known."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key, as far as it may be shown."""

    key_id: str
    tenant: Tenant
    name: str
    preview: str
    scopes: frozenset[Scope]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None

    def is_valid(self, now_s: float) -> bool:
        """Whether it opens anything."""
        expires = parse_timestamp(self.expires_at)
        return self.revoked_at is None and (expires is None or now_s < expires)

    def as_json(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.key_id,
            "project_id": self.tenant.project_id,
            "name": self.name,
            "preview": self.preview,
            "scopes": sorted(self.scopes),
            "created_at": self.created_at,
            "expires_at": self.expires_at,
            "last_used_at": self.last_used_at,
            "revoked_at": self.revoked_at,
        }


class TooManyKeys(ValueError):
    """The project has as many keys as it may have."""


class Keys:
    """Reads and writes keys. The key itself is given out once and never kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._used_s: dict[str, float] = {}

    def add(
        self, tenant: Tenant, name: str, scopes: Iterable[Scope], expires_at: str | None = None
    ) -> tuple[Key, str]:
        """A new key and its text. Raises TooManyKeys."""
        secret = new_project_key()
        kept = stored(secret)
        valid = [key for key in self.of_project(tenant) if key.is_valid(time.time())]
        if len(valid) >= MAX_KEYS:
            raise TooManyKeys(f"a project has at most {MAX_KEYS} keys: revoke one first")
        row: Row = {
            "project_id": tenant.project_id,
            "id": new_id("key"),
            "workspace_id": tenant.workspace_id,
            "name": name,
            "lookup": kept.lookup,
            "digest": kept.digest,
            "preview": kept.preview,
            "scopes": as_document(sorted(scopes)),
            "created_at": now_timestamp(),
            "expires_at": expires_at,
        }
        with self._database.transaction(tenant.workspace_id) as statements:
            statements.run(
                f"insert into api_key ({', '.join(row)}) values ({', '.join(f':{name}' for name in row)})",
                **row,
            )
        return _key({**row, "last_used_at": None, "revoked_at": None}), secret

    def find(self, secret: str) -> Key | None:
        """The key of this text; whether it is still valid is the caller's to ask."""
        kept = stored(secret)
        with self._database.transaction(EVERY_WORKSPACE) as statements:
            rows = statements.run("select * from api_key where lookup = :lookup", lookup=kept.lookup)
        return next((_key(row) for row in rows if hmac.compare_digest(row["digest"], kept.digest)), None)

    def of_project(self, tenant: Tenant) -> list[Key]:
        """All keys of a project, the newest first."""
        with self._database.transaction(tenant.workspace_id) as statements:
            rows = statements.run(
                "select * from api_key where project_id = :project order by created_at desc, id",
                project=tenant.project_id,
            )
        return [_key(row) for row in rows]

    def rotate(self, tenant: Tenant, overlap_s: float) -> tuple[Key, str]:
        """A new key with the scopes of those before it, which end after the overlap. Raises TooManyKeys."""
        now = time.time()
        before = [key for key in self.of_project(tenant) if key.is_valid(now)]
        scopes = {scope for key in before for scope in key.scopes} or {Scope.INGEST, Scope.READ}
        made = self.add(tenant, "rotated", scopes)
        end = format_timestamp(now + overlap_s)
        with self._database.transaction(tenant.workspace_id) as statements:
            for key in before:
                known = parse_timestamp(key.expires_at)
                if known is None or known > now + overlap_s:
                    statements.run(
                        "update api_key set expires_at = :end where project_id = :project and id = :id",
                        end=end, project=tenant.project_id, id=key.key_id,
                    )  # fmt: skip
        return made

    def revoke(self, tenant: Tenant, key_id: str) -> bool:
        """End a key now; whether there was one."""
        with self._database.transaction(tenant.workspace_id) as statements:
            rows = statements.run(
                "update api_key set revoked_at = coalesce(revoked_at, :now) "
                "where project_id = :project and id = :id returning id",
                now=now_timestamp(), project=tenant.project_id, id=key_id,
            )  # fmt: skip
        return bool(rows)

    def used(self, key: Key) -> None:
        """Remember that a key was used, once a minute."""
        now = time.monotonic()
        if now - self._used_s.get(key.key_id, -USED_STEP_S) < USED_STEP_S:
            return
        self._used_s[key.key_id] = now
        with self._database.transaction(key.tenant.workspace_id) as statements:
            statements.run(
                "update api_key set last_used_at = :now where project_id = :project and id = :id",
                now=now_timestamp(), project=key.tenant.project_id, id=key.key_id,
            )  # fmt: skip


def _key(row: Row) -> Key:
    known = {scope.value for scope in Scope}
    return Key(
        row["id"],
        Tenant(row["workspace_id"], row["project_id"]),
        row["name"],
        row["preview"],
        frozenset(Scope(name) for name in document(row["scopes"]) if name in known),
        moment(row["created_at"]) or "",
        moment(row["expires_at"]),
        moment(row["last_used_at"]),
        moment(row["revoked_at"]),
    )
