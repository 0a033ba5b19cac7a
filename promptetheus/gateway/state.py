"""Everything that a running gateway is made of, put together once from its options."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from promptetheus.gateway.blobs import Blobs, LocalBlobs, S3Blobs, SupabaseBlobs
from promptetheus.gateway.hub import Hub
from promptetheus.gateway.limits import RateLimit, Share
from promptetheus.gateway.metrics import Metrics
from promptetheus.gateway.options import BadOptions, Options
from promptetheus.gateway.stores.accounts import Accounts
from promptetheus.gateway.stores.database import Database
from promptetheus.gateway.stores.events import EventStore
from promptetheus.gateway.stores.keys import Keys
from promptetheus.gateway.stores.records import Records

if TYPE_CHECKING:
    from promptetheus.gateway.stores.postgres_news import PostgresNews


@dataclass
class Gateway:
    """The parts of a gateway."""

    options: Options
    database: Database
    events: EventStore
    blobs: Blobs
    shared_news: PostgresNews | None = None
    """What gateways on the same store stored, this one among them; None: nobody else writes to it."""
    hub: Hub = field(default_factory=Hub)
    metrics: Metrics = field(default_factory=Metrics)

    def __post_init__(self) -> None:
        limits = self.options.limits
        self.accounts = Accounts(self.database)
        self.keys = Keys(self.database)
        self.records = Records(self.database)
        self.request_rate = RateLimit(limits.requests_per_s)
        self.failure_rate = RateLimit(limits.failures_per_s)
        self.streams = Share("open streams", limits.streams, limits.streams_per_project)
        self.intake = Share("bytes in flight", limits.intake_bytes, limits.intake_bytes)
        for name, text in _METRICS:
            self.metrics.describe(name, text)
        self.metrics.gauge("streams", "Open event streams.", lambda: self.streams.used)
        self.metrics.gauge("intake_bytes", "Bytes of bodies in flight.", lambda: self.intake.used)

    def close(self) -> None:
        """Close files and connections."""
        self.events.close()
        self.blobs.close()
        self.database.close()


_METRICS = (
    ("requests_total", "Requests by route and status."),
    ("request_seconds", "Time from the head of a request to the end of its answer."),
    ("events_total", "Events by what became of them: stored, duplicate or rejected."),
    ("event_bytes_total", "Bytes of bodies of events, inflated."),
    ("artifacts_total", "Artifacts received."),
    ("credentials_refused_total", "Requests without valid credentials."),
    ("sessions_deleted_total", "Sessions deleted by retention or by hand."),
)


def open_gateway(options: Options) -> Gateway:
    """A gateway with these options. Raises BadOptions and StoreUnavailable."""
    options = options.checked()
    blobs = _blobs(options)
    if options.database_url:
        from promptetheus.gateway.stores.postgres import PostgresDatabase
        from promptetheus.gateway.stores.postgres_events import PostgresEvents

        database = PostgresDatabase(options.database_url, options.pool_size)
        events = PostgresEvents(database)
        gateway = Gateway(options, database, events, blobs, events.news)
    else:
        from promptetheus.gateway.stores.embedded import EmbeddedStore
        from promptetheus.gateway.stores.sqlite import SqliteDatabase

        files = EmbeddedStore(options.directory)
        tables = SqliteDatabase(options.directory / "gateway.db")
        gateway = Gateway(options, tables, files, blobs)
    if options.mode != "supabase":
        gateway.accounts.ensure(options.workspace_id, options.project_id, options.user_id)
    return gateway


def _blobs(options: Options) -> Blobs:
    match options.artifact_storage:
        case "local":
            return LocalBlobs(options.directory)
        case "s3":
            if not (options.s3_endpoint and options.s3_access_key and options.s3_secret_key):
                raise BadOptions(
                    "PROMPTETHEUS_ARTIFACT_STORAGE=s3 needs PROMPTETHEUS_S3_ENDPOINT, AWS_ACCESS_KEY_ID and "
                    "AWS_SECRET_ACCESS_KEY"
                )
            return S3Blobs(
                options.s3_endpoint,
                options.s3_region,
                options.bucket,
                options.s3_access_key,
                options.s3_secret_key,
            )
        case "supabase":
            if not (options.supabase_url and options.supabase_key):
                raise BadOptions(
                    "PROMPTETHEUS_ARTIFACT_STORAGE=supabase needs SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY"
                )
            return SupabaseBlobs(options.supabase_url, options.supabase_key, options.bucket)
