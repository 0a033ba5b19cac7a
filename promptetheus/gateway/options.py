"""The settings of a gateway, from the environment: one table, printed by `promptetheus serve --settings`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Self

DEFAULT_PORT = 4318
DEFAULT_DIRECTORY = ".promptetheus/gateway"

DEV_API_KEY = "pt_dev_key"
DEV_CONSOLE_TOKEN = "pt_console_token"
KNOWN_TOKENS = frozenset({DEV_API_KEY, DEV_CONSOLE_TOKEN, "pt_server_token"})
"""Everybody knows them: they open nothing but a gateway that only this machine can reach."""

MIN_TOKEN_LENGTH = 24

Mode = Literal["dev", "token", "supabase"]
"""Who may use a console: anybody on this machine, who has the token, or whom Supabase has signed in."""


class BadOptions(ValueError):
    """The gateway cannot start like this; the message says why and what to do."""


@dataclass(frozen=True)
class Limits:
    """What a client may ask for. Each refusal says which limit it met."""

    body_bytes: int = 16 << 20
    """A body as it comes over the wire."""
    inflated_bytes: int = 64 << 20
    """A gzip body after inflation."""
    batch_events: int = 10_000
    artifact_bytes: int = 50 << 20
    body_timeout_s: float = 30.0
    """A body has to arrive in this time."""
    header_timeout_s: float = 10.0
    """The head of a request has to arrive in this time."""
    header_bytes: int = 64 << 10
    requests_per_s: float = 1000.0
    """Per key, on average; a burst may be twice as much."""
    failures_per_s: float = 10.0
    """Requests without valid credentials, per address."""
    streams: int = 500
    streams_per_project: int = 50
    connections: int = 2000
    intake_bytes: int = 256 << 20
    """Bodies being read or worked on at one time; beyond it clients are asked to wait."""


@dataclass(frozen=True)
class Options:
    """How a gateway runs."""

    mode: Mode = "token"
    directory: Path = Path(DEFAULT_DIRECTORY)
    """The embedded store: a spool per project and `gateway.db`; artifacts too, unless they have a bucket."""
    database_url: str | None = None
    """PostgreSQL; None: the embedded store."""
    api_key: str | None = None
    """A key of the first project, besides those in the store."""
    console_token: str | None = None
    server_token: str | None = None
    """For operators: retention and every workspace."""
    workspace_id: str = "ws_dev"
    project_id: str = "proj_dev"
    user_id: str = "user_dev"
    jwt_secret: str | None = None
    jwt_audience: str = "authenticated"
    artifact_storage: Literal["local", "s3", "supabase"] = "local"
    bucket: str = "artifacts"
    s3_endpoint: str | None = None
    s3_region: str = "us-east-1"
    s3_access_key: str | None = None
    s3_secret_key: str | None = None
    supabase_url: str | None = None
    supabase_key: str | None = None
    console_origins: tuple[str, ...] = ()
    """Web pages that a browser lets in. None: no page."""
    retention_hours: float = 1.0
    """How often sessions past their project's retention are deleted; 0: never by itself."""
    pool_size: int = 8
    """Connections to PostgreSQL."""
    limits: Limits = field(default_factory=Limits)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None, **given: Any) -> Self:
        """The options of this process; keyword arguments count more. Raises BadOptions."""
        source = os.environ if environment is None else environment
        found: dict[str, Any] = {}
        limits: dict[str, Any] = {}
        for row in VARIABLES:
            text = next((source[name] for name in row.names if source.get(name)), None)
            if text is None:
                continue
            try:
                value = row.read(text)
            except ValueError as error:
                raise BadOptions(f"{row.names[0]}: {error}") from None
            (limits if row.is_limit else found)[row.field] = value
        options = cls(**{**found, **{name: value for name, value in given.items() if value is not None}})
        return replace(options, limits=replace(options.limits, **limits))

    def checked(self) -> Self:
        """These options if a gateway may run with them. Raises BadOptions."""
        if self.mode == "dev":
            return self
        if self.mode == "supabase" and not self.jwt_secret:
            raise BadOptions("PROMPTETHEUS_AUTH_MODE=supabase needs SUPABASE_JWT_SECRET")
        if self.mode == "token" and not (self.console_token or self.server_token):
            raise BadOptions(
                "nobody could sign in: set PROMPTETHEUS_CONSOLE_TOKEN to a secret of your own "
                "(for example: openssl rand -base64 32), or run `promptetheus dev`"
            )
        for name, token in (
            ("PROMPTETHEUS_CONSOLE_TOKEN", self.console_token),
            ("PROMPTETHEUS_SERVER_TOKEN", self.server_token),
            ("PROMPTETHEUS_DEV_API_KEY", self.api_key),
        ):
            if token is not None and (token in KNOWN_TOKENS or len(token) < MIN_TOKEN_LENGTH):
                raise BadOptions(
                    f"{name} is well known or shorter than {MIN_TOKEN_LENGTH} characters: "
                    "take a random one (for example: openssl rand -base64 32)"
                )
        return self


