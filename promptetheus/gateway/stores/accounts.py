"""Workspaces, their members, projects and agents, and the audit log."""

from __future__ import annotations

import secrets
from typing import Any, NamedTuple

from promptetheus.clock import now_timestamp
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.stores.database import (
    EVERY_WORKSPACE,
    Database,
    Row,
    as_document,
    document,
    moment,
)

MAX_AUDIT_ROWS = 500


def new_id(prefix: str) -> str:
    """`proj_` and 12 random hex digits."""
    return f"{prefix}_{secrets.token_hex(6)}"


class Membership(NamedTuple):
    """A user's place in a workspace."""

    workspace_id: str
    user_id: str
    role: str
    created_at: str


class Accounts:
    """Reads and writes these tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ensure(self, workspace_id: str, project_id: str, user_id: str) -> None:
        """The workspace, project and owner that a gateway starts with."""
        now = now_timestamp()
        with self._database.transaction(workspace_id) as statements:
            statements.run(
                "insert into workspace (id, name, created_at) values (:id, :name, :now) on conflict do nothing",
                id=workspace_id, name="Promptetheus Workspace", now=now,
            )  # fmt: skip
            statements.run(
                "insert into project (id, workspace_id, name, retention_days, created_at) "
                "values (:id, :workspace, :name, null, :now) on conflict do nothing",
                id=project_id, workspace=workspace_id, name="Default Project", now=now,
            )  # fmt: skip
            statements.run(
                "insert into member (workspace_id, user_id, role, created_at) "
                "values (:workspace, :user_id, 'owner', :now) on conflict do nothing",
                workspace=workspace_id, user_id=user_id, now=now,
            )  # fmt: skip

    def membership(self, user_id: str, workspace_id: str | None = None) -> Membership | None:
        """The user's place in this workspace, or in the first that took them in."""
        with self._database.transaction(EVERY_WORKSPACE) as statements:
            rows = statements.run(
                "select workspace_id, user_id, role, created_at from member where user_id = :user_id "
                "order by created_at, workspace_id",
                user_id=user_id,
            )
        for row in rows:
            if workspace_id in (None, row["workspace_id"]):
                return Membership(
                    row["workspace_id"], row["user_id"], row["role"], moment(row["created_at"]) or ""
                )
        return None

    def add_workspace(self, name: str, owner: str) -> Row:
        """A new workspace with its owner."""
        workspace_id, now = new_id("ws"), now_timestamp()
        with self._database.transaction(workspace_id) as statements:
            statements.run(
                "insert into workspace (id, name, created_at) values (:id, :name, :now)",
                id=workspace_id, name=name, now=now,
            )  # fmt: skip
            statements.run(
                "insert into member (workspace_id, user_id, role, created_at) "
                "values (:workspace, :user_id, 'owner', :now)",
                workspace=workspace_id, user_id=owner, now=now,
            )  # fmt: skip
        return {"id": workspace_id, "name": name, "created_at": now}

    def workspace(self, workspace_id: str) -> Row | None:
        """A workspace as the API shows it."""
        with self._database.transaction(workspace_id) as statements:
            rows = statements.run(
                "select id, name, created_at from workspace where id = :id", id=workspace_id
            )
        return {**rows[0], "created_at": moment(rows[0]["created_at"])} if rows else None

    def projects(self, workspace_id: str) -> list[Row]:
        """The projects of a workspace, the first made first."""
        with self._database.transaction(workspace_id) as statements:
            rows = statements.run(
                "select id, workspace_id, name, retention_days, created_at from project "
                "where workspace_id = :workspace order by created_at, id",
                workspace=workspace_id,
            )
        return [{**row, "created_at": moment(row["created_at"])} for row in rows]

    def project(self, workspace_id: str, project_id: str) -> Row | None:
        """A project of this workspace."""
        return next((row for row in self.projects(workspace_id) if row["id"] == project_id), None)

    def add_project(self, workspace_id: str, name: str) -> tuple[Row, bool]:
        """The project of this name, and whether it was made now."""
        now = now_timestamp()
        with self._database.transaction(workspace_id) as statements:
            # Two calls at once make one project: the workspace's row is held meanwhile.
            statements.run("update workspace set name = name where id = :id", id=workspace_id)
            rows = statements.run(
                "select id, workspace_id, name, retention_days, created_at from project "
                "where workspace_id = :workspace and name = :name order by created_at, id",
                workspace=workspace_id, name=name,
            )  # fmt: skip
            if rows:
                return {**rows[0], "created_at": moment(rows[0]["created_at"])}, False
            project_id = new_id("proj")
            statements.run(
                "insert into project (id, workspace_id, name, retention_days, created_at) "
                "values (:id, :workspace, :name, null, :now)",
                id=project_id, workspace=workspace_id, name=name, now=now,
            )  # fmt: skip
        row = {"id": project_id, "workspace_id": workspace_id, "name": name}
        return {**row, "retention_days": None, "created_at": now}, True

    def change_project(self, tenant: Tenant, changes: dict[str, Any]) -> None:
        """Set `name` and `retention_days` where they are given."""
        with self._database.transaction(tenant.workspace_id) as statements:
            for column in ("name", "retention_days"):
                if column in changes:
                    statements.run(
                        f"update project set {column} = :value where id = :id and workspace_id = :workspace",
                        value=changes[column], id=tenant.project_id, workspace=tenant.workspace_id,
                    )  # fmt: skip

    def with_retention(self) -> list[tuple[Tenant, int]]:
        """All projects that have a retention, and its days."""
        with self._database.transaction(EVERY_WORKSPACE) as statements:
            rows = statements.run(
                "select id, workspace_id, retention_days from project where retention_days is not null "
                "order by id"
            )
        return [(Tenant(row["workspace_id"], row["id"]), row["retention_days"]) for row in rows]

    def find_project(self, project_id: str) -> Tenant | None:
        """Whose a project is; for operators."""
        with self._database.transaction(EVERY_WORKSPACE) as statements:
            rows = statements.run("select id, workspace_id from project where id = :id", id=project_id)
        return Tenant(rows[0]["workspace_id"], rows[0]["id"]) if rows else None

    def agents(self, tenants: list[Tenant]) -> list[Row]:
        """The agents of these projects."""
        found: list[Row] = []
        for tenant in tenants:
            with self._database.transaction(tenant.workspace_id) as statements:
                found += statements.run(
                    "select id, workspace_id, project_id, name, created_at from agent "
                    "where project_id = :project order by created_at, id",
                    project=tenant.project_id,
                )
        return [{**row, "created_at": moment(row["created_at"])} for row in found]

    def add_agent(self, tenant: Tenant, name: str) -> tuple[Row, bool]:
        """The agent of this name in the project, and whether it was made now."""
        with self._database.transaction(tenant.workspace_id) as statements:
            made = statements.run(
                "insert into agent (project_id, id, workspace_id, name, created_at) "
                "values (:project, :id, :workspace, :name, :now) "
                "on conflict (project_id, name) do nothing returning id",
                project=tenant.project_id, id=new_id("agent"), workspace=tenant.workspace_id,
                name=name, now=now_timestamp(),
            )  # fmt: skip
        row = next(row for row in self.agents([tenant]) if row["name"] == name)
        return row, bool(made)

    def note(self, tenant: Tenant, action: str, actor: str, details: dict[str, Any] | None = None) -> None:
        """A line in the audit log. Never a secret: ids, names and counts."""
        with self._database.transaction(tenant.workspace_id) as statements:
            statements.run(
                "insert into audit (project_id, id, workspace_id, at, action, actor, details) "
                "values (:project, :id, :workspace, :now, :action, :actor, :details)",
                project=tenant.project_id, id=new_id("audit"), workspace=tenant.workspace_id,
                now=now_timestamp(), action=action, actor=actor, details=as_document(details or {}),
            )  # fmt: skip

    def audit(self, workspace_id: str, project_id: str | None, limit: int) -> list[Row]:
        """The newest lines of the audit log."""
        with self._database.transaction(workspace_id) as statements:
            rows = statements.run(
                "select id, workspace_id, project_id, at, action, actor, details from audit "
                "where workspace_id = :workspace and (project_id = :project or :project = '') "
                "order by at desc, id limit :limit",
                workspace=workspace_id, project=project_id or "", limit=min(limit, MAX_AUDIT_ROWS),
            )  # fmt: skip
        return [{**row, "at": moment(row["at"]), "details": document(row["details"])} for row in rows]
