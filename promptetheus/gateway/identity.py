"""Who asks, and for which project."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple


class Scope(StrEnum):
    """What a credential allows."""

    INGEST = "ingest"
    """Send events, artifacts and runtime notes."""
    READ = "read"
    """Read what the project holds."""
    ADMIN = "admin"
    """Change the project: its keys, its retention, its sessions."""


EVERY_SCOPE = frozenset(Scope)
DEFAULT_SCOPES = frozenset({Scope.INGEST, Scope.READ})


class Tenant(NamedTuple):
    """A project and the workspace it belongs to."""

    workspace_id: str
    project_id: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Whom a credential stands for."""

    kind: Literal["api_key", "console", "server"]
    scopes: frozenset[Scope]
    workspace_id: str | None = None
    """None for a user without a workspace yet, and for the server token."""
    project_id: str | None = None
    """Set for a key: it sees this project and no other."""
    user_id: str = ""
    role: str = ""
    key_id: str = ""

    @property
    def actor(self) -> str:
        """As the audit log names them."""
        return f"{self.kind}:{self.key_id or self.user_id}".rstrip(":")
