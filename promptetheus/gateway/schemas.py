"""The shapes of requests and answers, for the API's description."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Open(BaseModel):
    """An object that may have further fields."""

    model_config = ConfigDict(extra="allow")


class Detail(BaseModel):
    """Why a request was refused."""

    detail: str


class Rejection(BaseModel):
    """An event that was not stored."""

    index: int
    idempotency_key: str | None = None
    reason: str


class Accounting(BaseModel):
    """What became of a batch: both add up to what was sent."""

    accepted: int
    rejected: list[Rejection]


class Session(Open):
    """A session as lists show it."""

    id: str
    session_id: str
    workspace_id: str
    project_id: str
    agent: str
    user_goal: str
    environment: str
    status: Literal["running", "passed", "failed goal", "failed", "crashed", "completed", "empty"]
    started_at: str | None
    ended_at: str | None
    duration_ms: float | None
    event_count: int
    error_count: int
    cost_usd: float | None
    fingerprint: str
    labels: list[str]


class Sessions(BaseModel):
    """A page of sessions."""

    sessions: list[Session]
    next_cursor: str | None


class OneSession(BaseModel):
    """A session."""

    session: Session


class Events(BaseModel):
    """A page of events, by seq."""

    events: list[dict[str, Any]]
    next_cursor: str | None


class Trace(BaseModel):
    """A declared trace."""

    trace: dict[str, Any]


class Artifact(BaseModel):
    """A stored artifact."""

    artifact_id: str
    session_id: str
    workspace_id: str
    project_id: str
    storage_path: str
    content_type: str
    size_bytes: int
    filename: str
    artifact_type: str


class OneArtifact(BaseModel):
    """A stored artifact."""

    artifact: Artifact


class SignedArtifact(BaseModel):
    """Where an artifact's bytes are given without a key for a while."""

    artifact_id: str
    signed_url: str | None
    expires_in: int


class Artifacts(BaseModel):
    """The artifacts of a session."""

    artifacts: list[Artifact]


class Analysis(BaseModel):
    """How a session failed, if it did."""

    analysis: dict[str, Any] | None


class Project(Open):
    """A project."""

    id: str
    workspace_id: str
    name: str
    retention_days: int | None
    created_at: str | None


class OneProject(BaseModel):
    """A project."""

    project: Project


class Projects(BaseModel):
    """The projects of a workspace, and who asks."""

    workspace: dict[str, Any]
    projects: list[Project]


class ApiKey(BaseModel):
    """A key, as far as it may be shown."""

    id: str
    project_id: str
    name: str
    preview: str
    scopes: list[Literal["ingest", "read", "admin"]]
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None


class ApiKeys(BaseModel):
    """The keys of a project."""

    keys: list[ApiKey]


class NewKey(BaseModel):
    """A new key. This is the only time that it is shown."""

    project: Project
    api_key: str
    api_key_preview: str
    key: ApiKey


class Bootstrapped(BaseModel):
    """What `promptetheus init` needs to know."""

    workspace: dict[str, Any]
    membership: dict[str, Any]
    project: dict[str, Any]
    api_key: str | None
    api_key_preview: str | None
    agent: dict[str, Any] | None
    created_workspace: bool
    created_project: bool
    api_key_created: bool


class Agents(BaseModel):
    """The agents of a workspace."""

    agents: list[dict[str, Any]]


class OneAgent(BaseModel):
    """An agent."""

    agent: dict[str, Any]


class Incident(Open):
    """A way of failing, in one project."""

    id: str
    project_id: str
    fingerprint: str
    label: str
    status: Literal["new", "triaged", "fixing", "verified", "ignored"]
    life: Literal["new", "recurring", "gone", "back"]
    severity: Literal["medium", "high"]
    session_count: int


class Incidents(BaseModel):
    """The ways of failing, the one seen last first."""

    incidents: list[Incident]


class OneIncident(BaseModel):
    """A way of failing."""

    incident: Incident


class Context(BaseModel):
    """Everything that a person or a coding agent needs to look at an incident."""

    context: dict[str, Any]


class Memory(BaseModel):
    """Runtime notes."""

    memory: list[dict[str, Any]] | dict[str, Any]


class ToolCall(Open):
    """What is known of such a call."""

    seen_recently: bool
    attempt_count: int
    failure_count: int
    fingerprint: str
    hint: dict[str, Any] | None


class Heartbeat(BaseModel):
    """The latest sign of life."""

    heartbeat: dict[str, Any]


class Hint(BaseModel):
    """What the agent should know before it goes on."""

    hint: dict[str, Any] | None


class Audit(BaseModel):
    """The newest lines of the audit log."""

    audit: list[dict[str, Any]]


class Retention(BaseModel):
    """What a run of retention found and deleted."""

    retention: dict[str, Any]


class Health(BaseModel):
    """The gateway answers."""

    status: Literal["ok"]


class Deleted(BaseModel):
    """It is gone."""

    deleted: bool = Field(default=True)


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: {"model": Detail, "description": text}
    for status, text in (
        (400, "The request cannot be read."),
        (401, "No valid credentials."),
        (403, "The credentials do not allow this."),
        (404, "There is no such thing here."),
        (408, "The body came too slowly."),
        (413, "Larger than allowed."),
        (415, "A kind of content that is not taken."),
        (429, "Too many requests: see Retry-After."),
        (500, "A mistake of the gateway."),
        (503, "Try again: see Retry-After."),
    )
}
"""What any route may answer instead."""