def _number(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise ValueError("not a number of 0 or more")
    return number


def _whole(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("not a number of 0 or more")
    return number


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _one_of(*values: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in values:
            raise ValueError(f"one of {', '.join(values)}, not {text!r}")
        return text

    return read


class Variable(NamedTuple):
    """An environment variable: the option it sets and what it means."""

    field: str
    names: tuple[str, ...]
    read: Callable[[str], Any]
    meaning: str
    is_limit: bool = False


VARIABLES: tuple[Variable, ...] = (
    Variable(
        "mode", ("PROMPTETHEUS_AUTH_MODE",), _one_of("dev", "token", "supabase"), "who may use a console"
    ),
    Variable("directory", ("PROMPTETHEUS_GATEWAY_DIR",), Path, "where the embedded store lies"),
    Variable(
        "database_url", ("DATABASE_URL", "SUPABASE_DB_URL"), str, "PostgreSQL instead of the embedded store"
    ),
    Variable("api_key", ("PROMPTETHEUS_DEV_API_KEY",), str, "a key of the first project"),
    Variable("console_token", ("PROMPTETHEUS_CONSOLE_TOKEN",), str, "opens the console endpoints"),
    Variable("server_token", ("PROMPTETHEUS_SERVER_TOKEN",), str, "opens the operators' endpoints"),
    Variable("workspace_id", ("PROMPTETHEUS_DEV_WORKSPACE",), str, "id of the first workspace"),
    Variable("project_id", ("PROMPTETHEUS_DEV_PROJECT",), str, "id of the first project"),
    Variable("user_id", ("PROMPTETHEUS_DEV_USER",), str, "whom the console token stands for"),
    Variable("jwt_secret", ("SUPABASE_JWT_SECRET",), str, "signs the users' tokens (HS256)"),
    Variable("jwt_audience", ("SUPABASE_JWT_AUDIENCE",), str, "what these tokens are for"),
    Variable(
        "artifact_storage",
        ("PROMPTETHEUS_ARTIFACT_STORAGE",),
        _one_of("local", "s3", "supabase"),
        "where pictures and recordings lie",
    ),
    Variable(
        "bucket",
        ("PROMPTETHEUS_ARTIFACT_BUCKET", "PROMPTETHEUS_SUPABASE_ARTIFACT_BUCKET"),
        str,
        "their bucket",
    ),
    Variable(
        "s3_endpoint", ("PROMPTETHEUS_S3_ENDPOINT", "AWS_ENDPOINT_URL_S3"), str, "URL of the S3 service"
    ),
    Variable("s3_region", ("AWS_REGION", "AWS_DEFAULT_REGION"), str, "its region"),
    Variable("s3_access_key", ("AWS_ACCESS_KEY_ID",), str, "its access key"),
    Variable("s3_secret_key", ("AWS_SECRET_ACCESS_KEY",), str, "its secret key"),
    Variable("supabase_url", ("SUPABASE_URL",), str, "URL of the Supabase project"),
    Variable("supabase_key", ("SUPABASE_SERVICE_ROLE_KEY",), str, "its service role key, for storage"),
    Variable("console_origins", ("PROMPTETHEUS_CONSOLE_ORIGINS",), _names, "web pages that may call (none)"),
    Variable(
        "retention_hours", ("PROMPTETHEUS_RETENTION_HOURS",), _number, "how often retention runs; 0: never"
    ),
    Variable("pool_size", ("PROMPTETHEUS_POOL_SIZE",), _whole, "connections to PostgreSQL"),
    Variable("artifact_bytes", ("PROMPTETHEUS_MAX_ARTIFACT_BYTES",), _whole, "largest artifact", True),
    Variable("body_bytes", ("PROMPTETHEUS_MAX_BODY_BYTES",), _whole, "largest body on the wire", True),
    Variable("inflated_bytes", ("PROMPTETHEUS_MAX_INFLATED_BYTES",), _whole, "largest body after gzip", True),
    Variable("batch_events", ("PROMPTETHEUS_MAX_BATCH_EVENTS",), _whole, "events in a batch", True),
    Variable("requests_per_s", ("PROMPTETHEUS_REQUESTS_PER_SECOND",), _number, "requests per key", True),
    Variable("streams", ("PROMPTETHEUS_MAX_STREAMS",), _whole, "open event streams", True),
    Variable("connections", ("PROMPTETHEUS_MAX_CONNECTIONS",), _whole, "open connections", True),
)
"""Every variable that a gateway reads, in the order of the help."""


def gateway_directory() -> Path:
    """Where the embedded store of this machine's gateway lies."""
    return Path(os.environ.get("PROMPTETHEUS_GATEWAY_DIR") or DEFAULT_DIRECTORY)


def defaults() -> dict[str, Any]:
    """Default of each option and limit, by field name."""
    found = {item.name: getattr(Options(), item.name) for item in fields(Options) if item.name != "limits"}
    return {**found, **{item.name: getattr(Limits(), item.name) for item in fields(Limits)}}
