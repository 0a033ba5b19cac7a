"""What a project has besides its events: declared traces, names of artifacts, states of incidents, runtime notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from promptetheus.clock import now_timestamp
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.stores.database import Database, Row, as_document, document, moment

MAX_WAITING_TRACES = 1000
"""Declared traces without events that a list shows."""


@dataclass(frozen=True, slots=True)
class ArtifactRecord:
    """A stored picture, recording or large value of a session."""

    artifact_id: str
    """SHA-256 of the content."""
    session_id: str
    storage_path: str
    content_type: str
    filename: str
    artifact_type: str
    size_bytes: int


class Records:
    """Reads and writes these tables."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def declare_trace(self, tenant: Tenant, trace_id: str, body: dict[str, Any]) -> Row:
        """Make or change a trace; what it was declared with before stays where nothing new is said."""
        with self._database.transaction(tenant.workspace_id) as statements:
            rows = statements.run(
                "select body, created_at from trace where project_id = :project and id = :id",
                project=tenant.project_id, id=trace_id,
            )  # fmt: skip
            known = {**document(rows[0]["body"]), **body} if rows else body
            rows = statements.run(
                "insert into trace (project_id, id, workspace_id, body, created_at) "
                "values (:project, :id, :workspace, :body, :now) "
                "on conflict (project_id, id) do update set body = excluded.body returning created_at",
                project=tenant.project_id, id=trace_id, workspace=tenant.workspace_id,
                body=as_document(known), now=now_timestamp(),
            )  # fmt: skip
        return {**known, "id": trace_id, "started_at": moment(rows[0]["created_at"])}

    def trace(self, tenant: Tenant, trace_id: str) -> Row | None:
        """What a trace was declared with."""
        with self._database.transaction(tenant.workspace_id) as statements:
            rows = statements.run(
                "select id, body, created_at from trace where project_id = :project and id = :id",
                project=tenant.project_id, id=trace_id,
            )  # fmt: skip
        return _trace(rows[0]) if rows else None

    def traces_without_events(self, tenant: Tenant) -> list[Row]:
        """Declared traces that have not sent anything, the newest first."""
        with self._database.transaction(tenant.workspace_id) as statements:
            rows = statements.run(
                "select id, body, created_at from trace where project_id = :project and has_events = 0 "
                "order by created_at desc, id limit :limit",
                project=tenant.project_id, limit=MAX_WAITING_TRACES,
            )  # fmt: skip
        return [_trace(row) for row in rows]

    def mark_begun(self, tenant: Tenant, trace_id: str) -> None:
        """The trace has events now."""
        with self._database.transaction(tenant.workspace_id) as statements:
            statements.run(
                "update trace set has_events = 1 where project_id = :project and id = :id and has_events = 0",
                project=tenant.project_id, id=trace_id,
            )  # fmt: skip

    def add_artifact(self, tenant: Tenant, record: ArtifactRecord) -> None:
        """Remember an artifact of a session; once, however often it comes."""
        with self._database.transaction(tenant.workspace_id) as statements:
            statements.run(
                "insert into artifact (project_id, artifact_id, session_id, workspace_id, storage_path, "
                "content_type, filename, artifact_type, size_bytes, created_at) values (:project, :id, "
                ":session, :workspace, :path, :content_type, :filename, :artifact_type, :size, :now) "
                "on conflict do nothing",
                project=tenant.project_id, id=record.artifact_id, session=record.session_id,
                workspace=tenant.workspace_id, path=record.storage_path, content_type=record.content_type,
                filename=record.filename, artifact_type=record.artifact_type, size=record.size_bytes,
                now=now_timestamp(),
            )  # fmt: skip

    def artifact(self, tenant: Tenant, artifact_id: str) -> ArtifactRecord | None:
        """An artifact of this project."""
        with self._database.transaction(tenant.workspace_id) as statements:
            rows = statements.run(
                "select * from artifact where project_id = :project and artifact_id = :id limit 1",
                project=tenant.project_id, id=artifact_id,
            )  # fmt: skip
        return _artifact(rows[0]) if rows else None

    def artifacts_of(self, tenant: Tenant, session_id: str) -> list[ArtifactRecord]:
        """The artifacts of a session."""
        with self._database.transaction(tenant.workspace_id) as statements:
            rows = statements.run(
                "select * from artifact where project_id = :project and session_id = :session "
                "order by created_at, artifact_id",
                project=tenant.project_id, session=session_id,
            )  # fmt: skip
        return [_artifact(row) for row in rows]

    def own_artifacts(self, tenant: Tenant, session_id: str) -> list[ArtifactRecord]:
        """The artifacts of a session that no other session has."""
        with self._database.transaction(tenant.workspace_id) as statements:
            rows = statements.run(
                "select * from artifact as own where project_id = :project and session_id = :session "
                "and not exists (select 1 from artifact as other where other.project_id = own.project_id "
                "and other.artifact_id = own.artifact_id and other.session_id <> own.session_id)",
                project=tenant.project_id, session=session_id,
            )  # fmt: skip
        return [_artifact(row) for row in rows]

    def forget_session(self, tenant: Tenant, session_id: str) -> None:
        """Delete what is kept of a session here."""
        with self._database.transaction(tenant.workspace_id) as statements:
            for table, column in (("trace", "id"), ("runtime", "session_id"), ("artifact", "session_id")):
                statements.run(
                    f"delete from {table} where project_id = :project and {column} = :id",
                    project=tenant.project_id, id=session_id,
                )  # fmt: skip

    def incident_states(self, tenant: Tenant) -> dict[str, Row]:
        """What people decided about failures, by fingerprint."""
        with self._database.transaction(tenant.workspace_id) as statements:
            rows = statements.run(
                "select fingerprint, status, owner_id, pr_url, status_at from incident where project_id = :project",
                project=tenant.project_id,
            )
        return {row["fingerprint"]: {**row, "status_at": moment(row["status_at"])} for row in rows}

    def set_incident(self, tenant: Tenant, fingerprint: str, state: Row) -> None:
        """Keep `status`, `owner_id`, `pr_url` and `status_at` of an incident."""
        with self._database.transaction(tenant.workspace_id) as statements:
            statements.run(
                "insert into incident (project_id, fingerprint, workspace_id, status, owner_id, pr_url, status_at) "
                "values (:project, :fingerprint, :workspace, :status, :owner_id, :pr_url, :status_at) "
                "on conflict (project_id, fingerprint) do update set status = excluded.status, "
                "owner_id = excluded.owner_id, pr_url = excluded.pr_url, status_at = excluded.status_at",
                project=tenant.project_id, fingerprint=fingerprint, workspace=tenant.workspace_id,
                status=state["status"], owner_id=state["owner_id"], pr_url=state["pr_url"],
                status_at=state["status_at"],
            )  # fmt: skip

    def runtime(self, tenant: Tenant, session_id: str) -> dict[str, Any] | None:
        """The runtime notes of a session."""
        with self._database.transaction(tenant.workspace_id) as statements:
            rows = statements.run(
                "select state from runtime where project_id = :project and session_id = :session",
                project=tenant.project_id, session=session_id,
            )  # fmt: skip
        return document(rows[0]["state"]) if rows else None

    def change_runtime(
        self, tenant: Tenant, session_id: str, change: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> None:
        """Replace the runtime notes by what `change` makes of them; one change at a time."""
        with self._database.transaction(tenant.workspace_id) as statements:
            # The row is made first, so that there is one to hold while it changes.
            rows = statements.run(
                "insert into runtime (project_id, session_id, workspace_id, state, updated_at) "
                "values (:project, :session, :workspace, '{}', :now) "
                "on conflict (project_id, session_id) do update set updated_at = excluded.updated_at "
                "returning state",
                project=tenant.project_id, session=session_id, workspace=tenant.workspace_id,
                now=now_timestamp(),
            )  # fmt: skip
            statements.run(
                "update runtime set state = :state where project_id = :project and session_id = :session",
                state=as_document(change(document(rows[0]["state"]))),
                project=tenant.project_id, session=session_id,
            )  # fmt: skip


def _trace(row: Row) -> Row:
    return {**document(row["body"]), "id": row["id"], "started_at": moment(row["created_at"])}


def _artifact(row: Row) -> ArtifactRecord:
    return ArtifactRecord(
        row["artifact_id"],
        row["session_id"],
        row["storage_path"],
        row["content_type"],
        row["filename"],
        row["artifact_type"],
        row["size_bytes"],
    )
